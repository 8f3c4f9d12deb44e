/* SPDX-License-Identifier: Apache-2.0 */
/* test_options: V8's limit reaches the Node behind every wrapping, and the user's own NODE_OPTIONS stay. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#define LIMIT "limit 117440512\n" /* 64 MiB of old space + 3 x 16 of semi-space */

static void prepare(struct world *world)
{
	world_write(world, "a path with space/mark.js", "(globalThis.marks = globalThis.marks || []).push('mark');\n");
	world_environment(world, "NODE_OPTIONS=--require \"%s/a path with space/mark.js\" --stack-trace-limit=33",
			  world->directory);
	const char *worker = js_worker_path(world, "serve.js");
	world_write(world, "package.json", "{\"name\":\"e2e\",\"scripts\":{\"start\":\"node %s\"}}\n", worker);
	world_write(world, "node_modules/.bin/e2e-serve", "#!/bin/sh\nnode %s\nexit $?\n", worker);
}

static void limit_and_options_arrive(struct world *world, const char *const *command)
{
	const char *words[WORDS_MAX] = { "-m", "400M", "--set", "heap.old_space=64M", "--set", "stop.timeout=2s", "--" };
	size_t count = 7;
	prepare(world);
	for (; *command != NULL; command++)
		words[count++] = *command;
	words[count] = NULL;
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 30);
	const char *out = program_out(world, run);
	assert_contains(out, LIMIT);
	assert_contains(out, "marks [\"mark\"]");
	assert_contains(out, "--stack-trace-limit=33");
	await_status(world, "/services/0/instances/0/heap/source", "agent", 20);
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 20);
	assert_int_equal(count_events(world, program_err(world, run), "plan.differs"), 0);
}

static void the_limit_and_the_users_options_reach_node(void **state)
{
	struct world *world = *state;
	const char *const command[] = { "node", js_worker_path(world, "serve.js"), NULL };
	limit_and_options_arrive(world, command);
}

static void the_limit_and_the_users_options_reach_node_behind_sh(void **state)
{
	struct world *world = *state;
	const char *const command[] = { "sh", "-c",
					world_print(world, "node %s; exit $?", js_worker_path(world, "serve.js")), NULL };
	limit_and_options_arrive(world, command);
}

static void the_limit_and_the_users_options_reach_node_behind_npm_start(void **state)
{
	const char *const command[] = { "npm", "start", NULL };
	limit_and_options_arrive(*state, command);
}

static void the_limit_and_the_users_options_reach_node_behind_npx(void **state)
{
	const char *const command[] = { "npx", "--no-install", "e2e-serve", NULL };
	limit_and_options_arrive(*state, command);
}

static void a_limit_that_differs_from_the_plan_is_an_event(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "node --max-old-space-size=200 %s; exit $?",
					 js_worker_path(world, "serve.js"));
	const char *words[] = { "-m", "400M", "--set", "heap.old_space=64M", "--set", "log.events=json", "--set",
				"stop.timeout=2s", "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_err(world, run, "plan.differs", 20);
	const char *err = program_err(world, run);
	assert_contains(err, "200 MiB");
	assert_contains(err, "64 MiB");
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 20);
}

static void more_node_processes_than_planned_are_an_event(void **state)
{
	struct world *world = *state;
	const char *worker = js_worker_path(world, "serve.js");
	const char *script = world_print(world, "node %s & node %s & wait", worker, worker);
	const char *words[] = { "-m", "400M", "--set", "heap.old_space=64M", "--set", "log.events=json", "--set",
				"stop.timeout=2s", "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_err(world, run, "plan.overcommit", 20);
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 20);
}

static void two_places_that_contradict_each_other_are_both_named(void **state)
{
	struct world *world = *state;
	world_environment(world, "NODE_OPTIONS=--max-old-space-size=300");
	const char *words[] = { "-m", "800M", "--set", "heap.old_space=64M", "--", "node",
				js_worker_path(world, "serve.js"), NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 10), 2);
	assert_contains(program_err(world, run), "NODE_OPTIONS");
	assert_contains(program_err(world, run), "heap.old_space");
	assert_string_equal(program_out(world, run), "");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_limit_and_the_users_options_reach_node),
		WORLD_TEST(the_limit_and_the_users_options_reach_node_behind_sh),
		WORLD_TEST(the_limit_and_the_users_options_reach_node_behind_npm_start),
		WORLD_TEST(the_limit_and_the_users_options_reach_node_behind_npx),
		WORLD_TEST(a_limit_that_differs_from_the_plan_is_an_event),
		WORLD_TEST(more_node_processes_than_planned_are_an_event),
		WORLD_TEST(two_places_that_contradict_each_other_are_both_named),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
