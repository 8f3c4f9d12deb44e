/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/core/node_model.h"

/* Measured: v8.getHeapStatistics().heap_size_limit in cgroups of that limit on a machine of 24 GiB, with no flag and with
 * --max-semi-space-size=1 (old space = limit - 3) and --max-old-space-size=64 (semi-space = (limit - 64) / 3). */
static void defaults_are_those_that_were_measured(void **state UNUSED)
{
	static const struct {
		int major;
		uint64_t cap_mib, old_mib, semi_mib;
	} rows[] = {
		{ 18, 24105, 4096, 16 },
		{ 20, 96, 256, 1 },     { 20, 256, 256, 1 },    { 20, 512, 256, 1 },    { 20, 768, 384, 4 },
		{ 20, 1024, 512, 4 },   { 20, 1500, 750, 8 },   { 20, 2048, 1024, 8 },  { 20, 3072, 1536, 16 },
		{ 20, 8192, 2048, 16 }, { 20, 15500, 2048, 16 }, { 20, 15872, 4096, 16 }, { 20, 20000, 4096, 16 },
		{ 22, 512, 256, 1 },    { 22, 15360, 4096, 16 }, { 22, 14336, 2048, 16 }, { 22, 1500, 750, 8 },
		{ 24, 512, 256, 1 },    { 24, 768, 384, 16 },   { 24, 1024, 512, 16 },  { 24, 1500, 750, 32 },
		{ 24, 2048, 1024, 32 }, { 24, 3072, 1536, 64 }, { 24, 16384, 4096, 64 },
		{ 26, 96, 256, 2 },     { 26, 256, 256, 2 },    { 26, 384, 256, 4 },    { 26, 512, 256, 4 },
		{ 26, 768, 384, 8 },    { 26, 1024, 512, 8 },   { 26, 1500, 750, 16 },  { 26, 2048, 1024, 16 },
		{ 26, 3072, 1536, 32 }, { 26, 15359, 2048, 32 }, { 26, 15360, 4096, 32 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(node_old_space_alone(rows[i].major, rows[i].cap_mib * MIB), rows[i].old_mib * MIB);
		assert_int_equal(node_semi_space_alone(rows[i].major, rows[i].cap_mib * MIB), rows[i].semi_mib * MIB);
	}
}

/* Measured on 18 to 26 alike: heap_size_limit - 64 MiB, divided by 3. */
static void semi_spaces_become_powers_of_two(void **state UNUSED)
{
	static const struct {
		uint64_t wanted_mib, effective_mib;
	} rows[] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 5, 8 }, { 8, 8 }, { 16, 16 }, { 24, 32 }, { 128, 128 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(node_semi_space_effective(rows[i].wanted_mib * MIB), rows[i].effective_mib * MIB);
	assert_int_equal(node_semi_space_effective(UINT64_MAX), 1024 * GIB);
}

static void default_semi_spaces_differ_by_major(void **state UNUSED)
{
	static const struct {
		int major;
		uint64_t semi_mib;
	} rows[] = { { 0, 16 }, { 18, 16 }, { 20, 16 }, { 22, 16 }, { 23, 16 }, { 24, 64 }, { 25, 64 }, { 26, 32 }, { 28, 32 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(node_semi_space_default(rows[i].major), rows[i].semi_mib * MIB);
}

static void only_the_leaf_is_seen(void **state UNUSED)
{
	struct host host = { .cgroup_version = CGROUP_V1, .mem_total_bytes = 16 * GIB, .level_count = 3,
			     .levels = { { "/a/b", SIZE_NONE, SIZE_NONE, 0 }, { "/a", GIB, SIZE_NONE, 0 },
					 { "(out of sight)", 2 * GIB, SIZE_NONE, 0 } } };
	struct host_level leaf = { "/x", 512 * MIB, 256 * MIB, 0 };
	assert_int_equal(node_memory_seen(20, &host, &host.levels[0]), 16 * GIB);
	assert_int_equal(node_memory_seen(20, &host, &leaf), 256 * MIB);
	assert_int_equal(node_memory_seen(20, &host, NULL), 16 * GIB);
	assert_int_equal(node_memory_seen(0, &host, &leaf), 256 * MIB);
	assert_int_equal(node_memory_seen(18, &host, &leaf), GIB);
	host.levels[0].path[0] = host.levels[1].path[0] = '('; /* nothing of ours in sight */
	assert_int_equal(node_memory_seen(18, &host, &leaf), 16 * GIB);
	host.cgroup_version = CGROUP_V2;
	assert_int_equal(node_memory_seen(18, &host, &leaf), 16 * GIB);
	host.mem_total_bytes = SIZE_UNKNOWN;
	assert_int_equal(node_memory_seen(20, &host, &leaf), 256 * MIB);
	assert_int_equal(node_old_space_alone(20, node_memory_seen(20, &host, NULL)), SIZE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_those_that_were_measured),
		cmocka_unit_test(semi_spaces_become_powers_of_two),
		cmocka_unit_test(default_semi_spaces_differ_by_major),
		cmocka_unit_test(only_the_leaf_is_seen),
	};
	return cmocka_run_group_tests_name("node_model", tests, NULL, NULL);
}
