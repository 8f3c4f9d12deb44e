/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_golden: whole texts: the errors of wrong policies, the plans of the shipped ones, and what is made of the
 * key table. Each is held against a file. */
#include "tests/unit/unit.h"
#include "tests/unit/golden.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/policy_starter.h"

#include <json.h>
#include <json_pointer.h>
#include <regex.h>

static size_t read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s cannot be read", path);
	size_t length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	fclose(file);
	return length;
}

/* A path of the source tree. */
static const char *source(const char *path)
{
	static char whole[1024];
	const char *end = strstr(__FILE__, "tests/unit/");
	snprintf(whole, sizeof(whole), "%.*s%s", end != NULL ? (int)(end - __FILE__) : 0, __FILE__, path);
	return whole;
}

/* All errors of a text, as `check` prints them. */
static void print_errors(const char *file, const char *text, size_t length, char *printed, size_t size)
{
	static struct policy_errors errors;
	struct policy policy;
	memset(&errors, 0, sizeof(errors));
	policy_init(&policy);
	(void)policy_apply_text(&policy, file, text, length, &errors);
	policy_check(&policy, &errors);
	policy_finish(&policy);
	printed[0] = '\0';
	for (size_t i = 0; i < errors.count; i++)
		policy_error_format(&errors.list[i], printed + strlen(printed), size - strlen(printed));
}

static void every_error_is_told_by_line_and_column(void **state UNUSED)
{
	static const char *const names[] = { "every-mistake", "tab", "list", "empty", "version", "two-documents",
					     "contradictions", "no-version", "bytes", "deep", "cut", "hidden",
					     "sockets", "sockets-contradict", "one-round", "no-follow-ups",
					     "instances-contradict" };
	static char text[65536], printed[65536];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[128], path[1024];
		snprintf(name, sizeof(name), "tests/golden/policy/%s.yaml", names[i]);
		size_t length = read_file(source(name), text, sizeof(text));
		print_errors(strrchr(name, '/') + 1, text, length, printed, sizeof(printed));
		assert_contains(printed, "error: ");
		snprintf(name, sizeof(name), "policy/%s", names[i]);
		golden_path(__FILE__, name, path, sizeof(path));
		golden_check(path, printed);
	}
}

static void the_shipped_policies_explain_themselves(void **state UNUSED)
{
	static const char *const names[] = { "web", "cluster", "job", "strict" };
	static char text[65536];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char name[128], path[1024];
		static struct policy_errors errors;
		struct policy policy;
		struct host host = sample_host();
		struct plan plan;
		if (strcmp(names[i], "strict") == 0) { /* it is root's */
			host.uid = 0;
			host.fence = (struct host_fence){ .landlock_abi = 7, .mounts = true, .network = true };
		}
		snprintf(name, sizeof(name), "policies/%s.yaml", names[i]);
		size_t length = read_file(source(name), text, sizeof(text));
		policy_init(&policy);
		assert_int_equal(policy_apply_text(&policy, name, text, length, &errors), 0);
		policy_finish_defaults(&policy);
		assert_int_equal(policy_check(&policy, &errors), 0);
		assert_int_equal(errors.count, 0);
		plan_resolve(&policy, &host, policy.service.command.list, &plan);
		char *explained = explain_text(&plan, &policy, &host, names[i]);
		assert_non_null(explained);
		snprintf(name, sizeof(name), "explain/%s", names[i]);
		golden_path(__FILE__, name, path, sizeof(path));
		golden_check(path, explained);
		assert_true(plan_is_startable(&plan));
		free(explained);
		policy_finish(&policy);
	}
}

static void the_published_schema_is_that_of_the_key_table(void **state UNUSED)
{
	static char committed[65536];
	read_file(source("policies/heapward.schema.json"), committed, sizeof(committed));
	char *schema = policy_schema();
	assert_non_null(schema);
	if (strcmp(schema, committed) != 0)
		fail_msg("policies/heapward.schema.json is old: build/policies/keys schema > policies/heapward.schema.json");
	free(schema);
}

/* The regular expression that the schema has for a key; NULL: it has none. */
static const char *pattern_of(struct json_object *schema, enum policy_key key)
{
	char path[POLICY_PATH_MAX], pointer[512] = "", *rest = path;
	struct json_object *found = NULL;
	policy_key_path(key, path);
	for (char *part; (part = strsep(&rest, ".")) != NULL;)
		snprintf(pointer + strlen(pointer), sizeof(pointer) - strlen(pointer), "/properties/%s", part);
	strcat(pointer, "/pattern");
	return json_pointer_get(schema, pointer, &found) == 0 ? json_object_get_string(found) : NULL;
}

/* True where heapward takes it, but for its bounds. */
static bool is_read(enum policy_key key, const char *value)
{
	static struct policy_errors errors;
	struct policy policy;
	char setting[POLICY_PATH_MAX + 64];
	policy_key_path(key, setting);
	snprintf(setting + strlen(setting), 64, "=%s", value);
	memset(&errors, 0, sizeof(errors));
	policy_init(&policy);
	bool taken = policy_apply_setting(&policy, "--set", setting, &errors) == 0 ||
		     strstr(errors.list[0].text, "out of range") != NULL;
	policy_finish(&policy);
	return taken;
}

