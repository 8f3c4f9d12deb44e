/* SPDX-License-Identifier: Apache-2.0 */
/* trace_turns: what must hold between the instances of a service in the random traces: one replacement at a time, and a roll
 * that goes from one to the next. */
#ifndef TESTS_SCENARIO_TRACE_TURNS_H
#define TESTS_SCENARIO_TRACE_TURNS_H

#include "tests/scenario/trace_model.h"

/* A replacement of which the others do not know the end. */
static inline bool is_under_way(const struct trace *trace, const struct slot *slot)
{
	return slot->state == SLOT_REPLACED || slot->state == SLOT_RESTARTING || living_in(trace, slot->number) == 2 ||
	       trace->model.room_asked[slot->number] || (slot->state == SLOT_RUNNING && slot->why != ASKED_NOTHING);
}

static inline bool another_is_under_way(const struct trace *trace, const struct slot *slot)
{
	for (uint32_t i = 0; i < trace->state.slot_count; i++)
		if (i != slot->number && is_under_way(trace, &trace->state.slots[i]))
			return true;
	return false;
}

/* One after the other: nobody who serves, and could go on, is sent away while another one's place is empty for that. */
static inline void check_turns(struct trace *trace)
{
	unsigned down = 0, questions = 0;
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *before = &trace->before.slots[i], *slot = &trace->state.slots[i];
		const struct worker *worker = &before->current;
		bool *taken_down = &trace->model.taken_down[i];
		if (slot->state == SLOT_RESTARTING && before->state != SLOT_RESTARTING && worker->state == WORKER_READY)
			*taken_down = !slot->current.stuck && !slot->current.urgent;
		if (slot->state != SLOT_RESTARTING && (slot->state != SLOT_RUNNING || slot->why == ASKED_NOTHING))
			*taken_down = false;
		if (slot->state != SLOT_REPLACING)
			trace->model.room_asked[i] = false; /* an answer would come to nobody */
		down += *taken_down;
		questions += trace->model.room_asked[i];
	}
	must(trace, down <= 1, "two instances that serve were taken down at once");
	must(trace, questions <= 1, "two questions for room at once");
}

static inline bool is_through(const struct trace *trace, const struct slot *slot)
{
	return slot->state == SLOT_RUNNING && slot->why == ASKED_NOTHING && slot->current.state == WORKER_READY &&
	       slot->current.id >= trace->state.roll.next_id;
}

/* It goes on when the last slot that it has come to is through, and waits for nothing else. */
static inline void check_roll(const struct trace *trace)
{
	const struct service_state *state = &trace->state;
	uint32_t begun = state->roll.begun, from = trace->before.roll_begun;
	bool begins = !trace->event.about_worker && trace->event.slot_event == SLOT_EVENT_RESTART && state->slot_count > 1;
	if (begins && !all_are_ending(trace))
		must(trace, begun == 1 && (state->roll.next_id != 0 || is_ending(&state->slots[0])), "a roll that does not begin with one");
	if (state->roll.next_id == 0 || state->finished)
		return;
	must(trace, state->slot_count > 1 && begun > 0, "a roll that has not begun");
	const struct slot *slot = &state->slots[begun - 1];
	must(trace, !is_through(trace, slot) && !is_ending(slot) && slot->state != SLOT_FAILED, "a roll that stands still");
	for (uint32_t i = from == 0 ? 0 : from - 1; state->roll.next_id == trace->before.roll_id && i + 1 < begun; i++)
		must(trace, is_through(trace, &state->slots[i]), "a roll that goes on too early");
}

#endif
