/* SPDX-License-Identifier: Apache-2.0 */
/* test_limits: what changes a service that runs: old space raised after deaths, a policy that is read again, budgets of
 * one verdict, and what of it outlives a killed supervisor. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>

#define SET "--set"

/* A policy for the C worker in one mode; `heap` and `restart` are more of those sections. */
static const char *write_policy(struct world *world, const char *mode, const char *heap, const char *restart)
{
	world_write(world, "p.yaml",
		    "version: 1\n"
		    "service: {command: [%s, %s]}\n"
		    "memory: {max: 256M, enforce: best_effort}\n"
		    "heap: {%s}\n"
		    "restart: {backoff: {from: 50ms}, exhausted: hold, %s}\n"
		    "sandbox: {capabilities: unchanged}\n"
		    "log: {events: json}\n",
		    c_worker_path(), mode, heap, restart);
	return world_path(world, "p.yaml");
}

static struct program *run_policy(struct world *world, const char *policy)
{
	const char *words[] = { "-p", policy, NULL };
	return run_start(world, words);
}

static void stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

#define RAISE(up_to) "old_space: 32M, at_limit: raise, raise: {by: 16M, up_to: " up_to "}"

static void each_heap_limit_raises_old_space_up_to_its_end(void **state)
{
	struct world *world = *state;
	struct program *run = run_policy(world, write_policy(world, "leak", RAISE("56M"), "budget: {deaths: 3, within: 10min}"));
	struct json_object *status = await_state(world, "failed", 60);
	assert_int_equal(see_number(status, "/services/0/raise/history/0/from_bytes"), 32 << 20);
	assert_int_equal(see_number(status, "/services/0/raise/history/0/to_bytes"), 48 << 20);
	assert_int_equal(see_number(status, "/services/0/raise/history/1/to_bytes"), 56 << 20);
	assert_contains(see_text(status, "/services/0/raise/refused"), "has reached heap.raise.up_to 56 MiB");
	const char *events = program_err(world, run);
	assert_int_equal(count_events(world, events, "limit.raise"), 2);
	assert_int_equal(count_events(world, events, "limit.raise_refused"), 1);
	const char *text = heapward_says(world, 0, "explain", "-n", world->name, NULL);
	assert_contains(text, "raised 2 times from planned 32 MiB");
	assert_contains(text, "Raises (heap.at_limit: raise)");
	assert_contains(text, "Z: old space 32 MiB -> 48 MiB"); /* each with its time */
	assert_contains(text, "Z: old space 48 MiB -> 56 MiB");
	text = heapward_says(world, 0, "status", world->name, NULL);
	assert_contains(text, "raise     old space 32 MiB -> 56 MiB in 2 steps, last at");
	assert_contains(text, "refused: old space 56 MiB has reached heap.raise.up_to 56 MiB");
	assert_contains(see_text(see_why(world), "/verdict"), "heap-limit");
	stop(world, run);
}

static void a_raise_outlives_the_supervisor_and_is_given_back_with_another_policy(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "leak", RAISE("64M"), "budget: {deaths: 1, within: 10min}");
	struct program *run = run_policy(world, policy);
	await_state(world, "failed", 60);
	stop(world, run);
	write_policy(world, "steady", RAISE("64M"), "when: always");
	run = run_policy(world, policy);
	await_state(world, "ready", 20);
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL), "old space 48 MiB = raised 1 time");
	write_policy(world, "steady", RAISE("64M"), "when: failure"); /* no limit has changed */
	heapward_says(world, 0, "reload", world->name, NULL);
	assert_null(strstr(program_err(world, run), "given back"));
	write_policy(world, "steady", RAISE("96M"), "when: always");
	heapward_says(world, 0, "reload", world->name, NULL);
	assert_contains(program_err(world, run), "1 raise of old space given back");
	heapward_says(world, 0, "restart", world->name, NULL);
	await_state(world, "ready", 20);
	pause_msec(200);
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL), "old space 32 MiB = heap.old_space");
	stop(world, run);
}

static void a_raise_that_the_machine_has_no_memory_for_is_refused_with_the_numbers(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "leak", "old_space: 32M, at_limit: raise, raise: {by: 900G, up_to: 1000G}",
					  "budget: {deaths: 1, within: 10min}");
	struct program *run = run_policy(world, policy);
	struct json_object *status = await_state(world, "failed", 60);
	assert_contains(see_text(status, "/services/0/raise/refused"), "need ");
	assert_contains(see_text(status, "/services/0/raise/refused"), "old space 921632 MiB + reserve + headroom");
	assert_contains(see_text(status, "/services/0/raise/refused"), "have ");
	assert_int_equal(count_events(world, program_err(world, run), "limit.raise"), 0);
	stop(world, run);
}

