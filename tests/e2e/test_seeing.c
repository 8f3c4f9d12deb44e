/* SPDX-License-Identifier: Apache-2.0 */
/* test_seeing: status, ready, why and logs: the names that scripts rely on, and what stays readable afterwards. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

struct key {
	const char *pointer;
	enum json_type type;
	bool or_null;
};

static void see_keys(struct json_object *document, const struct key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		see_type(document, keys[i].pointer, keys[i].type, keys[i].or_null);
}

static struct program *serve(struct world *world)
{
	const char *words[] = { "-m", "400M", "--set", "heap.old_space=64M", "--", "node",
				js_worker_path(world, "serve.js"), NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	await_status(world, "/services/0/instances/0/heap/source", "agent", 20);
	return run;
}

static void stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

static void status_json_has_every_key_with_its_type(void **state)
{
#define SERVICE "/services/0/"
#define INSTANCE SERVICE "instances/0/"
	static const struct key keys[] = {
		{ SERVICE "name", json_type_string, false },
		{ SERVICE "state", json_type_string, false },
		{ INSTANCE "instance", json_type_int, false },
		{ INSTANCE "state", json_type_string, false },
		{ INSTANCE "pid", json_type_int, false },
		{ INSTANCE "replacement_pid", json_type_int, true },
		{ INSTANCE "heap/used_bytes", json_type_int, true },
		{ INSTANCE "heap/old_space_bytes", json_type_int, false },
		{ INSTANCE "heap/limit_bytes", json_type_int, false },
		{ INSTANCE "heap/available_bytes", json_type_int, true },
		{ INSTANCE "heap/after_full_gc_bytes", json_type_int, true },
		{ INSTANCE "heap/seconds_to_limit", json_type_double, true },
		{ INSTANCE "heap/source", json_type_string, false },
		{ INSTANCE "memory/current_bytes", json_type_int, false },
		{ INSTANCE "memory/max_bytes", json_type_int, false },
		{ INSTANCE "memory/peak_bytes", json_type_int, true },
		{ SERVICE "restarts/total", json_type_int, false },
		{ SERVICE "restarts/by_verdict/heap-limit", json_type_int, false },
		{ SERVICE "restarts/by_verdict/oom-kill", json_type_int, false },
		{ SERVICE "restarts/budget_left", json_type_int, false },
		{ SERVICE "restarts/next_in_seconds", json_type_double, true },
		{ SERVICE "sandbox", json_type_object, false },
		{ SERVICE "last_death", json_type_object, true },
	};
	struct world *world = *state;
	struct program *run = serve(world);
	struct json_object *status = see_status(world);
	assert_int_equal(see_number(status, "/schema"), 1);
	see_keys(status, keys, ARRAY_LEN(keys));
	assert_true(see_number(status, SERVICE "uptime_seconds") >= 0);
	assert_string_equal(see_text(status, SERVICE "name"), world->name);
	assert_int_equal(see_number(status, INSTANCE "memory/max_bytes"), 400 * MIB);
	assert_int_equal(see_number(status, INSTANCE "heap/old_space_bytes"), 64 * MIB);
	assert_int_equal(see_number(status, INSTANCE "heap/limit_bytes"), (64 + 3 * 16) * MIB);
	stop(world, run);
}

/* Zeros in the place of heap records, more than a window takes: not heard for a while, then heard again. */
static void a_flood_of_records_does_not_deafen_the_supervisor(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "for i in $(seq 300); do head -c 65536 /dev/zero >&200; done 2>/dev/null;"
					 " exec node %s", js_worker_path(world, "serve.js"));
	const char *words[] = { "-m", "400M", "--set", "heap.old_space=64M", "--", "bash", "-c", script, NULL };
	struct program *run = run_start(world, words);
	struct json_object *status = await_status(world, "/services/0/instances/0/heap/source", "agent", 30);
	assert_true(see_number(status, "/services/0/instances/0/heap/bad_records") > 0);
	stop(world, run);
}

static void status_is_a_table_and_fields_can_be_chosen(void **state)
{
	struct world *world = *state;
	struct program *run = serve(world);
	const char *table = heapward_says(world, 0, "status", NULL);
	assert_contains(table, world->name);
	assert_contains(table, "ready");
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "MiB");
	const char *fields = heapward_says(world, 0, "status", world->name, "--fields", "name,state", NULL);
	assert_contains(fields, world->name);
	assert_contains(fields, "ready");
	assert_null(strstr(fields, "MiB"));
	assert_string_equal(heapward_says(world, 0, "status", world->name, "--fields", "supervisor_pid", NULL),
			    world_print(world, "%d\n", run->pid));
	heapward_says(world, 2, "status", world->name, "--fields", "no-such-field", NULL);
	stop(world, run);
}

static void ready_answers_by_its_exit_status(void **state)
{
	struct world *world = *state;
	heapward_says(world, 1, "ready", world->name, NULL);
	struct program *run = serve(world);
	heapward_says(world, 0, "ready", world->name, NULL);
	stop(world, run);
	heapward_says(world, 1, "ready", world->name, NULL);
}

static void die_at_the_heap_limit(struct world *world)
{
	const char *words[] = { "--set", "restart.when=never", "-m", "320M", "--set", "heap.old_space=64M", "--", "node",
				js_worker_path(world, "leak-heap.js"), NULL };
	assert_int_equal(program_finish(world, run_start(world, words), 60), 134);
}

