/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_match: see syscall_match.h. */
#include "supervisor/core/syscall_match.h"

bool syscall_match(const struct syscall_rule *rule, const uint64_t arguments[static SYSCALL_ARGUMENTS])
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct syscall_condition *condition = &rule->conditions[i];
		bool equal = (arguments[condition->argument] & condition->mask) == condition->value;
		if (equal == condition->differs)
			return false;
	}
	return true;
}

/* "Equal to this" says that it is equal to that: all bits that are looked at there are looked at here, and the same. */
static bool equal_says_equal(const struct syscall_condition *here, const struct syscall_condition *there)
{
	return (there->mask & ~here->mask) == 0 && (here->value & there->mask) == there->value;
}

/* "Equal to this" says that it is not equal to that: a bit that both look at is another. */
static bool equal_says_differs(const struct syscall_condition *here, const struct syscall_condition *there)
{
	return ((here->value ^ there->value) & here->mask & there->mask) != 0;
}

static bool says(const struct syscall_condition *here, const struct syscall_condition *there)
{
	if (here->argument != there->argument)
		return false;
	if (!here->differs)
		return there->differs ? equal_says_differs(here, there) : equal_says_equal(here, there);
	return there->differs && equal_says_equal(there, here);
}

/* A condition that looks at nothing holds always, or never. */
static bool is_empty(const struct syscall_condition *condition)
{
	return condition->mask == 0 && !condition->differs;
}

static bool says_one_of(const struct syscall_rule *rule, const struct syscall_condition *there)
{
	if (is_empty(there))
		return true;
	for (size_t i = 0; i < rule->condition_count; i++)
		if (says(&rule->conditions[i], there))
			return true;
	return false;
}

bool syscall_match_within(const struct syscall_rule *rule, const struct syscall_rule *other)
{
	for (size_t i = 0; i < other->condition_count; i++)
		if (!says_one_of(rule, &other->conditions[i]))
			return false;
	return true;
}

/* What one says is the opposite of what the other says. */
static bool exclude(const struct syscall_condition *one, const struct syscall_condition *other)
{
	struct syscall_condition opposite = *other;
	opposite.differs = !other->differs;
	return says(one, &opposite);
}

bool syscall_match_apart(const struct syscall_rule *rule, const struct syscall_rule *other)
{
	for (size_t i = 0; i < rule->condition_count; i++)
		for (size_t k = 0; k < other->condition_count; k++)
			if (exclude(&rule->conditions[i], &other->conditions[k]))
				return true;
	return false;
}
