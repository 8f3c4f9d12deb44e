/* SPDX-License-Identifier: Apache-2.0 */
/* test_hold: held sockets when all does not go well: workers that die, spares that do not come, no room for two, clients
 * that hold on, a service that is failed. */
#include "tests/e2e/load.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define IDLE_CLIENTS 1000
#define SMALL "memory.max=320M heap.old_space=64M"

/* Asks on a kept-alive connection. Returns whether the whole answer came; *ret_closes: it was the last one there. */
static bool ask(int fd, bool *ret_closes)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char answer[2048] = "";
	size_t length = 0;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return false;
	while (strstr(answer, LOAD_BODY) == NULL) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		if (poll(&ready, 1, (int)(30000 * slowness())) != 1)
			return false;
		ssize_t count = read(fd, answer + length, sizeof(answer) - 1 - length);
		if (count <= 0)
			return false;
		answer[length += (size_t)count] = '\0';
	}
	*ret_closes = strstr(answer, "Connection: close") != NULL;
	return true;
}

static bool port_refuses(int port)
{
	int fd = connect_to(port);
	if (fd < 0)
		return errno == ECONNREFUSED;
	close(fd);
	return false;
}

static char *listen_on(struct world *world, int *ret_port)
{
	*ret_port = free_port();
	return world_print(world, "tcp:%d", *ret_port);
}

/* In flight when it is killed is lost; nothing else is. */
static void clients_wait_while_a_killed_worker_comes_back(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = serve_leak(world, listen_on(world, &port), SMALL, "0");
	struct program *load = load_start(world, world_print(world, "tcp:%d", port), 5);
	pause_msec(1500);
	kill(await_worker(world, 0, 5), SIGKILL);
	struct json_object *figures = load_finish(world, load, 30);
	assert_int_equal(see_number(figures, "/refused"), 0);
	assert_int_equal(see_number(figures, "/timeout"), 0);
	assert_true(see_number(figures, "/reset") <= 5);
	serve_stop(world, run);
}

/* The server's own keepAliveTimeout must not be what ends them, on a machine as slow as may be. */
static void a_client_with_idle_connections_is_answered_on_each(void **state)
{
	struct world *world = *state;
	static int fds[IDLE_CLIENTS];
	int port, closing = 0;
	bool closes;
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "const server = require('http').createServer((request, response) => response.end('%s'));\n"
		    "server.keepAliveTimeout = 600000;\nserver.listen(%d);\n", "all is well\\n", port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL " drain.timeout=10min", server);
	for (int i = 0; i < IDLE_CLIENTS; i++) {
		fds[i] = connect_to(port);
		assert_true(ask(fds[i], &closes) && !closes);
	}
	heapward_says(world, 0, "restart", world->name, NULL);
	await_err(world, run, "replace.start", 10);
	for (int i = 0; i < 400 && see_number(see_status(world), "/services/0/restarts/total") == 0; i++)
		pause_msec(20);
	pause_msec(500);
	for (int i = 0; i < IDLE_CLIENTS; i++) {
		if (!ask(fds[i], &closes))
			fail_msg("idle connection %d is not answered:\n%s", i, program_err(world, run));
		closing += closes;
		close(fds[i]);
	}
	assert_true(closing > IDLE_CLIENTS / 2); /* the first worker's, each told to go */
	await_replaced(world, 1, 20);
	serve_stop(world, run);
}

static void a_dead_service_looks_dead(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	struct program *run = serve_leak(world, target, SMALL " restart.budget.deaths=1 restart.exhausted=hold "
					 "restart.backoff.from=3s service.hold_for=1s", "0");
	pid_t worker = await_worker(world, 0, 5);
	kill(worker, SIGKILL);
	await_state(world, "back-off", 10);
	assert_true(port_refuses(port)); /* longer than hold_for */
	worker = await_worker(world, worker, 20);
	await_state(world, "ready", 20);
	assert_false(port_refuses(port));
	kill(worker, SIGKILL);
	await_state(world, "failed", 10);
	assert_true(port_refuses(port));
	heapward_says(world, 0, "reset", world->name, NULL);
	await_state(world, "ready", 20);
	assert_none_failed(world, run, load_finish(world, load_start(world, target, 1), 20));
	serve_stop(world, run);
	assert_true(port_refuses(port));
}

