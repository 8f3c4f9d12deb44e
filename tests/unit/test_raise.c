/* SPDX-License-Identifier: Apache-2.0 */
/* How far old space goes up after a fatal heap-limit error, what refuses it, and the record of it. */
#include "tests/unit/unit.h"
#include "supervisor/core/raise.h"
#include "tests/unit/plan_unit.h"

static char *command[] = { "node", "server.js", NULL };

/* 64 MiB of old space, raised by half up to 1 GiB. */
static struct policy raising_policy(uint64_t max_bytes)
{
	struct policy policy = capped_policy(max_bytes);
	policy.heap.old_space = (struct old_space){ .kind = OLD_SPACE_BYTES, .bytes = 64 * MIB };
	policy.heap.at_limit = AT_LIMIT_RAISE;
	policy.heap.raise_by.percent = 50;
	policy.heap.raise_up_to_bytes = GIB;
	return policy;
}

struct fixture {
	struct policy policy;
	struct host host;
	struct plan plan;
	struct raise raise;
	char refusal[256];
};

static struct fixture *make(uint64_t max_bytes)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .policy = raising_policy(max_bytes), .host = sample_host() };
	return &fixture;
}

static int next(struct fixture *fixture, uint64_t in_effect)
{
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->plan);
	fixture->refusal[0] = '\0';
	return raise_next(&fixture->plan, &fixture->policy, &fixture->host, in_effect, &fixture->raise, fixture->refusal,
			  sizeof(fixture->refusal));
}

/* As the next supervisor finds it on disk. */
static void keep(struct fixture *fixture)
{
	raises_add(&fixture->host.raises, &fixture->raise);
}

static void a_raise_adds_its_share_and_keeps_memory_max_where_it_fits(void **state UNUSED)
{
	struct fixture *fixture = make(512 * MIB);
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	assert_int_equal(fixture->raise.from_bytes, 64 * MIB);
	assert_int_equal(fixture->raise.to_bytes, 96 * MIB);
	assert_int_equal(fixture->raise.memory_max_bytes, 512 * MIB);
}

static void memory_max_grows_where_it_must(void **state UNUSED)
{
	struct fixture *fixture = make(320 * MIB);
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	uint64_t reserve = number(&fixture->plan, PLAN_RESERVE);
	keep(fixture);
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	assert_int_equal(mib(&fixture->plan, PLAN_OLD_SPACE), 96);
	assert_int_equal(fixture->raise.to_bytes, 144 * MIB);
	assert_int_equal(fixture->raise.memory_max_bytes, 144 * MIB + reserve + 48 * MIB);
	keep(fixture);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->plan);
	assert_int_equal(number(&fixture->plan, PLAN_MEMORY_MAX), fixture->raise.memory_max_bytes);
	assert_int_equal(mib(&fixture->plan, PLAN_OLD_SPACE), 144);
	assert_non_null(strstr(fixture->plan.node_options, "--max-old-space-size=144"));
	assert_non_null(strstr(fixture->plan.numbers[PLAN_OLD_SPACE].rule, "raised 2 times"));
	assert_non_null(strstr(fixture->plan.numbers[PLAN_MEMORY_MAX].inputs[0].from, "web.yaml:12"));
	assert_true(plan_is_startable(&fixture->plan));
}

static void auto_is_raised_like_a_size(void **state UNUSED)
{
	struct fixture *fixture = make(320 * MIB);
	fixture->policy.heap.old_space = (struct old_space){ .kind = OLD_SPACE_AUTO };
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	uint64_t to = fixture->raise.to_bytes;
	assert_true(to > fixture->raise.from_bytes && fixture->raise.memory_max_bytes > 320 * MIB);
	keep(fixture);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->plan);
	assert_true(number(&fixture->plan, PLAN_OLD_SPACE) >= to);
	assert_true(number(&fixture->plan, PLAN_OLD_SPACE) <= to + 2 * MIB);
}

static void a_size_raises_by_that_size_and_up_to_ends_it(void **state UNUSED)
{
	struct fixture *fixture = make(512 * MIB);
	fixture->policy.heap.raise_by = (struct step_size){ .bytes = 100 * MIB };
	fixture->policy.heap.raise_up_to_bytes = 150 * MIB;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	assert_int_equal(fixture->raise.to_bytes, 150 * MIB);
	keep(fixture);
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_string_equal(fixture->refusal, "old space 150 MiB has reached heap.raise.up_to 150 MiB");
}

static void where_room_for_two_is_kept_a_raise_must_leave_it(void **state UNUSED)
{
	struct fixture *fixture = make(320 * MIB);
	hold(&fixture->policy, "tcp:3000");
	fixture->host.levels[1].max_bytes = 590 * MIB;
	fixture->host.levels[1].current_bytes = 0;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	fixture->policy.memory.spare = SPARE_KEEP;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_string_equal(fixture->refusal, "need 592 MiB, a group above has a limit of 590 MiB");
}

static void too_little_memory_refuses_with_the_numbers(void **state UNUSED)
{
	struct fixture *fixture = make(320 * MIB);
	fixture->host.levels[1].max_bytes = GIB; /* an ancestor, of which 900 MiB are in use */
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_non_null(strstr(fixture->refusal, "have 124 MiB (free in /user.slice)"));
	fixture->host = sample_host();
	fixture->host.mem_available_bytes = 200 * MIB;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_non_null(strstr(fixture->refusal, "need 2"));
	assert_non_null(strstr(fixture->refusal, "have 200 MiB (MemAvailable)"));
}

