/* SPDX-License-Identifier: Apache-2.0 */
/* test_relimit: what `heapward set` may ask for, the plan that follows, what refuses it, and the drop-in that keeps it. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "heapward/record.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/raise.h"
#include "supervisor/core/relimit.h"
#include "tests/unit/plan_unit.h"

static char *const command[] = { "node", "server.js", NULL };

struct fixture {
	struct policy policy;
	struct host host;
	struct plan from, to;
	struct relimit relimit;
	struct relimit_wish wish;
	struct relimit_figures figures;
	struct policy_errors errors;
	char refusal[512];
};

/* memory.max 512 MiB (web.yaml:12), from which 288 MiB of old space are planned; a worker that uses 200 MiB. */
static struct fixture *make(void)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .policy = capped_policy(512 * MIB), .host = sample_host(),
				    .figures = { 200 * MIB, 60 * MIB, "" } };
	plan_resolve(&fixture.policy, &fixture.host, command, &fixture.from);
	return &fixture;
}

static struct fixture *make_with_old_space(uint64_t old_bytes)
{
	struct fixture *fixture = make();
	fixture->policy.heap.old_space = (struct old_space){ .kind = OLD_SPACE_BYTES, .bytes = old_bytes };
	set_origin(&fixture->policy, KEY_HEAP_OLD_SPACE, "web.yaml", 20);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->from);
	return fixture;
}

/* As the service does it. Returns 0 where it is taken; then it is what counts from now on. */
static int set(struct fixture *fixture, const char *settings)
{
	struct policy policy = fixture->policy;
	struct relimit relimit = fixture->relimit;
	memset(&fixture->errors, 0, sizeof(fixture->errors));
	fixture->refusal[0] = '\0';
	assert_int_equal(relimit_read(settings, &fixture->wish, &fixture->errors), 0);
	if (relimit_plan(&fixture->wish, &fixture->from, &fixture->host, command, &policy, &relimit, &fixture->to,
			 fixture->refusal, sizeof(fixture->refusal)) < 0 ||
	    relimit_check(&fixture->wish, &fixture->from, &fixture->to, &policy, &fixture->host, &fixture->figures,
			  fixture->refusal, sizeof(fixture->refusal)) < 0)
		return -1;
	fixture->policy = policy;
	fixture->relimit = relimit;
	fixture->from = fixture->to;
	return 0;
}

static void assert_refused(struct fixture *fixture, const char *settings, const char *why)
{
	if (set(fixture, settings) == 0)
		fail_msg("%s is taken", settings);
	if (strstr(fixture->refusal, why) == NULL)
		fail_msg("%s: \"%s\" is not in: %s", settings, why, fixture->refusal);
}

static void assert_numbers(const struct fixture *fixture, uint64_t max_mib, uint64_t old_mib)
{
	assert_int_equal(mib(&fixture->to, PLAN_MEMORY_MAX), max_mib);
	assert_int_equal(mib(&fixture->to, PLAN_OLD_SPACE), old_mib);
}

