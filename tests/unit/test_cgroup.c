/* SPDX-License-Identifier: Apache-2.0 */
/* The real kernel of this machine: v1 or hybrid on the build machine, v2 in tests/vm, as root and as an ordinary user
 * with a delegated group. libcgroup is the second opinion: it looks at the same groups by its own ways. */
#include "tests/unit/cgroup_unit.h"
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/kernel_log.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* What every test starts from: a service's group. */
struct fixture {
	struct cgroup_tree tree;
	struct cgroup_service service;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	fixture = (struct fixture){ .service.made = false };
	if (cgroup_tree_find(&fixture.tree, GROUPS_TOP, &why) != 0) {
		print_error("%s\n", why.text);
		return -1;
	}
	if (fixture.tree.problem[0] != '\0') {
		print_error("%s\n", fixture.tree.problem);
		return -1;
	}
	*state = &fixture;
	if (cgroup_service_make(&fixture.service, &fixture.tree, "unit-test", &why) == 0)
		return 0;
	print_error("%s\n", why.text);
	return -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	cgroup_service_remove(&fixture->service);
	if (!any_directory(&fixture->tree, "heapward-unit-test"))
		return 0;
	print_error("the service's directory is still there\n");
	return -1;
}

static bool is_v2(const struct fixture *fixture)
{
	return fixture->tree.version == CGROUP_V2;
}

static void make_worker(const struct fixture *fixture, struct cgroup *group, uint64_t memory_max_bytes)
{
	struct failure why;
	struct cgroup_limits limits = NO_LIMITS;
	limits.memory_max_bytes = memory_max_bytes;
	limits.memory_swap_bytes = memory_max_bytes == SIZE_NONE ? SIZE_NONE : 0;
	assert_ok(cgroup_make(group, &fixture->service, "worker-0-a", &limits, &why));
}

static uint64_t read_worker_file(const struct cgroup *group, const char *controller, const char *name, char *text,
				 size_t size)
{
	const struct cgroup_tree *tree = group->service->tree;
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		if (tree->version != CGROUP_V2 && strstr(tree->hierarchies[i].controllers, controller) == NULL)
			continue;
		int fd = openat(group->directory_fd[i], name, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
		close(fd);
		text[length < 0 ? 0 : length] = '\0';
		return strtoull(text, NULL, 10);
	}
	return SIZE_UNKNOWN;
}

static void every_limit_reaches_the_kernel(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_limits limits = { 64 * MIB, 48 * MIB, 0, 20, 50 };
	struct failure why;
	struct cgroup group;
	char text[64];
	bool v2 = is_v2(fixture);
	assert_ok(cgroup_make(&group, &fixture->service, "worker-0-a", &limits, &why));
	assert_int_equal(read_worker_file(&group, "memory", v2 ? "memory.max" : "memory.limit_in_bytes", text, 64), 64 * MIB);
	if (v2) {
		assert_int_equal(read_worker_file(&group, "memory", "memory.high", text, 64), 48 * MIB);
		assert_int_equal(read_worker_file(&group, "memory", "memory.swap.max", text, 64), 0);
		assert_int_equal(group.remark_count, 0);
	} else {
		assert_int_equal(read_worker_file(&group, "memory", "memory.memsw.limit_in_bytes", text, 64), 64 * MIB);
		assert_contains(group.remarks[0], "memory.high");
	}
	assert_int_equal(read_worker_file(&group, "pids", "pids.max", text, 64), 20);
	read_worker_file(&group, "cpu", v2 ? "cpu.max" : "cpu.cfs_quota_us", text, 64);
	assert_string_equal(text, v2 ? "50000 100000\n" : "50000\n");
	remove_within_a_second(&group);
}

