/* SPDX-License-Identifier: Apache-2.0 */
/* test_whose: whose limit it was that the kernel killed at, and whom it took along: an ancestor's limit, and on v2
 * memory.oom.group, where one kill takes a group whole: the server with its child, or the supervisor with its worker.
 * Everything with real Node and with the C worker. E2E_TEST='*part of a name*' runs less. */
#include "tests/e2e/harness.h"
#include "tests/e2e/results.h"
#include "tests/e2e/see.h"

#include "base/units.h"

#include <sys/stat.h>

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
		fail_msg("not oom-kill by %s at %u MiB, certain %d, but %s", group, mib, certain, told_of_death(world, why));
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

/* A raise has to fit below every group above, with its reserve: old space 132 MiB does not. */
static void a_raise_beyond_an_ancestors_limit_is_refused_with_the_numbers(void **state)
{
	struct world *world = *state;
	make_ancestors(world);
	const char *words[] = { SET, "log.events=json", SET, "memory.max=256M", SET, "heap.old_space=32M", SET, "heap.at_limit=raise",
				SET, "heap.raise.by=100M", SET, "heap.raise.up_to=400M", SET, "restart.budget.deaths=1", SET,
				"restart.backoff.from=50ms", SET, "restart.exhausted=hold", "--", c_worker_path(), "leak", NULL };
	struct program *run = run_start(world, words);
	struct json_object *status = await_state(world, "failed", 60);
	assert_string_equal(see_text(status, "/services/0/raise/refused"),
			    "need 332 MiB, a group above has a limit of 320 MiB");
	assert_int_equal(count_events(world, program_err(world, run), "limit.raise_refused"), 1);
	assert_int_equal(count_events(world, program_err(world, run), "limit.raise"), 0);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
}

/* --- where what is kept must be --- */

static const char *said_as_pid_1(struct world *world, const char *prepare)
{
	const char *script = world_print(world, "%s exec %s run -n %s --set restart.when=never -- true", prepare,
					 heapward_path(), world->name);
	const char *words[] = { "unshare", "--mount", "--fork", "--pid", "--mount-proc", "sh", "-c", script, NULL };
	struct program *run = run_start_by(world, words);
	assert_int_equal(program_finish(world, run, 30), 0);
	await_nothing_left(world, 2);
	return program_err(world, run);
}

