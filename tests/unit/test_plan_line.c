/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/plan_parts.h"

static char *const node_server[] = { "node", "server.js", NULL };

static struct plan plan_of(const struct policy *policy, const struct host *host)
{
	struct plan plan;
	plan_resolve(policy, host, node_server, &plan);
	return plan;
}

static void free_memory_is_held_against_the_need(void **state UNUSED)
{
	static const struct {
		uint64_t peak_mib;
		uint32_t runs;
		uint64_t container_mib, current_mib, available_mib;
		const char *text; /* "": it fits */
	} rows[] = {
		{ 560, 12, 0, 0, 312, "need 560 MiB (peak of 12 runs), have 312 MiB (MemAvailable)" },
		{ 560, 1, 0, 0, 312, "need 560 MiB (peak of 1 run), have 312 MiB (MemAvailable)" },
		{ 560, 12, 0, 0, 560, "" },
		{ 0, 0, 0, 0, 312, "need 512 MiB (memory.max), have 312 MiB (MemAvailable)" },
		{ 0, 0, 0, 0, 4000, "" },
		{ 0, 0, 450, 10, 4000, "" }, /* planned from the container: old space + reserve leaves the headroom */
		{ 0, 0, 450, 100, 4000, "need 402 MiB (old space + reserve), have 350 MiB (free in /)" },
		{ 0, 0, 450, 460, 4000, "need 402 MiB (old space + reserve), have 0 MiB (free in /)" },
		{ 300, 2, 450, 100, 200, "need 300 MiB (peak of 2 runs), have 200 MiB (MemAvailable)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = rows[i].container_mib > 0 ? container_host(rows[i].container_mib * MIB) : sample_host();
		char text[200];
		host.levels[0].current_bytes = rows[i].current_mib * MIB;
		host.mem_available_bytes = rows[i].available_mib * MIB;
		if (rows[i].runs > 0)
			host.peak_bytes = rows[i].peak_mib * MIB, host.peak_runs = rows[i].runs;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan_memory_fits(&plan, &host, text, sizeof(text)), rows[i].text[0] == '\0');
		assert_string_equal(text, rows[i].text);
	}
}

static void unknown_need_and_unknown_room_always_fit(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = sample_host();
	char text[200] = "x";
	host.mem_available_bytes = 1;
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan_memory_fits(&plan, &host, text, sizeof(text)));
	assert_string_equal(text, "");
	policy = capped_policy(512 * MIB);
	plan = plan_of(&policy, &host);
	host.mem_available_bytes = SIZE_UNKNOWN;
	assert_true(plan_memory_fits(&plan, &host, text, sizeof(text)));
}

