/* SPDX-License-Identifier: Apache-2.0 */
/* event: what happened, as decide() hears it. Each event about a worker names its worker. */
#ifndef SUPERVISOR_TYPES_EVENT_H
#define SUPERVISOR_TYPES_EVENT_H

#include "base/base.h"
#include "supervisor/types/state.h"
#include "supervisor/types/verdict.h"

/* X(id, "name"): first those about a worker, then those about the slot. */
#define WORKER_EVENTS(X) \
	X(LAUNCHED, "launched")           /* exec has happened: the report socket is at its end, and the child lives */ \
	X(LAUNCH_FAILED, "launch-failed") /* a step failed before exec; the child leaves by itself */ \
	X(READY, "ready")                 /* the readiness that the policy asks for was seen */ \
	X(EXITED, "exited")               /* the main process has ended; its group may still hold others */ \
	X(GONE, "gone")                   /* the group is empty and removed, the verdict is in */ \
	X(DEADLINE, "deadline")           /* the worker's own deadline has passed */ \
	X(NEAR_LIMIT, "near-limit")       /* a heap record: V8 is near its heap limit, or as good as near */ \
	X(STUCK, "stuck")                 /* its event loop stands still for longer than watchdog.event_loop; said again */ \
	X(TURNS, "turns")                 /* it turns again */ \
	X(DRAINED, "drained")             /* no connection is open any more, or nobody is there who could tell */ \
	X(DRAIN, "drain")                 /* the slot wants this worker to drain, then to end */ \
	X(END, "end")                     /* the slot wants this worker to end */ \
	X(KILL, "kill")                   /* the slot wants it to end now */

#define SLOT_EVENTS(X) \
	X(START, "start")               /* the service begins */ \
	X(STOP, "stop")                 /* SIGTERM, SIGINT or `heapward stop` */ \
	X(DRAIN, "drain")               /* `heapward drain` */ \
	X(RESTART, "restart")           /* `heapward restart` */ \
	X(RESET, "reset")               /* `heapward reset` */ \
	X(RELOADED, "reloaded")         /* `heapward reload`, with the rules of the new policy */ \
	X(SLOT_DEADLINE, "slot-deadline") /* the slot's own deadline has passed: what it was for, the slot's state says */ \
	X(SPARE_ROOM, "spare-room")     /* answer to CHECK_ROOM: a second worker may be launched now */ \
	X(SPARE_NO_ROOM, "spare-no-room") /* answer to CHECK_ROOM: it may not; why is in the event's text */ \
	X(NEAR_LIMIT, "near-limit")     /* from the worker table, as all below: the current worker, and it serves */ \
	X(STUCK, "stuck")               /* it does not serve any more */ \
	X(CURRENT_READY, "current-ready") X(CURRENT_GONE, "current-gone") \
	X(SPARE_READY, "spare-ready") X(SPARE_GONE, "spare-gone")

/* Orders are for all slots; every other slot event is for one. */
#define SLOT_ORDER_LAST SLOT_EVENT_RELOADED

enum worker_event {
#define X(id, name) WORKER_EVENT_##id,
	WORKER_EVENTS(X)
#undef X
	WORKER_EVENT_COUNT
};

enum slot_event {
#define X(id, name) SLOT_EVENT_##id,
	SLOT_EVENTS(X)
#undef X
	SLOT_EVENT_COUNT
};

struct event {
	bool about_worker;
	enum worker_event worker_event; /* where about_worker */
	enum slot_event slot_event;     /* else */
	uint32_t worker;                /* id of the worker it is about */
	uint32_t instance;              /* of a slot event that is no order: the slot's number */
	const struct verdict *verdict;  /* of GONE; borrowed for the call */
	const struct rules *rules;      /* of RELOADED; borrowed for the call */
	bool can_wait;                  /* of NEAR_LIMIT: there is time for a worker that still drains to do so */
	const char *text;               /* why, with the numbers, of SPARE_NO_ROOM and (NULL: V8 itself said so) of NEAR_LIMIT;
					   borrowed for the call */
};

#endif
