/* SPDX-License-Identifier: Apache-2.0 */
/* test_cgroup_set: memory limits of a group that holds a process, changed in both directions on this machine's kernel. */
#include "tests/unit/cgroup_unit.h"
#include "supervisor/edge/cgroup_internal.h"

#include <sys/mman.h>

#define HELD_BYTES (40 * MIB)

struct fixture {
	struct cgroup_tree tree;
	struct cgroup_service service;
	struct cgroup group;
	pid_t pid; /* holds HELD_BYTES */
};

static void hold_memory(void)
{
	char *memory = mmap(NULL, HELD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(memory, 1, HELD_BYTES);
	for (;;)
		pause();
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	struct cgroup_limits limits = NO_LIMITS;
	fixture = (struct fixture){ .pid = 0 };
	limits.memory_max_bytes = 64 * MIB;
	limits.memory_swap_bytes = 0;
	assert_ok(cgroup_tree_find(&fixture.tree, GROUPS_TOP, &why));
	assert_string_equal(fixture.tree.problem, "");
	assert_ok(cgroup_service_make(&fixture.service, &fixture.tree, unit_service(), &why));
	assert_ok(cgroup_make(&fixture.group, &fixture.service, "worker-0-a", &limits, &why));
	fixture.pid = run_in_group(&fixture.group, hold_memory);
	for (int i = 0; i < 1000 && cgroup_read_kept(&fixture.group) < HELD_BYTES; i++)
		sleep_msec(10);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	assert_true(kill_until_empty(&fixture->group));
	reap(fixture->pid);
	remove_within_a_second(&fixture->group);
	cgroup_service_remove(&fixture->service);
	return 0;
}

static uint64_t memory_max(const struct fixture *fixture)
{
	struct memory_sample sample;
	cgroup_read_memory(&fixture->group, &sample);
	return sample.max_bytes;
}

/* v1's limit of both, v2's of swap alone; SIZE_UNKNOWN where this kernel accounts no swap. */
static uint64_t swap_limit(const struct fixture *fixture)
{
	bool v2 = fixture->tree.version == CGROUP_V2;
	return cgroup_read_or_unknown(fixture->group.directory_fd[0], v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
}

static void assert_limits(const struct fixture *fixture, uint64_t max_bytes, uint64_t swap_bytes)
{
	uint64_t both = swap_bytes == SIZE_NONE ? SIZE_NONE : max_bytes + swap_bytes, swap = swap_limit(fixture);
	assert_int_equal(memory_max(fixture), max_bytes);
	if (swap != SIZE_UNKNOWN)
		assert_int_equal(swap, fixture->tree.version == CGROUP_V2 ? swap_bytes : both);
}

static void it_goes_up_and_down_and_away(void **state)
{
	static const struct {
		uint64_t max_bytes, swap_bytes;
	} rows[] = {
		{ 128 * MIB, 0 },	 { 48 * MIB, 0 }, { 48 * MIB, 16 * MIB }, { 96 * MIB, 32 * MIB }, { 64 * MIB, 0 },
		{ SIZE_NONE, SIZE_NONE }, { 64 * MIB, 0 },
	};
	struct fixture *fixture = *state;
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_ok(cgroup_set_memory(&fixture->group, rows[i].max_bytes, rows[i].swap_bytes, &why));
		assert_limits(fixture, rows[i].max_bytes, rows[i].swap_bytes);
	}
}

static void below_what_is_in_use_is_refused_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct failure why;
	assert_true(cgroup_read_kept(&fixture->group) >= HELD_BYTES);
	assert_int_equal(cgroup_set_memory(&fixture->group, 24 * MIB, 0, &why), -1);
	assert_int_equal(why.error, EBUSY);
	assert_limits(fixture, 64 * MIB, 0);
	assert_int_equal(kill(fixture->pid, 0), 0);
	assert_int_equal(waitpid(fixture->pid, NULL, WNOHANG), 0);
}

static void without_a_group_there_is_nothing_to_set(void **state UNUSED)
{
	struct cgroup none;
	struct failure why;
	cgroup_clear(&none);
	assert_int_equal(cgroup_set_memory(&none, 64 * MIB, 0, &why), -1);
	assert_int_equal(cgroup_read_kept(&none), SIZE_UNKNOWN);
}

#define GROUP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROUP_TEST(it_goes_up_and_down_and_away),
		GROUP_TEST(below_what_is_in_use_is_refused_and_changes_nothing),
		cmocka_unit_test(without_a_group_there_is_nothing_to_set),
	};
	return cmocka_run_group_tests_name("cgroup_set", tests, NULL, NULL);
}
