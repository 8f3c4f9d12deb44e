/* SPDX-License-Identifier: Apache-2.0 */
/* test_confine_paths: what a worker could do about the paths of its own walls before the next start: shut them away, lead them elsewhere,
 * mount over them; and walls within walls. Runs as root on a kernel with Landlock. */
#include "tests/unit/spawn_unit.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { BARE, MOUNTS, LANDLOCK, WAYS };

static const char *const way_names[WAYS] = { "bare", "mounts", "landlock" };

static char yard[64];

static int make_yard(void **state UNUSED)
{
	strcpy(yard, "/tmp/heapward-paths.XXXXXX");
	return mkdtemp(yard) == NULL ? -1 : 0;
}

static int remove_yard(void **state UNUSED)
{
	char command[100];
	snprintf(command, sizeof(command), "chmod -R u+rwx %s; rm -rf %s", yard, yard);
	return system(command);
}

static void shell(const char *script)
{
	char command[1000];
	snprintf(command, sizeof(command), "cd %s && { %s; }", yard, script);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static void wall(struct launch *launch, enum launch_access access, bool optional, const char *path)
{
	static char list[16][128];
	char *at = list[launch->path_count];
	snprintf(at, sizeof(list[0]), "%s%s%s", path[0] == '/' ? "" : yard, path[0] == '/' ? "" : "/", path);
	launch->paths[launch->path_count++] = (struct launch_path){ .access = access, .optional = optional, .path = at };
}

static struct launch launch_by(int way)
{
	static char *argv[] = { "bash", "-c", NULL, NULL };
	struct launch launch = launch_of(argv);
	if (way == MOUNTS)
		launch.fence = (struct launch_fence){ .namespaces = CLONE_NEWNS, .flags = LAUNCH_BY_MOUNTS };
	if (way == LANDLOCK)
		launch.fence = (struct launch_fence){ .landlock_abi = 2, .flags = LAUNCH_BY_LANDLOCK };
	if (way != BARE)
		launch.capabilities = "";
	return launch;
}

/* Is there a worker, and does its script succeed? */
static bool succeeds(struct launch *launch, const char *script, struct ran *ran)
{
	char command[600];
	snprintf(command, sizeof(command), "cd %s && %s", yard, script);
	launch->argv[2] = command;
	run(launch, ran);
	return !ran->step_failed && ran->status == 0;
}

static void assert_succeeds(struct launch *launch, const char *script, bool wanted, const char *way)
{
	struct ran ran;
	if (succeeds(launch, script, &ran) != wanted || ran.step_failed)
		fail_msg("%s: %s: %s", way, script, ran.step_failed ? ran.report.text : wanted ? "failed" : "succeeded");
}

static void what_is_hidden_in_an_empty_directory_is_not_there(void **state UNUSED)
{
	struct launch launch = launch_by(MOUNTS);
	shell("mkdir -p private/secret private/folder/kept hidden/own && touch private/file private/folder/kept/f");
	wall(&launch, LAUNCH_PRIVATE, false, "private");
	wall(&launch, LAUNCH_HIDDEN, true, "private/secret");
	wall(&launch, LAUNCH_HIDDEN, true, "private/file");
	wall(&launch, LAUNCH_HIDDEN, true, "private/folder");
	wall(&launch, LAUNCH_READ_ONLY, true, "private/folder/kept");
	wall(&launch, LAUNCH_HIDDEN, true, "hidden");
	wall(&launch, LAUNCH_PRIVATE, true, "hidden/own");
	assert_succeeds(&launch, "! test -e private/secret && ! test -e private/file && test -f private/folder/kept/f &&"
			" touch private/x hidden/own/x && ! ls hidden", true, "mounts");
	shell("! test -e private/x && ! test -e hidden/own/x");
}

/* What is closed stays where it is; what is beside it goes on being moved about. */
static void no_folder_around_what_is_closed_is_moved(void **state UNUSED)
{
	struct launch launch = launch_by(MOUNTS), bare = launch_by(BARE);
	shell("mkdir -p srv/web/own && touch srv/web/policy");
	wall(&launch, LAUNCH_READ_ONLY, true, "srv/web/policy");
	assert_succeeds(&launch, "! mv srv/web srv/x && ! mv srv x && touch srv/web/f && mv srv/web/f srv/web/own/ &&"
			" mv srv/web/own srv/web/other", true, "mounts");
	assert_succeeds(&bare, "mv srv/web srv/x && mv srv x", true, "bare");
}

/* Its files are no longer to be found, and are all the same: who has shut them away may open them again. */
static void what_is_shut_away_is_not_absent(void **state UNUSED)
{
	static const char *const script = "chmod 700 shut && echo x >shut/policy";
	shell("mkdir shut && touch shut/policy && chmod 777 . && chown -R nobody shut");
	for (int way = BARE; way < WAYS; way++) {
		struct launch launch = launch_by(way);
		shell("chmod 0 shut");
		if (way == MOUNTS) /* tried below: here root looks for them */
			continue;
		launch.set_user = true;
		launch.uid = launch.gid = 65534;
		wall(&launch, LAUNCH_READ_ONLY, true, "shut/policy");
		assert_succeeds(&launch, script, way == BARE, way_names[way]);
	}
}

/* As root in a container without the capabilities that pass by modes, and with the one that mounts. */
static int as_poor_root(void)
{
	static const int poor[] = { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH };
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];
	if (syscall(SYS_capget, &header, sets) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(poor); i++) {
		sets[0].effective &= ~(1u << poor[i]);
		sets[0].permitted &= ~(1u << poor[i]);
		sets[0].inheritable &= ~(1u << poor[i]);
		if (prctl(PR_CAPBSET_DROP, poor[i]) < 0)
			return -1;
	}
	return (int)syscall(SYS_capset, &header, sets);
}

