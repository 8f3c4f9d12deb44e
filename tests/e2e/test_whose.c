/* SPDX-License-Identifier: Apache-2.0 */
/* test_whose: whose limit it was that the kernel killed at, and whom it took along: an ancestor's limit, and on v2
 * memory.oom.group, where one kill takes a group whole: the server with its child, or the supervisor with its worker.
 * Everything with real Node and with the C worker. */
#include "tests/e2e/harness.h"
#include "tests/e2e/results.h"
#include "tests/e2e/see.h"

#include "base/units.h"

#define SET "--set"
#define ABOVE_MIB 320 /* the ancestor's limit; the worker's own is more */

enum kind { NODE, C };
static const char *const kind_names[] = { [NODE] = "node", [C] = "c-worker" };
static const enum kind node = NODE, c_worker = C;

static enum kind kind_of(const struct world *world)
{
	return *(const enum kind *)world->row;
}

/* The words of a worker that fills memory outside its heap, as one line for a shell. */
static const char *buffers_line(struct world *world)
{
	return kind_of(world) == C ? world_print(world, "%s buffers", c_worker_path())
				   : world_print(world, "node %s", js_worker_path(world, "leak-buffers.js"));
}

static const char *runtime_setting(const struct world *world)
{
	return kind_of(world) == C ? "heap.runtime=none" : "heap.old_space=64M";
}

/* Holds the death and keeps it as a result. */
static void hold(struct world *world, const char *way, const char *group, unsigned mib, bool certain)
{
	struct json_object *why = see_why(world);
	const char *text = see_text(why, "/text");
	bool held = verdict_is(why, "oom-kill", -1) && see_bool(why, "/certain") == certain &&
		    strcmp(see_text(why, "/subject"), group) == 0 && strstr(text, world_print(world, "%u MiB", mib)) != NULL;
	result_keep(&(struct result){ "oom-kill", kind_names[kind_of(world)], "direct", way }, why, held);
	if (!held)
		fail_msg("not oom-kill by %s at %u MiB, certain %d:\n%s", group, mib, certain,
			 json_object_to_json_string_ext(why, JSON_C_TO_STRING_PRETTY));
}

/* --- an ancestor's limit, on v1 and v2 --- */

/* Two groups above the worker's: the upper one has a limit that is less than the worker's own, the lower one none. */
static const char *make_ancestors(struct world *world)
{
	const char *above = world_group(world);
	group_limit(above, ABOVE_MIB);
	world_group(world);
	return group_name(above);
}

static void an_ancestors_limit_is_named(void **state)
{
	struct world *world = *state;
	const char *above = make_ancestors(world);
	const char *words[] = { SET, "restart.when=never", SET, "memory.max=600M", SET, runtime_setting(world), "--", "sh", "-c",
				world_print(world, "exec %s", buffers_line(world)), NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 60), 137);
	await_nothing_left(world, 2);
	hold(world, "Buffers until OOM-killed at an ancestor's limit", above, ABOVE_MIB, kernel_tells());
	assert_contains(see_text(see_why(world), "/next"), world_print(world, "raise the limit of %s above", above));
}

static void an_ancestors_limit_is_named_where_the_worker_has_none(void **state)
{
	struct world *world = *state;
	const char *above = make_ancestors(world);
	const char *words[] = { SET, "restart.when=never", SET, runtime_setting(world), "--", "sh", "-c",
				world_print(world, "exec %s", buffers_line(world)), NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 60), 137);
	await_nothing_left(world, 2);
	hold(world, "Buffers until OOM-killed at an ancestor's limit, the only one", above, ABOVE_MIB, kernel_tells());
}

/* --- v1 --- */

/* The kernel's log may not be opened: nothing but exclusion is left, and that is never certain. */
static void without_the_kernels_log_v1_is_not_certain(void **state)
{
	struct world *world = *state;
	const char *above = make_ancestors(world);
	const char *script = world_print(world, "mount --bind /dev/kmsg /dev/kmsg && mount -o remount,bind,nodev /dev/kmsg &&"
					 " exec %s run -n %s --set restart.when=never --set memory.max=600M --set %s -- %s",
					 heapward_path(), world->name, runtime_setting(world), buffers_line(world));
	const char *words[] = { "unshare", "--mount", "sh", "-c", script, NULL };
	struct program *run = run_start_by(world, words);
	assert_int_equal(program_finish(world, run, 60), 137);
	await_nothing_left(world, 2);
	hold(world, "Buffers until OOM-killed at an ancestor's limit, no kernel log", above, ABOVE_MIB, false);
}

#define KIND_TEST(name, kind) { #name ", " #kind, name, world_make, world_end, (void *)&kind }
#define BOTH(name) KIND_TEST(name, node), KIND_TEST(name, c_worker)

int main(void)
{
	const struct CMUnitTest v1[] = {
		BOTH(an_ancestors_limit_is_named),
		BOTH(an_ancestors_limit_is_named_where_the_worker_has_none),
		BOTH(without_the_kernels_log_v1_is_not_certain),
	};
	const struct CMUnitTest v2[] = {
		BOTH(an_ancestors_limit_is_named),
		BOTH(an_ancestors_limit_is_named_where_the_worker_has_none),
	};
	return on_cgroup_v2() ? cmocka_run_group_tests_name("whose", v2, NULL, NULL)
			      : cmocka_run_group_tests_name("whose", v1, NULL, NULL);
}
