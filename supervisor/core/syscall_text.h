/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_text: calls that were seen, as a list that syscall_list reads again. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_TEXT_H
#define SUPERVISOR_CORE_SYSCALL_TEXT_H

#include "supervisor/core/syscall_list.h"

struct syscall_seen {
	char name[SYSCALL_NAME_MAX]; /* "#462" where it has none */
	uint64_t count;
};

/* One line a call in the order given, with its count as comment; `head` (lines of text, NULL: none) stands before them as
 * comment. malloc'ed; NULL where memory is out. */
char *syscall_text(const char *head, const struct syscall_seen *seen, size_t count);

#endif
