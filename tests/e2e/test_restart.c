/* SPDX-License-Identifier: Apache-2.0 */
/* test_restart: back-off, restart budget, and what ends a service. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#define SET "--set"
#define QUICK SET, "restart.backoff.from=50ms", SET, "log.events=json"

static struct program *run_worker(struct world *world, const char *const *settings, const char *mode)
{
	const char *words[WORDS_MAX];
	size_t count = 0;
	for (; *settings != NULL; settings++)
		words[count++] = *settings;
	words[count++] = "--";
	words[count++] = c_worker_path();
	words[count++] = mode;
	words[count] = NULL;
	return run_start(world, words);
}

static void a_service_that_keeps_dying_fails_when_its_budget_is_used_up(void **state)
{
	struct world *world = *state;
	const char *const settings[] = { QUICK, SET, "restart.budget.deaths=2", SET, "restart.exhausted=hold", NULL };
	struct program *run = run_worker(world, settings, "exit=3");
	struct json_object *status = await_state(world, "failed", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/total"), 2);
	assert_int_equal(see_number(status, "/services/0/restarts/by_verdict/exit"), 3);
	assert_int_equal(see_number(status, "/services/0/restarts/by_verdict/heap-limit"), 0);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 0);
	heapward_says(world, 1, "ready", world->name, NULL);
	const char *events = program_err(world, run);
	assert_int_equal(count_events(world, events, "start"), 3);
	assert_int_equal(count_events(world, events, "death"), 3);
	assert_int_equal(count_events(world, events, "restart.scheduled"), 2);
	assert_int_equal(count_events(world, events, "failed"), 1);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

static void the_delay_before_a_restart_grows(void **state)
{
	struct world *world = *state;
	const char *const settings[] = { SET, "restart.backoff.from=200ms", SET, "restart.backoff.factor=3",
					 SET, "restart.budget.deaths=2", SET, "restart.exhausted=exit", NULL };
	struct program *run = run_worker(world, settings, "exit=3");
	assert_int_equal(program_finish(world, run, 20), 3);
	assert_true(run->ended_usec - run->started_usec >= (200 + 600) * USEC_PER_MSEC * 4 / 5);
}

static void an_exhausted_budget_may_end_the_run_with_the_workers_status(void **state)
{
	struct world *world = *state;
	const char *const settings[] = { QUICK, SET, "restart.budget.deaths=1", SET, "restart.exhausted=exit", NULL };
	struct program *run = run_worker(world, settings, "signal=11");
	assert_int_equal(program_finish(world, run, 20), 139);
	const char *events = program_err(world, run);
	assert_int_equal(count_events(world, events, "death"), 2);
	assert_int_equal(count_events(world, events, "restart.scheduled"), 1);
}

static void a_reported_heap_limit_is_not_restarted(void **state)
{
	struct world *world = *state;
	const char *words[] = { QUICK, SET, "heap.at_limit=report", SET, "memory.max=320M", SET, "heap.old_space=64M",
				"--", "node", js_worker_path(world, "leak-heap.js"), NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 60), 134);
	const char *events = program_err(world, run);
	assert_int_equal(count_events(world, events, "restart.scheduled"), 0);
	assert_int_equal(count_events(world, events, "death"), 1);
	assert_true(verdict_is(see_why(world), "heap-limit", -1));
}

static void a_heap_limit_is_restarted_until_the_budget_is_used_up(void **state)
{
	struct world *world = *state;
	/* On a slow machine a leak takes longer than a life that counts as healthy by default. */
	const char *words[] = { QUICK, SET, "restart.budget.deaths=1", SET, "restart.exhausted=hold", SET,
				"restart.healthy_after=1h", SET, "memory.max=320M", SET, "heap.old_space=64M",
				"--", "node", js_worker_path(world, "leak-heap.js"), NULL };
	struct program *run = run_start(world, words);
	struct json_object *status = await_state(world, "failed", 60);
	assert_int_equal(see_number(status, "/services/0/restarts/by_verdict/heap-limit"), 2);
	assert_int_equal(see_number(status, "/services/0/restarts/total"), 1);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

static void a_failed_service_starts_again_after_reset(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "if [ -e go ]; then exec %s steady; fi; exit 3", c_worker_path());
	const char *words[] = { QUICK, SET, "restart.budget.deaths=1", SET, "restart.exhausted=hold",
				"--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_state(world, "failed", 20);
	world_write(world, "go", "\n");
	heapward_says(world, 0, "reset", world->name, NULL);
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 1);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

static void exit_0_is_the_end_unless_the_policy_says_always(void **state)
{
	struct world *world = *state;
	const char *const failure[] = { QUICK, NULL };
	assert_int_equal(program_finish(world, run_worker(world, failure, "exit=0"), 10), 0);
	const char *const always[] = { QUICK, SET, "restart.when=always", SET, "restart.budget.deaths=2",
				       SET, "restart.exhausted=exit", NULL };
	struct program *run = run_worker(world, always, "exit=0");
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_int_equal(count_events(world, program_err(world, run), "start"), 3);
}

static void a_restart_on_request_costs_no_budget(void **state)
{
	struct world *world = *state;
	const char *const settings[] = { QUICK, NULL };
	struct program *run = run_worker(world, settings, "steady");
	struct json_object *status = await_state(world, "ready", 20);
	int64_t budget = see_number(status, "/services/0/restarts/budget_left");
	pid_t before = await_worker(world, 0, 5);
	heapward_says(world, 0, "restart", world->name, NULL);
	pid_t after = await_worker(world, before, 20);
	assert_true(after != before && process_lives(after));
	assert_false(process_lives(before));
	assert_int_equal(see_number(await_state(world, "ready", 20), "/services/0/restarts/budget_left"), budget);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

/* Some parents ignore SIGCHLD, which is inherited: then the kernel would reap our worker before we do. */
static void a_parent_that_ignores_sigchld_costs_no_status(void **state)
{
	struct world *world = *state;
	const char *words[] = { "bash", "-c", "trap '' CHLD; exec \"$@\"", "bash", heapward_path(), "run", "-n", world->name,
				"--set", "restart.when=never", "--", "sh", "-c", "exit 3", NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 3);
}

static void a_missing_command_ends_the_run_at_once(void **state)
{
	struct world *world = *state;
	struct program *run = heapward_start(world, "run", "-n", world->name, "no-such-program", NULL);
	assert_int_equal(program_finish(world, run, 20), 127);
	assert_contains(program_err(world, run), "exec: no-such-program");
	assert_contains(program_err(world, run), ": No such file or directory");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_service_that_keeps_dying_fails_when_its_budget_is_used_up),
		WORLD_TEST(the_delay_before_a_restart_grows),
		WORLD_TEST(an_exhausted_budget_may_end_the_run_with_the_workers_status),
		WORLD_TEST(a_reported_heap_limit_is_not_restarted),
		WORLD_TEST(a_heap_limit_is_restarted_until_the_budget_is_used_up),
		WORLD_TEST(a_failed_service_starts_again_after_reset),
		WORLD_TEST(exit_0_is_the_end_unless_the_policy_says_always),
		WORLD_TEST(a_restart_on_request_costs_no_budget),
		WORLD_TEST(a_parent_that_ignores_sigchld_costs_no_status),
		WORLD_TEST(a_missing_command_ends_the_run_at_once),
	};
	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
