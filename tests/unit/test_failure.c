/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "base/failure.h"

#include <errno.h>

static void a_fault_names_its_steps(void **state UNUSED)
{
	struct failure why;
	assert_int_equal(failed(&why, EACCES, "open %s", "web.yaml"), -1);
	assert_int_equal(failed_in(&why, "load policy"), -1);
	assert_string_equal(why.text, "load policy: open web.yaml: Permission denied");
	assert_int_equal(why.error, EACCES);
}

static void a_long_fault_is_cut(void **state UNUSED)
{
	struct failure why;
	char big[2000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	failed(&why, ENOENT, "%s", big);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
	failed_in(&why, "%s", big);
	assert_true(strlen(why.text) < sizeof(why.text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_names_its_steps),
		cmocka_unit_test(a_long_fault_is_cut),
	};
	return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
