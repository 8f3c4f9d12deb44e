/* SPDX-License-Identifier: Apache-2.0 */
/* test_policies: check, explain, init, and what a run takes from its policy. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <sys/stat.h>

#define WEB "version: 1\nservice:\n  name: %s\n  command: [node, %s]\nmemory:\n  max: 400M\nheap:\n  old_space: 64M\n"

static struct program *check(struct world *world, const char *file)
{
	struct program *program = heapward_start(world, "check", file, NULL);
	program_finish(world, program, 10);
	return program;
}

static void check_names_every_error_by_line_and_column(void **state)
{
	struct world *world = *state;
	world_write(world, "bad.yaml", "version: 1\nmemory:\n  hihg: 512M\n  max: 512\nrestart:\n  when: sometimes\n");
	struct program *program = check(world, "bad.yaml");
	assert_int_equal(program_finish(world, program, 1), 2);
	const char *both = world_print(world, "%s%s", program_out(world, program), program_err(world, program));
	const char *const parts[] = { "bad.yaml:3:3: error: unknown key \"memory.hihg\"; did you mean \"high\"?",
				      "bad.yaml:4:8: error:", "bad.yaml:6:9: error:", "  hihg: 512M", "^" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_contains(both, parts[i]);
}

static void check_accepts_a_good_policy(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", WEB, world->name, "server.js");
	heapward_says(world, 0, "check", "web.yaml", NULL);
}

static void check_warns_of_what_this_machine_does_not_have(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", "version: 1\nservice:\n  command: [no-such-program, x]\n  directory: nowhere\n");
	const char *said = heapward_says(world, 0, "check", "web.yaml", NULL);
	assert_contains(said, "web.yaml:3:12: warning: service.command: no program \"no-such-program\" in PATH on this machine");
	assert_contains(said, "web.yaml:4:14: warning: service.directory: \"nowhere\" on this machine: No such file or directory");
	assert_int_equal(mkdir(world_path(world, "bin"), 0755), 0);
	world_write(world, "web.yaml", "version: 1\nservice: {command: [./web.yaml], directory: bin}\n");
	assert_contains(heapward_says(world, 0, "check", "web.yaml", NULL), "service.command: \"bin/./web.yaml\" is no program on this "
			"machine: No such file or directory");
	world_write(world, "web.yaml", "version: 1\nservice: {command: [sh]}\nsandbox: {user: nosuchuser, read_write: [data], read_only: [nor, this]}\n");
	assert_contains(heapward_says(world, 0, "check", "web.yaml", NULL), "web.yaml: no errors; would not start on this machine: "
			"sandbox.read_write, sandbox.read_only, sandbox.user (above)\n");
	world_write(world, "bin/server", "#!/bin/sh\n");
	world_write(world, "web.yaml", "version: 1\nservice: {command: [./server], directory: bin}\n");
	assert_string_equal(heapward_says(world, 0, "check", "web.yaml", NULL), "web.yaml: no errors\n");
	world_write(world, "web.yaml", "version: 1\nservice: {command: [sh, -c, 'exit 0']}\n");
	assert_string_equal(heapward_says(world, 0, "check", "web.yaml", NULL), "web.yaml: no errors\n");
}

/* Node's own words are "Cannot find module". */
static void a_directory_that_the_worker_cannot_reach_is_told(void **state)
{
	static const struct {
		const char *sandbox, *told;
	} rows[] = {
		{ "hidden: .", "sandbox.hidden: " }, { "user: daemon", "sandbox.user: daemon cannot enter the working directory " },
		{ "", NULL },
	};
	struct world *world = *state;
	assert_int_equal(mkdir(world_path(world, "app"), 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		world_write(world, "web.yaml", "version: 1\nservice: {name: %s, directory: app, command: [sh, -c, 'cat x; exit 3']}\n"
			    "restart: {when: never}\nsandbox: {%s}\n", world->name, rows[i].sandbox);
		const char *said = heapward_says(world, 0, "check", "web.yaml", NULL);
		assert_true((strstr(said, rows[i].told == NULL ? "the working directory" : rows[i].told) != NULL) == (rows[i].told != NULL));
		struct program *run = heapward_start(world, "run", "-p", "web.yaml", NULL);
		program_finish(world, run, 20);
		said = program_err(world, run);
		assert_true((strstr(said, rows[i].told == NULL ? "the working directory" : rows[i].told) != NULL) == (rows[i].told != NULL));
	}
}

static void a_policy_that_others_can_write_is_refused(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", WEB, world->name, "server.js");
	assert_int_equal(chmod(world_path(world, "web.yaml"), 0666), 0);
	struct program *run = heapward_start(world, "run", "-p", "web.yaml", "--", "touch", "started", NULL);
	assert_int_equal(program_finish(world, run, 10), 2);
	assert_contains(program_err(world, run), "web.yaml");
	assert_int_not_equal(access(world_path(world, "started"), F_OK), 0);
}

static void a_run_takes_name_command_and_limits_from_its_policy(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", WEB, world->name, js_worker_path(world, "serve.js"));
	struct program *run = heapward_start(world, "run", "-p", "web.yaml", NULL);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	struct json_object *status = await_state(world, "ready", 20);
	assert_int_equal(see_number(status, "/services/0/instances/0/memory/max_bytes"), 400 * MIB);
	assert_contains(program_out(world, run), "limit 117440512");
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

/* The value of one number of `explain --json`. */
static int64_t explained(struct world *world, struct json_object *document, const char *name)
{
	struct json_object *numbers = NULL;
	json_object_object_get_ex(document, "numbers", &numbers);
	for (size_t i = 0; i < json_object_array_length(numbers); i++) {
		struct json_object *number = json_object_array_get_idx(numbers, i);
		see_type(number, "/unit", json_type_string, false);
		see_type(number, "/rule", json_type_string, false);
		see_type(number, "/inputs", json_type_array, false);
		if (strcmp(see_text(number, "/name"), name) == 0)
			return see_number(number, "/value");
	}
	fail_msg("explain has no %s:\n%s", name, world_print(world, "%s", json_object_to_json_string(document)));
	return -1;
}

static void explain_gives_every_number_its_rule_and_starts_nothing(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", WEB, world->name, "server.js");
	struct json_object *plan = see(world, heapward_says(world, 0, "explain", "-p", "web.yaml", "--json", NULL));
	assert_int_equal(explained(world, plan, "memory_max"), 400 * MIB);
	assert_int_equal(explained(world, plan, "old_space"), 64 * MIB);
	assert_int_equal(explained(world, plan, "heap_size_limit"), 112 * MIB);
	assert_contains(heapward_says(world, 0, "explain", "-p", "web.yaml", NULL), "web.yaml:");
	await_nothing_left(world, 0);
}

static void a_running_service_explains_the_plan_that_it_runs_by(void **state)
{
	struct world *world = *state;
	const char *words[] = { "-m", "301M", "--", "sleep", "100", NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	assert_contains(heapward_says(world, 0, "explain", "-n", world->name, NULL), "memory max 301 MiB");
	struct json_object *plan = see(world, heapward_says(world, 0, "explain", "-n", world->name, "--json", NULL));
	assert_int_equal(explained(world, plan, "memory_max"), 301 * MIB);
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 10);
}

static void later_layers_win(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", WEB "stop:\n  timeout: 11s\n", world->name, "server.js");
	world_write(world, "web.policy.d/10-stop.yaml", "version: 1\nstop:\n  timeout: 12s\n");
	struct json_object *plan = see(world, heapward_says(world, 0, "explain", "-p", "web.yaml", "--json", NULL));
	assert_int_equal(explained(world, plan, "stop_timeout"), 12);
	world_environment(world, "HEAPWARD_SET=stop.timeout=13s");
	plan = see(world, heapward_says(world, 0, "explain", "-p", "web.yaml", "--json", NULL));
	assert_int_equal(explained(world, plan, "stop_timeout"), 13);
	plan = see(world, heapward_says(world, 0, "explain", "-p", "web.yaml", "--set", "stop.timeout=14s", "--json", NULL));
	assert_int_equal(explained(world, plan, "stop_timeout"), 14);
}

/* More than any machine has: the plan takes the whole machine, and something else runs on it. */
#define TOO_MUCH "-m", "1024G"

static void too_little_free_memory_is_warned_of(void **state)
{
	struct world *world = *state;
	const char *words[] = { TOO_MUCH, "--", "echo", "ran", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "ran\n");
	assert_contains(program_err(world, run), "too little free memory: need ");
}

static void too_little_free_memory_can_be_refused(void **state)
{
	struct world *world = *state;
	const char *words[] = { TOO_MUCH, "--set", "memory.check=refuse", "--", "echo", "ran", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 126);
	assert_string_equal(program_out(world, run), "");
	assert_contains(program_err(world, run), "memory: need ");
	assert_contains(see_text(see_why(world), "/evidence/0"), "the step \"memory\" failed");
}

static void too_little_free_memory_can_be_waited_for(void **state)
{
	struct world *world = *state;
	const char *words[] = { TOO_MUCH, "--set", "memory.check=wait", "--set", "log.events=json", "--", "echo", "ran", NULL };
	struct program *run = run_start(world, words);
	await_err(world, run, "memory.wait", 20);
	pause_msec(1500); /* it has looked again by then */
	await_state(world, "starting", 5);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
	assert_string_equal(program_out(world, run), "");
	assert_int_equal(count_events(world, program_err(world, run), "memory.wait"), 1);
}

static void the_starter_policy_is_a_good_one(void **state)
{
	struct world *world = *state;
	const char *starter = heapward_says(world, 0, "init", "--", "node", "server.js", NULL);
	world_write(world, "starter.yaml", "%s", starter);
	heapward_says(world, 0, "check", "starter.yaml", NULL);
}

static void write_user(struct world *world, const char *user)
{
	world_write(world, "u.yaml", "version: 1\nservice: {name: %s, command: [sleep, '100']}\nsandbox:\n  user: %s\n",
		    world->name, user);
}

/* No death: nothing was started. Of a user who went later a reload says so, and what runs runs on. */
static void a_user_that_is_not_there_is_refused(void **state)
{
	struct world *world = *state;
	write_user(world, "nosuchuser");
	struct program *run = heapward_start(world, "run", "-p", "u.yaml", NULL);
	assert_int_equal(program_finish(world, run, 10), 2);
	assert_contains(program_err(world, run), "sandbox.user (u.yaml:4): user nosuchuser: no such user");
	await_nothing_left(world, 1);
	heapward_says(world, 1, "why", world->name, NULL);
	/* The form is right, and the service may be another machine's. */
	assert_contains(heapward_says(world, 0, "check", "u.yaml", NULL),
			"u.yaml:4:9: warning: sandbox.user: on this machine: user nosuchuser: no such user");
	write_user(world, "nobody");
	assert_contains(heapward_says(world, 0, "check", "u.yaml", NULL), "u.yaml:4:9: warning: sandbox.user: nobody is shared by programs");
	run = heapward_start(world, "run", "-p", "u.yaml", NULL);
	pid_t worker = await_worker(world, 0, 20);
	write_user(world, "nosuchuser");
	heapward_says(world, 2, "reload", world->name, NULL);
	assert_int_equal(await_worker(world, 0, 5), worker);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

static void a_wrong_command_line_exits_2(void **state)
{
	static const char *const rows[][4] = {
		{ NULL }, { "no-such-command" }, { "run" }, { "run", "--no-such-option" }, { "why", "Not A Name" },
		{ "run", "--set", "memory.max=512" }, { "check" },
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		heapward_says(world, 2, rows[i][0] != NULL ? rows[i][0] : "--no-such-option", rows[i][1], rows[i][2], NULL);
	struct program *run = heapward_start(world, "run", "-m", "256", "--", "true", NULL);
	assert_int_equal(program_finish(world, run, 10), 2);
	assert_string_equal(program_err(world, run), "heapward: -m 256: error: memory.max: \"256\" has no unit; write 256M (MiB) or 256G\n");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(check_names_every_error_by_line_and_column),
		WORLD_TEST(check_accepts_a_good_policy),
		WORLD_TEST(check_warns_of_what_this_machine_does_not_have),
		WORLD_TEST(a_directory_that_the_worker_cannot_reach_is_told),
		WORLD_TEST(a_policy_that_others_can_write_is_refused),
		WORLD_TEST(a_run_takes_name_command_and_limits_from_its_policy),
		WORLD_TEST(explain_gives_every_number_its_rule_and_starts_nothing),
		WORLD_TEST(a_running_service_explains_the_plan_that_it_runs_by),
		WORLD_TEST(later_layers_win),
		WORLD_TEST(too_little_free_memory_is_warned_of),
		WORLD_TEST(too_little_free_memory_can_be_refused),
		WORLD_TEST(too_little_free_memory_can_be_waited_for),
		WORLD_TEST(the_starter_policy_is_a_good_one),
		WORLD_TEST(a_user_that_is_not_there_is_refused),
		WORLD_TEST(a_wrong_command_line_exits_2),
	};
	return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
