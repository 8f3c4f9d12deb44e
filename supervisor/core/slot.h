/* SPDX-License-Identifier: Apache-2.0 */
/* slot: what the rules of the slot table share: launching a worker, counting its end, ending the service. Only
 * core/slot*.c and core/replace.c. */
#ifndef SUPERVISOR_CORE_SLOT_H
#define SUPERVISOR_CORE_SLOT_H

#include "supervisor/core/decide_internal.h"

#define SLOT_SAME_REQUEST_USEC USEC_PER_SEC /* a stop asked for again within this is the same request */

/* On its way to serve: launched, and neither ready nor asked to end. */
static inline bool worker_is_coming(const struct worker *worker)
{
	return worker->state == WORKER_LAUNCHING || worker->state == WORKER_STARTING;
}

/* A new worker in this place of the slot; it is the step's worker from here on. */
void slot_launch(struct step *step, struct worker *place);

/* The current worker has just become the one that serves: it counts as healthy after a while. */
rule slot_wait_for_health;

/* The step's worker is gone: counted by its verdict, told where it is a death, and kept. */
rule slot_count_end;

/* And it counts in the restart budget. */
rule slot_count_death;

/* More old space for the next worker, if this one died for the want of it and the policy says so. */
rule slot_raise_after;

/* The current worker died unasked. False where that is the end of the service: it has failed, or is being finished. */
bool slot_outlives(struct step *step);

/* Sends `event` to one worker, and remembers why where that is the reason for its end. */
void slot_ask(struct step *step, struct worker *worker, enum worker_event event, enum asked asked);

/* Does this slot let clients wait in the held sockets? */
bool slot_keeps_listening(const struct step *step, const struct slot *slot);

/* The held sockets stop listening, if no slot has somebody who would accept soon. */
rule slot_unlisten;

/* Also before the first launch. */
bool slot_all_have_ended(const struct service_state *state);

/* Both workers are to end, in this way (END or DRAIN); the slot is finished once they are gone, and the service with the last slot. `why`: ASKED_STOP, or
 * ASKED_NOTHING where the reason has been told. */
void slot_stop(struct step *step, enum worker_event way, enum asked why, int exit_status);
rule slot_finish_when_empty;

#endif
