/* SPDX-License-Identifier: Apache-2.0 */
/* test_syscall_list: the text of a list of system calls: what each form becomes, and every error by line and column. */
#include "tests/unit/unit.h"

#include "supervisor/core/syscall_list.h"

#include <stdio.h>

static const struct {
	const char *name;
	int number;
} calls[] = { { "read", 0 }, { "write", 1 }, { "open", 2 }, { "clone", 56 }, { "ioctl", 16 }, { "ptrace", 101 }, { "clone3", 435 },
	      { "fork", SYSCALL_ELSEWHERE } };

static int number_of(const struct syscall_names *names UNUSED, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return SYSCALL_UNKNOWN;
}

static void offer(const struct syscall_names *names UNUSED, struct suggest *suggest)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		suggest_offer(suggest, calls[i].name, strlen(calls[i].name));
}

static const struct syscall_names names = { .number = number_of, .offer = offer };
static struct syscall_list list;
static struct policy_errors errors;

static int read_text(const char *text, size_t length)
{
	memset(&list, 0, sizeof(list));
	memset(&errors, 0, sizeof(errors));
	return syscall_list_read(&list, "my.list", text, length, &names, &errors);
}

static void assert_reads(const char *text)
{
	char shown[1024] = "";
	if (read_text(text, strlen(text)) == 0)
		return;
	policy_error_format(&errors.list[0], shown, sizeof(shown));
	fail_msg("%s", shown);
}

#define WHOLE UINT64_MAX
#define LOW 0xffffffffu

/* One line, one rule. */
static const struct {
	const char *line;
	enum syscall_rule_kind kind;
	int number;
	size_t condition_count;
	struct syscall_condition first;
} lines[] = {
	{ "read", SYSCALL_ALLOW, 0, 0, { 0 } },
	{ "  read\t", SYSCALL_ALLOW, 0, 0, { 0 } },
	{ "read # and why", SYSCALL_ALLOW, 0, 0, { 0 } },
	{ "read?", SYSCALL_ALLOW, 0, 0, { 0 } },
	{ "#462", SYSCALL_ALLOW, 462, 0, { 0 } },
	{ "#4095 arg0 == 1", SYSCALL_ALLOW, 4095, 1, { 0, false, WHOLE, 1 } },
	{ "deny ptrace", SYSCALL_DENY, 101, 0, { 0 } },
	{ "deny #462", SYSCALL_DENY, 462, 0, { 0 } },
	{ "absent clone3", SYSCALL_ABSENT, 435, 0, { 0 } },
	{ "read arg0 == 3", SYSCALL_ALLOW, 0, 1, { 0, false, WHOLE, 3 } },
	{ "read arg5==0x7fffffffffffffff", SYSCALL_ALLOW, 0, 1, { 5, false, WHOLE, 0x7fffffffffffffff } },
	{ "read arg1 == -1", SYSCALL_ALLOW, 0, 1, { 1, false, WHOLE, UINT64_MAX } },
	{ "read arg1 != 0xffffffffffffffff", SYSCALL_ALLOW, 0, 1, { 1, true, WHOLE, UINT64_MAX } },
	{ "read int2 == 7", SYSCALL_ALLOW, 0, 1, { 2, false, LOW, 7 } },
	{ "read int2 == -1", SYSCALL_ALLOW, 0, 1, { 2, false, LOW, 0xffffffff } },
	{ "read int2 == 0xffffffff", SYSCALL_ALLOW, 0, 1, { 2, false, LOW, 0xffffffff } },
	{ "read arg0 & 0xff00 == 0x1200", SYSCALL_ALLOW, 0, 1, { 0, false, 0xff00, 0x1200 } },
	{ "read int0 & -1 == 5", SYSCALL_ALLOW, 0, 1, { 0, false, LOW, 5 } },
	{ "clone arg0 & CLONE_NAMESPACES == 0", SYSCALL_ALLOW, 56, 1, { 0, false, 0x7e020000, 0 } },
	{ "clone arg0 & CLONE_NEWUSER|CLONE_NEWPID == CLONE_NEWPID", SYSCALL_ALLOW, 56, 1, { 0, false, 0x30000000, 0x20000000 } },
	{ "clone arg0 & 0x100 | 0x1 == 0", SYSCALL_ALLOW, 56, 1, { 0, false, 0x101, 0 } },
	{ "ioctl int1 == FIONBIO and arg2 == 0", SYSCALL_ALLOW, 16, 2, { 1, false, LOW, 0x5421 } },
	{ "deny ioctl int1 == TIOCSTI", SYSCALL_DENY, 16, 1, { 1, false, LOW, 0x5412 } },
	{ "deny ioctl int1 != 0", SYSCALL_DENY, 16, 1, { 1, true, LOW, 0 } },
	{ "deny ioctl int1 & 3 != 3 and int1 == 8", SYSCALL_DENY, 16, 2, { 1, true, 3, 3 } },
};

