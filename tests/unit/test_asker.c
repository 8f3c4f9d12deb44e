/* SPDX-License-Identifier: Apache-2.0 */
/* test_asker: who may change something over the control socket, by where it stands: a row a place. */
#include "tests/unit/unit.h"

#include "supervisor/core/asker.h"

#include <stdio.h>

#define SUPERVISOR 100
#define SESSION 200

static struct process_place place(const char *cgroups)
{
	struct process_place place = { .pid = 300, .session = 300, .parents = { 50, 1 }, .parent_count = 2, .parents_known = true };
	snprintf(place.cgroups, sizeof(place.cgroups), "%s", cgroups);
	return place;
}

static void assert_may(bool may, const struct process_place *asker, const struct asker_workers *workers, const char *words)
{
	char why[512] = "not written";
	if (asker_may_change(asker, workers, why, sizeof(why)) != may)
		fail_msg("%s: \"%s\"", words, why);
	if (may)
		assert_string_equal(why, "");
	else
		assert_contains(why, words);
}

static void a_workers_group_and_all_below_are_inside(void **state UNUSED)
{
	static const struct {
		const char *own, *asker, *group; /* "": outside */
	} rows[] = {
		{ "0::/u/heapward-web/supervisor\n", "0::/u/heapward-web/worker-0-a\n", "/u/heapward-web/worker-0-a" },
		{ "0::/u/heapward-web/supervisor\n", "0::/u/heapward-web/worker-0-b/own/deep\n", "/u/heapward-web/worker-0-b" },
		{ "0::/u/heapward-web/supervisor\n", "0::/heapward/heapward-api/worker-3-a\n", "/heapward/heapward-api/worker-3-a" },
		{ "0::/u/heapward-web/supervisor\n", "0::/u/heapward-web/worker-0-a", "/u/heapward-web/worker-0-a" },
		{ "0::/u/heapward-web/supervisor\n", "0::/u/heapward-web/supervisor\n", "" },
		{ "0::/u/heapward-web/supervisor\n", "0::/u/heapward-web\n", "" },
		{ "0::/u/heapward-web/supervisor\n", "0::/user.slice/user-1000.slice/session-2.scope\n", "" },
		{ "0::/u/heapward-web/supervisor\n", "0::/\n", "" },
		{ "0::/\n", "0::/../heapward-web/worker-0-a\n", "/../heapward-web/worker-0-a" },
		{ "0::/\n", "0::/../other\n", "" },
		{ "0::/\n", "0::/heapward-web/x/worker-0-a\n", "" },
		{ "0::/\n", "0::/worker-0-a/heapward-web\n", "" },
		{ "0::/\n", "0::/my-heapward-web/worker-0-a\n", "" },
		/* v1: one hierarchy is enough */
		{ "4:memory:/\n3:pids:/\n0::/\n", "4:memory:/\n3:pids:/heapward-web/worker-0-a\n0::/\n", "/heapward-web/worker-0-a" },
		{ "4:memory:/\n3:pids:/\n", "4:memory:/elsewhere\n3:pids:/elsewhere\n", "" },
		/* A supervisor within another one's worker: who asks may be there too, but not in a worker further in, nor another. */
		{ "0::/heapward-o/worker-0-a/heapward-i/supervisor\n", "0::/heapward-o/worker-0-a\n", "" },
		{ "0::/heapward-o/worker-0-a\n", "0::/heapward-o/worker-0-a/shell\n", "" },
		{ "0::/heapward-o/worker-0-a\n", "0::/heapward-o/worker-0-ab\n", "/heapward-o/worker-0-ab" },
		{ "0::/heapward-o/worker-0-a\n", "0::/heapward-o/worker-0-b\n", "/heapward-o/worker-0-b" },
		{ "0::/heapward-o/worker-0-a\n", "0::/heapward-o/worker-0-a/heapward-i/worker-0-a/x\n",
		  "/heapward-o/worker-0-a/heapward-i/worker-0-a" },
		{ "4:memory:/heapward-o/worker-0-a\n3:pids:/\n", "4:memory:/\n3:pids:/heapward-o/worker-0-a\n",
		  "/heapward-o/worker-0-a" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asker_group group = asker_worker_group(rows[i].asker, rows[i].own);
		if (group.length != strlen(rows[i].group) || strncmp(group.at, rows[i].group, group.length) != 0)
			fail_msg("row %zu: \"%.*s\"", i, (int)group.length, group.at);
		struct process_place asker = place(rows[i].asker);
		struct asker_workers workers = { SUPERVISOR, rows[i].own, true, { SESSION }, 1 };
		assert_may(group.length == 0, &asker, &workers, rows[i].group);
	}
}

static void who_descends_from_a_worker_or_is_in_its_session_is_inside(void **state UNUSED)
{
	for (int groups = 0; groups < 2; groups++) {
		struct asker_workers workers = { SUPERVISOR, "0::/\n", groups == 1, { 199, SESSION }, 2 };
		struct process_place asker = place("0::/\n");
		assert_may(true, &asker, &workers, "outside");
		asker.session = SESSION;
		assert_may(false, &asker, &workers, "not allowed: process 300 is in the session of this service's worker: a worker may");
		asker = place("0::/\n");
		asker.parents[1] = SUPERVISOR;
		asker.parents[2] = 1;
		asker.parent_count = 3;
		assert_may(false, &asker, &workers, "not allowed: process 300 was started by this service's worker: a worker may");
	}
}

static void who_cannot_be_told_from_a_worker_is_refused(void **state UNUSED)
{
	const struct asker_workers groups = { SUPERVISOR, "0::/\n", true, { SESSION }, 1 };
	const struct asker_workers none = { SUPERVISOR, "0::/\n", false, { SESSION }, 1 };
	const struct asker_workers no_kernel = { SUPERVISOR, "", false, { SESSION }, 1 };
	struct process_place asker = place("0::/\n");
	asker.pid = 0;
	assert_may(false, &asker, &groups, "another PID namespace");
	asker = place("0::/\n");
	asker.ended = true;
	assert_may(false, &asker, &groups, "has ended since it asked");
	asker = place("");
	assert_may(false, &asker, &groups, "/proc does not show its cgroup; ask as root");
	assert_may(false, &asker, &none, "/proc does not show its cgroup");
	assert_may(true, &asker, &no_kernel, "a kernel without cgroups");
	asker = place("0::/\n");
	asker.parents_known = false;
	assert_may(true, &asker, &groups, "its group is enough");
	assert_may(false, &asker, &none, "does not show who has started it");
	asker = place("0::/\n");
	asker.session = 0;
	assert_may(false, &asker, &none, "does not show who has started it");
	asker.parents[0] = SUPERVISOR;
	assert_may(false, &asker, &groups, "was started by this service's worker");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_workers_group_and_all_below_are_inside),
		cmocka_unit_test(who_descends_from_a_worker_or_is_in_its_session_is_inside),
		cmocka_unit_test(who_cannot_be_told_from_a_worker_is_refused),
	};
	return cmocka_run_group_tests_name("asker", tests, NULL, NULL);
}
