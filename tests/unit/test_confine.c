/* SPDX-License-Identifier: Apache-2.0 */
/* test_confine: what heapward-child leaves of a worker's rights: session, signals, user, capabilities, limits, filter, group
 * and its tie to the supervisor, each seen from inside a real worker. Runs as root. */
#include "tests/unit/filter_unit.h"
#include "tests/unit/spawn_unit.h"

#include <inttypes.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define NOBODY 65534u

static void a_worker_leads_its_own_session_with_no_signal_blocked_or_ignored(void **state UNUSED)
{
	struct launch launch = launch_self("session");
	struct ran ran;
	sigset_t blocked, before;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	run(&launch, &ran);
	assert_false(ran.step_failed);
	assert_string_equal(ran.output, "session 1 group 1");
	run_status(&launch, &ran);
	sigset_t after;
	sigprocmask(SIG_SETMASK, &before, &after);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	assert_true(sigismember(&after, SIGTERM) && sigismember(&after, SIGCHLD) && !sigismember(&after, SIGUSR1));
	assert_contains(ran.output, "SigBlk:\t0000000000000000");
	assert_contains(ran.output, "SigIgn:\t0000000000000000");
}

/* Root's PATH often has directories of root's own. */
static void a_directory_in_path_that_the_user_may_not_search_hides_nothing(void **state UNUSED)
{
	static const struct {
		char *command;
		int error;
		const char *text;
	} rows[] = { { "no-such-tool", ENOENT, "no-such-tool (/tmp/heapward-closed" }, { "noexec", EACCES, "noexec" } };
	char closed[] = "/tmp/heapward-closed.XXXXXX", open_to_all[] = "/tmp/heapward-open.XXXXXX", path[128], file[64];
	assert_non_null(mkdtemp(closed)); /* 0700 */
	assert_non_null(mkdtemp(open_to_all));
	assert_int_equal(chmod(open_to_all, 0755), 0);
	snprintf(file, sizeof(file), "%s/noexec", open_to_all);
	assert_int_equal(close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), 0);
	snprintf(path, sizeof(path), "PATH=%s:/usr/bin:%s", closed, open_to_all);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *argv[] = { rows[i].command, NULL }, *environment[] = { path, NULL };
		struct launch launch = launch_of(argv);
		struct ran ran;
		launch.set_user = true;
		launch.uid = launch.gid = NOBODY;
		launch.environment = environment;
		run(&launch, &ran);
		assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_EXEC);
		assert_int_equal(ran.report.error, rows[i].error);
		assert_int_equal(strncmp(ran.report.text, rows[i].text, strlen(rows[i].text)), 0);
	}
	unlink(file);
	rmdir(open_to_all);
	rmdir(closed);
}

static void a_worker_becomes_its_user_with_just_its_groups(void **state UNUSED)
{
	char *argv[] = { "sh", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	launch.set_user = true;
	launch.uid = launch.gid = NOBODY;
	run_status(&launch, &ran);
	assert_contains(ran.output, "Uid:\t65534\t65534\t65534\t65534\n");
	assert_contains(ran.output, "Gid:\t65534\t65534\t65534\t65534\n");
	assert_contains(ran.output, "Groups:\t \n");
	assert_contains(ran.output, "CapPrm:\t0000000000000000\n");
	assert_contains(ran.output, "CapEff:\t0000000000000000\n");
	launch.gids[0] = 7;
	launch.gids[1] = 1234567;
	launch.gid_count = 2;
	run_status(&launch, &ran);
	assert_contains(ran.output, "Groups:\t7 1234567 \n");
}

/* All five sets, as /proc shows them. */
static void assert_capabilities(const struct launch *asked, uint64_t both, uint64_t ambient)
{
	struct launch launch = *asked;
	struct ran ran;
	char line[64];
	static const char *const kept[] = { "CapPrm", "CapEff", "CapBnd" };
	run_status(&launch, &ran);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		snprintf(line, sizeof(line), "%s:\t%016" PRIx64 "\n", kept[i], both);
		assert_contains(ran.output, line);
	}
	snprintf(line, sizeof(line), "CapInh:\t%016" PRIx64 "\nCapPrm", ambient);
	assert_contains(ran.output, line);
	snprintf(line, sizeof(line), "CapAmb:\t%016" PRIx64 "\n", ambient);
	assert_contains(ran.output, line);
}