static void the_room_is_for_all_processes(void **state UNUSED)
{
	struct fixture *fixture = make(512 * MIB);
	fixture->policy.heap.processes = 2;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	uint64_t reserve = number(&fixture->plan, PLAN_RESERVE);
	assert_int_equal(fixture->raise.to_bytes, 96 * MIB);
	assert_int_equal(fixture->raise.memory_max_bytes, 2 * (96 * MIB + reserve + 48 * MIB));
}

static void a_limit_above_refuses_even_where_it_is_empty(void **state UNUSED)
{
	struct fixture *fixture = make(300 * MIB);
	fixture->host.levels[0].max_bytes = 270 * MIB;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_non_null(strstr(fixture->refusal, "a group above has a limit of 270 MiB"));
	fixture->host = sample_host();
	fixture->policy.memory.high_bytes = 260 * MIB;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_non_null(strstr(fixture->refusal, "memory.high is 260 MiB"));
}

static void where_node_chose_the_limit_v8_tells_it(void **state UNUSED)
{
	struct fixture *fixture = make(SIZE_NONE);
	fixture->policy.heap.old_space = (struct old_space){ .kind = OLD_SPACE_AUTO };
	fixture->policy.from_file = false;
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_string_equal(fixture->refusal, "the old space in effect is not known");
	assert_int_equal(next(fixture, 256 * MIB), 0);
	assert_int_equal(fixture->raise.to_bytes, 384 * MIB);
	assert_int_equal(fixture->raise.memory_max_bytes, SIZE_NONE);
	keep(fixture);
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->plan);
	assert_int_equal(mib(&fixture->plan, PLAN_OLD_SPACE), 384);
}

static void a_flag_of_the_users_own_is_not_raised(void **state UNUSED)
{
	struct fixture *fixture = make(512 * MIB);
	fixture->policy.heap.old_space = (struct old_space){ .kind = OLD_SPACE_AUTO };
	snprintf(fixture->host.node_options, sizeof(fixture->host.node_options), "--max-old-space-size=64");
	assert_int_equal(next(fixture, SIZE_UNKNOWN), -1);
	assert_non_null(strstr(fixture->refusal, "remove the flag"));
}

static void without_raise_the_record_counts_for_nothing(void **state UNUSED)
{
	struct fixture *fixture = make(512 * MIB);
	assert_int_equal(next(fixture, SIZE_UNKNOWN), 0);
	keep(fixture);
	fixture->policy.heap.at_limit = AT_LIMIT_RESTART;
	plan_resolve(&fixture->policy, &fixture->host, command, &fixture->plan);
	assert_int_equal(mib(&fixture->plan, PLAN_OLD_SPACE), 64);
}

static void the_record_survives_the_disk(void **state UNUSED)
{
	struct raises raises = { .policy = "max=1" }, read;
	for (unsigned i = 0; i < RAISES_MAX + 3; i++)
		raises_add(&raises, &(struct raise){ .at_realtime_usec = i, .from_bytes = (1 + i) * MIB,
						     .to_bytes = (2 + i) * MIB, .memory_max_bytes = SIZE_NONE });
	cleanup_free char *json = raises_json(&raises);
	assert_int_equal(raises_parse(json, &read), 0);
	assert_memory_equal(&read, &raises, sizeof(read));
	assert_int_equal(read.count, RAISES_MAX);
	assert_int_equal(read.list[0].at_realtime_usec, 3);
}

static void what_is_no_record_is_refused(void **state UNUSED)
{
	static const char *const texts[] = { "", "{}", "[]", "{\"raises\":1}", "{\"raises\":[{}]}", "{\"raises\":[{\"to_bytes\":1}]}",
					     "{\"raises\":[null]}", "\xff" };
	struct raises read;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (raises_parse(texts[i], &read) == 0)
			fail_msg("taken: %s", texts[i]);
}

static void a_raise_is_told_in_one_line(void **state UNUSED)
{
	char text[160];
	struct raise raise = { .from_bytes = 64 * MIB, .to_bytes = 96 * MIB, .memory_max_bytes = 512 * MIB };
	assert_string_equal(raise_text(&raise, text, sizeof(text)), "old space 64 MiB -> 96 MiB, memory.max 512 MiB");
	raise.memory_max_bytes = SIZE_NONE;
	assert_string_equal(raise_text(&raise, text, sizeof(text)), "old space 64 MiB -> 96 MiB");
}

static void another_policy_has_another_text(void **state UNUSED)
{
	char one[RAISE_POLICY_MAX], other[RAISE_POLICY_MAX];
	struct policy policy = raising_policy(512 * MIB);
	raise_policy(&policy, one);
	policy.heap.raise_up_to_bytes++;
	raise_policy(&policy, other);
	assert_string_not_equal(one, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_raise_adds_its_share_and_keeps_memory_max_where_it_fits),
		cmocka_unit_test(memory_max_grows_where_it_must),
		cmocka_unit_test(auto_is_raised_like_a_size),
		cmocka_unit_test(a_size_raises_by_that_size_and_up_to_ends_it),
		cmocka_unit_test(where_room_for_two_is_kept_a_raise_must_leave_it),
		cmocka_unit_test(too_little_memory_refuses_with_the_numbers),
		cmocka_unit_test(the_room_is_for_all_processes),
		cmocka_unit_test(a_limit_above_refuses_even_where_it_is_empty),
		cmocka_unit_test(where_node_chose_the_limit_v8_tells_it),
		cmocka_unit_test(a_flag_of_the_users_own_is_not_raised),
		cmocka_unit_test(without_raise_the_record_counts_for_nothing),
		cmocka_unit_test(the_record_survives_the_disk),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(a_raise_is_told_in_one_line),
		cmocka_unit_test(another_policy_has_another_text),
	};
	return cmocka_run_group_tests_name("raise", tests, NULL, NULL);
}
