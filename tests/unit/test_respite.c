/* SPDX-License-Identifier: Apache-2.0 */
/* test_respite: a helper that ends at once is started again at once, and from then on less and less often. */
#include "tests/unit/unit.h"

#include "supervisor/core/respite.h"

#define BEGIN (1000 * USEC_PER_SEC)

static void one_that_ends_at_once_is_started_less_and_less_often(void **state UNUSED)
{
	static const int64_t seconds[] = { 0, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct respite respite = { 0 };
	int64_t now_usec = BEGIN;
	respite_begin(&respite, now_usec);
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		int64_t pause_usec = respite_after_end(&respite, now_usec);
		assert_int_equal(pause_usec, seconds[i] * USEC_PER_SEC);
		now_usec += pause_usec;
		respite_begin(&respite, now_usec);
	}
}

static void one_that_ran_for_a_minute_is_started_at_once(void **state UNUSED)
{
	struct respite respite = { 0 };
	respite_begin(&respite, BEGIN);
	assert_int_equal(respite_after_end(&respite, BEGIN + 1), 0);
	assert_int_equal(respite_after_end(&respite, BEGIN + RESPITE_MAX_USEC - 1), RESPITE_FIRST_USEC);
	assert_int_equal(respite_after_end(&respite, BEGIN + RESPITE_MAX_USEC), 0);
	assert_int_equal(respite_after_end(&respite, BEGIN + RESPITE_MAX_USEC), 0);
	respite_begin(&respite, BEGIN + RESPITE_MAX_USEC);
	assert_int_equal(respite_after_end(&respite, BEGIN + RESPITE_MAX_USEC + 1), RESPITE_FIRST_USEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_ends_at_once_is_started_less_and_less_often),
		cmocka_unit_test(one_that_ran_for_a_minute_is_started_at_once),
	};
	return cmocka_run_group_tests_name("respite", tests, NULL, NULL);
}
