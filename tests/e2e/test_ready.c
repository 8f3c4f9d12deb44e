/* SPDX-License-Identifier: Apache-2.0 */
/* test_ready: workers that say themselves that they are ready (notify), and workers that are asked (http), with real Node
 * and with a shell; spares of both kinds behind held sockets. */
#include "tests/e2e/load.h"

#include <signal.h>

#define SMALL "memory.max=320M heap.old_space=64M "

/* A server that listens, and a while later has a child say what is given to it. */
static const char *const *notifying_server(struct world *world, int port, const char *message, int msec)
{
	static const char *server[3];
	world_write(world, "server.js", "require('http').createServer((q, r) => r.end('%s')).listen(%d);\n"
		    "setTimeout(() => require('child_process').execFileSync('%s', ['%s']), %d);\n",
		    "all is well\\n", port, notify_path(), message, msec);
	server[0] = "node";
	server[1] = world_path(world, "server.js");
	return server;
}

static void a_worker_is_ready_when_it_says_so(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const char *target = world_print(world, "tcp:%d", port);
	struct program *run = serve_start(world, target, SMALL "ready.when=notify",
					  notifying_server(world, port, "STATUS=here\\nREADY=1", 1500));
	await_state(world, "starting", 10);
	pause_msec(700); /* it listens by now */
	heapward_says(world, 1, "ready", world->name, NULL);
	await_state(world, "ready", 20);
	heapward_says(world, 0, "ready", world->name, NULL);
	/* And so is its spare, which nobody takes for ready before. */
	struct program *load = load_start(world, target, 6);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 20);
	assert_none_failed(world, run, load_finish(world, load, 40));
	serve_stop(world, run);
}

/* The manager's own socket is not the worker's. */
static void a_worker_that_is_not_to_notify_has_no_socket_to(void **state)
{
	struct world *world = *state;
	world_environment(world, "NOTIFY_SOCKET=@outside");
	const char *words[] = { "--", "node", "-e", "console.log(process.env.NOTIFY_SOCKET); setInterval(() => {}, 1000)", NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "undefined", 20);
	serve_stop(world, run);
}

static void one_that_says_something_else_is_not_ready(void **state)
{
	struct world *world = *state;
	int port = free_port();
	struct program *run = serve_start(world, world_print(world, "tcp:%d", port), SMALL "ready.when=notify ready.within=3s",
					  notifying_server(world, port, "STATUS=READY=1", 100));
	await_status(world, "/services/0/last_death/verdict", "not-ready", 20);
	assert_contains(program_err(world, run), "1 message came through NOTIFY_SOCKET, none with READY=1");
	serve_stop(world, run);
}

/* The socket has a name, and anybody of the machine may use it; this one lives on, so that it is seen who it is. */
static void a_stranger_is_not_believed(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "log.events=json", "--set", "ready.when=notify", "--set", "ready.within=5s", "--", "sh",
				"-c", "echo $NOTIFY_SOCKET > name; exec sleep 100", NULL };
	world_write(world, "name", "%s", "");
	struct program *run = run_start(world, words);
	await_file(world, "name", "@", 20);
	const char *stranger[] = { "sh", "-c", world_print(world, "export NOTIFY_SOCKET=$(cat %s); exec %s READY=1 hold",
							   world_path(world, "name"), notify_path()), NULL };
	struct program *holding = program_start(world, stranger);
	await_err(world, run, "which is no process of the worker: not believed", 10);
	await_status(world, "/services/0/last_death/verdict", "not-ready", 20);
	kill(holding->pid, SIGTERM);
	program_finish(world, holding, 20);
	serve_stop(world, run);
}

/* Healthy after a while; before that it listens, but says 503, or says nothing at all. */
static const char *const *asked_server(struct world *world, int port, const char *early)
{
	static const char *server[3];
	world_write(world, "server.js", "const up = Date.now() + 2500;\nrequire('http').createServer((q, r) => {\n"
		    "  if (Date.now() < up && q.url === '/health') { %s; return; }\n  r.end('%s');\n}).listen(%d);\n", early,
		    "all is well\\n", port);
	server[0] = "node";
	server[1] = world_path(world, "server.js");
	return server;
}