static void two_keys_may_be_set(void **state UNUSED)
{
	static const struct {
		const char *settings, *error; /* NULL: none */
	} rows[] = {
		{ "memory.max=600M", NULL },
		{ "memory.max=none", NULL },
		{ "memory.max=600M\nheap.old_space=auto", NULL },
		{ "heap.old_space=75% of memory.max", NULL },
		{ "memory.max=600", "has no unit; write 600M" },
		{ "memory.max=1M", "1M is out of range: 16M to 1024G" },
		{ "memory.maxx=600M", "unknown key \"memory.maxx\"; did you mean \"memory.max\"?" },
		{ "memory.high=600M", "memory.high takes a restart; edit the policy" },
		{ "service.environment.set.A=1", "service.environment.set.A takes a restart" },
		{ "heap.headroom=1M\nmemory.max=600M", "heap.headroom takes a restart" },
		{ "restart.budget.deaths=3",
		  "restart.budget.deaths is not set here; edit the policy, then heapward reload, which takes it at once" },
		{ "service.instances=3", "service.instances takes a new start; edit the policy, then heapward stop" },
		{ "memory.max", "is no setting" },
		{ "", "nothing to set" },
		{ "\n\n", "nothing to set" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *fixture = make();
		int result = relimit_read(rows[i].settings, &fixture->wish, &fixture->errors);
		assert_int_equal(result, rows[i].error == NULL ? 0 : -1);
		if (rows[i].error != NULL)
			assert_contains(fixture->errors.list[0].text, rows[i].error);
	}
}

static void old_space_follows_where_it_is_auto(void **state UNUSED)
{
	struct fixture *fixture = make();
	char text[512];
	assert_int_equal(set(fixture, "memory.max=600M"), 0);
	assert_numbers(fixture, 600, 376);
	assert_true(fixture->relimit.memory_max.asked && !fixture->relimit.old_space.asked);
	assert_true(fixture->relimit.memory_max.changed && fixture->relimit.old_space.changed);
	assert_int_equal(fixture->relimit.old_space.was_bytes, 288 * MIB);
	assert_string_equal(fixture->relimit.old_space.was_from, "auto");
	explain_number(&fixture->to, PLAN_MEMORY_MAX, text, sizeof(text));
	assert_string_equal(text, "memory max 600 MiB = memory.max (set while running; was 512 MiB (web.yaml:12))");
	assert_int_equal(set(fixture, "memory.max=480M"), 0);
	assert_numbers(fixture, 480, 256);
	assert_string_equal(fixture->relimit.memory_max.was_from, "web.yaml:12");
	assert_int_equal(fixture->relimit.memory_max.was_bytes, 512 * MIB);
}

static void what_is_said_of_it_stays_while_it_is_not_named(void **state UNUSED)
{
	struct fixture *fixture = make_with_old_space(128 * MIB);
	char text[512];
	assert_int_equal(set(fixture, "memory.max=600M"), 0);
	assert_numbers(fixture, 600, 128);
	assert_false(fixture->relimit.old_space.changed);
	assert_int_equal(set(fixture, "heap.old_space=200M"), 0);
	assert_numbers(fixture, 600, 200);
	explain_number(&fixture->to, PLAN_OLD_SPACE, text, sizeof(text));
	assert_string_equal(text, "old space 200 MiB = heap.old_space (set while running; was 128 MiB (web.yaml:20))");
	assert_int_equal(set(fixture, "heap.old_space=auto"), 0);
	assert_numbers(fixture, 600, 376);
}

static void the_end_of_a_long_name_is_what_is_said_of_it(void **state UNUSED)
{
	struct fixture *fixture = make();
	memset(fixture->policy.origins[KEY_MEMORY_MAX].file, 'x', 120);
	assert_int_equal(set(fixture, "memory.max=600M"), 0);
	assert_int_equal(strlen(fixture->relimit.memory_max.was_from), RELIMIT_FROM_MAX - 1);
	assert_contains(fixture->relimit.memory_max.was_from, "...xxx");
	assert_contains(fixture->relimit.memory_max.was_from, "xxx:12");
}

/* The next start plans it anew; V8 cannot change it. */
static void the_semi_space_is_the_workers(void **state UNUSED)
{
	struct fixture *fixture = make();
	fixture->figures.in_use_bytes = 100 * MIB;
	assert_int_equal(mib(&fixture->from, PLAN_SEMI_SPACE), 16);
	assert_int_equal(set(fixture, "memory.max=320M"), 0);
	assert_int_equal(mib(&fixture->to, PLAN_SEMI_SPACE), 16);
	assert_numbers(fixture, 320, 320 - 48 - 128 - 48);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->to);
	assert_int_equal(mib(&fixture->to, PLAN_SEMI_SPACE), 8);
}

static void what_would_kill_or_starve_is_refused_with_the_numbers(void **state UNUSED)
{
	struct fixture *fixture = make_with_old_space(128 * MIB);
	assert_refused(fixture, "memory.max=120M", "heap.old_space 128 MiB (web.yaml:20) does not fit memory.max 120 MiB");
	assert_refused(fixture, "memory.max=300M\nheap.old_space=400M", "heap.old_space 400 MiB");
	assert_refused(fixture, "memory.max=300M",
		       "old space 128 MiB needs 352 MiB (reserve 176 MiB, headroom 48 MiB), and the limit is 300 MiB");
	assert_refused(fixture, "heap.old_space=400M",
		       "old space 400 MiB needs 624 MiB (reserve 176 MiB, headroom 48 MiB), and the limit is 512 MiB");
	fixture->figures.in_use_bytes = 390 * MIB;
	assert_refused(fixture, "memory.max=380M", "memory.max 380 MiB is below what is in use: 390 MiB");
	assert_refused(fixture, "heap.old_space=50M",
		       "old space 50 MiB is below what lives in it after a full collection: 60 MiB");
	assert_int_equal(set(fixture, "memory.max=400M\nheap.old_space=64M"), 0);
}

