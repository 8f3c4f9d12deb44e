/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>

#include "base/units.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"

struct fixture {
	struct policy policy;
	struct policy_errors errors;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	memset(&fixture, 0, sizeof(fixture));
	policy_init(&fixture.policy);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	policy_finish(&fixture->policy);
	return 0;
}

static void apply(struct fixture *fixture, const char *file, const char *text)
{
	char shown[1024] = "";
	int result = policy_apply_text(&fixture->policy, file, text, strlen(text), &fixture->errors);
	if (fixture->errors.count > 0)
		policy_error_format(&fixture->errors.list[0], shown, sizeof(shown));
	if (result < 0)
		fail_msg("%s", shown);
}

static void every_key_has_the_default_of_the_table(void **state)
{
	struct fixture *fixture = *state;
	const struct policy *policy = &fixture->policy;
	assert_true(policy->memory.max_bytes == SIZE_NONE && policy->memory.high_bytes == SIZE_NONE);
	assert_int_equal(policy->memory.swap_bytes, 0);
	assert_int_equal(policy->heap.headroom_bytes, 48 * MIB);
	assert_int_equal(policy->heap.old_space.kind, OLD_SPACE_AUTO);
	assert_int_equal(policy->heap.processes, 1);
	assert_int_equal(policy->restart.backoff_from_usec, 100 * USEC_PER_MSEC);
	assert_int_equal(policy->restart.budget_deaths, 5);
	assert_int_equal(policy->stop.signal, SIGTERM);
	assert_int_equal(policy->service.listen.count, 0);
	assert_int_equal(policy->service.hold_for_usec, 5 * USEC_PER_SEC);
	assert_false(policy->service.singleton);
	assert_int_equal(policy->memory.spare, SPARE_CHECK);
	assert_int_equal(policy->heap.near_limit, NEAR_LIMIT_AUTO);
	assert_int_equal(policy->drain.timeout_usec, 30 * USEC_PER_SEC);
	assert_int_equal(policy->ready.when.kind, READY_AUTO);
	assert_int_equal(policy->ready.within_usec, 90 * USEC_PER_SEC);
	assert_int_equal(policy->limits.tasks, POLICY_INHERIT);
	assert_null(policy->sandbox.capabilities);
	assert_null(policy->service.command.list);
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++)
		assert_string_equal(policy->origins[key].file, "");
}

