/* SPDX-License-Identifier: Apache-2.0 */
/* test_syscall_diff: conditions against arguments and against each other; a rule's text read again; what one list
 * allows beyond another. */
#include "tests/unit/filter_unit.h"
#include "tests/unit/unit.h"

#include "supervisor/core/syscall_diff.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/syscall_text.h"

#include <stdio.h>

static struct syscall_list one, two;
static struct syscall_diff diff;

static void read_into(struct syscall_list *list, const char *text)
{
	char shown[1024];
	struct syscall_names names = filter_names_of(AUDIT_ARCH_X86_64);
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	memset(list, 0, sizeof(*list));
	if (syscall_list_read(list, "a.list", text, strlen(text), &names, errors) == 0)
		return;
	policy_error_format(&errors->list[0], shown, sizeof(shown));
	fail_msg("%s", shown);
}

static const struct {
	const char *rule;
	uint64_t arguments[SYSCALL_ARGUMENTS];
	bool matches;
} matches[] = {
	{ "ioctl", { 1, 2, 3 }, true },
	{ "ioctl int1 == 2", { 1, 2 }, true },
	{ "ioctl int1 == 2", { 1, 0x100000002 }, true },
	{ "ioctl arg1 == 2", { 1, 0x100000002 }, false },
	{ "ioctl int1 == -1", { 1, UINT64_MAX }, true },
	{ "ioctl arg1 != 2", { 1, 2 }, false },
	{ "ioctl arg1 != 2", { 1, 3 }, true },
	{ "clone arg0 & CLONE_NAMESPACES == 0", { 0x3d0f00 }, true },
	{ "clone arg0 & CLONE_NAMESPACES == 0", { 0x10000000 }, false },
	{ "socket int0 == AF_NETLINK and int2 == NETLINK_ROUTE", { 16, 3, 0 }, true },
	{ "socket int0 == AF_NETLINK and int2 == NETLINK_ROUTE", { 16, 3, 15 }, false },
};

static void conditions_hold_for_arguments_or_do_not(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
		read_into(&one, matches[i].rule);
		if (syscall_match(&one.rules[0], matches[i].arguments) != matches[i].matches)
			fail_msg("%s: row %zu", matches[i].rule, i);
	}
}

static const struct {
	const char *rule, *other;
	bool within, apart;
} pairs[] = {
	{ "ioctl", "ioctl", true, false },
	{ "ioctl int1 == 2", "ioctl", true, false },
	{ "ioctl", "ioctl int1 == 2", false, false },
	{ "ioctl int1 == 2", "ioctl int1 == 2", true, false },
	{ "ioctl arg1 == 2", "ioctl int1 == 2", true, false },
	{ "ioctl int1 == 2", "ioctl arg1 == 2", false, false },
	{ "ioctl int1 == 2", "ioctl int1 == 3", false, true },
	{ "ioctl int1 == 2", "ioctl int0 == 2", false, false },
	{ "ioctl int1 == 2 and int0 == 1", "ioctl int0 == 1", true, false },
	{ "ioctl int0 == 1", "ioctl int1 == 2 and int0 == 1", false, false },
	{ "ioctl arg1 & 0xff == 0x12", "ioctl arg1 & 0xf == 0x2", true, false },
	{ "ioctl arg1 & 0xf == 0x2", "ioctl arg1 & 0xff == 0x12", false, false },
	{ "ioctl arg1 & 0xff == 0x13", "ioctl arg1 & 0xf == 0x2", false, true },
	{ "ioctl arg1 & 0xf0 == 0x10", "ioctl arg1 & 0xf == 0x2", false, false },
	{ "ioctl arg1 == 5", "ioctl arg1 != 6", true, false },
	{ "ioctl arg1 == 6", "ioctl arg1 != 6", false, true },
	{ "ioctl arg1 != 6", "ioctl arg1 == 6", false, true },
	{ "ioctl arg1 != 6", "ioctl arg1 != 6", true, false },
	{ "ioctl arg1 != 6", "ioctl arg1 != 7", false, false },
	{ "ioctl arg1 != 6", "ioctl arg1 == 7", false, false },
	{ "ioctl int1 == 2", "ioctl arg1 & 0 == 0", true, false },
};

/* What two rules say of each other, held against every small pair of arguments as well. */
static void conditions_contain_and_exclude_each_other(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		read_into(&one, pairs[i].rule);
		read_into(&two, pairs[i].other);
		bool within = syscall_match_within(&one.rules[0], &two.rules[0]);
		bool apart = syscall_match_apart(&one.rules[0], &two.rules[0]);
		if (within != pairs[i].within || apart != pairs[i].apart)
			fail_msg("%s, %s: within %d, apart %d", pairs[i].rule, pairs[i].other, within, apart);
		for (uint64_t k = 0; k < 4 * 64; k++) {
			uint64_t arguments[SYSCALL_ARGUMENTS] = { k / 64, k % 64 };
			bool fits = syscall_match(&one.rules[0], arguments),
			     others = syscall_match(&two.rules[0], arguments);
			assert_true(!within || !fits || others);
			assert_true(!apart || !fits || !others);
		}
	}
}

