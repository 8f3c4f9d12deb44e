/* SPDX-License-Identifier: Apache-2.0 */
/* test_variable: HEAPWARD_AGENT as a process of the worker reads it. */
#include "tests/unit/unit.h"

#include "child/record/variable.h"

static void only_the_variable_of_record_h_is_taken(void **state UNUSED)
{
	static const struct {
		const char *text;
		int listens; /* -1: refused */
	} rows[] = {
		{ "1;records=200:12:34;door=201:8:9;headroom=5", 0 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;listen=202:8:77:tcp:3000", 1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;listen=202:8:77:tcp:[::1]:80;listen=203:8:7:unix:/a%20b", 2 },
		{ "", -1 },
		{ "2;records=200:12:34;door=201:8:9;headroom=5", -1 },
		{ "1;records=200:12:34;door=201:8:9", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5 ", -1 },
		{ "1;records=-1:12:34;door=201:8:9;headroom=5", -1 },
		{ "1;records=2147483648:12:34;door=201:8:9;headroom=5", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=99999999999999999999", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;listen=202:8:77", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;listen=202:8:77:", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;listen=x:8:77:tcp:1", -1 },
		{ "1;records=200:12:34;door=201:8:9;headroom=5;other=1", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct variable ret;
		int result = variable_parse(rows[i].text, &ret);
		if (result != (rows[i].listens < 0 ? -1 : 0))
			fail_msg("%s: %d", rows[i].text, result);
		if (result < 0)
			continue;
		assert_int_equal(ret.listen_count, rows[i].listens);
		assert_true(ret.records.fd == 200 && ret.records.dev == 12 && ret.records.ino == 34);
		assert_true(ret.door.fd == 201 && ret.door.dev == 8 && ret.door.ino == 9 && ret.headroom_bytes == 5);
	}
}

static void no_more_held_sockets_than_there_can_be(void **state UNUSED)
{
	struct variable ret;
	char text[VARIABLE_TEXT_MAX + 1] = "1;records=200:12:34;door=201:8:9;headroom=5";
	for (int i = 0; i < HEAPWARD_LISTEN_MAX; i++)
		strcat(text, ";listen=202:8:77:tcp:1");
	assert_int_equal(variable_parse(text, &ret), 0);
	assert_int_equal(ret.listen_count, HEAPWARD_LISTEN_MAX);
	strcat(text, ";listen=202:8:77:tcp:1");
	assert_int_equal(variable_parse(text, &ret), -1);
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(variable_parse(text, &ret), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_variable_of_record_h_is_taken),
		cmocka_unit_test(no_more_held_sockets_than_there_can_be),
	};
	return cmocka_run_group_tests_name("variable", tests, NULL, NULL);
}