static void the_start_line_says_the_plan(void **state UNUSED)
{
	struct policy capped = capped_policy(512 * MIB), bare = sample_policy(), none = sample_policy();
	struct host host = sample_host(), container = container_host(384 * MIB);
	struct host adopted = sample_host();
	strcpy(adopted.node_options, "--max-old-space-size=200");
	none.heap.runtime = RUNTIME_NONE;
	none.restart.when = RESTART_WHEN_NEVER;
	capped.restart.budget_within_usec = 90 * USEC_PER_SEC;
	struct policy high = capped_policy(512 * MIB), huge = capped_policy(64 * GIB), unknown = sample_policy();
	struct host dark = sample_host();
	high.memory.high_bytes = 400 * MIB;
	unknown.heap.old_space.kind = OLD_SPACE_AUTO;
	dark.mem_total_bytes = SIZE_UNKNOWN;
	const struct {
		const struct policy *policy;
		const struct host *host;
		const char *text;
	} rows[] = {
		{ &high, &host, "memory.high 400 MiB, old space 176 MiB (Node alone: 256), restarts 5 in 10min; see heapward explain -n web" },
		{ &huge, &host, "machine 16384 MiB, old space 13030 MiB (Node alone: 4096), restarts 5 in 10min; see heapward explain -n web" },
		{ &unknown, &dark, "no memory limit, old space as Node chooses, restarts 5 in 10min; see heapward explain -n web" },
		{ &capped, &host, "memory.max 512 MiB, old space 288 MiB (Node alone: 256), restarts 5 in 90s; see heapward explain -n web" },
		{ &bare, &container, "container 384 MiB, old space 205 MiB (Node alone: 256), restarts 5 in 10min; see heapward explain -n web" },
		{ &bare, &host, "no memory limit, old space 4096 MiB (Node's own choice), restarts 5 in 10min; see heapward explain -n web" },
		{ &none, &host, "no memory limit, no restarts; see heapward explain -n web" },
		{ &capped, &adopted, "memory.max 512 MiB, old space 200 MiB (as your own flag says; Node alone: 256), restarts 5 in 90s; see heapward explain -n web" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[300];
		struct plan plan = plan_of(rows[i].policy, rows[i].host);
		plan_start_line(&plan, rows[i].policy, "web", text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void decide_gets_its_rules(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct rules rules;
	policy.restart.when = RESTART_WHEN_ALWAYS;
	policy.heap.at_limit = AT_LIMIT_REPORT;
	host.under_systemd = true;
	struct plan plan = plan_of(&policy, &host);
	plan_rules(&plan, &policy, &rules);
	assert_int_equal(rules.when, RULE_WHEN_ALWAYS);
	policy.restart.when = RESTART_WHEN_FAILURE;
	plan_rules(&plan, &policy, &rules);
	assert_int_equal(rules.when, RULE_WHEN_FAILURE);
	policy.restart.when = RESTART_WHEN_NEVER;
	plan_rules(&plan, &policy, &rules);
	assert_int_equal(rules.when, RULE_WHEN_NEVER);
	assert_true(rules.report_heap_limit && rules.exit_when_exhausted);
	assert_int_equal(rules.kill_timeout_usec, 2 * USEC_PER_SEC);
	assert_int_equal(rules.stop_signal, 15);
	assert_int_equal(rules.budget_deaths, 5);
	policy.restart.exhausted = EXHAUSTED_HOLD;
	plan = plan_of(&policy, &host);
	assert_false(plan.exit_when_exhausted);
	policy.restart.exhausted = EXHAUSTED_AUTO;
	host.under_systemd = false;
	plan = plan_of(&policy, &host);
	assert_false(plan.exit_when_exhausted);
}

static void a_refusal_always_finds_a_place(void **state UNUSED)
{
	struct policy policy = capped_policy(160 * MIB);
	struct host host = sample_host();
	char *at = host.node_options;
	/* A flag that is no number is one warning for each place and name; there are too few to fill the list. */
	for (int i = 0; i < 4; i++)
		at += sprintf(at, "--max-old-space-size=x ");
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan.remark_count <= PLAN_REMARKS_MAX);
	assert_false(plan_is_startable(&plan));
	for (int i = 0; i < PLAN_REMARKS_MAX + 2; i++)
		plan_warn(&plan, "warning %d", i);
	assert_int_equal(plan.remark_count, PLAN_REMARKS_MAX);
	plan_refuse(&plan, "no place was left");
	assert_int_equal(plan.remark_count, PLAN_REMARKS_MAX);
	assert_string_equal(plan.remarks[PLAN_REMARKS_MAX - 1].text, "no place was left");
	assert_true(plan.remarks[PLAN_REMARKS_MAX - 1].refusal);
	host.node_options_cut = true;
	plan = plan_of(&policy, &host);
	assert_contains(first_remark(&plan, true), "NODE_OPTIONS is longer than 4095 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_memory_is_held_against_the_need),
		cmocka_unit_test(unknown_need_and_unknown_room_always_fit),
		cmocka_unit_test(the_start_line_says_the_plan),
		cmocka_unit_test(decide_gets_its_rules),
		cmocka_unit_test(a_refusal_always_finds_a_place),
	};
	return cmocka_run_group_tests_name("plan_line", tests, NULL, NULL);
}
