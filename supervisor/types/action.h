/* SPDX-License-Identifier: Apache-2.0 */
/* action: what decide() wants done. service/acts.c has one function for each. */
#ifndef SUPERVISOR_TYPES_ACTION_H
#define SUPERVISOR_TYPES_ACTION_H

#include "base/base.h"
#include "supervisor/types/notice.h"
#include "supervisor/types/state.h"

#define ACTIONS(X) \
	X(LAUNCH, "launch")   /* start this worker: the current one or, beside it, the spare */ \
	X(CHECK_ROOM, "check-room") /* is there room for a second worker now? SPARE_ROOM or SPARE_NO_ROOM answers */ \
	X(DRAIN, "drain")     /* tell this worker's agents to drain; DRAINED answers */ \
	X(LISTEN, "listen")   /* the held sockets listen, if they do not already: a worker is about to start */ \
	X(LAST_CALL, "last-call") /* the held sockets take no new clients; those in their queues can still be accepted */ \
	X(UNLISTEN, "unlisten") /* the held sockets stop listening, if they do: no worker is expected soon */ \
	X(SIGNAL, "signal")   /* send `signal` to the worker's main process */ \
	X(KILL, "kill")       /* SIGKILL the worker's whole group, and go on until it is empty */ \
	X(NOTICE, "notice")   /* write an event line */ \
	X(RAISE, "raise")     /* give this worker's successor more old space, if there is room */ \
	X(KEEP_DEATH, "keep-death") /* keep this worker's death on disk */ \
	X(FINISH, "finish")   /* leave the loop; `run` exits with exit_status of the state */

enum action_kind {
#define X(id, name) ACTION_##id,
	ACTIONS(X)
#undef X
	ACTION_COUNT
};

struct action {
	enum action_kind kind;
	uint32_t worker;
	uint32_t instance; /* number of the slot that wants it */
	int signal;
	enum notice_kind notice;
	char text[256]; /* of NOTICE: why, with the numbers used */
	int64_t delay_usec; /* of restart.scheduled, and of replace.refused where there is a next attempt; else 0 */
};

#define DECISION_ACTIONS_MAX (12 * INSTANCES_MAX) /* twelve a slot */

struct decision {
	struct action actions[DECISION_ACTIONS_MAX];
	size_t action_count;
};

#endif