static void every_section_is_read(void **state)
{
	struct fixture *fixture = *state;
	const struct policy *policy = &fixture->policy;
	apply(fixture, "dir/web.yaml",
	      "version: 1\n"
	      "service: {name: web, command: [node, 'a b.js', '1'], directory: app, environment: {set: {A: x}, file: /e},\n"
	      "  listen: [tcp:3000, \"tcp:[::1]:8080\", unix:/run/web.sock], hold_for: 7s, singleton: true}\n"
	      "memory: {max: 512M, high: 1GiB, swap: 64M, enforce: best_effort, check: wait, spare: keep, replace_at: 85%}\n"
	      "heap: {runtime: none, old_space: 75% of memory.max, processes: 4, headroom: 0M, at_limit: report, near_limit: restart,\n"
	      "  lead: 5s, live_max: none}\n"
	      "restart: {when: always, backoff: {from: 1s, up_to: 2min, factor: 3}, budget: {deaths: 9, within: 1h},\n"
	      "  exhausted: exit, healthy_after: 45s}\n"
	      "stop: {signal: SIGINT, timeout: 250ms}\n"
	      "sandbox: {syscalls: none, user: web, capabilities: [cap_net_bind_service, cap_net_raw]}\n"
	      "limits: {tasks: 100, files: 4096, cpu: 150%}\n"
	      "log: {events: json}\n"
	      "drain: {timeout: 1min}\n"
	      "ready: {when: tcp:9000, within: 2min}\n");
	assert_string_equal(policy->service.name, "web");
	assert_int_equal(policy->service.command.count, 3);
	assert_string_equal(policy->service.command.list[1], "a b.js");
	assert_string_equal(policy->service.directory, "dir/app");
	assert_string_equal(policy->service.environment_file, "/e");
	assert_string_equal(policy->service.environment_set.list[0], "A=x");
	assert_int_equal(policy->memory.max_bytes, 512 * MIB);
	assert_int_equal(policy->memory.check, MEMORY_CHECK_WAIT);
	assert_int_equal(policy->heap.old_space.kind, OLD_SPACE_PERCENT);
	assert_int_equal(policy->heap.old_space.percent, 75);
	assert_int_equal(policy->heap.at_limit, AT_LIMIT_REPORT);
	assert_int_equal(policy->restart.backoff_up_to_usec, 120 * USEC_PER_SEC);
	assert_int_equal(policy->restart.exhausted, EXHAUSTED_EXIT);
	assert_int_equal(policy->stop.signal, SIGINT);
	assert_int_equal(policy->stop.timeout_usec, 250 * USEC_PER_MSEC);
	assert_string_equal(policy->sandbox.capabilities, "cap_net_bind_service,cap_net_raw");
	assert_int_equal(policy->limits.cpu_percent, 150);
	assert_int_equal(policy->memory.replace_at_percent, 85);
	assert_int_equal(policy->heap.lead_usec, 5 * USEC_PER_SEC);
	assert_int_equal(policy->heap.live_max_percent, PERCENT_NONE);
	assert_int_equal(policy->heap.gc_time_percent, 50);
	assert_int_equal(policy->log.events, LOG_EVENTS_JSON);
	assert_int_equal(policy->service.listen.count, 3);
	assert_int_equal(policy->service.listen.list[1].port, 8080);
	assert_string_equal(policy->service.listen.list[2].path, "/run/web.sock");
	assert_int_equal(policy->service.hold_for_usec, 7 * USEC_PER_SEC);
	assert_true(policy->service.singleton);
	assert_int_equal(policy->memory.spare, SPARE_KEEP);
	assert_int_equal(policy->heap.near_limit, NEAR_LIMIT_RESTART);
	assert_int_equal(policy->drain.timeout_usec, 60 * USEC_PER_SEC);
	assert_int_equal(policy->ready.when.kind, READY_TCP);
	assert_int_equal(policy->ready.when.port, 9000);
	assert_int_equal(policy->ready.within_usec, 120 * USEC_PER_SEC);
	assert_int_equal(policy->origins[KEY_MEMORY_MAX].line, 4);
	assert_string_equal(policy->origins[KEY_MEMORY_MAX].file, "dir/web.yaml");
}

static void json_is_read_too(void **state)
{
	struct fixture *fixture = *state;
	apply(fixture, "web.json", "{\"version\": 1, \"memory\": {\"max\": \"512M\"}, \"heap\": {\"processes\": 2}}");
	assert_int_equal(fixture->policy.memory.max_bytes, 512 * MIB);
	assert_int_equal(fixture->policy.heap.processes, 2);
}

