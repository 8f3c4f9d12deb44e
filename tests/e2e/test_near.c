/* SPDX-License-Identifier: Apache-2.0 */
/* test_near: workers near a limit behind a held socket, one trigger at a time, and where a second worker has no room. The
 * load is light, so that this also runs on the emulated cgroup v2 machine (tests/vm/suite). */
#include "tests/e2e/load.h"

#include <stdlib.h>

/* V8's near-heap-limit callback alone tells. */
#define CALLBACK_ONLY "heap.lead=0ms heap.live_max=none heap.gc_time=none memory.replace_at=none"
#define OLD_SPACE_OF_256M 56

/* Under emulation a spare takes long to come: the leak must not have used up the headroom by then. */
static int rate(void)
{
	return slowness() > 1 ? 5 : 20;
}

static const char *leak_kib(void)
{
	return slowness() > 1 ? "384" : "1536";
}

/* No other end than replacements, and no request that failed. */
static void assert_only_replaced(struct world *world, struct program *run, struct json_object *load)
{
	static const char *const deaths[] = { "heap-limit", "oom-kill", "oom-kill-host", "signal", "exit", "unknown-kill" };
	struct json_object *status = see_status(world);
	for (size_t i = 0; i < ARRAY_LEN(deaths); i++) {
		if (see_number(status, world_print(world, "/services/0/restarts/by_verdict/%s", deaths[i])) != 0)
			fail_msg("died of %s:\n%s", deaths[i], program_err(world, run));
	}
	assert_null(strstr(program_err(world, run), "before it had left")); /* the kernel or V8 was faster */
	assert_none_failed(world, run, load);
}

/* Old space is what `auto` plans. Three times; tools/near-limit does it forty times with each Node and three sizes. */
static void the_callback_alone_is_early_enough(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	int times = slowness() > 1 ? 1 : 3;
	struct program *run = serve_leak(world, target, "memory.max=256M " CALLBACK_ONLY, leak_kib());
	struct program *load = load_start_at(world, target, rate());
	await_replaced(world, times, 15 * times);
	assert_only_replaced(world, run, load_end(world, load));
	const char *err = program_err(world, run);
	assert_true(count_events(world, err, "heap.near_limit") >= (size_t)times);
	assert_int_equal(count_events(world, err, "heap.warn"), 0);
	assert_int_equal(count_events(world, err, "replace.refused"), 0);
	serve_stop(world, run);
	assert_contains(heapward_says(world, 0, "explain", "-m", "256M", "--", "node", "server.js", NULL),
			world_print(world, "old space %d MiB", OLD_SPACE_OF_256M));
}

/* Outside of V8's heap, seen by the kernel's counters alone (v1: a threshold's eventfd, v2: memory.high and its events). */
static void memory_alone_is_early_enough(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak_of(world, target, "memory.max=256M memory.replace_at=55% heap.lead=0ms heap.live_max=none "
					    "heap.gc_time=none", leak_kib(), "buffers");
	struct program *load = load_start_at(world, target, rate());
	await_replaced(world, 1, 20);
	assert_only_replaced(world, run, load_end(world, load));
	assert_contains(program_err(world, run), "\"trigger\":\"memory.replace_at\"");
	assert_int_equal(count_events(world, program_err(world, run), "heap.near_limit"), 0);
	serve_stop(world, run);
}

/* A group above the service's that holds one worker, and no second one beside it. */
static void without_room_it_drains_first(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	group_limit(world_group(world), 300);
	struct program *run = serve_leak(world, target, "memory.max=256M " CALLBACK_ONLY, leak_kib());
	struct program *load = load_start_at(world, target, rate());
	await_replaced(world, 1, 20);
	assert_only_replaced(world, run, load_end(world, load));
	const char *err = program_err(world, run);
	assert_true(count_events(world, err, "replace.refused") >= 1);
	assert_contains(err, "no second worker: need ");
	assert_contains(err, "it drains, then the next one starts");
	serve_stop(world, run);
}

/* Both in one group, and under load from the same moment on: each finds the other's memory in its way. */
static void two_that_leak_at_once_without_room_drain_first(void **state)
{
	void *other = NULL;
	assert_int_equal(world_make(&other), 0);
	struct world *worlds[] = { *state, other };
	struct program *runs[2], *loads[2];
	const char *targets[2];
	const char *group = world_group(worlds[0]);
	group_limit(group, 320);
	setenv("E2E_CGROUP", group, 1); /* where the second world's programs start */
	for (size_t i = 0; i < 2; i++) {
		targets[i] = world_print(worlds[i], "tcp:%d", free_port());
		runs[i] = serve_leak(worlds[i], targets[i], "memory.max=256M heap.old_space=64M", "96");
	}
	unsetenv("E2E_CGROUP");
	for (size_t i = 0; i < 2; i++)
		loads[i] = load_start_at(worlds[i], targets[i], 5 * rate());
	for (size_t i = 0; i < 2; i++)
		await_replaced(worlds[i], slowness() > 1 ? 1 : 3, 60);
	for (size_t i = 0; i < 2; i++) {
		assert_only_replaced(worlds[i], runs[i], load_end(worlds[i], loads[i]));
		assert_contains(program_err(worlds[i], runs[i]), "no second worker: need ");
		serve_stop(worlds[i], runs[i]);
	}
	assert_int_equal(world_end(&other), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_callback_alone_is_early_enough),
		WORLD_TEST(memory_alone_is_early_enough),
		WORLD_TEST(without_room_it_drains_first),
		WORLD_TEST(two_that_leak_at_once_without_room_drain_first),
	};
	return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
