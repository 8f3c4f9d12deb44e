/* SPDX-License-Identifier: Apache-2.0 */
/* test_host_oom: the machine itself runs out of memory, with no group's limit near: verdict oom-kill-host. Only for the
 * small machine of tests/vm, which it fills: it runs where E2E_VM=1 says so, and nowhere else. */
#include "tests/e2e/harness.h"
#include "tests/e2e/results.h"
#include "tests/e2e/see.h"

#include "base/units.h"

#include <sys/sysinfo.h>

#define SET "--set"
#define MACHINE_MAX (2 * GIB) /* a machine with more is none to fill */

struct row {
	const char *kind, *way, *max;
};

/* Of the whole machine. */
static unsigned long victims(void)
{
	char line[128];
	unsigned long count = 0;
	FILE *file = fopen("/proc/vmstat", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "oom_kill %lu", &count) == 1)
			break;
	fclose(file);
	return count;
}

static void the_hosts_end_of_memory_is_nobodys_limit(void **state)
{
	struct world *world = *state;
	const struct row *row = world->row;
	bool node = strcmp(row->kind, "node") == 0;
	const char *words[] = { SET, "restart.when=never", SET, node ? "heap.old_space=64M" : "heap.runtime=none", SET, row->max,
				"--", node ? "node" : c_worker_path(), node ? js_worker_path(world, "leak-buffers.js") : "buffers",
				NULL };
	unsigned long before = victims();
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 60), 137);
	assert_int_equal(victims() - before, 1); /* the worker went first, and alone */
	await_nothing_left(world, 2);
	struct json_object *why = see_why(world);
	bool held = verdict_is(why, "oom-kill-host", -1) && see_bool(why, "/certain");
	result_keep(&(struct result){ "oom-kill-host", row->kind, "direct", row->way }, why, held);
	if (!held)
		fail_msg("not oom-kill-host, certain, but %s", told_of_death(world, why));
	assert_contains(last_line(world, program_err(world, run)), "OOM-killed: the host ran out of memory");
}

static bool may_fill_this_machine(void)
{
	const char *given = getenv("E2E_VM");
	struct sysinfo machine;
	return given != NULL && strcmp(given, "1") == 0 && sysinfo(&machine) == 0 &&
	       (uint64_t)machine.totalram * machine.mem_unit < MACHINE_MAX;
}

int main(void)
{
	static const struct row rows[] = {
		{ "node", "Buffers until the host is out of memory", "memory.max=none" },
		{ "node", "Buffers until the host is out of memory, own limit above it", "memory.max=4G" },
		{ "c-worker", "Buffers until the host is out of memory", "memory.max=none" },
	};
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	char names[ARRAY_LEN(rows)][128];
	if (!may_fill_this_machine()) {
		fputs("test_host_oom: this fills the memory of the machine: only inside tests/vm\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(names[i], sizeof(names[i]), "%s: %s", rows[i].kind, rows[i].way);
		tests[i] = (struct CMUnitTest){ names[i], the_hosts_end_of_memory_is_nobodys_limit, world_make, world_end,
						(void *)&rows[i] };
	}
	return cmocka_run_group_tests_name("host_oom", tests, NULL, NULL);
}
