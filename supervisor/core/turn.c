/* SPDX-License-Identifier: Apache-2.0 */
/* turn: see turn.h. */
#include "supervisor/core/turn.h"

#include "supervisor/core/slot.h"

static bool has_turn(const struct slot *slot)
{
	if (slot->state == SLOT_REPLACED || slot->state == SLOT_RESTARTING)
		return true;
	if (slot->state == SLOT_REPLACING)
		return slot->spare.state != WORKER_GONE || (!slot->waits && slot->deadline_usec == USEC_NEVER);
	return slot->state == SLOT_RUNNING && slot->why != ASKED_NOTHING; /* the next one is not ready yet */
}

static bool is_taken(const struct service_state *state, const struct slot *but)
{
	for (uint32_t i = 0; i < state->slot_count; i++)
		if (&state->slots[i] != but && has_turn(&state->slots[i]))
			return true;
	return false;
}

bool turn_is_taken(const struct step *step)
{
	return is_taken(step->state, step->slot);
}

static void go_to(struct step *step, struct slot *slot)
{
	step->slot = slot;
	step->worker = &slot->current;
}

/* Whoever waits for longest. */
static void give_turn(struct step *step)
{
	struct slot *next = NULL;
	for (uint32_t i = 0; i < step->state->slot_count; i++) {
		struct slot *slot = &step->state->slots[i];
		if (slot->waits && (next == NULL || slot->since_usec < next->since_usec))
			next = slot;
	}
	if (next == NULL || is_taken(step->state, next))
		return;
	go_to(step, next);
	step_slot(step, SLOT_EVENT_SLOT_DEADLINE);
}

/* The roll. */

void turn_begin_roll(struct service_state *state)
{
	bool all_end = true;
	for (uint32_t i = 0; i < state->slot_count; i++)
		all_end = all_end && (state->slots[i].state == SLOT_STOPPED || state->slots[i].state == SLOT_STOPPING);
	state->roll.next_id = all_end ? 0 : state->next_worker_id;
	state->roll.begun = 0;
}

void turn_end_roll(struct service_state *state)
{
	state->roll.next_id = 0;
}

static bool is_new(const struct service_state *state, const struct worker *worker)
{
	return worker->state != WORKER_GONE && worker->id >= state->roll.next_id;
}

static bool is_through(const struct service_state *state, const struct slot *slot)
{
	return slot->state == SLOT_RUNNING && slot->why == ASKED_NOTHING && slot->current.state == WORKER_READY &&
	       is_new(state, &slot->current);
}

static bool is_lost(const struct slot *slot)
{
	return slot->state == SLOT_FAILED || slot->state == SLOT_STOPPED || slot->state == SLOT_STOPPING;
}

/* Its worker may have come since the order, or be on its way. An instance that has ended by itself starts again. */
static void renew(struct step *step, struct slot *slot)
{
	bool comes = worker_is_coming(&slot->spare) && is_new(step->state, &slot->spare);
	go_to(step, slot);
	if (!comes && !is_new(step->state, &slot->current))
		step_slot(step, slot->state == SLOT_STOPPED ? SLOT_EVENT_START : SLOT_EVENT_RESTART);
}

static void stop_roll(struct step *step, const struct slot *slot)
{
	uint32_t left = step->state->slot_count - step->state->roll.begun;
	turn_end_roll(step->state);
	if (slot->state == SLOT_STOPPING || left == 0)
		return;
	go_to(step, &step->state->slots[slot->number]);
	step_tell(step, NOTICE_WARNING, "the restart ends here: instance %u %s; the %u after it keep%s what they have",
		  slot->number, slot->state == SLOT_FAILED ? "has failed" : "has ended", left, left == 1 ? "s" : "");
}

static void roll_on(struct step *step)
{
	struct service_state *state = step->state;
	while (state->roll.next_id != 0) {
		const struct slot *last = state->roll.begun == 0 ? NULL : &state->slots[state->roll.begun - 1];
		if (last != NULL && is_lost(last)) {
			stop_roll(step, last);
			return;
		}
		if (last != NULL && !is_through(state, last))
			return;
		if (state->roll.begun == state->slot_count)
			turn_end_roll(state);
		else
			renew(step, &state->slots[state->roll.begun++]);
	}
}

void turn_pass_on(struct step *step)
{
	if (step->state->finished)
		return;
	give_turn(step);
	roll_on(step);
}
