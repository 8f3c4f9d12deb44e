/* SPDX-License-Identifier: Apache-2.0 */
/* test_forecast: what was live after full collections, and when it will be too much. */
#include "tests/unit/unit.h"
#include "base/units.h"
#include "supervisor/core/forecast.h"

#define SEC USEC_PER_SEC
#define NEVER USEC_NEVER

static void add_all(struct forecast *forecast, const int *mib, size_t count)
{
	forecast_init(forecast);
	for (size_t i = 0; i < count; i++)
		forecast_add(forecast, (int64_t)i * SEC, (uint64_t)mib[i] * MIB);
}

static const struct {
	const char *what;
	int mib[FORECAST_SAMPLES_MAX]; /* one a second, from second 0 */
	size_t count;
	int limit_mib;
	int64_t from_usec, to_usec; /* from the last sample on; both NEVER: never */
} rows[] = {
	{ "nothing is known", { 0 }, 0, 100, NEVER, NEVER },
	{ "too little is known", { 10, 20 }, 2, 100, NEVER, NEVER },
	{ "just enough", { 10, 20, 30 }, 3, 100, 7 * SEC, 7 * SEC },
	{ "a steady leak", { 10, 20, 30, 40 }, 4, 100, 6 * SEC, 6 * SEC },
	{ "a heap that does not move", { 50, 50, 50, 50, 50 }, 5, 100, NEVER, NEVER },
	{ "a heap that shrinks", { 50, 40, 30, 20 }, 4, 100, NEVER, NEVER },
	{ "a cache that is cleared in between", { 10, 20, 30, 5, 50, 60, 70 }, 7, 100, 2 * SEC, 4 * SEC },
	{ "one spike says nothing", { 50, 50, 50, 95, 50, 50, 50 }, 7, 100, NEVER, NEVER },
	{ "a saw tooth without a trend", { 20, 40, 60, 20, 40, 60, 20, 40, 60, 20 }, 10, 100, 60 * SEC, NEVER },
	{ "noise on a leak", { 12, 18, 33, 37, 52, 58, 72, 79 }, 8, 100, 1500000, 3 * SEC },
	{ "reached already", { 70, 80, 90, 101 }, 4, 100, 0, 0 },
	{ "a leak that has only begun", { 20, 20, 20, 20, 20, 20, 20, 30, 40, 50 }, 10, 100, 6 * SEC, NEVER },
};

static void the_limit_is_seen_coming(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct forecast forecast;
		add_all(&forecast, rows[i].mib, rows[i].count);
		int64_t now_usec = rows[i].count == 0 ? 0 : (int64_t)(rows[i].count - 1) * SEC;
		int64_t usec = forecast_usec_to(&forecast, (uint64_t)rows[i].limit_mib * MIB, GIB, now_usec);
		if (usec < rows[i].from_usec || usec > rows[i].to_usec)
			fail_msg("%s: %lld us", rows[i].what, (long long)usec);
	}
}

static void time_that_passes_counts(void **state UNUSED)
{
	struct forecast forecast;
	add_all(&forecast, (const int[]){ 10, 20, 30, 40 }, 4);
	assert_int_equal(forecast_usec_to(&forecast, 100 * MIB, GIB, 5 * SEC), 4 * SEC);
	assert_int_equal(forecast_usec_to(&forecast, 100 * MIB, GIB, 60 * SEC), 0);
	assert_true(forecast_growth(&forecast) == 10.0 * MIB);
}

/* Traffic has stopped, and with it the growth: what is in use says so, where no collection does any more. */
static void a_heap_that_rests_does_not_fill(void **state UNUSED)
{
	struct forecast forecast;
	add_all(&forecast, (const int[]){ 10, 20, 30, 40 }, 4);
	assert_int_equal(forecast_live(&forecast, GIB, 4 * SEC), 50 * MIB);
	assert_int_equal(forecast_live(&forecast, 42 * MIB, 60 * SEC), 42 * MIB);
	assert_int_equal(forecast_usec_to(&forecast, 62 * MIB, 42 * MIB, 60 * SEC), 2 * SEC);
	forecast_init(&forecast);
	assert_int_equal(forecast_live(&forecast, GIB, SEC), 0);
}

static void old_samples_go(void **state UNUSED)
{
	struct forecast forecast;
	forecast_init(&forecast);
	for (int i = 0; i < 100; i++) /* a long quiet life */
		forecast_add(&forecast, i * SEC, 50 * MIB);
	for (int i = 0; i < FORECAST_SAMPLES_MAX; i++)
		forecast_add(&forecast, (100 + i) * SEC, (uint64_t)(50 + i) * MIB);
	assert_int_equal(forecast.count, FORECAST_SAMPLES_MAX);
	assert_true(forecast_growth(&forecast) == 1.0 * MIB);
}

static void collections_of_one_moment_are_no_slope(void **state UNUSED)
{
	struct forecast forecast;
	forecast_init(&forecast);
	for (int i = 0; i < 8; i++)
		forecast_add(&forecast, SEC, (uint64_t)i * MIB);
	assert_true(forecast_growth(&forecast) == 0);
	assert_int_equal(forecast_usec_to(&forecast, 100 * MIB, GIB, SEC), NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_is_seen_coming),
		cmocka_unit_test(time_that_passes_counts),
		cmocka_unit_test(a_heap_that_rests_does_not_fill),
		cmocka_unit_test(old_samples_go),
		cmocka_unit_test(collections_of_one_moment_are_no_slope),
	};
	return cmocka_run_group_tests_name("forecast", tests, NULL, NULL);
}
