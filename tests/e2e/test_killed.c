/* SPDX-License-Identifier: Apache-2.0 */
/* test_killed: the supervisor is killed, in whatever state it is: what it had is gone in two seconds, and what it knew is
 * there for the next one. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>
#include <sys/stat.h>

#define GONE_SECONDS 2

/* `settings` and `worker` at spaces; "@" is the C worker. */
static struct program *run(struct world *world, const char *settings, const char *worker)
{
	const char *words[WORDS_MAX] = { "--set", "log.events=json" };
	size_t count = 2;
	char *next = world_print(world, "%s", settings);
	for (char *word; (word = strsep(&next, " ")) != NULL;) {
		words[count++] = "--set";
		words[count++] = word;
	}
	words[count++] = "--";
	next = world_print(world, "%s", worker);
	for (char *word; (word = strsep(&next, " ")) != NULL;)
		words[count++] = strcmp(word, "@") == 0 ? c_worker_path() : word;
	words[count] = NULL;
	return run_start(world, words);
}

static void kill_supervisor(struct world *world, struct program *program)
{
	kill(program->pid, SIGKILL);
	program_finish(world, program, 10);
	await_nothing_left(world, GONE_SECONDS);
}

static void in_each_state_it_leaves_nothing(void **state)
{
	static const struct {
		const char *settings, *worker, *first, *command, *then;
	} rows[] = {
		/* Waits for memory. The first, because what was measured of others would need less. */
		{ "memory.max=1024G memory.check=wait", "@ steady", "starting", NULL, NULL },
		{ "heap.runtime=none", "@ steady", "ready", NULL, NULL },
		{ "restart.backoff.from=100s restart.backoff.up_to=100s", "@ exit=3", "back-off", NULL, NULL },
		{ "restart.backoff.from=50ms restart.budget.deaths=1 restart.exhausted=hold", "@ exit=3", "failed", NULL, NULL },
		{ "stop.timeout=100s", "@ ignore-term", "ready", "stop", "stopping" },
		{ "stop.timeout=100s", "@ ignore-term", "ready", "restart", "replacing" },
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *program = run(world, rows[i].settings, rows[i].worker);
		await_state(world, rows[i].first, 20);
		if (rows[i].command != NULL) {
			if (strcmp(rows[i].worker, "@ ignore-term") == 0)
				await_file(world, strrchr(program->out_path, '/') + 1, "steady", 20);
			heapward_start(world, rows[i].command, world->name, NULL); /* a stop waits for its end */
			await_state(world, rows[i].then, 20);
		}
		kill_supervisor(world, program);
	}
}

/* From before its first line to a worker that runs. In the moment between the name's directory and the keeper's fork there
 * is nobody yet who could remove that directory: it may stay, with nothing in it that anybody holds. */
static void at_each_moment_of_its_start_it_leaves_nothing_that_lives(void **state)
{
	struct world *world = *state;
	char text[4096], control[WORLD_PATH_MAX];
	pid_t pid;
	snprintf(control, sizeof(control), "/run/heapward/%s/control", world->name);
	for (int msec = 0; msec < 100; msec += 4) {
		struct program *program = run(world, "memory.max=300M memory.enforce=best_effort heap.runtime=none", "@ steady");
		pause_msec(msec);
		kill(program->pid, SIGKILL);
		program_finish(world, program, 10);
		int64_t deadline_usec = now_usec() + (int64_t)(GONE_SECONDS * slowness() * 1e6);
		while (service_processes(world, &pid, 1) > 0 || service_cgroups(world, text, sizeof(text)) > 0 ||
		       access(control, F_OK) == 0) {
			if (now_usec() > deadline_usec)
				await_nothing_left(world, 0);
			pause_msec(20);
		}
	}
	struct program *program = run(world, "heap.runtime=none", "@ exit=0"); /* the name is free, and cleared */
	assert_int_equal(program_finish(world, program, 10), 0);
	await_nothing_left(world, GONE_SECONDS);
}

