/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog: from the heartbeats of a worker's servers to whether one of their event loops stands still, and in words. Pure. */
#ifndef SUPERVISOR_CORE_WATCHDOG_H
#define SUPERVISOR_CORE_WATCHDOG_H

#include "supervisor/types/verdict.h"

/* LATE: nobody looked in time, so the supervisor itself did not run (a paused container, a machine without time for it):
 * that says nothing of the worker, whose heartbeats count from now. */
enum watchdog_finding { WATCHDOG_NOBODY, WATCHDOG_TURNS, WATCHDOG_STUCK, WATCHDOG_LATE };

struct watchdog_look {
	enum watchdog_finding finding;
	size_t reporter;     /* the one that has been silent for longest; not with NOBODY */
	int64_t silent_usec; /* for so long */
	int64_t again_usec;  /* look again after this time; USEC_NEVER: once a heartbeat has come */
};

/* Looks at the servers that live and have sent a heartbeat. `now_usec` is in the clock of heartbeat_usec, `allowed_usec` is
 * watchdog.event_loop, `was_stuck` what the look before has found. */
struct watchdog_look watchdog_look(const struct reporter *reporters, size_t count, int64_t now_usec, int64_t allowed_usec,
				   bool was_stuck);

/* "its main thread runs: ...", for the letter of /proc/PID/status. Never NULL. */
const char *watchdog_state_text(char state);

/* "no heartbeat for 31 s from pid 77 (watchdog.event_loop: 30 s)" */
void watchdog_text(const struct stuck *stuck, char *text, size_t size);

#endif
