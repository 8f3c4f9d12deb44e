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
	uint64_t messages;
	const char *answer;
	bool listens;
	const char *name;
	const char *missing; /* NULL: nothing is */
} rows[] = {
#define LISTENING { .kind = READY_LISTENING }
#define HTTP(port_) { .kind = READY_HTTP, .port = port_, .path = "/health" }
	{ LISTENING, { "tcp:3000" }, 0, "", false, 0, "", false, "listening",
	  "no Node process has reported, so nobody could say that it listens" },
	{ LISTENING, { "tcp:3000" }, 0, "", true, 0, "", false, "listening", "no record of a listener on tcp:3000" },
	{ LISTENING, { "tcp:3000", "unix:/run/web.sock" }, 0, "tcp:9464", true, 0, "", false, "listening",
	  "no record of a listener on tcp:3000, unix:/run/web.sock; it listens on tcp:9464" },
	{ LISTENING, { "tcp:3000", "unix:/run/web.sock" }, 1, "", true, 0, "", false, "listening",
	  "listens on tcp:3000 but not on unix:/run/web.sock" },
	{ LISTENING, { "tcp:3000", "tcp:[::1]:3001", "tcp:3002" }, 5, "tcp:9464", true, 0, "", false, "listening",
	  "listens on tcp:3000, tcp:3002 but not on tcp:[::1]:3001" },
	{ LISTENING, { "tcp:3000", "tcp:3001" }, 3, "", true, 0, "", true, "listening", NULL },
	{ LISTENING, { "tcp:3000" }, 0xffffffff, "", true, 0, "", true, "listening", NULL }, /* a worker's own numbers */
	{ { .kind = READY_TCP, .port = 9000 }, { NULL }, 0, "", false, 0, "", false, "tcp:9000", "tcp:9000 does not accept" },
	{ { .kind = READY_NOTIFY }, { NULL }, 0, "", false, 0, "", false, "notify",
	  "nothing came through NOTIFY_SOCKET" },
	{ { .kind = READY_NOTIFY }, { NULL }, 0, "", false, 1, "", false, "notify",
	  "1 message came through NOTIFY_SOCKET, none with READY=1" },
	{ { .kind = READY_NOTIFY }, { NULL }, 0, "", false, 7, "", false, "notify",
	  "7 messages came through NOTIFY_SOCKET, none with READY=1" },
	{ HTTP(8080), { NULL }, 0, "", true, 0, "503", false, "http:8080/health", "http:8080/health: 503" },
	{ HTTP(8080), { "tcp:3000" }, 0, "", true, 0, "", false, "http:8080/health", "http:8080/health: was not asked" },
	{ HTTP(3000), { "tcp:3000" }, 0, "", true, 0, "", false, "http:3000/health", "no record of a listener on tcp:3000" },
	{ HTTP(3000), { "tcp:3000" }, 1, "", true, 0, "no answer within 2 s", true, "http:3000/health",
	  "http:3000/health: no answer within 2 s" },
	{ { .kind = READY_STARTED }, { NULL }, 0, "", false, 0, "", false, "started", NULL },
};

static void what_is_missing_has_words(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct listen_addresses held = { 0 };
		struct failure why;
		char text[160] = "";
		for (; held.count < ARRAY_LEN(row->held) && row->held[held.count] != NULL; held.count++)
			assert_int_equal(listen_address_parse(row->held[held.count], &held.list[held.count], &why), 0);
		struct readiness seen = { row->when, &held, row->serves, row->foreign, row->reports, row->messages,
					  row->answer };
		assert_int_equal(readiness_listens(&seen), row->listens);
		assert_string_equal(readiness_name(&row->when, text, sizeof(text)), row->name);
		if (row->missing == NULL)
			continue;
		readiness_missing(&seen, text, sizeof(text));
		assert_string_equal(text, row->missing);
	}
}

static void long_names_are_cut_and_nothing_is_written_behind(void **state UNUSED)
{
	struct listen_addresses held = { .count = LISTEN_MAX };
	char text[161];
	for (size_t i = 0; i < held.count; i++)
		memset(held.list[i].text, 'x', LISTEN_TEXT_MAX - 1);
	for (uint32_t serves = 0; serves < 2; serves++) {
		struct readiness seen = { LISTENING, &held, serves, "tcp:9464", true, 0, "" };
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
