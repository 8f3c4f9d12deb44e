/* SPDX-License-Identifier: Apache-2.0 */
/* test_children: a process of the worker that dies while the server lives on is news with a verdict, and no death; what
 * it left in counters, records and on stderr is no evidence of a death that comes later. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>

#define SET "--set"

static struct program *run_parent(struct world *world, const char *way, const char *max)
{
	const char *words[] = { SET, "restart.when=never", SET, "log.events=json", SET, "heap.processes=2", SET,
				"heap.old_space=40M", SET, world_print(world, "memory.max=%s", max), "--", "node",
				js_worker_path(world, "parent.js"), way, NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "child ended", 60);
	return run;
}

static void await_child_death(struct world *world, struct program *run, const char *verdict)
{
	await_err(world, run, "\"event\":\"child.death\"", 20);
	assert_contains(program_err(world, run), world_print(world, "\"verdict\":\"%s\"", verdict));
	assert_int_equal(count_events(world, program_err(world, run), "death"), 0);
	assert_int_equal(see_number(see_status(world), "/services/0/instances/0/child_deaths"), 1);
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "1 of its child processes have died");
}

static void a_child_that_is_oom_killed_is_no_death(void **state)
{
	struct world *world = *state;
	struct program *run = run_parent(world, "buffers", "320M");
	await_child_death(world, run, "oom-kill");
	assert_contains(program_err(world, run), "own group reached memory.max 320 MiB");
	assert_contains(program_err(world, run), "\"evidence\":[\"cgroup: oom_kill +1 in the worker's own group\"");
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_true(verdict_is(see_why(world), "stopped", -1));
}

static void a_kill_after_a_childs_oom_kill_is_not_the_kernels(void **state)
{
	struct world *world = *state;
	struct program *run = run_parent(world, "buffers", "320M");
	await_child_death(world, run, "oom-kill");
	kill(await_worker(world, 0, 5), SIGKILL);
	assert_int_equal(program_finish(world, run, 20), 137);
	assert_true(verdict_is(see_why(world), "unknown-kill", -1));
}

static void a_child_that_dies_at_its_heap_limit_is_no_death(void **state)
{
	struct world *world = *state;
	struct program *run = run_parent(world, "heap", "700M");
	await_child_death(world, run, "heap-limit");
	kill(await_worker(world, 0, 5), SIGABRT); /* the server itself aborts, for another reason */
	assert_int_equal(program_finish(world, run, 20), 134);
	assert_true(verdict_is(see_why(world), "signal", 6));
}

static void a_child_that_leaves_is_no_news(void **state)
{
	struct world *world = *state;
	struct program *run = run_parent(world, "exit", "500M");
	pause_msec(6000);
	assert_int_equal(count_events(world, program_err(world, run), "child.death"), 0);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_child_that_is_oom_killed_is_no_death),
		WORLD_TEST(a_kill_after_a_childs_oom_kill_is_not_the_kernels),
		WORLD_TEST(a_child_that_dies_at_its_heap_limit_is_no_death),
		WORLD_TEST(a_child_that_leaves_is_no_news),
	};
	return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
