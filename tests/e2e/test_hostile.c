/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostile: a worker that lies, in the words of the protocol: what it sends is counted, bounded and visible, and its
 * verdict is no worse than without a record. See tests/e2e/hostile/main.c for its acts. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>
#include <sys/utsname.h>

#define SET "--set"
#define HEAP "/services/0/instances/0/heap/"

/* `words` at spaces; "@" is the hostile worker. */
static struct program *run(struct world *world, const char *words)
{
	const char *all[WORDS_MAX] = { SET, "restart.when=never", SET, "log.events=json", SET, "memory.max=400M",
				       SET, "memory.enforce=best_effort", "--" };
	size_t count = 9;
	char *next = world_print(world, "%s", words);
	for (char *word; (word = strsep(&next, " ")) != NULL;)
		all[count++] = strcmp(word, "@") == 0 ? hostile_path() : word;
	all[count] = NULL;
	return run_start(world, all);
}

static struct program *run_shell(struct world *world, const char *script)
{
	const char *words[] = { SET, "restart.when=never", SET, "log.events=json", "--", "sh", "-c", script, NULL };
	return run_start(world, words);
}

static void await_steady(struct world *world, const struct program *program)
{
	await_file(world, strrchr(program->out_path, '/') + 1, "steady", 30);
}

static void stop(struct world *world, struct program *program)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 20), 0);
}

static void what_is_no_record_is_counted_and_seen(void **state)
{
	static const struct {
		const char *acts, *count;
		int64_t least, most;
		const char *text;
	} rows[] = {
		{ "@ hello garbage steady", "bad_records", 3, 1000, " bad" },
		{ "@ hello forge steady", "forged_hellos", 10, 10, "hellos in another's name" },
		{ "@ hello forge steady", "unknown_records", 10, 10, "of nobody known" },
		{ "@ replay steady", "replayed_hellos", 99, 99, "hellos once more" },
		{ "@ hello isolates steady", "refused_hellos", 9937, 9937, "hellos too many" },
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *program = run(world, rows[i].acts);
		await_steady(world, program);
		const char *pointer = world_print(world, HEAP "%s", rows[i].count);
		struct json_object *status = see_status(world);
		for (int j = 0; j < 600 && see_number(status, pointer) < rows[i].least; j++, status = see_status(world))
			pause_msec(20);
		if (see_number(status, pointer) < rows[i].least || see_number(status, pointer) > rows[i].most)
			fail_msg("%s: %lld %s", rows[i].acts, (long long)see_number(status, pointer), rows[i].count);
		assert_true(see_number(status, HEAP "reporters") <= 64);
		assert_string_equal(see_text(status, "/services/0/state"), "ready");
		assert_contains(heapward_says(world, 0, "status", world->name, NULL), rows[i].text);
		assert_int_equal(count_events(world, program_err(world, program), "records.bad"), 1);
		stop(world, program);
	}
}

/* Children that do nothing but send, each in its way, and all at once. The bounds are wide: what they hold apart is a share
 * and all there is. */
static void a_flood_gets_a_share_of_the_processor_and_no_memory(void **state)
{
	static const char *const floods[] = { "flood-pipe", "flood-door", "flood-sockets", "flood-lives", "flood" };
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
		struct program *program = run(world, world_print(world, "@ hello %s steady", floods[i]));
		await_steady(world, program);
		await_status(world, HEAP "source", "agent", 20);
		pause_msec(500);
		int64_t resident = process_memory_kib(program->pid, "VmRSS"), data = process_memory_kib(program->pid, "VmData");
		double cpu = process_cpu_seconds(program->pid);
		int64_t began_usec = now_usec();
		pause_msec(1500);
		struct json_object *status = see_status(world);
		double share = (process_cpu_seconds(program->pid) - cpu) / ((double)(now_usec() - began_usec) / 1e6);
		print_message("%s: the supervisor's share of a processor is %.1f %%\n", floods[i], 100 * share);
		if (share > 0.33)
			fail_msg("%s takes %.0f %% of a processor", floods[i], 100 * share);
		assert_true(process_memory_kib(program->pid, "VmRSS") - resident < 4096);
		assert_true(process_memory_kib(program->pid, "VmData") - data < 4096);
		assert_true(see_number(status, HEAP "pauses") > 3 || strcmp(floods[i], "flood-lives") == 0);
		const char *events = program_err(world, program);
		assert_true(count_events(world, events, "heap.near_limit") + count_events(world, events, "plan.differs") <= 200);
		assert_in_range(count_events(world, events, "records.bad"), strcmp(floods[i], "flood-lives") == 0 ? 0 : 1, 1);
		stop(world, program);
	}
}

/* Each is a line on stderr and on disk. */
static void alarms_without_end_are_no_lines_without_end(void **state)
{
	struct world *world = *state;
	const char *words[] = { SET, "restart.when=never", SET, "log.events=json", SET, "heap.near_limit=report", SET,
				"heap.live_max=50%", SET, "heap.old_space=64M", SET,
				"restart.healthy_after=1s", "--", hostile_path(), "pause", "pause",
				"pause", "hello", "pause", "alarms",
				"pause", "steady", NULL };
	struct program *program = run_start(world, words);
	await_steady(world, program);
	stop(world, program);
	size_t warned = count_events(world, program_err(world, program), "heap.warn");
	if (warned < 10 || warned > 100)
		fail_msg("%zu warnings", warned);
}

static bool kernel_tells_ends(void)
{
	struct utsname about;
	int major = 0, minor = 0;
	uname(&about);
	return sscanf(about.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 15));
}

