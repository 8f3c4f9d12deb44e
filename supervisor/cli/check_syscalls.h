/* SPDX-License-Identifier: Apache-2.0 */
/* check_syscalls: every error of the list of system calls that a policy names. */
#ifndef SUPERVISOR_CLI_CHECK_SYSCALLS_H
#define SUPERVISOR_CLI_CHECK_SYSCALLS_H

#include "supervisor/core/policy_error.h"

/* Adds the list's errors, by file, line and column of the list itself. */
void check_syscalls(const struct policy *policy, struct policy_errors *errors);

#endif
