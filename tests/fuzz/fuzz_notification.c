/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_notification: any calls, by processes of any name: what is told of them is whole and printable, they are counted, none
 * is told more often than it may be, and a list that is learnt from them allows them. */
#include "supervisor/core/printable.h"
#include "supervisor/core/syscall_learnt.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/violation.h"
#include "supervisor/edge/filter.h"
#include "supervisor/types/notice.h"

#include <stdio.h>
#include <string.h>

#define CALLS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One call, as its bytes stand in the input. */
struct input {
	uint8_t foreign, pid;
	int16_t number; /* where `wide` is odd: of any size */
	uint32_t wide;
	uint64_t arguments[SYSCALL_ARGUMENTS];
	char comm[16];
};

static const char base_text[] = "read\nwrite\nexit_group\nsocket int0 == AF_INET\nsocket int0 == AF_UNIX\nioctl int1 == 0x5401\n"
				"clone arg0 & CLONE_NEWUSER == 0\ndeny prctl int0 == 4\nprctl\ndeny ptrace\nabsent clone3\nopenat\n";

static int32_t number_of(const struct input *input)
{
	return input->wide % 2 != 0 ? (int32_t)input->wide : input->number % (SYSCALL_NUMBER_MAX + 2);
}

static void check_plain(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	assert(length < size);
	for (size_t i = 0; i < length;) {
		uint32_t character;
		size_t bytes = printable_decode(text + i, length - i, &character);
		assert(bytes > 0 && printable_is_plain(character));
		i += bytes;
	}
}

/* As service/violating.c tells it. */
static void describe(uint32_t architecture, struct violation_call *call, const struct input *input)
{
	char comm[16];
	snprintf(comm, sizeof(comm), "%.15s", input->comm);
	if (call->name[0] == '\0')
		filter_call_name(architecture, call->number, call->name, sizeof(call->name));
	printable_copy(call->comm, sizeof(call->comm), comm);
	call->pid = input->pid;
	memcpy(call->arguments, input->arguments, sizeof(call->arguments));
}

static void check_told(const struct violation_call *call, const struct violation_list *list)
{
	struct notice notice;
	char shown[VIOLATION_CALL_MAX], arguments[160];
	for (enum violation answer = VIOLATION_ERRNO; answer <= VIOLATION_AUDIT; answer++)
		check_plain(violation_text(call, answer, list, notice.message, sizeof(notice.message)), sizeof(notice.message));
	check_plain(violation_call(call, 60, shown, sizeof(shown)), sizeof(shown));
	check_plain(violation_arguments(call, arguments, sizeof(arguments)), sizeof(arguments));
}

static void check_violations(const struct syscall_list *base, const struct input *inputs, size_t count)
{
	static struct violations violations;
	struct violation_list list;
	const uint32_t native = filter_names().architecture;
	int64_t now_usec = 0;
	uint64_t sum = 0;
	memset(&violations, 0, sizeof(violations));
	violation_list_note(&list, count % 2 != 0 ? "server" : "/etc/web.list", base);
	for (size_t i = 0; i < count; i++) {
		bool tell;
		const uint32_t architecture = inputs[i].foreign % 2 ? inputs[i].wide : native;
		const int32_t number = number_of(&inputs[i]);
		struct violation_call *call = violations_note(&violations, filter_call_sort(architecture, number), number, &tell);
		int64_t until_usec = violations_pace(&violations, now_usec);
		assert(until_usec == 0 || until_usec > now_usec);
		now_usec += inputs[i].pid;
		if (!tell)
			continue;
		describe(architecture, call, &inputs[i]);
		violations_told(call);
		check_told(call, &list);
	}
	for (struct violation_call *rest; (rest = violations_untold(&violations)) != NULL; violations_told(rest))
		assert(rest->name[0] != '\0');
	for (size_t i = 0; i <= VIOLATION_CALLS_MAX; i++)
		sum += violations.calls[i].count;
	assert(sum == violations.total && sum == count && violations.call_count <= VIOLATION_CALLS_MAX);
}

static bool is_allowed(const struct syscall_list *list, int number, const uint64_t arguments[static SYSCALL_ARGUMENTS])
{
	bool allowed = false;
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		if (rule->number != number || !syscall_match(rule, arguments))
			continue;
		if (rule->kind == SYSCALL_DENY)
			return false;
		allowed |= rule->kind == SYSCALL_ALLOW;
	}
	return allowed;
}

/* As service/learning.c does it. */
static void check_learnt(const struct syscall_list *base, const struct syscall_names *names, const struct input *inputs, size_t count)
{
	static struct syscall_learnt learnt;
	static struct syscall_list again;
	char what[17] = "";
	bool passed[CALLS_MAX] = { false };
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	assert(errors != NULL);
	syscall_learnt_init(&learnt, base, names);
	for (size_t i = 0; i < count; i++) {
		if (number_of(&inputs[i]) < 0 || number_of(&inputs[i]) > SYSCALL_NUMBER_MAX)
			continue;
		struct syscall_learnt_call *call = syscall_learnt_note(&learnt, number_of(&inputs[i]), inputs[i].arguments);
		assert(call != NULL);
		if (call->rule.name[0] == '\0')
			filter_call_name(names->architecture, call->rule.number, call->rule.name, sizeof(call->rule.name));
		passed[i] = call->rule.kind == SYSCALL_ALLOW;
		snprintf(what, sizeof(what), "%.16s", inputs[i].comm);
	}
	const struct syscall_learnt_source source = { .command = what, .node = what, .kernel = what, .date = "d", .base = what,
						      .file = what, .workers = count };
	char *text = syscall_learnt_text(&learnt, names, &source);
	assert(text != NULL);
	memset(&again, 0, sizeof(again));
	int result = syscall_list_read(&again, "learnt.list", text, strlen(text), names, errors);
	assert(result == 0);
	for (size_t i = 0; i < count; i++)
		assert(!passed[i] || is_allowed(&again, number_of(&inputs[i]), inputs[i].arguments));
	free(text);
	free(errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct syscall_list base;
	static struct input inputs[CALLS_MAX];
	const struct syscall_names names = filter_names();
	size_t count = size / sizeof(inputs[0]) < CALLS_MAX ? size / sizeof(inputs[0]) : CALLS_MAX;
	if (base.rule_count == 0) {
		struct policy_errors *errors = calloc(1, sizeof(*errors));
		assert(errors != NULL);
		int result = syscall_list_read(&base, "base.list", base_text, sizeof(base_text) - 1, &names, errors);
		assert(result == 0);
		free(errors);
	}
	if (count > 0)
		memcpy(inputs, data, count * sizeof(inputs[0]));
	check_violations(&base, inputs, count);
	check_learnt(&base, &names, inputs, count);
	return 0;
}
