/* SPDX-License-Identifier: Apache-2.0 */
/* filter: a list of system calls as the program that the kernel runs, made by libseccomp behind a prologue of ours; loaded by
 * heapward-child. And libseccomp's names, for who reads lists. */
#ifndef SUPERVISOR_EDGE_FILTER_H
#define SUPERVISOR_EDGE_FILTER_H

#include "base/failure.h"
#include "supervisor/core/syscall_list.h"
#include "supervisor/types/violation.h"

/* The names of the calls of this machine's architecture, or of another one (AUDIT_ARCH_*). */
struct syscall_names filter_names(void);
struct syscall_names filter_names_of(uint32_t architecture);

/* The name of a call, for people: "mount", "#462", "32-bit #21" where `architecture` is not ours, "x32 mount". */
const char *filter_call_name(uint32_t architecture, int number, char *buffer, size_t size);
enum violation_sort filter_call_sort(uint32_t architecture, int number);

/* Builds the list as raw struct sock_filter bytes (malloc'ed) for the architecture that its names are of. What is not
 * allowed returns `denied`: SECCOMP_RET_USER_NOTIF, or SECCOMP_RET_ERRNO | EPERM, ... */
int filter_build(const struct syscall_list *list, uint32_t architecture, uint32_t denied, unsigned char **ret,
		 size_t *ret_bytes, struct failure *why);

#endif