static void each_form_becomes_its_rule(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const struct syscall_rule *rule = &list.rules[0];
		assert_reads(lines[i].line);
		if (list.rule_count != 1 || rule->kind != lines[i].kind || rule->number != lines[i].number ||
		    rule->condition_count != lines[i].condition_count)
			fail_msg("%s: %zu rules, number %d", lines[i].line, list.rule_count, rule->number);
		if (rule->condition_count == 0)
			continue;
		const struct syscall_condition *wanted = &lines[i].first, *is = &rule->conditions[0];
		if (is->argument != wanted->argument || is->differs != wanted->differs || is->mask != wanted->mask ||
		    is->value != wanted->value)
			fail_msg("%s: argument %u & %#llx == %#llx", lines[i].line, is->argument, (unsigned long long)is->mask,
				 (unsigned long long)is->value);
	}
}

static void what_is_no_rule_makes_none(void **state UNUSED)
{
	assert_reads("# comment\n\n   \n\t# 12 calls\n#comment\nfork?\nnosuchcall?\n#\r\n");
	assert_int_equal(list.rule_count, 0);
	assert_reads("read\r\nwrite");
	assert_int_equal(list.rule_count, 2);
	assert_string_equal(list.rules[1].name, "write");
}

static void an_include_is_noted_once_with_its_place(void **state UNUSED)
{
	assert_reads("read\n  include server # more\ninclude server\ninclude ./mine.list\n");
	assert_int_equal(list.include_count, 2);
	assert_string_equal(list.includes[0].name, "server");
	assert_int_equal(list.includes[0].origin.line, 2);
	assert_int_equal(list.includes[0].origin.column, 11);
	assert_string_equal(list.includes[1].name, "./mine.list");
}

/* The first error of a text of one line: its column and words. */
static const struct {
	const char *line;
	int column;
	const char *text;
} mistakes[] = {
	{ "raed", 1, "unknown system call \"raed\"; did you mean \"read\"?" },
	{ "deny ptrase", 6, "did you mean \"ptrace\"?" },
	{ "zzzzzzzz", 1, "unknown system call \"zzzzzzzz\"" },
	{ "averyveryverylongnamethatnocallhas", 1, "unknown system call" },
	{ "fork", 1, "this architecture has no fork; write \"fork?\"" },
	{ "#4096", 1, "is no number of a system call" },
	{ "#12a", 1, "is no number of a system call" },
	{ "?", 1, "unknown system call" },
	{ "deny", 5, "the name of a system call is missing" },
	{ "absent # nothing", 8, "the name of a system call is missing" },
	{ "absent clone3 arg0 == 1", 15, "what is absent has no conditions" },
	{ "include", 8, "include what?" },
	{ "include a b", 11, "where the line should end" },
	{ "read write", 6, "\"write\" is no argument: arg0 to arg5, or int0 to int5" },
	{ "read arg6 == 1", 6, "is no argument" },
	{ "read arg10 == 1", 6, "is no argument" },
	{ "read arg0", 10, "\"\" is no comparison" },
	{ "read arg0 ==", 13, "a value is missing" },
	{ "read arg0 == 1 and", 19, "a condition is missing" },
	{ "read arg0 == 1 arg1 == 2", 16, "go on with \"and\"" },
	{ "read arg0 == 1, arg1 == 2", 14, "unknown constant \"1,\"" },
	{ "read arg0 == 0x1ffffffffffffffff", 14, "unknown constant" },
	{ "read arg0 == 0x", 14, "unknown constant" },
	{ "socket_ int0 == AF_UNIX", 1, "unknown system call" },
	{ "read int0 == AF_UNX", 14, "unknown constant \"AF_UNX\"; did you mean \"AF_UNIX\"?" },
	/* libseccomp 2.5.4 makes wrong filters of ordered comparisons: there are none. */
	{ "read arg0 < 3", 11, "\"<\" is no comparison: ==, != or & MASK ==" },
	{ "read arg0 <= 3", 11, "is no comparison" },
	{ "read arg0 > 3", 11, "is no comparison" },
	{ "read arg0 >= 3", 11, "is no comparison" },
	{ "read arg0 = 3", 11, "\"=\" is no comparison" },
	{ "read int0 & 3 & 1 == 1", 15, "is no comparison" },
	{ "read int0 != 3", 11, "only a whole register (argN) can be allowed by !=; write: deny read" },
	{ "read arg0 & 3 != 3", 15, "only a whole register" },
	{ "read arg0 == 1 and arg0 == 2", 25, "argument 0 stands twice" },
	{ "read arg0 & 2 == 1", 15, "can never be equal" },
	{ "read int0 == 0x100000000", 11, "can never be equal" },
	{ "read caf\xc3\xa9", 6, "is no argument" },
	{ "# caf\xc3\xa9 \xff", 8, "byte 0xff is not UTF-8" },
	{ "# \xe2\x80\xae", 3, "character U+202E is not allowed" },
	{ "read\001", 5, "character U+0001 is not allowed" },
	{ "read\r", 0, "" }, /* a line end of Windows */
};

