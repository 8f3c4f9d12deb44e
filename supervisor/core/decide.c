/* SPDX-License-Identifier: Apache-2.0 */
/* decide: the dispatch over the two tables, and what their rules share. */
#include "supervisor/core/decide.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/decide_internal.h"
#include "supervisor/core/slot.h"
#include "supervisor/core/turn.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void init_slot(struct slot *slot, uint32_t number)
{
	slot->number = number;
	slot->state = SLOT_STOPPED;
	slot->deadline_usec = slot->begun_usec = USEC_NEVER;
	slot->stop_asked_usec = -SLOT_SAME_REQUEST_USEC;
	slot->current.state = slot->spare.state = WORKER_GONE;
	slot->current.deadline_usec = slot->spare.deadline_usec = USEC_NEVER;
}

void service_state_init(struct service_state *state, const struct rules *rules)
{
	memset(state, 0, sizeof(*state));
	state->rules = *rules;
	state->slot_count = rules->instances;
	assert(state->slot_count >= 1 && state->slot_count <= INSTANCES_MAX);
	for (uint32_t i = 0; i < INSTANCES_MAX; i++)
		init_slot(&state->slots[i], i);
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
	*action = (struct action){ .kind = kind, .worker = step->worker == NULL ? 0 : step->worker->id,
				   .instance = step->slot->number };
	return action;
}

void step_act_once(struct step *step, enum action_kind kind)
{
	for (size_t i = 0; i < step->decision->action_count; i++)
		if (step->decision->actions[i].kind == kind)
			return;
	step_act(step, kind);
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
	struct slot *slot = step->slot;
	enum slot_state before = slot->state;
	slot_table[before][event](step);
	if (slot->state != before)
		slot->since_usec = step->now_usec;
}

void step_slot_of(struct step *step, enum slot_event if_current, enum slot_event if_spare)
{
	step_slot(step, step->worker == &step->slot->current ? if_current : if_spare);
}

static const struct slot *slot_of(const struct service_state *state, uint32_t worker)
{
	for (uint32_t i = 0; worker != 0 && i < state->slot_count; i++)
		if (state->slots[i].current.id == worker || state->slots[i].spare.id == worker)
			return &state->slots[i];
	return NULL;
}

const struct worker *service_state_worker(const struct service_state *state, uint32_t id)
{
	const struct slot *slot = slot_of(state, id);
	if (slot == NULL)
		return NULL;
	return slot->current.id == id ? &slot->current : &slot->spare;
}

/* What stood before it in the queue has moved the deadline that this event tells of. */
static bool is_early(const struct step *step, const struct event *event)
{
	if (event->about_worker)
		return event->worker_event == WORKER_EVENT_DEADLINE && step->worker->deadline_usec > step->now_usec;
	return event->slot_event == SLOT_EVENT_SLOT_DEADLINE && step->slot->deadline_usec > step->now_usec;
}

static void hear_of_worker(struct step *step, const struct event *event)
{
	const struct slot *slot = slot_of(step->state, event->worker);
	if (slot == NULL)
		return;
	step->slot = &step->state->slots[slot->number];
	step->worker = slot->current.id == event->worker ? &step->slot->current : &step->slot->spare;
	if (!is_early(step, event))
		step_worker(step, event->worker_event);
}

static void hear_of_slot(struct step *step, const struct event *event, uint32_t number)
{
	step->slot = &step->state->slots[number];
	step->worker = &step->slot->current;
	if (!is_early(step, event))
		step_slot(step, event->slot_event);
}

/* A restart of several instances goes from one to the next. One that has ended while others have not hears of no order but
 * that. */
