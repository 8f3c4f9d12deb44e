/* SPDX-License-Identifier: Apache-2.0 */
/* policy_syscalls: reads a list of system calls and what it includes: shipped ones by name from their folder, a user's own
 * by path, judged as policy files are. */
#ifndef SUPERVISOR_EDGE_POLICY_SYSCALLS_H
#define SUPERVISOR_EDGE_POLICY_SYSCALLS_H

#include "base/failure.h"
#include "supervisor/core/syscall_list.h"

/* Reads `name`, a shipped list's or, with a slash in it, a path, into *ret (zeroed). `folder` has the shipped lists
 * (libexec_path("syscalls")). `policy` (NULL: none) is who names it. Returns 0, or -1 with every error in `errors`. */
int policy_syscalls_load(struct syscall_list *ret, const char *name, const struct policy *policy, const char *folder,
			 const struct syscall_names *names, struct policy_errors *errors);

/* The files that a list is read from, itself and what it includes. */
struct policy_syscalls_files {
	char *list[SYSCALL_INCLUDES_MAX + 1]; /* malloc'ed */
	size_t count;
};

/* Finds them, as far as it can also where it fails; policy_syscalls_files_finish is right after both. */
int policy_syscalls_find(struct policy_syscalls_files *ret, const char *name, const char *folder, const struct syscall_names *names,
			 struct failure *why);
void policy_syscalls_files_finish(struct policy_syscalls_files *files);

#endif
