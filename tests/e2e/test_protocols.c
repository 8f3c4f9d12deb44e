/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocols: what is no plain HTTP/1.1 crosses a replacement, too: HTTPS and HTTP/2 under an open-loop load of a client
 * in JavaScript, and connections that were upgraded. Certificates are made by openssl. */
#include "tests/e2e/load.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SMALL "memory.max=320M heap.old_space=64M"

static void make_certificate(struct world *world)
{
	const char *words[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
				"-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "certificate.pem", NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 0);
}

/* `make` is the server's constructor, with its argument list open. */
static void crosses_replacements(struct world *world, const char *make, const char *client)
{
	int port = free_port();
	make_certificate(world);
	world_write(world, "server.js", "const fs = require('fs');\n"
		    "const secret = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('certificate.pem') };\n"
		    "%s(request, response) => response.end('all is well\\n')).listen(%d);\n", make, port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	struct program *run = serve(world, world_print(world, "tcp:%d", port), SMALL, server);
	const char *words[] = { "node", js_worker_path(world, "ask.js"), client, world_print(world, "%d", port), "100",
				world_print(world, "%.0f", 2000 * slowness()), NULL };
	struct program *load = program_start(world, words);
	for (int i = 1; i <= 5; i++) {
		pause_msec(500);
		heapward_says(world, 0, "restart", world->name, NULL);
		await_replaced(world, i, 30);
	}
	struct json_object *figures = load_end(world, load);
	assert_none_failed(world, run, figures);
	assert_true(see_number(figures, "/requests") > 100);
	assert_in_range(see_number(figures, "/again"), 0, 20); /* what Node's client may drop at five goodbyes */
	serve_stop(world, run);
}

static void https_crosses_replacements(void **state)
{
	crosses_replacements(*state, "require('https').createServer(secret, ", "https");
}

static void http2_crosses_replacements(void **state)
{
	crosses_replacements(*state, "require('http2').createSecureServer(secret, ", "http2");
}

static void http2_without_tls_crosses_replacements(void **state)
{
	crosses_replacements(*state, "require('http2').createServer(", "http2c");
}

/* What comes next, "" for the end; a test that hears nothing fails. */
static char *hear(struct world *world, int fd)
{
	char text[512] = "";
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&ready, 1, (int)(20000 * slowness())), 1);
	ssize_t count = read(fd, text, sizeof(text) - 1);
	return world_print(world, "%s", count > 0 ? text : "");
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* As a WebSocket does. It stays with the worker that it was made to, until drain.timeout; everybody else has gone on. */
static void an_upgraded_connection_stays_until_the_drain_timeout(void **state)
{
	struct world *world = *state;
	int port = free_port();
	world_write(world, "server.js", "const server = require('http').createServer((request, response) => response.end('%s'));\n"
		    "server.on('upgrade', (request, socket) => {\n"
		    "  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');\n"
		    "  socket.on('data', (data) => socket.write(data)).on('error', () => {});\n}).listen(%d);\n",
		    "all is well\\n", port);
	const char *const server[] = { "node", world_path(world, "server.js"), NULL };
	const char *target = world_print(world, "tcp:%d", port);
	struct program *run = serve(world, target, SMALL " drain.timeout=4s", server);
	pid_t first = await_worker(world, 0, 5);
	int fd = connect_to(port);
	assert(fd >= 0);
	say(fd, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
	assert_contains(hear(world, fd), " 101 ");
	int64_t began_usec = now_usec();
	heapward_says(world, 0, "restart", world->name, NULL);
	assert_true(await_worker(world, first, 20) != first);
	assert_none_failed(world, run, load_finish(world, load_start(world, target, 1), 20));
	say(fd, "still here");
	assert_string_equal(hear(world, fd), "still here");
	assert_string_equal(hear(world, fd), "");
	assert_true(now_usec() - began_usec >= 4 * USEC_PER_SEC);
	await_replaced(world, 1, 20);
	close(fd);
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(https_crosses_replacements),
		WORLD_TEST(http2_crosses_replacements),
		WORLD_TEST(http2_without_tls_crosses_replacements),
		WORLD_TEST(an_upgraded_connection_stays_until_the_drain_timeout),
	};
	return cmocka_run_group_tests_name("protocols", tests, NULL, NULL);
}