static void a_limit_the_kernel_refuses_leaves_no_group(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_limits limits = { SIZE_NONE, SIZE_NONE, SIZE_NONE, UINT32_MAX, 0 }; /* no cpu at all: EINVAL */
	struct failure why;
	struct cgroup group;
	assert_int_equal(cgroup_make(&group, &fixture->service, "worker-0-a", &limits, &why), -1);
	assert_contains(why.text, is_v2(fixture) ? "make the worker's cgroup: set cpu.max to 0 100000: Invalid argument"
						 : "make the worker's cgroup: set cpu.cfs_quota_us to 0: Invalid argument");
	make_worker(fixture, &group, SIZE_NONE);
	remove_within_a_second(&group);
}

static void a_whole_family_dies_with_its_group(void **state)
{
	const struct fixture *fixture = *state;
	struct memory_sample sample;
	struct cgroup group;
	make_worker(fixture, &group, 64 * MIB);
	assert_true(cgroup_is_empty(&group));
	pid_t pid = run_in_group(&group, run_a_family);
	sleep_msec(50);
	assert_false(cgroup_is_empty(&group));
	cgroup_read_memory(&group, &sample);
	assert_int_equal(sample.tasks, 3);
	assert_int_equal(sample.max_bytes, 64 * MIB);
	assert_true(sample.current_bytes < 64 * MIB && sample.peak_bytes >= sample.current_bytes);
	assert_int_equal(sample.swap_bytes, 0);
	assert_true(kill_until_empty(&group));
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	remove_within_a_second(&group);
}

static void run_a_fork_storm(void)
{
	for (;;)
		if (fork() > 0)
			sleep_msec(1);
}

static void no_fork_escapes_the_kill(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	const struct cgroup_limits limits = { SIZE_NONE, SIZE_NONE, SIZE_NONE, 60, UINT32_MAX };
	assert_ok(cgroup_make(&group, &fixture->service, "worker-0-a", &limits, &why));
	pid_t pid = run_in_group(&group, run_a_fork_storm);
	sleep_msec(50);
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
}

/* Makes two groups below the worker's own in each hierarchy and moves a child to the deepest. */
static void nest(const struct cgroup *group)
{
	for (size_t i = 0; i < group->service->tree->hierarchy_count; i++) {
		if (group->directory_fd[i] < 0)
			continue;
		assert_int_equal(mkdirat(group->directory_fd[i], "a", 0755), 0);
		assert_int_equal(mkdirat(group->directory_fd[i], "a/b", 0755), 0);
		assert_int_equal(mkdirat(group->directory_fd[i], "c", 0755), 0);
	}
}

static void move_to(const struct cgroup *group, const char *file, pid_t pid)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < group->service->tree->hierarchy_count; i++) {
		int fd = openat(group->directory_fd[i], file, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			assert_int_equal(write(fd, text, (size_t)length), length);
		close(fd);
	}
}

static void run_nothing(void)
{
	for (;;)
		pause();
}

static void groups_that_a_worker_nests_go_too(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	make_worker(fixture, &group, SIZE_NONE);
	nest(&group);
	pid_t pid = run_in_group(&group, run_nothing);
	move_to(&group, "a/b/cgroup.procs", pid);
	assert_false(cgroup_is_empty(&group));
	assert_int_equal(cgroup_remove(&group, &why), -1);
	assert_int_equal(why.error, EBUSY);
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
}

static void a_group_with_a_process_is_never_taken_over(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_limits limits = NO_LIMITS;
	struct failure why;
	struct cgroup group, second;
	struct cgroup_service same;
	make_worker(fixture, &group, SIZE_NONE);
	pid_t pid = run_in_group(&group, run_nothing);
	assert_int_equal(cgroup_make(&second, &fixture->service, "worker-0-a", &limits, &why), -1);
	assert_contains(why.text, "heapward-unit-test/worker-0-a of an earlier run still holds processes (pid ");
	if (!fixture->tree.needs_leaf) {
		assert_int_equal(cgroup_service_make(&same, &fixture->tree, "unit-test", &why), -1);
		assert_contains(why.text, "still holds processes");
	}
	assert_false(cgroup_is_empty(&group));
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
}

