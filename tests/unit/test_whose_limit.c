/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/units.h"
#include "supervisor/core/whose_limit.h"

/* Three levels: the worker's own, its service's, the machine's top. */
static void make(struct evidence *ret, bool v2)
{
	static const char *const paths[] = { "/s/web/worker", "/s/web", "/s" };
	static const uint64_t limits[] = { 100 * MIB, SIZE_NONE, GIB };
	memset(ret, 0, sizeof(*ret));
	ret->before.known = ret->before.whole = true;
	ret->before.level_count = 3;
	for (size_t i = 0; i < 3; i++) {
		struct level_counters *level = &ret->before.levels[i];
		strcpy(level->path, paths[i]);
		level->max_bytes = limits[i];
		level->has_oom = v2;
		level->has_failcnt = !v2;
		level->failcnt = v2 ? 0 : 7;
	}
	ret->after = ret->before;
	ret->after.levels[0].oom_kill = 1;
}

static void without_a_victim_there_is_no_question(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, true);
	evidence.after.levels[0].oom_kill = 0;
	assert_false(whose_limit_find(&evidence, &whose));
	make(&evidence, true);
	evidence.before.known = false;
	assert_false(whose_limit_find(&evidence, &whose));
}

static void on_v2_the_nearest_level_that_counted_is_the_one(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	for (size_t level = 0; level < 3; level++) {
		make(&evidence, true);
		evidence.after.levels[level].oom = 1;
		assert_true(whose_limit_find(&evidence, &whose));
		assert_string_equal(whose.path, evidence.after.levels[level].path);
		assert_true(whose.limit_bytes == evidence.after.levels[level].max_bytes);
		assert_true(whose.certain && !whose.host);
	}
}

static void a_level_that_cannot_be_read_any_more_is_left_out(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, true);
	evidence.after.levels[2].oom = 1;
	evidence.after.level_count = 2;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_false(whose.certain);
	assert_string_equal(whose.doubt, "no level that can be read counted an oom");
}

static void on_v2_no_level_and_the_hosts_counter_is_the_host(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, true);
	evidence.after.has_vmstat = true;
	evidence.after.vmstat_oom_kill = 1;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_true(whose.host && whose.certain);
	evidence.after.vmstat_oom_kill = 0;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_false(whose.host || whose.certain);
}

/* In a container: the pod's or the node's limit cannot be told from the host's end. */
static void on_v2_a_group_out_of_sight_may_have_been_it(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, true);
	evidence.after.whole = false;
	evidence.after.has_vmstat = true;
	evidence.after.vmstat_oom_kill = 1;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_true(whose.host && !whose.certain);
	assert_non_null(strstr(whose.doubt, "no group up to /s reached its limit"));
	evidence.kernel.found = true;
	strcpy(evidence.kernel.memcg, "/pod");
	assert_true(whose_limit_find(&evidence, &whose));
	assert_true(whose.certain && !whose.host);
	assert_string_equal(whose.path, "/pod");
	evidence.after.levels[1].oom = 1; /* for somebody else, at another time: the log is about this kill */
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/pod");
	assert_true(whose.certain);
	evidence.kernel.found = false;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s/web");
	assert_true(whose.certain);
	evidence.after.levels[1].oom_kill = evidence.before.levels[1].oom_kill + 2; /* one of them is not ours */
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s/web");
	assert_false(whose.certain);
	assert_string_equal(whose.doubt, "others below that group were OOM-killed since the launch, too");
}

static void on_v1_the_kernel_log_decides(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, false);
	evidence.kernel.found = true;
	strcpy(evidence.kernel.memcg, "/s");
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s");
	assert_int_equal(whose.limit_bytes, GIB);
	assert_true(whose.certain);
	evidence.kernel.host = true;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_true(whose.host && whose.certain);
}

static void on_v1_without_the_log_failcnt_only_excludes(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, false);
	evidence.after.levels[2].failcnt++;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s");
	assert_false(whose.certain);
	assert_string_equal(whose.doubt, "failcnt rose at 1 level(s), which proves nothing; the kernel's log was not read");
	evidence.kernel.readable = true; /* ten others within five seconds, and it says no more */
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.doubt, "failcnt rose at 1 level(s), which proves nothing; the kernel's log leaves this kill out");
	make(&evidence, false);
	assert_true(whose_limit_find(&evidence, &whose));
	assert_true(whose.host);
	assert_false(whose.certain);
}

/* Kernel 6.18, measured: an OOM kill at the limit, and every failcnt stays 0. */
static void a_kernel_that_counts_no_failcnt_excludes_nothing(void **state UNUSED)
{
	static struct evidence evidence;
	struct whose_limit whose;
	make(&evidence, false);
	for (size_t i = 0; i < 3; i++)
		evidence.before.levels[i].failcnt = evidence.after.levels[i].failcnt = 0;
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s/web/worker");
	assert_false(whose.certain || whose.host);
	evidence.after.levels[1].max_bytes = 90 * MIB; /* the worker's own 100 MiB cannot be reached below that */
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s/web");
	assert_false(whose.certain || whose.host);
	evidence.after.levels[1].max_bytes = 100 * MIB; /* both can be: the nearest is named */
	assert_true(whose_limit_find(&evidence, &whose));
	assert_string_equal(whose.path, "/s/web/worker");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_victim_there_is_no_question),
		cmocka_unit_test(on_v2_the_nearest_level_that_counted_is_the_one),
		cmocka_unit_test(a_level_that_cannot_be_read_any_more_is_left_out),
		cmocka_unit_test(on_v2_no_level_and_the_hosts_counter_is_the_host),
		cmocka_unit_test(on_v2_a_group_out_of_sight_may_have_been_it),
		cmocka_unit_test(on_v1_the_kernel_log_decides),
		cmocka_unit_test(on_v1_without_the_log_failcnt_only_excludes),
		cmocka_unit_test(a_kernel_that_counts_no_failcnt_excludes_nothing),
	};
	return cmocka_run_group_tests_name("whose_limit", tests, NULL, NULL);
}
