/* SPDX-License-Identifier: Apache-2.0 */
/* test_set: memory.max and old space of a service that runs, set in both directions: the kernel's file, what V8 makes of
 * it, what is refused and with which numbers, how it is shown, how long it lasts. */
#include "tests/e2e/load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIMITS "memory.max=400M heap.old_space=64M heap.near_limit=report"
#define SET_STATUS "/services/0/set"

/* Asks keep-server.js to do something and waits until it is done; false where it dies of it. */
static bool ask(int port, const char *what)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((uint16_t)port) };
	char answer[1024] = "";
	size_t length = 0;
	ssize_t count = 1;
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(dprintf(fd, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", what) > 0);
	while (count > 0 && length < sizeof(answer) - 1) {
		count = read(fd, answer + length, sizeof(answer) - 1 - length);
		length += count > 0 ? (size_t)count : 0;
	}
	return strstr(answer, "done") != NULL;
}

static struct program *keep_server(struct world *world, int *ret_port, const char *settings)
{
	*ret_port = free_port();
	const char *const server[] = { "node", js_worker_path(world, "keep-server.js"), world_print(world, "%d", *ret_port), NULL };
	return serve(world, world_print(world, "tcp:%d", *ret_port), settings, server);
}

static char *set(struct world *world, int status, const char *setting, const char *more)
{
	return heapward_says(world, status, "set", world->name, setting, more, NULL);
}

/* Exits with 1 and says why on stderr; nothing changes. */
static void assert_refused(struct world *world, const char *setting, const char *why)
{
	const char *before = heapward_says(world, 0, "explain", "-n", world->name, NULL);
	struct program *program = heapward_start(world, "set", world->name, setting, NULL);
	assert_int_equal(program_finish(world, program, 20), 1);
	assert_contains(program_err(world, program), why);
	assert_string_equal(heapward_says(world, 0, "explain", "-n", world->name, NULL), before);
}

/* What the kernel has as the limit of the worker's group, read from its own file. */
static uint64_t kernel_limit(struct world *world)
{
	char groups[8192], text[64] = "";
	const char *file = on_cgroup_v2() ? "memory.max" : "memory.limit_in_bytes";
	service_cgroups(world, groups, sizeof(groups));
	char *rest = groups;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		FILE *stream = strstr(line, "/worker-0-") == NULL ? NULL : fopen(world_print(world, "%s/%s", line, file), "re");
		if (stream == NULL)
			continue;
		size_t length = fread(text, 1, sizeof(text) - 1, stream);
		text[length] = '\0';
		fclose(stream);
		return strtoull(text, NULL, 10);
	}
	fail_msg("no group of a worker has %s:\n%s", file, groups);
	return 0;
}

static struct json_object *await_in_effect(struct world *world, int index, double seconds)
{
	const char *pointer = world_print(world, SET_STATUS "/%d/in_effect", index);
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	struct json_object *status = see_status(world);
	for (; !see_bool(status, pointer) && now_usec() < deadline_usec; status = see_status(world))
		pause_msec(50);
	if (!see_bool(status, pointer))
		fail_msg("not in effect:\n%s", json_object_to_json_string(status));
	return status;
}

static void memory_max_is_the_kernels_at_once(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, LIMITS);
	assert_int_equal(kernel_limit(world), 400 * MIB);
	const char *said = set(world, 0, "memory.max=500M", NULL);
	assert_string_equal(said, "memory.max 400 MiB -> 500 MiB\n");
	assert_int_equal(kernel_limit(world), 500 * MIB);
	set(world, 0, "memory.max=320M", NULL);
	assert_int_equal(kernel_limit(world), 320 * MIB);
	struct json_object *status = see_status(world);
	assert_int_equal(see_number(status, "/services/0/instances/0/memory/max_bytes"), 320 * MIB);
	assert_string_equal(see_text(status, SET_STATUS "/0/key"), "memory.max");
	assert_int_equal(see_number(status, SET_STATUS "/0/bytes"), 320 * MIB);
	assert_int_equal(see_number(status, SET_STATUS "/0/was_bytes"), 400 * MIB);
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "memory.max 320 MiB while running (was 400 MiB");
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL),
			"memory max 320 MiB = memory.max (set while running; was 400 MiB (--set))");
	assert_int_equal(count_events(world, program_err(world, run), "limit.set"), 2);
	assert_int_equal(see_number(status, "/services/0/restarts/total"), 0);
	serve_stop(world, run);
}

