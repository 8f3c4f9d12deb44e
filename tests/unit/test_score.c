/* SPDX-License-Identifier: Apache-2.0 */
/* test_score: the checklist by value: what each choice of a policy is worth on which machine. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/score.h"

static char no_filter[] = "none";
static char *const node_server[] = { "node", "server.js", NULL };

struct sample {
	struct policy policy;
	struct host host;
	struct plan plan;
	struct score score;
};

static struct sample sample_of(uint32_t uid, const char *user, const char *capabilities)
{
	struct sample sample = { .policy = capped_policy(512 * MIB), .host = sample_host() };
	sample.host.uid = uid;
	snprintf(sample.host.user, sizeof(sample.host.user), "%s", uid == 0 ? "root" : "dev");
	sample.policy.sandbox.user = (char *)(uintptr_t)user;
	sample.policy.sandbox.capabilities = (char *)(uintptr_t)capabilities;
	return sample;
}

static void resolve(struct sample *sample)
{
	plan_resolve(&sample->policy, &sample->host, node_server, &sample->plan);
	score_resolve(&sample->plan, &sample->policy, &sample->host, &sample->score);
}

static const struct score_item *item(const struct sample *sample, const char *id)
{
	for (size_t i = 0; i < sample->score.count; i++)
		if (strcmp(sample->score.items[i].id, id) == 0)
			return &sample->score.items[i];
	fail_msg("no item %s", id);
	return NULL;
}

static void who_it_runs_as_counts_for_user_capabilities_and_supervisor(void **state UNUSED)
{
	static const struct {
		uint32_t uid;
		const char *user, *capabilities;
		unsigned points[3];
		const char *detail;
	} rows[] = {
		{ 0, "web", "", { 14, 10, 6 }, "web" },
		{ 0, "nobody", "", { 8, 10, 6 }, "nobody" },
		{ 0, "65534", "", { 8, 10, 6 }, "65534" },
		{ 0, NULL, "", { 0, 10, 0 }, "" },
		{ 0, "root", "", { 0, 10, 0 }, "" },
		{ 0, "0", NULL, { 0, 0, 0 }, "" },
		{ 0, NULL, NULL, { 0, 0, 0 }, "" },
		{ 0, "web", NULL, { 14, 10, 6 }, "web" },
		{ 0, "web", "cap_net_bind_service", { 14, 9, 6 }, "web" },
		{ 0, "web", "cap_net_bind_service,cap_sys_admin", { 14, 3, 6 }, "web" },
		{ 1000, "dev", NULL, { 6, 10, 3 }, "dev, uid 1000" },
		{ 1000, "dev", "", { 6, 10, 3 }, "dev, uid 1000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample sample = sample_of(rows[i].uid, rows[i].user, rows[i].capabilities);
		resolve(&sample);
		if (item(&sample, "user")->points != rows[i].points[0] || item(&sample, "capabilities")->points != rows[i].points[1] ||
		    item(&sample, "supervisor")->points != rows[i].points[2])
			fail_msg("row %zu", i);
		assert_string_equal(item(&sample, "user")->detail, rows[i].detail);
	}
}

static void a_cap_that_cannot_be_enforced_needs_more_than_a_cap(void **state UNUSED)
{
	struct sample sample = sample_of(0, "web", "");
	sample.policy.memory.enforce = ENFORCE_BEST_EFFORT;
	resolve(&sample);
	assert_int_equal(item(&sample, "memory_max")->points, 6);
	sample.plan.enforced = false; /* no group that it may write to */
	score_resolve(&sample.plan, &sample.policy, &sample.host, &sample.score);
	assert_int_equal(item(&sample, "memory_max")->points, 0);
	assert_contains(item(&sample, "memory_max")->remedy, "Delegate=yes");
	sample.policy.memory.max_bytes = SIZE_NONE;
	score_resolve(&sample.plan, &sample.policy, &sample.host, &sample.score);
	assert_string_equal(item(&sample, "memory_max")->remedy, "memory.max");
}

