/* SPDX-License-Identifier: Apache-2.0 */
/* test_watchdog: servers whose event loop stands still are told and replaced, those that are only busy are left alone. */
#include "tests/e2e/load.h"

#include <signal.h>

#define WATCHED "memory.max=320M heap.old_space=64M stop.timeout=2s watchdog.event_loop=2s"

static struct program *serve_watched(struct world *world, int port, const char *more)
{
	const char *const server[] = { "node", js_worker_path(world, "stuck.js"), world_print(world, "%d", port), NULL };
	return serve(world, world_print(world, "tcp:%d", port), world_print(world, "%s%s", WATCHED, more), server);
}

/* Requests of one path, `rate` in this second. They may fail. */
static struct program *ask(struct world *world, int port, const char *path, const char *rate, const char *timeout_msec)
{
	const char *words[] = { load_program(), "--rate", rate, "--seconds", "1", "--timeout", timeout_msec, "--path", path,
				"--body", LOAD_BODY, world_print(world, "tcp:%d", port), NULL };
	return program_start(world, words);
}

static void assert_serves(struct world *world, const struct program *run, int port)
{
	assert_none_failed(world, run, load_finish(world, load_start(world, world_print(world, "tcp:%d", port), 2), 30));
}

static void await_dead(struct world *world, const char *verdict, double seconds)
{
	await_status(world, "/services/0/last_death/verdict", verdict, seconds);
}

static int64_t budget_left(struct world *world)
{
	return see_number(see_status(world), "/services/0/restarts/budget_left");
}

static void a_stuck_server_behind_a_held_socket_is_replaced(void **state)
{
	struct world *world = *state;
	int port = free_port();
	struct program *run = serve_watched(world, port, "");
	pid_t worker = await_worker(world, 0, 5);
	struct program *asking = ask(world, port, "/stuck", "1", "1000");
	await_err(world, run, "event loop stuck: no heartbeat for 2", 10);
	await_dead(world, "watchdog", 20);
	assert_contains(program_err(world, run), world_print(world, "from pid %d (watchdog.event_loop: 2 s); its main thread "
							     "runs: a loop that does not end", (int)worker));
	assert_true(verdict_is(see_why(world), "watchdog", -1));
	assert_true(await_worker(world, worker, 10) != worker);
	await_state(world, "ready", 10);
	assert_serves(world, run, port);
	assert_int_equal(count_events(world, program_err(world, run), "watchdog"), 1);
	assert_int_equal(count_events(world, program_err(world, run), "replace.done"), 1);
	assert_int_equal(budget_left(world), 4);
	program_finish(world, asking, 20);
	serve_stop(world, run);
}

/* Nobody serves from when the loop stands still until the next worker does: whoever comes meanwhile waits in the socket. */
static void clients_wait_for_the_next_worker(void **state)
{
	struct world *world = *state;
	int port = free_port();
	struct program *run = serve_watched(world, port, "");
	struct program *asking = ask(world, port, "/stuck", "1", "1000");
	pause_msec(1000);
	struct program *waiting = ask(world, port, "/", "50", "20000");
	assert_none_failed(world, run, load_finish(world, waiting, 40));
	program_finish(world, asking, 20);
	serve_stop(world, run);
}

static void one_that_hears_no_signal_is_killed(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "process.on('SIGTERM', () => process.exit(0));\nprocess.argv.splice(2, 0, '%d');\n"
		    "require('%s');\n", port, js_worker_path(world, "stuck.js"));
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, world_print(world, "tcp:%d", port), WATCHED, server);
	struct program *asking = ask(world, port, "/stuck", "1", "1000");
	await_dead(world, "watchdog", 30);
	assert_contains(program_err(world, run), "its event loop was stuck for more than 2 s (watchdog.event_loop), killed after "
						 "stop.timeout");
	program_finish(world, asking, 20);
	serve_stop(world, run);
}

