/* SPDX-License-Identifier: Apache-2.0 */
/* unit: cmocka with the headers it wants before it, and a few checks in our words. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define assert_contains(text, part) \
	do { \
		if (strstr((text), (part)) == NULL) \
			fail_msg("\"%s\" is not in:\n%s", (part), (text)); \
	} while (0)

#endif
