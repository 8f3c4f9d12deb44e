/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory: memory that runs out in core. The linker puts the functions below before the C library's (--wrap); each
 * piece of work is done again and again, and each time the next one of its allocations fails: it must say so, and never
 * crash, leak (sanitizers) or go on with half of what it was given. Allocations inside libyaml and json-c are not met. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"

#include <json.h>
#include <stdio.h>

#include "supervisor/core/budget.h"
#include "supervisor/core/budget_text.h"
#include "supervisor/core/environment.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_starter.h"
#include "supervisor/core/policy_words.h"
#include "supervisor/core/syscall_learnt.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
int __wrap_asprintf(char **ret, const char *format, ...) PRINTF_LIKE(2, 3);
int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...) PRINTF_LIKE(3, 4);

static int left = -1; /* allocations until one fails; -1: none does */
static bool lost;

static bool fails(void)
{
	bool now = left >= 0 && left-- == 0;
	lost = lost || now;
	return now;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : __real_strndup(text, size);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = fails() ? -1 : vasprintf(ret, format, args);
	va_end(args);
	return length;
}

int __wrap___asprintf_chk(char **ret, int flag UNUSED, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = fails() ? -1 : vasprintf(ret, format, args);
	va_end(args);
	return length;
}

static struct policy_errors errors;

/* What a policy's reader answers: 0, or -1 with the words. */
static int answer_of(struct policy *policy, int result)
{
	left = -1;
	policy_finish(policy);
	if (result < 0)
		assert_contains(errors.list[0].text, "memory is out");
	return result;
}

static void begin(struct policy *policy)
{
	int kept = left;
	left = -1;
	memset(&errors, 0, sizeof(errors));
	policy_init(policy);
	left = kept;
}

static int read_policy(void)
{
	static const char text[] =
		"version: 1\n"
		"service: {name: web, command: [node, s.js], directory: app, environment: {set: {A: x, B: y}, file: /e}}\n"
		"memory: {max: 512M}\nsandbox: {user: web, capabilities: [cap_net_bind_service, cap_net_raw],"
		" read_write: [/a, b], require: [landlock]}\n";
	struct policy policy;
	begin(&policy);
	return answer_of(&policy, policy_apply_text(&policy, "dir/web.yaml", text, strlen(text), &errors));
}

static int read_scalar_capabilities(void)
{
	static const char text[] = "version: 1\nsandbox: {capabilities: none}\n";
	struct policy policy;
	begin(&policy);
	return answer_of(&policy, policy_apply_text(&policy, "web.yaml", text, strlen(text), &errors));
}

static int read_plain_setting(void)
{
	struct policy policy;
	begin(&policy);
	return answer_of(&policy, policy_apply_setting(&policy, "--set", "memory.max=512M", &errors));
}

static int read_list_setting(void)
{
	struct policy policy;
	begin(&policy);
	return answer_of(&policy, policy_apply_setting(&policy, "--set", "service.command=[node, \"a b\"]", &errors));
}

static int set_command(void)
{
	char *const command[] = { "node", "server.js", "--port=1", NULL };
	struct policy policy;
	struct failure why;
	begin(&policy);
	int result = policy_set_command(&policy, command, &why);
	left = -1;
	policy_finish(&policy);
	return result;
}

static int read_lines(void)
{
	static const char text[] = "A=1\nB='2'\nA=3\n";
	struct words pairs = { 0 };
	struct failure why;
	int result = policy_pairs_read_lines(&pairs, text, strlen(text), &why);
	words_finish(&pairs);
	return result;
}

