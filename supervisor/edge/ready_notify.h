/* SPDX-License-Identifier: Apache-2.0 */
/* ready_notify: the socket that NOTIFY_SOCKET names for one worker, for ready.when: notify: as much of sd_notify(3) as
 * READY=1 needs. It has no path, so no user of the worker's has to reach one: everybody of this network namespace can send
 * to it, and the kernel says who did. Whether that is a process of the worker is the owner's business. */
#ifndef SUPERVISOR_EDGE_READY_NOTIFY_H
#define SUPERVISOR_EDGE_READY_NOTIFY_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"

#define READY_NOTIFY_VARIABLE_MAX 64

/* Who sends more in a second is not heard any more. */
#define READY_NOTIFY_WINDOW_USEC USEC_PER_SEC
#define READY_NOTIFY_WINDOW_MESSAGES 1000

struct ready_notify {
	struct loop *loop;
	struct source source;                          /* fd -1: closed */
	char variable[READY_NOTIFY_VARIABLE_MAX];      /* "NOTIFY_SOCKET=@00af3" */
	uint64_t messages;                             /* that have come */
	int64_t window_usec;
	unsigned window_messages;
	bool flooded;                                  /* closed for that */
	/* A process said READY=1, by the kernel's word for who it is; pid 0: out of sight. It may have ended by now. */
	void (*ready)(struct ready_notify *notify, int32_t pid, uint32_t uid);
	void *owner;
};

/* Makes the socket and watches it. Set `ready` and `owner` after it. On failure nothing is left open. */
int ready_notify_init(struct ready_notify *ret, struct loop *loop, struct failure *why);

/* Safe on a zeroed struct and after a failed init. */
void ready_notify_finish(struct ready_notify *notify);

/* Whether a message of this length says so: one line of it is READY=1. */
bool ready_notify_is_ready(const char *message, size_t length);

#endif
