/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"

static char *const node_server[] = { "node", "server.js", NULL };
static char *const npm_start[] = { "npm", "start", NULL };

static struct plan plan_of(const struct policy *policy, const struct host *host)
{
	struct plan plan;
	plan_resolve(policy, host, node_server, &plan);
	return plan;
}

static void the_example_of_the_product_page_comes_out(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct plan plan = plan_of(&policy, &host);
	char text[1024];
	explain_number(&plan, PLAN_OLD_SPACE, text, sizeof(text));
	assert_string_equal(text, "old space 288 MiB = memory.max 512 MiB (web.yaml:12) - reserve 176 MiB "
				  "(young 3 x 16 + off-heap 128) - headroom 48 MiB");
	assert_string_equal(plan.node_options, "--max-old-space-size=288 --max-semi-space-size=16");
	assert_int_equal(mib(&plan, PLAN_HEAP_SIZE_LIMIT), 336);
	assert_int_equal(mib(&plan, PLAN_NODE_ALONE), 256);
	assert_true(plan.enforced && plan.manages_heap && !plan.bare && plan_is_startable(&plan));
	assert_int_equal(plan.remark_count, 0);
}

static void automatic_old_space_leaves_reserve_and_headroom(void **state UNUSED)
{
	static const struct {
		int major;
		uint64_t max_mib, headroom_mib, buffers_mib;
		uint32_t processes;
		uint64_t semi_mib, old_mib, off_heap_mib;
	} rows[] = {
		{ 20, 512, 48, 0, 1, 16, 288, 128 },
		{ 24, 512, 48, 0, 1, 16, 288, 128 },
		{ 26, 512, 48, 0, 1, 16, 288, 128 },
		{ 24, 1536, 48, 0, 1, 64, 1036, 259 },
		{ 20, 384, 48, 0, 1, 16, 160, 128 },
		{ 20, 256, 32, 0, 1, 8, 72, 128 },
		{ 20, 736, 48, 0, 1, 16, 512, 128 }, /* where both branches of the reserve meet */
		{ 20, 737, 48, 0, 1, 16, 512, 128 },
		{ 20, 738, 48, 0, 1, 16, 513, 129 },
		{ 20, 2048, 48, 0, 1, 16, 1561, 391 },
		{ 20, 2048, 0, 0, 1, 16, 1600, 400 },
		{ 20, 1024, 48, 100, 1, 16, 662, 166 },
		{ 20, 1024, 48, 0, 2, 16, 288, 128 },
		{ 24, 4096, 48, 0, 4, 32, 704, 176 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(rows[i].max_mib * MIB);
		struct host host = host_with_node(rows[i].major);
		policy.heap.headroom_bytes = rows[i].headroom_mib * MIB;
		policy.heap.processes = rows[i].processes;
		host.buffers_bytes = rows[i].buffers_mib * MIB;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(mib(&plan, PLAN_SEMI_SPACE), rows[i].semi_mib);
		assert_int_equal(mib(&plan, PLAN_OLD_SPACE), rows[i].old_mib);
		assert_int_equal(mib(&plan, PLAN_OFF_HEAP), rows[i].off_heap_mib);
		assert_true(plan_is_startable(&plan));
	}
}

static void measured_buffers_never_refuse_a_start(void **state UNUSED)
{
	struct policy policy = capped_policy(320 * MIB);
	struct host host = sample_host();
	host.buffers_bytes = 300 * MIB;
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan_is_startable(&plan));
	assert_int_equal(mib(&plan, PLAN_OLD_SPACE), PLAN_OLD_SPACE_FLOOR_BYTES / MIB);
}

/* The two halves of the promise, for every size: what is planned fits, and one MiB more would not. */
static void no_mebibyte_is_promised_twice_or_wasted(void **state UNUSED)
{
	for (uint64_t max_mib = 272; max_mib < 6000; max_mib++) {
		struct policy policy = capped_policy(max_mib * MIB + 4096);
		struct host host = host_with_node(24);
		struct plan plan = plan_of(&policy, &host);
		uint64_t old = mib(&plan, PLAN_OLD_SPACE), rest = mib(&plan, PLAN_YOUNG) + 48;
		uint64_t quarter = (old + 1 + 3) / 4, off_heap_more = quarter > 128 ? quarter : 128;
		assert_true(plan_is_startable(&plan));
		assert_true(old + mib(&plan, PLAN_RESERVE) + 48 <= max_mib);
		assert_true(old + 1 + off_heap_more + rest > max_mib);
		assert_true(8 * mib(&plan, PLAN_YOUNG) <= max_mib);
	}
}

