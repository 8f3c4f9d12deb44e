/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_text: see syscall_text.h. */
#include "supervisor/core/syscall_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INT_MASK UINT64_C(0xffffffff)

struct text {
	char *bytes;
	size_t length;
};

static void add(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text->bytes + text->length, SYSCALL_RULE_TEXT_MAX - text->length, format, args);
	va_end(args);
	text->length += (size_t)length;
	assert(text->length < SYSCALL_RULE_TEXT_MAX);
}

/* A netlink protocol's number is another protocol's in another family. */
static bool has_meaning(const struct syscall_rule *rule, unsigned argument)
{
	uint64_t netlink = 0;
	if (argument != 2 || strcmp(rule->name, "socket") != 0)
		return true;
	(void)syscall_word_find("AF_NETLINK", &netlink);
	for (size_t i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].argument == 0 && rule->conditions[i].value == netlink &&
		    !rule->conditions[i].differs)
			return true;
	return false;
}

/* "CLONE_NEWUSER|CLONE_NEWPID|0x4" */
static void add_bits(struct text *text, const char *call, unsigned argument, uint64_t value)
{
	uint64_t rest = 0;
	bool any = false;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t one = value & UINT64_C(1) << bit;
		const char *word = one == 0 ? NULL : syscall_word_of(call, argument, one);
		rest |= word == NULL ? one : 0;
		if (word != NULL)
			add(text, "%s%s", any ? "|" : "", word);
		any = any || word != NULL;
	}
	if (rest != 0 || !any)
		add(text, "%s0x%" PRIx64, any ? "|" : "", rest);
}

static void add_value(struct text *text, const struct syscall_rule *rule, unsigned argument, uint64_t value)
{
	const char *word = has_meaning(rule, argument) ? syscall_word_of(rule->name, argument, value) : NULL;
	if (word != NULL)
		add(text, "%s", word);
	else if (syscall_words_flags(rule->name, argument) && value != 0)
		add_bits(text, rule->name, argument, value);
	else
		add(text, "0x%" PRIx64, value);
}

static void add_condition(struct text *text, const struct syscall_rule *rule, const struct syscall_condition *condition)
{
	bool low = condition->mask == INT_MASK, masked = !low && condition->mask != UINT64_MAX;
	add(text, "%s%u ", low ? "int" : "arg", condition->argument);
	if (masked && syscall_words_flags(rule->name, condition->argument)) {
		add(text, "& ");
		add_value(text, rule, condition->argument, condition->mask);
		add(text, " ");
	} else if (masked) {
		add(text, "& 0x%" PRIx64 " ", condition->mask);
	}
	add(text, "%s ", condition->differs ? "!=" : "==");
	add_value(text, rule, condition->argument, condition->value);
}

static void add_conditions(struct text *text, const struct syscall_rule *rule)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		add(text, "%s", i == 0 ? "" : " and ");
		add_condition(text, rule, &rule->conditions[i]);
	}
}

const char *syscall_conditions_text(const struct syscall_rule *rule, char buffer[static SYSCALL_RULE_TEXT_MAX])
{
	struct text text = { .bytes = buffer };
	buffer[0] = '\0';
	add_conditions(&text, rule);
	return buffer;
}

const char *syscall_rule_text(const struct syscall_rule *rule, char buffer[static SYSCALL_RULE_TEXT_MAX])
{
	static const char *const kinds[] = {
		[SYSCALL_ALLOW] = "", [SYSCALL_DENY] = "deny ", [SYSCALL_ABSENT] = "absent "
	};
	struct text text = { .bytes = buffer };
	add(&text, "%s%s%s%s", kinds[rule->kind], rule->name, rule->optional ? "?" : "",
	    rule->condition_count == 0 ? "" : " ");
	add_conditions(&text, rule);
	return buffer;
}