static void what_did_not_fit_before_may_become_better(void **state UNUSED)
{
	struct fixture *fixture = make_with_old_space(400 * MIB);
	assert_true(fixture->from.remark_count > 0);
	assert_int_equal(set(fixture, "memory.max=560M"), 0);
	assert_refused(fixture, "memory.max=550M", "old space 400 MiB needs 624 MiB");
}

static void more_than_is_free_is_refused(void **state UNUSED)
{
	struct fixture *fixture = make_with_old_space(128 * MIB);
	fixture->host.mem_available_bytes = 399 * MIB;
	assert_refused(fixture, "memory.max=600M",
		       "need 400 MiB (memory.max 600 MiB - in use 200 MiB), have 399 MiB (MemAvailable)");
	fixture->host.mem_available_bytes = 60 * MIB;
	assert_refused(fixture, "heap.old_space=190M",
		       "need 62 MiB (old space 190 MiB - 128 MiB before), have 60 MiB (MemAvailable)");
	assert_int_equal(set(fixture, "heap.old_space=180M"), 0);
	fixture->host.mem_available_bytes = GIB;
	fixture->host.levels[1].max_bytes = 1000 * MIB;
	fixture->host.levels[1].current_bytes = 700 * MIB;
	assert_refused(fixture, "memory.max=600M",
		       "need 400 MiB (memory.max 600 MiB - in use 200 MiB), have 300 MiB (free in /user.slice)");
	assert_int_equal(set(fixture, "memory.max=500M"), 0);
	assert_int_equal(set(fixture, "memory.max=490M"), 0);
}

static void all_instances_may_take_what_is_set(void **state UNUSED)
{
	struct fixture *fixture = make_with_old_space(128 * MIB);
	fixture->policy.service.instances = 3;
	fixture->host.mem_available_bytes = 1199 * MIB;
	assert_refused(fixture, "memory.max=600M", "need 1200 MiB (memory.max 600 MiB - in use 200 MiB for each of 3 instances), "
						   "have 1199 MiB (MemAvailable)");
	fixture->host.mem_available_bytes = 1200 * MIB;
	assert_int_equal(set(fixture, "memory.max=600M"), 0);
}

static void an_old_space_that_cannot_be_changed_has_to_fit_as_it_is(void **state UNUSED)
{
	struct fixture *fixture = make();
	fixture->figures.cannot = "the agent is not loaded";
	assert_refused(fixture, "heap.old_space=200M", "old space cannot be changed while it runs: the agent is not loaded");
	assert_refused(fixture, "memory.max=480M", "old space 288 MiB needs ");
	assert_int_equal(set(fixture, "memory.max=600M"), 0);
	fixture = make();
	fixture->policy.heap.runtime = RUNTIME_NONE;
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->from);
	assert_refused(fixture, "heap.old_space=200M", "there is no old space to set: not managed: heap.runtime: none");
	assert_refused(fixture, "memory.max=40M", "heap.headroom: not below memory.max"); /* the policy's own checks */
	fixture->policy.memory.high_bytes = 300 * MIB; /* of which the first is now a warning */
	assert_refused(fixture, "memory.max=40M", "heap.headroom: not below memory.max");
	fixture->policy.memory.high_bytes = SIZE_NONE;
	assert_int_equal(set(fixture, "memory.max=300M"), 0);
}

static void what_the_plan_refuses_is_refused(void **state UNUSED)
{
	struct fixture *fixture = make();
	strcpy(fixture->host.node_options, "--max-old-space-size=100");
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->from);
	assert_refused(fixture, "heap.old_space=200M", "contradicts --max-old-space-size=100 (NODE_OPTIONS)");
	fixture = make();
	fixture->host.cgroup_writable = false;
	assert_refused(fixture, "memory.max=600M", "memory.max 600 MiB (set while running; was 512 MiB (web.yaml:12)) cannot "
		       "be enforced");
}

static void a_run_without_limits_can_be_given_some(void **state UNUSED)
{
	struct fixture *fixture = make();
	char text[512];
	fixture->policy = sample_policy();
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->from);
	assert_int_equal(set(fixture, "memory.max=512M"), 0);
	assert_numbers(fixture, 512, 288);
	explain_number(&fixture->to, PLAN_MEMORY_MAX, text, sizeof(text));
	assert_contains(text, "(set while running; was none)");
	assert_string_equal(fixture->relimit.old_space.was_from, "Node's own choice");
	assert_int_equal(set(fixture, "memory.max=none"), 0);
	assert_int_equal(number(&fixture->to, PLAN_MEMORY_MAX), SIZE_NONE);
}

