/* SPDX-License-Identifier: Apache-2.0 */
/* test_moments: deaths and commands at the wrong moment: while it stops, while it starts, in back-off; and a calendar that
 * jumps. What status says of it, in text and JSON. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>
#include <time.h>

#define RESTARTS "/services/0/restarts/"

static struct program *run(struct world *world, const char *settings, const char *const *worker)
{
	const char *words[WORDS_MAX] = { "--set", "log.events=json", "--set", "heap.runtime=none" };
	size_t count = 4;
	char *next = world_print(world, "%s", settings);
	for (char *word; (word = strsep(&next, " ")) != NULL;) {
		words[count++] = "--set";
		words[count++] = word;
	}
	words[count++] = "--";
	for (; *worker != NULL; worker++)
		words[count++] = *worker;
	words[count] = NULL;
	return run_start(world, words);
}

static void stop(struct world *world, struct program *program)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 10), 0);
}

static void await_steady(struct world *world, const struct program *program)
{
	await_file(world, strrchr(program->out_path, '/') + 1, "steady", 20);
}

/* Dies of SIGSEGV when it is told to stop, as many do. */
static struct program *run_one_that_dies_of_sigterm(struct world *world)
{
	const char *const worker[] = { "bash", "-c", "trap 'kill -SEGV $$' TERM; echo steady; while :; do sleep 0.05; done",
				       NULL };
	struct program *program = run(world, "restart.budget.deaths=3", worker);
	await_steady(world, program);
	await_state(world, "ready", 20);
	return program;
}

static void a_death_while_stopping_is_a_stop(void **state)
{
	struct world *world = *state;
	stop(world, run_one_that_dies_of_sigterm(world));
	struct json_object *why = see_why(world);
	assert_true(verdict_is(why, "stopped", -1));
	assert_contains(json_object_to_json_string(why), "SIGSEGV");
}

static void a_death_while_restarting_costs_nothing(void **state)
{
	struct world *world = *state;
	struct program *program = run_one_that_dies_of_sigterm(world);
	pid_t worker = await_worker(world, 0, 10);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_worker(world, worker, 20);
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, RESTARTS "by_verdict/replaced"), 1);
	assert_int_equal(see_number(status, RESTARTS "by_verdict/signal"), 0);
	assert_int_equal(see_number(status, RESTARTS "budget_left"), 3);
	stop(world, program);
}

/* It never was ready, and says why: the death is its own, not "not-ready". */
static void a_death_while_starting_is_a_death(void **state)
{
	struct world *world = *state;
	const char *const worker[] = { c_worker_path(), "exit=3", NULL };
	struct program *program = run(world, "ready.when=tcp:1 restart.backoff.from=100s restart.backoff.up_to=100s", worker);
	struct json_object *status = await_state(world, "back-off", 20);
	assert_int_equal(see_number(status, RESTARTS "by_verdict/exit"), 1);
	assert_int_equal(see_number(status, RESTARTS "by_verdict/not-ready"), 0);
	assert_int_equal(see_number(status, RESTARTS "budget_left"), 4);
	stop(world, program);
}

/* The first is dead, the next not due for minutes. */
static struct program *run_into_back_off(struct world *world, const char *more)
{
	const char *script = world_print(world, "if [ -e go ]; then exec %s steady; fi; exit 3", c_worker_path());
	const char *const worker[] = { "sh", "-c", script, NULL };
	const char *settings = world_print(world, "restart.backoff.from=200s restart.backoff.up_to=200s%s", more);
	struct program *program = run(world, settings, worker);
	await_state(world, "back-off", 20);
	return program;
}

static void in_back_off_status_says_when_and_how_often_still(void **state)
{
	struct world *world = *state;
	struct program *program = run_into_back_off(world, " restart.budget.deaths=7 restart.budget.within=20min");
	struct json_object *status = see_status(world);
	int64_t next = see_number(status, RESTARTS "next_in_seconds");
	assert_in_range(next, 100, 200); /* up to a fifth less than 200 */
	assert_int_equal(see_number(status, RESTARTS "budget_left"), 6);
	assert_int_equal(see_number(status, RESTARTS "budget_deaths"), 7);
	assert_int_equal(see_number(status, RESTARTS "budget_within_seconds"), 1200);
	const char *text = heapward_says(world, 0, "status", world->name, NULL);
	assert_contains(text, "back-off");
	assert_contains(text, "ended by exit 1; 6 of 7 left in 20 min");
	assert_contains(text, "next start in");
	assert_contains(text, "exit, "); /* the last end, and when */
	stop(world, program); /* at once, not after 200 s */
}

