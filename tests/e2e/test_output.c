/* SPDX-License-Identifier: Apache-2.0 */
/* test_output: what the worker prints, on its way to the user and into `why`. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#define FLOOD_MIB 50
#define FLOOD_LINE "line %zu of a flood on stderr, to be passed on unchanged\n"

/* Every flood line is there, once and in order; heapward's own lines stand between whole lines only. */
static size_t count_flood(const char *text)
{
	size_t next = 0;
	char wanted[128];
	for (const char *line = text; *line != '\0';) {
		size_t length = (size_t)snprintf(wanted, sizeof(wanted), FLOOD_LINE, next);
		if (strncmp(line, wanted, length) == 0)
			next++;
		else if (*line != '{' && strncmp(line, "heapward: ", 10) != 0)
			fail_msg("line %zu is broken: %.100s", next, line);
		const char *end = strchr(line, '\n');
		line = end != NULL ? end + 1 : line + strlen(line);
	}
	return next;
}

static void a_flood_on_stderr_passes_unchanged_and_its_end_is_kept(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--", "node", js_worker_path(world, "flood.js"),
				world_print(world, "%d", FLOOD_MIB), NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 60), 0);
	size_t count = count_flood(program_err(world, run));
	const char *last = world_print(world, FLOOD_LINE, count - 1);
	assert_true(count * strlen(last) >= (size_t)FLOOD_MIB * 1000 * 1000);
	const char *tail = see_text(see_why(world), "/stderr_tail");
	assert_in_range(strlen(tail), 60 * 1024, 64 * 1024);
	assert_string_equal(tail + strlen(tail) - strlen(last), last);
}

static void stdout_is_the_workers_own(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c",
				"readlink /proc/self/fd/1; echo said on stderr >&2", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), world_print(world, "%s\n", run->out_path));
	assert_contains(program_err(world, run), "said on stderr\n");
}

static void a_line_without_an_end_stays_a_line_of_its_own(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c", "printf 'half a line' >&2; exit 3", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 3);
	assert_contains(program_err(world, run), "\nhalf a line\n");
}

static void events_are_json_lines_and_the_last_line_is_text(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "log.events=json", "--set", "restart.when=never", "--", c_worker_path(),
				"exit=5", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 5);
	char *err = program_err(world, run);
	assert_contains(last_line(world, err), world_print(world, "heapward: %s: ", world->name));
	assert_int_equal(count_events(world, err, "start"), 1);
	assert_int_equal(count_events(world, err, "death"), 1);
	for (char *line, *next = world_print(world, "%s", err); (line = strsep(&next, "\n")) != NULL;) {
		if (*line != '{')
			continue;
		struct json_object *event = see(world, line);
		see_type(event, "/ts", json_type_string, false);
		assert_string_equal(see_text(event, "/service"), world->name);
	}
}

static void a_descriptor_held_by_a_grandchild_does_not_hold_the_run(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c", "setsid sleep 100 & exit 3", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 10), 3);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_flood_on_stderr_passes_unchanged_and_its_end_is_kept),
		WORLD_TEST(stdout_is_the_workers_own),
		WORLD_TEST(a_line_without_an_end_stays_a_line_of_its_own),
		WORLD_TEST(events_are_json_lines_and_the_last_line_is_text),
		WORLD_TEST(a_descriptor_held_by_a_grandchild_does_not_hold_the_run),
	};
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