static void each_limit_counts_alone(void **state UNUSED)
{
	struct sample before = sample_of(0, "web", ""), after = before;
	before.policy.memory.max_bytes = SIZE_NONE;
	before.policy.sandbox.syscalls = no_filter;
	after.policy.sandbox.syscalls = "strict";
	after.policy.limits.tasks = 512;
	after.policy.limits.files = 1024;
	after.policy.limits.cpu_percent = 100;
	resolve(&before);
	resolve(&after);
	assert_int_equal(item(&before, "supervisor")->points, item(&after, "supervisor")->points);
	static const char *const ids[] = { "memory_max", "system_calls", "tasks", "open_files", "cpu", "kernel_files" };
	unsigned sum = 0;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		assert_int_equal(item(&before, ids[i])->points, 0);
		assert_int_equal(item(&after, ids[i])->points, item(&after, ids[i])->of);
		sum += item(&after, ids[i])->of;
	}
	assert_int_equal(after.score.points, before.score.points + sum);
}

static void the_list_of_calls_counts_unless_it_only_watches(void **state UNUSED)
{
	static const struct {
		char *list;
		unsigned points[2]; /* errno, audit */
	} rows[] = { { "strict", { 16, 0 } }, { "server", { 14, 0 } }, { NULL, { 14, 0 } }, { "compat", { 8, 0 } },
		     { "./own.list", { 12, 0 } }, { "none", { 0, 0 } } };
	static const enum violation violations[] = { VIOLATION_ERRNO, VIOLATION_AUDIT };
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct sample sample = sample_of(0, "web", "");
		sample.policy.sandbox.syscalls = rows[i / 2].list;
		sample.policy.sandbox.violation = violations[i % 2];
		resolve(&sample);
		if (item(&sample, "system_calls")->points != rows[i / 2].points[i % 2])
			fail_msg("row %zu, %zu", i / 2, i % 2);
	}
}