static void capabilities_are_cut_to_the_named_ones(void **state UNUSED)
{
	static const struct {
		char *names;
		uint64_t left; /* bits: net_bind_service 10, chown 0 */
	} rows[] = {
		{ "", 0 },
		{ "cap_net_bind_service", 0x400 },
		{ "cap_chown,cap_net_bind_service", 0x401 },
	};
	char *argv[] = { "sh", NULL };
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		struct launch launch = launch_of(argv);
		launch.set_user = i % 2 == 1;
		launch.uid = launch.gid = NOBODY;
		launch.capabilities = rows[i / 2].names;
		assert_capabilities(&launch, rows[i / 2].left, rows[i / 2].left);
	}
}

static uint64_t own_bounding_set(void)
{
	uint64_t set = 0;
	for (unsigned value = 0; value < 64; value++)
		set |= prctl(PR_CAPBSET_READ, value, 0, 0, 0) == 1 ? UINT64_C(1) << value : 0;
	return set;
}

static void unchanged_capabilities_stay(void **state UNUSED)
{
	char *argv[] = { "sh", NULL };
	struct launch launch = launch_of(argv);
	assert_int_equal(geteuid(), 0);
	assert_capabilities(&launch, own_bounding_set(), 0);
}

static void no_new_privileges_and_the_death_signal_are_set(void **state UNUSED)
{
	struct launch launch = launch_self("death signal");
	struct ran ran;
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "9");
	run_status(&launch, &ran);
	assert_contains(ran.output, "NoNewPrivs:\t1\n");
}