static void what_does_not_do_is_refused_with_the_numbers(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, LIMITS);
	assert_true(ask(port, "keep/30"));
	assert_true(ask(port, "collect"));
	assert_refused(world, "memory.max=250M", "old space 64 MiB needs 2");
	assert_refused(world, "heap.old_space=300M", "old space 300 MiB needs 5");
	assert_refused(world, "heap.old_space=20M", "old space 20 MiB is below what lives in it after a full collection: 3");
	assert_refused(world, "memory.max=900G", "need 8");
	assert_int_equal(kernel_limit(world), 400 * MIB);
	struct program *program = heapward_start(world, "set", world->name, "restart.when=never", NULL);
	assert_int_equal(program_finish(world, program, 20), 2);
	assert_contains(program_err(world, program), "restart.when is not set here; edit the policy, then heapward reload, which takes it at once");
	program = heapward_start(world, "set", world->name, NULL);
	assert_int_equal(program_finish(world, program, 20), 2);
	assert_int_equal(count_events(world, program_err(world, run), "limit.set"), 0);
	serve_stop(world, run);
}

/* What is in use cannot be taken back, and here no plan speaks first. */
static void below_what_is_in_use_is_refused(void **state)
{
	struct world *world = *state;
	int port = free_port();
	const char *words[] = { "--set", "memory.max=400M", "--set", "heap.runtime=none", "--", "node",
				js_worker_path(world, "keep-server.js"), world_print(world, "%d", port), NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	assert_true(ask(port, "keep/100"));
	assert_refused(world, "memory.max=80M", "memory.max 80 MiB is below what is in use: 1");
	assert_int_equal(kernel_limit(world), 400 * MIB);
	assert_refused(world, "heap.old_space=100M", "there is no old space to set: not managed: heap.runtime: none");
	set(world, 0, "memory.max=300M", NULL);
	assert_int_equal(kernel_limit(world), 300 * MIB);
	serve_stop(world, run);
}

static void a_higher_old_space_lets_a_server_live_past_its_limit(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, LIMITS);
	set(world, 0, "heap.old_space=160M", NULL);
	assert_false(see_bool(see_status(world), SET_STATUS "/0/in_effect"));
	assert_true(ask(port, "keep/100"));
	struct json_object *status = await_in_effect(world, 0, 20);
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), 160 * MIB);
	assert_int_equal(see_number(status, "/services/0/restarts/total"), 0);
	assert_int_equal(count_events(world, program_err(world, run), "heap.near_limit"), 0);
	assert_true(count_events(world, program_err(world, run), "limit.set") >= 2);
	serve_stop(world, run);
}

static void a_lower_old_space_is_what_a_server_dies_of(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, "memory.max=400M heap.old_space=128M heap.near_limit=report");
	set(world, 0, "heap.old_space=48M", NULL);
	await_in_effect(world, 0, 20);
	pid_t worker = await_worker(world, 0, 10);
	assert_false(ask(port, "keep/120"));
	await_worker(world, worker, 20);
	struct json_object *why = see_why(world);
	assert_true(verdict_is(why, "heap-limit", -1));
	assert_contains(see_text(why, "/text"), "old space of 48 MiB reached");
	/* The next one was started with it. */
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), 48 * MIB);
	assert_true(see_bool(status, SET_STATUS "/0/in_effect"));
	assert_int_equal(count_events(world, program_err(world, run), "plan.differs"), 0);
	serve_stop(world, run);
}

static void a_lower_old_space_waits_for_room(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, "memory.max=400M heap.old_space=128M heap.near_limit=report");
	assert_true(ask(port, "keep/40"));
	assert_true(ask(port, "collect"));
	set(world, 0, "heap.old_space=50M", NULL); /* V8 goes no lower than what is in use and a quarter */
	assert_false(see_bool(see_status(world), SET_STATUS "/0/in_effect"));
	assert_true(ask(port, "drop"));
	assert_true(ask(port, "collect"));
	assert_true(ask(port, "collect"));
	await_in_effect(world, 0, 20);
	serve_stop(world, run);
}

