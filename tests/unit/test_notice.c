/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>

#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/notice.h"

static struct notice sample(const char *message)
{
	struct notice notice = { .kind = NOTICE_DEATH, .at_realtime_usec = 1700000000123456LL, .service = "web", .pid = 4711 };
	snprintf(notice.message, sizeof(notice.message), "%s", message);
	notice.fields[0] = (struct notice_field){ .name = "verdict", .text = "exit" };
	notice.fields[1] = (struct notice_field){ .name = "exit_status", .number = 3 };
	notice.fields[2] = (struct notice_field){ .name = "certain", .number = 1, .is_truth = true };
	notice.fields[3] = (struct notice_field){ .name = "seconds_to_limit", .number = 1450000, .is_time = true };
	notice.fields[4] = (struct notice_field){ .name = "never", .number = USEC_NEVER, .is_time = true };
	notice.field_count = 5;
	return notice;
}

static void people_read_one_line(void **state UNUSED)
{
	char text[64];
	struct notice notice = sample("exit 3\n\033[2J");
	size_t length = notice_text(&notice, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	assert_string_equal(text, "heapward: web: exit 3??[2J\n");
	notice_text(&notice, text, 12);
	assert_string_equal(text, "heapward: \n");
}

static void scripts_read_one_object(void **state UNUSED)
{
	struct notice notice = sample("exit \"3\"\n\xff");
	char *json = notice_json(&notice);
	assert_non_null(json);
	assert_int_equal(strcspn(json, "\n"), strlen(json) - 1);
	struct json_object *object = json_parse(json, strlen(json));
	assert_string_equal(json_find_text(object, "ts", ""), "2023-11-14T22:13:20.123Z");
	assert_string_equal(json_find_text(object, "event", ""), "death");
	assert_string_equal(json_find_text(object, "service", ""), "web");
	assert_int_equal(json_find_size(object, "instance"), 0);
	assert_int_equal(json_find_size(object, "pid"), 4711);
	assert_string_equal(json_find_text(object, "verdict", ""), "exit");
	assert_int_equal(json_find_size(object, "exit_status"), 3);
	assert_true(json_object_is_type(json_find(object, "certain"), json_type_boolean));
	assert_true(json_object_get_double(json_find(object, "seconds_to_limit")) == 1.45);
	assert_null(json_find(object, "never"));
	assert_contains(json, "\"never\":null");
	json_object_put(object);
	free(json);
}

static void what_is_of_the_service_has_no_instance_and_no_pid(void **state UNUSED)
{
	struct notice notice = { .kind = NOTICE_STOP, .service = "web", .instance = -1 };
	char *json = notice_json(&notice);
	assert_contains(json, "\"instance\":null,\"pid\":null");
	free(json);
}

static void one_of_several_instances_is_named(void **state UNUSED)
{
	struct notice notice = sample("exit 3");
	char line[128];
	notice.instance = 2;
	notice.of_several = true;
	notice_text(&notice, line, sizeof(line));
	assert_string_equal(line, "heapward: web: instance 2: exit 3\n");
	cleanup_free char *json = notice_json(&notice);
	assert_contains(json, "\"instance\":2,");
	assert_contains(json, "\"message\":\"instance 2: exit 3\"");
	notice.instance = -1; /* of the service */
	notice_text(&notice, line, sizeof(line));
	assert_string_equal(line, "heapward: web: exit 3\n");
}

static void a_kept_line_is_printed_again(void **state UNUSED)
{
	struct notice notice = sample("exit 3");
	char *json = notice_json(&notice), *text = notice_line_text(json, strlen(json));
	assert_string_equal(text, "2023-11-14T22:13:20.123Z death: exit 3\n");
	free(text);
	free(json);
	static const char *const wrong[] = { "", "7", "[]", "{" };
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_null(notice_line_text(wrong[i], strlen(wrong[i])));
	text = notice_line_text("{\"ts\":5,\"message\":\"a\\u001bb\"}", 29);
	assert_string_equal(text, "? ?: a?b\n");
	free(text);
}

static void a_field_may_be_null(void **state UNUSED)
{
	struct notice notice = sample("exit 3");
	notice.fields[0].is_null = true;
	char *json = notice_json(&notice);
	assert_contains(json, "\"verdict\":null");
	free(json);
}

static void a_field_may_be_a_time(void **state UNUSED)
{
	struct notice notice = sample("exit 3");
	notice.fields[1] = (struct notice_field){ .name = "lead_seconds", .number = 1500 * USEC_PER_MSEC, .is_time = true };
	char *json = notice_json(&notice);
	assert_contains(json, "\"lead_seconds\":1.5");
	free(json);
}

static void a_field_may_be_a_list(void **state UNUSED)
{
	static const char *const lines[] = { "cgroup: oom_kill +1", "a \"quoted\" one" };
	struct notice notice = sample("exit 3");
	notice.fields[1] = (struct notice_field){ .name = "evidence", .lines = lines, .line_count = 2 };
	char *json = notice_json(&notice);
	assert_contains(json, "\"evidence\":[\"cgroup: oom_kill +1\",\"a \\\"quoted\\\" one\"]");
	free(json);
	notice.fields[1].line_count = 0;
	json = notice_json(&notice);
	assert_contains(json, "\"evidence\":[]");
	free(json);
}

static void the_names_that_scripts_rely_on_stay(void **state UNUSED)
{
	static const char *const events[] = { "start", "ready", "heap.near_limit", "plan.overcommit", "death",
					      "restart.scheduled", "failed", "stop", "replace.start", "replace.done",
					      "replace.refused", "limit.set" };
	static const char *const verdicts[] = { "heap-limit", "oom-kill", "oom-kill-host", "seccomp", "stopped", "replaced",
						"exit", "signal", "exec", "unknown-kill", "not-ready", "watchdog" };
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		bool found = false;
		for (enum notice_kind kind = 0; kind < NOTICE_COUNT; kind++)
			found = found || strcmp(notice_name(kind), events[i]) == 0;
		assert_true(found);
	}
	assert_int_equal(ARRAY_LEN(verdicts), VERDICT_COUNT);
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++)
		assert_string_equal(verdict_name(kind), verdicts[kind]);
	static const char *const commands[] = { "status", "ready", "output", "explain", "stop", "restart", "reset", "reload",
						"drain", "set" };
	assert_int_equal(ARRAY_LEN(commands), CONTROL_COMMAND_COUNT);
	for (enum control_command command = 0; command < CONTROL_COMMAND_COUNT; command++)
		assert_string_equal(control_command_name(command), commands[command]);
	assert_string_equal(launch_step_name(LAUNCH_STEP_DEATH_SIGNAL), "death signal");
	assert_string_equal(launch_step_name(LAUNCH_STEP_EXEC), "exec");
	assert_string_equal(early_trigger_name(EARLY_FORECAST), "heap.lead");
	assert_string_equal(early_trigger_name(EARLY_MEMORY), "memory.replace_at");
	assert_string_equal(signal_name(15), "SIGTERM");
	assert_string_equal(signal_name(64), "a real-time signal");
	assert_string_equal(signal_name(-1), "a real-time signal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_read_one_line),
		cmocka_unit_test(scripts_read_one_object),
		cmocka_unit_test(what_is_of_the_service_has_no_instance_and_no_pid),
		cmocka_unit_test(one_of_several_instances_is_named),
		cmocka_unit_test(a_kept_line_is_printed_again),
		cmocka_unit_test(a_field_may_be_null),
		cmocka_unit_test(a_field_may_be_a_time),
		cmocka_unit_test(a_field_may_be_a_list),
		cmocka_unit_test(the_names_that_scripts_rely_on_stay),
	};
	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
