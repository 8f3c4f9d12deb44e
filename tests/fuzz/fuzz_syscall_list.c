/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_syscall_list: any bytes as a list of system calls: errors are printable, and what is accepted is whole rules, from
 * which a prologue can be made or is refused. */
#include "supervisor/core/syscall_list.h"
#include "supervisor/core/syscall_prologue.h"

#include <linux/audit.h>
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
	free(list);
	free(errors);
	return 0;
}
