/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_value: one wrong (or odd) text a row, and what it is answered with: values, bounds, contradictions, the lines
 * of an environment file. Whole texts with their places are test_policy_golden. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/units.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/policy_starter.h"
#include "supervisor/core/policy_text.h"
#include "supervisor/core/policy_words.h"

/* The whole answer to a text, warnings too; "" where it is taken without a word. Static: the next call writes over it. */
static const char *answer(const char *file, const char *text)
{
	static struct policy_errors errors;
	static char printed[65536];
	struct policy policy;
	memset(&errors, 0, sizeof(errors));
	policy_init(&policy);
	if (policy_apply_text(&policy, file, text, strlen(text), &errors) == 0)
		policy_check(&policy, &errors);
	policy_finish(&policy);
	printed[0] = '\0';
	for (size_t i = 0; i < errors.count; i++)
		policy_error_format(&errors.list[i], printed + strlen(printed), sizeof(printed) - strlen(printed));
	return printed;
}

struct row {
	const char *text, *wanted; /* "": taken */
};

static void assert_answers(const struct row *rows, size_t count)
{
	char text[512];
	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "version: 1\n%s\n", rows[i].text);
		const char *got = answer("w.yaml", text);
		if (rows[i].wanted[0] == '\0' ? got[0] != '\0' : strstr(got, rows[i].wanted) == NULL)
			fail_msg("%s\nis answered with\n%s", rows[i].text, got);
	}
}

static void a_value_of_the_wrong_shape_is_named(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "memory: {max: [1M]}", "memory.max: is a list where one value is wanted" },
		{ "memory: {max: {a: b}}", "memory.max: is a mapping where one value is wanted" },
		{ "memory: {max: }", "memory.max: has no value" },
		{ "heap: {processes: [1]}", "heap.processes: is a list" },
		{ "heap: {old_space: [1M]}", "heap.old_space: is a list" },
		{ "heap: {raise: {by: [1M]}}", "heap.raise.by: is a list" },
		{ "stop: {timeout: [1s]}", "stop.timeout: is a list" },
		{ "stop: {signal: {a: b}}", "stop.signal: is a mapping" },
		{ "log: {events: [json]}", "log.events: is a list" },
		{ "service: {name: [web]}", "service.name: is a list" },
		{ "service: {directory: [a]}", "service.directory: is a list" },
		{ "service: {command: {a: b}}", "service.command: is a mapping" },
		{ "service: {command: [node, [a]]}", "service.command: is a list" },
		{ "service: {command: [node, ~]}", "service.command: has no value; write \"~\" in quotes" },
		{ "service: {environment: {set: [a]}}", "is no mapping; write {NAME: value}" },
		{ "service: {environment: {set: {A: [1]}}}", "service.environment.set: is a list" },
		{ "sandbox: {user: [web]}", "sandbox.user: is a list" },
		{ "sandbox: {capabilities: {a: b}}", "sandbox.capabilities: is a mapping" },
		{ "sandbox: {capabilities: [[cap_chown]]}", "sandbox.capabilities: is a list" },
		{ "sandbox: {capabilities: none}", "" },
		{ "sandbox: {capabilities: [cap_chown, cap_chown]}", "" },
		{ "sandbox: {syscalls: [server]}", "sandbox.syscalls: is a list" },
		{ "sandbox: {syscalls: serber}", "unknown list \"serber\"; did you mean \"server\"?" },
		{ "sandbox: {syscalls: quux}", "it is server, strict, compat, none, or a path such as ./quux" },
		{ "memory: 5", "memory: is no value of its own" },
		{ "memory:", "warning: memory: holds no keys" },
		{ "[a, b]: c", "a key is one word, not a list or a mapping" },
	};
	assert_answers(rows, ARRAY_LEN(rows));
}

static void a_number_is_told_how_to_be_written(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "memory: {max: 536870912}", "write 512M if these are bytes" },
		{ "memory: {swap: 0}", "\"0\" has no unit; write 0M" },
		{ "memory: {max: 512}", "write 512M (MiB) or 512G" },
		{ "memory: {max: 512 MB}", "did you mean \"512M\"?" },
		{ "stop: {timeout: 5 minutes}", "did you mean \"5min\"?" },
		{ "limits: {cpu: a%}", "\"a%\" is no percentage; write one such as 150%" },
		{ "memory: {max: 1G}\nheap: {old_space: 0% of memory.max}", "out of range: 1% to 100% of memory.max" },
		{ "memory: {max: 1G}\nheap: {old_space: 50%}", "does not say of what" },
		{ "memory: {max: 1G}\nheap: {old_space: 50% of it}", "is no share" },
		{ "heap: {raise: {by: 0%}}", "out of range: 1% to 1000% of old space" },
		{ "heap: {raise: {by: 5X}}", "heap.raise.by: \"5X\" is no size" },
		{ "heap: {raise: {by: 100M}}", "" },
		{ "heap: {raise: {by: 50%}}", "" },
	};
	assert_answers(rows, ARRAY_LEN(rows));
}

