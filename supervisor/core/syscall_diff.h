/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_diff: what one list of system calls allows beyond another, and what it closes that the other allows, includes
 * resolved. Where two sets of conditions cannot be compared, the list counts as allowing more. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_DIFF_H
#define SUPERVISOR_CORE_SYSCALL_DIFF_H

#include "supervisor/core/syscall_list.h"

#define SYSCALL_DIFF_MAX (2 * SYSCALL_RULES_MAX)

enum syscall_diff_kind {
	SYSCALL_DIFF_MORE,    /* allowed with some arguments, by the other not at all */
	SYSCALL_DIFF_WIDER,   /* by both, and with arguments that the other does not allow */
	SYSCALL_DIFF_TIGHTER, /* by both, with fewer arguments */
	SYSCALL_DIFF_FEWER,   /* not at all, by the other with some */
	SYSCALL_DIFF_ANSWER,  /* by none, and it fails with another errno */
	SYSCALL_DIFF_KINDS
};

struct syscall_diff {
	struct {
		enum syscall_diff_kind kind;
		int number;
	} calls[SYSCALL_DIFF_MAX]; /* by number */
	size_t count, counts[SYSCALL_DIFF_KINDS];
};

/* Both lists are of one architecture. */
void syscall_diff(const struct syscall_list *list, const struct syscall_list *other, struct syscall_diff *ret);

/* True where the list allows something that the other does not. */
bool syscall_diff_allows_more(const struct syscall_diff *diff);

/* For people, in 80 columns, malloc'ed; NULL without memory. The names are of the lists, as they were given. */
char *syscall_diff_text(const struct syscall_diff *diff, const struct syscall_list *list, const char *name,
			const struct syscall_list *other, const char *other_name);

#endif
