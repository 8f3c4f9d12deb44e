/* SPDX-License-Identifier: Apache-2.0 */
/* test_confine_fence: the walls that heapward-child makes, each tried by a worker that would get through without it: an act that
 * is never seen to succeed shows nothing. Runs as root on a kernel with Landlock; what an old ABI of it cannot do is left open. */
#include "tests/unit/spawn_unit.h"

#include "supervisor/edge/host_probe.h"

#include <arpa/inet.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The first ABI that has them. */
enum { LANDLOCK_PORTS = 4, LANDLOCK_SCOPES = 6 };

enum { BARE, MOUNTS, LANDLOCK, USER_NAMESPACE, WAYS };

static const char *const way_names[WAYS] = { "bare", "mounts", "landlock", "user namespace" };

static uint32_t landlock_abi(void)
{
	long abi = syscall(444, NULL, (size_t)0, 1);
	if (abi < 1)
		fail_msg("Landlock ABI %ld: this kernel cannot run the test", abi);
	return (uint32_t)abi;
}

/* A directory of its own for each worker, with parts that are to be walled off. */
struct yard {
	char path[64];
};

static void yard_make(struct yard *yard)
{
	char command[600];
	strcpy(yard->path, "/tmp/heapward-fence.XXXXXX");
	assert_non_null(mkdtemp(yard->path));
	snprintf(command, sizeof(command),
		 "cd %s && mkdir rw ro ro/rw hidden hidden/open && for f in rw/f ro/f ro/rw/f hidden/f hidden/open/f hfile;"
		 " do echo text >$f; done && ln -s ro link",
		 yard->path);
	assert_int_equal(system(command), 0);
}

static void yard_remove(const struct yard *yard)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -rf %s", yard->path);
	assert_int_equal(system(command), 0);
}

static void wall(struct launch *launch, const struct yard *yard, enum launch_access access, const char *name)
{
	static char list[8][128];
	char *path = list[launch->path_count];
	snprintf(path, sizeof(list[0]), "%s/%s", yard->path, name);
	launch->paths[launch->path_count++] = (struct launch_path){ .access = access, .path = path };
}

static void make_way(struct launch *launch, int way)
{
	if (way == MOUNTS)
		launch->fence = (struct launch_fence){ .namespaces = CLONE_NEWNS, .flags = LAUNCH_BY_MOUNTS };
	else if (way == USER_NAMESPACE)
		launch->fence = (struct launch_fence){ .namespaces = CLONE_NEWUSER | CLONE_NEWNS, .flags = LAUNCH_BY_MOUNTS };
	else if (way == LANDLOCK)
		launch->fence = (struct launch_fence){ .landlock_abi = landlock_abi(), .flags = LAUNCH_BY_LANDLOCK };
	if (way != BARE)
		launch->capabilities = "";
}

/* Does the act of a shell in the yard succeed? */
static bool act(const char *script, int way, const char *from)
{
	struct yard yard;
	struct ran ran;
	char here[200], back[512];
	char *argv[] = { "bash", "-c", (char *)script, NULL };
	struct launch launch = launch_of(argv);
	yard_make(&yard);
	snprintf(here, sizeof(here), "%s/%s", yard.path, from);
	assert_non_null(getcwd(back, sizeof(back)));
	assert_int_equal(chdir(here), 0); /* as the supervisor's: the child must not keep a place below its walls */
	wall(&launch, &yard, LAUNCH_HIDDEN, "hidden");
	wall(&launch, &yard, LAUNCH_READ_ONLY, "link"); /* the walls are around what it leads to */
	wall(&launch, &yard, LAUNCH_READ_WRITE, "ro/rw");
	wall(&launch, &yard, LAUNCH_READ_ONLY, "hidden/open");
	wall(&launch, &yard, LAUNCH_HIDDEN, "hfile");
	make_way(&launch, way);
	run(&launch, &ran);
	assert_int_equal(chdir(back), 0);
	yard_remove(&yard);
	if (ran.step_failed)
		fail_msg("%s: %s: step %d: %d %s", way_names[way], script, (int)ran.report.step, ran.report.error, ran.report.text);
	return ran.status == 0;
}

