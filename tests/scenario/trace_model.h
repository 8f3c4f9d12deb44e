/* SPDX-License-Identifier: Apache-2.0 */
/* trace_model: the small model that the random traces are held against: who lives, which deaths count, what a death means. */
#ifndef TESTS_SCENARIO_TRACE_MODEL_H
#define TESTS_SCENARIO_TRACE_MODEL_H

#include "tests/scenario/trace.h"

static inline struct life *life_of(struct trace *trace, uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(trace->model.lives); i++)
		if (id != 0 && trace->model.lives[i].id == id)
			return &trace->model.lives[i];
	return NULL;
}

static inline unsigned living_in(const struct trace *trace, uint32_t slot)
{
	unsigned count = 0;
	for (size_t i = 0; i < ARRAY_LEN(trace->model.lives); i++)
		count += trace->model.lives[i].id != 0 && trace->model.lives[i].slot == slot;
	return count;
}

static inline unsigned living(const struct trace *trace)
{
	unsigned count = 0;
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		count += living_in(trace, i);
	return count;
}

/* Of a worker that was there before the event; NULL where it was not. */
static inline const struct slot *slot_before(const struct trace *trace, uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->before.slots[i];
		if (slot->current.id == id || slot->spare.id == id)
			return slot;
	}
	return NULL;
}

static inline const struct worker *worker_before(const struct trace *trace, uint32_t id)
{
	const struct slot *slot = slot_before(trace, id);
	return slot == NULL ? NULL : slot->current.id == id ? &slot->current : &slot->spare;
}

static inline void model_worker_event(struct trace *trace)
{
	struct life *life = life_of(trace, trace->event.worker);
	if (life == NULL)
		return;
	enum worker_state state = worker_before(trace, life->id)->state;
	bool exec_can_fail = state == WORKER_LAUNCHING || state == WORKER_STOPPING;
	if (trace->event.worker_event == WORKER_EVENT_EXITED ||
	    (trace->event.worker_event == WORKER_EVENT_LAUNCH_FAILED && exec_can_fail))
		life->ended = true;
	if (trace->event.worker_event != WORKER_EVENT_GONE)
		return;
	trace->just_gone = life->id;
	trace->gone_from = life->slot;
	*life = (struct life){ 0 };
	trace->model.ends++;
}

/* A healthy time forgives nothing while another instance is not healthy. */
static inline bool is_healthy_time(const struct trace *trace)
{
	const struct slot *own = &trace->before.slots[trace->event.instance];
	bool serves = own->state == SLOT_RUNNING || own->state == SLOT_REPLACED;
	if (own->deadline_usec > trace->now_usec || !serves || own->current.state != WORKER_READY)
		return false;
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->before.slots[i];
		bool healthy = slot->state == SLOT_RUNNING && slot->current.state == WORKER_READY &&
			       slot->deadline_usec == USEC_NEVER;
		if (slot != own && slot->state != SLOT_STOPPED && !healthy)
			return false;
	}
	return true;
}

static inline bool is_ending(const struct slot *slot)
{
	return slot->state == SLOT_STOPPED || slot->state == SLOT_STOPPING;
}

static inline bool all_are_ending(const struct trace *trace)
{
	for (uint32_t i = 0; i < trace->state.slot_count; i++)
		if (!is_ending(&trace->before.slots[i]))
			return false;
	return true;
}

static inline void model_slot_event(struct trace *trace)
{
	struct model *model = &trace->model;
	enum slot_event event = trace->event.slot_event;
	if (event == SLOT_EVENT_SLOT_DEADLINE && is_healthy_time(trace))
		model->forgiven = model->deaths;
	if (event == SLOT_EVENT_RESET && !all_are_ending(trace))
		model->deaths = model->forgiven = 0;
	if (event == SLOT_EVENT_STOP || event == SLOT_EVENT_DRAIN) {
		model->stop_asked = true;
		model->final_status = all_are_ending(trace) ? model->final_status : 0;
	}
	if (event == SLOT_EVENT_SPARE_ROOM || event == SLOT_EVENT_SPARE_NO_ROOM)
		model->room_asked[trace->event.instance] = false;
}

/* Who had failed and starts again does so with a new budget. */
static inline void model_fresh_starts(struct trace *trace)
{
	for (uint32_t i = 0; i < trace->state.slot_count; i++)
		if (trace->before.slots[i].state == SLOT_FAILED && trace->state.slots[i].state != SLOT_FAILED &&
		    !is_ending(&trace->state.slots[i]))
			trace->model.deaths = trace->model.forgiven = 0;
}

static inline uint32_t deaths_within(const struct trace *trace)
{
	uint32_t count = 0;
	for (size_t i = trace->model.forgiven; i < trace->model.deaths; i++)
		if (trace->model.deaths_usec[i] >= trace->now_usec - trace->state.rules.budget_within_usec)
			count++;
	return count;
}

static inline uint32_t deaths_within_by(const struct trace *trace, enum verdict_kind kind)
{
	uint32_t count = 0;
	for (size_t i = 0; i < trace->model.deaths; i++)
		if (trace->model.kinds[i] == kind &&
		    trace->model.deaths_usec[i] >= trace->now_usec - trace->state.rules.by_verdict[kind].within_usec)
			count++;
	return count;
}

static inline void add_death(struct trace *trace)
{
	struct model *model = &trace->model;
	assert_true(model->deaths < DEATHS_MAX);
	model->kinds[model->deaths] = trace->verdict.kind;
	model->deaths_usec[model->deaths++] = trace->now_usec;
}

static inline bool others_run(const struct trace *trace)
{
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		enum worker_state current = trace->before.slots[i].current.state;
		if (i != trace->gone_from && (current == WORKER_STARTING || current == WORKER_READY))
			return true;
	}
	return false;
}

/* What the policy says of the verdict at hand: true where the instance ends with it. */
static inline bool is_final(const struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	const struct verdict *verdict = &trace->verdict;
	bool clean = verdict->kind == VERDICT_EXIT && verdict->number == 0;
	return rules->when == RULE_WHEN_NEVER || (rules->when == RULE_WHEN_FAILURE && clean) ||
	       (rules->report_heap_limit && verdict->kind == VERDICT_HEAP_LIMIT) ||
	       (verdict->kind == VERDICT_EXEC && trace->before.slots[trace->gone_from].launches == 1 && !others_run(trace));
}

/* Whether the worker that has just gone died as the one that served, or was to. */
static inline bool current_died(const struct trace *trace)
{
	const struct slot *before = &trace->before.slots[trace->gone_from];
	if (trace->just_gone == 0 || trace->just_gone != before->current.id)
		return false;
	if (before->state == SLOT_RESTARTING)
		return before->why != ASKED_RESTART && verdict_counts(trace->verdict.kind);
	return before->state == SLOT_RUNNING || before->state == SLOT_REPLACING || before->state == SLOT_REPLACED;
}

/* It had died before the spare took its place, and its group was empty only then; or it was stuck. */
static inline bool relieved_had_died(const struct trace *trace)
{
	const struct slot *before = &trace->before.slots[trace->gone_from];
	return trace->just_gone != 0 && trace->just_gone == before->spare.id && before->state == SLOT_REPLACED &&
	       (before->spare.asked == ASKED_NOTHING || trace->verdict.kind == VERDICT_WATCHDOG) && verdict_counts(trace->verdict.kind);
}

static inline bool asks_for_the_end(const struct trace *trace)
{
	return !trace->event.about_worker &&
	       (trace->event.slot_event == SLOT_EVENT_STOP || trace->event.slot_event == SLOT_EVENT_DRAIN);
}

#endif
