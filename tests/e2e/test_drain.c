/* SPDX-License-Identifier: Apache-2.0 */
/* test_drain: `heapward drain`, a stop that loses nothing: who is served is finished, who waits is let in, who comes later
 * is kept out without ever having been let in. */
#include "tests/e2e/load.h"

#include <signal.h>

#define SMALL "memory.max=320M heap.old_space=64M"

static void a_drain_under_load_resets_nobody(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, SMALL, "0"), *load = load_start(world, target, 6);
	pause_msec(2000);
	heapward_says(world, 0, "drain", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
	struct json_object *figures = load_finish(world, load, 60);
	assert_int_equal(see_number(figures, "/reset"), 0);
	assert_int_equal(see_number(figures, "/body"), 0);
	assert_true(see_number(figures, "/refused") > 0); /* else it was not under load when it ended */
	assert_true(verdict_is(see_why(world), "stopped", -1));
}

/* The answer takes 2 s, on a socket that is not even accepted when the drain begins. */
static void who_waits_in_the_queue_is_served(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const char *target = world_print(world, "tcp:%d", port);
	world_write(world, "server.js", "require('http').createServer((request, response) => {\n"
		    "  setTimeout(() => response.end('%s'), 2000);\n}).listen(%d);\n", "all is well\\n", port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL, server);
	pid_t worker = await_worker(world, 0, 5);
	const char *words[] = { load_program(), "--rate", "20", "--seconds", "1", "--timeout", "20000", "--body", LOAD_BODY,
				target, NULL };
	kill(worker, SIGSTOP);
	struct program *load = program_start(world, words);
	pause_msec(1500); /* all 20 are in the queue */
	const char *drain_words[] = { heapward_path(), "drain", world->name, NULL };
	struct program *drain = program_start(world, drain_words);
	await_state(world, "draining", 5);
	heapward_says(world, 1, "ready", world->name, NULL);
	kill(worker, SIGCONT);
	assert_none_failed(world, run, load_finish(world, load, 40));
	assert_int_equal(program_finish(world, drain, 40), 0);
	assert_int_equal(program_finish(world, run, 5), 0);
}

static void a_stop_meanwhile_waits_no_longer(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "require('http').createServer(() => {}).listen(%d);\n", port); /* never answers */
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, world_print(world, "tcp:%d", port), SMALL " drain.timeout=1h", server);
	const char *words[] = { load_program(), "--rate", "5", "--seconds", "1", "--timeout", "3000",
				world_print(world, "tcp:%d", port), NULL };
	struct program *load = program_start(world, words);
	pause_msec(500);
	const char *drain_words[] = { heapward_path(), "drain", world->name, NULL };
	struct program *drain = program_start(world, drain_words);
	await_state(world, "draining", 5);
	serve_stop(world, run);
	assert_int_equal(program_finish(world, drain, 10), 0);
	program_finish(world, load, 20);
}

static void without_held_sockets_a_drain_is_refused(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--", "node", js_worker_path(world, "steady.js"), NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	const char *drain_words[] = { heapward_path(), "drain", world->name, NULL };
	struct program *drain = program_start(world, drain_words);
	assert_int_equal(program_finish(world, drain, 10), 1);
	assert_contains(program_err(world, drain), "it holds no sockets (service.listen)");
	heapward_says(world, 0, "ready", world->name, NULL);
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_drain_under_load_resets_nobody),
		WORLD_TEST(who_waits_in_the_queue_is_served),
		WORLD_TEST(a_stop_meanwhile_waits_no_longer),
		WORLD_TEST(without_held_sockets_a_drain_is_refused),
	};
	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
