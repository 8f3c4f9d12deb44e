/* SPDX-License-Identifier: Apache-2.0 */
/* test_reporters: who reports a heap, and what is told where the agent cannot: threads, forks, clusters, Node without
 * addons and under its permission model. For the `node` in PATH. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#define SET "--set"
#define HEAP "/services/0/instances/0/heap"

static int node_major(struct world *world)
{
	const char *words[] = { "node", "--version", NULL };
	struct program *node = program_start(world, words);
	program_finish(world, node, 20);
	return (int)strtol(program_out(world, node) + 1, NULL, 10);
}

/* Runs node with these words behind it until it says "steady". */
static struct program *run_node(struct world *world, const char *settings, const char *const *more)
{
	const char *words[WORDS_MAX] = { SET, "restart.when=never", SET, "log.events=json" };
	size_t count = 4;
	char *next = world_print(world, "%s", settings);
	for (char *setting; (setting = strsep(&next, " ")) != NULL;) {
		words[count++] = SET;
		words[count++] = setting;
	}
	words[count++] = "--";
	words[count++] = "node";
	for (; *more != NULL; more++)
		words[count++] = *more;
	words[count] = NULL;
	return run_start(world, words);
}

static void await_steady(struct world *world, const struct program *run)
{
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 30);
}

static void stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
}

static struct json_object *await_reporters(struct world *world, int64_t wanted)
{
	for (int i = 0; i < 200; i++) {
		struct json_object *status = see_status(world);
		if (see_number(status, HEAP "/reporters") == wanted)
			return status;
		pause_msec(50);
	}
	fail_msg("not %lld reporters:\n%s", (long long)wanted, heapward_says(world, 0, "status", world->name, NULL));
	return NULL;
}

static void without_addons_a_timer_reports(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--no-addons", js_worker_path(world, "steady.js"), NULL };
	struct program *run = run_node(world, "heap.old_space=64M", words);
	await_steady(world, run);
	struct json_object *status = await_status(world, HEAP "/source", "timer", 10);
	assert_contains(see_text(status, HEAP "/source_problem"), "may not load addons");
	for (int i = 0; i < 100 && see_number(status, HEAP "/records") < 3; i++, status = see_status(world))
		pause_msec(50);
	assert_true(see_number(status, HEAP "/used_bytes") > (2 << 20));
	assert_true(see_number(status, HEAP "/records") >= 3);
	assert_int_equal(see_number(status, HEAP "/bad_records"), 0);
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "by the timer");
	stop(world, run);
}

/* The timer cannot see the limit come: a fatal line and SIGABRT are a heap limit, but not a certain one. */
static void a_heap_limit_without_addons_is_not_certain(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--no-addons", js_worker_path(world, "steady.js"), "leak", NULL };
	struct program *run = run_node(world, "heap.old_space=64M memory.max=400M", words);
	assert_int_equal(program_finish(world, run, 60), 134);
	struct json_object *why = see_why(world);
	assert_true(verdict_is(why, "heap-limit", -1));
	assert_false(see_bool(why, "/certain"));
	assert_contains(json_object_to_json_string(why), "cannot show a limit that comes near");
}

static void the_permission_model_costs_no_program_its_life(void **state)
{
	struct world *world = *state;
	int major = node_major(world);
	const char *model = major < 22 ? "--experimental-permission" : "--permission";
	char *script = js_worker_path(world, "steady.js");
	const char *const words[] = { model, world_print(world, "--allow-fs-read=%s", script), script, NULL };
	if (major < 20) { /* it has none: the option is unknown to it */
		const char *const plain[] = { script, NULL };
		struct program *run = run_node(world, "heap.old_space=64M", plain);
		await_steady(world, run);
		await_status(world, HEAP "/source", "agent", 10);
		stop(world, run);
		return;
	}
	struct program *run = run_node(world, "heap.old_space=64M", words);
	await_steady(world, run);
	await_status(world, HEAP "/source", "timer", 10);
	stop(world, run);
	if (major < 22)
		return;
	const char *const allowed[] = { model, "--allow-addons", world_print(world, "--allow-fs-read=*"), script, NULL };
	run = run_node(world, "heap.old_space=64M", allowed);
	await_steady(world, run);
	await_status(world, HEAP "/source", "agent", 10);
	stop(world, run);
}

static void a_worker_thread_is_a_reporter(void **state)
{
	struct world *world = *state;
	const char *const words[] = { js_worker_path(world, "threads.js"), NULL };
	struct program *run = run_node(world, "heap.old_space=64M", words);
	await_steady(world, run);
	await_reporters(world, 2);
	assert_int_equal(count_events(world, program_err(world, run), "plan.overcommit"), 0);
	stop(world, run);
}

static void every_process_of_a_cluster_is_a_reporter(void **state)
{
	struct world *world = *state;
	const char *const words[] = { js_worker_path(world, "cluster.js"), "3", NULL };
	struct program *run = run_node(world, "memory.max=1280M heap.processes=4", words);
	await_steady(world, run);
	await_reporters(world, 4);
	assert_int_equal(count_events(world, program_err(world, run), "plan.overcommit"), 0);
	stop(world, run);
}

