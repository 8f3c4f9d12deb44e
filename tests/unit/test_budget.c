/* SPDX-License-Identifier: Apache-2.0 */
/* The window of deaths and the growth of the back-off, by value. */
#include "tests/unit/unit.h"
#include "supervisor/core/budget.h"

#define SEC USEC_PER_SEC

static void a_death_counts_until_the_window_has_passed_it(void **state UNUSED)
{
	static const struct {
		int64_t now_sec;
		uint32_t used;
	} rows[] = { { 40, 3 }, { 70, 3 }, { 71, 2 }, { 80, 2 }, { 81, 1 }, { 100, 1 }, { 101, 0 }, { 100000, 0 } };
	static struct budget budget;
	budget_clear(&budget);
	budget_add(&budget, 10 * SEC, VERDICT_EXIT);
	budget_add(&budget, 20 * SEC, VERDICT_EXIT);
	budget_add(&budget, 40 * SEC, VERDICT_EXIT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (budget_used(&budget, rows[i].now_sec * SEC, 60 * SEC) != rows[i].used)
			fail_msg("at %lld s: %u", (long long)rows[i].now_sec,
				 budget_used(&budget, rows[i].now_sec * SEC, 60 * SEC));
}

static void a_window_without_end_forgets_nothing(void **state UNUSED)
{
	static struct budget budget;
	budget_clear(&budget);
	budget_add(&budget, 0, VERDICT_EXIT);
	assert_int_equal(budget_used(&budget, INT64_MAX, INT64_MAX), 1);
	assert_int_equal(budget_used(&budget, 1, 0), 0);
	assert_int_equal(budget_used(&budget, 0, 0), 1);
}

static void a_clock_that_jumps_back_loses_no_death(void **state UNUSED)
{
	static struct budget budget;
	budget_clear(&budget);
	budget_add(&budget, 500 * SEC, VERDICT_EXIT);
	budget_add(&budget, 500 * SEC, VERDICT_EXIT);
	assert_int_equal(budget_used(&budget, 10 * SEC, 60 * SEC), 2);
}

static void a_cleared_budget_is_empty(void **state UNUSED)
{
	static struct budget budget;
	budget_clear(&budget);
	assert_int_equal(budget_used(&budget, 0, USEC_NEVER), 0);
	budget_add(&budget, SEC, VERDICT_EXIT);
	budget_clear(&budget);
	assert_int_equal(budget_used(&budget, SEC, USEC_NEVER), 0);
}

static void forgiven_deaths_count_for_their_verdict_only(void **state UNUSED)
{
	static struct budget budget;
	budget_clear(&budget);
	budget_add(&budget, 10 * SEC, VERDICT_SECCOMP);
	budget_add(&budget, 11 * SEC, VERDICT_EXIT);
	budget_forgive(&budget);
	budget_add(&budget, 12 * SEC, VERDICT_SECCOMP);
	assert_int_equal(budget_used(&budget, 12 * SEC, 60 * SEC), 1);
	assert_int_equal(budget_used_by(&budget, 12 * SEC, 60 * SEC, VERDICT_SECCOMP), 2);
	assert_int_equal(budget_used_by(&budget, 12 * SEC, 60 * SEC, VERDICT_EXIT), 1);
	assert_int_equal(budget_used_by(&budget, 72 * SEC, 60 * SEC, VERDICT_SECCOMP), 1);
	assert_int_equal(budget_used_by(&budget, 12 * SEC, 60 * SEC, VERDICT_SIGNAL), 0);
}

static void jitter_takes_away_up_to_a_fifth(void **state UNUSED)
{
	uint64_t none = 0, random = 7;
	int64_t least = INT64_MAX, most = 0;
	assert_int_equal(backoff_jitter(SEC, &none), SEC);
	for (int i = 0; i < 1000; i++) {
		int64_t delay = backoff_jitter(SEC, &random);
		assert_true(delay > SEC - SEC / 5 && delay <= SEC);
		least = delay < least ? delay : least;
		most = delay > most ? delay : most;
	}
	assert_true(least < SEC - SEC / 6 && most > SEC - SEC / 100);
	assert_int_equal(backoff_jitter(0, &random), 0);
	assert_true(backoff_jitter(INT64_MAX, &random) > INT64_MAX / 5 * 4 - 1024);
}

static void a_full_ring_forgets_the_oldest_death_first(void **state UNUSED)
{
	static struct budget budget;
	budget_clear(&budget);
	for (int64_t i = 0; i < 3 * BUDGET_DEATHS_MAX + 17; i++)
		budget_add(&budget, i * SEC, VERDICT_EXIT);
	int64_t last_usec = (3 * BUDGET_DEATHS_MAX + 16) * SEC;
	assert_int_equal(budget_used(&budget, last_usec, USEC_NEVER), BUDGET_DEATHS_MAX);
	assert_int_equal(budget_used(&budget, last_usec, 0), 1);
	assert_int_equal(budget_used(&budget, last_usec, 9 * SEC), 10);
	assert_int_equal(budget_used(&budget, last_usec, (BUDGET_DEATHS_MAX - 1) * SEC), BUDGET_DEATHS_MAX);
	assert_int_equal(budget_used(&budget, last_usec + SEC, (BUDGET_DEATHS_MAX - 1) * SEC), BUDGET_DEATHS_MAX - 1);
}

static void the_delay_grows_by_its_factor_up_to_its_end(void **state UNUSED)
{
	static const struct {
		int64_t from, up_to;
		uint32_t factor, step;
		int64_t delay;
	} rows[] = {
		{ 100, 30000, 2, 0, 100 },    { 100, 30000, 2, 1, 200 },    { 100, 30000, 2, 8, 25600 },
		{ 100, 30000, 2, 9, 30000 },  { 100, 30000, 2, 10, 30000 }, { 100, 30000, 2, UINT32_MAX, 30000 },
		{ 100, 30000, 1, 50, 100 },   { 100, 30000, 0, 50, 100 },   { 100, 30000, 3, 2, 900 },
		{ 0, 30000, 2, 50, 0 },	      { 0, 0, 2, 50, 0 },	    { 500, 100, 2, 0, 100 },
		{ 500, 100, 2, 3, 100 },      { 100, 100, 2, 3, 100 },	    { 1, INT64_MAX, 2, 62, INT64_C(1) << 62 },
		{ 1, INT64_MAX, 2, 63, INT64_MAX }, { 1, INT64_MAX, UINT32_MAX, 3, INT64_MAX },
		{ INT64_MAX, INT64_MAX, 2, 1, INT64_MAX },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rules rules = { .backoff_from_usec = rows[i].from, .backoff_up_to_usec = rows[i].up_to,
				       .backoff_factor = rows[i].factor };
		if (backoff_delay(&rules, rows[i].step) != rows[i].delay)
			fail_msg("row %zu: %lld", i, (long long)backoff_delay(&rules, rows[i].step));
	}
}

static void the_delay_never_shrinks_and_never_passes_its_end(void **state UNUSED)
{
	for (uint32_t factor = 0; factor < 12; factor++) {
		struct rules rules = { .backoff_from_usec = 7, .backoff_up_to_usec = 1000003, .backoff_factor = factor };
		int64_t before = 0;
		for (uint32_t step = 0; step < 40; step++) {
			int64_t delay = backoff_delay(&rules, step);
			assert_true(delay >= before && delay <= rules.backoff_up_to_usec);
			before = delay;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_counts_until_the_window_has_passed_it),
		cmocka_unit_test(a_window_without_end_forgets_nothing),
		cmocka_unit_test(a_clock_that_jumps_back_loses_no_death),
		cmocka_unit_test(a_cleared_budget_is_empty),
		cmocka_unit_test(forgiven_deaths_count_for_their_verdict_only),
		cmocka_unit_test(jitter_takes_away_up_to_a_fifth),
		cmocka_unit_test(a_full_ring_forgets_the_oldest_death_first),
		cmocka_unit_test(the_delay_grows_by_its_factor_up_to_its_end),
		cmocka_unit_test(the_delay_never_shrinks_and_never_passes_its_end),
	};
	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
