/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_learnt: see syscall_learnt.h. A call whose arguments do not matter is found by its number alone. */
#include "supervisor/core/syscall_learnt.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/syscall_prologue.h"

#include <stdio.h>
#include <string.h>

#define INT_MASK UINT64_C(0xffffffff)
#define MAKES_THREAD UINT64_C(0x10000) /* CLONE_THREAD */

/* Calls that say in one argument what they are for, and that a shipped list allows as a whole or not at all:
 * "unshare" alone is no rule that anybody could review. */
static const struct {
	const char *name;
	uint8_t argument;
	uint64_t mask;
} closer[] = {
	{ "unshare", 0, INT_MASK }, { "setns", 1, INT_MASK },  { "ptrace", 0, UINT64_MAX },
	{ "bpf", 0, INT_MASK },	    { "keyctl", 0, INT_MASK }, { "kcmp", 2, INT_MASK },
};

_Static_assert(ARRAY_LEN(closer) <= SYSCALL_LEARNT_CLOSER_MAX, "each has a place for its number");

void syscall_learnt_init(struct syscall_learnt *learnt, const struct syscall_list *base,
			 const struct syscall_names *names)
{
	memset(learnt, 0, sizeof(*learnt));
	learnt->base = base;
	learnt->fork = names->number(names, "fork");
	learnt->vfork = names->number(names, "vfork");
	learnt->clone = names->number(names, "clone");
	for (size_t i = 0; i < ARRAY_LEN(closer); i++)
		learnt->closer[i] = names->number(names, closer[i].name);
}

/* Which argument of ours a call says what it is for in; SIZE_MAX: none. */
static size_t find_closer(const struct syscall_learnt *learnt, int number)
{
	for (size_t i = 0; i < ARRAY_LEN(closer); i++)
		if (learnt->closer[i] == number)
			return i;
	return SIZE_MAX;
}

/* The base's next rule for a number from *at on; NULL behind the last. */
static const struct syscall_rule *next_rule(const struct syscall_list *base, int number, size_t *at)
{
	while (*at < base->rule_count) {
		const struct syscall_rule *rule = &base->rules[(*at)++];
		if (rule->number == number)
			return rule;
	}
	return NULL;
}

/* The base's rule of a kind, with conditions that hold (or, without, none at all). */
static const struct syscall_rule *find_rule(const struct syscall_list *base, int number, enum syscall_rule_kind kind,
					    bool conditions, const uint64_t *arguments)
{
	size_t at = 0;
	for (const struct syscall_rule *rule; (rule = next_rule(base, number, &at)) != NULL;)
		if (rule->kind == kind && (rule->condition_count > 0) == conditions && syscall_match(rule, arguments))
			return rule;
	return NULL;
}

/* Adds what this call has in an argument, looked at through a mask, to the conditions of the rule. */
static void add_seen(struct syscall_rule *rule, uint8_t argument, uint64_t mask, const uint64_t *arguments)
{
	struct syscall_condition *condition = NULL;
	for (size_t i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].argument == argument)
			condition = &rule->conditions[i];
	if (condition == NULL)
		condition = &rule->conditions[rule->condition_count++];
	condition->argument = argument;
	condition->mask |= mask;
	condition->value = arguments[argument] & condition->mask;
}

/* As closely as anything in the base looks at this call. */
static void look_closely(const struct syscall_learnt *learnt, int number, const uint64_t *arguments,
			 struct syscall_rule *rule)
{
	size_t at = 0, index = find_closer(learnt, number);
	for (const struct syscall_rule *other; (other = next_rule(learnt->base, number, &at)) != NULL;)
		for (size_t i = 0; i < other->condition_count; i++)
			add_seen(rule, other->conditions[i].argument, other->conditions[i].mask, arguments);
	if (rule->condition_count == 0 && index != SIZE_MAX)
		add_seen(rule, closer[index].argument, closer[index].mask, arguments);
}

/* A rule of its own, in name and group of what the base has for the call. */
static struct syscall_rule make_rule(const struct syscall_learnt *learnt, int number, const uint64_t *arguments,
				     const struct syscall_rule *whole)
{
	size_t at = 0;
	const struct syscall_rule *like = whole != NULL ? whole : next_rule(learnt->base, number, &at);
	struct syscall_rule own = { .number = number };
	if (like != NULL)
		own = *like;
	own.kind = SYSCALL_ALLOW;
	own.condition_count = 0;
	memset(own.conditions, 0, sizeof(own.conditions));
	look_closely(learnt, number, arguments, &own);
	return own;
}

/* The rule that this call comes to: one of the base, or one of its own; *ret_beyond: the base does not allow it. */
static struct syscall_rule rule_for(const struct syscall_learnt *learnt, int number, const uint64_t *arguments,
				    bool *ret_beyond)
{
	const struct syscall_list *base = learnt->base;
	const struct syscall_rule *rule = find_rule(base, number, SYSCALL_DENY, false, arguments);
	if (rule == NULL)
		rule = find_rule(base, number, SYSCALL_DENY, true, arguments);
	if (rule == NULL)
		rule = find_rule(base, number, SYSCALL_ALLOW, true, arguments);
	const struct syscall_rule *whole = find_rule(base, number, SYSCALL_ALLOW, false, arguments);
	if (rule == NULL && whole == NULL && !syscall_list_allows(base, number))
		rule = find_rule(base, number, SYSCALL_ABSENT, false, arguments);
	*ret_beyond = rule == NULL && whole == NULL;
	return rule != NULL ? *rule : make_rule(learnt, number, arguments, whole);
}

