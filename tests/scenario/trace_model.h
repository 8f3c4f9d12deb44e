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

static inline unsigned living(const struct trace *trace)
{
	return (trace->model.lives[0].id != 0) + (trace->model.lives[1].id != 0);
}

static inline const struct worker *worker_before(const struct trace *trace, uint32_t id)
{
	const struct before *before = &trace->before;
	return before->current.id == id ? &before->current : before->spare.id == id ? &before->spare : NULL;
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
	*life = (struct life){ 0 };
	trace->model.ends++;
}

static inline void model_slot_event(struct trace *trace)
{
	struct model *model = &trace->model;
	enum slot_event event = trace->event.slot_event;
	const struct before *before = &trace->before;
	bool due = event == SLOT_EVENT_SLOT_DEADLINE && before->deadline_usec <= trace->now_usec;
	bool serves = before->slot == SLOT_RUNNING || before->slot == SLOT_REPLACED;
	bool reset = event == SLOT_EVENT_RESET && before->slot != SLOT_STOPPED && before->slot != SLOT_STOPPING;
	bool acted = (event == SLOT_EVENT_RESTART || event == SLOT_EVENT_RELOADED) && before->slot == SLOT_FAILED;
	if (due && serves && before->current.state == WORKER_READY)
		model->forgiven = model->deaths;
	if (reset || acted)
		model->deaths = model->forgiven = 0;
	if (event == SLOT_EVENT_STOP || event == SLOT_EVENT_DRAIN)
		model->stop_asked = true;
	if (event == SLOT_EVENT_SPARE_ROOM || event == SLOT_EVENT_SPARE_NO_ROOM)
		model->room_asked = false;
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

/* What the policy says of the verdict at hand: true where the service ends with it. */
static inline bool is_final(const struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	const struct verdict *verdict = &trace->verdict;
	bool clean = verdict->kind == VERDICT_EXIT && verdict->number == 0;
	return rules->when == RULE_WHEN_NEVER || (rules->when == RULE_WHEN_FAILURE && clean) ||
	       (rules->report_heap_limit && verdict->kind == VERDICT_HEAP_LIMIT) ||
	       (verdict->kind == VERDICT_EXEC && trace->model.launches == 1);
}

/* Whether the worker that has just gone died as the one that served, or was to. */
static inline bool current_died(const struct trace *trace)
{
	const struct before *before = &trace->before;
	if (trace->just_gone == 0 || trace->just_gone != before->current.id)
		return false;
	if (before->slot == SLOT_RESTARTING)
		return before->why != ASKED_RESTART && verdict_counts(trace->verdict.kind);
	return before->slot == SLOT_RUNNING || before->slot == SLOT_REPLACING || before->slot == SLOT_REPLACED;
}

/* It had died before the spare took its place, and its group was empty only then; or it was stuck. */
static inline bool relieved_had_died(const struct trace *trace)
{
	const struct before *before = &trace->before;
	return trace->just_gone != 0 && trace->just_gone == before->spare.id && before->slot == SLOT_REPLACED &&
	       (before->spare.asked == ASKED_NOTHING || trace->verdict.kind == VERDICT_WATCHDOG) && verdict_counts(trace->verdict.kind);
}

static inline bool asks_for_the_end(const struct trace *trace)
{
	return !trace->event.about_worker &&
	       (trace->event.slot_event == SLOT_EVENT_STOP || trace->event.slot_event == SLOT_EVENT_DRAIN);
}

#endif
