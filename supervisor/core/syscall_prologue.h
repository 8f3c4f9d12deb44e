/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_prologue: the instructions that stand before libseccomp's: what it cannot say. Conditions that deny beat every rule
 * that allows and look at the low 32 bits where the kernel does; and a call newer than every name that is known gets ENOSYS, as
 * by a kernel that does not have it, unless the list has its number. Jumps only lead forward, so that it can stand before any filter. Pure. */
#ifndef SUPERVISOR_CORE_SYSCALL_PROLOGUE_H
#define SUPERVISOR_CORE_SYSCALL_PROLOGUE_H

#include "base/failure.h"
#include "supervisor/core/syscall_list.h"

#include <linux/filter.h>

#define SYSCALL_PROLOGUE_MAX 2048 /* instructions */
#define SYSCALL_NEWEST 456        /* futex_requeue, of Linux 6.7: what libseccomp 2.5.4 knows; 462 has no name there */

/* True where a rule stands here and not in libseccomp's part: all that denies, numbers that it has no name for, and the calls of which a
 * rule looks at two arguments. */
bool syscall_prologue_has(const struct syscall_list *list, const struct syscall_rule *rule);

/* Writes the instructions for the rules of `list`, which are for `architecture` (AUDIT_ARCH_*); what is denied returns
 * `denied` (SECCOMP_RET_*). Returns their count, or -1 where there are too many. */
int syscall_prologue(const struct syscall_list *list, uint32_t architecture, uint32_t denied,
		     struct sock_filter ret[static SYSCALL_PROLOGUE_MAX], struct failure *why);

#endif
