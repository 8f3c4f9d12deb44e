/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "base/units.h"

static void sizes_are_read(void **state UNUSED)
{
	static const struct {
		const char *text;
		int result;
		uint64_t bytes;
	} rows[] = {
		{ "512M", 0, 512 * MIB }, { "1G", 0, GIB }, { "0M", 0, 0 }, { "64K", 0, 64 * KIB },
		{ "64MiB", 0, 64 * MIB }, { "512", -1, 0 }, { "", -1, 0 }, { "M", -1, 0 }, { "-1M", -1, 0 },
		{ "1.5G", -1, 0 }, { "1 G", -1, 0 }, { "1MB", -1, 0 }, { "0x10M", -1, 0 },
		{ "1073741825G", -1, 0 }, { "99999999999999999999M", -1, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t bytes = 0;
		assert_int_equal(units_parse_size(rows[i].text, &bytes), rows[i].result);
		assert_int_equal(bytes, rows[i].bytes);
	}
}

static void times_are_read(void **state UNUSED)
{
	static const struct {
		const char *text;
		int result;
		int64_t usec;
	} rows[] = {
		{ "100ms", 0, 100000 }, { "30s", 0, 30000000 }, { "10min", 0, 600000000 }, { "0s", 0, 0 },
		{ "1h", 0, 3600000000 }, { "2d", 0, 172800000000 }, { "30", -1, 0 }, { "s", -1, 0 },
		{ "30 s", -1, 0 }, { "4000000000h", -1, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t usec = 0;
		assert_int_equal(units_parse_time(rows[i].text, &usec), rows[i].result);
		assert_int_equal(usec, rows[i].usec);
	}
}

static void sizes_are_written(void **state UNUSED)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 512 * MIB, "512 MiB" }, { 3 * GIB / 2, "1.5 GiB" }, { 0, "0 B" }, { 17, "17 B" },
		{ 300 * KIB, "300 KiB" }, { SIZE_NONE, "none" }, { SIZE_UNKNOWN, "unknown" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buffer[UNITS_TEXT_MAX];
		assert_string_equal(units_format_size(buffer, rows[i].bytes), rows[i].text);
	}
}

static void times_are_written(void **state UNUSED)
{
	static const struct {
		int64_t usec;
		const char *text;
	} rows[] = {
		{ 100000, "100 ms" }, { 0, "0 s" }, { 1500000, "1.5 s" }, { 12 * USEC_PER_SEC, "12 s" }, { 250 * USEC_PER_SEC, "4 min 10 s" },
		{ 600 * USEC_PER_SEC, "10 min" }, { 12000 * USEC_PER_SEC, "3 h 20 min" },
		{ 52 * 3600 * USEC_PER_SEC, "2 d 4 h" }, { USEC_NEVER, "never" }, { 0, "0 s" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char buffer[UNITS_TEXT_MAX];
		assert_string_equal(units_format_time(buffer, rows[i].usec), rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(sizes_are_written),
		cmocka_unit_test(times_are_written),
	};
	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
