/* SPDX-License-Identifier: Apache-2.0 */
/* The budget's way over the disk, with a clock that began anew and a calendar that jumped. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "supervisor/core/budget.h"
#include "supervisor/core/budget_text.h"

#define SEC USEC_PER_SEC
#define REAL (INT64_C(1700000000) * SEC)
#define FAR (INT64_C(9000000000000) * 1000)
#define BOOT "3f0e2f0c-9d5f-4c61-8a5e-0c2f6f2f9d11"
#define CLOCK(...) (&(struct budget_clock){ __VA_ARGS__ })

/* What is kept of a service. */
struct kept {
	struct budget budget;
	uint32_t backoff_step;
};

static void deaths_keep_their_age_verdict_and_forgiveness(void **state UNUSED)
{
	static struct kept before, after;
	before = after = (struct kept){ .backoff_step = 0 };
	before.backoff_step = 3;
	budget_add(&before.budget, 100 * SEC, VERDICT_SECCOMP);
	budget_forgive(&before.budget);
	budget_add(&before.budget, 160 * SEC, VERDICT_HEAP_LIMIT);
	cleanup_free char *text = budget_text(&before.budget, before.backoff_step, CLOCK(200 * SEC, REAL, ""));
	assert_string_equal(text, "backoff_step 3\n1699999900000000 seccomp forgiven\n1699999960000000 heap-limit counts\n");
	assert_int_equal(budget_parse(text, CLOCK(7 * SEC, REAL + 10 * SEC, ""), &after.budget, &after.backoff_step), 2);
	assert_int_equal(after.backoff_step, 3);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 600 * SEC), 1);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 49 * SEC), 0);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 50 * SEC), 1);
	assert_int_equal(budget_used_by(&after.budget, 7 * SEC, 110 * SEC, VERDICT_SECCOMP), 1);
	assert_int_equal(budget_used_by(&after.budget, 7 * SEC, 109 * SEC, VERDICT_SECCOMP), 0);
}

static void a_calendar_set_back_loses_no_death(void **state UNUSED)
{
	static struct kept slot;
	slot = (struct kept){ .backoff_step = 0 };
	assert_int_equal(budget_parse("backoff_step 1\n1700000000000000 exit counts\n", CLOCK(50 * SEC, SEC, ""), &slot.budget, &slot.backoff_step), 1);
	assert_int_equal(budget_used(&slot.budget, 50 * SEC, SEC), 1);
}

/* Two deaths, 40 s and 100 s old, written and read again 60 s later. In the same boot their age is the clock's, whatever the
 * calendar did; after a reboot there is only the calendar. */
static void a_calendar_that_jumps_changes_no_age_within_a_boot(void **state UNUSED)
{
	static const struct {
		const char *boot;
		int64_t now, real;
		uint32_t within_100, within_159, within_160;
	} rows[] = {
		{ BOOT, 260, 60, 1, 1, 2 },            /* nothing special */
		{ BOOT, 260, -86400 * 365, 1, 1, 2 },  /* set back by a year */
		{ BOOT, 260, 86400 * 365, 1, 1, 2 },   /* set forward */
		{ "another", 9, 60, 1, 1, 2 },         /* a reboot, the calendar right */
		{ "another", 9, -86400, 2, 2, 2 },     /* and set back: as of now */
		{ "another", 9, 86400, 0, 0, 0 },      /* and set forward */
		{ "", 9, 60, 1, 1, 2 },
	};
	static struct kept before, after;
	before = (struct kept){ .backoff_step = 2 };
	budget_add(&before.budget, 100 * SEC, VERDICT_EXIT);
	budget_add(&before.budget, 160 * SEC, VERDICT_EXIT);
	cleanup_free char *text = budget_text(&before.budget, before.backoff_step, CLOCK(200 * SEC, REAL, BOOT));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		after = (struct kept){ .backoff_step = 0 };
		const struct budget_clock *now = CLOCK(rows[i].now * SEC, REAL + rows[i].real * SEC, "");
		struct budget_clock clock = *now;
		snprintf(clock.boot, sizeof(clock.boot), "%s", rows[i].boot);
		assert_int_equal(budget_parse(text, &clock, &after.budget, &after.backoff_step), 2);
		uint32_t used[] = { budget_used(&after.budget, clock.usec, 100 * SEC), budget_used(&after.budget, clock.usec, 159 * SEC),
				    budget_used(&after.budget, clock.usec, 160 * SEC) };
		if (used[0] != rows[i].within_100 || used[1] != rows[i].within_159 || used[2] != rows[i].within_160)
			fail_msg("row %zu: %u, %u, %u deaths", i, used[0], used[1], used[2]);
	}
}

static void what_is_none_of_ours_ends_the_reading(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint32_t deaths;
	} rows[] = {
		{ "", 0 }, { "x", 0 }, { "backoff_step", 0 }, { "backoff_step 1", 0 }, { "backoff_step 1\n", 0 },
		{ "backoff_step 1\n5 exit\n", 0 }, { "backoff_step 1\n5 exodus counts\n5 exit counts\n", 0 },
		{ "backoff_step 1\n5 exit counts\n-5 exit counts\n5 exit counts\n", 1 },
		{ "backoff_step 1\n5 exit counts\n\n", 1 }, { "backoff_step 1\nboot\n5 exit counts\n", 0 },
		{ "backoff_step 1\nboot b\n5 exit counts\n", 0 }, { "backoff_step 1\nboot b 7", 0 },
		{ "backoff_step 1\nboot b 7\n5 exit counts\n", 1 }, { "backoff_step 1\nboot x 7\n5 exit counts\n", 1 },
	};
	static struct kept slot;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		slot = (struct kept){ .backoff_step = 0 };
		if (budget_parse(rows[i].text, CLOCK(SEC, REAL, "b"), &slot.budget, &slot.backoff_step) != rows[i].deaths)
			fail_msg("row %zu: %u deaths", i, slot.budget.count);
	}
	slot = (struct kept){ .backoff_step = 0 };
	budget_parse("backoff_step 4000000000\n", CLOCK(SEC, REAL, ""), &slot.budget, &slot.backoff_step);
	assert_int_equal(slot.backoff_step, 64);
}

static void a_full_budget_fits(void **state UNUSED)
{
	static struct kept before, after;
	before = after = (struct kept){ .backoff_step = UINT32_MAX };
	for (int i = 0; i < BUDGET_DEATHS_MAX + 5; i++)
		budget_add(&before.budget, i * SEC, VERDICT_OOM_KILL_HOST);
	cleanup_free char *text = budget_text(&before.budget, before.backoff_step, CLOCK(2000 * SEC, FAR, BOOT));
	assert_int_equal(budget_parse(text, CLOCK(2000 * SEC, FAR, BOOT), &after.budget, &after.backoff_step), BUDGET_DEATHS_MAX);
	assert_int_equal(budget_used(&after.budget, 2000 * SEC, 2000 * SEC), BUDGET_DEATHS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_keep_their_age_verdict_and_forgiveness),
		cmocka_unit_test(a_calendar_set_back_loses_no_death),
		cmocka_unit_test(a_calendar_that_jumps_changes_no_age_within_a_boot),
		cmocka_unit_test(what_is_none_of_ours_ends_the_reading),
		cmocka_unit_test(a_full_budget_fits),
	};
	return cmocka_run_group_tests_name("budget_text", tests, NULL, NULL);
}
