/* SPDX-License-Identifier: Apache-2.0 */
/* check_syscalls: every error of the list of system calls that a policy names. */
#ifndef SUPERVISOR_CLI_CHECK_SYSCALLS_H
#define SUPERVISOR_CLI_CHECK_SYSCALLS_H

#include "supervisor/core/policy_error.h"
#include "supervisor/core/syscall_list.h"

/* Adds the list's errors, by file, line and column of the list itself. */
void check_syscalls(const struct policy *policy, struct policy_errors *errors);

/* A call without which no program begins or ends, and that the list does not allow; NULL where there is none. */
const char *check_syscalls_lack(const struct syscall_list *list, const struct syscall_names *names);

#endif