/* Each as it is written; "" where it is the same as it is read. */
static const struct {
	const char *line, *text;
} lines[] = {
	{ "read", "" },
	{ "fork?", "" },
	{ "#462", "" },
	{ "deny mount", "" },
	{ "absent clone3", "" },
	{ "ioctl int1 == FIONBIO", "" },
	{ "ioctl int1 == 0x5421", "ioctl int1 == FIONBIO" },
	{ "ioctl int1 == 21537 # and why", "ioctl int1 == FIONBIO" },
	{ "ioctl int1 == 0x802c542a", "" },
	{ "deny ioctl int1 == TIOCSTI", "" },
	{ "socket int0 == AF_NETLINK and int2 == NETLINK_ROUTE", "" },
	{ "socket int0 == AF_PACKET and int2 == 0", "socket int0 == AF_PACKET and int2 == 0x0" },
	{ "socketpair int0 == 1", "socketpair int0 == AF_UNIX" },
	{ "prctl int0 == 1", "prctl int0 == PR_SET_PDEATHSIG" },
	{ "read int0 == 1", "read int0 == 0x1" },
	{ "clone arg0 & CLONE_NAMESPACES == 0", "clone arg0 & CLONE_NAMESPACES == 0x0" },
	{ "unshare arg0 == CLONE_NEWPID|CLONE_NEWUSER|0x1", "unshare arg0 == CLONE_NEWUSER|CLONE_NEWPID|0x1" },
	{ "clone arg0 & CLONE_NEWUSER|CLONE_NEWPID == CLONE_NEWPID", "" },
	{ "personality int0 == -1", "personality int0 == 0xffffffff" },
	{ "read arg1 != 0xffffffffffffffff", "" },
	{ "deny read arg0 & 0xff00 != 0x1200", "" },
	{ "read arg0 & 0xffffffff == 7", "read int0 == 0x7" },
};

static void assert_same_rule(const struct syscall_rule *rule, const struct syscall_rule *other)
{
	assert_int_equal(rule->kind, other->kind);
	assert_int_equal(rule->number, other->number);
	assert_int_equal(rule->optional, other->optional);
	assert_string_equal(rule->name, other->name);
	assert_int_equal(rule->condition_count, other->condition_count);
	assert_memory_equal(rule->conditions, other->conditions, sizeof(rule->conditions));
}

static void a_rule_is_written_as_it_is_read(void **state UNUSED)
{
	char text[SYSCALL_RULE_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		read_into(&one, lines[i].line);
		assert_string_equal(syscall_rule_text(&one.rules[0], text),
				    lines[i].text[0] == '\0' ? lines[i].line : lines[i].text);
		read_into(&two, text);
		assert_same_rule(&one.rules[0], &two.rules[0]);
	}
}

static void every_shipped_rule_comes_back(void **state UNUSED)
{
	static const char *const names[] = { "strict", "server", "compat" };
	static const uint32_t architectures[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };
	char text[SYSCALL_RULE_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		cleanup_free struct syscall_list *list = list_of(names[i], AUDIT_ARCH_X86_64);
		for (size_t k = 0; k < list->rule_count; k++) {
			read_into(&one, syscall_rule_text(&list->rules[k], text));
			assert_same_rule(&list->rules[k], &one.rules[0]);
		}
		for (size_t k = 0; k < ARRAY_LEN(architectures); k++) {
			cleanup_free struct syscall_list *same = list_of(names[i], architectures[k]);
			syscall_diff(same, same, &diff);
			assert_int_equal(diff.count, 0);
		}
	}
}