static void an_empty_group_of_an_earlier_run_is_made_again(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_limits limits = NO_LIMITS;
	struct failure why;
	struct cgroup old, new;
	char text[64];
	make_worker(fixture, &old, 64 * MIB);
	nest(&old);
	assert_ok(cgroup_make(&new, &fixture->service, "worker-0-a", &limits, &why));
	uint64_t limit = read_worker_file(&new, "memory", is_v2(fixture) ? "memory.max" : "memory.limit_in_bytes", text, 64);
	assert_true(limit == 0 || limit > GIB); /* "max", or v1's largest: nothing of the old one is left */
	cgroup_finish(&old);
	remove_within_a_second(&new);
}

/* Allocates until it is killed. */
static void run_a_leak(void)
{
	for (;;) {
		char *memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			_exit(3);
		memset(memory, 1, MIB);
	}
}

static bool wakes_up(int watch_fd, uint32_t events, int timeout_msec)
{
	struct epoll_event event = { .events = events }, ready;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watch_fd, &event), 0);
	int count = epoll_wait(epoll_fd, &ready, 1, timeout_msec);
	close(epoll_fd);
	return count == 1 && (ready.events & events) != 0;
}

static void an_oom_kill_is_counted_heard_and_found_in_the_log(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	struct memory_counters before, after;
	struct kernel_log log;
	struct kernel_oom oom = { .found = false };
	uint32_t events;
	char path[256];
	make_worker(fixture, &group, 24 * MIB);
	kernel_log_open(&log);
	int watch_fd = cgroup_watch_oom(&group, &events, &why);
	assert_true(watch_fd >= 0);
	cgroup_read_counters(&group, &before);
	assert_false(wakes_up(watch_fd, events, 0));
	pid_t pid = run_in_group(&group, run_a_leak);
	assert_true(wakes_up(watch_fd, events, 10000));
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	sleep_msec(20); /* the kernel passes on memory events every 10 ms at most */
	cgroup_oom_heard(watch_fd);
	assert_false(wakes_up(watch_fd, events, 0));
	cgroup_read_counters(&group, &after);
	assert_true(before.known && after.known && after.level_count == before.level_count && after.level_count >= 2);
	assert_int_equal(after.levels[0].oom_kill - before.levels[0].oom_kill, 1);
	assert_int_equal(after.levels[0].max_bytes, 24 * MIB);
	assert_true(after.has_vmstat && after.vmstat_oom_kill > before.vmstat_oom_kill);
	assert_int_equal(after.levels[0].has_oom, is_v2(fixture));
	assert_int_equal(after.levels[0].has_failcnt, !is_v2(fixture));
	/* v1's failcnt stays at 0 on some kernels (6.18), whatever happens: see whose_limit.c. */
	assert_true(!is_v2(fixture) || after.levels[0].oom > before.levels[0].oom);
	for (size_t i = 1; i < after.level_count; i++)
		assert_int_equal(after.levels[i].oom, before.levels[i].oom);
	cgroup_path(&group, path, sizeof(path));
	assert_string_equal(path, after.levels[0].path);
	kernel_log_read(&log, path, &oom);
	assert_int_equal(oom.readable, geteuid() == 0); /* root may read it, here and in the VM */
	if (oom.readable) {
		assert_true(oom.found && !oom.host);
		assert_string_equal(oom.memcg, path);
		assert_int_equal(oom.pid, pid);
		assert_contains(oom.line, "Killed process");
	}
	kernel_log_close(&log);
	close(watch_fd);
	remove_within_a_second(&group);
}

#define CACHED_BYTES (12 * MIB)

