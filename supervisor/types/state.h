/* SPDX-License-Identifier: Apache-2.0 */
/* state: all that decide() knows between two events: one plain struct without pointers. */
#ifndef SUPERVISOR_TYPES_STATE_H
#define SUPERVISOR_TYPES_STATE_H

#include "base/base.h"
#include "supervisor/types/verdict.h"

#define WORKER_STATES(X) \
	X(LAUNCHING, "launching") X(STARTING, "starting") X(READY, "ready") X(DRAINING, "draining") \
	X(STOPPING, "stopping") /* asked to end */ X(ENDING, "ending") /* main has exited, its group is being killed */ \
	X(GONE, "gone")

enum worker_state {
#define X(id, name) WORKER_##id,
	WORKER_STATES(X)
#undef X
	WORKER_STATE_COUNT
};

/* A replacement goes RUNNING, REPLACING, REPLACED, RUNNING; where there can be no second worker, RUNNING, RESTARTING,
 * RUNNING. */
#define SLOT_STATES(X) \
	X(STOPPED, "stopped")       /* nobody is there */ \
	X(RUNNING, "running")       /* the current worker, alone */ \
	X(REPLACING, "replacing")   /* the current one serves; its spare comes, or waits for room, turn or next attempt */ \
	X(REPLACED, "replaced")     /* the spare was ready and is current; the one before it is the spare now, and leaves */ \
	X(RESTARTING, "restarting") /* one leaves; then the next is launched */ \
	X(STOPPING, "stopping")     /* one or two leave; then the service is finished */ \
	X(BACKOFF, "back-off")      /* nobody serves; a spare that was current before may still be leaving */ \
	X(FAILED, "failed")         /* the same, for good */

enum slot_state {
#define X(id, name) SLOT_##id,
	SLOT_STATES(X)
#undef X
	SLOT_STATE_COUNT
};

struct worker {
	uint32_t id; /* 0: there is none; ids count up and are never used again */
	enum worker_state state;
	int64_t launched_usec; /* of exec, once that has happened */
	int64_t ready_usec;    /* 0: not yet */
	int64_t deadline_usec; /* USEC_NEVER: none */
	enum asked asked;
	bool not_ready;        /* it is being ended because it was not ready within ready.within */
	bool stuck;            /* its event loop stands still: it neither serves nor drains */
	bool urgent;           /* near a limit, by V8's or the kernel's word: its replacement cannot wait for another slot's */
	bool left_draining;    /* its main process ended while it drained, before any signal of ours */
};

#define BUDGET_DEATHS_MAX 1001 /* one more than restart.budget.deaths can be: the death that is too many */

/* Deaths within the window, oldest first overwritten: a ring. A healthy time forgives deaths: restart.budget counts them
 * no more, restart.budget.by_verdict still does. */
struct budget {
	int64_t deaths_usec[BUDGET_DEATHS_MAX];
	unsigned char kinds[BUDGET_DEATHS_MAX]; /* enum verdict_kind */
	bool forgiven[BUDGET_DEATHS_MAX];
	uint32_t first, count;
};

#define INSTANCES_MAX 16

/* One instance: a numbered place that always has a worker. */
struct slot {
	uint32_t number;
	enum slot_state state;
	int64_t since_usec;
	int64_t deadline_usec;  /* back-off over; the current worker counts as healthy; REPLACING: the next attempt */
	struct worker current;  /* the one that serves, or is to serve */
	struct worker spare;    /* the one that is to take its place, or that it took the place of */
	enum asked why;         /* of the replacement or stop under way; ASKED_NOTHING: there is none */
	char cause[160];        /* of a replacement near a limit, for people: what was near, with its numbers */
	bool waits;             /* REPLACING: for its turn, while another slot's replacement is under way */
	enum asked again;       /* why another replacement follows this one; ASKED_NOTHING: none does */
	int64_t stop_asked_usec; /* when it was last asked to stop; long ago: never */
	int64_t begun_usec;     /* when replace.start was told of the replacement under way; USEC_NEVER: it was not */
	uint32_t given_up;      /* spares since the last one that was ready */
	uint32_t backoff_step;  /* restarts since the last healthy worker */
	int64_t next_delay_usec; /* of the back-off under way */
	uint64_t launches;      /* workers launched in all */
};

/* What decide() needs of policy and plan, and nothing else of them. */
struct rules {
	uint32_t instances;          /* 1 to INSTANCES_MAX; it stays what it was at the start */
	enum { RULE_WHEN_FAILURE, RULE_WHEN_ALWAYS, RULE_WHEN_NEVER } when;
	bool report_heap_limit;      /* heap.at_limit: report */
	bool raise_heap_limit;       /* heap.at_limit: raise */
	bool exit_when_exhausted;
	int64_t backoff_from_usec, backoff_up_to_usec;
	uint32_t backoff_factor;
	uint32_t budget_deaths;
	int64_t budget_within_usec;
	struct {
		uint32_t deaths;     /* UINT32_MAX: no budget of its own */
		int64_t within_usec;
	} by_verdict[VERDICT_COUNT];
	int64_t healthy_after_usec;
	int stop_signal;
	int64_t stop_timeout_usec;
	int64_t kill_timeout_usec; /* a killed group that is still not empty after this is reported, and killed again */
	enum { RULE_NEAR_LIMIT_REPORT, RULE_NEAR_LIMIT_RESTART, RULE_NEAR_LIMIT_REPLACE } near_limit;
	bool drains;               /* there are held sockets: a worker that is replaced drains first */
	bool replaces;             /* and two workers may be there at once: not singleton, memory.spare is not never */
	int64_t drain_timeout_usec;
	int64_t ready_within_usec; /* from exec; USEC_NEVER: a start may take any time */
	int64_t hold_for_usec;     /* a back-off longer than this: the held sockets stop listening */
};

struct service_state {
	struct rules rules;
	struct slot slots[INSTANCES_MAX];
	uint32_t slot_count;     /* those of them that there are */
	struct budget budget;    /* of all of them together */
	struct {
		uint32_t next_id; /* 0: none; else workers with smaller ids are replaced, one slot after the other */
		uint32_t begun;   /* slots that have had their turn; the last of them may still be at it */
	} roll;                  /* of an order to restart */
	uint64_t random;         /* of the back-off's jitter; 0: none */
	uint32_t next_worker_id;
	uint64_t deaths_total;                     /* that counted in the budget */
	uint64_t deaths_by_verdict[VERDICT_COUNT]; /* all ends of workers */
	bool finished;
	int exit_status; /* of `run`, valid once finished */
};

#endif
