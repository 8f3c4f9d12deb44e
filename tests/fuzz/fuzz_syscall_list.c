/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_syscall_list: any bytes as a list of system calls: errors are printable, and what is accepted is whole rules, from
 * which a prologue can be made or is refused, which are read again as they are written, and which no list learnt under them is
 * without. */
#include "supervisor/core/syscall_diff.h"
#include "supervisor/core/syscall_learnt.h"
#include "supervisor/core/syscall_list.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/syscall_prologue.h"
#include "supervisor/core/syscall_text.h"

#include <linux/audit.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const calls[] = { "read", "write", "open", "clone", "clone3", "ioctl", "socket", "ptrace", "mount", "prctl" };

static int number_of(const struct syscall_names *names UNUSED, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i], name) == 0)
			return (int)i;
	return strcmp(name, "fork") == 0 ? SYSCALL_ELSEWHERE : SYSCALL_UNKNOWN;
}

static void offer(const struct syscall_names *names UNUSED, struct suggest *suggest)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		suggest_offer(suggest, calls[i], strlen(calls[i]));
}

static void check_errors(const struct policy_errors *errors)
{
	char text[1024];
	for (size_t i = 0; i < errors->count; i++) {
		size_t length = policy_error_format(&errors->list[i], text, sizeof(text));
		assert(length > 0 && text[length - 1] == '\n');
		for (size_t k = 0; k < length; k++)
			assert(text[k] == '\n' || (unsigned char)text[k] >= ' ');
	}
}

static void check_rules(const struct syscall_list *list)
{
	static struct sock_filter code[SYSCALL_PROLOGUE_MAX];
	struct failure why;
	assert(list->rule_count <= SYSCALL_RULES_MAX && list->include_count <= SYSCALL_INCLUDES_MAX);
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		assert(rule->number >= 0 && rule->number <= SYSCALL_NUMBER_MAX && rule->condition_count <= SYSCALL_ARGUMENTS);
		assert(memchr(rule->name, '\0', sizeof(rule->name)) != NULL && rule->name[0] != '\0');
		for (size_t k = 0; k < rule->condition_count; k++) {
			const struct syscall_condition *condition = &rule->conditions[k];
			assert(condition->argument < SYSCALL_ARGUMENTS && (condition->value & ~condition->mask) == 0);
			assert(rule->kind == SYSCALL_DENY || !condition->differs || condition->mask == UINT64_MAX);
		}
	}
	int count = syscall_prologue(list, AUDIT_ARCH_X86_64, 0x50001, code, &why);
	for (int i = 0; i < count; i++) /* no jump leads behind the end */
		if (BPF_CLASS(code[i].code) == BPF_JMP && code[i].code != (BPF_JMP | BPF_JA))
			assert(i + 1 + code[i].jt <= count && i + 1 + code[i].jf <= count);
}

/* Reads what was written, without an error. */
static void read_again(struct syscall_list *ret, const char *text, const struct syscall_names *names)
{
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	assert(errors != NULL);
	memset(ret, 0, sizeof(*ret));
	int result = syscall_list_read(ret, "again.list", text, strlen(text), names, errors);
	assert(result == 0);
	free(errors);
}

static void check_text(const struct syscall_list *list, const struct syscall_names *names)
{
	static struct syscall_list again;
	char text[SYSCALL_RULE_TEXT_MAX];
	for (size_t i = 0; i < list->rule_count && i < 32; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		read_again(&again, syscall_rule_text(rule, text), names);
		assert(again.rule_count == 1 && again.rules[0].number == rule->number && again.rules[0].kind == rule->kind);
		assert(again.rules[0].condition_count == rule->condition_count);
		assert(memcmp(again.rules[0].conditions, rule->conditions, sizeof(rule->conditions)) == 0);
	}
}

static void check_difference(const struct syscall_list *list)
{
	static struct syscall_diff diff;
	static const struct syscall_list nothing;
	syscall_diff(list, list, &diff);
	assert(diff.count == 0);
	syscall_diff(list, &nothing, &diff);
	char *text = syscall_diff_text(&diff, list, "a", &nothing, "b");
	assert(text != NULL);
	free(text);
}

static bool has_rule(const struct syscall_list *list, const struct syscall_rule *rule)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == rule->number && list->rules[i].kind == rule->kind &&
		    syscall_match_within(rule, &list->rules[i]))
			return true;
	return false;
}

/* Calls made of the same bytes; the base is small enough for its rules to fit into the list as well. */
static void check_learnt(const struct syscall_list *base, const struct syscall_names *names, const uint8_t *data, size_t size)
{
	static struct syscall_learnt learnt;
	static struct syscall_list again;
	const struct syscall_learnt_source source = { .command = "c", .node = "", .kernel = "k", .date = "d", .base = "b", .workers = 1 };
	if (base->rule_count > 64)
		return;
	syscall_learnt_init(&learnt, base, names);
	for (size_t i = 0; i + 2 < size && i < 256; i++) {
		uint64_t arguments[SYSCALL_ARGUMENTS] = { data[i], data[i + 1], data[i + 2], data[i] * 0x1000000u };
		struct syscall_learnt_call *call = syscall_learnt_note(&learnt, data[i] % 12, arguments);
		assert(call != NULL);
		if (call->rule.name[0] == '\0')
			snprintf(call->rule.name, sizeof(call->rule.name), "#%d", call->rule.number);
	}
	char *text = syscall_learnt_text(&learnt, names, &source);
	assert(text != NULL);
	read_again(&again, text, names);
	for (size_t i = 0; i < learnt.count; i++)
		assert(has_rule(&again, &learnt.calls[i].rule));
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct syscall_names names = { .number = number_of, .offer = offer };
	struct syscall_list *list = calloc(1, sizeof(*list));
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	assert(list != NULL && errors != NULL);
	int result = syscall_list_read(list, "fuzz.list", (const char *)data, size, &names, errors);
	assert((result == 0) == (errors->refusals == 0));
	check_errors(errors);
	check_rules(list);
	check_text(list, &names);
	check_difference(list);
	check_learnt(list, &names, data, size);
	free(list);
	free(errors);
	return 0;
}
