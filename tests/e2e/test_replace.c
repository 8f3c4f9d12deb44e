/* SPDX-License-Identifier: Apache-2.0 */
/* test_replace: a worker is replaced behind its held socket under load, and no request fails. The servers are unmodified;
 * the load is open-loop and retries nothing, and a plain restart loop loses some of it (the_load_is_not_too_weak). */
#include "tests/e2e/load.h"

#include <signal.h>
#include <unistd.h>

#define LEAK "memory.max=320M heap.old_space=64M"

/* The forecast that will begin a replacement is in the status before. */
static void await_forecast(struct world *world)
{
	struct json_object *seconds = NULL;
	for (int i = 0; i < 400 && seconds == NULL; i++) {
		pause_msec(25);
		json_pointer_get(see_status(world), "/services/0/instances/0/heap/seconds_to_limit", &seconds);
	}
	assert_non_null(seconds);
	assert_true(json_object_get_double(seconds) < 60);
}

/* It is replaced before V8 itself says that it is near its limit: by then it has collected for long already. */
static void a_leaking_server_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK, "48"), *loading = load_start(world, target, 25);
	await_forecast(world);
	struct json_object *load = load_finish(world, loading, 60);
	assert_none_failed(world, run, load);
	assert_true(count_events(world, program_err(world, run), "heap.warn") >= 3);
	assert_int_equal(count_events(world, program_err(world, run), "heap.near_limit"), 0);
	const char *plan = heapward_says(world, 0, "explain", "--json", "-n", world->name, NULL);
	assert_contains(plan, "\"start-up time\",\"value\":");
	assert_null(strstr(plan, "\"start-up time\",\"value\":null"));
	assert_int_equal(see_number(load, "/requests"), 5000);
	assert_true(replaced(world) >= 3);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/by_verdict/heap-limit"), 0);
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 5);
	assert_int_equal(count_events(world, program_err(world, run), "replace.done"), replaced(world));
	serve_stop(world, run);
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
	serve_stop(world, run);
}

/* Outside of V8's heap: it is replaced before the kernel kills. */
static void a_server_that_leaks_buffers_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak_of(world, target, LEAK, "96", "buffers");
	struct json_object *load = load_finish(world, load_start(world, target, 32), 90);
	assert_none_failed(world, run, load);
	assert_true(replaced(world) >= 1);
	assert_non_null(strstr(program_err(world, run), "\"trigger\":\"memory.replace_at\""));
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/by_verdict/oom-kill"), 0);
	serve_stop(world, run);
}

/* Filled as fast as a leak, then full: 70 % of old space, of which the oldest go. */
static void a_server_with_a_large_cache_is_left_alone(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak_of(world, target, LEAK, "48", "cache 40");
	struct json_object *load = load_finish(world, load_start(world, target, 20), 60);
	int64_t live_bytes = see_number(see_status(world), "/services/0/instances/0/heap/after_full_gc_bytes");
	assert_none_failed(world, run, load);
	assert_int_equal(count_events(world, program_err(world, run), "heap.warn"), 0);
	assert_int_equal(replaced(world), 0);
	if (live_bytes < 64 * (int64_t)MIB * 65 / 100)
		fail_msg("the cache has only %lld bytes", (long long)live_bytes);
	serve_stop(world, run);
}

static void the_load_is_not_too_weak(void **state)
{
	struct world *world = *state;
	int port = free_port();
	char *server = js_worker_path(world, "leak-server.js");
	const char *const loop[] = { "sh", "-c",
				     world_print(world, "trap 'kill $pid; exit' TERM; for i in 1 2 3 4; do "
						 "node --max-old-space-size=64 %s %d 160 & pid=$!; wait $pid; done", server, port), NULL };
	struct program *plain = program_start(world, loop);
	await_file(world, strrchr(plain->out_path, '/') + 1, "steady", 20);
	struct json_object *load = load_finish(world, load_start(world, world_print(world, "tcp:%d", port), 8), 60);
	assert_true(see_number(load, "/failed") > 0);
	kill(plain->pid, SIGTERM);
	program_finish(world, plain, 10);
}

static void restarts_under_load_lose_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, LEAK, "0");
	struct program *load = load_start_at(world, target, 200);
	for (int i = 1; i <= 50; i++) {
		heapward_says(world, 0, "restart", world->name, NULL);
		await_replaced(world, i, 20);
	}
	assert_none_failed(world, run, load_end(world, load));
	assert_int_equal(replaced(world), 50);
	serve_stop(world, run);
}

static void a_unix_socket_is_held_too(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "unix:%s", world_path(world, "web.sock"));
	struct program *run = serve_leak(world, target, LEAK, "48");
	struct json_object *load = load_finish(world, load_start(world, target, 10), 60);
	assert_none_failed(world, run, load);
	assert_true(replaced(world) >= 1);
	serve_stop(world, run);
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
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_load_is_not_too_weak),
		WORLD_TEST(a_leaking_server_loses_no_request),
		WORLD_TEST(a_server_that_leaks_fast_loses_no_request),
		WORLD_TEST(a_server_that_leaks_buffers_loses_no_request),
		WORLD_TEST(a_server_with_a_large_cache_is_left_alone),
		WORLD_TEST(restarts_under_load_lose_no_request),
		WORLD_TEST(a_unix_socket_is_held_too),
		WORLD_TEST(a_singleton_loses_no_request),
	};
	return cmocka_run_group_tests_name("replace", tests, NULL, NULL);
}