static void in_back_off_a_restart_and_a_reset_do_not_wait(void **state)
{
	static const struct {
		const char *command;
		int64_t budget_left;
	} rows[] = { { "restart", 4 }, { "reset", 5 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = *state;
		struct program *program = run_into_back_off(world, "");
		world_write(world, "go", "\n");
		heapward_says(world, 0, rows[i].command, world->name, NULL);
		struct json_object *status = await_state(world, "ready", 20);
		assert_int_equal(see_number(status, RESTARTS "budget_left"), rows[i].budget_left);
		stop(world, program);
		assert_int_equal(unlink(world_path(world, "go")), 0);
	}
}

static void a_failed_service_says_why_and_stays_so(void **state)
{
	struct world *world = *state;
	const char *const worker[] = { c_worker_path(), "exit=3", NULL };
	struct program *program = run(world, "restart.backoff.from=50ms restart.budget.deaths=1 restart.exhausted=hold", worker);
	struct json_object *status = await_state(world, "failed", 20);
	assert_contains(see_text(status, "/services/0/failed_why"), "gave up after 2 deaths in 10 min (budget 1)");
	see_type(status, RESTARTS "next_in_seconds", json_type_double, true);
	const char *text = heapward_says(world, 0, "status", world->name, NULL);
	assert_contains(text, "failed    gave up after 2 deaths in 10 min (budget 1); holding; heapward reset");
	assert_contains(see_text(status, "/services/0/failed_why"),
			world_print(world, "holding; heapward reset %s starts it again, heapward stop %s ends it", world->name, world->name));
	assert_null(strstr(text, "left in"));
	assert_null(strstr(text, "next start in"));
	kill(program->pid, SIGUSR1); /* neither a signal nor time starts it */
	pause_msec(500);
	status = await_state(world, "failed", 1);
	assert_int_equal(see_number(status, RESTARTS "total"), 1);
	stop(world, program);
}

/* Restart, back-off and budget go by a clock that nobody sets; only what is told of the time follows the calendar. */
static void a_calendar_that_jumps_moves_nothing(void **state)
{
	static const long jumps[] = { 2 * 31536000L, -2 * 31536000L };
	struct world *world = *state;
	const char *const worker[] = { c_worker_path(), "exit=3", NULL };
	world_environment(world, "LD_PRELOAD=%s", clock_jump_path());
	world_environment(world, "CLOCK_JUMP=%s", world_path(world, "jump"));
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		world_write(world, "jump", "0\n");
		struct program *program = run(world, "restart.backoff.from=1s restart.backoff.up_to=1s restart.budget.deaths=2"
					      " restart.exhausted=exit", worker);
		await_err(world, program, "restart.scheduled", 20);
		world_write(world, "jump", "%ld\n", jumps[i]);
		int64_t began_usec = now_usec();
		assert_int_equal(program_finish(world, program, 20), 3); /* three deaths within the window, jump or not */
		double took = (double)(program->ended_usec - began_usec) / 1e6;
		assert_true(took > 0.7);
		const char *events = program_err(world, program);
		assert_int_equal(count_events(world, events, "death"), 3);
		char wanted[32];
		time_t then = time(NULL) + jumps[i];
		strftime(wanted, sizeof(wanted), "\"ts\":\"%Y-%m", gmtime(&then));
		assert_contains(events, wanted);
	}
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_death_while_stopping_is_a_stop),
		WORLD_TEST(a_death_while_restarting_costs_nothing),
		WORLD_TEST(a_death_while_starting_is_a_death),
		WORLD_TEST(in_back_off_status_says_when_and_how_often_still),
		WORLD_TEST(in_back_off_a_restart_and_a_reset_do_not_wait),
		WORLD_TEST(a_failed_service_says_why_and_stays_so),
		WORLD_TEST(a_calendar_that_jumps_moves_nothing),
	};
	return cmocka_run_group_tests_name("moments", tests, NULL, NULL);
}