static void walls_around_paths_hold_and_leave_the_rest(void **state UNUSED)
{
	static const struct {
		const char *script, *from;
		bool by_mounts, by_landlock; /* it succeeds all the same */
	} rows[] = {
		{ "echo x >rw/f && rm rw/f", ".", true, true },
		{ "grep -q text ro/f && ls ro >/dev/null", ".", true, true },
		{ "echo x >ro/f", ".", false, false },
		{ "echo x >>ro/f", ".", false, false },
		{ "rm ro/f", ".", false, false },
		{ "mkdir ro/new", ".", false, false },
		{ "mkfifo ro/new", ".", false, false },
		{ "ln -s f ro/new", ".", false, false },
		{ "mv ro/f rw/g", ".", false, false },
		{ "mv rw/f ro/g", ".", false, false },
		{ "ln ro/f rw/h", ".", false, false },
		{ "mv ro elsewhere", ".", false, false },
		{ "truncate -s 0 ro/f", ".", false, false },
		{ "echo x >f", "ro", false, false },        /* the child began there */
		{ "echo x >../f", "ro/rw", false, false },
		{ "cd ro && echo x >./f", ".", false, false },
		{ "echo x >ro/rw/f && mv ro/rw/f ro/rw/g", ".", true, true },
		{ "grep -q text hidden/f", ".", false, false },
		{ "ls hidden >/dev/null", ".", false, true }, /* Landlock: names can be seen */
		{ "echo x >hidden/new", ".", false, false },
		{ "grep -q text f", "hidden", false, false },
		{ "grep -q text hidden/open/f", ".", true, true },
		{ "echo x >hidden/open/f", ".", false, false },
		{ "grep -q text hfile", ".", false, false },
		{ "echo x >hfile", ".", false, false },
		{ "umask 0 && echo x >new", ".", true, false }, /* Landlock: what is around a wall takes no new entries */
		{ "mv rw/f rw/g && ln rw/g rw/h", ".", true, true },
		{ "/bin/true", ".", true, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!act(rows[i].script, BARE, rows[i].from))
			fail_msg("without walls it must succeed: %s", rows[i].script);
		for (int way = MOUNTS; way < WAYS; way++)
			if (act(rows[i].script, way, rows[i].from) != (way == LANDLOCK ? rows[i].by_landlock : rows[i].by_mounts))
				fail_msg("%s: %s", way_names[way], rows[i].script);
	}
}

/* With no yard: does it succeed with these walls? */
static bool succeeds(const char *script, const struct launch *walls)
{
	struct ran ran;
	char *argv[] = { "bash", "-c", (char *)script, NULL };
	struct launch launch = *walls;
	launch.argv = argv;
	run(&launch, &ran);
	if (ran.step_failed)
		fail_msg("%s: step %d: %d %s", script, (int)ran.report.step, ran.report.error, ran.report.text);
	return ran.status == 0;
}

static struct launch nothing_asked(void)
{
	static char *argv[] = { "true", NULL };
	return launch_of(argv);
}

static void everything_can_be_read_only_but_what_is_named(void **state UNUSED)
{
	static const struct {
		const char *script;
		bool allowed;
	} rows[] = {
		{ "touch /opt/heapward-fence && rm /opt/heapward-fence", false },
		{ "touch /var/heapward-fence && rm /var/heapward-fence", false },
		{ "mkdir /heapward-fence && rmdir /heapward-fence", false },
		{ "f=$(mktemp) && rm $f", true },
		{ "echo x >/dev/null", true },
		{ "cat /etc/passwd >/dev/null", true },
		{ "cat /proc/self/oom_score_adj >/proc/self/oom_score_adj", true },
	};
	static const int ways[] = { MOUNTS, LANDLOCK, USER_NAMESPACE };
	struct launch bare = nothing_asked();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(succeeds(rows[i].script, &bare));
		for (size_t j = 0; j < ARRAY_LEN(ways); j++) {
			struct launch launch = nothing_asked();
			char *open[] = { "/proc", "/dev", "/tmp" };
			launch.paths[launch.path_count++] = (struct launch_path){ LAUNCH_READ_ONLY, false, "/" };
			for (size_t k = 0; k < ARRAY_LEN(open); k++)
				launch.paths[launch.path_count++] = (struct launch_path){ LAUNCH_READ_WRITE, true, open[k] };
			make_way(&launch, ways[j]);
			if (succeeds(rows[i].script, &launch) != rows[i].allowed)
				fail_msg("%s: %s", way_names[ways[j]], rows[i].script);
		}
	}
}