static void more_processes_than_planned_are_told(void **state)
{
	struct world *world = *state;
	const char *const words[] = { js_worker_path(world, "cluster.js"), "2", NULL };
	struct program *run = run_node(world, "memory.max=1G", words);
	await_steady(world, run);
	await_err(world, run, "plan.overcommit", 10);
	assert_contains(program_err(world, run), "planned for 1; set heap.processes: 2");
	stop(world, run);
}

/* Planned for, a cluster whose workers all leak ends at V8's limit, and never by the kernel. */
static void a_cluster_of_four_ends_at_its_heap_limit(void **state)
{
	struct world *world = *state;
	const char *const words[] = { js_worker_path(world, "cluster.js"), "4", "leak", NULL };
	struct program *run = run_node(world, "memory.max=1536M heap.processes=5", words);
	program_finish(world, run, 120);
	struct json_object *why = see_why(world);
	assert_true(verdict_is(why, "heap-limit", -1));
	assert_true(see_bool(why, "/certain"));
}

/* A copy of what is installed, with its agent changed: heapward finds its parts beside itself. */
static const char *install_changed(struct world *world, const char *change)
{
	char *build = world_print(world, "%s", heapward_path());
	*strstr(build, "/supervisor/cli/heapward") = '\0';
	const char *script = world_print(world,
		"rm -rf tree && mkdir -p tree/supervisor tree/child && cp -r '%s/supervisor/cli' tree/supervisor/ &&"
		" cp -r '%s/child/confine' '%s/child/keeper' '%s/child/agent' tree/child/ && mkdir tree/policies &&"
		" cp -r '%s/policies/syscalls' tree/policies/ && cd tree/child/agent && %s",
		build, build, build, build, build, change);
	const char *words[] = { "sh", "-c", script, NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 0);
	return world_path(world, "tree/supervisor/cli/heapward");
}

/* What the agent does not know is found out, told, and never guessed: a symbol that is gone, numbers that are another
 * layout's, a library for another machine. The program lives as without us, and a heap limit is seen by its line only. */
static void a_v8_that_the_agent_does_not_know_is_not_guessed(void **state)
{
	static const struct {
		const char *change, *source, *problem;
	} rows[] = {
		{ "sed -i s/_ZN2v87Isolate10GetCurrentEv/_ZN2v87Isolate10GetCurrentXx/ agent.node", "timer",
		  "this V8 lacks a function that the agent calls" },
		{ "sed -i \"1i const v = require('v8'), real = v.getHeapStatistics;"
		  " v.getHeapStatistics = () => ({ ...real(), malloced_memory: 1e9 });\" agent.cjs", "timer",
		  "the agent read other numbers than v8.getHeapStatistics()" },
		{ "echo no library >agent.node", "timer", "the agent could not be loaded" },
		{ "rm agent.cjs", "none", "agent.cjs: No such file or directory" },
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *words[] = { install_changed(world, rows[i].change), "run", "-n", world->name, SET,
					"heap.old_space=64M", "--", "node", js_worker_path(world, "steady.js"), NULL };
		struct program *run = program_start(world, words);
		await_steady(world, run);
		struct json_object *status = await_status(world, HEAP "/source", rows[i].source, 10);
		assert_contains(see_text(status, HEAP "/source_problem"), rows[i].problem);
		assert_contains(heapward_says(world, 0, "status", world->name, NULL), rows[i].source[0] == 't' ? "by the timer" :
											      "no figures");
		stop(world, run);
	}
}

static void a_program_between_that_is_no_node_passes_the_pipe_on(void **state)
{
	struct world *world = *state;
	const char *words[] = { SET, "restart.when=never", SET, "heap.old_space=64M", "--", "sh", "-c",
				world_print(world, "sh -c 'node %s; :'; :", js_worker_path(world, "steady.js")), NULL };
	struct program *run = run_start(world, words);
	await_steady(world, run);
	await_status(world, HEAP "/source", "agent", 10);
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 20);
}

/* More news than the supervisor's queue has room for, and then the end of the process, all in one wake-up. */
static void a_flood_of_near_limits_does_not_end_the_supervisor(void **state)
{
	struct world *world = *state;
	const char *const node[] = { js_worker_path(world, "flood-near.js"), NULL };
	struct program *run = run_node(world, "memory.max=400M", node);
	assert_int_equal(program_finish(world, run, 60), 7);
	assert_contains(last_line(world, program_err(world, run)), "exit 7");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(without_addons_a_timer_reports),
		WORLD_TEST(a_heap_limit_without_addons_is_not_certain),
		WORLD_TEST(the_permission_model_costs_no_program_its_life),
		WORLD_TEST(a_worker_thread_is_a_reporter),
		WORLD_TEST(every_process_of_a_cluster_is_a_reporter),
		WORLD_TEST(more_processes_than_planned_are_told),
		WORLD_TEST(a_cluster_of_four_ends_at_its_heap_limit),
		WORLD_TEST(a_v8_that_the_agent_does_not_know_is_not_guessed),
		WORLD_TEST(a_program_between_that_is_no_node_passes_the_pipe_on),
		WORLD_TEST(a_flood_of_near_limits_does_not_end_the_supervisor),
	};
	return cmocka_run_group_tests_name("reporters", tests, NULL, NULL);
}