static void a_later_layer_wins_key_by_key(void **state)
{
	struct fixture *fixture = *state;
	struct policy *policy = &fixture->policy;
	apply(fixture, "web.yaml", "version: 1\nservice: {environment: {set: {A: '1', B: '2'}}}\nmemory: {max: 1G}\n"
				   "stop: {timeout: 1s}\n");
	apply(fixture, "drop.yaml", "version: 1\nservice: {environment: {set: {B: '3', C: '4'}}}\nstop: {timeout: 2s}\n");
	assert_int_equal(policy_apply_settings(policy, "HEAPWARD_SET", " stop.timeout=3s\nservice.command=[node, \"a b\"] ",
					       &fixture->errors), 0);
	assert_int_equal(policy_apply_setting(policy, "--set", "stop.timeout=4s", &fixture->errors), 0);
	assert_int_equal(policy_apply_setting(policy, "--set", "service.environment.set.C=5=6", &fixture->errors), 0);
	assert_int_equal(policy->memory.max_bytes, GIB);
	assert_int_equal(policy->stop.timeout_usec, 4 * USEC_PER_SEC);
	assert_string_equal(policy->origins[KEY_STOP_TIMEOUT].file, "--set");
	assert_string_equal(policy->service.command.list[1], "a b");
	const char *const wanted[] = { "A=1", "B=3", "C=5=6" };
	assert_int_equal(policy->service.environment_set.count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_string_equal(policy->service.environment_set.list[i], wanted[i]);
}

static void a_file_takes_capabilities_away_and_a_bare_run_does_not(void **state)
{
	struct fixture *fixture = *state;
	policy_finish_defaults(&fixture->policy);
	assert_null(fixture->policy.sandbox.capabilities);
	apply(fixture, "web.yaml", "version: 1\n");
	policy_finish_defaults(&fixture->policy);
	assert_string_equal(fixture->policy.sandbox.capabilities, "");
}

static void a_file_may_leave_capabilities_unchanged(void **state)
{
	struct fixture *fixture = *state;
	apply(fixture, "web.yaml", "version: 1\nsandbox: {capabilities: unchanged}\n");
	policy_finish_defaults(&fixture->policy);
	assert_null(fixture->policy.sandbox.capabilities);
}

/* What one setting is answered with; "" where it is taken. */
static void settings_are_as_strict_as_files(void **state)
{
	static const struct {
		const char *setting, *error;
	} rows[] = {
		{ "memory.max=512M", "" },
		{ "memory.max=none", "" },
		{ "heap.old_space=auto", "" },
		{ "limits.cpu=inherit", "" },
		{ "service.environment.set.A=", "" },
		{ "memory.max=15M", "out of range" },
		{ "memory.max=1025G", "out of range" },
		{ "memory.max=-1M", "is no size" },
		{ "memory.max=1.5G", "is no size" },
		{ "memory.max=0x10M", "is no size" },
		{ "memory.max= 512M", "is no size" },
		{ "memory.max=", "has no value" },
		{ "memory=512M", "unknown key" },
		{ "memory.max.x=512M", "unknown key" },
		{ "heap.processes=257", "out of range" },
		{ "heap.processes=1e3", "no whole number" },
		{ "stop.timeout=61min", "out of range" },
		{ "stop.timeout=1 s", "is no time" },
		{ "stop.signal=sigterm", "did you mean \"SIGTERM\"?" },
		{ "limits.cpu=50", "write 50%" },
		{ "limits.cpu=x", "write one such as 150%" },
		{ "heap.live_max=90%", "" },
		{ "heap.live_max=none", "" },
		{ "heap.live_max=49%", "out of range: 50% to 100%" },
		{ "heap.live_max=101%", "out of range" },
		{ "heap.live_max=95", "write 95%" },
		{ "heap.live_max=off", "is no percentage; write one such as 95%" },
		{ "heap.live_max=95% of old space", "is no percentage" },
		{ "heap.gc_time=9%", "out of range: 10% to 100%" },
		{ "heap.lead=0ms", "" },
		{ "heap.lead=11min", "out of range" },
		{ "memory.replace_at=none", "" },
		{ "memory.replace_at=256M", "is no percentage" },
		{ "service.command=node server.js", "write [node, server.js]" },
		{ "service.command=[]", "names no program" },
		{ "service.environment.set.NODE OPTIONS=x", "is no name of a variable" },
		{ "service.environment.set.HEAPWARD_AGENT=x", "belongs to heapward" },
		{ "sandbox.capabilities=cap_chown,cap_x", "unknown capability" },
		{ "log.events=yes", "it is one of" },
		{ "limits.files=255", "out of range" },
	};
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&fixture->errors, 0, sizeof(fixture->errors));
		int result = policy_apply_setting(&fixture->policy, "--set", rows[i].setting, &fixture->errors);
		if ((result == 0) != (rows[i].error[0] == '\0'))
			fail_msg("%s: %d", rows[i].setting, result);
		if (result < 0)
			assert_contains(fixture->errors.list[0].text, rows[i].error);
	}
}

static void a_refused_value_leaves_the_policy_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	apply(fixture, "web.yaml", "version: 1\nmemory: {max: 1G}\nsandbox: {user: web}\n");
	assert_int_equal(policy_apply_setting(&fixture->policy, "--set", "memory.max=1T", &fixture->errors), -1);
	assert_int_equal(policy_apply_setting(&fixture->policy, "--set", "sandbox.user=a b", &fixture->errors), -1);
	assert_int_equal(fixture->policy.memory.max_bytes, GIB);
	assert_string_equal(fixture->policy.sandbox.user, "web");
}