/* A server that is there once: what it is started from is then replaced by `after`. */
static struct program *serve_once(struct world *world, const char *target, const char *settings, const char *after)
{
	char *script = world_path(world, "server.js");
	const char *const server[] = { "node", script, NULL };
	world_write(world, "server.js", "process.argv.splice(2, 0, '%s', '0');\nrequire('%s');\n", strchr(target, ':') + 1,
		    js_worker_path(world, "leak-server.js"));
	struct program *run = serve(world, target, settings, server);
	world_write(world, "server.js", "%s\n", after);
	return run;
}

static void a_spare_that_does_not_start_is_given_up(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	struct program *run = serve_once(world, target, SMALL, "process.exit(3);");
	pid_t worker = await_worker(world, 0, 5);
	struct program *load = load_start(world, target, 5);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_err(world, run, "the second worker is given up, the first one stays", 20);
	assert_none_failed(world, run, load_finish(world, load, 30));
	assert_int_equal(see_number(see_status(world), "/services/0/instances/0/pid"), worker);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 5);
	assert_true(verdict_is(see_why(world), "exit", 3));
	heapward_says(world, 0, "ready", world->name, NULL);
	serve_stop(world, run);
}

/* It serves beside the first one already, but has not said yet that it is ready. What it has accepted is lost with it. */
static void a_spare_that_dies_before_it_is_ready_is_given_up(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "process.argv.splice(2, 0, '%d', '0');\nrequire('%s');\n"
		    "if (require('fs').existsSync('%s')) setTimeout(() => process.exit(3), 400);\n"
		    "else require('child_process').execFileSync('%s', ['READY=1']);\n", port,
		    js_worker_path(world, "leak-server.js"), world_path(world, "dies"), notify_path());
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL " ready.when=notify", server);
	pid_t worker = await_worker(world, 0, 5);
	world_write(world, "dies", "yes");
	struct program *load = load_start(world, target, 5);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_err(world, run, "the second worker is given up, the first one stays", 20);
	struct json_object *figures = load_finish(world, load, 30);
	assert_int_equal(see_number(figures, "/refused"), 0);
	assert_int_equal(see_number(figures, "/timeout"), 0);
	assert_true(see_number(figures, "/reset") <= 5);
	assert_int_equal(see_number(see_status(world), "/services/0/instances/0/pid"), worker);
	assert_true(verdict_is(see_why(world), "exit", 3));
	serve_stop(world, run);
}

/* As soon as it listens it is the one that serves, and the first one drains. It is gone before it has accepted anybody:
 * clients wait for the next one. */
static void a_spare_that_dies_as_it_takes_over_loses_no_request(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	struct program *run = serve_once(world, target, SMALL, "");
	world_write(world, "server.js", "const fs = require('fs');\nconst end = Date.now() + 300;\nconst dying = '%s';\n"
		    "if (fs.existsSync(dying)) require('http').createServer().listen(%d, () => {\n"
		    "  fs.unlinkSync(dying);\n  while (Date.now() < end);\n  process.exit(3);\n});\n"
		    "else { process.argv.splice(2, 0, '%d', '0'); require('%s'); }\n", world_path(world, "dies"), port, port,
		    js_worker_path(world, "leak-server.js"));
	world_write(world, "dies", "yes");
	struct program *load = load_start_at(world, target, 200);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_err(world, run, "\"verdict\":\"exit\"", 20);
	await_replaced(world, 1, 20);
	await_state(world, "ready", 20);
	pause_msec(500);
	assert_none_failed(world, run, load_end(world, load));
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/by_verdict/exit"), 1);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 4);
	serve_stop(world, run);
}

static void a_spare_that_never_listens_is_not_ready(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	struct program *run = serve_once(world, target, SMALL " ready.within=2s", "setInterval(() => {}, 1000);");
	struct program *load = load_start(world, target, 6);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_err(world, run, "\"verdict\":\"not-ready\"", 20);
	assert_none_failed(world, run, load_finish(world, load, 30));
	assert_true(verdict_is(see_why(world), "not-ready", -1));
	assert_contains(program_err(world, run), world_print(world, "no record of a listener on %s", target));
	heapward_says(world, 0, "ready", world->name, NULL);
	serve_stop(world, run);
}

