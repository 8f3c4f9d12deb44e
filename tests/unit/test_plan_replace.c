/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan_replace: what policy and machine make of held sockets, readiness and the second worker of a replacement. */
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

static void what_is_left_to_us_follows_from_the_held_sockets(void **state UNUSED)
{
	static const struct {
		bool held, singleton;
		enum spare spare;
		enum runtime runtime;
		enum near_limit asked;
		enum ready_kind ready_asked;
		enum near_limit near_limit;
		enum ready_kind ready;
		bool drains, replaces, keeps;
	} rows[] = {
		/* Nothing held: nothing but what is asked for. */
		{ false, false, SPARE_CHECK, RUNTIME_NODE, NEAR_LIMIT_AUTO, READY_AUTO, NEAR_LIMIT_REPORT,
		  READY_STARTED, false, false, false },
		{ false, false, SPARE_KEEP, RUNTIME_NODE, NEAR_LIMIT_RESTART, READY_LISTENING, NEAR_LIMIT_RESTART,
		  READY_LISTENING, false, false, false },
		/* Held. */
		{ true, false, SPARE_CHECK, RUNTIME_NODE, NEAR_LIMIT_AUTO, READY_AUTO, NEAR_LIMIT_REPLACE,
		  READY_LISTENING, true, true, false },
		{ true, false, SPARE_KEEP, RUNTIME_NODE, NEAR_LIMIT_REPORT, READY_TCP, NEAR_LIMIT_REPORT, READY_TCP,
		  true, true, true },
		{ true, false, SPARE_NEVER, RUNTIME_NODE, NEAR_LIMIT_AUTO, READY_STARTED, NEAR_LIMIT_REPLACE,
		  READY_STARTED, true, false, false },
		{ true, true, SPARE_KEEP, RUNTIME_NODE, NEAR_LIMIT_AUTO, READY_AUTO, NEAR_LIMIT_REPLACE,
		  READY_LISTENING, true, false, false },
		/* Without an agent nobody tells of heaps and of listening; `heapward restart` still replaces. */
		{ true, false, SPARE_CHECK, RUNTIME_NONE, NEAR_LIMIT_AUTO, READY_AUTO, NEAR_LIMIT_REPORT, READY_STARTED,
		  true, true, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		if (rows[i].held)
			hold(&policy, "tcp:3000");
		policy.service.singleton = rows[i].singleton;
		policy.memory.spare = rows[i].spare;
		policy.heap.runtime = rows[i].runtime;
		policy.heap.near_limit = rows[i].asked;
		policy.ready.when.kind = rows[i].ready_asked;
		if (plan_near_limit(&policy) != rows[i].near_limit || plan_ready(&policy).kind != rows[i].ready ||
		    plan_drains(&policy) != rows[i].drains || plan_replaces(&policy) != rows[i].replaces ||
		    plan_keeps_spare(&policy) != rows[i].keeps)
			fail_msg("row %zu", i);
	}
}

static void heartbeats_come_three_times_as_often_as_they_are_missed(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	char text[256];
	struct plan plan = plan_of(&policy, &host);
	assert_true(number(&plan, PLAN_HEARTBEAT) == SIZE_NONE);
	policy.watchdog.event_loop_usec = 30 * USEC_PER_SEC;
	set_origin(&policy, KEY_WATCHDOG_EVENT_LOOP, "web.yaml", 9);
	plan = plan_of(&policy, &host);
	explain_number(&plan, PLAN_HEARTBEAT, text, sizeof(text));
	assert_string_equal(text, "heartbeat 10 s = watchdog.event_loop 30 s (web.yaml:9) / 3");
}

static void the_queue_is_explained_by_a_stated_rate(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	char text[256];
	hold(&policy, "tcp:3000");
	struct plan plan = plan_of(&policy, &host);
	explain_number(&plan, PLAN_QUEUE_TIME, text, sizeof(text));
	assert_string_equal(text, "queue time 20 s = listen backlog 4096 / 200 new connections a second");
	explain_number(&plan, PLAN_LISTEN_BACKLOG, text, sizeof(text));
	assert_string_equal(text, "listen backlog 4096 = net.core.somaxconn, of each held socket");
	host.listen_backlog = 0;
	plan = plan_of(&policy, &host);
	assert_true(number(&plan, PLAN_LISTEN_BACKLOG) == SIZE_UNKNOWN &&
		    number(&plan, PLAN_QUEUE_TIME) == SIZE_UNKNOWN);
	policy.service.listen.count = 0;
	plan = plan_of(&policy, &host);
	assert_true(number(&plan, PLAN_LISTEN_BACKLOG) == SIZE_NONE && number(&plan, PLAN_HOLD_FOR) == SIZE_NONE);
	assert_true(number(&plan, PLAN_DRAIN_TIMEOUT) == SIZE_NONE && number(&plan, PLAN_READY_WITHIN) == SIZE_NONE);
}

static void a_spare_needs_what_a_start_needs(void **state UNUSED)
{
	static const struct {
		bool held, singleton;
		enum spare spare;
		uint64_t peak_mib, available_mib;
		const char *text; /* "": it fits */
	} rows[] = {
		{ true, false, SPARE_CHECK, 0, 512, "" },
		{ true, false, SPARE_CHECK, 0, 511, "need 512 MiB (memory.max), have 511 MiB (MemAvailable)" },
		{ true, false, SPARE_CHECK, 300, 300, "" },
		{ true, false, SPARE_CHECK, 300, 299, "need 300 MiB (peak of 3 runs), have 299 MiB (MemAvailable)" },
		{ true, false, SPARE_KEEP, 300, 300, "" },
		{ true, false, SPARE_NEVER, 0, 9999, "no second worker: memory.spare: never" },
		{ true, true, SPARE_CHECK, 0, 9999, "no second worker: service.singleton: true" },
		{ false, false, SPARE_CHECK, 0, 9999, "no second worker: no held sockets (service.listen)" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = sample_host();
		char text[200];
		if (rows[i].held)
			hold(&policy, "tcp:3000");
		policy.service.singleton = rows[i].singleton;
		policy.memory.spare = rows[i].spare;
		host.mem_available_bytes = rows[i].available_mib * MIB;
		if (rows[i].peak_mib > 0)
			host.peak_bytes = rows[i].peak_mib * MIB, host.peak_runs = 3;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan_spare_fits(&plan, &host, text, sizeof(text)), rows[i].text[0] == '\0');
		assert_string_equal(text, rows[i].text);
	}
}

static void the_fullest_group_above_decides_about_a_spare(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	char text[200];
	hold(&policy, "tcp:3000");
	host.levels[1].max_bytes = 1000 * MIB;
	host.levels[1].current_bytes = 500 * MIB; /* the first worker is in it */
	struct plan plan = plan_of(&policy, &host);
	assert_false(plan_spare_fits(&plan, &host, text, sizeof(text)));
	assert_string_equal(text, "need 512 MiB (memory.max), have 500 MiB (free in /user.slice)");
	host.levels[1].current_bytes = 488 * MIB;
	assert_true(plan_spare_fits(&plan, &host, text, sizeof(text)));
}

static void a_kept_spare_is_planned_for_from_the_start(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = container_host(1024 * MIB);
	char text[512];
	policy.from_file = true;
	hold(&policy, "tcp:3000");
	struct plan alone = plan_of(&policy, &host);
	assert_int_equal(mib(&alone, PLAN_MEMORY_LIMIT), 1024);
	policy.memory.spare = SPARE_KEEP;
	struct plan kept = plan_of(&policy, &host);
	assert_int_equal(mib(&kept, PLAN_MEMORY_LIMIT), 512);
	assert_int_equal(mib(&kept, PLAN_OLD_SPACE), 288); /* as with memory.max 512M */
	assert_int_equal(mib(&kept, PLAN_MEMORY_NEED), 2 * mib(&kept, PLAN_SPARE_NEED));
	explain_number(&kept, PLAN_MEMORY_LIMIT, text, sizeof(text));
	assert_contains(text, "half of ancestor limit 512 MiB (/ memory.max, memory.spare: keep)");
	explain_number(&kept, PLAN_MEMORY_NEED, text, sizeof(text));
	assert_contains(text, "memory need 928 MiB = 2 x (old space + reserve), for memory.spare: keep");
	plan_start_line(&kept, &policy, "web", text, sizeof(text));
	assert_string_equal(
		text, "half of the container 512 MiB, old space 288 MiB (Node alone: 512), holds tcp:3000, restarts 5 "
		      "in 10min; see heapward explain -n web");
	host.mem_available_bytes = 900 * MIB;
	assert_false(plan_memory_fits(&kept, &host, text, sizeof(text)));
	assert_true(plan_spare_fits(&kept, &host, text, sizeof(text)));
}

static void a_kept_spare_cuts_a_memory_max_that_is_too_large_for_two(void **state UNUSED)
{
	struct policy policy = capped_policy(600 * MIB);
	struct host host = sample_host();
	hold(&policy, "tcp:3000");
	host.levels[1].max_bytes = 1024 * MIB;
	policy.memory.spare = SPARE_KEEP;
	struct plan plan = plan_of(&policy, &host);
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 512);
	assert_contains(first_remark(&plan, false),
			"memory.max 600 MiB (web.yaml:12) is larger than the 512 MiB of /user.slice "
			"memory.max, memory.spare: keep: the smaller one counts");
	host.levels[1].max_bytes = 1200 * MIB;
	plan = plan_of(&policy, &host);
	assert_int_equal(mib(&plan, PLAN_MEMORY_LIMIT), 600);
	assert_int_equal(plan.remark_count, 0);
}