static void why_fits_eighty_columns_and_needs_no_supervisor(void **state)
{
	struct world *world = *state;
	die_at_the_heap_limit(world);
	const char *text = heapward_says(world, 0, "why", world->name, NULL);
	const char *const parts[] = { world->name, "heap-limit", "64 MiB", "next" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_contains(text, parts[i]);
	size_t lines = 0;
	for (char *line, *next = world_print(world, "%s", text); (line = strsep(&next, "\n")) != NULL; lines++) {
		if (strlen(line) > 80)
			fail_msg("more than 80 columns: %s", line);
	}
	assert_in_range(lines, 5, 20);
	const char *again = heapward_says(world, 0, "why", world->name, "1", NULL);
	assert_string_equal(strstr(again, "verdict"), strstr(text, "verdict")); /* above it stands how long ago it was */
}

static void why_json_has_every_key_with_its_type(void **state)
{
	static const struct key keys[] = {
		{ "/verdict", json_type_string, false },    { "/certain", json_type_boolean, false },
		{ "/evidence/0", json_type_string, false }, { "/heap", json_type_object, true },
		{ "/memory", json_type_object, true },      { "/stderr_tail", json_type_string, false },
		{ "/captured", json_type_array, false },    { "/skipped", json_type_array, false },
		{ "/action", json_type_string, false },     { "/next", json_type_string, false },
	};
	struct world *world = *state;
	die_at_the_heap_limit(world);
	struct json_object *why = see_why(world);
	see_keys(why, keys, ARRAY_LEN(keys));
	assert_contains(see_text(why, "/stderr_tail"), "JavaScript heap out of memory");
}

static void the_death_before_the_last_can_be_asked_for(void **state)
{
	struct world *world = *state;
	const char *const codes[] = { "exit=4", "exit=5" };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const char *words[] = { "--set", "restart.when=never", "--", c_worker_path(), codes[i], NULL };
		program_finish(world, run_start(world, words), 20);
	}
	assert_true(verdict_is(see_why(world), "exit", 5));
	struct json_object *before = see(world, heapward_says(world, 0, "why", world->name, "2", "--json", NULL));
	assert_true(verdict_is(before, "exit", 4));
	heapward_says(world, 1, "why", world->name, "3", NULL);
}

static void deaths_are_kept_for_the_owner_only(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--", c_worker_path(), "exit=4", NULL };
	program_finish(world, run_start(world, words), 20);
	char path[WORLD_PATH_MAX], file[WORLD_PATH_MAX + 300];
	snprintf(path, sizeof(path), "/var/lib/heapward/%s/deaths", world->name);
	DIR *deaths = opendir(path);
	assert_non_null(deaths);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(deaths)) != NULL;) {
		struct stat about;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] == '.' || stat(file, &about) < 0)
			continue;
		assert_int_equal(about.st_mode & 07777, 0600);
		assert_int_equal(about.st_uid, 0);
		count++;
	}
	closedir(deaths);
	assert_int_equal(count, 1);
}

static void logs_show_events_and_the_workers_last_output(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--", "sh", "-c", "echo word of the worker >&2; exec sleep 100", NULL };
	struct program *run = run_start(world, words);
	await_err(world, run, "word of the worker", 20);
	const char *logs = heapward_says(world, 0, "logs", world->name, NULL);
	assert_contains(logs, "start");
	assert_contains(logs, "word of the worker");
	const char *events = heapward_says(world, 0, "logs", world->name, "--json", NULL);
	assert_int_equal(count_events(world, events, "start"), 1);
	struct program *follow = heapward_start(world, "logs", world->name, "-f", NULL);
	stop(world, run);
	await_file(world, strrchr(follow->out_path, '/') + 1, "stop", 10);
	kill(follow->pid, SIGINT);
	program_finish(world, follow, 10);
	assert_contains(heapward_says(world, 0, "logs", world->name, NULL), "stop");
}

static void a_taken_name_is_refused_and_its_holder_named(void **state)
{
	struct world *world = *state;
	struct program *run = serve(world);
	struct program *second = heapward_start(world, "run", "-n", world->name, "--", "sleep", "1", NULL);
	assert_int_equal(program_finish(world, second, 10), 125);
	assert_contains(program_err(world, second), world_print(world, "%d", run->pid));
	stop(world, run);
}

static void another_user_may_neither_look_nor_stop(void **state)
{
	struct world *world = *state;
	struct program *run = serve(world);
	const char *const commands[] = { "status", "stop" };
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const char *words[] = { "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", heapward_path(),
					commands[i], world->name, NULL };
		assert_int_not_equal(program_finish(world, program_start(world, words), 10), 0);
	}
	heapward_says(world, 0, "ready", world->name, NULL);
	stop(world, run);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(status_json_has_every_key_with_its_type),
		WORLD_TEST(a_flood_of_records_does_not_deafen_the_supervisor),
		WORLD_TEST(status_is_a_table_and_fields_can_be_chosen),
		WORLD_TEST(ready_answers_by_its_exit_status),
		WORLD_TEST(why_fits_eighty_columns_and_needs_no_supervisor),
		WORLD_TEST(why_json_has_every_key_with_its_type),
		WORLD_TEST(the_death_before_the_last_can_be_asked_for),
		WORLD_TEST(deaths_are_kept_for_the_owner_only),
		WORLD_TEST(logs_show_events_and_the_workers_last_output),
		WORLD_TEST(a_taken_name_is_refused_and_its_holder_named),
		WORLD_TEST(another_user_may_neither_look_nor_stop),
	};
	return cmocka_run_group_tests_name("seeing", tests, NULL, NULL);
}