enum { CERTAIN, UNCERTAIN };

struct row {
	const char *acts, *verdict;
	int number, certain;
};

static void hold(struct world *world, struct program *program, const struct row *row)
{
	program_finish(world, program, 60);
	await_nothing_left(world, 2);
	struct json_object *why = see_why(world);
	if (!verdict_is(why, row->verdict, row->number) || see_bool(why, "/certain") != (row->certain == CERTAIN))
		fail_msg("%s: not %s %d, %s:\n%s", row->acts, row->verdict, row->number,
			 row->certain == CERTAIN ? "certain" : "uncertain", json_object_to_json_string(why));
}

/* Records, text and sockets say "heap limit"; the kernel says how it really ended. */
static void forged_evidence_outweighs_no_wait_status(void **state)
{
	static const struct row rows[] = {
		{ "@ hello near line exit=0", "exit", 0, CERTAIN },
		{ "@ hello near line exit=1", "exit", 1, CERTAIN },
		{ "@ hello near line unheard exit=3", "exit", 3, CERTAIN },
		{ "@ hello near line exit=134", "heap-limit", -1, UNCERTAIN },
		{ "@ hello near line signal=9", "unknown-kill", -1, CERTAIN },
		{ "@ hello near line signal=11", "signal", 11, CERTAIN },
		{ "@ hello near signal=6", "heap-limit", -1, UNCERTAIN },
		{ "@ hello near line signal=6", "heap-limit", -1, UNCERTAIN }, /* but the memory was never there */
		{ "@ hello line signal=6", "signal", 6, CERTAIN },
		{ "@ line shut signal=6", "heap-limit", -1, UNCERTAIN },
		{ "@ shut exit=7", "exit", 7, CERTAIN },
		{ "@ hello isolates line signal=6", "heap-limit", -1, UNCERTAIN },
		{ "@ hello garbage near replay line exit=5", "exit", 5, CERTAIN },
		{ "@ hello nears exit=6", "exit", 6, CERTAIN },
	};
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		hold(world, run(world, rows[i].acts), &rows[i]);
}

/* A child is nobody's whose wait status we get; but that it lives, and on newer kernels how it ended, can be asked. */
static void a_child_that_plays_dead_is_no_heap_limit(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "%s hello near line unheard steady & sleep 0.3; exit 1", hostile_path());
	hold(world, run_shell(world, script), &(struct row){ "plays dead", "exit", 1, CERTAIN });
	if (!kernel_tells_ends())
		return;
	script = world_print(world, "%s hello near line exit=0; exit 1", hostile_path());
	hold(world, run_shell(world, script), &(struct row){ "left with 0", "exit", 1, CERTAIN });
	script = world_print(world, "%s hello near line signal=6; exit 1", hostile_path());
	hold(world, run_shell(world, script), &(struct row){ "aborted", "heap-limit", -1, UNCERTAIN });
}

static void a_child_that_plays_dead_is_not_mourned(void **state)
{
	struct world *world = *state;
	struct program *program = run_shell(world, world_print(world, "%s hello near line unheard steady & wait",
							       hostile_path()));
	await_steady(world, program);
	pause_msec(5500); /* children are told after five seconds */
	assert_int_equal(count_events(world, program_err(world, program), "child.death"), 0);
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, program, 20);
}

/* The flood takes the pipe's room, so that the server's own records may be lost: less is certain, nothing is wrong. */
static void a_flood_beside_a_server_makes_no_verdict_wrong(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "%s flood steady & node --max-old-space-size=32 %s", hostile_path(),
					 js_worker_path(world, "leak-heap.js"));
	program_finish(world, run_shell(world, script), 120);
	assert_true(verdict_is(see_why(world), "heap-limit", -1));
}

/* Its heartbeats find the pipe full: that they are not heard says nothing of its event loop. */
static void a_flood_beside_a_server_is_no_stuck_event_loop(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "( sleep 2; exec %s flood steady ) & exec node %s", hostile_path(),
					 js_worker_path(world, "serve.js"));
	const char *words[] = { "--set", "restart.when=never", "--set", "log.events=json", "--set", "watchdog.event_loop=3s",
				"--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 30);
	pause_msec((int)(10000 * slowness()));
	assert_contains(program_out(world, run), "steady");
	await_state(world, "ready", 5);
	assert_null(strstr(program_err(world, run), "\"stuck\":true"));
	heapward_says(world, 0, "stop", world->name, NULL);
	program_finish(world, run, 30);
}

/* The operator asks while its worker holds, or tries to hold, all places that there are. */
static void a_crowd_at_the_control_socket_keeps_nobody_out(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, world_print(world, "@ crowd=/run/heapward/%s/control pause steady", world->name));
	await_steady(world, program);
	for (int i = 0; i < 20; i++)
		heapward_says(world, 0, "status", world->name, NULL);
	stop(world, program);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(what_is_no_record_is_counted_and_seen),
		WORLD_TEST(a_flood_gets_a_share_of_the_processor_and_no_memory),
		WORLD_TEST(alarms_without_end_are_no_lines_without_end),
		WORLD_TEST(forged_evidence_outweighs_no_wait_status),
		WORLD_TEST(a_child_that_plays_dead_is_no_heap_limit),
		WORLD_TEST(a_child_that_plays_dead_is_not_mourned),
		WORLD_TEST(a_flood_beside_a_server_makes_no_verdict_wrong),
		WORLD_TEST(a_flood_beside_a_server_is_no_stuck_event_loop),
		WORLD_TEST(a_crowd_at_the_control_socket_keeps_nobody_out),
	};
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