static void a_container_is_told_where_the_state_must_live(void **state)
{
	struct world *world = *state;
	struct stat root, kept;
	make_ancestors(world);
	const char *said = said_as_pid_1(world, "");
	assert_int_equal(stat("/", &root), 0);
	assert_int_equal(stat("/var/lib/heapward", &kept), 0);
	assert_int_equal(strstr(said, "mount a volume at /var/lib/heapward/") != NULL, root.st_dev == kept.st_dev);
	assert_null(strstr(said_as_pid_1(world, "mount -t tmpfs none /var/lib/heapward &&"), "mount a volume"));
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

/* --- v2: memory.oom.group --- */

/* Waits for the file "go" in the world's directory, then becomes the command: what has to be set is set by then. */
static const char *gated(struct world *world, const char *command)
{
	return world_print(world, "while [ ! -e go ]; do sleep 0.1; done; exec %s", command);
}

/* A server that lives, and a child of it that fills memory until the kernel ends it. */
static const char *family_line(struct world *world)
{
	return kind_of(world) == C ? world_print(world, "sh -c \"%s buffers & exec %s steady\"", c_worker_path(), c_worker_path())
				   : world_print(world, "node %s buffers", js_worker_path(world, "parent.js"));
}

/* The supervisor stands outside of its service's group here, as root does without delegation. */
static struct program *run_family(struct world *world, const char *max)
{
	const char *words[] = { SET, "restart.when=never", SET, "log.events=json", SET, "heap.processes=2", SET,
				kind_of(world) == C ? "heap.runtime=none" : "heap.old_space=40M", SET, max, "--", "sh", "-c",
				gated(world, family_line(world)), NULL };
	struct program *run = run_start(world, words);
	await_worker(world, 0, 20);
	return run;
}

static const char *service_group(struct world *world, const char *leaf)
{
	return world_print(world, "/sys/fs/cgroup/heapward/heapward-%s%s", world->name, leaf);
}

/* The kernel takes the child and with it the server: that is one death, and no news of a child. */
static void hold_one_death(struct world *world, struct program *run, const char *way, const char *group)
{
	world_write(world, "go", "%s", "");
	assert_int_equal(program_finish(world, run, 60), 137);
	await_nothing_left(world, 2);
	assert_int_equal(count_events(world, program_err(world, run), "death"), 1);
	assert_int_equal(count_events(world, program_err(world, run), "child.death"), 0);
	hold(world, way, group, ABOVE_MIB, true);
}

static void a_child_that_takes_the_server_along_is_one_death(void **state)
{
	struct world *world = *state;
	struct program *run = run_family(world, world_print(world, "memory.max=%dM", ABOVE_MIB));
	const char *group = service_group(world, "/worker-0-a");
	group_write(group, "memory.oom.group", "1");
	hold_one_death(world, run, "a child OOM-killed, memory.oom.group takes its server along", group_name(group));
}

static void an_ancestor_that_is_killed_whole_is_one_death(void **state)
{
	struct world *world = *state;
	struct program *run = run_family(world, "memory.max=600M");
	const char *group = service_group(world, "");
	group_limit(group, ABOVE_MIB);
	group_write(group, "memory.oom.group", "1");
	hold_one_death(world, run, "a child OOM-killed, an ancestor's memory.oom.group takes its server along", group_name(group));
}

/* --- v2: the supervisor dies with its worker --- */

/* A container's group, that is killed whole as Kubernetes sets it up. */
static const char *make_container(struct world *world)
{
	const char *container = world_group(world);
	group_limit(container, ABOVE_MIB);
	group_write(container, "memory.oom.group", "1");
	return container;
}

/* What a container's runtime does: its own group is all that it sees. */
#define CONTAINER "umount /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
#define READ_ONLY "mount -o remount,bind,ro /sys/fs/cgroup"

/* The worker rests a while with Buffers of seven tenths of the limit; with all else that is above the share from which a
 * breadcrumb is laid. */
static struct program *run_in_container(struct world *world, const char *namespace, const char *prepare, const char *settings)
{
	const char *script = world_print(world, "%s && exec %s run -n %s --set restart.when=never --set %s %s -- %s %d", prepare,
					 heapward_path(), world->name, runtime_setting(world), settings, buffers_line(world),
					 ABOVE_MIB * 7 / 10);
	const char *words[] = { "unshare", "--mount", namespace, "sh", "-c", script, NULL };
	return run_start_by(world, words);
}

/* Nobody lived to remove the runtime directory: the next start does, and a container has its own anyway. */
static void await_processes_gone(struct world *world)
{
	pid_t pid;
	for (int i = 0; service_processes(world, &pid, 1) > 0; i++) {
		assert_true(i < 500);
		pause_msec(20);
	}
}

static void die_with_the_supervisor(struct world *world, const char *namespace, const char *prepare, const char *settings)
{
	struct program *run = run_in_container(world, namespace, prepare, settings);
	assert_int_equal(program_finish(world, run, 60), 137);
	assert_null(strstr(program_err(world, run), "OOM-killed")); /* nobody lived to say so */
	await_processes_gone(world);
}

/* The next supervisor tells of it, and serves. */
static void hold_breadcrumb(struct world *world, const char *way, const char *group)
{
	const char *words[] = { SET, "log.events=json", "--", c_worker_path(), "steady", NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 20);
	assert_contains(program_err(world, run), "found from the run before: OOM-killed together with its supervisor: memory ");
	assert_int_equal(count_events(world, program_err(world, run), "death"), 1);
	const char *told = strstr(see_text(see_why(world), "/text"), "memory ");
	unsigned memory_mib = 0, limit_mib = 0;
	assert_int_equal(sscanf(told, "memory %u of %u MiB ", &memory_mib, &limit_mib), 2);
	assert_true(limit_mib == ABOVE_MIB && memory_mib <= ABOVE_MIB && memory_mib >= ABOVE_MIB * 8 / 10);
	assert_contains(told, "before the next start");
	hold(world, way, group, ABOVE_MIB, false);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 20), 0);
	run = run_start(world, words); /* told once */
	await_state(world, "ready", 20);
	assert_int_equal(count_events(world, program_err(world, run), "death"), 0);
	assert_true(verdict_is(see_why(world), "stopped", -1));
}

