/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the slot table as a row: slot and worker state, event -> next states, actions, deadline of the slot. Two
 * tables of rows: one worker and no held sockets, and everything that needs them. */
#include "tests/unit/unit.h"
#include "supervisor/core/budget.h"
#include "supervisor/core/decide_internal.h"
#include "tests/unit/decide_unit.h"

#define NOW (100 * SEC)
#define BEFORE (NOW + 3 * SEC) /* the deadline that the slot had when the event came */
#define STEP_BEFORE 3

enum expected_deadline { NONE, HEALTHY, BACKOFF, ATTEMPT, SAME };
/* What becomes of back-off step and budget: untouched, both from zero, only the step from zero, one death and one step more, one
 * death more without a back-off. */
enum expected_counts { KEPT, CLEARED, STEP_CLEARED, COUNTED, DEATH_ONLY };

/* The slot, its worker (7), the event; then both states, the actions, the slot's deadline and the counts. */
static const struct row {
	enum slot_state slot;
	enum worker_state worker;
	enum slot_event event;
	enum slot_state next_slot;
	enum worker_state next_worker;
	const char *actions;
	enum expected_deadline deadline;
	enum expected_counts counts;
} rows[] = {
#define ROW(s, w, e, ns, nw, ...) { SLOT_##s, WORKER_##w, SLOT_EVENT_##e, SLOT_##ns, WORKER_##nw, __VA_ARGS__ }
	ROW(STOPPED, GONE, START, RUNNING, LAUNCHING, "launch 8", NONE, KEPT),
	ROW(STOPPED, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(STOPPED, GONE, DRAIN, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(STOPPED, GONE, RESTART, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, RESET, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, RELOADED, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SLOT_DEADLINE, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, CURRENT_READY, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, CURRENT_GONE, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SPARE_ROOM, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SPARE_NO_ROOM, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, NEAR_LIMIT, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, STUCK, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SPARE_READY, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SPARE_GONE, STOPPED, GONE, "", NONE, KEPT),

	ROW(RUNNING, READY, START, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, LAUNCHING, STOP, STOPPING, ENDING, "kill 7", NONE, KEPT),
	ROW(RUNNING, STARTING, STOP, STOPPING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, STOP, STOPPING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, ENDING, STOP, STOPPING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, READY, DRAIN, STOPPING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, LAUNCHING, RESTART, RESTARTING, ENDING, "kill 7", NONE, KEPT),
	ROW(RUNNING, STARTING, RESTART, RESTARTING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, RESTART, RESTARTING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, ENDING, RESTART, RESTARTING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, READY, RESET, RUNNING, READY, "(reset)", SAME, CLEARED),
	ROW(RUNNING, READY, RELOADED, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, READY, SLOT_DEADLINE, RUNNING, READY, "", NONE, CLEARED),
	ROW(RUNNING, STARTING, SLOT_DEADLINE, RUNNING, STARTING, "", NONE, KEPT),
	ROW(RUNNING, ENDING, SLOT_DEADLINE, RUNNING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, READY, CURRENT_READY, RUNNING, READY, "", HEALTHY, KEPT),
	ROW(RUNNING, GONE, CURRENT_GONE, BACKOFF, GONE, "(death), keep-death 7, (restart.scheduled)", BACKOFF, COUNTED),
	ROW(RUNNING, READY, NEAR_LIMIT, RESTARTING, STOPPING, "(replace.start), SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, STUCK, RESTARTING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, SPARE_ROOM, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, READY, SPARE_NO_ROOM, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, READY, SPARE_READY, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, READY, SPARE_GONE, RUNNING, READY, "", SAME, KEPT),

	ROW(STOPPING, STOPPING, START, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, STOP, STOPPING, ENDING, "(warning), kill 7", NONE, KEPT),
	ROW(STOPPING, ENDING, STOP, STOPPING, ENDING, "(warning)", NONE, KEPT),
	ROW(STOPPING, STOPPING, DRAIN, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, RESTART, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, RESET, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, RELOADED, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, SLOT_DEADLINE, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, CURRENT_READY, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, GONE, CURRENT_GONE, STOPPED, GONE, "(death), keep-death 7, (stop), finish 0", NONE, KEPT),
	ROW(STOPPING, STOPPING, SPARE_ROOM, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, SPARE_NO_ROOM, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, NEAR_LIMIT, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, STUCK, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, SPARE_READY, STOPPING, STOPPING, "", NONE, KEPT),

	ROW(RESTARTING, STOPPING, START, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, STOP, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, ENDING, STOP, STOPPING, ENDING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, DRAIN, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, RESTART, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, RESET, RESTARTING, STOPPING, "(reset)", NONE, CLEARED),
	ROW(RESTARTING, STOPPING, RELOADED, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, SLOT_DEADLINE, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, CURRENT_READY, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, GONE, CURRENT_GONE, RUNNING, LAUNCHING, "(death), keep-death 7, launch 8", NONE, STEP_CLEARED),
	ROW(RESTARTING, STOPPING, SPARE_ROOM, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, SPARE_NO_ROOM, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, NEAR_LIMIT, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, STUCK, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, SPARE_READY, RESTARTING, STOPPING, "", NONE, KEPT),

	ROW(BACKOFF, GONE, START, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(BACKOFF, GONE, DRAIN, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(BACKOFF, GONE, RESTART, RUNNING, LAUNCHING, "launch 8", NONE, STEP_CLEARED),
	ROW(BACKOFF, GONE, RESET, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(BACKOFF, GONE, RELOADED, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, SLOT_DEADLINE, RUNNING, LAUNCHING, "launch 8", NONE, KEPT),
	ROW(BACKOFF, GONE, CURRENT_READY, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, CURRENT_GONE, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, SPARE_ROOM, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, SPARE_NO_ROOM, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, NEAR_LIMIT, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, STUCK, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, SPARE_READY, BACKOFF, GONE, "", SAME, KEPT),

	ROW(FAILED, GONE, START, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(FAILED, GONE, DRAIN, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(FAILED, GONE, RESTART, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, RESET, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, RELOADED, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, SLOT_DEADLINE, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, CURRENT_READY, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, CURRENT_GONE, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, SPARE_ROOM, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, SPARE_NO_ROOM, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, NEAR_LIMIT, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, STUCK, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, SPARE_READY, FAILED, GONE, "", NONE, KEPT),
#undef ROW
};

/* Slot, current and spare as (id, state); the event, as the worker table sends it where it is about a worker. */
static const struct pair_row {
	enum slot_state slot;
	uint32_t current_id;
	enum worker_state current;
	uint32_t spare_id;
	enum worker_state spare;
	enum slot_event event;
	enum slot_state next_slot;
	uint32_t next_current_id;
	enum worker_state next_current;
	uint32_t next_spare_id;
	enum worker_state next_spare;
	const char *actions;
	enum expected_deadline deadline;
	enum expected_counts counts;
} pair_rows[] = {
#define ROW(s, ci, c, si, p, e, ns, nci, nc, nsi, np, ...) { SLOT_##s, ci, WORKER_##c, si, WORKER_##p, SLOT_EVENT_##e, \
							       SLOT_##ns, nci, WORKER_##nc, nsi, WORKER_##np, __VA_ARGS__ }
	ROW(STOPPED, 0, GONE, 0, GONE, START, RUNNING, 9, LAUNCHING, 0, GONE, "listen, launch 9", NONE, KEPT),
	ROW(STOPPED, 0, GONE, 0, GONE, STOP, STOPPED, 0, GONE, 0, GONE, "(stop), unlisten, finish 0", NONE, KEPT),
	ROW(STOPPED, 0, GONE, 0, GONE, DRAIN, STOPPED, 0, GONE, 0, GONE, "(stop), unlisten, finish 0", NONE, KEPT),

	ROW(RUNNING, 7, READY, 0, GONE, NEAR_LIMIT, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(RUNNING, 7, READY, 0, GONE, STUCK, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(RUNNING, 7, READY, 0, GONE, RESTART, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(RUNNING, 7, STARTING, 0, GONE, RESTART, RESTARTING, 7, STOPPING, 0, GONE, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, 7, LAUNCHING, 0, GONE, RESTART, RESTARTING, 7, ENDING, 0, GONE, "kill 7", NONE, KEPT),
	ROW(RUNNING, 7, ENDING, 0, GONE, RESTART, RESTARTING, 7, ENDING, 0, GONE, "", NONE, KEPT),
	ROW(RUNNING, 7, READY, 0, GONE, DRAIN, STOPPING, 7, DRAINING, 0, GONE, "last-call, drain 7", NONE, KEPT),
	ROW(RUNNING, 7, STARTING, 0, GONE, DRAIN, STOPPING, 7, STOPPING, 0, GONE, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, 7, ENDING, 0, GONE, DRAIN, STOPPING, 7, ENDING, 0, GONE, "", NONE, KEPT),
	ROW(RUNNING, 7, STARTING, 0, GONE, CURRENT_READY, RUNNING, 7, READY, 0, GONE, "(ready)", HEALTHY, KEPT),
	ROW(RUNNING, 7, ENDING, 0, GONE, CURRENT_GONE, BACKOFF, 7, GONE, 0, GONE, "(death), keep-death 7, (restart.scheduled)", BACKOFF, COUNTED),

	ROW(REPLACING, 7, READY, 0, GONE, START, REPLACING, 7, READY, 0, GONE, "", SAME, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, STOP, STOPPING, 7, STOPPING, 8, STOPPING, "SIGTERM to 7, SIGTERM to 8", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, LAUNCHING, STOP, STOPPING, 7, STOPPING, 8, ENDING, "SIGTERM to 7, kill 8", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, STOP, STOPPING, 7, STOPPING, 0, GONE, "SIGTERM to 7", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, DRAIN, STOPPING, 7, DRAINING, 8, STOPPING, "last-call, drain 7, SIGTERM to 8", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, DRAIN, STOPPING, 7, DRAINING, 0, GONE, "last-call, drain 7", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, RESTART, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, RESTART, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, RESET, REPLACING, 7, READY, 8, STARTING, "(reset)", NONE, CLEARED),
	ROW(REPLACING, 7, READY, 8, STARTING, RELOADED, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, SLOT_DEADLINE, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(REPLACING, 7, ENDING, 0, GONE, SLOT_DEADLINE, RESTARTING, 7, ENDING, 0, GONE, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, SPARE_ROOM, REPLACING, 7, READY, 9, LAUNCHING, "(replace.start), launch 9", NONE, KEPT),
	ROW(REPLACING, 7, ENDING, 0, GONE, SPARE_ROOM, REPLACING, 7, ENDING, 9, LAUNCHING, "(replace.start), launch 9", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, SPARE_ROOM, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, SPARE_NO_ROOM, RESTARTING, 7, DRAINING, 0, GONE, "(replace.refused), (replace.start), drain 7", NONE, KEPT),
	ROW(REPLACING, 7, ENDING, 0, GONE, SPARE_NO_ROOM, RESTARTING, 7, ENDING, 0, GONE, "(replace.refused)", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, SPARE_NO_ROOM, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, NEAR_LIMIT, REPLACING, 7, READY, 0, GONE, "", SAME, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, NEAR_LIMIT, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, STUCK, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, READY, 0, GONE, STUCK, REPLACING, 7, READY, 0, GONE, "check-room 7", NONE, KEPT),
	ROW(REPLACING, 7, READY, 8, STARTING, CURRENT_READY, REPLACING, 7, READY, 8, STARTING, "", NONE, KEPT),
	ROW(REPLACING, 7, ENDING, 8, STARTING, CURRENT_GONE, RUNNING, 8, STARTING, 0, GONE, "(death), keep-death 7, (warning)", NONE, DEATH_ONLY),
	ROW(REPLACING, 7, ENDING, 8, LAUNCHING, CURRENT_GONE, RUNNING, 8, LAUNCHING, 0, GONE, "(death), keep-death 7, (warning)", NONE, DEATH_ONLY),
	ROW(REPLACING, 7, ENDING, 8, STOPPING, CURRENT_GONE, BACKOFF, 7, GONE, 8, STOPPING, "(death), keep-death 7, (restart.scheduled)", BACKOFF, COUNTED),
	ROW(REPLACING, 7, ENDING, 0, GONE, CURRENT_GONE, BACKOFF, 7, GONE, 0, GONE, "(death), keep-death 7, (restart.scheduled)", BACKOFF, COUNTED),
	ROW(REPLACING, 7, READY, 8, STARTING, SPARE_READY, REPLACED, 8, READY, 7, DRAINING, "(ready), drain 7", HEALTHY, KEPT),
	ROW(REPLACING, 7, ENDING, 8, STARTING, SPARE_READY, REPLACED, 8, READY, 7, ENDING, "(ready)", HEALTHY, KEPT),
	ROW(REPLACING, 7, READY, 8, ENDING, SPARE_GONE, REPLACING, 7, READY, 8, GONE, "(death), keep-death 8, (replace.refused)", ATTEMPT, KEPT),

	ROW(REPLACED, 8, READY, 7, DRAINING, START, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, STOP, STOPPING, 8, STOPPING, 7, STOPPING, "SIGTERM to 8, SIGTERM to 7", NONE, KEPT),
	ROW(REPLACED, 8, READY, 7, ENDING, STOP, STOPPING, 8, STOPPING, 7, ENDING, "SIGTERM to 8", NONE, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, DRAIN, STOPPING, 8, DRAINING, 7, DRAINING, "last-call, drain 8", NONE, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, RESTART, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, RESET, REPLACED, 8, READY, 7, DRAINING, "(reset)", SAME, CLEARED),
	ROW(REPLACED, 8, READY, 7, DRAINING, RELOADED, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, SLOT_DEADLINE, REPLACED, 8, READY, 7, DRAINING, "", NONE, CLEARED),
	ROW(REPLACED, 8, ENDING, 7, DRAINING, SLOT_DEADLINE, REPLACED, 8, ENDING, 7, DRAINING, "", NONE, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, SPARE_ROOM, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, SPARE_NO_ROOM, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, NEAR_LIMIT, REPLACED, 8, READY, 7, STOPPING, "(warning), SIGTERM to 7", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, STOPPING, NEAR_LIMIT, REPLACED, 8, READY, 7, STOPPING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, DRAINING, STUCK, REPLACED, 8, READY, 7, STOPPING, "(warning), SIGTERM to 7", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, STOPPING, STUCK, REPLACED, 8, READY, 7, STOPPING, "", SAME, KEPT),
	ROW(REPLACED, 8, STARTING, 7, DRAINING, CURRENT_READY, REPLACED, 8, READY, 7, DRAINING, "(ready)", HEALTHY, KEPT),
	ROW(REPLACED, 8, ENDING, 7, DRAINING, CURRENT_GONE, BACKOFF, 8, GONE, 7, DRAINING, "(death), keep-death 8, (restart.scheduled)", BACKOFF, COUNTED),
	ROW(REPLACED, 8, READY, 7, DRAINING, SPARE_READY, REPLACED, 8, READY, 7, DRAINING, "", SAME, KEPT),
	ROW(REPLACED, 8, READY, 7, ENDING, SPARE_GONE, RUNNING, 8, READY, 7, GONE, "(death), keep-death 7, (replace.done)", SAME, KEPT),

	ROW(RESTARTING, 7, DRAINING, 0, GONE, STOP, STOPPING, 7, STOPPING, 0, GONE, "SIGTERM to 7", NONE, KEPT),
	ROW(RESTARTING, 7, DRAINING, 0, GONE, DRAIN, STOPPING, 7, DRAINING, 0, GONE, "", NONE, KEPT),
	ROW(RESTARTING, 7, ENDING, 0, GONE, CURRENT_GONE, RUNNING, 9, LAUNCHING, 0, GONE, "(death), keep-death 7, listen, launch 9", NONE, STEP_CLEARED),
	ROW(RESTARTING, 7, GONE, 8, ENDING, SPARE_GONE, RUNNING, 9, LAUNCHING, 8, GONE, "(death), keep-death 8, listen, launch 9", NONE, KEPT),

	ROW(STOPPING, 7, STOPPING, 8, STOPPING, STOP, STOPPING, 7, ENDING, 8, ENDING, "(warning), kill 7, kill 8", NONE, KEPT),
	ROW(STOPPING, 7, GONE, 8, STOPPING, STOP, STOPPING, 7, GONE, 8, ENDING, "(warning), kill 8", NONE, KEPT),
	ROW(STOPPING, 7, DRAINING, 8, DRAINING, STOP, STOPPING, 7, STOPPING, 8, STOPPING, "SIGTERM to 7, SIGTERM to 8", NONE, KEPT),
	ROW(STOPPING, 7, DRAINING, 8, STOPPING, STOP, STOPPING, 7, STOPPING, 8, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(STOPPING, 7, DRAINING, 0, GONE, DRAIN, STOPPING, 7, DRAINING, 0, GONE, "", NONE, KEPT),
	ROW(STOPPING, 7, ENDING, 8, STOPPING, CURRENT_GONE, STOPPING, 7, GONE, 8, STOPPING, "(death), keep-death 7", NONE, KEPT),
	ROW(STOPPING, 7, STOPPING, 8, ENDING, SPARE_GONE, STOPPING, 7, STOPPING, 8, GONE, "(death), keep-death 8", NONE, KEPT),
	ROW(STOPPING, 7, GONE, 8, ENDING, SPARE_GONE, STOPPED, 7, GONE, 8, GONE, "(death), keep-death 8, (stop), unlisten, finish 0", NONE, KEPT),

	ROW(BACKOFF, 7, GONE, 8, DRAINING, STOP, STOPPING, 7, GONE, 8, STOPPING, "SIGTERM to 8", NONE, KEPT),
	ROW(BACKOFF, 7, GONE, 8, DRAINING, DRAIN, STOPPING, 7, GONE, 8, DRAINING, "", NONE, KEPT),
	ROW(BACKOFF, 7, GONE, 8, DRAINING, RESTART, REPLACED, 9, LAUNCHING, 8, DRAINING, "listen, launch 9", NONE, STEP_CLEARED),
	ROW(BACKOFF, 7, GONE, 8, DRAINING, RESET, REPLACED, 9, LAUNCHING, 8, DRAINING, "(reset), listen, launch 9", NONE, CLEARED),
	ROW(BACKOFF, 7, GONE, 8, DRAINING, SLOT_DEADLINE, REPLACED, 9, LAUNCHING, 8, DRAINING, "listen, launch 9", NONE, KEPT),
	ROW(BACKOFF, 7, GONE, 8, ENDING, SPARE_GONE, BACKOFF, 7, GONE, 8, GONE, "(death), keep-death 8", SAME, KEPT),

	ROW(FAILED, 7, GONE, 8, DRAINING, STOP, STOPPING, 7, GONE, 8, STOPPING, "SIGTERM to 8", NONE, KEPT),
	ROW(FAILED, 7, GONE, 8, DRAINING, DRAIN, STOPPING, 7, GONE, 8, DRAINING, "", NONE, KEPT),
	ROW(FAILED, 7, GONE, 8, DRAINING, RESTART, REPLACED, 9, LAUNCHING, 8, DRAINING, "(reset), listen, launch 9", NONE, CLEARED),
	ROW(FAILED, 7, GONE, 8, DRAINING, RESET, REPLACED, 9, LAUNCHING, 8, DRAINING, "(reset), listen, launch 9", NONE, CLEARED),
	ROW(FAILED, 7, GONE, 8, DRAINING, RELOADED, REPLACED, 9, LAUNCHING, 8, DRAINING, "(reset), listen, launch 9", NONE, CLEARED),
	ROW(FAILED, 7, GONE, 8, ENDING, SPARE_GONE, FAILED, 7, GONE, 8, GONE, "(death), keep-death 8", NONE, KEPT),
#undef ROW
};

static bool has_deadline(enum worker_state state)
{
	return state == WORKER_STARTING || state == WORKER_DRAINING || state == WORKER_STOPPING || state == WORKER_ENDING;
}

static struct worker worker_in(uint32_t id, enum worker_state worker, enum asked asked)
{
	return (struct worker){ .id = id, .state = worker, .launched_usec = NOW - 2 * SEC, .ready_usec = NOW - SEC,
				.deadline_usec = has_deadline(worker) ? BEFORE : USEC_NEVER, .asked = asked };
}

/* As the slot stands with its workers, whatever brought it there. */
static void slot_in(struct service_state *state, const struct rules *rules, enum slot_state slot_state)
{
	service_state_init(state, rules);
	struct slot *slot = &state->slots[0];
	bool waits = slot_state == SLOT_RUNNING || slot_state == SLOT_BACKOFF || slot_state == SLOT_REPLACED;
	slot->state = slot_state;
	slot->since_usec = NOW - SEC;
	slot->deadline_usec = waits ? BEFORE : USEC_NEVER;
	slot->why = slot_state == SLOT_STOPPING ? ASKED_STOP : slot_state == SLOT_RESTARTING ? ASKED_RESTART : ASKED_NOTHING;
	slot->launches = state->next_worker_id = 8;
	slot->backoff_step = STEP_BEFORE;
	budget_add(&state->budget, NOW - 2 * SEC, VERDICT_EXIT);
	budget_add(&state->budget, NOW - SEC, VERDICT_EXIT);
}

/* An event that tells of the deadline comes when that has passed. */
static void let_pass(struct service_state *state, enum slot_event event)
{
	if (event == SLOT_EVENT_SLOT_DEADLINE && state->slots[0].deadline_usec != USEC_NEVER)
		state->slots[0].deadline_usec = NOW;
}

static void slot_of_row(struct service_state *state, const struct row *row)
{
	slot_in(state, &standard_rules, row->slot);
	state->slots[0].current = worker_in(7, row->worker, ASKED_NOTHING);
	let_pass(state, row->event);
}

static void slot_of_pair(struct service_state *state, const struct pair_row *row)
{
	struct rules rules = listening_rules();
	slot_in(state, &rules, row->slot);
	struct slot *slot = &state->slots[0];
	bool replaces = row->slot == SLOT_REPLACING || row->slot == SLOT_REPLACED;
	slot->current = worker_in(row->current_id, row->current, ASKED_NOTHING);
	slot->spare = worker_in(row->spare_id, row->spare, row->slot == SLOT_REPLACED ? ASKED_REPLACE : ASKED_NOTHING);
	slot->why = replaces ? ASKED_REPLACE : slot->why;
	slot->begun_usec = replaces ? NOW - 3 * SEC : USEC_NEVER;
	if (row->slot == SLOT_REPLACING && row->spare == WORKER_GONE)
		slot->deadline_usec = BEFORE; /* between two attempts */
	state->next_worker_id = 9;
	let_pass(state, row->event);
}

static int64_t expected_usec(enum expected_deadline deadline)
{
	switch (deadline) {
	case HEALTHY:
		return NOW + standard_rules.healthy_after_usec;
	case BACKOFF:
		return NOW + 8 * standard_rules.backoff_from_usec; /* factor 2, step 3 */
	case ATTEMPT:
		return NOW + standard_rules.backoff_from_usec; /* the first spare that was given up */
	case SAME:
		return BEFORE;
	case NONE:
	default:
		return USEC_NEVER;
	}
}

static bool counts_fit(const struct service_state *state, enum expected_counts counts)
{
	static const struct {
		uint32_t step, deaths;
	} expected[] = {
		[KEPT] = { STEP_BEFORE, 2 }, [CLEARED] = { 0, 0 }, [STEP_CLEARED] = { 0, 2 },
		[COUNTED] = { STEP_BEFORE + 1, 3 }, [DEATH_ONLY] = { STEP_BEFORE, 3 },
	};
	return state->slots[0].backoff_step == expected[counts].step && budget_used(&state->budget, NOW, NOW) == expected[counts].deaths;
}

static void every_cell_does_what_its_row_says(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct event event = { .slot_event = row->event, .verdict = &verdict_crash, .rules = &standard_rules };
		slot_of_row(&state, row);
		decide(&state, &event, NOW, &decision);
		decision_text(&state, &decision, text);
		const struct slot *slot = &state.slots[0];
		if (slot->state != row->next_slot || slot->current.state != row->next_worker ||
		    strcmp(text, row->actions) != 0 || slot->deadline_usec != expected_usec(row->deadline) ||
		    !counts_fit(&state, row->counts))
			fail_msg("%s (worker %s) + %s: now %s (worker %s), does \"%s\", deadline in %lld, step %u, deaths %u",
				 slot_state_name(row->slot), worker_state_name(row->worker), slot_event_name(row->event),
				 slot_state_name(slot->state), worker_state_name(slot->current.state), text,
				 (long long)(slot->deadline_usec - NOW), slot->backoff_step, state.budget.count);
	}
}

/* What is about a worker comes through the worker table, as it does in life. */
static struct event event_of_pair(const struct pair_row *row)
{
	switch ((int)row->event) {
	case SLOT_EVENT_NEAR_LIMIT:
		return event_of_worker(WORKER_EVENT_NEAR_LIMIT, row->current_id, NULL);
	case SLOT_EVENT_CURRENT_READY:
		return event_of_worker(WORKER_EVENT_READY, row->current_id, NULL);
	case SLOT_EVENT_CURRENT_GONE:
		return event_of_worker(WORKER_EVENT_GONE, row->current_id, &verdict_crash);
	case SLOT_EVENT_SPARE_READY:
		return event_of_worker(WORKER_EVENT_READY, row->spare_id, NULL);
	case SLOT_EVENT_SPARE_GONE:
		return event_of_worker(WORKER_EVENT_GONE, row->spare_id, &verdict_crash);
	default:
		return event_of_slot(row->event);
	}
}

static bool is_worker(const struct worker *worker, uint32_t id, enum worker_state state)
{
	return worker->id == id && worker->state == state;
}

static void every_cell_with_two_workers_does_what_its_row_says(void **unused UNUSED)
{
	static struct service_state state;
	const struct rules rules = listening_rules();
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(pair_rows); i++) {
		const struct pair_row *row = &pair_rows[i];
		struct event event = event_of_pair(row);
		event.rules = &rules;
		slot_of_pair(&state, row);
		decide(&state, &event, NOW, &decision);
		decision_text(&state, &decision, text);
		const struct slot *slot = &state.slots[0];
		if (slot->state != row->next_slot || !is_worker(&slot->current, row->next_current_id, row->next_current) ||
		    !is_worker(&slot->spare, row->next_spare_id, row->next_spare) || strcmp(text, row->actions) != 0 ||
		    slot->deadline_usec != expected_usec(row->deadline) || !counts_fit(&state, row->counts))
			fail_msg("row %zu: %s + %s: now %s (%u %s, %u %s), does \"%s\", deadline in %lld, step %u, deaths %u",
				 i, slot_state_name(row->slot), slot_event_name(row->event), slot_state_name(slot->state),
				 slot->current.id, worker_state_name(slot->current.state), slot->spare.id,
				 worker_state_name(slot->spare.state), text, (long long)(slot->deadline_usec - NOW),
				 slot->backoff_step, state.budget.count);
	}
}

static void no_cell_is_missing(void **unused UNUSED)
{
	int seen[SLOT_STATE_COUNT][SLOT_EVENT_COUNT] = { { 0 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		seen[rows[i].slot][rows[i].event]++;
	for (size_t i = 0; i < ARRAY_LEN(pair_rows); i++)
		seen[pair_rows[i].slot][pair_rows[i].event]++;
	for (int slot = 0; slot < SLOT_STATE_COUNT; slot++)
		for (int event = 0; event < SLOT_EVENT_COUNT; event++) {
			assert_non_null(slot_table[slot][event]);
			assert_true(seen[slot][event] > 0);
		}
}

static void a_cell_that_is_ignored_changes_nothing(void **unused UNUSED)
{
	static struct service_state state, before;
	struct decision decision;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event event = { .slot_event = rows[i].event, .verdict = &verdict_crash,
				       .rules = &standard_rules };
		slot_of_row(&state, &rows[i]);
		before = state;
		decide(&state, &event, NOW, &decision);
		if (slot_table[rows[i].slot][rows[i].event] == ignored) {
			assert_memory_equal(&state, &before, sizeof(state));
			assert_int_equal(decision.action_count, 0);
		}
	}
}

static void a_deadline_that_has_been_moved_is_no_deadline(void **unused UNUSED)
{
	static const enum slot_state states[] = { SLOT_RUNNING, SLOT_BACKOFF, SLOT_REPLACED };
	static struct service_state state, before;
	struct decision decision;
	struct event event = event_of_slot(SLOT_EVENT_SLOT_DEADLINE);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		slot_in(&state, &standard_rules, states[i]);
		before = state;
		decide(&state, &event, BEFORE - 1, &decision);
		assert_memory_equal(&state, &before, sizeof(state));
		decide(&state, &event, BEFORE, &decision);
		assert_int_equal(state.slots[0].deadline_usec, USEC_NEVER);
	}
}

static void since_moves_exactly_when_the_slot_does(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event event = { .slot_event = rows[i].event, .verdict = &verdict_crash,
				       .rules = &standard_rules };
		slot_of_row(&state, &rows[i]);
		decide(&state, &event, NOW, &decision);
		assert_int_equal(state.slots[0].since_usec, state.slots[0].state == rows[i].slot ? NOW - SEC : NOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_does_what_its_row_says),
		cmocka_unit_test(every_cell_with_two_workers_does_what_its_row_says),
		cmocka_unit_test(no_cell_is_missing),
		cmocka_unit_test(a_cell_that_is_ignored_changes_nothing),
		cmocka_unit_test(a_deadline_that_has_been_moved_is_no_deadline),
		cmocka_unit_test(since_moves_exactly_when_the_slot_does),
	};
	return cmocka_run_group_tests_name("slot_table", tests, NULL, NULL);
}