static void what_contradicts_itself_is_told(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "heap: {old_space: 50% of memory.max}", "error: heap.old_space: a percentage is of memory.max, which is not set" },
		{ "memory: {max: 1G, high: 2G}", "warning: memory.high: above memory.max" },
		{ "memory: {max: 1G, high: 1G}", "" },
		{ "memory: {max: 100M}\nheap: {headroom: 100M}", "heap.headroom: not below memory.max" },
		{ "memory: {max: 100M}\nheap: {old_space: 100M}", "heap.old_space: not below memory.max" },
		{ "restart: {backoff: {from: 1min, up_to: 30s}}", "error: restart.backoff.from: longer than" },
		{ "heap: {at_limit: raise}", "heap.at_limit: raise needs heap.raise.up_to" },
		{ "heap: {at_limit: raise, raise: {up_to: 1G}}", "" },
		{ "heap: {runtime: none, old_space: 64M}", "warning: heap.old_space: has no effect" },
		{ "sandbox: {network: none}", "warning: sandbox.network: none without service.listen: nobody can reach" },
		{ "sandbox: {network: none}\nservice: {listen: \"tcp:1\"}", "" },
	};
	assert_answers(rows, ARRAY_LEN(rows));
}

static void a_text_that_is_no_strict_yaml_is_refused(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "%YAML 1.1\n---\nversion: 1\n", "a policy has no % directives" },
		{ "version: &a 1\n", "anchor \"&a\"" },
		{ "version: 1\r\nmemory: {max: 5X}\r\n", "w.yaml:2:15: error" },
		{ "version: 1\rmemory: {max: 5X}\r", "w.yaml:2:15: error" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_contains(answer("w.yaml", rows[i].text), rows[i].wanted);
	assert_null(strstr(answer("w.yaml", "version: &a 1\n"), "is not known here")); /* said once */
}

/* `count` times a piece between a head and a tail; malloc'ed. */
static char *many(const char *head, const char *piece, int count, const char *tail)
{
	size_t size = strlen(head) + strlen(tail) + (size_t)count * (strlen(piece) + 16) + 1;
	char *text = malloc(size), *at = text;
	assert_non_null(text);
	at += sprintf(at, "%s", head);
	for (int i = 0; i < count; i++)
		at += sprintf(at, "%s%d", piece, i);
	sprintf(at, "%s", tail);
	return text;
}