/* The pod's limit around a container: from in there it could as well have been the host's end. */
static void a_limit_out_of_sight_is_not_certain(void **state)
{
	struct world *world = *state;
	make_ancestors(world);
	struct program *run = run_in_container(world, "--cgroup", CONTAINER, "");
	assert_int_equal(program_finish(world, run, 60), 137);
	await_nothing_left(world, 2);
	struct json_object *why = see_why(world);
	bool held = verdict_is(why, "oom-kill-host", -1) && !see_bool(why, "/certain") &&
		    strstr(see_text(why, "/text"), "the host, or a group out of sight") != NULL;
	result_keep(&(struct result){ "oom-kill-host", kind_names[kind_of(world)], "direct",
				      "Buffers until OOM-killed at a limit out of the container's sight" }, why, held);
	if (!held)
		fail_msg("not an uncertain oom-kill-host, but %s", told_of_death(world, why));
}

static void a_container_that_is_killed_whole_leaves_a_breadcrumb(void **state)
{
	struct world *world = *state;
	make_container(world);
	die_with_the_supervisor(world, "--cgroup", CONTAINER " && " READ_ONLY, "");
	hold_breadcrumb(world, "the supervisor killed with its worker in a read-only container", "/");
}

static void a_read_only_group_that_is_killed_whole_leaves_a_breadcrumb(void **state)
{
	struct world *world = *state;
	const char *container = make_container(world);
	die_with_the_supervisor(world, "--mount", "mount --bind /sys/fs/cgroup /sys/fs/cgroup && " READ_ONLY, "");
	hold_breadcrumb(world, "the supervisor killed with its worker in a read-only group", group_name(container));
}

/* The keeper is dead too: what is left of the groups goes with the container. */
static void remove_left_groups(struct world *world, const char *container)
{
	char text[2048], *next = text;
	service_cgroups(world, text, sizeof(text));
	for (char *path; (path = strsep(&next, "\n")) != NULL && *path != '\0';)
		assert_true(group_remove(path));
	group_write(container, "cgroup.subtree_control", "-memory -pids");
}

static void a_writable_container_that_is_killed_whole_leaves_a_breadcrumb(void **state)
{
	struct world *world = *state;
	const char *container = make_container(world);
	die_with_the_supervisor(world, "--cgroup", CONTAINER, "--set memory.max=600M");
	remove_left_groups(world, container);
	hold_breadcrumb(world, "the supervisor killed with its worker in a container with a writable group", "/");
}

#define KIND_TEST(name, kind) { #name ", " #kind, name, world_make, world_end, (void *)&kind }
#define BOTH(name) KIND_TEST(name, node), KIND_TEST(name, c_worker)

int main(void)
{
	const struct CMUnitTest v1[] = {
		BOTH(an_ancestors_limit_is_named),
		BOTH(an_ancestors_limit_is_named_where_the_worker_has_none),
		BOTH(without_the_kernels_log_v1_is_not_certain),
		KIND_TEST(a_raise_beyond_an_ancestors_limit_is_refused_with_the_numbers, c_worker),
		KIND_TEST(a_container_is_told_where_the_state_must_live, c_worker),
	};
	const struct CMUnitTest v2[] = {
		BOTH(an_ancestors_limit_is_named),
		BOTH(an_ancestors_limit_is_named_where_the_worker_has_none),
		KIND_TEST(a_raise_beyond_an_ancestors_limit_is_refused_with_the_numbers, c_worker),
		BOTH(a_child_that_takes_the_server_along_is_one_death),
		BOTH(an_ancestor_that_is_killed_whole_is_one_death),
		KIND_TEST(a_limit_out_of_sight_is_not_certain, node),
		KIND_TEST(a_container_that_is_killed_whole_leaves_a_breadcrumb, node),
		KIND_TEST(a_read_only_group_that_is_killed_whole_leaves_a_breadcrumb, node),
		KIND_TEST(a_writable_container_that_is_killed_whole_leaves_a_breadcrumb, node),
	};
	cmocka_set_test_filter(getenv("E2E_TEST"));
	return on_cgroup_v2() ? cmocka_run_group_tests_name("whose", v2, NULL, NULL)
			      : cmocka_run_group_tests_name("whose", v1, NULL, NULL);
}
