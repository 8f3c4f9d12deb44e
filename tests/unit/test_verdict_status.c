/* SPDX-License-Identifier: Apache-2.0 */
/* test_verdict_status: which ends are failures. */
#include "tests/unit/unit.h"

#include "supervisor/core/verdict.h"

static void only_a_clean_exit_and_what_was_asked_for_are_no_failures(void **state UNUSED)
{
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		struct verdict verdict = { .kind = kind };
		bool expected = kind != VERDICT_STOPPED && kind != VERDICT_REPLACED && kind != VERDICT_EXIT;
		assert_int_equal(verdict_is_failure(&verdict), expected);
		verdict.number = 3;
		assert_int_equal(verdict_is_failure(&verdict), expected || kind == VERDICT_EXIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(only_a_clean_exit_and_what_was_asked_for_are_no_failures) };
	return cmocka_run_group_tests_name("verdict_status", tests, NULL, NULL);
}