static bool is_same(const struct syscall_rule *rule, const struct syscall_rule *other)
{
	if (rule->number != other->number || rule->kind != other->kind ||
	    rule->condition_count != other->condition_count)
		return false;
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct syscall_condition *one = &rule->conditions[i], *two = &other->conditions[i];
		if (one->argument != two->argument || one->differs != two->differs || one->mask != two->mask ||
		    one->value != two->value)
			return false;
	}
	return true;
}

/* The entry of a rule; *ret_close: how many entries with conditions its call has. */
static struct syscall_learnt_call *find_call(struct syscall_learnt *learnt, const struct syscall_rule *rule,
					     size_t *ret_close)
{
	*ret_close = 0;
	for (size_t i = 0; i < learnt->count; i++) {
		if (is_same(&learnt->calls[i].rule, rule))
			return &learnt->calls[i];
		*ret_close += learnt->calls[i].rule.number == rule->number && learnt->calls[i].rule.condition_count > 0;
	}
	return NULL;
}

/* The base's own rules always find room: they do not grow with what a program does. */
static bool is_full(const struct syscall_learnt *learnt, size_t close)
{
	return close >= SYSCALL_LEARNT_VALUES_MAX || learnt->close_count >= SYSCALL_LEARNT_CLOSE_MAX;
}

static struct syscall_learnt_call *add_call(struct syscall_learnt *learnt, const struct syscall_rule *rule, bool beyond)
{
	if (learnt->count == SYSCALL_LEARNT_MAX)
		return NULL;
	struct syscall_learnt_call *call = &learnt->calls[learnt->count++];
	*call = (struct syscall_learnt_call){ .rule = *rule, .beyond = beyond };
	learnt->close_count += rule->condition_count > 0;
	return call;
}

static struct syscall_learnt_call *call_of(struct syscall_learnt *learnt, struct syscall_rule *rule, bool beyond)
{
	size_t close;
	struct syscall_learnt_call *call = find_call(learnt, rule, &close);
	if (call != NULL)
		return call;
	bool wide = rule->kind == SYSCALL_ALLOW && rule->condition_count > 0 && is_full(learnt, close);
	if (wide) {
		rule->condition_count = 0;
		call = find_call(learnt, rule, &close);
	}
	if (call == NULL)
		call = add_call(learnt, rule, beyond);
	if (call != NULL)
		call->wide = call->wide || wide;
	return call;
}

bool syscall_learnt_is_plain(const struct syscall_learnt *learnt, int number)
{
	size_t at = 0;
	bool allowed = false;
	if (find_closer(learnt, number) != SIZE_MAX)
		return false;
	for (const struct syscall_rule *rule; (rule = next_rule(learnt->base, number, &at)) != NULL;) {
		if (rule->condition_count > 0 || rule->kind == SYSCALL_DENY)
			return false;
		allowed = allowed || rule->kind == SYSCALL_ALLOW;
	}
	return allowed;
}

static void count_processes(struct syscall_learnt *learnt, int number, const uint64_t *arguments)
{
	bool makes = number == learnt->fork || number == learnt->vfork ||
		     (number == learnt->clone && (arguments[0] & MAKES_THREAD) == 0);
	learnt->processes += makes;
}

struct syscall_learnt_call *syscall_learnt_note(struct syscall_learnt *learnt, int number,
						const uint64_t arguments[static SYSCALL_ARGUMENTS])
{
	assert(number >= 0 && number <= SYSCALL_NUMBER_MAX);
	learnt->total++;
	count_processes(learnt, number, arguments);
	struct syscall_learnt_call *call = NULL;
	if (learnt->plain[number] > 0) {
		call = &learnt->calls[learnt->plain[number] - 1];
	} else {
		bool beyond;
		struct syscall_rule rule = rule_for(learnt, number, arguments, &beyond);
		call = call_of(learnt, &rule, beyond);
		if (call != NULL && syscall_learnt_is_plain(learnt, number))
			learnt->plain[number] = (uint16_t)(1 + (call - learnt->calls));
	}
	if (call == NULL)
		learnt->lost++;
	else
		call->count++;
	return call;
}

void syscall_learnt_note_foreign(struct syscall_learnt *learnt)
{
	learnt->total++;
	learnt->foreign++;
}

static int add_rule(struct syscall_list *list, enum syscall_rule_kind kind, const char *name, int number)
{
	if (list->rule_count == SYSCALL_RULES_MAX)
		return -1;
	struct syscall_rule *rule = &list->rules[list->rule_count++];
	*rule = (struct syscall_rule){ .kind = kind, .number = number };
	snprintf(rule->name, sizeof(rule->name), "%s", name);
	return 0;
}

/* A number beyond every name is absent, and not seen, unless a rule has it: one that denies makes it seen. */
int syscall_learnt_filter(const struct syscall_learnt *learnt, const struct syscall_names *names,
			  struct syscall_list *ret)
{
	for (const struct syscall_learnt_always *always = syscall_learnt_always; always->name != NULL; always++) {
		int number = names->number(names, always->name);
		if (always->hot && number >= 0 && syscall_learnt_is_plain(learnt, number) &&
		    add_rule(ret, SYSCALL_ALLOW, always->name, number) < 0)
			return -1;
	}
	for (size_t i = 0; i < learnt->base->rule_count; i++) {
		const struct syscall_rule *rule = &learnt->base->rules[i];
		if (rule->number > SYSCALL_NEWEST && add_rule(ret, SYSCALL_DENY, rule->name, rule->number) < 0)
			return -1;
	}
	return 0;
}