static void an_invalid_policy_is_told_whole_and_changes_nothing(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "steady", "old_space: 32M", "when: always");
	struct program *run = run_policy(world, policy);
	pid_t worker = await_worker(world, 0, 20);
	write_policy(world, "steady", "old_spaces: 32M", "when: sometimes");
	struct program *reload = heapward_start(world, "reload", world->name, NULL);
	assert_int_equal(program_finish(world, reload, 10), 2);
	assert_contains(program_err(world, reload), "p.yaml:4:8: error: unknown key \"heap.old_spaces\"");
	assert_contains(program_err(world, reload), "p.yaml:5:57: error: restart.when: unknown value \"sometimes\"");
	struct json_object *status = see_status(world);
	assert_false(see_bool(status, "/services/0/reload_pending"));
	assert_int_equal(count_events(world, program_err(world, run), "policy.rejected"), 1);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_worker(world, worker, 20);
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL), "old space 32 MiB");
	stop(world, run);
}

static void a_valid_policy_counts_from_the_next_start(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "steady", "old_space: 32M", "when: always");
	struct program *run = run_policy(world, policy);
	pid_t worker = await_worker(world, 0, 20);
	await_state(world, "ready", 20);
	write_policy(world, "steady", "old_space: 40M", "budget: {deaths: 7, within: 10min}");
	heapward_says(world, 0, "reload", world->name, NULL);
	struct json_object *status = see_status(world);
	assert_true(see_bool(status, "/services/0/reload_pending"));
	assert_int_equal(see_number(status, "/services/0/instances/0/pid"), worker);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_deaths"), 7);
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), 32 << 20);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_worker(world, worker, 20);
	status = await_state(world, "ready", 20);
	assert_false(see_bool(status, "/services/0/reload_pending"));
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), 40 << 20);
	stop(world, run);
}

static void a_name_cannot_change_while_it_runs(void **state)
{
	struct world *world = *state;
	world_write(world, "n.yaml", "version: 1\nservice: {name: %s, command: [%s, steady]}\n", world->name, c_worker_path());
	struct program *run = heapward_start(world, "run", "-p", world_path(world, "n.yaml"), NULL);
	await_worker(world, 0, 20);
	world_write(world, "n.yaml", "version: 1\nservice: {name: %s-x, command: [%s, steady]}\n", world->name, c_worker_path());
	struct program *reload = heapward_start(world, "reload", world->name, NULL);
	assert_int_equal(program_finish(world, reload, 10), 2);
	assert_contains(program_err(world, reload), "a name cannot change while it runs");
	stop(world, run);
}

static void one_verdict_may_have_a_budget_of_its_own(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "exit=3", "runtime: none",
					  "budget: {deaths: 50, within: 10min, by_verdict: {exit: {deaths: 1, within: 1h}}}");
	struct program *run = run_policy(world, policy);
	struct json_object *status = await_state(world, "failed", 20);
	assert_contains(see_text(status, "/services/0/failed_why"), "gave up after 2 deaths by exit in 1 h");
	assert_int_equal(see_number(status, "/services/0/restarts/budgets_by_verdict/exit/left"), 0);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 48);
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "none until a reset");
	write_policy(world, "steady", "runtime: none", "when: always");
	heapward_says(world, 0, "reload", world->name, NULL); /* a changed policy is as good as reset */
	await_state(world, "ready", 20);
	stop(world, run);
}

static void a_killed_supervisor_leaves_its_budget_to_the_next(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "exit=3", "runtime: none", "budget: {deaths: 2, within: 10min}");
	struct program *run = run_policy(world, policy);
	await_state(world, "failed", 20);
	kill(run->pid, SIGKILL);
	program_finish(world, run, 10);
	await_nothing_left(world, 5);
	write_policy(world, "steady", "runtime: none", "budget: {deaths: 2, within: 10min}");
	run = run_policy(world, policy);
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 0);
	assert_contains(program_err(world, run), "3 deaths of its restart budget count on");
	assert_contains(heapward_says(world, 0, "why", world->name, "3", NULL), "exit 3");
	stop(world, run);
	run = run_policy(world, policy); /* an orderly end forgets */
	status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 2);
	stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(each_heap_limit_raises_old_space_up_to_its_end),
		WORLD_TEST(a_raise_outlives_the_supervisor_and_is_given_back_with_another_policy),
		WORLD_TEST(a_raise_that_the_machine_has_no_memory_for_is_refused_with_the_numbers),
		WORLD_TEST(an_invalid_policy_is_told_whole_and_changes_nothing),
		WORLD_TEST(a_valid_policy_counts_from_the_next_start),
		WORLD_TEST(a_name_cannot_change_while_it_runs),
		WORLD_TEST(one_verdict_may_have_a_budget_of_its_own),
		WORLD_TEST(a_killed_supervisor_leaves_its_budget_to_the_next),
	};
	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