/* By what the plan makes of them on this machine. */
static void walls_count_where_they_can_be_made(void **state UNUSED)
{
	static const struct {
		const char *id;
		struct plan_fence fence;
		unsigned points;
	} rows[] = {
		{ "files", { .protect = PROTECT_SYSTEM_STRICT, .by_mounts = true }, 10 },
		{ "files", { .protect = PROTECT_SYSTEM_STRICT, .by_landlock = true }, 10 },
		{ "files", { .protect = PROTECT_SYSTEM_FULL, .by_landlock = true }, 6 },
		{ "files", { .protect = PROTECT_SYSTEM_NONE, .by_mounts = true }, 0 },
		{ "files", { .protect = PROTECT_SYSTEM_STRICT }, 0 }, /* asked for, and not to be had */
		{ "private_tmp", { .own_tmp = true }, 3 },
		{ "private_tmp", { .by_mounts = true }, 0 },
		{ "devices", { .own_dev = true }, 2 },
		{ "devices", { .few_devices = true }, 2 },
		{ "devices", { .by_mounts = true }, 0 },
		{ "kernel_files", { .proc_read_only = true }, 2 },
		{ "kernel_files", { .by_mounts = true }, 0 },
		{ "abstract_sockets", { .own_sockets = true, .own_signals = true }, 2 },
		{ "abstract_sockets", { .network_namespace = true }, 2 },
		{ "abstract_sockets", { .own_signals = true }, 0 },
		{ "processes", { .own_proc = true, .own_signals = true }, 5 },
		{ "processes", { .own_signals = true }, 3 },
		{ "processes", { .by_mounts = true }, 0 },
		{ "network", { .network_namespace = true }, 9 },
		{ "network", { .limit_connect = true, .limit_bind = true }, 6 },
		{ "network", { .limit_bind = true }, 2 },
		{ "network", { .by_mounts = true }, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample sample = sample_of(0, "web", "");
		resolve(&sample);
		sample.plan.fence = rows[i].fence;
		score_resolve(&sample.plan, &sample.policy, &sample.host, &sample.score);
		if (item(&sample, rows[i].id)->points != rows[i].points)
			fail_msg("row %zu", i);
	}
}

static void secrets_count(void **state UNUSED)
{
	char *keep[] = { "HOME", NULL }, *drop[] = { "AWS_*", NULL };
	struct sample all = sample_of(0, "web", ""), some = all, few = all;
	some.policy.service.environment_drop = (struct words){ drop, 1 };
	few.policy.service.environment_keep = (struct words){ keep, 1 };
	few.policy.limits.core_bytes = 0;
	all.policy.limits.core_bytes = SIZE_NONE;
	resolve(&all);
	resolve(&some);
	resolve(&few);
	assert_int_equal(item(&all, "environment")->points, 0);
	assert_int_equal(item(&some, "environment")->points, 2);
	assert_int_equal(item(&few, "environment")->points, 4);
	assert_int_equal(item(&all, "core_dumps")->points, 0);
	assert_int_equal(item(&few, "core_dumps")->points, 2);
	assert_int_equal(all.score.of, 100);
}

/* Whatever is not the best choice says what it costs and what to do about it; sums and ids hold. */
static void what_is_missing_has_a_cost_and_a_remedy(void **state UNUSED)
{
	const struct {
		uint32_t uid;
		const char *user, *capabilities;
	} rows[] = { { 0, NULL, NULL }, { 0, "nobody", "cap_kill" }, { 0, "web", "" }, { 1000, NULL, "" } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample sample = sample_of(rows[i].uid, rows[i].user, rows[i].capabilities);
		unsigned points = 0, of = 0;
		resolve(&sample);
		for (size_t j = 0; j < sample.score.count; j++) {
			const struct score_item *one = &sample.score.items[j];
			assert_true(one->points <= one->of && one->of > 0);
			assert_int_equal(one->points == one->of, one->cost[0] == '\0');
			assert_int_equal(one->points == one->of, one->remedy[0] == '\0');
			assert_ptr_equal(item(&sample, one->id), one); /* no id twice */
			points += one->points;
			of += one->of;
		}
		assert_int_equal(sample.score.points, points);
		assert_int_equal(sample.score.of, of);
	}
}

static void the_checklist_fits_a_terminal_and_names_what_the_supervisor_keeps(void **state UNUSED)
{
	struct sample sample = sample_of(0, NULL, "");
	resolve(&sample);
	cleanup_free char *text = explain_as(EXPLAIN_SANDBOX, &sample.plan, &sample.policy, &sample.host, "web");
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") > PROSE_COLUMNS)
			fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
	assert_contains(text, "Confinement of web: ");
	assert_contains(text, "  0/14    user: root\n          costs: a worker that runs as root can ");
	assert_contains(text, "remedy: sandbox.user: a user of its own\n");
	assert_contains(text, "cap_kill (as root): ends workers");
	sample.policy.sandbox.syscalls = no_filter;
	cleanup_free char *none = explain_as(EXPLAIN_SANDBOX, &sample.plan, &sample.policy, &sample.host, "web");
	assert_contains(none, "no system-call filter of its own");
	cleanup_free char *plain = explain_as("text", &sample.plan, &sample.policy, &sample.host, "web");
	assert_contains(plain, "system calls: none: no filter");
	struct sample user = sample_of(1000, NULL, NULL);
	resolve(&user);
	cleanup_free char *users = explain_as(EXPLAIN_SANDBOX, &user.plan, &user.policy, &user.host, "web");
	assert_contains(users, "no capabilities");
	cleanup_free char *json = explain_as(EXPLAIN_JSON, &sample.plan, &sample.policy, &sample.host, "web");
	assert_contains(json, "\"confinement\":{\"points\":");
	assert_contains(json, "{\"id\":\"user\",\"points\":0,\"of\":14,\"does\":\"root\",\"cost\":\"a worker that runs as root");
	assert_contains(json, "{\"id\":\"capabilities\",\"points\":10,\"of\":10,\"does\":\"none\",\"cost\":null,\"remedy\":null}");
	assert_contains(json, "\"supervisor_capabilities\":[{\"name\":\"cap_kill\",\"why\":\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_it_runs_as_counts_for_user_capabilities_and_supervisor),
		cmocka_unit_test(a_cap_that_cannot_be_enforced_needs_more_than_a_cap),
		cmocka_unit_test(each_limit_counts_alone),
		cmocka_unit_test(the_list_of_calls_counts_unless_it_only_watches),
		cmocka_unit_test(walls_count_where_they_can_be_made),
		cmocka_unit_test(secrets_count),
		cmocka_unit_test(what_is_missing_has_a_cost_and_a_remedy),
		cmocka_unit_test(the_checklist_fits_a_terminal_and_names_what_the_supervisor_keeps),
	};
	return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
