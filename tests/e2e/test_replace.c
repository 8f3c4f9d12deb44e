/* SPDX-License-Identifier: Apache-2.0 */
/* test_replace: a worker is replaced behind its held socket under load, and no request fails. The servers are unmodified;
 * the load is open-loop and retries nothing, and a plain restart loop loses some of it (the_load_is_not_too_weak). */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define SET "--set"
#define BODY "all is well\n"

static const char *load_path(void)
{
	static char path[WORLD_PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert(length > 0);
	path[length] = '\0';
	*strstr(path, "/e2e/") = '\0';
	strcat(path, "/load/heapward-load");
	return path;
}

/* A port that nobody has now. */
static int free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	assert(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	return ntohs(address.sin_port);
}

static struct program *load_start(struct world *world, const char *target, int seconds)
{
	const char *words[] = { load_path(), "--seconds", world_print(world, "%d", seconds), "--timeout",
				world_print(world, "%.0f", 2000 * slowness()), "--body", BODY, target, NULL };
	return program_start(world, words);
}

static struct json_object *load_finish(struct world *world, struct program *load, double seconds)
{
	program_finish(world, load, seconds);
	return see(world, program_out(world, load));
}

/* Runs a server on `listen` with these settings, split at spaces, and waits until it is ready. */
static struct program *serve(struct world *world, const char *listen, const char *settings, const char *const *server)
{
	const char *words[WORDS_MAX] = { SET, "log.events=json", SET, world_print(world, "service.listen=[\"%s\"]", listen) };
	size_t count = 4;
	char *next = world_print(world, "%s", settings);
	for (char *setting; (setting = strsep(&next, " ")) != NULL;) {
		words[count++] = SET;
		words[count++] = setting;
	}
	words[count++] = "--";
	for (; *server != NULL; server++)
		words[count++] = *server;
	words[count] = NULL;
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	return run;
}

static struct program *serve_leak(struct world *world, const char *listen, const char *settings, const char *kib)
{
	const char *where = strchr(listen, ':') + 1;
	const char *const server[] = { "node", js_worker_path(world, "leak-server.js"), where, kib, NULL };
	return serve(world, listen, settings, server);
}

static void stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 30), 0);
}

static void assert_none_failed(struct world *world, struct program *run, struct json_object *load)
{
	if (see_number(load, "/failed") != 0)
		fail_msg("%s\n%s", json_object_to_json_string(load), program_err(world, run));
}

static int64_t replaced(struct world *world)
{
	return see_number(see_status(world), "/services/0/restarts/by_verdict/replaced");
}

#define LEAK "memory.max=320M heap.old_space=64M"

static void a_leaking_server_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK, "48");
	struct json_object *load = load_finish(world, load_start(world, target, 25), 60);
	assert_none_failed(world, run, load);
	assert_int_equal(see_number(load, "/requests"), 5000);
	assert_true(replaced(world) >= 3);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/by_verdict/heap-limit"), 0);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 5);
	assert_int_equal(count_events(world, program_err(world, run), "replace.done"), replaced(world));
	stop(world, run);
}

/* The old space is full in about two seconds. */
static void a_server_that_leaks_fast_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK, "160");
	struct json_object *load = load_finish(world, load_start(world, target, 12), 60);
	assert_none_failed(world, run, load);
	assert_true(replaced(world) >= 3);
	stop(world, run);
}

static void the_load_is_not_too_weak(void **state)
{
	struct world *world = *state;
	int port = free_port();
	char *server = js_worker_path(world, "leak-server.js");
	const char *const loop[] = { "sh", "-c",
				     world_print(world, "for i in 1 2 3 4; do node --max-old-space-size=64 %s %d 160; done",
						 server, port), NULL };
	struct program *plain = program_start(world, loop);
	await_file(world, strrchr(plain->out_path, '/') + 1, "steady", 20);
	struct json_object *load = load_finish(world, load_start(world, world_print(world, "tcp:%d", port), 8), 60);
	assert_true(see_number(load, "/failed") > 0);
	kill(plain->pid, SIGTERM);
	const char *const end[] = { "pkill", "-f", world_print(world, "^node .*leak-server.js %d 160$", port), NULL };
	program_finish(world, program_start(world, end), 10);
	program_finish(world, plain, 10);
}

static void restarts_under_load_lose_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK, "0");
	struct program *load = load_start(world, target, 15);
	for (int i = 1; i <= 10; i++) {
		heapward_says(world, 0, "restart", world->name, NULL);
		for (int j = 0; j < 400 && replaced(world) < i; j++)
			pause_msec(25);
		assert_true(replaced(world) >= i);
	}
	assert_none_failed(world, run, load_finish(world, load, 60));
	stop(world, run);
}

static void a_unix_socket_is_held_too(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "unix:%s", world_path(world, "web.sock"));
	struct program *run = serve_leak(world, target, LEAK, "48");
	struct json_object *load = load_finish(world, load_start(world, target, 10), 60);
	assert_none_failed(world, run, load);
	assert_true(replaced(world) >= 1);
	stop(world, run);
	assert_int_equal(access(world_path(world, "web.sock"), F_OK), -1);
}

/* Without a twin: drained first, then started; clients wait in the socket's queue. */
static void a_singleton_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK " service.singleton=true", "48");
	struct json_object *load = load_finish(world, load_start(world, target, 12), 60);
	assert_none_failed(world, run, load);
	assert_true(replaced(world) >= 1);
	stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_load_is_not_too_weak),
		WORLD_TEST(a_leaking_server_loses_no_request),
		WORLD_TEST(a_server_that_leaks_fast_loses_no_request),
		WORLD_TEST(restarts_under_load_lose_no_request),
		WORLD_TEST(a_unix_socket_is_held_too),
		WORLD_TEST(a_singleton_loses_no_request),
	};
	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
