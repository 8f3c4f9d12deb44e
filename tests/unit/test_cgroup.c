/* SPDX-License-Identifier: Apache-2.0 */
/* The real kernel of this machine: v1 or hybrid on the build machine, v2 in tests/vm, as root and as an ordinary user
 * with a delegated group. libcgroup is the second opinion: it looks at the same groups by its own ways. */
#include "tests/unit/cgroup_fixture.h"

#include <sys/mman.h>
#include <sys/stat.h>

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

static pid_t wanted;

static bool is_wanted(int32_t pid)
{
	return pid == wanted;
}

static void a_whole_family_dies_with_its_group(void **state)
{
	const struct fixture *fixture = *state;
	struct memory_sample sample;
	struct cgroup group;
	make_worker(fixture, &group, 64 * MIB);
	assert_true(cgroup_is_empty(&group));
	pid_t pid = run_in_group(&group, run_a_family);
	for (int i = 0; i < 200; i++) { /* a busy machine takes its time */
		sleep_msec(50);
		cgroup_read_memory(&group, &sample);
		if (sample.tasks == 3)
			break;
	}
	assert_false(cgroup_is_empty(&group));
	wanted = pid;
	assert_true(cgroup_any(&group, is_wanted));
	wanted = getpid();
	assert_false(cgroup_any(&group, is_wanted));
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
	assert_contains(why.text, unit_group());
	assert_contains(why.text, "/worker-0-a of an earlier run still holds processes (pid ");
	if (!fixture->tree.needs_leaf) {
		assert_int_equal(cgroup_service_make(&same, &fixture->tree, unit_service(), &why), -1);
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

/* libcgroup must know the same mount of the memory controller, and read the same limit from the same group. It is
 * another program: its symbols do not mix with ours. */
static void libcgroup_sees_what_we_see(void **state)
{
	const struct fixture *fixture = *state;
	const struct cgroup_hierarchy *memory = &fixture->tree.hierarchies[0];
	struct cgroup group;
	char command[2000], seen[512] = "", expected[512], program[300];
	make_worker(fixture, &group, 48 * MIB);
	snprintf(command, sizeof(command), "'%s' '%s/%s/worker-0-a' %s",
		 program_beside("libcgroup_view", program, sizeof(program)), memory->base + strlen(memory->mount), unit_group(),
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
		cmocka_unit_test(libcgroup_sees_what_we_see),
	};
	return cmocka_run_group_tests_name("cgroup", tests, set_up, tear_down);
}