static void below_the_floor_it_refuses_with_the_parts(void **state UNUSED)
{
	struct policy policy = capped_policy(160 * MIB);
	struct host host = sample_host();
	struct plan plan = plan_of(&policy, &host);
	assert_false(plan_is_startable(&plan));
	assert_string_equal(first_remark(&plan, true),
			    "memory.max 160 MiB (web.yaml:12) leaves 0 MiB of old space, less than 48 MiB: reserve 140 MiB "
			    "(young 3 x 4 + off-heap 128) + headroom 48 MiB; raise memory.max to at least 248 MiB, or set "
			    "heap.old_space");
	policy.memory.max_bytes = 248 * MIB;
	plan = plan_of(&policy, &host);
	assert_true(plan_is_startable(&plan));
	assert_int_equal(mib(&plan, PLAN_OLD_SPACE), 48);
	policy.memory.max_bytes = 247 * MIB;
	plan = plan_of(&policy, &host);
	assert_contains(first_remark(&plan, true), "leaves 47 MiB of old space");
	plan_resolve(&policy, &host, npm_start, &plan);
	assert_contains(first_remark(&plan, true), "or set heap.old_space (no Node in it: heap.runtime: none)");
	policy.memory.max_bytes = 490 * MIB;
	policy.heap.processes = 2;
	plan = plan_of(&policy, &host);
	assert_contains(first_remark(&plan, true), "of old space for each of 2 processes, less than 48 MiB");
}

static void a_percentage_of_what_is_not_known_is_nodes_own_affair(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = sample_host();
	host.mem_total_bytes = SIZE_UNKNOWN;
	strcpy(host.node_options, "--max-old-space-size-percentage=50");
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan.adopted_old_space);
	assert_true(number(&plan, PLAN_OLD_SPACE) == SIZE_UNKNOWN);
	assert_contains(plan.numbers[PLAN_OLD_SPACE].rule, "adopted --max-old-space-size-percentage=50");
	assert_string_equal(plan.numbers[PLAN_RESERVE].rule, "not known here");
}

static void memory_high_is_for_v2_only(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	policy.memory.high_bytes = 400 * MIB;
	host.cgroup_version = CGROUP_V1;
	struct plan plan = plan_of(&policy, &host);
	assert_contains(first_remark(&plan, false), "memory.high needs cgroup v2");
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 512);
}

static void the_smallest_limit_of_all_groups_counts(void **state UNUSED)
{
	struct policy policy = capped_policy(2 * GIB);
	struct host host = sample_host();
	char text[1024];
	host.levels[1].max_bytes = 768 * MIB;
	host.levels[0].high_bytes = 512 * MIB;
	struct plan plan = plan_of(&policy, &host);
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 512);
	assert_int_equal(mib(&plan, PLAN_OLD_SPACE), 288);
	assert_true(plan.enforced);
	assert_contains(first_remark(&plan, false),
			"memory.max 2048 MiB (web.yaml:12) is larger than the 512 MiB of /user.slice/app.scope memory.high");
	explain_number(&plan, PLAN_OLD_SPACE, text, sizeof(text));
	assert_contains(text, "= ancestor limit 512 MiB (/user.slice/app.scope memory.high) - reserve");
	explain_number(&plan, PLAN_ANCESTOR_LIMIT, text, sizeof(text));
	assert_contains(text, "; limit 768 MiB (/user.slice memory.max)");
	policy.memory.high_bytes = 400 * MIB;
	plan = plan_of(&policy, &host);
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 400);
}