/* An editor that knows the schema must not warn of what heapward reads, nor let through what it refuses. */
static void the_schema_takes_what_the_parser_takes(void **state UNUSED)
{
	static const char *const values[] = {
		"75%", "75% of memory.max", "75% of memory", "512M", "512MiB", "512", "512MB", "1G", "0K", "none", "auto", "never",
		"inherit", "30s", "5min", "30", "100ms", "2h", "1d", "30 s", "1.5G", "-1M", "listening", "tcp:80", "http:80/ready",
		"http:/ready", "", "true",
	};
	char *text = policy_schema();
	struct json_object *schema = json_tokener_parse(text);
	size_t count = 0;
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		const char *pattern = pattern_of(schema, key);
		regex_t regex;
		if (pattern == NULL)
			continue;
		assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
		for (size_t i = 0; i < ARRAY_LEN(values); i++, count++)
			if (is_read(key, values[i]) != (regexec(&regex, values[i], 0, NULL, 0) == 0))
				fail_msg("key %d, \"%s\": %s", (int)key, values[i], pattern);
		regfree(&regex);
	}
	assert_true(count > 500);
	json_object_put(schema);
	free(text);
}

static void the_manual_names_every_key(void **state UNUSED)
{
	char *manual = policy_manual();
	assert_non_null(manual);
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		static const char *const names[] = {
#define X(id, section, name, type, standard, range, help) name,
			POLICY_KEYS(X)
#undef X
		};
		char first[64];
		snprintf(first, sizeof(first), "*%.*s", (int)strcspn(names[key], "._"), names[key]);
		assert_contains(manual, first);
	}
	free(manual);
}

/* Takes every comment sign away that stands before a key, but for keys without a default. */
static void uncomment(const char *starter, char *text)
{
	for (const char *line = starter; *line != '\0';) {
		size_t length = strcspn(line, "\n") + 1;
		bool is_comment = line[0] == '#', is_key = is_comment && line[1] != ' ';
		is_key = is_key || (is_comment && strncmp(line, "#  ", 3) == 0);
		if ((!is_comment || is_key) && memmem(line, length, ": ...", 5) == NULL) {
			memcpy(text, line + (is_key ? 1 : 0), length - (is_key ? 1 : 0));
			text += length - (is_key ? 1 : 0);
		}
		line += length;
	}
	*text = '\0';
}

static void a_starter_policy_is_right_as_printed_and_with_all_its_defaults(void **state UNUSED)
{
	static char text[65536], printed[65536];
	char *const command[] = { "node", "a b.js", "--port=80", "", "\"quoted\"\n", "yes", NULL };
	struct host host = sample_host();
	char *starter = policy_starter("web", command, &host);
	assert_non_null(starter);
	print_errors("starter.yaml", starter, strlen(starter), printed, sizeof(printed));
	assert_string_equal(printed, "");
	uncomment(starter, text);
	print_errors("starter.yaml", text, strlen(text), printed, sizeof(printed));
	if (strstr(printed, "error:") != NULL)
		fail_msg("%s", printed);
	struct policy policy;
	static struct policy_errors errors;
	policy_init(&policy);
	assert_int_equal(policy_apply_text(&policy, "starter.yaml", starter, strlen(starter), &errors), 0);
	for (size_t i = 0; command[i] != NULL; i++)
		assert_string_equal(policy.service.command.list[i], command[i]);
	assert_int_equal(policy.memory.max_bytes, policy_starter_memory_max(&host));
	for (const char *line = starter; *line != '\0'; line += strcspn(line, "\n") + 1)
		if (strncmp(line, "  command:", 10) != 0)
			assert_in_range(strcspn(line, "\n"), 0, 80);
	policy_finish(&policy);
	free(starter);
}

static void a_starter_asks_for_a_quarter_of_the_machine(void **state UNUSED)
{
	static const struct {
		uint64_t total, level, proposed;
	} rows[] = {
		{ 16 * GIB, SIZE_NONE, 2 * GIB }, { 4 * GIB, SIZE_NONE, GIB }, { 512 * MIB, SIZE_NONE, 256 * MIB },
		{ 64 * GIB, 3 * GIB, 768 * MIB }, { SIZE_UNKNOWN, SIZE_NONE, 2 * GIB }, { 2 * GIB + 1, SIZE_NONE, 512 * MIB },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host host = sample_host();
		host.mem_total_bytes = rows[i].total;
		host.levels[0].max_bytes = rows[i].level;
		assert_int_equal(policy_starter_memory_max(&host), rows[i].proposed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_is_told_by_line_and_column),
		cmocka_unit_test(the_shipped_policies_explain_themselves),
		cmocka_unit_test(the_published_schema_is_that_of_the_key_table),
		cmocka_unit_test(the_schema_takes_what_the_parser_takes),
		cmocka_unit_test(the_manual_names_every_key),
		cmocka_unit_test(a_starter_policy_is_right_as_printed_and_with_all_its_defaults),
		cmocka_unit_test(a_starter_asks_for_a_quarter_of_the_machine),
	};
	return cmocka_run_group_tests_name("policy_golden", tests, NULL, NULL);
}