/* File cache, where a real file can be made (the VM's / is read-only), then 16 MiB of its own, piece by piece. */
static void run_up_to_a_threshold(void)
{
	static char bytes[MIB];
	cleanup_fd int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (size_t i = 0; fd >= 0 && i < CACHED_BYTES; i += sizeof(bytes))
		(void)!write(fd, bytes, sizeof(bytes));
	for (int i = 0; i < 16; i++) {
		memset(mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, MIB);
		sleep_msec(5);
	}
	for (;;)
		pause();
}

static void usage_is_told_before_the_limit(void **state)
{
	const struct fixture *fixture = *state;
	struct failure why;
	struct cgroup group;
	struct memory_sample memory;
	uint32_t events;
	char text[64];
	make_worker(fixture, &group, 64 * MIB);
	int watch_fd = cgroup_watch_usage(&group, 14 * MIB, &events, &why);
	assert_true(watch_fd >= 0);
	assert_false(wakes_up(watch_fd, events, 0));
	pid_t pid = run_in_group(&group, run_up_to_a_threshold);
	assert_true(wakes_up(watch_fd, events, 10000));
	cgroup_unwatch_usage(&group, &watch_fd, SIZE_NONE);
	assert_int_equal(watch_fd, -1);
	sleep_msec(500);
	cgroup_read_memory(&group, &memory);
	uint64_t kept = cgroup_read_kept(&group), warm = cgroup_read_kept_of(group.directory_fd[0], is_v2(fixture), false);
	assert_true(kept >= 14 * MIB && kept <= warm && warm <= memory.current_bytes);
	if (!is_v2(fixture)) /* where memory.high has made room, by file cache first */
		assert_true(memory.current_bytes - warm >= CACHED_BYTES / 2);
	assert_int_equal(cgroup_watch_usage(&group, 14 * MIB, &events, &why), -1);
	assert_string_equal(why.text, "usage is there already");
	if (is_v2(fixture))
		assert_int_equal(read_worker_file(&group, "memory", "memory.high", text, sizeof(text)), 0); /* "max" */
	assert_true(kill_until_empty(&group));
	reap(pid);
	remove_within_a_second(&group);
}

static void an_ancestors_limit_is_told_from_ours(void **state)
{
	const struct fixture *fixture = *state;
	struct cgroup group;
	struct memory_counters before, after;
	struct kernel_log log;
	struct kernel_oom oom = { .found = false };
	const char *name = is_v2(fixture) ? "memory.max" : "memory.limit_in_bytes";
	make_worker(fixture, &group, 512 * MIB);
	kernel_log_open(&log);
	int fd = openat(fixture->service.directory_fd[0], name, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "24M", 3), 3);
	cgroup_read_counters(&group, &before);
	pid_t pid = run_in_group(&group, run_a_leak);
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	cgroup_read_counters(&group, &after);
	assert_int_equal(after.levels[0].oom_kill - before.levels[0].oom_kill, 1);
	assert_int_equal(after.levels[1].max_bytes, 24 * MIB);
	if (is_v2(fixture)) {
		assert_int_equal(after.levels[0].oom, before.levels[0].oom);
		assert_true(after.levels[1].oom > before.levels[1].oom);
	} else {
		assert_int_equal(after.levels[0].failcnt, before.levels[0].failcnt);
		assert_true(after.levels[1].failcnt > before.levels[1].failcnt);
	}
	kernel_log_read(&log, after.levels[0].path, &oom);
	if (oom.readable)
		assert_string_equal(oom.memcg, after.levels[1].path);
	kernel_log_close(&log);
	assert_true(write(fd, is_v2(fixture) ? "max" : "-1", is_v2(fixture) ? 3 : 2) > 0);
	close(fd);
	remove_within_a_second(&group);
}