static int try_as_poor_root(const char *script)
{
	struct ran ran;
	struct launch walled = launch_by(MOUNTS), bare = launch_by(BARE);
	wall(&walled, LAUNCH_READ_ONLY, true, "shut/policy");
	if (as_poor_root() < 0)
		return 1;
	if (succeeds(&walled, script, &ran) || ran.step_failed)
		return 2;
	return succeeds(&bare, script, &ran) ? 0 : 3;
}

static void what_is_shut_away_from_root_is_not_absent(void **state UNUSED)
{
	int status;
	shell("mkdir shut && touch shut/policy && chmod 0 shut");
	pid_t child = fork();
	if (child == 0)
		_exit(try_as_poor_root("chmod 700 shut && echo x >shut/policy"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void a_wall_that_cannot_be_found_fails_the_launch(void **state UNUSED)
{
	struct ran ran;
	shell("ln -s loop loop && touch file");
	for (int way = MOUNTS; way < WAYS; way++) {
		struct launch launch = launch_by(way);
		wall(&launch, LAUNCH_READ_ONLY, true, "loop/policy");
		assert_false(succeeds(&launch, "true", &ran));
		assert_true(ran.step_failed && ran.report.error == ELOOP);
		launch = launch_by(way);
		wall(&launch, LAUNCH_READ_ONLY, true, "absent/policy");
		wall(&launch, LAUNCH_READ_ONLY, true, "file/policy");
		assert_succeeds(&launch, "true", true, way_names[way]);
	}
}

/* The worker's own link in the place of what the policy gives it. */
static void a_link_in_an_open_place_opens_nothing(void **state UNUSED)
{
	struct ran ran;
	shell("mkdir -p closed/inner other/data mine && ln -s ../closed/inner mine/data && ln -s ../mine/data closed/two &&"
	      " ln -s ../other/data closed/link && ln -s ../other/data mine/link");
	for (int way = MOUNTS; way < WAYS; way++) {
		struct launch launch = launch_by(way);
		wall(&launch, LAUNCH_READ_WRITE, false, "mine/data"); /* before what it would open: the order does not count */
		wall(&launch, LAUNCH_READ_ONLY, false, "closed");
		assert_false(succeeds(&launch, "true", &ran));
		assert_true(ran.step_failed);
		assert_contains(ran.report.text, "by a link that the worker could change");
		launch.paths[0].optional = true;
		assert_succeeds(&launch, "touch closed/inner/x", false, way_names[way]);
		launch.paths[0].path = launch.paths[1].path;
		launch.paths[0].access = LAUNCH_READ_ONLY;
		wall(&launch, LAUNCH_READ_WRITE, true, "closed/two"); /* closed to the worker, and leads through what is not */
		assert_succeeds(&launch, "touch closed/inner/x", false, way_names[way]);
	}
}

/* What is hidden is not shown either. */
static void a_link_in_an_open_place_shows_nothing(void **state UNUSED)
{
	shell("mkdir -p secret/part mine && echo text >secret/part/f && ln -s ../secret/part mine/part");
	for (int way = BARE; way < WAYS; way++) {
		struct launch launch = launch_by(way);
		wall(&launch, LAUNCH_HIDDEN, true, "secret");
		wall(&launch, LAUNCH_READ_ONLY, true, "mine/part");
		assert_succeeds(&launch, "grep -q text secret/part/f", way == BARE, way_names[way]);
		launch = launch_by(way);
		wall(&launch, LAUNCH_HIDDEN, true, "secret");
		wall(&launch, LAUNCH_READ_ONLY, true, "secret/part");
		assert_succeeds(&launch, "grep -q text secret/part/f", true, way_names[way]);
	}
}

static void a_link_in_a_closed_place_opens_what_it_leads_to(void **state UNUSED)
{
	shell("mkdir -p closed other/data mine && ln -s ../other/data closed/link && ln -s ../other/data mine/link");
	for (int way = MOUNTS; way < WAYS; way++) {
		struct launch launch = launch_by(way);
		wall(&launch, LAUNCH_READ_ONLY, false, "closed");
		wall(&launch, LAUNCH_READ_ONLY, false, "other");
		wall(&launch, LAUNCH_READ_WRITE, false, "closed/link");
		assert_succeeds(&launch, "touch other/data/x && rm other/data/x && ! touch other/x", true, way_names[way]);
		/* Nothing is opened where nothing is closed. */
		launch = launch_by(way);
		wall(&launch, LAUNCH_READ_WRITE, false, "mine/link");
		assert_succeeds(&launch, "touch other/data/x && rm other/data/x", true, way_names[way]);
	}
}

/* Mounts a file system below `path` as soon as the worker waits for it. */
static void mount_when_awaited(const char *path)
{
	char file[200];
	snprintf(file, sizeof(file), "%s/shared/ready", yard);
	for (int i = 0; i < 2000 && access(file, F_OK) < 0; i++)
		usleep(10000);
	bool made = mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0;
	snprintf(file, sizeof(file), "%s/shared/%s", yard, made ? "made" : "failed");
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	_exit(0);
}

static bool later_mount_is_written(int way, const char *part)
{
	char shared[100], path[200], script[300];
	struct ran ran;
	snprintf(shared, sizeof(shared), "%s/shared", yard);
	snprintf(path, sizeof(path), "%s/%s/later", shared, part);
	assert_int_equal(mkdir(shared, 0755), 0);
	assert_int_equal(mount("tmpfs", shared, "tmpfs", 0, "size=1m"), 0);
	assert_int_equal(mount(NULL, shared, NULL, MS_SHARED, NULL), 0);
	shell("mkdir -p shared/ro/later shared/rw/later");
	pid_t helper = fork();
	if (helper == 0)
		mount_when_awaited(path);
	struct launch launch = launch_by(way);
	wall(&launch, LAUNCH_READ_ONLY, false, "shared/ro");
	snprintf(script, sizeof(script), "touch shared/ready && while ! test -e shared/made; do test ! -e shared/failed || exit 1; sleep 0.01; done;"
		 " touch shared/%s/later/x", part);
	bool written = succeeds(&launch, script, &ran);
	assert_int_equal(waitpid(helper, NULL, 0), helper);
	written &= access(path, F_OK) == 0;
	snprintf(script, sizeof(script), "%s/x", path);
	written &= access(script, F_OK) == 0;
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(umount2(shared, MNT_DETACH), 0);
	assert_int_equal(rmdir(shared), 0);
	return written;
}

static void what_is_mounted_later_comes_in_but_not_behind_a_wall(void **state UNUSED)
{
	assert_true(later_mount_is_written(BARE, "ro"));
	assert_true(later_mount_is_written(MOUNTS, "rw"));
	assert_false(later_mount_is_written(MOUNTS, "ro"));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, make_yard, remove_yard)
	const struct CMUnitTest tests[] = {
		T(what_is_hidden_in_an_empty_directory_is_not_there),
		T(no_folder_around_what_is_closed_is_moved),
		T(what_is_shut_away_is_not_absent),
		T(what_is_shut_away_from_root_is_not_absent),
		T(a_wall_that_cannot_be_found_fails_the_launch),
		T(a_link_in_an_open_place_opens_nothing),
		T(a_link_in_an_open_place_shows_nothing),
		T(a_link_in_a_closed_place_opens_what_it_leads_to),
		T(what_is_mounted_later_comes_in_but_not_behind_a_wall),
	};
	return cmocka_run_group_tests_name("confine paths", tests, NULL, NULL);
}