/* The second worker never listens: the first one serves, both live. */
static void with_two_workers_and_a_held_socket_it_leaves_nothing(void **state)
{
	struct world *world = *state;
	char *path = world_path(world, "web.sock");
	world_write(world, "server.js", "const fs = require('fs');\n"
		    "if (fs.existsSync('mute')) setInterval(() => {}, 1000);\n"
		    "else require('http').createServer().listen('%s', () => console.log('steady'));\n", path);
	struct program *program = run(world, world_print(world, "service.listen=[unix:%s] ready.within=100s heap.old_space=64M",
							 path), world_print(world, "node %s", world_path(world, "server.js")));
	await_state(world, "ready", 20);
	world_write(world, "mute", "\n");
	heapward_says(world, 0, "restart", world->name, NULL);
	await_state(world, "replacing", 20);
	pause_msec(300);
	pid_t pids[16];
	assert_true(service_processes(world, pids, ARRAY_LEN(pids)) >= 3); /* supervisor and two workers */
	kill_supervisor(world, program);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void what_it_knew_is_there_for_the_next_one(void **state)
{
	struct world *world = *state;
	const char *settings = "restart.backoff.from=1s restart.backoff.up_to=100s restart.backoff.factor=10"
			       " restart.budget.deaths=4 restart.exhausted=hold heap.old_space=32M memory.max=256M"
			       " heap.at_limit=raise heap.raise.by=16M heap.raise.up_to=96M";
	struct program *program = run(world, settings, "@ leak");
	struct json_object *status = await_status(world, "/services/0/restarts/budget_left", "2", 60);
	assert_string_equal(see_text(status, "/services/0/state"), "back-off");
	kill_supervisor(world, program);
	/* A start that fails forgets nothing. */
	program = run(world, world_print(world, "%s service.listen=[unix:/nowhere/web.sock]", settings), "@ steady");
	assert_int_equal(program_finish(world, program, 20), 125);
	program = run(world, settings, "@ steady");
	status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 2);
	assert_int_equal(see_number(status, "/services/0/raise/history/1/to_bytes"), 64 << 20);
	assert_int_equal(see_number(status, "/services/0/instances/0/heap/old_space_bytes"), 64 << 20);
	assert_contains(program_err(world, program), "2 deaths of its restart budget count on");
	assert_string_equal(see_text(status, "/services/0/last_death/verdict"), "heap-limit");
	struct json_object *first = see(world, heapward_says(world, 0, "why", world->name, "2", "--json", NULL));
	assert_int_equal(see_number(first, "/death"), 1);
	assert_contains(heapward_says(world, 0, "logs", world->name, NULL), "limit.raise");
	pid_t worker = await_worker(world, 0, 20);
	kill(worker, SIGKILL); /* the back-off goes on where it was: its third step is far beyond the first one's second */
	status = await_state(world, "back-off", 20);
	assert_true(see_number(status, "/services/0/restarts/next_in_seconds") > 10);
	assert_int_equal(see_number(see_why(world), "/death"), 3);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 10), 0);
}

static void what_was_forgiven_stays_forgiven(void **state)
{
	struct world *world = *state;
	const char *settings = "restart.backoff.from=50ms restart.budget.deaths=1 restart.exhausted=hold heap.runtime=none";
	const char *script = world_print(world, "if [ -e go ]; then exec %s steady; fi; exit 3", c_worker_path());
	world_write(world, "worker.sh", "#!/bin/sh\n%s\n", script);
	const char *worker = world_path(world, "worker.sh");
	struct program *program = run(world, settings, worker);
	await_state(world, "failed", 20);
	world_write(world, "go", "\n");
	heapward_says(world, 0, "reset", world->name, NULL);
	await_state(world, "ready", 20);
	kill_supervisor(world, program);
	program = run(world, settings, worker);
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 1);
	assert_null(strstr(program_err(world, program), "count on"));
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 10), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(in_each_state_it_leaves_nothing),
		WORLD_TEST(at_each_moment_of_its_start_it_leaves_nothing_that_lives),
		WORLD_TEST(with_two_workers_and_a_held_socket_it_leaves_nothing),
		WORLD_TEST(what_it_knew_is_there_for_the_next_one),
		WORLD_TEST(what_was_forgiven_stays_forgiven),
	};
	return cmocka_run_group_tests_name("killed", tests, NULL, NULL);
}
