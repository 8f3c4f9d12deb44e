/* SPDX-License-Identifier: Apache-2.0 */
/* The budget's way over the disk, with a clock that began anew and a calendar that jumped. */
#include "tests/unit/unit.h"
#include "supervisor/core/budget.h"
#include "supervisor/core/budget_text.h"

#define SEC USEC_PER_SEC
#define REAL (INT64_C(1700000000) * SEC)

static void deaths_keep_their_age_verdict_and_forgiveness(void **state UNUSED)
{
	static struct slot before, after;
	before = after = (struct slot){ .backoff_step = 0 };
	before.backoff_step = 3;
	budget_add(&before.budget, 100 * SEC, VERDICT_SECCOMP);
	budget_forgive(&before.budget);
	budget_add(&before.budget, 160 * SEC, VERDICT_HEAP_LIMIT);
	cleanup_free char *text = budget_text(&before, 200 * SEC, REAL);
	assert_string_equal(text, "backoff_step 3\n1699999900000000 seccomp forgiven\n1699999960000000 heap-limit counts\n");
	assert_int_equal(budget_parse(text, 7 * SEC, REAL + 10 * SEC, &after), 2);
	assert_int_equal(after.backoff_step, 3);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 600 * SEC), 1);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 49 * SEC), 0);
	assert_int_equal(budget_used(&after.budget, 7 * SEC, 50 * SEC), 1);
	assert_int_equal(budget_used_by(&after.budget, 7 * SEC, 110 * SEC, VERDICT_SECCOMP), 1);
	assert_int_equal(budget_used_by(&after.budget, 7 * SEC, 109 * SEC, VERDICT_SECCOMP), 0);
}

static void a_calendar_set_back_loses_no_death(void **state UNUSED)
{
	static struct slot slot;
	slot = (struct slot){ .backoff_step = 0 };
	assert_int_equal(budget_parse("backoff_step 1\n1700000000000000 exit counts\n", 50 * SEC, SEC, &slot), 1);
	assert_int_equal(budget_used(&slot.budget, 50 * SEC, SEC), 1);
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
		{ "backoff_step 1\n5 exit counts\n\n", 1 },
	};
	static struct slot slot;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		slot = (struct slot){ .backoff_step = 0 };
		if (budget_parse(rows[i].text, SEC, REAL, &slot) != rows[i].deaths)
			fail_msg("row %zu: %u deaths", i, slot.budget.count);
	}
	slot = (struct slot){ .backoff_step = 0 };
	budget_parse("backoff_step 4000000000\n", SEC, REAL, &slot);
	assert_int_equal(slot.backoff_step, 64);
}

static void a_full_budget_fits(void **state UNUSED)
{
	static struct slot before, after;
	before = after = (struct slot){ .backoff_step = UINT32_MAX };
	for (int i = 0; i < BUDGET_DEATHS_MAX + 5; i++)
		budget_add(&before.budget, i * SEC, VERDICT_OOM_KILL_HOST);
	cleanup_free char *text = budget_text(&before, 2000 * SEC, INT64_C(9000000000000) * 1000);
	assert_int_equal(budget_parse(text, 2000 * SEC, INT64_C(9000000000000) * 1000, &after), BUDGET_DEATHS_MAX);
	assert_int_equal(budget_used(&after.budget, 2000 * SEC, 2000 * SEC), BUDGET_DEATHS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_keep_their_age_verdict_and_forgiveness),
		cmocka_unit_test(a_calendar_set_back_loses_no_death),
		cmocka_unit_test(what_is_none_of_ours_ends_the_reading),
		cmocka_unit_test(a_full_budget_fits),
	};
	return cmocka_run_group_tests_name("budget_text", tests, NULL, NULL);
}