static void a_private_tmp_is_empty_and_gone_afterwards(void **state UNUSED)
{
	char file[] = "/tmp/heapward-fence.XXXXXX", script[200], left[100];
	cleanup_fd int fd = mkstemp(file);
	assert_true(fd >= 0);
	snprintf(script, sizeof(script), "test ! -e %s && touch %s.own && test $(stat -c %%a /tmp) = 1777", file, file);
	snprintf(left, sizeof(left), "%s.own", file);
	for (int way = MOUNTS; way < WAYS; way++) {
		struct launch launch = nothing_asked();
		launch.paths[launch.path_count++] = (struct launch_path){ LAUNCH_PRIVATE, false, "/tmp" };
		make_way(&launch, way);
		if (way != LANDLOCK) /* it has nothing to make one of */
			assert_true(succeeds(script, &launch));
		assert_int_not_equal(access(left, F_OK), 0);
	}
	unlink(file);
}

static void a_small_dev_has_what_programs_use_and_no_disk(void **state UNUSED)
{
	static const char *const works[] = {
		"echo x >/dev/null", "head -c 8 /dev/urandom >/dev/null", "head -c 8 /dev/zero >/dev/null", "echo x | grep -q x /dev/stdin",
		"touch /dev/shm/x", "test -c /dev/pts/ptmx", "script -qec true /dev/null", "test $(ls /dev | wc -l) -lt 20",
	};
	static const char *const gone[] = { "test -e /dev/kmsg", "test -e /dev/console", "touch /dev/new" };
	struct launch bare = nothing_asked(), launch = nothing_asked();
	launch.fence = (struct launch_fence){ .namespaces = CLONE_NEWNS, .flags = LAUNCH_BY_MOUNTS | LAUNCH_OWN_DEV };
	for (size_t i = 0; i < ARRAY_LEN(works); i++)
		if (!succeeds(works[i], &launch))
			fail_msg("%s", works[i]);
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		if (succeeds(gone[i], &launch) || !succeeds(gone[i], &bare))
			fail_msg("%s", gone[i]);
	assert_int_equal(unlink("/dev/new"), 0);
}

static void disks_and_the_kernels_log_can_be_guarded(void **state UNUSED)
{
	static const int ways[] = { MOUNTS, LANDLOCK };
	const char *log = "exec 3>/dev/kmsg", *disk = "for d in /dev/loop* /dev/vd* /dev/sd* /dev/nvme*; do"
			  " test -b $d && exec 3<$d && exit 0; done; exit 1";
	struct launch bare = nothing_asked();
	bool has_disk = succeeds(disk, &bare); /* a container may have none */
	assert_true(succeeds(log, &bare));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct launch launch = nothing_asked();
		make_way(&launch, ways[i]);
		launch.fence.flags |= LAUNCH_GUARD_DEVICES;
		assert_false(succeeds(log, &launch));
		assert_true(!has_disk || !succeeds(disk, &launch));
		assert_true(succeeds("echo x >/dev/null && head -c 8 /dev/urandom >/dev/null", &launch));
	}
}

static void proc_can_be_of_its_own_tree_with_the_numbers_that_all_see(void **state UNUSED)
{
	struct launch bare = nothing_asked(), launch = nothing_asked();
	const char *first = "test -d /proc/1", *own = "sleep 5 & test -d /proc/$! && kill $! && test -d /proc/$$ &&"
			    " test $$ = $(cut -d' ' -f1 /proc/$$/stat)";
	launch.fence = (struct launch_fence){ .namespaces = CLONE_NEWNS, .landlock_abi = landlock_abi(),
					      .flags = LAUNCH_BY_MOUNTS | LAUNCH_OWN_PROC | LAUNCH_OWN_SIGNALS };
	assert_true(succeeds(first, &bare) && succeeds(own, &bare));
	assert_false(succeeds(first, &launch));
	assert_true(succeeds(own, &launch));
}

