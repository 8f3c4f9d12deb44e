/* SPDX-License-Identifier: Apache-2.0 */
/* notify: the listener of one worker's system-call filter: each call that the filter does not decide comes as a notification,
 * and its caller waits for the answer. What to answer is the owner's business. One listener is for the worker's whole
 * tree; when the last process of it has ended, so has the listener. */
#ifndef SUPERVISOR_EDGE_NOTIFY_H
#define SUPERVISOR_EDGE_NOTIFY_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"

#define NOTIFY_ARGUMENTS 6
#define NOTIFY_COMM_MAX 16 /* with the closing NUL */

/* One call. The numbers of its arguments say what the caller asked for, and may be changed behind our back where they
 * point to memory: they are for telling, never for deciding. */
struct notification {
	uint64_t id;
	int32_t pid;           /* of the calling thread, as this process sees it; 0: out of sight */
	uint32_t architecture; /* AUDIT_ARCH_* */
	int32_t number;
	uint64_t arguments[NOTIFY_ARGUMENTS];
};

enum notify_answer {
	NOTIFY_DENY, /* EPERM */
	NOTIFY_ABSENT, /* ENOSYS */
	NOTIFY_PASS, /* the kernel goes on with it: no decision about safety */
	NOTIFY_HOLD, /* none: the caller waits until it is killed */
};

struct notify {
	struct loop *loop;
	struct source source; /* fd -1: none */
	int64_t resume_usec;  /* when to listen again, USEC_NEVER: it listens */
	enum notify_answer (*asked)(struct notify *notify, const struct notification *notification);
	void *owner;
};

/* No listener yet; notify_finish is safe after it. */
void notify_clear(struct notify *notify);

/* Takes over `fd` and listens. Set `asked` and `owner` before. -1: `fd` is closed, and calls get ENOSYS from the kernel. */
int notify_start(struct notify *notify, struct loop *loop, int fd, struct failure *why);
void notify_finish(struct notify *notify);

/* For a listener that hears most of what the worker calls: caller and answer take turns on one processor, where the
 * kernel knows that (6.6). To be said after notify_start. */
void notify_take_turns(const struct notify *notify);

/* Does not listen until then: callers wait, and a signal still reaches them. */
void notify_pause(struct notify *notify, int64_t until_usec);

/* When notify_tick wants to be called: USEC_NEVER, or the end of a pause. */
int64_t notify_deadline(const struct notify *notify);
void notify_tick(struct notify *notify, int64_t now_usec);

/* The caller's process with its name ("", and the thread, where it is gone), and a pidfd for it or -1: both while it still waits,
 * so that they are of nobody else. */
int32_t notify_process(const struct notify *notify, const struct notification *notification, char ret_comm[static NOTIFY_COMM_MAX]);
int notify_open_process(const struct notify *notify, const struct notification *notification);

#endif