static void the_start_line_names_what_is_held(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	char text[300];
	hold(&policy, "tcp:3000");
	struct plan plan = plan_of(&policy, &host);
	plan_start_line(&plan, &policy, "web", text, sizeof(text));
	assert_contains(text, "(Node alone: 256), holds tcp:3000, restarts 5 in 10min;");
	hold(&policy, "unix:/run/web.sock");
	hold(&policy, "tcp:[::1]:9000");
	plan_start_line(&plan, &policy, "web", text, sizeof(text));
	assert_contains(text, ", holds tcp:3000 and 2 more, restarts");
}

static void listen_fds_are_for_commands_without_our_agent(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	hold(&policy, "tcp:3000");
	struct plan plan = plan_of(&policy, &host);
	assert_false(plan_hands_over_listen_fds(&plan));
	policy.heap.runtime = RUNTIME_NONE;
	plan = plan_of(&policy, &host);
	assert_true(plan_hands_over_listen_fds(&plan));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_to_us_follows_from_the_held_sockets),
		cmocka_unit_test(heartbeats_come_three_times_as_often_as_they_are_missed),
		cmocka_unit_test(the_queue_is_explained_by_a_stated_rate),
		cmocka_unit_test(a_spare_needs_what_a_start_needs),
		cmocka_unit_test(the_fullest_group_above_decides_about_a_spare),
		cmocka_unit_test(a_kept_spare_is_planned_for_from_the_start),
		cmocka_unit_test(a_kept_spare_cuts_a_memory_max_that_is_too_large_for_two),
		cmocka_unit_test(the_start_line_names_what_is_held),
		cmocka_unit_test(listen_fds_are_for_commands_without_our_agent),
	};
	return cmocka_run_group_tests_name("plan_replace", tests, NULL, NULL);
}