static int build_environment(void)
{
	char *const inherited[] = { "PATH=/bin", "NODE_OPTIONS=--trace-gc", "A=0", NULL };
	char *file_list[] = { "B=1", NULL }, *set_list[] = { "A=2", NULL };
	const struct words file = { file_list, 1 }, set = { set_list, 1 };
	const struct environment environment = { .inherited = inherited, .file = &file, .set = &set,
						 .node_options = "--max-old-space-size=64", .agent_path = "/a b/agent.cjs",
						 .agent_needs_read = true, .agent_variable = "HEAPWARD_AGENT=1" };
	struct words words;
	struct failure why;
	int result = environment_build(&environment, &words, &why);
	left = -1;
	if (result == 0)
		assert_string_equal(environment_get(words.list, "NODE_OPTIONS"),
				    "--require \"/a b/agent.cjs\" --allow-fs-read=\"/a b/*\" --max-old-space-size=64 "
				    "--trace-gc");
	else
		assert_contains(why.text, "memory");
	words_finish(&words);
	return result;
}

/* A text that was made, or NULL. */
static int made(char *text)
{
	left = -1;
	free(text);
	return text == NULL ? -1 : 0;
}

/* A plan that cannot read NODE_OPTIONS refuses the start; its text is made all the same. */
static int explain(void)
{
	char *const command[] = { "node", "server.js", NULL };
	struct policy policy = capped_policy(512 * MIB);
	struct host host = sample_host();
	struct plan plan;
	plan_resolve(&policy, &host, command, &plan);
	if (lost)
		assert_contains(first_remark(&plan, true), "out of memory");
	return made(explain_text(&plan, &policy, &host, "web")) < 0 || !plan_is_startable(&plan) ? -1 : 0;
}

static int print_manual(void)
{
	return made(policy_manual());
}

static int copy_json_text(void)
{
	struct json_object *text = json_text("a text");
	left = -1;
	json_object_put(text);
	return text == NULL ? -1 : 0;
}

static int print_starter(void)
{
	static const struct host host = { .mem_total_bytes = 4 * GIB };
	char *const command[] = { "node", "a b.js", NULL };
	return made(policy_starter("web", command, &host));
}

static int number_of_none(const struct syscall_names *names UNUSED, const char *name UNUSED)
{
	return SYSCALL_UNKNOWN;
}

static int print_learnt(void)
{
	static const struct syscall_list base;
	static struct syscall_learnt learnt;
	const struct syscall_names names = { .number = number_of_none };
	syscall_learnt_init(&learnt, &base, &names);
	return made(syscall_learnt_text(&learnt, &names, &(struct syscall_learnt_source){
		.command = "c", .node = "", .kernel = "k", .date = "d", .base = "server" }));
}

static int write_budget(void)
{
	static struct budget budget;
	memset(&budget, 0, sizeof(budget));
	budget_add(&budget, 1, VERDICT_EXIT);
	return made(budget_text(&budget, 0, &(struct budget_clock){ 2, 3, "" }));
}

static void every_allocation_that_fails_is_said(void **state UNUSED)
{
	static const struct {
		const char *what;
		int (*work)(void);
		int least; /* allocations of its own, or the row would hold nothing */
	} rows[] = {
		{ "a policy", read_policy, 30 },
		{ "a policy without capabilities", read_scalar_capabilities, 5 },
		{ "a setting", read_plain_setting, 2 },
		{ "a setting that is a list", read_list_setting, 4 },
		{ "a command", set_command, 6 },
		{ "an environment file", read_lines, 6 },
		{ "a worker's environment", build_environment, 10 },
		{ "explain", explain, 2 },
		{ "the manual", print_manual, 2 },
		{ "a text for JSON", copy_json_text, 1 },
		{ "a starter policy", print_starter, 2 },
		{ "a learnt list", print_learnt, 2 },
		{ "a budget", write_budget, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int at = 0;
		for (lost = true; lost; at++) {
			lost = false;
			left = at;
			int result = rows[i].work();
			left = -1;
			if ((result < 0) != lost)
				fail_msg("%s: allocation %d %s, and the answer is %d", rows[i].what, at, lost ? "fails" : "is none",
					 result);
		}
		if (at <= rows[i].least)
			fail_msg("%s: %d allocations", rows[i].what, at - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_that_fails_is_said),
	};
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
