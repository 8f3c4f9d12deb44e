/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_match: what conditions of a list of system calls say of a call, and of each other. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_MATCH_H
#define SUPERVISOR_CORE_SYSCALL_MATCH_H

#include "supervisor/core/syscall_list.h"

/* All conditions of the rule hold for these arguments; its number is not looked at. */
bool syscall_match(const struct syscall_rule *rule, const uint64_t arguments[static SYSCALL_ARGUMENTS]);

/* Whatever `rule` fits, `other` fits as well. False where that is so and cannot be seen from two conditions at a
 * time. */
bool syscall_match_within(const struct syscall_rule *rule, const struct syscall_rule *other);

/* No arguments fit both; false where that cannot be seen. */
bool syscall_match_apart(const struct syscall_rule *rule, const struct syscall_rule *other);

#endif