static void each_mistake_is_told_by_its_place(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		int result = read_text(mistakes[i].line, strlen(mistakes[i].line));
		if (mistakes[i].column == 0) {
			assert_int_equal(result, 0);
			continue;
		}
		if (result == 0 || errors.count == 0)
			fail_msg("%s: no error", mistakes[i].line);
		if (errors.list[0].line != 1 || errors.list[0].column != mistakes[i].column ||
		    strstr(errors.list[0].text, mistakes[i].text) == NULL)
			fail_msg("%s: %d: %s", mistakes[i].line, errors.list[0].column, errors.list[0].text);
	}
}

static void all_errors_of_a_text_are_told(void **state UNUSED)
{
	char shown[1024];
	const char text[] = "raed\nread\nwrite arg0 < 1\n\nfork\n";
	assert_int_equal(read_text(text, strlen(text)), -1);
	assert_int_equal(errors.count, 3);
	policy_error_format(&errors.list[1], shown, sizeof(shown));
	assert_string_equal(shown, "my.list:3:12: error: \"<\" is no comparison: ==, != or & MASK ==\n"
				   "    3 | write arg0 < 1\n      |            ^\n");
	assert_int_equal(errors.list[2].line, 5);
	assert_int_equal(list.rule_count, 1);
}

static void a_list_has_an_end(void **state UNUSED)
{
	static char text[SYSCALL_TEXT_MAX + 2];
	size_t length = 0;
	for (int i = 0; i <= SYSCALL_RULES_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "read\n");
	assert_int_equal(read_text(text, length), -1);
	assert_int_equal(list.rule_count, SYSCALL_RULES_MAX);
	assert_contains(errors.list[0].text, "more than 1024 rules");
	length = 0;
	for (int i = 0; i <= SYSCALL_INCLUDES_MAX; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "include a%d\n", i);
	assert_int_equal(read_text(text, length), -1);
	assert_contains(errors.list[0].text, "more than 16 includes");
	length = (size_t)snprintf(text, sizeof(text), "include ./%0200d\n", 1);
	assert_int_equal(read_text(text, length), -1);
	assert_contains(errors.list[0].text, "is too long");
	length = (size_t)snprintf(text, sizeof(text), "deny read");
	for (int i = 0; i <= SYSCALL_ARGUMENTS; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s arg%d == 1", i == 0 ? "" : " and", i % SYSCALL_ARGUMENTS);
	assert_int_equal(read_text(text, length), -1);
	assert_contains(errors.list[0].text, "more than 6 conditions");
	memset(text, '\n', sizeof(text));
	assert_int_equal(read_text(text, SYSCALL_TEXT_MAX), 0);
	assert_int_equal(read_text(text, SYSCALL_TEXT_MAX + 1), -1);
	assert_contains(errors.list[0].text, "a list has at most 128 KiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_becomes_its_rule),
		cmocka_unit_test(what_is_no_rule_makes_none),
		cmocka_unit_test(an_include_is_noted_once_with_its_place),
		cmocka_unit_test(each_mistake_is_told_by_its_place),
		cmocka_unit_test(all_errors_of_a_text_are_told),
		cmocka_unit_test(a_list_has_an_end),
	};
	return cmocka_run_group_tests_name("syscall_list", tests, NULL, NULL);
}