static struct fixture *make_raised(void)
{
	struct fixture *fixture = make_with_old_space(64 * MIB);
	fixture->policy.heap.at_limit = AT_LIMIT_RAISE;
	fixture->policy.heap.raise_by.percent = 50;
	fixture->policy.heap.raise_up_to_bytes = GIB;
	raises_add(&fixture->host.raises, &(struct raise){ 0, 64 * MIB, 360 * MIB, 600 * MIB });
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->from);
	assert_int_equal(mib(&fixture->from, PLAN_OLD_SPACE), 360);
	assert_int_equal(mib(&fixture->from, PLAN_MEMORY_MAX), 600);
	return fixture;
}

static void what_raises_came_to_is_a_limit_like_another(void **state UNUSED)
{
	struct fixture *fixture = make_raised();
	assert_int_equal(set(fixture, "memory.max=700M"), 0);
	assert_numbers(fixture, 700, 360);
	fixture = make_raised();
	assert_int_equal(set(fixture, "heap.old_space=100M"), 0);
	assert_numbers(fixture, 600, 100);
	assert_refused(make_raised(), "memory.max=512M", "old space 360 MiB needs 584 MiB");
}

static void a_raise_goes_on_from_what_was_set(void **state UNUSED)
{
	struct fixture *fixture = make_raised();
	struct raise raise;
	assert_int_equal(set(fixture, "heap.old_space=100M"), 0);
	fixture->host.raises = (struct raises){ 0 }; /* as the service does it */
	assert_int_equal(raise_next(&fixture->from, &fixture->policy, &fixture->host, SIZE_UNKNOWN, &raise, fixture->refusal,
				    sizeof(fixture->refusal)), 0);
	assert_int_equal(raise.from_bytes, 100 * MIB);
	assert_int_equal(raise.to_bytes, 150 * MIB);
	raises_add(&fixture->host.raises, &raise);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->to);
	assert_numbers(fixture, 600, 150);
}

static void a_limit_is_taken_when_v8_says_so(void **state UNUSED)
{
	static const struct {
		uint64_t asked_mib, granted_mib, limit_mib, young_mib;
		uint32_t state;
		uint64_t in_effect_mib;
		bool taken;
	} rows[] = {
		{ 400, 0, 448, 48, HEAPWARD_LIMIT_TAKEN, 400, true },
		{ 400, 0, 304, 48, HEAPWARD_LIMIT_WAITS, 256, false },
		{ 256, 0, 304, 48, HEAPWARD_LIMIT_WAITS, 256, true },  /* back where it was */
		{ 256, 48, 352, 48, HEAPWARD_LIMIT_WAITS, 256, true },
		{ 400, 0, 448, SIZE_UNKNOWN, HEAPWARD_LIMIT_WAITS, SIZE_UNKNOWN, false },
		{ 400, 0, 448, SIZE_UNKNOWN, HEAPWARD_LIMIT_TAKEN, SIZE_UNKNOWN, true },
		{ 400, 0, 20, 48, HEAPWARD_LIMIT_WAITS, SIZE_UNKNOWN, false }, /* a lie */
		{ 400, 0, 448, 48, HEAPWARD_LIMIT_REFUSED, 400, false },
		{ 400, 0, 448, 48, 0, 400, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reporter reporter = {
			.asked_old_space_bytes = rows[i].asked_mib * MIB,
			.granted_bytes = rows[i].granted_mib * MIB,
			.heap_size_limit_bytes = rows[i].limit_mib * MIB,
			.limit_state = rows[i].state,
		};
		uint64_t young = rows[i].young_mib == SIZE_UNKNOWN ? SIZE_UNKNOWN : rows[i].young_mib * MIB;
		uint64_t wanted = rows[i].in_effect_mib == SIZE_UNKNOWN ? SIZE_UNKNOWN : rows[i].in_effect_mib * MIB;
		if (relimit_is_taken(&reporter, young) != rows[i].taken || relimit_in_effect(&reporter, young) != wanted)
			fail_msg("row %zu", i);
	}
}

static void a_drop_in_says_what_was_set_and_is_read_back(void **state UNUSED)
{
	static const char *const rows[] = {
		"memory.max=600M", "memory.max=none", "heap.old_space=400M", "heap.old_space=auto",
		"heap.old_space=75% of memory.max", "memory.max=20481K\nheap.old_space=2G",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *fixture = make();
		struct relimit_wish again;
		struct policy policy;
		char text[RELIMIT_DROP_IN_MAX];
		assert_int_equal(relimit_read(rows[i], &fixture->wish, &fixture->errors), 0);
		relimit_drop_in(&fixture->wish, text);
		assert_int_equal(relimit_drop_in_read("50-set.yaml", text, strlen(text), &again, &fixture->errors), 0);
		assert_int_equal(again.has_memory_max, fixture->wish.has_memory_max);
		assert_int_equal(again.has_old_space, fixture->wish.has_old_space);
		policy_init(&policy);
		assert_false(relimit_holds(&fixture->wish, &policy) && strcmp(rows[i], "memory.max=none") != 0 &&
			     strcmp(rows[i], "heap.old_space=auto") != 0);
		assert_int_equal(policy_apply_text(&policy, "50-set.yaml", text, strlen(text), &fixture->errors), 0);
		assert_true(relimit_holds(&fixture->wish, &policy));
		policy_finish(&policy);
	}
}

static void a_drop_in_with_other_keys_is_not_ours(void **state UNUSED)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "version: 1\nmemory: {max: 1G}\nstop: {timeout: 1s}\n", "stop.timeout: this file is for heapward set" },
		{ "memory: {max: 1G}\n", "no version" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *fixture = make();
		assert_int_equal(relimit_drop_in_read("50-set.yaml", rows[i].text, strlen(rows[i].text), &fixture->wish,
						      &fixture->errors), -1);
		assert_contains(fixture->errors.list[0].text, rows[i].error);
	}
}

