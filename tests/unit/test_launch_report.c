/* SPDX-License-Identifier: Apache-2.0 */
/* test_launch_report: what heapward-child says on its report socket, as bytes; and the end of a record. */
#include "tests/unit/unit.h"

#include "supervisor/wire/launch.h"

static void a_report_comes_back_and_every_other_size_is_refused(void **state UNUSED)
{
	const struct launch_report report = { .kind = LAUNCH_REPORT_NO_LISTENER, .step = LAUNCH_STEP_EXEC, .error = 2, .text = "node" };
	struct launch_report back;
	struct failure why;
	unsigned char buffer[sizeof(report) + 1] = { 0 };
	size_t length = launch_report_encode(&report, buffer, sizeof(buffer));
	assert_int_equal(launch_report_decode(buffer, length, &back, &why), 0);
	assert_int_equal(back.step, LAUNCH_STEP_EXEC);
	assert_int_equal(back.error, 2);
	assert_string_equal(back.text, "node");
	for (size_t other = 0; other <= sizeof(buffer); other++)
		if (other != length)
			assert_int_equal(launch_report_decode(buffer, other, &back, &why), -1);
}

static void a_report_with_an_unknown_step_or_an_open_text_is_refused(void **state UNUSED)
{
	static const int32_t steps[] = { LAUNCH_STEP_COUNT, -1, INT32_MAX, INT32_MIN };
	struct launch_report report = { .step = LAUNCH_STEP_EXEC }, back;
	unsigned char buffer[sizeof(report)];
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		launch_report_encode(&report, buffer, sizeof(buffer));
		memcpy(buffer + offsetof(struct launch_report, step), &steps[i], sizeof(steps[i]));
		assert_int_equal(launch_report_decode(buffer, sizeof(buffer), &back, &why), -1);
	}
	memset(report.text, 'x', sizeof(report.text));
	launch_report_encode(&report, buffer, sizeof(buffer));
	assert_int_equal(launch_report_decode(buffer, sizeof(buffer), &back, &why), -1);
}

static void finish_is_safe_on_zeroed_and_twice(void **state UNUSED)
{
	struct launch launch = { 0 };
	launch_finish(&launch);
	launch_finish(&launch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finish_is_safe_on_zeroed_and_twice),
		cmocka_unit_test(a_report_comes_back_and_every_other_size_is_refused),
		cmocka_unit_test(a_report_with_an_unknown_step_or_an_open_text_is_refused),
	};
	return cmocka_run_group_tests_name("launch_report", tests, NULL, NULL);
}