/* It cannot have a twin: it drains, then the next one starts, and clients wait in between. */
static void a_worker_that_also_listens_elsewhere_drains_first(void **state)
{
	struct world *world = *state;
	int port, metrics = free_port();
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "require('net').createServer().listen(%d).unref();\n"
		    "process.argv.splice(2, 0, '%d', '0');\nrequire('%s');\n", metrics, port,
		    js_worker_path(world, "leak-server.js"));
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL, server), *load = load_start(world, target, 6);
	pause_msec(1000);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 20);
	assert_none_failed(world, run, load_finish(world, load, 30));
	assert_contains(program_err(world, run), world_print(world, "no second worker: worker also listens on tcp:%d, not in "
							     "service.listen", metrics));
	serve_stop(world, run);
}

static void a_long_download_crosses_a_replacement(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "require('http').createServer((request, response) => {\n"
		    "  let left = 20;\n"
		    "  const timer = setInterval(() => {\n"
		    "    response.write('x'.repeat(1000));\n"
		    "    if (--left === 0) { clearInterval(timer); response.end(); }\n"
		    "  }, 150);\n}).listen(%d);\n", port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL, server);
	char body[20001] = "";
	memset(body, 'x', sizeof(body) - 1);
	const char *words[] = { load_program(), "--rate", "10", "--seconds", "3", "--timeout", "20000", "--body", body, target,
				NULL };
	struct program *load = program_start(world, words);
	pause_msec(1500);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 30);
	assert_none_failed(world, run, load_finish(world, load, 60));
	serve_stop(world, run);
}

static void a_cluster_is_replaced_as_one(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "const cluster = require('cluster');\n"
		    "if (cluster.isPrimary) { cluster.fork(); cluster.fork(); }\n"
		    "else { process.argv.splice(2, 0, '%d', '0'); require('%s'); }\n", port,
		    js_worker_path(world, "leak-server.js"));
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, "memory.max=900M heap.processes=3", server);
	struct program *load = load_start(world, target, 12);
	for (int i = 1; i <= 3; i++) {
		heapward_says(world, 0, "restart", world->name, NULL);
		await_replaced(world, i, 20);
	}
	assert_none_failed(world, run, load_finish(world, load, 40));
	serve_stop(world, run);
}

static void behind_npm_it_is_the_same(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	world_write(world, "package.json", "{\"name\":\"e2e\",\"scripts\":{\"start\":\"node %s %d 0\"}}\n",
		    js_worker_path(world, "leak-server.js"), port);
	const char *const server[] = { "npm", "start", NULL };
	struct program *run = serve(world, target, SMALL, server), *load = load_start(world, target, 8);
	for (int i = 1; i <= 2; i++) {
		heapward_says(world, 0, "restart", world->name, NULL);
		await_replaced(world, i, 20);
	}
	assert_none_failed(world, run, load_finish(world, load, 40));
	serve_stop(world, run);
}

/* Hundreds of requests that take 10 ms each keep one turn of its loop busy for longer than the last call: who came behind
 * them is let in all the same. */
static void a_busy_server_lets_in_who_waits_before_it_drains(void **state)
{
	struct world *world = *state;
	static int fds[150];
	int port;
	bool closes;
	char *target = listen_on(world, &port);
	world_write(world, "server.js", "require('http').createServer((request, response) => {\n"
		    "  const end = Date.now() + 10;\n  while (Date.now() < end);\n  response.end('%s');\n"
		    "}).listen(%d);\n", "all is well\\n", port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, target, SMALL, server);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(port);
		assert_int_equal(send(fds[i], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, MSG_NOSIGNAL), 27);
	}
	pause_msec(300);
	int last = connect_to(port);
	struct program *drain = heapward_start(world, "drain", world->name, NULL);
	assert_true(ask(last, &closes));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(last);
	assert_int_equal(program_finish(world, drain, 40), 0);
	assert_int_equal(program_finish(world, run, 20), 0);
}

#define RELOADED "version: 1\nservice:\n  name: %s\n  command: [node, %s, '%d', '0']\n  listen: ['tcp:%d']\n" \
		 "memory: {max: %s}\nheap: {old_space: 64M}\nrestart: {budget: {deaths: %d}}\nlog: {events: json}\n"