static void signals_stay_in_the_tree_and_others_are_not_looked_into(void **state UNUSED)
{
	char signals[64], looks[64];
	struct launch bare = nothing_asked(), launch = nothing_asked();
	snprintf(signals, sizeof(signals), "kill -0 %d", (int)getpid());
	snprintf(looks, sizeof(looks), "cat /proc/%d/environ >/dev/null", (int)getpid());
	launch.fence = (struct launch_fence){ .landlock_abi = landlock_abi(), .flags = LAUNCH_OWN_SIGNALS };
	launch.capabilities = ""; /* cap_perfmon reads any memory, past every module (Linux 6.12) */
	assert_true(succeeds(signals, &bare) && succeeds(looks, &bare));
	assert_int_equal(succeeds(signals, &launch), launch.fence.landlock_abi < LANDLOCK_SCOPES);
	assert_false(succeeds(looks, &launch));
	assert_true(succeeds("sleep 5 & kill $!", &launch));
	/* An older ABI makes the domain by another wall, which forbids nothing else. */
	launch.fence.landlock_abi = 2;
	assert_true(succeeds(signals, &launch));
	assert_false(succeeds(looks, &launch));
	assert_true(succeeds("mkdir /tmp/fence-$$ && touch /tmp/fence-$$.f && mv /tmp/fence-$$.f /tmp/fence-$$/ && rm -r /tmp/fence-$$",
			     &launch));
}

/* A listener on the loopback. */
static int listen_somewhere(uint16_t *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void tcp_ports_are_left_one_by_one(void **state UNUSED)
{
	uint16_t port, free_port;
	char connects[64], binds[200];
	cleanup_fd int fd UNUSED = listen_somewhere(&port);
	close(listen_somewhere(&free_port));
	snprintf(connects, sizeof(connects), "exec 3<>/dev/tcp/127.0.0.1/%d", port);
	snprintf(binds, sizeof(binds), "exec perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0);"
		 " exit !bind(S, sockaddr_in(%d, INADDR_LOOPBACK))'", free_port);
	struct launch bare = nothing_asked(), none = nothing_asked();
	none.fence = (struct launch_fence){ .landlock_abi = landlock_abi(), .flags = LAUNCH_LIMIT_CONNECT | LAUNCH_LIMIT_BIND };
	struct launch some = none;
	some.ports[some.port_count++] = (struct launch_port){ port, 0 };
	some.ports[some.port_count++] = (struct launch_port){ free_port, 1 };
	struct launch others = none;
	others.ports[others.port_count++] = (struct launch_port){ port, 1 };
	others.ports[others.port_count++] = (struct launch_port){ free_port, 0 };
	assert_true(succeeds(connects, &bare) && succeeds(binds, &bare));
	if (landlock_abi() < LANDLOCK_PORTS) { /* then there are no such plans: the step fails, and nothing is executed */
		struct ran ran;
		run(&some, &ran);
		assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_LANDLOCK && ran.report.error == EINVAL);
		return;
	}
	assert_true(succeeds(connects, &some) && succeeds(binds, &some));
	assert_false(succeeds(connects, &none) || succeeds(connects, &others));
	assert_false(succeeds(binds, &none) || succeeds(binds, &others));
}

static void without_a_network_there_is_a_loopback_of_its_own(void **state UNUSED)
{
	static const uint32_t namespaces[] = { CLONE_NEWNET, CLONE_NEWNET | CLONE_NEWUSER };
	uint16_t port;
	char connects[64];
	const char *own = "exec perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(7777, INADDR_LOOPBACK)) &&"
			  " listen(S, 1) or exit 1; socket(C, AF_INET, SOCK_STREAM, 0);"
			  " exit !connect(C, sockaddr_in(7777, INADDR_LOOPBACK))'";
	cleanup_fd int fd UNUSED = listen_somewhere(&port);
	struct launch bare = nothing_asked();
	snprintf(connects, sizeof(connects), "exec 3<>/dev/tcp/127.0.0.1/%d", port);
	assert_true(succeeds(connects, &bare));
	for (size_t i = 0; i < ARRAY_LEN(namespaces); i++) {
		struct launch launch = nothing_asked();
		launch.fence.namespaces = namespaces[i];
		launch.capabilities = "";
		assert_false(succeeds(connects, &launch));
		assert_true(succeeds(own, &launch));
	}
}

static void root_without_capabilities_gets_none_by_an_exec(void **state UNUSED)
{
	static const struct {
		char *capabilities;
		long bits;
	} rows[] = {
		{ "", SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED },
		{ "cap_net_bind_service", SECBIT_NOROOT | SECBIT_NOROOT_LOCKED },
		{ NULL, 0 },
	};
	char bits[32];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct launch launch = launch_self("securebits");
		struct ran ran;
		launch.capabilities = rows[i].capabilities;
		run_well(&launch, &ran);
		snprintf(bits, sizeof(bits), "%ld", rows[i].bits);
		assert_string_equal(ran.output, bits);
	}
	struct launch launch = nothing_asked();
	launch.capabilities = "";
	assert_true(succeeds("grep -q 'CapEff:\t0000000000000000' /proc/self/status", &launch));
}