/* The groups of the rules, "-" where there is none. */
static void a_comment_behind_an_empty_line_is_a_title(void **state UNUSED)
{
	static const char text[] =
		"# the file: what it is\ninclude strict\n\n"
		"# Files: look. And more of it.\n# not this\nread\n# nor this\nwrite\n\nopen\n\n"
		"# Sockets; some\n#\nclose\n\n\n#\nstat\n"
		"\n# This title is longer than a title may be, which is why it is cut at a word's end\nfstat\n";
	static const char *const wanted[] = {
		"Files: look", "Files: look", "-",
		"Sockets",     "-",	      "This title is longer than a title may be, which is why it is cut at a"
	};
	read_into(&one, text);
	assert_int_equal(one.rule_count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_string_equal(one.rules[i].group == 0 ? "-" : one.groups[one.rules[i].group - 1].title,
				    wanted[i]);
}

#define NONE SYSCALL_DIFF_KINDS

static const struct {
	const char *list, *other;
	enum syscall_diff_kind kind;
} differences[] = {
	{ "read", "read", NONE },
	{ "read\nread", "read", NONE },
	{ "read", "", SYSCALL_DIFF_MORE },
	{ "", "read", SYSCALL_DIFF_FEWER },
	{ "read\ndeny read", "read", SYSCALL_DIFF_FEWER },
	{ "read int0 == 1", "read", SYSCALL_DIFF_TIGHTER },
	{ "read", "read int0 == 1", SYSCALL_DIFF_WIDER },
	{ "read int0 == 1", "read int0 == 2", SYSCALL_DIFF_WIDER },
	{ "read int0 == 1", "read int0 == 1\nread int0 == 2", SYSCALL_DIFF_TIGHTER },
	{ "read int0 == 1\nread int0 == 2", "read int0 == 1", SYSCALL_DIFF_WIDER },
	{ "read int0 == 2\nread int0 == 1", "read int0 == 1\nread int0 == 2", NONE },
	{ "read\nread int0 == 1", "read", NONE },
	{ "read", "read\ndeny read int0 == 1", SYSCALL_DIFF_WIDER },
	{ "read\ndeny read int0 == 1", "read", SYSCALL_DIFF_TIGHTER },
	{ "read\ndeny read int0 == 1", "read\ndeny read int0 == 1", NONE },
	{ "read int0 == 2", "read\ndeny read int0 == 1", SYSCALL_DIFF_TIGHTER },
	{ "read int0 == 1", "read\ndeny read int0 == 1", SYSCALL_DIFF_WIDER },
	{ "read int0 == 1\nread int0 == 2\ndeny read int0 == 2", "read int0 == 1", NONE },
	{ "absent read", "", SYSCALL_DIFF_ANSWER },
	{ "", "absent read", SYSCALL_DIFF_ANSWER },
	{ "absent read\ndeny read", "absent read", SYSCALL_DIFF_ANSWER },
	{ "absent read", "absent read", NONE },
	{ "absent read\nread", "read", NONE },
	{ "read", "absent read", SYSCALL_DIFF_MORE },
	{ "absent #462", "", NONE },
	{ "deny #462", "", SYSCALL_DIFF_ANSWER },
};

static void what_a_list_allows_beyond_another(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(differences); i++) {
		enum syscall_diff_kind kind = differences[i].kind;
		read_into(&one, differences[i].list);
		read_into(&two, differences[i].other);
		syscall_diff(&one, &two, &diff);
		if (diff.count != (kind == NONE ? 0 : 1) || (kind != NONE && diff.calls[0].kind != kind))
			fail_msg("%s | %s: %zu, %d", differences[i].list, differences[i].other, diff.count,
				 diff.calls[0].kind);
		assert_int_equal(syscall_diff_allows_more(&diff),
				 kind == SYSCALL_DIFF_MORE || kind == SYSCALL_DIFF_WIDER);
	}
}

static void strict_is_within_server_and_server_within_compat(void **state UNUSED)
{
	static const uint32_t architectures[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };
	for (size_t i = 0; i < ARRAY_LEN(architectures); i++) {
		cleanup_free struct syscall_list *strict = list_of("strict", architectures[i]);
		cleanup_free struct syscall_list *server = list_of("server", architectures[i]);
		cleanup_free struct syscall_list *compat = list_of("compat", architectures[i]);
		syscall_diff(strict, server, &diff);
		assert_false(syscall_diff_allows_more(&diff));
		syscall_diff(server, compat, &diff);
		assert_false(syscall_diff_allows_more(&diff));
		syscall_diff(compat, server, &diff);
		assert_true(syscall_diff_allows_more(&diff));
	}
}