static void a_limit_beyond_the_machine_is_none(void **state UNUSED)
{
	struct policy policy = capped_policy(64 * GIB);
	struct host host = sample_host();
	host.levels[0].max_bytes = 32 * GIB;
	struct plan plan = plan_of(&policy, &host);
	assert_int_equal(mib(&plan, PLAN_ANCESTOR_LIMIT), SIZE_NONE);
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 16384);
	assert_contains(first_remark(&plan, false), "memory.max 65536 MiB (web.yaml:12) is more than this machine has (16384 MiB)");
}

static void a_cap_needs_somebody_to_enforce_it(void **state UNUSED)
{
	static const struct {
		bool writable, best_effort;
		uint64_t ancestor_mib;
		bool enforced, startable;
		const char *remark;
	} rows[] = {
		{ true, false, 0, true, true, "" },
		{ false, false, 512, true, true, "" },
		{ false, false, 300, true, true, "larger than the 300 MiB" },
		{ false, false, 0, false, false, "memory.max 512 MiB (web.yaml:12) cannot be enforced: not delegated; or set" },
		{ false, false, 513, false, false, "cannot be enforced" },
		{ false, true, 0, false, true, "is not enforced (memory.enforce: best_effort): not delegated" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = sample_host();
		policy.memory.enforce = rows[i].best_effort ? ENFORCE_BEST_EFFORT : ENFORCE_REQUIRED;
		host.cgroup_writable = rows[i].writable;
		strcpy(host.cgroup_problem, "not delegated");
		host.levels[1].max_bytes = rows[i].ancestor_mib > 0 ? rows[i].ancestor_mib * MIB : SIZE_NONE;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan.enforced, rows[i].enforced);
		assert_int_equal(plan_is_startable(&plan), rows[i].startable);
		assert_contains(first_remark(&plan, !rows[i].startable), rows[i].remark);
	}
}

static void other_limits_need_a_group_too(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = sample_host();
	policy.limits.tasks = 100;
	policy.limits.cpu_percent = 150;
	set_origin(&policy, KEY_LIMITS_TASKS, "--set", 0);
	host.cgroup_writable = false;
	struct plan plan = plan_of(&policy, &host);
	assert_string_equal(first_remark(&plan, true), "limits.tasks 100 (--set) cannot be enforced: no writable cgroup here; "
						       "or set memory.enforce: best_effort");
	assert_int_equal(plan.remark_count, 2);
	host.cgroup_writable = true;
	plan = plan_of(&policy, &host);
	assert_true(plan_is_startable(&plan));
}

