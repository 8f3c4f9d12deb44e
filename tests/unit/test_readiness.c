/* SPDX-License-Identifier: Apache-2.0 */
/* test_readiness: what was seen of a worker, and what is said to be missing. */
#include "tests/unit/unit.h"

#include "supervisor/core/listen_address.h"
#include "supervisor/core/readiness.h"

static const struct row {
	struct ready_when when;
	const char *held[3];
	uint32_t serves;
	const char *foreign;
	bool reports;
	bool listens;
	const char *missing; /* NULL: nothing is */
} rows[] = {
	{ { .kind = READY_LISTENING }, { "tcp:3000" }, 0, "", false, false,
	  "no Node process has reported, so nobody could say that it listens" },
	{ { .kind = READY_LISTENING }, { "tcp:3000" }, 0, "", true, false, "no record of a listener on tcp:3000" },
	{ { .kind = READY_LISTENING }, { "tcp:3000", "unix:/run/web.sock" }, 0, "tcp:9464", true, false,
	  "no record of a listener on tcp:3000, unix:/run/web.sock; it listens on tcp:9464" },
	{ { .kind = READY_LISTENING }, { "tcp:3000", "unix:/run/web.sock" }, 1, "", true, false,
	  "listens on tcp:3000 but not on unix:/run/web.sock" },
	{ { .kind = READY_LISTENING }, { "tcp:3000", "tcp:[::1]:3001", "tcp:3002" }, 5, "tcp:9464", true, false,
	  "listens on tcp:3000, tcp:3002 but not on tcp:[::1]:3001" },
	{ { .kind = READY_LISTENING }, { "tcp:3000", "tcp:3001" }, 3, "", true, true, NULL },
	{ { .kind = READY_LISTENING }, { "tcp:3000" }, 0xffffffff, "", true, true, NULL }, /* a worker's own numbers */
	{ { .kind = READY_TCP, .port = 9000 }, { NULL }, 0, "", false, false, "tcp:9000 does not accept" },
	{ { .kind = READY_TCP, .port = 9000 }, { "tcp:3000" }, 1, "", true, true, "tcp:9000 does not accept" },
};

static void what_is_missing_has_words(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct listen_addresses held = { 0 };
		struct failure why;
		char text[160] = "";
		for (; held.count < ARRAY_LEN(rows[i].held) && rows[i].held[held.count] != NULL; held.count++)
			assert_int_equal(listen_address_parse(rows[i].held[held.count], &held.list[held.count], &why), 0);
		struct readiness seen = { rows[i].when, &held, rows[i].serves, rows[i].foreign, rows[i].reports };
		assert_int_equal(readiness_listens(&seen), rows[i].listens);
		if (rows[i].missing == NULL)
			continue;
		readiness_missing(&seen, text, sizeof(text));
		assert_string_equal(text, rows[i].missing);
	}
}

static void long_names_are_cut_and_nothing_is_written_behind(void **state UNUSED)
{
	struct listen_addresses held = { .count = LISTEN_MAX };
	char text[161];
	for (size_t i = 0; i < held.count; i++)
		memset(held.list[i].text, 'x', LISTEN_TEXT_MAX - 1);
	for (uint32_t serves = 0; serves < 2; serves++) {
		struct readiness seen = { { .kind = READY_LISTENING }, &held, serves, "tcp:9464", true };
		text[160] = 'y';
		readiness_missing(&seen, text, 160);
		assert_int_equal(strlen(text), 159);
		assert_int_equal(text[160], 'y');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_missing_has_words),
		cmocka_unit_test(long_names_are_cut_and_nothing_is_written_behind),
	};
	return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
