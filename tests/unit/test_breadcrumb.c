/* SPDX-License-Identifier: Apache-2.0 */
/* When a breadcrumb is laid, that it survives the disk, and what a later supervisor makes of it. */
#include "tests/unit/unit.h"
#include "base/units.h"
#include "supervisor/core/breadcrumb.h"

#include <string.h>

static void the_fullest_level_decides(void **state UNUSED)
{
	static const struct {
		uint64_t max[3], current[3];
		bool needed;
		uint64_t limit;
	} rows[] = {
		{ { SIZE_NONE, SIZE_NONE, SIZE_NONE }, { 500, 500, 500 }, false, 0 },
		{ { 1000, SIZE_NONE, SIZE_NONE }, { 799, 0, 0 }, false, 1000 },
		{ { 1000, SIZE_NONE, SIZE_NONE }, { 800, 0, 0 }, true, 1000 },
		{ { 1000, 2000, SIZE_NONE }, { 500, 1900, 0 }, true, 2000 },
		{ { 1000, 2000, 500 }, { 950, 1000, SIZE_UNKNOWN }, true, 1000 },
		{ { 1000, 2000, 4000 }, { 100, 1000, 3999 }, true, 4000 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host_level levels[3] = { { "/a/b", 0, SIZE_NONE, 0 }, { "/a", 0, SIZE_NONE, 0 }, { "/", 0, SIZE_NONE, 0 } };
		struct breadcrumb crumb = { 0 };
		for (size_t j = 0; j < 3; j++) {
			levels[j].max_bytes = rows[i].max[j] >= SIZE_UNKNOWN ? rows[i].max[j] : rows[i].max[j] * MIB;
			levels[j].current_bytes = rows[i].current[j] >= SIZE_UNKNOWN ? SIZE_UNKNOWN : rows[i].current[j] * MIB;
		}
		if (breadcrumb_needed(levels, 3, &crumb) != rows[i].needed || crumb.limit_bytes != rows[i].limit * MIB)
			fail_msg("row %zu: limit %llu", i, (unsigned long long)crumb.limit_bytes);
	}
}

static const struct breadcrumb sample = {
	.at_realtime_usec = 1700000000000000, .started_realtime_usec = 1699999990000000, .pid = 42, .group = "/kubepods/pod1",
	.current_bytes = 509 * MIB, .limit_bytes = 512 * MIB, .heap_used_bytes = 90 * MIB, .heap_limit_bytes = SIZE_UNKNOWN,
};

static void it_survives_the_disk(void **state UNUSED)
{
	struct breadcrumb read;
	cleanup_free char *json = breadcrumb_json(&sample);
	assert_int_equal(breadcrumb_parse(json, &read), 0);
	assert_int_equal(read.at_realtime_usec, sample.at_realtime_usec);
	assert_int_equal(read.started_realtime_usec, sample.started_realtime_usec);
	assert_int_equal(read.pid, 42);
	assert_string_equal(read.group, sample.group);
	assert_int_equal(read.current_bytes, sample.current_bytes);
	assert_int_equal(read.limit_bytes, sample.limit_bytes);
	assert_int_equal(read.heap_used_bytes, sample.heap_used_bytes);
	assert_int_equal(read.heap_limit_bytes, SIZE_UNKNOWN);
}

static void what_is_none_of_ours_is_refused(void **state UNUSED)
{
	static const char *const texts[] = { "", "{}", "[1]", "{\"at_usec\":5}", "{\"at_usec\":5,\"limit_bytes\":1}",
					     "{\"at_usec\":\"x\",\"limit_bytes\":1,\"current_bytes\":1}" };
	struct breadcrumb read;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (breadcrumb_parse(texts[i], &read) == 0)
			fail_msg("taken: %s", texts[i]);
}

static void it_stands_for_an_oom_kill_that_is_not_certain(void **state UNUSED)
{
	struct verdict verdict;
	breadcrumb_judge(&sample, sample.at_realtime_usec + 2300 * USEC_PER_MSEC, &verdict);
	assert_int_equal(verdict.kind, VERDICT_OOM_KILL);
	assert_false(verdict.certain);
	assert_string_equal(verdict.subject, "/kubepods/pod1");
	assert_true(verdict.limit_bytes == 512 * MIB);
	assert_non_null(strstr(verdict.text, "memory 509 of 512 MiB 2.3 s before the next start"));
	assert_non_null(strstr(verdict.evidence[0], "2023-11-14T22:13:20.000Z"));
	breadcrumb_judge(&sample, sample.at_realtime_usec - USEC_PER_SEC, &verdict);
	assert_non_null(strstr(verdict.text, "MiB 0 s before the next start"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fullest_level_decides),
		cmocka_unit_test(it_survives_the_disk),
		cmocka_unit_test(what_is_none_of_ours_is_refused),
		cmocka_unit_test(it_stands_for_an_oom_kill_that_is_not_certain),
	};
	return cmocka_run_group_tests_name("breadcrumb", tests, NULL, NULL);
}
