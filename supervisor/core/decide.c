/* SPDX-License-Identifier: Apache-2.0 */
/* decide: the dispatch over the two tables, and what their rules share. */
#include "supervisor/core/decide.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/decide_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void service_state_init(struct service_state *state, const struct rules *rules)
{
	memset(state, 0, sizeof(*state));
	state->rules = *rules;
	state->slot.state = SLOT_STOPPED;
	state->slot.deadline_usec = state->slot.begun_usec = USEC_NEVER;
	state->slot.current.state = state->slot.spare.state = WORKER_GONE;
	state->slot.current.deadline_usec = state->slot.spare.deadline_usec = USEC_NEVER;
	state->next_worker_id = 1;
}

int64_t usec_after(int64_t now_usec, int64_t delay_usec)
{
	return delay_usec >= USEC_NEVER - 1 - now_usec ? USEC_NEVER - 1 : now_usec + delay_usec;
}

void ignored(struct step *step UNUSED)
{
}

struct action *step_act(struct step *step, enum action_kind kind)
{
	struct decision *decision = step->decision;
	assert(decision->action_count < DECISION_ACTIONS_MAX);
	struct action *action = &decision->actions[decision->action_count++];
	*action = (struct action){ .kind = kind, .worker = step->worker == NULL ? 0 : step->worker->id };
	return action;
}

void step_tell(struct step *step, enum notice_kind notice, const char *format, ...)
{
	struct action *action = step_act(step, ACTION_NOTICE);
	va_list args;
	action->notice = notice;
	va_start(args, format);
	vsnprintf(action->text, sizeof(action->text), format, args);
	va_end(args);
}

void step_finish(struct step *step, int exit_status)
{
	step->state->finished = true;
	step->state->exit_status = exit_status;
	step->state->slot.state = SLOT_STOPPED;
	step->state->slot.deadline_usec = USEC_NEVER;
	if (step->state->rules.drains)
		step_act(step, ACTION_UNLISTEN);
	step_act(step, ACTION_FINISH);
}

void step_worker(struct step *step, enum worker_event event)
{
	worker_table[step->worker->state][event](step);
}

void step_slot(struct step *step, enum slot_event event)
{
	struct slot *slot = &step->state->slot;
	enum slot_state before = slot->state;
	slot_table[before][event](step);
	if (slot->state != before)
		slot->since_usec = step->now_usec;
}

void step_slot_of(struct step *step, enum slot_event if_current, enum slot_event if_spare)
{
	step_slot(step, step->worker == &step->state->slot.current ? if_current : if_spare);
}

const struct worker *service_state_worker(const struct service_state *state, uint32_t id)
{
	const struct slot *slot = &state->slot;
	if (id == 0)
		return NULL;
	if (slot->current.id == id)
		return &slot->current;
	return slot->spare.id == id ? &slot->spare : NULL;
}

static struct worker *find_worker(struct service_state *state, uint32_t id)
{
	const struct worker *worker = service_state_worker(state, id);
	return worker == NULL ? NULL : worker == &state->slot.current ? &state->slot.current : &state->slot.spare;
}

/* What stood before it in the queue has moved the deadline that this event tells of. */
static bool is_early(const struct step *step, const struct event *event)
{
	if (event->about_worker)
		return event->worker_event == WORKER_EVENT_DEADLINE && step->worker->deadline_usec > step->now_usec;
	return event->slot_event == SLOT_EVENT_SLOT_DEADLINE && step->state->slot.deadline_usec > step->now_usec;
}

void decide(struct service_state *state, const struct event *event, int64_t now_usec, struct decision *ret)
{
	struct step step = { .state = state, .now_usec = now_usec, .decision = ret, .verdict = event->verdict,
			     .rules = event->rules, .text = event->text, .can_wait = event->can_wait };
	ret->action_count = 0;
	if (state->finished)
		return;
	step.worker = event->about_worker ? find_worker(state, event->worker) : &state->slot.current;
	if (step.worker == NULL || is_early(&step, event))
		return;
	if (event->about_worker)
		step_worker(&step, event->worker_event);
	else
		step_slot(&step, event->slot_event);
}

int64_t service_state_deadline(const struct service_state *state, struct event *ret_event)
{
	const struct slot *slot = &state->slot;
	const struct worker *worker = slot->spare.deadline_usec < slot->current.deadline_usec ? &slot->spare :
												&slot->current;
	if (state->finished)
		return USEC_NEVER;
	if (slot->deadline_usec < worker->deadline_usec) {
		*ret_event = (struct event){ .slot_event = SLOT_EVENT_SLOT_DEADLINE };
		return slot->deadline_usec;
	}
	*ret_event = (struct event){ .about_worker = true, .worker_event = WORKER_EVENT_DEADLINE, .worker = worker->id };
	return worker->deadline_usec;
}

static const char *running_name(enum worker_state worker)
{
	if (worker == WORKER_READY)
		return "ready";
	return worker == WORKER_ENDING || worker == WORKER_STOPPING ? "stopping" : "starting";
}

static bool drains(const struct slot *slot)
{
	return slot->current.state == WORKER_DRAINING || slot->spare.state == WORKER_DRAINING;
}

const char *service_state_name(const struct service_state *state)
{
	switch (state->slot.state) {
	case SLOT_RUNNING:
		return running_name(state->slot.current.state);
	case SLOT_STOPPING:
		return drains(&state->slot) ? "draining" : "stopping";
	case SLOT_REPLACING:
		return "replacing";
	case SLOT_REPLACED:
		return state->slot.current.state == WORKER_READY ? "replacing" :
								   running_name(state->slot.current.state);
	case SLOT_RESTARTING:
		return state->slot.current.state == WORKER_DRAINING ? "draining" : "replacing";
	case SLOT_BACKOFF:
		return "back-off";
	case SLOT_FAILED:
		return "failed";
	case SLOT_STOPPED:
	case SLOT_STATE_COUNT:
	default:
		return "stopped";
	}
}

bool service_state_is_ready(const struct service_state *state)
{
	return state->slot.current.state == WORKER_READY && !state->slot.current.stuck;
}

uint32_t service_state_budget_left(const struct service_state *state, int64_t now_usec)
{
	uint32_t used = budget_used(&state->slot.budget, now_usec, state->rules.budget_within_usec);
	return used >= state->rules.budget_deaths ? 0 : state->rules.budget_deaths - used;
}
