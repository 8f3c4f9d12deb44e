/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_diff: see syscall_diff.h. */
#include "supervisor/core/syscall_diff.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/syscall_prologue.h"

#include <string.h>

/* What a list says of one call. */
struct said {
	const struct syscall_list *list;
	int number;
	bool named, allowed, absent, denied; /* denied: whatever the arguments are */
};

static struct said say(const struct syscall_list *list, int number)
{
	struct said said = { .list = list, .number = number };
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		if (rule->number != number)
			continue;
		said.named = true;
		said.allowed = said.allowed || rule->kind == SYSCALL_ALLOW;
		said.absent = said.absent || rule->kind == SYSCALL_ABSENT;
		said.denied = said.denied || (rule->kind == SYSCALL_DENY && rule->condition_count == 0);
	}
	return said;
}

static bool is_open(const struct said *said)
{
	return said->allowed && !said->denied;
}

/* Of a call that is not open: ENOSYS, not EPERM. A number beyond every name has it by itself. */
static bool looks_absent(const struct said *said)
{
	return !said->denied && (said->absent || (!said->named && said->number > SYSCALL_NEWEST));
}

/* True where one of the rules of that kind has room for all that `rule` fits. */
static bool has_around(const struct said *said, enum syscall_rule_kind kind, const struct syscall_rule *rule)
{
	for (size_t i = 0; i < said->list->rule_count; i++) {
		const struct syscall_rule *other = &said->list->rules[i];
		if (other->number == said->number && other->kind == kind && syscall_match_within(rule, other))
			return true;
	}
	return false;
}

/* What `other` denies of what `rule` allows, its own list denies as well. */
static bool denies_as_much(const struct said *said, const struct syscall_rule *rule, const struct said *other)
{
	for (size_t i = 0; i < other->list->rule_count; i++) {
		const struct syscall_rule *denial = &other->list->rules[i];
		if (denial->number == other->number && denial->kind == SYSCALL_DENY &&
		    !syscall_match_apart(rule, denial) && !has_around(said, SYSCALL_DENY, denial))
			return false;
	}
	return true;
}

/* Whatever is allowed here, the other allows. */
static bool is_within(const struct said *said, const struct said *other)
{
	for (size_t i = 0; i < said->list->rule_count; i++) {
		const struct syscall_rule *rule = &said->list->rules[i];
		if (rule->number != said->number || rule->kind != SYSCALL_ALLOW || has_around(said, SYSCALL_DENY, rule))
			continue;
		if (!has_around(other, SYSCALL_ALLOW, rule) || !denies_as_much(said, rule, other))
			return false;
	}
	return true;
}

/* SYSCALL_DIFF_KINDS: there is none. */
static enum syscall_diff_kind compare(const struct said *said, const struct said *other)
{
	if (is_open(said) && !is_open(other))
		return SYSCALL_DIFF_MORE;
	if (!is_open(said) && is_open(other))
		return SYSCALL_DIFF_FEWER;
	if (!is_open(said))
		return looks_absent(said) == looks_absent(other) ? SYSCALL_DIFF_KINDS : SYSCALL_DIFF_ANSWER;
	if (!is_within(said, other))
		return SYSCALL_DIFF_WIDER;
	return is_within(other, said) ? SYSCALL_DIFF_KINDS : SYSCALL_DIFF_TIGHTER;
}

static void note_numbers(const struct syscall_list *list, bool seen[static SYSCALL_NUMBER_MAX + 1])
{
	for (size_t i = 0; i < list->rule_count; i++)
		seen[list->rules[i].number] = true;
}

void syscall_diff(const struct syscall_list *list, const struct syscall_list *other, struct syscall_diff *ret)
{
	bool seen[SYSCALL_NUMBER_MAX + 1] = { false };
	memset(ret, 0, sizeof(*ret));
	note_numbers(list, seen);
	note_numbers(other, seen);
	for (int number = 0; number <= SYSCALL_NUMBER_MAX; number++) {
		if (!seen[number])
			continue;
		struct said one = say(list, number), two = say(other, number);
		enum syscall_diff_kind kind = compare(&one, &two);
		if (kind == SYSCALL_DIFF_KINDS)
			continue;
		ret->calls[ret->count].kind = kind;
		ret->calls[ret->count++].number = number;
		ret->counts[kind]++;
	}
}

bool syscall_diff_allows_more(const struct syscall_diff *diff)
{
	return diff->counts[SYSCALL_DIFF_MORE] > 0 || diff->counts[SYSCALL_DIFF_WIDER] > 0;
}