static void without_held_sockets_it_is_ended_and_restarted(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const char *words[] = { "--set", "log.events=json", "--set", "watchdog.event_loop=2s", "--", "node",
				js_worker_path(world, "stuck.js"), world_print(world, "%d", port), NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	pid_t worker = await_worker(world, 0, 5);
	pause_msec(2000); /* it has to listen */
	struct program *asking = ask(world, port, "/stuck", "1", "1000");
	await_dead(world, "watchdog", 20);
	assert_true(await_worker(world, worker, 20) != worker);
	assert_int_equal(budget_left(world), 4);
	assert_int_equal(count_events(world, program_err(world, run), "restart.scheduled"), 1);
	program_finish(world, asking, 20);
	serve_stop(world, run);
}

static void one_that_is_stopped_by_a_signal_is_told_as_that(void **state)
{
	struct world *world = *state;
	struct program *run = serve_watched(world, free_port(), "");
	pause_msec(2000); /* the first heartbeats */
	kill(await_worker(world, 0, 5), SIGSTOP);
	await_dead(world, "watchdog", 20);
	assert_contains(program_err(world, run), "it is stopped (SIGSTOP, SIGTSTP)");
	serve_stop(world, run);
}

/* Its spare takes four seconds to come, and it needs three: then it drains like any other. */
static void one_that_turns_again_in_time_loses_no_request(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "const fs = require('fs');\nconst first = !fs.existsSync('%s');\n"
		    "fs.writeFileSync('%s', '');\nprocess.argv.splice(2, 0, '%d', first ? '0' : '4000');\nrequire('%s');\n",
		    world_path(world, "started"), world_path(world, "started"), port, js_worker_path(world, "stuck.js"));
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, world_print(world, "tcp:%d", port), WATCHED, server);
	pause_msec(2000);
	struct program *asking = ask(world, port, "/stuck?3000", "1", "30000");
	await_err(world, run, "event loop turns again", 20);
	assert_none_failed(world, run, load_finish(world, asking, 40));
	await_replaced(world, 1, 20);
	assert_contains(program_err(world, run), "event loop stuck");
	assert_int_equal(budget_left(world), 5);
	serve_stop(world, run);
}

static void a_busy_server_is_left_alone(void **state)
{
	struct world *world = *state;
	int port = free_port();
	struct program *run = serve_watched(world, port, "");
	pid_t worker = await_worker(world, 0, 5);
	for (int i = 0; i < 4; i++) /* half a second in one piece, again and again */
		assert_none_failed(world, run, load_finish(world, ask(world, port, "/stuck?400", "5", "60000"), 60));
	assert_int_equal(await_worker(world, 0, 5), worker);
	assert_int_equal(count_events(world, program_err(world, run), "watchdog"), 0);
	serve_stop(world, run);
}

/* A job that its server starts may work for as long as it likes. */
static void a_child_that_works_is_left_alone(void **state)
{
	struct world *world = *state;
	int port = free_port();
	struct program *run = serve_watched(world, port, " heap.processes=4");
	assert_none_failed(world, run, load_finish(world, ask(world, port, "/child", "2", "30000"), 60));
	assert_int_equal(count_events(world, program_err(world, run), "watchdog"), 0);
	serve_stop(world, run);
}

static void a_stuck_worker_of_a_cluster_is_seen(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "const cluster = require('cluster');\n"
		    "if (cluster.isPrimary) { cluster.fork(); cluster.fork(); }\n"
		    "else { process.argv.splice(2, 0, '%d'); require('%s'); }\n", port, js_worker_path(world, "stuck.js"));
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, world_print(world, "tcp:%d", port),
				    "memory.max=900M heap.processes=3 stop.timeout=2s watchdog.event_loop=2s", server);
	pid_t worker = await_worker(world, 0, 5);
	pause_msec(2000);
	struct program *asking = ask(world, port, "/stuck", "1", "1000");
	await_dead(world, "watchdog", 30);
	assert_true(await_worker(world, worker, 10) != worker);
	program_finish(world, asking, 20);
	await_state(world, "ready", 20);
	assert_serves(world, run, port);
	serve_stop(world, run);
}

/* As when a container is paused: the supervisor and its worker, and both go on. */
static void a_supervisor_that_did_not_run_accuses_nobody(void **state)
{
	struct world *world = *state;
	struct program *run = serve_watched(world, free_port(), "");
	pid_t worker = await_worker(world, 0, 5);
	pause_msec(2000);
	kill(run->pid, SIGSTOP);
	kill(worker, SIGSTOP);
	pause_msec(5000);
	kill(run->pid, SIGCONT); /* it looks before the worker has had a chance */
	pause_msec(300);
	kill(worker, SIGCONT);
	await_err(world, run, "the supervisor did not run in time to look after heartbeats", 10);
	pause_msec(3000);
	assert_int_equal(count_events(world, program_err(world, run), "watchdog"), 0);
	assert_int_equal(await_worker(world, 0, 5), worker);
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_stuck_server_behind_a_held_socket_is_replaced),
		WORLD_TEST(clients_wait_for_the_next_worker),
		WORLD_TEST(one_that_hears_no_signal_is_killed),
		WORLD_TEST(without_held_sockets_it_is_ended_and_restarted),
		WORLD_TEST(one_that_is_stopped_by_a_signal_is_told_as_that),
		WORLD_TEST(one_that_turns_again_in_time_loses_no_request),
		WORLD_TEST(a_busy_server_is_left_alone),
		WORLD_TEST(a_child_that_works_is_left_alone),
		WORLD_TEST(a_stuck_worker_of_a_cluster_is_seen),
		WORLD_TEST(a_supervisor_that_did_not_run_accuses_nobody),
	};
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