static void the_levels_above_base_are_described(void **state)
{
	const struct fixture *fixture = *state;
	static struct host host;
	char base[256], own[256];
	bool own_seen = false;
	cgroup_tree_describe(&fixture->tree, &host);
	cgroup_kernel_path(&fixture->tree.hierarchies[0], fixture->tree.hierarchies[0].base, base, sizeof(base));
	cgroup_kernel_path(&fixture->tree.hierarchies[0], fixture->tree.hierarchies[0].own, own, sizeof(own));
	assert_true(host.cgroup_writable && host.level_count >= 1 && host.swap_accounting);
	assert_string_equal(host.levels[0].path, base);
	for (size_t i = 0; i < host.level_count; i++) {
		own_seen = own_seen || strcmp(host.levels[i].path, own) == 0;
		assert_true(host.levels[i].max_bytes != SIZE_UNKNOWN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(host.levels[i].path, host.levels[k].path);
	}
	assert_true(own_seen);
}

static void nothing_is_known_without_a_group(void **state UNUSED)
{
	struct cgroup none;
	struct memory_sample sample;
	struct memory_counters counters;
	struct failure why;
	uint32_t events;
	char path[16];
	cgroup_clear(&none);
	cgroup_read_memory(&none, &sample);
	assert_true(sample.current_bytes == SIZE_UNKNOWN && sample.max_bytes == SIZE_UNKNOWN);
	cgroup_read_counters(&none, &counters);
	assert_true(!counters.known && counters.level_count == 0 && counters.has_vmstat);
	assert_int_equal(cgroup_watch_oom(&none, &events, &why), -1);
	assert_int_equal(cgroup_watch_usage(&none, MIB, &events, &why), -1);
	assert_true(cgroup_read_kept(&none) == SIZE_UNKNOWN);
	cgroup_path(&none, path, sizeof(path));
	assert_string_equal(path, "");
	assert_true(cgroup_is_empty(&none));
	cgroup_kill(&none);
	assert_ok(cgroup_remove(&none, &why));
	cgroup_finish(&none);
}

/* libcgroup must know the same mount of the memory controller, and read the same limit from the same group. It is
 * another program: its symbols do not mix with ours. */
static void libcgroup_sees_what_we_see(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_hierarchy *memory = &fixture->tree.hierarchies[0];
	struct cgroup group;
	char command[2000], seen[512] = "", expected[512], program[300];
	make_worker(fixture, &group, 48 * MIB);
	snprintf(command, sizeof(command), "'%s' '%s/heapward-unit-test/worker-0-a' %s",
		 program_beside("libcgroup_view", program, sizeof(program)), memory->base + strlen(memory->mount),
		 is_v2(fixture) ? "memory.max" : "memory.limit_in_bytes");
	FILE *view = popen(command, "re");
	assert_non_null(view);
	assert_true(fread(seen, 1, sizeof(seen) - 1, view) > 0);
	assert_int_equal(pclose(view), 0);
	snprintf(expected, sizeof(expected), "%s %lu\n", memory->mount, (unsigned long)(48 * MIB));
	assert_string_equal(seen, expected);
	remove_within_a_second(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_reaches_the_kernel),
		cmocka_unit_test(a_limit_the_kernel_refuses_leaves_no_group),
		cmocka_unit_test(a_whole_family_dies_with_its_group),
		cmocka_unit_test(no_fork_escapes_the_kill),
		cmocka_unit_test(groups_that_a_worker_nests_go_too),
		cmocka_unit_test(a_group_with_a_process_is_never_taken_over),
		cmocka_unit_test(an_empty_group_of_an_earlier_run_is_made_again),
		cmocka_unit_test(an_oom_kill_is_counted_heard_and_found_in_the_log),
		cmocka_unit_test(usage_is_told_before_the_limit),
		cmocka_unit_test(an_ancestors_limit_is_told_from_ours),
		cmocka_unit_test(the_levels_above_base_are_described),
		cmocka_unit_test(nothing_is_known_without_a_group),
		cmocka_unit_test(libcgroup_sees_what_we_see),
	};
	return cmocka_run_group_tests_name("cgroup", tests, set_up, tear_down);
}
