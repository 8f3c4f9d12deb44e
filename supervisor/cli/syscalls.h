/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls: lists of system calls by name or path, for commands. */
#ifndef SUPERVISOR_CLI_SYSCALLS_H
#define SUPERVISOR_CLI_SYSCALLS_H

#include "supervisor/core/syscall_list.h"

/* Reads a list and what it includes into *ret (zeroed): a shipped one by name, or, with a slash, a file. Prints every
 * error to stderr; -1 where there was one. */
int cli_read_syscalls(const char *name, struct syscall_list *ret);

/* check FILE, of a list: every error to stdout, or that there is none. Returns the exit status. */
int cli_check_syscalls(const char *file);

/* check --diff FILE [LIST]; returns the exit status. */
int cli_diff_syscalls(const char *file, const char *other);

#endif