static void hear_order(struct step *step, const struct event *event)
{
	bool begun = !slot_all_have_ended(step->state);
	if (event->slot_event == SLOT_EVENT_RESTART && step->state->slot_count > 1) {
		turn_begin_roll(step->state);
		return;
	}
	if (event->slot_event == SLOT_EVENT_STOP || event->slot_event == SLOT_EVENT_DRAIN)
		turn_end_roll(step->state);
	for (uint32_t i = 0; i < step->state->slot_count && !step->state->finished; i++)
		if (!begun || step->state->slots[i].state != SLOT_STOPPED)
			hear_of_slot(step, event, i);
}

void decide(struct service_state *state, const struct event *event, int64_t now_usec, struct decision *ret)
{
	struct step step = { .state = state, .now_usec = now_usec, .decision = ret, .verdict = event->verdict,
			     .rules = event->rules, .text = event->text, .can_wait = event->can_wait };
	ret->action_count = 0;
	if (state->finished)
		return;
	if (event->about_worker)
		hear_of_worker(&step, event);
	else if (event->slot_event <= SLOT_ORDER_LAST)
		hear_order(&step, event);
	else if (event->instance < state->slot_count)
		hear_of_slot(&step, event, event->instance);
	if (state->slot_count > 1)
		turn_pass_on(&step);
}

static int64_t slot_deadline(const struct slot *slot, struct event *ret_event)
{
	const struct worker *worker = slot->spare.deadline_usec < slot->current.deadline_usec ? &slot->spare :
												&slot->current;
	if (slot->deadline_usec < worker->deadline_usec) {
		*ret_event = (struct event){ .slot_event = SLOT_EVENT_SLOT_DEADLINE, .instance = slot->number };
		return slot->deadline_usec;
	}
	*ret_event = (struct event){ .about_worker = true, .worker_event = WORKER_EVENT_DEADLINE, .worker = worker->id };
	return worker->deadline_usec;
}

int64_t service_state_deadline(const struct service_state *state, struct event *ret_event)
{
	int64_t first_usec = USEC_NEVER;
	if (state->finished)
		return USEC_NEVER;
	for (uint32_t i = 0; i < state->slot_count; i++) {
		struct event event;
		int64_t deadline_usec = slot_deadline(&state->slots[i], &event);
		if (i > 0 && deadline_usec >= first_usec)
			continue;
		first_usec = deadline_usec;
		*ret_event = event;
	}
	return first_usec;
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

const char *slot_name(const struct slot *slot)
{
	switch (slot->state) {
	case SLOT_RUNNING:
		return running_name(slot->current.state);
	case SLOT_STOPPING:
		return drains(slot) ? "draining" : "stopping";
	case SLOT_REPLACING:
		return "replacing";
	case SLOT_REPLACED:
		return slot->current.state == WORKER_READY ? "replacing" : running_name(slot->current.state);
	case SLOT_RESTARTING:
		return slot->current.state == WORKER_DRAINING ? "draining" : "replacing";
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

/* Worst first. */
static int rank(const char *name)
{
	static const char *const names[] = { "failed", "back-off", "starting", "stopping", "draining", "replacing", "ready" };
	int at = 0;
	while (at < (int)ARRAY_LEN(names) && strcmp(names[at], name) != 0)
		at++;
	return at;
}

const char *service_state_name(const struct service_state *state)
{
	const char *worst = slot_name(&state->slots[0]);
	for (uint32_t i = 1; i < state->slot_count; i++) {
		const char *name = slot_name(&state->slots[i]);
		if (rank(name) < rank(worst))
			worst = name;
	}
	return worst;
}

bool service_state_is_ready(const struct service_state *state)
{
	for (uint32_t i = 0; i < state->slot_count; i++)
		if (state->slots[i].current.state == WORKER_READY && !state->slots[i].current.stuck)
			return true;
	return false;
}

uint32_t service_state_budget_left(const struct service_state *state, int64_t now_usec)
{
	uint32_t used = budget_used(&state->budget, now_usec, state->rules.budget_within_usec);
	return used >= state->rules.budget_deaths ? 0 : state->rules.budget_deaths - used;
}