static void too_many_errors_are_counted(void **state)
{
	struct fixture *fixture = *state;
	char text[8192] = "version: 1\n";
	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "wrong%d: 1\n", i);
	assert_int_equal(policy_apply_text(&fixture->policy, "w.yaml", text, strlen(text), &fixture->errors), -1);
	assert_int_equal(fixture->errors.count, POLICY_ERRORS_MAX);
	assert_int_equal(fixture->errors.more, 100 - POLICY_ERRORS_MAX);
	assert_int_equal(fixture->errors.refusals, 100);
}

static void a_text_over_64_kib_is_refused(void **state)
{
	struct fixture *fixture = *state;
	size_t length = POLICY_TEXT_MAX + 1;
	char *text = malloc(length);
	assert_non_null(text);
	memset(text, '\n', length);
	memcpy(text, "version: 1\n", 11);
	assert_int_equal(policy_apply_text(&fixture->policy, "w.yaml", text, length, &fixture->errors), -1);
	assert_contains(fixture->errors.list[0].text, "at most 64 KiB");
	assert_int_equal(policy_apply_text(&fixture->policy, "w.yaml", text, length - 1, &fixture->errors), 0);
	free(text);
}

/* Where a boolean is what is meant: true and false are that for every reader. */
static bool means_truth(const struct policy_key_row *row, const char *word)
{
	bool truth = row->type == POLICY_TYPE_TRUTH || strstr(row->range, "|true|false") != NULL;
	return truth && (strcmp(word, "true") == 0 || strcmp(word, "false") == 0);
}

/* Other YAML readers may read our policies: none of our words may be a boolean or null for YAML 1.1. */
static void no_key_and_no_value_is_a_yaml_boolean(void **state UNUSED)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~" };
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		struct policy_key_row row = policy_key_row(key);
		const char *range = row.range, *choice;
		size_t length;
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			assert_int_not_equal(strcasecmp(row.name, words[i]), 0);
			if (!means_truth(&row, words[i]))
				assert_int_not_equal(strcasecmp(row.standard, words[i]), 0);
		}
		bool choices = row.type == POLICY_TYPE_CHOICE || row.type == POLICY_TYPE_SIGNAL;
		while (choices && (choice = policy_key_next_choice(&range, &length)) != NULL)
			for (size_t i = 0; i < ARRAY_LEN(words); i++)
				assert_false(strlen(words[i]) == length && strncasecmp(choice, words[i], length) == 0 &&
					     !means_truth(&row, words[i]));
	}
}

static void a_directory_makes_a_name(void **state UNUSED)
{
	static const struct {
		const char *directory, *name;
	} rows[] = {
		{ "/srv/web", "web" }, { "/srv/My App", "my-app" }, { "/", "service" }, { "", "service" },
		{ "/srv/--a__b--", "a-b" }, { "/srv/\xc3\xa4pfel", "pfel" },
		{ "/srv/0123456789012345678901234567890123456789", "01234567890123456789012345678901" },
	};
	char name[POLICY_NAME_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		policy_name_from_directory(rows[i].directory, name);
		assert_string_equal(name, rows[i].name);
		assert_true(policy_name_valid(name));
	}
}

#define POLICY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICY_TEST(every_key_has_the_default_of_the_table),
		POLICY_TEST(every_section_is_read),
		POLICY_TEST(json_is_read_too),
		POLICY_TEST(a_later_layer_wins_key_by_key),
		POLICY_TEST(a_file_takes_capabilities_away_and_a_bare_run_does_not),
		POLICY_TEST(a_file_may_leave_capabilities_unchanged),
		POLICY_TEST(settings_are_as_strict_as_files),
		POLICY_TEST(a_refused_value_leaves_the_policy_as_it_was),
		POLICY_TEST(too_many_errors_are_counted),
		POLICY_TEST(a_text_over_64_kib_is_refused),
		cmocka_unit_test(no_key_and_no_value_is_a_yaml_boolean),
		cmocka_unit_test(a_directory_makes_a_name),
	};
	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