static void only_what_was_named_is_saved(void **state UNUSED)
{
	const struct relimit_wish max = { .has_memory_max = true }, old = { .has_old_space = true };
	struct relimit relimit = { .memory_max.asked = true, .old_space.asked = true };
	assert_string_equal(relimit_unsaved(&relimit), "memory.max, heap.old_space");
	relimit_saved(&relimit, &old);
	assert_false(relimit.memory_max.saved);
	assert_string_equal(relimit_unsaved(&relimit), "memory.max");
	relimit_saved(&relimit, &max);
	assert_true(relimit.memory_max.saved && relimit.old_space.saved);
	assert_string_equal(relimit_unsaved(&relimit), "");
	relimit.old_space.saved = false; /* set again, without */
	assert_string_equal(relimit_unsaved(&relimit), "heap.old_space");
	relimit.old_space.asked = false; /* it follows */
	assert_string_equal(relimit_unsaved(&relimit), "");
}

static void a_later_wish_goes_over_an_earlier_one(void **state UNUSED)
{
	struct relimit_wish wish = { .has_memory_max = true, .memory_max_bytes = 300 * MIB };
	const struct relimit_wish old = { .has_old_space = true, .old_space = { OLD_SPACE_BYTES, 64 * MIB, 0 } };
	const struct relimit_wish max = { .has_memory_max = true, .memory_max_bytes = 400 * MIB };
	relimit_merge(&wish, &old);
	assert_true(wish.has_old_space && wish.memory_max_bytes == 300 * MIB && wish.old_space.bytes == 64 * MIB);
	relimit_merge(&wish, &max);
	assert_true(wish.memory_max_bytes == 400 * MIB && wish.old_space.bytes == 64 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_keys_may_be_set),
		cmocka_unit_test(only_what_was_named_is_saved),
		cmocka_unit_test(old_space_follows_where_it_is_auto),
		cmocka_unit_test(what_is_said_of_it_stays_while_it_is_not_named),
		cmocka_unit_test(the_end_of_a_long_name_is_what_is_said_of_it),
		cmocka_unit_test(the_semi_space_is_the_workers),
		cmocka_unit_test(what_would_kill_or_starve_is_refused_with_the_numbers),
		cmocka_unit_test(what_did_not_fit_before_may_become_better),
		cmocka_unit_test(more_than_is_free_is_refused),
		cmocka_unit_test(all_instances_may_take_what_is_set),
		cmocka_unit_test(an_old_space_that_cannot_be_changed_has_to_fit_as_it_is),
		cmocka_unit_test(what_the_plan_refuses_is_refused),
		cmocka_unit_test(a_run_without_limits_can_be_given_some),
		cmocka_unit_test(what_raises_came_to_is_a_limit_like_another),
		cmocka_unit_test(a_raise_goes_on_from_what_was_set),
		cmocka_unit_test(a_limit_is_taken_when_v8_says_so),
		cmocka_unit_test(a_drop_in_says_what_was_set_and_is_read_back),
		cmocka_unit_test(a_drop_in_with_other_keys_is_not_ours),
		cmocka_unit_test(a_later_wish_goes_over_an_earlier_one),
	};
	return cmocka_run_group_tests_name("relimit", tests, NULL, NULL);
}