static void old_space_follows_memory_max_and_lasts_until_a_reload(void **state)
{
	struct world *world = *state;
	int port;
	struct program *run = keep_server(world, &port, "memory.max=400M");
	int64_t old = see_number(see_status(world), "/services/0/instances/0/heap/old_space_bytes");
	set(world, 0, "memory.max=500M", NULL);
	struct json_object *status = see_status(world);
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), old + (int64_t)(100 * MIB));
	assert_true(see_bool(status, SET_STATUS "/1/follows"));
	pid_t worker = await_worker(world, 0, 10);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 1, 30);
	await_worker(world, worker, 20);
	assert_int_equal(kernel_limit(world), 500 * MIB);
	worker = await_worker(world, 0, 10);
	heapward_says(world, 0, "reload", world->name, NULL);
	await_replaced(world, 2, 30); /* behind a held socket a reload replaces what has other limits */
	await_worker(world, worker, 20);
	assert_int_equal(kernel_limit(world), 400 * MIB);
	assert_int_equal(json_object_array_length(json_object_object_get(json_object_array_get_idx(
		json_object_object_get(see_status(world), "services"), 0), "set")), 0);
	serve_stop(world, run);
}

static void await_reporters(struct world *world, int64_t wanted, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6), count = 0;
	while (count < wanted && now_usec() < deadline_usec) {
		count = see_number(see_status(world), "/services/0/instances/0/heap/reporters");
		pause_msec(50);
	}
	assert_int_equal(count, wanted);
}

static void all_processes_of_a_cluster_are_told(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "log.events=json", "--set", "memory.max=1500M", "--set", "heap.old_space=128M", "--set",
				"heap.processes=3", "--", "node", js_worker_path(world, "cluster.js"), "2", NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	await_reporters(world, 3, 20);
	const char *said = set(world, 0, "heap.old_space=64M", NULL);
	assert_contains(said, "3 processes told");
	await_in_effect(world, 0, 20);
	int64_t deadline_usec = now_usec() + (int64_t)(10 * slowness() * 1e6);
	while (count_events(world, program_err(world, run), "limit.set") < 3 && now_usec() < deadline_usec)
		pause_msec(50);
	assert_int_equal(count_events(world, program_err(world, run), "limit.set"), 3);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
}

static void a_run_without_any_limit_is_given_one(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--", "node", js_worker_path(world, "serve.js"), NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	const char *said = set(world, 0, "memory.max=400M", NULL);
	assert_contains(said, "memory.max none -> 400 MiB\n");
	assert_int_equal(kernel_limit(world), 400 * MIB);
	await_in_effect(world, 1, 20); /* Node's own choice was more than fits */
	said = set(world, 0, "memory.max=none", NULL);
	assert_contains(said, "memory.max 400 MiB -> none\n");
	assert_true(kernel_limit(world) == 0 || kernel_limit(world) > (uint64_t)1 << 60); /* "max", or v1's largest */
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
}

#define POLICY "version: 1\nservice: {name: %s, command: [node, %s]}\nmemory: {max: 400M}\nheap: {old_space: 64M}\n" \
	"sandbox: {capabilities: unchanged}\n"

/* With a policy file, and more words for `run`. */
static struct program *run_policy(struct world *world, const char *first, const char *second)
{
	const char *words[] = { "-p", "web.yaml", first, second, NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	await_state(world, "ready", 20);
	return run;
}

static char *drop_in(struct world *world)
{
	char text[1024] = "";
	FILE *file = fopen(world_path(world, "web.policy.d/50-set.yaml"), "re");
	if (file == NULL)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return world_print(world, "%s", text);
}

static void what_is_saved_is_there_at_the_next_start(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", POLICY, world->name, js_worker_path(world, "serve.js"));
	struct program *run = run_policy(world, NULL, NULL);
	set(world, 0, "memory.max=500M", NULL);
	assert_null(drop_in(world));
	const char *said = set(world, 0, "heap.old_space=100M", "--save");
	assert_contains(said, "saved in web.policy.d/50-set.yaml\nnot saved: memory.max, as set before without --save\n");
	assert_contains(drop_in(world), "version: 1\nheap:\n  old_space: 100M\n"); /* what was named, and no more */
	assert_false(see_bool(see_status(world), SET_STATUS "/0/saved"));
	assert_true(see_bool(see_status(world), SET_STATUS "/1/saved"));
	heapward_says(world, 0, "check", "web.yaml", NULL);
	serve_stop(world, run);
	run = run_policy(world, NULL, NULL);
	assert_int_equal(kernel_limit(world), 400 * MIB);
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL), "50-set.yaml:4");
	set(world, 0, "memory.max=450M", "--save"); /* the other one stays */
	assert_contains(drop_in(world), "  max: 450M\nheap:\n  old_space: 100M\n");
	serve_stop(world, run);
}