static void semi_space_follows_the_major_and_the_cap(void **state UNUSED)
{
	static const struct {
		int major;
		uint64_t max_mib, semi_mib;
	} rows[] = {
		{ 18, 2048, 16 }, { 20, 2048, 16 }, { 22, 2048, 16 }, { 24, 2048, 64 }, { 26, 2048, 32 }, { 0, 2048, 16 },
		{ 24, 1535, 32 }, { 24, 768, 32 }, { 24, 767, 16 }, { 24, 300, 8 }, { 26, 768, 32 }, { 20, 383, 8 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(rows[i].max_mib * MIB);
		struct host host = host_with_node(rows[i].major);
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(mib(&plan, PLAN_SEMI_SPACE), rows[i].semi_mib);
	}
}

static void a_users_own_flags_are_adopted(void **state UNUSED)
{
	static const struct {
		const char *node_options;
		const char *command[5];
		uint64_t old_mib, heap_size_limit_mib;
		const char *planned, *remark;
	} rows[] = {
		{ "--max-old-space-size=200", { "node", "s.js" }, 200, 248, "--max-semi-space-size=16", "" },
		{ "--max_old_space_size=200", { "node", "s.js" }, 200, 248, "--max-semi-space-size=16", "" },
		{ "--max-old-space-size=200 --max-old-space-size=210", { "node" }, 210, 258, "--max-semi-space-size=16", "" },
		{ "--max-old-space-size=200", { "node", "--max-old-space-size=100", "s.js" }, 100, 148, "--max-semi-space-size=16", "" },
		{ "", { "/usr/bin/node", "--max_old_space_size=100" }, 100, 148, "--max-semi-space-size=16", "" },
		{ "", { "node", "-r", "./x", "--max-old-space-size=100" }, 100, 148, "--max-semi-space-size=16", "" },
		{ "", { "node", "s.js", "--max-old-space-size=100" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ "", { "node", "--", "s.js", "--max-old-space-size=100" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ "", { "npm", "--max-old-space-size=100" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ "--max-semi-space-size=3", { "node" }, 324, 336, "--max-old-space-size=324", "" },
		{ "--max-semi-space-size=64", { "node" }, 144, 336, "--max-old-space-size=144", "" },
		{ "--max-old-space-size=0", { "node" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ "--max-old-space-size=", { "node" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ "--max-heap-size=200", { "node" }, 152, 200, "--max-semi-space-size=16", "" },
		{ "--max-heap-size=200 --max-old-space-size=100", { "node" }, 100, SIZE_UNKNOWN, "", "" },
		{ "--max-old-space-size-percentage=50", { "node" }, 256, 304, "--max-semi-space-size=16", "" },
		{ "--max-old-space-size=9 --max-old-space-size-percentage=12.5", { "node" }, 64, 112, "--max-semi-space-size=16", "" },
		{ "--max-old-space-size=300", { "node" }, 300, 348, "--max-semi-space-size=16",
		  "old space 300 MiB (--max-old-space-size=300 in NODE_OPTIONS) does not fit memory.max 512 MiB (web.yaml:12)" },
		{ "--max-old-space-size=4096", { "node" }, 4096, 4144, "--max-semi-space-size=16", "does not fit" },
		{ "--max-old-space-size=abc", { "node" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16", "is not a number of MiB" },
		{ "--max-old-space-size-percentage=101", { "node" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16",
		  "is not a number of percent" },
		{ "--heapsnapshot-near-heap-limit=1", { "node" }, 288, 336, "--max-old-space-size=288 --max-semi-space-size=16",
		  "--heapsnapshot-near-heap-limit (NODE_OPTIONS) writes no snapshot" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = sample_host();
		struct plan plan;
		strcpy(host.node_options, rows[i].node_options);
		plan_resolve(&policy, &host, (char *const *)rows[i].command, &plan);
		if (mib(&plan, PLAN_OLD_SPACE) != rows[i].old_mib)
			fail_msg("row %zu: old space %lu", i, (unsigned long)mib(&plan, PLAN_OLD_SPACE));
		assert_int_equal(mib(&plan, PLAN_HEAP_SIZE_LIMIT), rows[i].heap_size_limit_mib);
		assert_string_equal(plan.node_options, rows[i].planned);
		assert_contains(first_remark(&plan, false), rows[i].remark);
		assert_int_equal(plan.adopted_old_space, rows[i].old_mib != 288 && strstr(rows[i].planned, "old") == NULL);
		assert_true(plan_is_startable(&plan));
	}
}

static void what_contradicts_is_refused(void **state UNUSED)
{
	static const struct {
		uint64_t old_mib;
		const char *flag, *refusal;
	} rows[] = {
		{ 200, "--max-old-space-size=200", "" },
		{ 200, "--max-old-space-size=201",
		  "heap.old_space 200 MiB (web.yaml:20) contradicts --max-old-space-size=201 (NODE_OPTIONS)" },
		{ 200, "--max-old-space-size-percentage=50", "contradicts --max-old-space-size-percentage=50" },
		{ 200, "--max-heap-size=500", "contradicts --max-heap-size=500" },
		{ 200, "--require \"open", "NODE_OPTIONS has an open quote" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = sample_host();
		policy.heap.old_space = (struct old_space){ OLD_SPACE_BYTES, rows[i].old_mib * MIB, 0 };
		set_origin(&policy, KEY_HEAP_OLD_SPACE, "web.yaml", 20);
		strcpy(host.node_options, rows[i].flag);
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan_is_startable(&plan), rows[i].refusal[0] == '\0');
		assert_contains(first_remark(&plan, true), rows[i].refusal);
	}
}

static void an_explicit_old_space_is_held_against_the_limit(void **state UNUSED)
{
	static const struct {
		uint64_t max_mib;
		struct old_space wish;
		uint32_t processes;
		uint64_t old_mib;
		bool startable;
		const char *remark;
	} rows[] = {
		{ 512, { OLD_SPACE_BYTES, 288 * MIB, 0 }, 1, 288, true, "" },
		{ 512, { OLD_SPACE_BYTES, 289 * MIB, 0 }, 1, 289, true,
		  "heap.old_space 289 MiB (web.yaml:20) does not fit memory.max 512 MiB (web.yaml:12): with reserve 176 MiB (young "
		  "3 x 16 + off-heap 128) and headroom 48 MiB it needs 513 MiB" },
		{ 512, { OLD_SPACE_BYTES, 513 * MIB, 0 }, 1, 513, false, "does not fit memory.max" },
		{ 1024, { OLD_SPACE_BYTES, 289 * MIB, 0 }, 2, 289, true, "all processes needs 1026 MiB together" },
		{ 512, { OLD_SPACE_PERCENT, 0, 50 }, 1, 256, true, "" },
		{ 512, { OLD_SPACE_PERCENT, 0, 75 }, 1, 384, true, "does not fit" },
		{ 1024, { OLD_SPACE_PERCENT, 0, 50 }, 2, 256, true, "" },
		{ 160, { OLD_SPACE_BYTES, 16 * MIB, 0 }, 1, 16, true, "does not fit" },
		{ 0, { OLD_SPACE_PERCENT, 0, 50 }, 1, SIZE_UNKNOWN, false, "there is no memory.max" },
		{ 0, { OLD_SPACE_BYTES, 900 * MIB, 0 }, 1, 900, true, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(rows[i].max_mib > 0 ? rows[i].max_mib * MIB : SIZE_NONE);
		struct host host = sample_host();
		policy.heap.old_space = rows[i].wish;
		policy.heap.processes = rows[i].processes;
		set_origin(&policy, KEY_HEAP_OLD_SPACE, "web.yaml", 20);
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(mib(&plan, PLAN_OLD_SPACE), rows[i].old_mib);
		assert_int_equal(plan_is_startable(&plan), rows[i].startable);
		assert_contains(first_remark(&plan, !rows[i].startable), rows[i].remark);
	}
}

static void a_bare_run_only_ever_lowers(void **state UNUSED)
{
	static const struct {
		int major;
		uint64_t container_mib;
		bool writable; /* then Node would not see the container's limit in the worker's own group */
		uint64_t old_mib;
		const char *options, *remark;
	} rows[] = {
		{ 20, 0, true, SIZE_UNKNOWN, "", "" },
		{ 20, 512, false, SIZE_UNKNOWN, "", "" }, /* Node alone: 256 of the 285 that are left */
		{ 20, 512, true, 256, "--max-old-space-size=256 --max-semi-space-size=1", "" },
		{ 20, 384, false, 205, "--max-old-space-size=205 --max-semi-space-size=1", "" },
		{ 24, 384, false, 205, "--max-old-space-size=205 --max-semi-space-size=1", "" },
		{ 26, 384, false, 196, "--max-old-space-size=196 --max-semi-space-size=4", "" },
		{ 18, 512, false, 288, "--max-old-space-size=288 --max-semi-space-size=16", "" },
		{ 20, 160, false, SIZE_UNKNOWN, "", "the kernel may kill first" },
		{ 20, 160, true, 256, "--max-old-space-size=256 --max-semi-space-size=1", "the kernel may kill first" },
		{ 0, 384, false, 205, "--max-old-space-size=205 --max-semi-space-size=1", "" },
		{ 20, 4096, false, SIZE_UNKNOWN, "", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = sample_policy();
		struct host host = rows[i].container_mib > 0 ? container_host(rows[i].container_mib * MIB) : sample_host();
		host.cgroup_writable = rows[i].writable;
		host.runtime.major = rows[i].major;
		struct plan plan = plan_of(&policy, &host);
		assert_true(plan.bare && plan_is_startable(&plan));
		if (mib(&plan, PLAN_OLD_SPACE) != rows[i].old_mib)
			fail_msg("row %zu: old space %lu", i, (unsigned long)mib(&plan, PLAN_OLD_SPACE));
		assert_string_equal(plan.node_options, rows[i].options);
		assert_contains(first_remark(&plan, false), rows[i].remark);
	}
}

static void a_bare_run_leaves_own_flags_alone(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = container_host(512 * MIB);
	strcpy(host.node_options, "--max-old-space-size=300");
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan.adopted_old_space);
	assert_string_equal(plan.node_options, "");
	assert_int_equal(mib(&plan, PLAN_HEAP_SIZE_LIMIT), 303);
	assert_int_equal(plan.remark_count, 0);
}

static void what_is_no_node_is_left_alone(void **state UNUSED)
{
	struct policy policy = capped_policy(100 * MIB);
	struct host host = sample_host();
	struct plan plan;
	policy.heap.runtime = RUNTIME_NONE;
	plan = plan_of(&policy, &host);
	assert_false(plan.manages_heap);
	assert_true(plan_is_startable(&plan));
	assert_string_equal(plan.node_options, "");
	assert_int_equal(mib(&plan, PLAN_MEMORY_NEED), 100);
	policy = sample_policy();
	host.runtime = (struct host_runtime){ .problem = "no node in PATH" };
	plan_resolve(&policy, &host, (char *const[]){ "sleep", "1", NULL }, &plan);
	assert_false(plan.manages_heap);
	assert_int_equal(plan.remark_count, 0);
	policy = capped_policy(512 * MIB);
	plan_resolve(&policy, &host, npm_start, &plan);
	assert_true(plan.manages_heap);
	assert_contains(first_remark(&plan, false), "Node's version is not known (no node in PATH)");
	plan_resolve(&policy, &host, NULL, &plan);
	assert_true(plan.manages_heap);
}

static void root_and_user_are_remarked(void **state UNUSED)
{
	static const struct {
		uint32_t uid;
		const char *user, *problem;
		bool startable;
		const char *remark;
	} rows[] = {
		{ 1000, NULL, "", true, "" }, { 1000, "dev", "", true, "" }, { 1000, "1000", "", true, "" },
		{ 0, "web", "", true, "" },
		{ 1000, "web", "", false, "sandbox.user web (default): only root can change the user" },
		{ 0, "wbe", "user wbe: no such user", false, "sandbox.user (default): user wbe: no such user" },
		{ 1000, "wbe", "user wbe: no such user", false, "only root can change the user" },
		{ 0, NULL, "", true, "the worker runs as root; set sandbox.user" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = sample_host();
		host.uid = rows[i].uid;
		strcpy(host.worker_user_problem, rows[i].problem);
		policy.sandbox.user = (char *)rows[i].user;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan_is_startable(&plan), rows[i].startable);
		assert_contains(first_remark(&plan, !rows[i].startable), rows[i].remark);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_product_page_comes_out),
		cmocka_unit_test(automatic_old_space_leaves_reserve_and_headroom),
		cmocka_unit_test(measured_buffers_never_refuse_a_start),
		cmocka_unit_test(no_mebibyte_is_promised_twice_or_wasted),
		cmocka_unit_test(below_the_floor_it_refuses_with_the_parts),
		cmocka_unit_test(a_percentage_of_what_is_not_known_is_nodes_own_affair),
		cmocka_unit_test(memory_high_is_for_v2_only),
		cmocka_unit_test(the_smallest_limit_of_all_groups_counts),
		cmocka_unit_test(a_limit_beyond_the_machine_is_none),
		cmocka_unit_test(a_cap_needs_somebody_to_enforce_it),
		cmocka_unit_test(other_limits_need_a_group_too),
		cmocka_unit_test(semi_space_follows_the_major_and_the_cap),
		cmocka_unit_test(a_users_own_flags_are_adopted),
		cmocka_unit_test(what_contradicts_is_refused),
		cmocka_unit_test(an_explicit_old_space_is_held_against_the_limit),
		cmocka_unit_test(a_bare_run_only_ever_lowers),
		cmocka_unit_test(a_bare_run_leaves_own_flags_alone),
		cmocka_unit_test(what_is_no_node_is_left_alone),
		cmocka_unit_test(root_and_user_are_remarked),
	};
	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
