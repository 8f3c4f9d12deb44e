/* SPDX-License-Identifier: Apache-2.0 */
/* decide_internal: what the two tables and their dispatch share. Only core/decide*.c and the tests of the tables. */
#ifndef SUPERVISOR_CORE_DECIDE_INTERNAL_H
#define SUPERVISOR_CORE_DECIDE_INTERNAL_H

#include "supervisor/core/decide.h"

/* One step of a decision: the rules move `state` and add to `decision`. */
struct step {
	struct service_state *state;
	struct slot *slot;             /* the one that the event is for, or whose worker it is about */
	struct worker *worker;         /* of a worker event; else the slot's current one */
	const struct verdict *verdict; /* of GONE */
	const struct rules *rules;     /* of RELOADED */
	const char *text;              /* of SPARE_NO_ROOM and NEAR_LIMIT */
	bool can_wait;                 /* of NEAR_LIMIT */
	int64_t now_usec;
	struct decision *decision;
};

typedef void rule(struct step *step);

extern rule *const worker_table[WORKER_STATE_COUNT][WORKER_EVENT_COUNT];
extern rule *const slot_table[SLOT_STATE_COUNT][SLOT_EVENT_COUNT];

/* A cell whose event changes nothing in this state. */
rule ignored;

/* Sends an event on into the other table. */
void step_worker(struct step *step, enum worker_event event);
void step_slot(struct step *step, enum slot_event event);
/* The one or the other, by what the step's worker is to the slot. */
void step_slot_of(struct step *step, enum slot_event if_current, enum slot_event if_spare);

struct action *step_act(struct step *step, enum action_kind kind);
/* The same for what concerns the whole service, unless another slot has said it in this decision. */
void step_act_once(struct step *step, enum action_kind kind);
void step_tell(struct step *step, enum notice_kind notice, const char *format, ...) PRINTF_LIKE(3, 4);
void step_finish(struct step *step, int exit_status);

/* now + delay, never beyond USEC_NEVER - 1. */
int64_t usec_after(int64_t now_usec, int64_t delay_usec);

#endif