/* setpriv, not this program: it may stand where the other user cannot reach it. */
static void a_change_of_user_does_not_clear_the_death_signal(void **state UNUSED)
{
	char *argv[] = { "sh", "-c", "exec setpriv --dump >&2", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	launch.set_user = true;
	launch.uid = launch.gid = NOBODY;
	launch.capabilities = "";
	run_well(&launch, &ran);
	assert_contains(ran.output, "Parent death signal: KILL\n");
}

static void a_worker_dies_with_its_supervisor(void **state UNUSED)
{
	char *argv[] = { "sleep", "1000", NULL };
	int ends[2], status;
	char byte;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct launch launch = launch_of(argv);
		struct spawned child;
		struct ran ran;
		start(&child, &launch, ends[1]);
		read_report(&child, &ran);
		_exit(ran.step_failed ? 1 : 0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	wait_readable(ends[0], "the end of the worker"); /* it held the other end */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void assert_step_fails(const struct launch *launch, enum launch_step step, int error, const char *text)
{
	struct ran ran;
	run(launch, &ran);
	if (!ran.step_failed || ran.report.step != step || ran.report.error != error)
		fail_msg("failed %d at step %d, not %d: %d %s", ran.step_failed, (int)ran.report.step, (int)step,
			 ran.report.error, ran.report.text);
	assert_contains(ran.report.text, text);
	assert_string_equal(ran.output, "");
}

static void a_step_that_fails_names_itself_and_nothing_is_executed(void **state UNUSED)
{
	static unsigned char odd[] = { 6, 0, 0, 0, 0, 0, 0xff };
	static unsigned char nonsense[] = { 0xff, 0xff, 0, 0, 0, 0, 0, 0 };
	char *argv[] = { "sh", "-c", "echo executed >&2", NULL };
	struct launch launch = launch_of(argv);
	launch.parent_pid = getpid() + 1;
	assert_step_fails(&launch, LAUNCH_STEP_DEATH_SIGNAL, 0, "the supervisor has gone");
	launch = launch_of(argv);
	launch.capabilities = "cap_chown,cap_of_no_kernel";
	assert_step_fails(&launch, LAUNCH_STEP_BOUNDING, 0, "unknown capability in \"cap_chown,cap_of_no_kernel\"");
	launch = launch_of(argv);
	launch.limits[launch.limit_count++] = (struct launch_limit){ 9999, 1, 1 };
	assert_step_fails(&launch, LAUNCH_STEP_LIMITS, EINVAL, "resource 9999 to 1");
	launch.limits[0] = (struct launch_limit){ RLIMIT_NOFILE, 2, 1 };
	assert_step_fails(&launch, LAUNCH_STEP_LIMITS, EINVAL, "resource 7 to 2");
	launch = launch_of(argv);
	launch.filter = odd;
	launch.filter_bytes = sizeof(odd);
	assert_step_fails(&launch, LAUNCH_STEP_SECCOMP, 0, "a filter of 7 bytes");
	launch.filter = nonsense;
	launch.filter_bytes = sizeof(nonsense);
	assert_step_fails(&launch, LAUNCH_STEP_SECCOMP, EINVAL, "PR_SET_SECCOMP");
	launch = launch_of(argv);
	cleanup_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	cleanup_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	launch.groups[launch.group_count++] = null;
	launch.groups[launch.group_count++] = full;
	assert_step_fails(&launch, LAUNCH_STEP_CGROUP, ENOSPC, "enter group 2 of 2");
	launch = launch_of(argv);
	launch.set_user = true;
	launch.uid = 1;
	launch.gid = UINT32_MAX; /* "unchanged" to the kernel: never a user of ours */
	assert_step_fails(&launch, LAUNCH_STEP_GID, EINVAL, "group");
	launch.gid = 1;
	launch.uid = UINT32_MAX;
	assert_step_fails(&launch, LAUNCH_STEP_UID, EINVAL, "user");
}

static void limits_hold_in_the_worker(void **state UNUSED)
{
	struct launch launch = launch_self("limits");
	struct ran ran;
	launch.limits[0] = (struct launch_limit){ RLIMIT_NOFILE, 300, 400 };
	launch.limits[1] = (struct launch_limit){ RLIMIT_CORE, 0, 0 };
	launch.limit_count = 2;
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "files 300 400 core 0 0");
}

static long own_oom_score(void)
{
	char text[16] = "";
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	return strtol(text, NULL, 10);
}

static void the_oom_score_is_added_to_ours_and_capped(void **state UNUSED)
{
	static const int added[] = { 0, 100, 5000, INT32_MAX };
	char *argv[] = { "sh", "-c", "exec cat /proc/self/oom_score_adj >&2", NULL };
	for (size_t i = 0; i < ARRAY_LEN(added); i++) {
		struct launch launch = launch_of(argv);
		struct ran ran;
		long expected = own_oom_score() + added[i];
		launch.oom_score_add = added[i];
		run_well(&launch, &ran);
		assert_int_equal(strtol(ran.output, NULL, 10), expected > 1000 ? 1000 : expected);
	}
}

static void the_filter_is_on_in_the_worker_and_a_program_still_runs(void **state UNUSED)
{
	char *argv[] = { "sh", "-c", "umount /no/such/place 2>/dev/null; echo $(ls / | grep -c proc) >&2", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	filter_of("server", filter_names().architecture, FILTER_DENIED, &launch.filter, &launch.filter_bytes);
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "1\n");
	struct launch shown = launch;
	run_status(&shown, &ran);
	assert_contains(ran.output, "Seccomp:\t2\n");
	struct launch tracer = launch_self("tracer");
	tracer.filter = launch.filter;
	tracer.filter_bytes = launch.filter_bytes;
	run_well(&tracer, &ran);
	assert_string_equal(ran.output, "1");
	free(launch.filter);
}

/* Our own group of the memory hierarchy, or of the only one. */
static void own_group(char *path, size_t size)
{
	char line[512];
	FILE *file = fopen("/proc/self/cgroup", "re");
	assert_non_null(file);
	path[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::", 3) == 0 && path[0] == '\0')
			snprintf(path, size, "/sys/fs/cgroup%s", line + 3);
		else if (strstr(line, ":memory:") != NULL)
			snprintf(path, size, "/sys/fs/cgroup/memory%s", strstr(line, ":memory:") + 8);
	}
	fclose(file);
	assert_true(path[0] != '\0');
}

static void remove_group(const char *path)
{
	for (int i = 0; rmdir(path) != 0; i++) {
		if (i == 200)
			fail_msg("rmdir %s: %s", path, strerror(errno));
		usleep(5000); /* a dead process is in its group for a moment more */
	}
}

static void a_worker_is_in_its_group_before_it_runs(void **state UNUSED)
{
	char own[600], path[700], procs[800], name[64];
	char *argv[] = { "sh", "-c", "exec cat /proc/self/cgroup >&2", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	own_group(own, sizeof(own));
	snprintf(name, sizeof(name), "heapward-test-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", own, name);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	if (mkdir(path, 0755) != 0)
		fail_msg("mkdir %s: %s", path, strerror(errno));
	int fd = open(procs, O_WRONLY | O_CLOEXEC);
	launch.groups[launch.group_count++] = fd;
	launch.set_user = true; /* the group is entered while the right to do so is there */
	launch.uid = launch.gid = NOBODY;
	if (fd >= 0)
		run(&launch, &ran);
	close(fd);
	remove_group(path);
	assert_true(fd >= 0);
	assert_false(ran.step_failed);
	assert_contains(ran.output, name);
}

static void say_limits(void)
{
	struct rlimit files, core;
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_CORE, &core);
	dprintf(STDERR_FILENO, "files %lu %lu core %lu %lu", (unsigned long)files.rlim_cur,
		(unsigned long)files.rlim_max, (unsigned long)core.rlim_cur, (unsigned long)core.rlim_max);
}

static int be_worker(const char *name)
{
	int number = 0;
	if (strcmp(name, "session") == 0)
		dprintf(STDERR_FILENO, "session %d group %d", getsid(0) == getpid(), getpgid(0) == getpid());
	else if (strcmp(name, "death signal") == 0 && prctl(PR_GET_PDEATHSIG, &number) == 0)
		dprintf(STDERR_FILENO, "%d", number);
	else if (strcmp(name, "limits") == 0)
		say_limits();
	else if (strcmp(name, "tracer") == 0)
		dprintf(STDERR_FILENO, "%d", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	else
		_exit(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_leads_its_own_session_with_no_signal_blocked_or_ignored),
		cmocka_unit_test(a_directory_in_path_that_the_user_may_not_search_hides_nothing),
		cmocka_unit_test(a_worker_becomes_its_user_with_just_its_groups),
		cmocka_unit_test(capabilities_are_cut_to_the_named_ones),
		cmocka_unit_test(unchanged_capabilities_stay),
		cmocka_unit_test(no_new_privileges_and_the_death_signal_are_set),
		cmocka_unit_test(a_change_of_user_does_not_clear_the_death_signal),
		cmocka_unit_test(a_worker_dies_with_its_supervisor),
		cmocka_unit_test(a_step_that_fails_names_itself_and_nothing_is_executed),
		cmocka_unit_test(limits_hold_in_the_worker),
		cmocka_unit_test(the_oom_score_is_added_to_ours_and_capped),
		cmocka_unit_test(the_filter_is_on_in_the_worker_and_a_program_still_runs),
		cmocka_unit_test(a_worker_is_in_its_group_before_it_runs),
	};
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return be_worker(argv[2]);
	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
