/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_text: a rule of a list of system calls as the line that is read as the same rule: what syscall_list reads,
 * written. Constants by their names, where the argument has some. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_TEXT_H
#define SUPERVISOR_CORE_SYSCALL_TEXT_H

#include "supervisor/core/syscall_list.h"

#define SYSCALL_RULE_TEXT_MAX 2048 /* six conditions of two values with every name that they can have */

/* "deny ioctl int1 == TIOCSTI", "socket int0 == AF_NETLINK and int2 == NETLINK_ROUTE". Returns buffer. */
const char *syscall_rule_text(const struct syscall_rule *rule, char buffer[static SYSCALL_RULE_TEXT_MAX]);

/* The conditions alone, "" where there are none. */
const char *syscall_conditions_text(const struct syscall_rule *rule, char buffer[static SYSCALL_RULE_TEXT_MAX]);

#endif