static void every_bound_is_said(void **state UNUSED)
{
	static const struct {
		const char *head, *piece;
		int count;
		const char *tail, *wanted;
	} rows[] = {
		{ "version: 1\nservice:\n  command: [node", ",", POLICY_WORDS_MAX - 1, "]\n", "" },
		{ "version: 1\nservice:\n  command: [node", ",", POLICY_WORDS_MAX, "]\n", "service.command: more than 256 words" },
		{ "version: 1\nservice: {environment: {set: {", "A: x, A", POLICY_WORDS_MAX - 1, ": x}}}\n", "" },
		{ "version: 1\nservice: {environment: {set: {", "A: x, A", POLICY_WORDS_MAX, ": x}}}\n", "more than 256 variables" },
		{ "version: 1\nx: [", "a,", POLICY_NODES_MAX, "]\n", "more than 4096 keys and values" },
		{ "version: 1\nx: [[a", "],[a", POLICY_NODES_MAX, "]]\n", "more than 4096 keys and values" },
		{ "version: 1\nx: [a, [b", "],[c", POLICY_NODES_MAX, "]]\n", "more than 4096 keys and values" },
		{ "version: 1\nx:\n- b", "\n- *a", POLICY_NODES_MAX, "\n", "alias" },
		{ "version: 1\nservice: {directory: \"", "abcdefghijklmnop", 256, "\"}\n", "is a path of more than 4095 bytes" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = many(rows[i].head, rows[i].piece, rows[i].count, rows[i].tail);
		const char *got = answer("w.yaml", text);
		if (rows[i].wanted[0] == '\0' ? got[0] != '\0' : strstr(got, rows[i].wanted) == NULL)
			fail_msg("row %zu is answered with\n%.2000s", i, got);
		free(text);
	}
}

static void a_long_path_of_a_file_keeps_its_end(void **state UNUSED)
{
	char path[400];
	memset(path, 'd', sizeof(path));
	strcpy(path + sizeof(path) - sizeof("/web.yaml"), "/web.yaml");
	const char *got = answer(path, "version: 2\n");
	assert_true(strncmp(got, "...dddd", 7) == 0);
	assert_contains(got, "dddd/web.yaml:1:10: error");
}

static void a_setting_may_be_a_list_of_capabilities(void **state UNUSED)
{
	static struct policy_errors errors;
	struct policy policy;
	policy_init(&policy);
	assert_int_equal(policy_apply_setting(&policy, "--set", "sandbox.capabilities=[cap_chown, cap_kill]", &errors), 0);
	assert_string_equal(policy.sandbox.capabilities, "cap_chown,cap_kill");
	assert_int_equal(policy_apply_setting(&policy, "--set", "sandbox.capabilities=none", &errors), 0);
	assert_string_equal(policy.sandbox.capabilities, "");
	assert_int_equal(policy_apply_settings(&policy, "HEAPWARD_SET", "stop.timeout=1s nonsense", &errors), -1);
	assert_contains(errors.list[0].text, "\"nonsense\" is no setting");
	policy_finish(&policy);
}

static void a_command_of_the_command_line_goes_over_the_files(void **state UNUSED)
{
	static struct policy_errors errors;
	static const char text[] = "version: 1\nservice: {command: [node, old.js, --port=1]}\n";
	char *const command[] = { "node", "new server.js", NULL };
	struct policy policy;
	struct failure why;
	policy_init(&policy);
	assert_int_equal(policy_apply_text(&policy, "w.yaml", text, strlen(text), &errors), 0);
	assert_int_equal(policy_set_command(&policy, command, &why), 0);
	assert_int_equal(policy.service.command.count, 2);
	assert_string_equal(policy.service.command.list[1], "new server.js");
	assert_null(policy.service.command.list[2]);
	assert_string_equal(policy.origins[KEY_SERVICE_COMMAND].file, "command line");
	policy_finish(&policy);
}

static void an_environment_file_is_read_line_by_line(void **state UNUSED)
{
	static const struct {
		const char *text;
		size_t length; /* 0: strlen */
		const char *answer, *first; /* "": taken, and the first pair */
	} rows[] = {
		{ "A=1\n", 0, "", "A=1" },
		{ "# note\n\n  A=1\r\nB='2 3'\n", 0, "", "A=1" },
		{ "A=\"x y\"", 0, "", "A=x y" },
		{ "A='\"'\n", 0, "", "A=\"" },
		{ "A=1\nA=2\n", 0, "", "A=2" },
		{ "A\n", 0, "line 1: no NAME=VALUE", "" },
		{ "A=1\n1B=2\n", 0, "line 2: \"1B\" is no name of a variable", "" },
		{ "HEAPWARD_AGENT=1\n", 0, "line 1: \"HEAPWARD_AGENT\" belongs to heapward", "" },
		{ "A='x\n", 0, "line 1: A: the quote is not closed at the end of the line", "" },
		{ "A='\n", 0, "line 1: A: the quote is not closed", "" },
		{ "A=1\nB=\0x\n", 9, "line 2: holds a NUL byte", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct words pairs = { 0 };
		struct failure why = { .text = "" };
		size_t length = rows[i].length > 0 ? rows[i].length : strlen(rows[i].text);
		int result = policy_pairs_read_lines(&pairs, rows[i].text, length, &why);
		if (result != (rows[i].answer[0] == '\0' ? 0 : -1) || strstr(why.text, rows[i].answer) == NULL)
			fail_msg("row %zu: %d %s", i, result, why.text);
		if (result == 0)
			assert_string_equal(pairs.list[0], rows[i].first);
		words_finish(&pairs);
	}
}

static void an_environment_file_has_at_most_as_many_variables_as_a_policy(void **state UNUSED)
{
	struct words pairs = { 0 };
	struct failure why;
	char *text = many("", "x=1\nA", POLICY_WORDS_MAX, "=1\n");
	assert_int_equal(policy_pairs_read_lines(&pairs, text, strlen(text), &why), -1);
	assert_string_equal(why.text, "line 257: more than 256 variables");
	words_finish(&pairs);
	free(text);
}

static void what_is_not_in_the_tables_has_no_range_and_no_number(void **state UNUSED)
{
	char low[16], high[16];
	assert_true(policy_key_range(KEY_MEMORY_MAX, low, high));
	assert_string_equal(low, "16M");
	assert_string_equal(high, "1024G");
	assert_false(policy_key_range(KEY_LOG_EVENTS, low, high));
	assert_int_equal(policy_key_signal("SIGINT"), 2);
	assert_int_equal(policy_key_signal("SIGINTR"), 0);
	policy_text_destroy(NULL);
}

static void a_starter_without_a_command_shows_one(void **state UNUSED)
{
	static const struct host host = { .mem_total_bytes = 4 * GIB };
	char *starter = policy_starter("web", NULL, &host);
	assert_non_null(starter);
	assert_contains(starter, "command: [node, server.js]");
	assert_string_equal(answer("w.yaml", starter), "");
	free(starter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_of_the_wrong_shape_is_named),
		cmocka_unit_test(a_number_is_told_how_to_be_written),
		cmocka_unit_test(what_contradicts_itself_is_told),
		cmocka_unit_test(a_text_that_is_no_strict_yaml_is_refused),
		cmocka_unit_test(every_bound_is_said),
		cmocka_unit_test(a_long_path_of_a_file_keeps_its_end),
		cmocka_unit_test(a_setting_may_be_a_list_of_capabilities),
		cmocka_unit_test(a_command_of_the_command_line_goes_over_the_files),
		cmocka_unit_test(an_environment_file_is_read_line_by_line),
		cmocka_unit_test(an_environment_file_has_at_most_as_many_variables_as_a_policy),
		cmocka_unit_test(what_is_not_in_the_tables_has_no_range_and_no_number),
		cmocka_unit_test(a_starter_without_a_command_shows_one),
	};
	return cmocka_run_group_tests_name("policy_value", tests, NULL, NULL);
}
