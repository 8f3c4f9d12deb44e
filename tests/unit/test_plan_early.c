/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan_early: what counts as near a limit, and where it is not watched. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"

static char *const node_server[] = { "node", "server.js", NULL };

static struct plan plan_of(const struct policy *policy, const struct host *host)
{
	struct plan plan;
	plan_resolve(policy, host, node_server, &plan);
	return plan;
}

static void says(const struct plan *plan, enum plan_number_id id, const char *expected)
{
	char text[1024];
	explain_number(plan, id, text, sizeof(text));
	assert_string_equal(text, expected);
}

static void the_defaults_are_explained(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct early_limits limits;
	struct plan plan = plan_of(&policy, &host);
	says(&plan, PLAN_LEAD, "lead 2 s = max(heap.lead 2 s, 3 x start-up time unknown (none measured yet))");
	says(&plan, PLAN_LIVE_MAX, "live max 273 MiB = heap.live_max 95 % of old space 288 MiB");
	says(&plan, PLAN_GC_TIME, "gc time 2.5 s = heap.gc_time 50 % of 5 s");
	says(&plan, PLAN_REPLACE_AT, "replace at 460 MiB = memory.replace_at 90 % of memory.max 512 MiB (web.yaml:12)");
	plan_early_limits(&plan, &policy, &limits);
	assert_int_equal(limits.lead_usec, 2 * USEC_PER_SEC);
	assert_int_equal(limits.live_max_percent, 95);
	assert_int_equal(limits.gc_time_percent, 50);
	assert_int_equal(limits.replace_at_bytes, 460 * MIB);
	assert_int_equal(limits.memory_limit_bytes, 512 * MIB);
}

static void the_spare_is_given_three_times_what_a_start_takes(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct early_limits limits;
	host.start_usec = 4 * USEC_PER_SEC;
	struct plan plan = plan_of(&policy, &host);
	says(&plan, PLAN_LEAD,
	     "lead 12 s = max(heap.lead 2 s, 3 x start-up time 4 s (the longest of its last starts))");
	plan_early_limits(&plan, &policy, &limits);
	assert_int_equal(limits.lead_usec, 12 * USEC_PER_SEC);
	plan_learn_start(&plan, &policy, 500 * USEC_PER_MSEC);
	assert_int_equal(number(&plan, PLAN_LEAD), 2 * USEC_PER_SEC);
	policy.heap.lead_usec = 0;
	plan_learn_start(&plan, &policy, 4 * USEC_PER_SEC);
	says(&plan, PLAN_LEAD, "lead none = no forecast: heap.lead: 0ms");
	plan_early_limits(&plan, &policy, &limits);
	assert_int_equal(limits.lead_usec, 0);
}

static void turned_off_is_none(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct early_limits limits;
	policy.heap.lead_usec = 0;
	policy.heap.live_max_percent = policy.heap.gc_time_percent = policy.memory.replace_at_percent = PERCENT_NONE;
	struct plan plan = plan_of(&policy, &host);
	for (unsigned id = PLAN_LEAD; id <= PLAN_REPLACE_AT; id++)
		assert_true(number(&plan, (enum plan_number_id)id) == SIZE_NONE);
	plan_early_limits(&plan, &policy, &limits);
	assert_true(limits.lead_usec == 0 && limits.live_max_percent == PERCENT_NONE &&
		    limits.gc_time_percent == PERCENT_NONE && limits.replace_at_bytes == SIZE_NONE);
}

/* A full limit is the end only where the worker's memory is seen and cannot go on in swap. */
static void where_memory_is_watched(void **state UNUSED)
{
	static const struct {
		uint64_t max_mib, above_mib, swap_mib, host_swap_mib;
		bool accounting, writable;
		const char *explained;
	} rows[] = {
		{ 512, 0, 0, 0, true, true,
		  "replace at 460 MiB = memory.replace_at 90 % of memory.max 512 MiB (web.yaml:12)" },
		{ 512, 0, 0, 4096, true, true,
		  "replace at 460 MiB = memory.replace_at 90 % of memory.max 512 MiB (web.yaml:12)" },
		{ 512, 256, 0, 0, true, true,
		  "replace at 230 MiB = memory.replace_at 90 % of ancestor limit 256 MiB (/user.slice memory.max)" },
		{ 0, 256, 0, 0, true, true,
		  "replace at 230 MiB = memory.replace_at 90 % of ancestor limit 256 MiB (/user.slice memory.max)" },
		{ 0, 256, 0, 4096, true, true, "replace at none = not watched: the worker may go on in swap" },
		{ 512, 0, 64, 4096, true, true, "replace at none = not watched: the worker may go on in swap" },
		{ 512, 0, 64, 0, true, true,
		  "replace at 460 MiB = memory.replace_at 90 % of memory.max 512 MiB (web.yaml:12)" },
		{ 512, 0, 0, 4096, false, true, "replace at none = not watched: the worker may go on in swap" },
		{ 512, 0, 0, 0, false, true,
		  "replace at 460 MiB = memory.replace_at 90 % of memory.max 512 MiB (web.yaml:12)" },
		{ 0, 0, 0, 0, true, true, "replace at none = no memory limit to come near to" },
		{ 512, 512, 0, 0, true, false, "replace at none = no group of its own in which to see its memory" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = rows[i].max_mib == 0 ? sample_policy() : capped_policy(rows[i].max_mib * MIB);
		struct host host = sample_host();
		policy.memory.swap_bytes = rows[i].swap_mib * MIB;
		host.swap_total_bytes = rows[i].host_swap_mib * MIB;
		host.swap_accounting = rows[i].accounting;
		host.cgroup_writable = rows[i].writable;
		if (rows[i].above_mib > 0)
			host.levels[1].max_bytes = rows[i].above_mib * MIB;
		struct plan plan = plan_of(&policy, &host);
		says(&plan, PLAN_REPLACE_AT, rows[i].explained);
	}
}

static void without_a_managed_heap_only_memory_counts(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	policy.heap.runtime = RUNTIME_NONE;
	struct plan plan = plan_of(&policy, &host);
	says(&plan, PLAN_LEAD, "lead none = no forecast: no managed heap");
	says(&plan, PLAN_LIVE_MAX, "live max none = no managed heap");
	says(&plan, PLAN_GC_TIME, "gc time none = no managed heap");
	assert_int_equal(mib(&plan, PLAN_REPLACE_AT), 460);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_explained),
		cmocka_unit_test(the_spare_is_given_three_times_what_a_start_takes),
		cmocka_unit_test(turned_off_is_none),
		cmocka_unit_test(where_memory_is_watched),
		cmocka_unit_test(without_a_managed_heap_only_memory_counts),
	};
	return cmocka_run_group_tests_name("plan_early", tests, NULL, NULL);
}