static void a_reload_replaces_the_worker_only_for_what_it_needs(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port), *script = js_worker_path(world, "leak-server.js");
	world_write(world, "p.yaml", RELOADED, world->name, script, port, port, "320M", 5);
	struct program *run = heapward_start(world, "run", "-p", "p.yaml", NULL);
	await_state(world, "ready", 20);
	struct program *load = load_start(world, target, 8);
	world_write(world, "p.yaml", RELOADED, world->name, script, port, port, "320M", 7);
	heapward_says(world, 0, "reload", world->name, NULL);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 7);
	world_write(world, "p.yaml", RELOADED, world->name, script, port, port, "340M", 7);
	heapward_says(world, 0, "reload", world->name, NULL);
	await_replaced(world, 1, 20);
	assert_int_equal(see_number(see_status(world), "/services/0/instances/0/memory/max_bytes"), 340 << 20);
	assert_contains(program_err(world, run), "a new worker takes memory.max");
	assert_none_failed(world, run, load_finish(world, load, 40));
	assert_int_equal(replaced(world), 1);
	serve_stop(world, run);
}

#define WATCHED "version: 1\nservice:\n  name: %s\n  command: [%s]\n  listen: ['tcp:%d']\nready: {within: 100s}\n" \
		"heap: {old_space: 128M, live_max: %s, lead: 0ms, gc_time: none, near_limit: report}\nlog: {events: json}\n"

static void get(int port, const char *path)
{
	char answer[256];
	cleanup_fd int fd = connect_to(port);
	assert_true(dprintf(fd, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", path) > 0);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
}

/* The second worker never listens: for as long as it is waited for, the first one is held against what it was launched with. */
static void a_worker_that_is_being_replaced_keeps_its_limits(void **state)
{
	struct world *world = *state;
	int port;
	listen_on(world, &port);
	const char *server = world_print(world, "node, %s, '%d'", js_worker_path(world, "keep-server.js"), port);
	world_write(world, "p.yaml", WATCHED, world->name, server, port, "none");
	struct program *run = heapward_start(world, "run", "-p", "p.yaml", NULL);
	await_state(world, "ready", 20);
	get(port, "/collect");
	world_write(world, "p.yaml", WATCHED, world->name, "node, -e, 'setInterval(() => {}, 1000)'", port, "50%");
	heapward_says(world, 0, "reload", world->name, NULL);
	await_state(world, "replacing", 20);
	pause_msec(300);
	get(port, "/keep/80");
	for (int i = 0; i < 6; i++)
		get(port, "/collect");
	pause_msec(500);
	assert_int_equal(count_events(world, program_err(world, run), "heap.warn"), 0);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 30), 0);
}

static void a_port_that_is_taken_is_told_at_the_start(void **state)
{
	struct world *world = *state;
	int port;
	char *target = listen_on(world, &port);
	struct program *first = serve_leak(world, target, SMALL, "0");
	const char *words[] = { heapward_path(), "run", "-n", world_print(world, "%s-b", world->name), "--set",
				world_print(world, "service.listen=[\"%s\"]", target), "--", "node", "-e", "0", NULL };
	struct program *second = program_start(world, words);
	assert_int_equal(program_finish(world, second, 20), 125);
	assert_contains(program_err(world, second), world_print(world, "listen %s: Address already in use", target));
	const char *clean[] = { "rm", "-rf", world_print(world, "/var/lib/heapward/%s-b", world->name), NULL };
	assert_int_equal(program_finish(world, program_start(world, clean), 10), 0);
	serve_stop(world, first);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(clients_wait_while_a_killed_worker_comes_back),
		WORLD_TEST(a_client_with_idle_connections_is_answered_on_each),
		WORLD_TEST(a_dead_service_looks_dead),
		WORLD_TEST(a_spare_that_does_not_start_is_given_up),
		WORLD_TEST(a_spare_that_dies_before_it_is_ready_is_given_up),
		WORLD_TEST(a_spare_that_dies_as_it_takes_over_loses_no_request),
		WORLD_TEST(a_spare_that_never_listens_is_not_ready),
		WORLD_TEST(a_worker_that_also_listens_elsewhere_drains_first),
		WORLD_TEST(a_long_download_crosses_a_replacement),
		WORLD_TEST(a_cluster_is_replaced_as_one),
		WORLD_TEST(behind_npm_it_is_the_same),
		WORLD_TEST(a_busy_server_lets_in_who_waits_before_it_drains),
		WORLD_TEST(a_reload_replaces_the_worker_only_for_what_it_needs),
		WORLD_TEST(a_worker_that_is_being_replaced_keeps_its_limits),
		WORLD_TEST(a_port_that_is_taken_is_told_at_the_start),
	};
	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
