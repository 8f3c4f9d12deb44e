/* SPDX-License-Identifier: Apache-2.0 */
/* test_stop: the ways to end a service, wanted or not, and that none leaves anything behind. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>

static const char *out_file(const struct program *program)
{
	return strrchr(program->out_path, '/') + 1;
}

static void sigterm_stops_and_the_last_line_says_so(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--", "node", js_worker_path(world, "serve.js"), NULL };
	struct program *run = run_start(world, words);
	await_file(world, out_file(run), "steady", 20);
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 10), 0);
	assert_contains(last_line(world, program_err(world, run)), "stopped");
	await_nothing_left(world, 2);
}

static void a_worker_that_ignores_sigterm_is_killed_after_the_timeout(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "stop.timeout=700ms", "--", c_worker_path(), "ignore-term", NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	int64_t asked_usec = now_usec();
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 20), 0);
	int64_t took_usec = run->ended_usec - asked_usec;
	assert_true(took_usec >= 650 * USEC_PER_MSEC);
	assert_true((double)took_usec < 5e6 * slowness());
	assert_true(verdict_is(see_why(world), "stopped", -1));
}

/* timeout(1) signals its child, and then its group. */
static void two_signals_at_once_are_one_request(void **state)
{
	struct world *world = *state;
	const char *script = "trap 'sleep 0.4; echo cleaned up; exit 0' TERM; echo steady; while :; do sleep 0.05; done";
	const char *words[] = { "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_file(world, out_file(run), "steady", 20);
	kill(run->pid, SIGTERM);
	pause_msec(50);
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_contains(program_out(world, run), "cleaned up");
	assert_null(strstr(program_err(world, run), "second time"));
	await_nothing_left(world, 2);
}

static void stopping_takes_the_whole_tree(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "%s ignore-term & setsid %s ignore-term & setsid sh -c '%s steady & wait' &"
					 " echo steady; wait", c_worker_path(), c_worker_path(), c_worker_path());
	const char *words[] = { "--set", "stop.timeout=300ms", "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_file(world, out_file(run), "steady", 20);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
	await_nothing_left(world, 2);
}

static void children_that_outlive_the_worker_are_ended(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "setsid %s ignore-term & exit 4", c_worker_path());
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 4);
	await_nothing_left(world, 2);
}

static void other_signals_are_forwarded(void **state)
{
	static const struct {
		int signal;
		const char *heard;
	} rows[] = { { SIGHUP, "heard SIGHUP" }, { SIGUSR2, "heard SIGUSR2" }, { SIGWINCH, "heard SIGWINCH" } };
	struct world *world = *state;
	const char *words[] = { "--", "node", js_worker_path(world, "serve.js"), NULL };
	struct program *run = run_start(world, words);
	await_file(world, out_file(run), "steady", 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		kill(run->pid, rows[i].signal);
		await_file(world, out_file(run), rows[i].heard, 5);
	}
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

/* The keeper: what the supervisor had is gone 2 s after it was killed. */
static void kill_supervisor(struct world *world, struct program *run)
{
	await_file(world, out_file(run), "steady", 30);
	kill(run->pid, SIGKILL);
	program_finish(world, run, 5);
	await_nothing_left(world, 2);
}

static void a_killed_supervisor_takes_npm_sh_and_node_along(void **state)
{
	struct world *world = *state;
	world_write(world, "package.json", "{\"name\":\"e2e\",\"scripts\":{\"start\":\"node %s; exit $?\"}}\n",
		    js_worker_path(world, "serve.js"));
	const char *words[] = { "-m", "512M", "--", "npm", "start", NULL };
	kill_supervisor(world, run_start(world, words));
}

static void a_killed_supervisor_takes_sessions_of_their_own_along(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "setsid %s ignore-term & setsid sh -c 'setsid %s ignore-term & wait' &"
					 " echo steady; wait", c_worker_path(), c_worker_path());
	const char *words[] = { "--", "sh", "-c", script, NULL };
	kill_supervisor(world, run_start(world, words));
}

static void a_killed_supervisors_name_can_be_taken_again(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--", "sh", "-c", "echo steady; exec sleep 100", NULL };
	kill_supervisor(world, run_start(world, words));
	const char *again[] = { "--set", "restart.when=never", "--", c_worker_path(), "exit=6", NULL };
	assert_int_equal(program_finish(world, run_start(world, again), 20), 6);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(sigterm_stops_and_the_last_line_says_so),
		WORLD_TEST(a_worker_that_ignores_sigterm_is_killed_after_the_timeout),
		WORLD_TEST(two_signals_at_once_are_one_request),
		WORLD_TEST(stopping_takes_the_whole_tree),
		WORLD_TEST(children_that_outlive_the_worker_are_ended),
		WORLD_TEST(other_signals_are_forwarded),
		WORLD_TEST(a_killed_supervisor_takes_npm_sh_and_node_along),
		WORLD_TEST(a_killed_supervisor_takes_sessions_of_their_own_along),
		WORLD_TEST(a_killed_supervisors_name_can_be_taken_again),
	};
	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
