/* SPDX-License-Identifier: Apache-2.0 */
/* test_instances: three workers side by side on one held socket, under load: restarted one after the other, one of them
 * killed, one of them near its limit. */
#include "tests/e2e/load.h"

#include <signal.h>
#include <unistd.h>

#define THREE "service.instances=3 memory.max=320M heap.old_space=64M"
#define INSTANCES 3

struct pids {
	pid_t of[INSTANCES];
};

static struct pids pids_of(struct world *world, struct json_object *status)
{
	struct pids pids;
	for (int i = 0; i < INSTANCES; i++) {
		assert_int_equal(see_number(status, world_print(world, "/services/0/instances/%d/instance", i)), i);
		pids.of[i] = (pid_t)see_number(status, world_print(world, "/services/0/instances/%d/pid", i));
		for (int j = 0; j < i; j++)
			assert_int_not_equal(pids.of[i], pids.of[j]);
	}
	return pids;
}

static struct program *serve_three(struct world *world, const char *target, const char *kib, const char *which)
{
	const char *const server[] = { "node", js_worker_path(world, "one-leaks.js"), strchr(target, ':') + 1, kib, which, NULL };
	struct program *run = serve(world, target, THREE, server);
	await_state(world, "ready", 20);
	return run;
}

/* "replace.start 0, replace.done 0, replace.start 1, ...", as the events came. */
static const char *replacements(struct world *world, const struct program *run)
{
	char *text = world_print(world, "%s", ""), *copy = program_err(world, run);
	for (char *line; (line = strsep(&copy, "\n")) != NULL;) {
		struct json_object *event = *line == '{' ? see(world, line) : NULL;
		const char *name = event == NULL ? "" : see_text(event, "/event");
		if (strcmp(name, "replace.start") == 0 || strcmp(name, "replace.done") == 0)
			text = world_print(world, "%s%s%s %d", text, *text == '\0' ? "" : ", ", name,
					   (int)see_number(event, "/instance"));
	}
	return text;
}

static void assert_environment(struct world *world, pid_t pid, int instance)
{
	char text[65536] = "";
	FILE *file = fopen(world_print(world, "/proc/%d/environ", (int)pid), "re");
	assert_non_null(file);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	for (size_t i = 0; i < length; i++)
		text[i] = text[i] == '\0' ? '\n' : text[i];
	assert_contains(text, world_print(world, "\nHEAPWARD_INSTANCE=%d\n", instance));
}

static void a_restart_rolls_and_loses_no_request(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_three(world, target, "0", "0"), *load = load_start(world, target, 15);
	struct pids before = pids_of(world, see_status(world));
	for (int i = 0; i < INSTANCES; i++)
		assert_environment(world, before.of[i], i);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, INSTANCES, 30);
	await_state(world, "ready", 10);
	struct pids after = pids_of(world, see_status(world));
	for (int i = 0; i < INSTANCES; i++)
		assert_int_not_equal(before.of[i], after.of[i]);
	assert_none_failed(world, run, load_finish(world, load, 60));
	assert_string_equal(replacements(world, run), "replace.start 0, replace.done 0, replace.start 1, replace.done 1, "
						      "replace.start 2, replace.done 2");
	serve_stop(world, run);
}

/* What it had in hand is lost; what comes after that the others take. */
static void one_that_is_killed_is_restarted_while_the_others_serve(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_three(world, target, "0", "0"), *load = load_start(world, target, 8);
	struct pids before = pids_of(world, see_status(world));
	pause_msec(1000);
	kill(before.of[1], SIGKILL);
	await_status(world, "/services/0/instances/1/state", "ready", 10);
	struct json_object *status = await_status(world, "/services/0/restarts/total", "1", 10);
	struct pids after = pids_of(world, await_state(world, "ready", 10));
	assert_int_equal(after.of[0], before.of[0]);
	assert_int_equal(after.of[2], before.of[2]);
	assert_int_not_equal(after.of[1], before.of[1]);
	assert_int_equal(see_number(status, "/services/0/restarts/budget_left"), 4);
	assert_int_equal(see_number(see_why(world), "/instance"), 1);
	assert_contains(heapward_says(world, 0, "why", world->name, NULL), ", instance 1, death ");
	struct json_object *figures = load_finish(world, load, 60);
	assert_int_equal(see_number(figures, "/requests"), 1600);
	if (see_number(figures, "/failed") > 20) /* a tenth of a second's */
		fail_msg("%s", json_object_to_json_string(figures));
	serve_stop(world, run);
}

static void one_near_its_limit_is_replaced_alone(void **state)
{
	struct world *world = *state;
	const char *target = world_print(world, "tcp:%d", free_port());
	struct program *run = serve_three(world, target, "160", "1"), *load = load_start(world, target, 25);
	struct pids before = pids_of(world, see_status(world));
	await_replaced(world, 1, 25);
	struct json_object *figures = load_finish(world, load, 60);
	struct pids after = pids_of(world, await_state(world, "ready", 20));
	assert_none_failed(world, run, figures);
	assert_int_equal(after.of[0], before.of[0]);
	assert_int_equal(after.of[2], before.of[2]);
	assert_int_not_equal(after.of[1], before.of[1]);
	assert_null(strstr(replacements(world, run), "start 0"));
	assert_null(strstr(replacements(world, run), "start 2"));
	assert_int_equal(see_number(see_status(world), "/services/0/restarts/budget_left"), 5);
	serve_stop(world, run);
}

static void what_cannot_be_is_refused(void **state)
{
	struct world *world = *state;
	static const char policy[] = "version: 1\nservice: {name: %s, command: [sleep, \"1000\"], instances: %d}\nheap: {runtime: none}\n";
	world_write(world, "web.yaml", policy, world->name, 2);
	struct program *run = heapward_start(world, "run", "-p", world_path(world, "web.yaml"), NULL);
	await_state(world, "ready", 10);
	world_write(world, "web.yaml", policy, world->name, 4);
	struct program *reload = heapward_start(world, "reload", world->name, NULL);
	assert_int_equal(program_finish(world, reload, 10), 2);
	assert_contains(program_err(world, reload), "service.instances cannot change while it runs (2 now)");
	world_write(world, "many.yaml", policy, world->name, 17);
	heapward_says(world, 2, "check", world_path(world, "many.yaml"), NULL);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 10), 0);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_restart_rolls_and_loses_no_request),
		WORLD_TEST(one_that_is_killed_is_restarted_while_the_others_serve),
		WORLD_TEST(one_near_its_limit_is_replaced_alone),
		WORLD_TEST(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests_name("instances", tests, NULL, NULL);
}