static void a_terminal_cannot_be_taken(void **state UNUSED)
{
	/* The inner script is the session whose terminal it is; the worker leads one of its own, without. */
	char script[300];
	char *argv[] = { "sh", "-c", script, NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	snprintf(script, sizeof(script), "exec setsid -w true; echo >&2 odd");
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "");
	snprintf(script, sizeof(script), "test \"$(cut -d' ' -f7 /proc/self/stat)\" = 0 && ! (: </dev/tty) 2>/dev/null");
	run_well(&launch, &ran); /* no controlling terminal: /dev/tty is none */
}

static void what_cannot_be_made_is_told_by_its_step(void **state UNUSED)
{
	struct launch launch = nothing_asked();
	struct ran ran;
	launch.paths[launch.path_count++] = (struct launch_path){ LAUNCH_READ_WRITE, false, "/no/such/data" };
	make_way(&launch, MOUNTS);
	run(&launch, &ran);
	assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_MOUNTS && ran.report.error == ENOENT);
	assert_string_equal(ran.report.text, "/no/such/data");
	make_way(&launch, LANDLOCK);
	run(&launch, &ran);
	assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_LANDLOCK && ran.report.error == ENOENT);
	launch.paths[0].optional = true;
	run_well(&launch, &ran);
	launch = nothing_asked();
	launch.fence = (struct launch_fence){ .namespaces = 0x1 };
	run(&launch, &ran);
	assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_NAMESPACES && ran.report.error == EINVAL);
	launch.fence = (struct launch_fence){ .flags = LAUNCH_BY_MOUNTS, .landlock_abi = 0 };
	launch.set_user = true;
	launch.uid = launch.gid = 65534;
	run(&launch, &ran); /* mounts without a namespace of their own would be the machine's */
	assert_true(ran.step_failed && ran.report.step == LAUNCH_STEP_MOUNTS);
}

/* What the probe says of this machine is what heapward-child then can. */
static void the_probe_of_walls_says_what_can_be_made(void **state UNUSED)
{
	struct host_fence found;
	struct launch mounts = nothing_asked(), network = nothing_asked();
	struct ran ran;
	host_probe_fence(&found);
	mounts.paths[mounts.path_count++] = (struct launch_path){ LAUNCH_READ_ONLY, false, "/etc" };
	make_way(&mounts, MOUNTS);
	run(&mounts, &ran);
	assert_int_equal(found.mounts, !ran.step_failed);
	network.fence.namespaces = CLONE_NEWNET;
	run(&network, &ran);
	assert_int_equal(found.network, !ran.step_failed);
	assert_int_equal(found.landlock_abi, landlock_abi());
	assert_int_equal(found.problem[0] == '\0', found.mounts && found.network);
}

static int be_worker(const char *name)
{
	if (strcmp(name, "securebits") == 0)
		dprintf(STDERR_FILENO, "%d", prctl(PR_GET_SECUREBITS));
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walls_around_paths_hold_and_leave_the_rest),
		cmocka_unit_test(everything_can_be_read_only_but_what_is_named),
		cmocka_unit_test(a_private_tmp_is_empty_and_gone_afterwards),
		cmocka_unit_test(a_small_dev_has_what_programs_use_and_no_disk),
		cmocka_unit_test(disks_and_the_kernels_log_can_be_guarded),
		cmocka_unit_test(proc_can_be_of_its_own_tree_with_the_numbers_that_all_see),
		cmocka_unit_test(signals_stay_in_the_tree_and_others_are_not_looked_into),
		cmocka_unit_test(tcp_ports_are_left_one_by_one),
		cmocka_unit_test(without_a_network_there_is_a_loopback_of_its_own),
		cmocka_unit_test(root_without_capabilities_gets_none_by_an_exec),
		cmocka_unit_test(a_terminal_cannot_be_taken),
		cmocka_unit_test(what_cannot_be_made_is_told_by_its_step),
		cmocka_unit_test(the_probe_of_walls_says_what_can_be_made),
	};
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return be_worker(argv[2]);
	return cmocka_run_group_tests_name("confine fence", tests, NULL, NULL);
}
