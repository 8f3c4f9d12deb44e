/* SPDX-License-Identifier: Apache-2.0 */
/* self: what this process may still do, looked at and given up for good. Shared with heapward-keeper, but for the filter. */
#ifndef SUPERVISOR_EDGE_SELF_H
#define SUPERVISOR_EDGE_SELF_H

#include "base/failure.h"

/* As the kernel tells it. Sets are bits by capability number. */
struct self {
	uint64_t effective, permitted, bounding;
	bool filtered, dumpable, no_new_privs;
};

void self_look(struct self *ret);

/* Nobody but root opens our memory or descriptors, or gets a core dump. An exec undoes it: for the process itself. */
void self_hide(void);

/* Ignores every signal that is left to its default action, but those, and Ctrl-Z. */
void self_ignore_signals(const int *but, size_t but_count);

/* Gives up every capability but `own`, and `later`, which does nothing until self_raise; what is executed can have `reach` at
 * most, as far as we may say so (CAP_SETPCAP). `own` and `later` belong to `reach`. Where exec would not give root its
 * capabilities back (no_new_privs, or another user), `reach`
 * stays permitted, though not effective. -1 with errno: everything is as it was, but for what exec could give. */
int self_lower(uint64_t own, uint64_t later, uint64_t reach);
void self_raise(uint64_t later);

/* System calls that neither this process nor heapward-child nor heapward-keeper makes: name, and number on this machine, of each;
 * NULL behind the last. There are at most 64. */
const char *self_filter_call(size_t index);
int self_filter_number(size_t index);

/* Denies those of `calls` (bits by index) to this process, and to what it executes, for good. A worker's own filter has the last
 * word, whatever it answers. `no_new_privs`: where the kernel wants it of us, it may be set. */
int self_filter_load(uint64_t calls, bool no_new_privs, struct failure *why);

#endif