static void a_worker_is_ready_when_it_answers(void **state)
{
	static const char *const early[] = { "r.statusCode = 503, r.end()", "undefined", "q.socket.destroy()" };
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		int port = free_port();
		const char *const *server = asked_server(world, port, early[i]);
		const char *words[] = { "--set", "log.events=json", "--set",
					world_print(world, "ready.when=http:%d/health", port), "--", server[0], server[1], NULL };
		struct program *run = run_start(world, words);
		await_state(world, "starting", 10);
		pause_msec(1000); /* it listens by now */
		heapward_says(world, 1, "ready", world->name, NULL);
		await_state(world, "ready", 20);
		serve_stop(world, run);
	}
}

static void one_that_never_answers_well_is_not_ready(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "require('http').createServer((q, r) => { r.statusCode = 503; r.end(); }).listen(%d);\n", port);
	const char *words[] = { "--set", "log.events=json", "--set", world_print(world, "ready.when=http:%d/health", port), "--set",
				"ready.within=3s", "--", "node", world_path(world, "server.js"), NULL };
	struct program *run = run_start(world, words);
	await_status(world, "/services/0/last_death/verdict", "not-ready", 20);
	assert_contains(program_err(world, run), world_print(world, "not ready within ready.within: http:%d/health: 503", port));
	serve_stop(world, run);
}

/* A singleton: whoever answers on the held port is the worker that starts. */
static void a_held_port_is_asked_once_the_worker_listens_on_it(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const char *target = world_print(world, "tcp:%d", port);
	struct program *run = serve_start(world, target, SMALL "service.singleton=true ready.when=http:/health",
					  asked_server(world, port, "r.statusCode = 503, r.end()"));
	await_state(world, "ready", 30);
	const char *words[] = { load_program(), "--rate", "50", "--seconds", "8", "--timeout", "30000", "--body", LOAD_BODY,
				target, NULL };
	struct program *load = program_start(world, words);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 30);
	await_state(world, "ready", 30);
	/* All but /health is served well from the first moment on. */
	assert_none_failed(world, run, load_finish(world, load, 40));
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

/* Long before ready.within has passed; and what may be the reason for it is said at the start. */
static void one_that_listens_elsewhere_is_told_early(void **state)
{
	struct world *world = *state;
	int port = free_port(), other = free_port();
	world_environment(world, "PORT=%d", other);
	world_environment(world, "HEAPWARD_TEST_LEFT=1"); /* ours: no server misses it */
	const char *script = "require('http').createServer(() => {}).listen(process.argv[1])";
	const char *words[] = { "--set", world_print(world, "service.listen=[\"tcp:%d\"]", port), "--set", "service.environment.keep=[LANG]",
				"--", "node", "-e", script, world_print(world, "%d", other), NULL };
	struct program *run = run_start(world, words);
	await_err(world, run, world_print(world, "not ready yet: no record of a listener on tcp:%d; it listens on tcp:%d", port, other), 40);
	const char *said = program_err(world, run);
	assert_contains(said, "kept from the worker (service.environment): ");
	assert_contains(said, "PORT");
	assert_null(strstr(said, "HEAPWARD_TEST_LEFT"));
	assert_null(strstr(said, "\"verdict\":"));
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 30), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_worker_is_ready_when_it_says_so),
		WORLD_TEST(a_worker_that_is_not_to_notify_has_no_socket_to),
		WORLD_TEST(one_that_says_something_else_is_not_ready),
		WORLD_TEST(a_stranger_is_not_believed),
		WORLD_TEST(a_worker_is_ready_when_it_answers),
		WORLD_TEST(one_that_never_answers_well_is_not_ready),
		WORLD_TEST(a_held_port_is_asked_once_the_worker_listens_on_it),
		WORLD_TEST(one_that_listens_elsewhere_is_told_early),
	};
	return cmocka_run_group_tests_name("ready", tests, NULL, NULL);
}