static void the_difference_is_shown_by_groups_in_80_columns(void **state UNUSED)
{
	static const char text[] =
		"my.list, against the list their.list\n"
		"\nAllowed, and not by their.list: 2\n  Danger: ptrace\n  Others: mount\n"
		"\nAllowed with more arguments than by their.list: 1\n"
		"  ioctl: int1 == TIOCSTI (their.list: int1 == FIONBIO)\n"
		"\nAllowed with fewer arguments than by their.list: 1\n"
		"  prctl: int0 == PR_SET_NAME (their.list: any arguments)\n"
		"\nClosed, and allowed by their.list: 3\n  Files: open, stat\n  Others: fork\n"
		"\nClosed in both, with another errno than by their.list: 1\n  clone3: EPERM (their.list: ENOSYS)\n"
		"\nmy.list allows more than their.list in 3 calls, and less in 4.\n";
	read_into(&one,
		  "mount\n\n# Danger\nptrace arg0 == 1\n\n# X\nioctl int1 == TIOCSTI\nprctl int0 == PR_SET_NAME\nread");
	read_into(&two,
		  "fork\nread\n\n# Files\nopen\nstat\n\n# Others of them\nioctl int1 == FIONBIO\nprctl\nabsent clone3");
	syscall_diff(&one, &two, &diff);
	cleanup_free char *shown = syscall_diff_text(&diff, &one, "my.list", &two, "their.list");
	assert_string_equal(shown, text);
	cleanup_free struct syscall_list *strict = list_of("strict", AUDIT_ARCH_X86_64);
	cleanup_free struct syscall_list *compat = list_of("compat", AUDIT_ARCH_X86_64);
	syscall_diff(compat, strict, &diff);
	cleanup_free char *long_one = syscall_diff_text(&diff, compat, "compat", strict, "strict");
	for (const char *line = long_one; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
}

/* What stands between the first line and the last, and the last: the words for same, fewer, more, and both. */
static const struct {
	const char *list, *other, *body, *last;
} words[] = {
	{ "read", "read", "", "my.list and server allow the same." },
	{ "absent read", "", "\nClosed in both, with another errno than by server: 1\n  read: ENOSYS (server: EPERM)\n",
	  "my.list and server allow the same; some of what both close fails with another\nerrno." },
	{ "", "read", "\nClosed, and allowed by server: 1\n  Others: read\n",
	  "my.list allows less than server, and nothing beyond it." },
	{ "read", "", "\nAllowed, and not by server: 1\n  Others: read\n",
	  "my.list allows more than server, and all that server allows." },
	{ "read", "write", "\nAllowed, and not by server: 1\n  Others: read\n\nClosed, and allowed by server: 1\n  Others: write\n",
	  "my.list allows more than server in 1 call, and less in 1." },
	{ "read int0 == 1", "read int0 == 1\nread int0 == 2\nread int0 == 3",
	  "\nAllowed with fewer arguments than by server: 1\n  read: not with int0 == 0x2 or int0 == 0x3\n",
	  "my.list allows less than server, and nothing beyond it." },
	{ "read int0 == 1\nread int0 == 2", "read int0 == 1",
	  "\nAllowed with more arguments than by server: 1\n  read: also with int0 == 0x2\n",
	  "my.list allows more than server, and all that server allows." },
	{ "read\ndeny read int0 == 1", "read",
	  "\nAllowed with fewer arguments than by server: 1\n"
	  "  read: any arguments, never int0 == 0x1 (server: any arguments)\n",
	  "my.list allows less than server, and nothing beyond it." },
	{ "read int0 == 1\nread int0 == 2", "read int0 == 1\nread int0 == 2\ndeny read int0 == 2",
	  "\nAllowed with more arguments than by server: 1\n  read: no such line (server: never int0 == 0x2)\n",
	  "my.list allows more than server, and all that server allows." },
};

static void the_last_line_says_more_less_both_or_the_same(void **state UNUSED)
{
	char wanted[1024];
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		read_into(&one, words[i].list);
		read_into(&two, words[i].other);
		syscall_diff(&one, &two, &diff);
		cleanup_free char *shown = syscall_diff_text(&diff, &one, "my.list", &two, "server");
		snprintf(wanted, sizeof(wanted), "my.list, against the list server\n%s\n%s\n", words[i].body,
			 words[i].last);
		assert_string_equal(shown, wanted);
	}
}

static void a_long_difference_is_cut(void **state UNUSED)
{
	char text[16384];
	size_t length = 0;
	for (int i = 0; i < 400; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "read int0 == %d\n", 1000 + i);
	read_into(&one, text);
	read_into(&two, "read int0 == 1");
	syscall_diff(&one, &two, &diff);
	cleanup_free char *shown = syscall_diff_text(&diff, &one, "my.list", &two, "server");
	assert_contains(shown, "int0 == 0x3e8 or ");
	assert_contains(shown, " ...");
	assert_null(strstr(shown, "int0 == 0x577"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_hold_for_arguments_or_do_not),
		cmocka_unit_test(conditions_contain_and_exclude_each_other),
		cmocka_unit_test(a_long_difference_is_cut),
		cmocka_unit_test(a_rule_is_written_as_it_is_read),
		cmocka_unit_test(every_shipped_rule_comes_back),
		cmocka_unit_test(a_comment_behind_an_empty_line_is_a_title),
		cmocka_unit_test(what_a_list_allows_beyond_another),
		cmocka_unit_test(strict_is_within_server_and_server_within_compat),
		cmocka_unit_test(the_difference_is_shown_by_groups_in_80_columns),
		cmocka_unit_test(the_last_line_says_more_less_both_or_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