static void what_would_not_last_is_not_saved(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", POLICY, world->name, js_worker_path(world, "serve.js"));
	struct program *run = run_policy(world, "-m", "420M");
	struct program *program = heapward_start(world, "set", world->name, "memory.max=500M", "--save", NULL);
	assert_int_equal(program_finish(world, program, 20), 1);
	assert_contains(program_err(world, program), "not saved: memory.max comes from -m, which goes over a drop-in");
	assert_null(drop_in(world));
	assert_int_equal(kernel_limit(world), 420 * MIB);
	world_write(world, "web.yaml", "version: 1\nwrong: 1\n");
	program = heapward_start(world, "set", world->name, "heap.old_space=80M", "--save", NULL);
	assert_int_equal(program_finish(world, program, 20), 1);
	assert_contains(program_err(world, program), "not saved: the policy would not be accepted: web.yaml:2:1");
	assert_null(drop_in(world));
	serve_stop(world, run);
}

static void a_drop_in_of_others_is_left_alone(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", POLICY, world->name, js_worker_path(world, "serve.js"));
	heapward_says(world, 0, "check", "web.yaml", NULL);
	assert_int_equal(mkdir(world_path(world, "web.policy.d"), 0755), 0);
	world_write(world, "web.policy.d/50-set.yaml", "version: 1\nstop: {timeout: 2s}\n");
	struct program *run = run_policy(world, NULL, NULL);
	struct program *program = heapward_start(world, "set", world->name, "memory.max=500M", "--save", NULL);
	assert_int_equal(program_finish(world, program, 20), 1);
	assert_contains(program_err(world, program), "stop.timeout: this file is for heapward set --save alone");
	assert_string_equal(drop_in(world), "version: 1\nstop: {timeout: 2s}\n");
	serve_stop(world, run);
	const char *words[] = { "--", "node", js_worker_path(world, "serve.js"), NULL };
	run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	program = heapward_start(world, "set", world->name, "memory.max=500M", "--save", NULL);
	assert_int_equal(program_finish(world, program, 20), 1);
	assert_contains(program_err(world, program), "not saved: there is no policy file");
	serve_stop(world, run);
}

static void requests_do_not_notice(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_leak(world, target, "memory.max=400M heap.old_space=100M", "0");
	struct program *load = load_start(world, target, 6);
	static const char *const settings[] = { "memory.max=500M", "heap.old_space=64M", "memory.max=350M", "heap.old_space=80M" };
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		pause_msec(1000);
		set(world, 0, settings[i], NULL);
	}
	assert_none_failed(world, run, load_finish(world, load, 60));
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/total"), 0);
	serve_stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(memory_max_is_the_kernels_at_once),
		WORLD_TEST(what_does_not_do_is_refused_with_the_numbers),
		WORLD_TEST(below_what_is_in_use_is_refused),
		WORLD_TEST(a_higher_old_space_lets_a_server_live_past_its_limit),
		WORLD_TEST(a_lower_old_space_is_what_a_server_dies_of),
		WORLD_TEST(a_lower_old_space_waits_for_room),
		WORLD_TEST(old_space_follows_memory_max_and_lasts_until_a_reload),
		WORLD_TEST(all_processes_of_a_cluster_are_told),
		WORLD_TEST(a_run_without_any_limit_is_given_one),
		WORLD_TEST(what_is_saved_is_there_at_the_next_start),
		WORLD_TEST(what_would_not_last_is_not_saved),
		WORLD_TEST(a_drop_in_of_others_is_left_alone),
		WORLD_TEST(requests_do_not_notice),
	};
	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
