/* SPDX-License-Identifier: Apache-2.0 */
/* slot: how a worker comes into the slot, how its end is counted, whether the service outlives a death, and how a service
 * with one or two workers comes to its end. */
#include "supervisor/core/slot.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/names.h"
#include "supervisor/core/turn.h"
#include "supervisor/core/verdict.h"

#include "base/units.h"

void slot_launch(struct step *step, struct worker *place)
{
	step->slot->launches++;
	*place = (struct worker){ .id = step->state->next_worker_id++, .state = WORKER_LAUNCHING,
				  .launched_usec = step->now_usec, .deadline_usec = USEC_NEVER };
	step->worker = place;
	step_act(step, ACTION_LAUNCH);
}

void slot_wait_for_health(struct step *step)
{
	step->slot->deadline_usec = usec_after(step->now_usec, step->state->rules.healthy_after_usec);
}

void slot_count_end(struct step *step)
{
	const struct verdict *verdict = step->verdict;
	bool is_spare = step->worker == &step->slot->spare;
	step->state->deaths_by_verdict[verdict->kind]++;
	if (verdict_counts(verdict->kind))
		step_tell(step, NOTICE_DEATH, "%s%s", verdict->text, verdict->certain ? "" : " (not certain)");
	/* An end that was asked for is kept too, so that `why` tells of it; but it is no news. What is stopped beside the
	 * current worker would only hide what became of that one, and replacements every few seconds would push every
	 * death out of the store: the events tell of those. */
	bool replaced = verdict->kind == VERDICT_REPLACED && step->worker->asked == ASKED_REPLACE;
	if (!replaced && (!is_spare || verdict->kind != VERDICT_STOPPED))
		step_act(step, ACTION_KEEP_DEATH);
}

void slot_count_death(struct step *step)
{
	step->state->deaths_total++;
	budget_add(&step->state->budget, step->now_usec, step->verdict->kind);
}

/* A worker whose main process has already ended did so unasked, and one that was not ready is being ended for that:
 * whoever asks now must not hide its death. */
static void note_asked(struct worker *worker, enum asked asked)
{
	bool dying = worker->state == WORKER_ENDING || worker->state == WORKER_GONE || worker->not_ready;
	if (!dying || worker->asked != ASKED_NOTHING)
		worker->asked = asked;
}

void slot_ask(struct step *step, struct worker *worker, enum worker_event event, enum asked asked)
{
	step->worker = worker;
	note_asked(worker, asked);
	step_worker(step, event);
}

bool slot_keeps_listening(const struct step *step, const struct slot *slot)
{
	if (slot->state == SLOT_BACKOFF)
		return slot->next_delay_usec <= step->state->rules.hold_for_usec;
	return slot->state != SLOT_STOPPED && slot->state != SLOT_FAILED;
}

void slot_unlisten(struct step *step)
{
	for (uint32_t i = 0; i < step->state->slot_count; i++)
		if (slot_keeps_listening(step, &step->state->slots[i]))
			return;
	if (step->state->rules.drains)
		step_act(step, ACTION_UNLISTEN);
}

bool slot_all_have_ended(const struct service_state *state)
{
	for (uint32_t i = 0; i < state->slot_count; i++)
		if (state->slots[i].state != SLOT_STOPPED)
			return false;
	return true;
}

void slot_finish_when_empty(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->current.state != WORKER_GONE || slot->spare.state != WORKER_GONE)
		return;
	slot->state = SLOT_STOPPED;
	slot->deadline_usec = USEC_NEVER;
	if (!slot_all_have_ended(step->state)) {
		slot_unlisten(step);
		return;
	}
	if (step->state->slot_count > 1)
		step->worker = NULL; /* the service's end, not the last instance's */
	if (slot->why == ASKED_STOP)
		step_tell(step, NOTICE_STOP, "stopped on request");
	step_finish(step, step->state->exit_status);
}

void slot_stop(struct step *step, enum worker_event way, enum asked why, int exit_status)
{
	struct slot *slot = step->slot;
	slot->state = SLOT_STOPPING;
	slot->deadline_usec = slot->begun_usec = USEC_NEVER;
	slot->waits = false;
	slot->why = why;
	/* Of several that end one by one, the first that failed. */
	if (why == ASKED_STOP || step->state->exit_status == 0)
		step->state->exit_status = exit_status;
	slot_ask(step, &slot->current, way, ASKED_STOP);
	slot_ask(step, &slot->spare, way, ASKED_STOP);
	slot_finish_when_empty(step);
}

static void end_slot(struct step *step, const char *reason)
{
	step_tell(step, NOTICE_STOP, "not restarted: %s", reason);
	slot_stop(step, WORKER_EVENT_END, ASKED_NOTHING, verdict_exit_status(step->verdict));
}

/* In order, as asked; but nobody has asked. */
static void end_others(struct step *step)
{
	struct slot *own = step->slot;
	struct worker *worker = step->worker;
	for (uint32_t i = 0; i < step->state->slot_count; i++) {
		struct slot *slot = &step->state->slots[i];
		if (slot == own || slot->state == SLOT_STOPPED || slot->state == SLOT_STOPPING)
			continue;
		step->slot = slot;
		step->worker = &slot->current;
		step_slot(step, SLOT_EVENT_DRAIN);
		slot->why = ASKED_NOTHING;
	}
	step->slot = own;
	step->worker = worker;
	step->state->exit_status = 0;
	turn_end_roll(step->state);
}

static bool others_run(const struct step *step)
{
	for (uint32_t i = 0; i < step->state->slot_count; i++) {
		const struct slot *slot = &step->state->slots[i];
		if (slot != step->slot && (slot->current.state == WORKER_STARTING || slot->current.state == WORKER_READY))
			return true;
	}
	return false;
}

/* Why this death is not followed by a restart; NULL where it is. */
static const char *final_reason(const struct step *step)
{
	const struct rules *rules = &step->state->rules;
	const struct verdict *verdict = step->verdict;
	if (verdict->kind == VERDICT_EXEC && step->slot->launches == 1 && !others_run(step))
		return "it has never started";
	if (verdict->kind == VERDICT_HEAP_LIMIT && rules->report_heap_limit)
		return "heap.at_limit: report";
	if (rules->when == RULE_WHEN_NEVER)
		return "restart.when: never";
	if (rules->when == RULE_WHEN_FAILURE && !verdict_is_failure(verdict))
		return "exit 0 is no failure (restart.when: failure)";
	return NULL;
}

/* Whether a budget is used up, the verdict's own first: it says more. Tells which. */
static bool gave_up(struct step *step)
{
	const struct rules *rules = &step->state->rules;
	const struct budget *budget = &step->state->budget;
	enum verdict_kind kind = step->verdict->kind;
	uint32_t all = budget_used(budget, step->now_usec, rules->budget_within_usec);
	uint32_t own = budget_used_by(budget, step->now_usec, rules->by_verdict[kind].within_usec, kind);
	const char *then = rules->exit_when_exhausted ? "exiting (restart.exhausted: exit)" : "holding";
	char within[UNITS_TEXT_MAX];
	if (own > rules->by_verdict[kind].deaths)
		step_tell(step, NOTICE_FAILED, "gave up after %u deaths by %s in %s (budget.by_verdict %u); %s", own, verdict_name(kind),
			  units_format_time(within, rules->by_verdict[kind].within_usec), rules->by_verdict[kind].deaths, then);
	else if (all > rules->budget_deaths)
		step_tell(step, NOTICE_FAILED, "gave up after %u deaths in %s (budget %u); %s", all,
			  units_format_time(within, rules->budget_within_usec), rules->budget_deaths, then);
	else
		return false;
	return true;
}

/* The budget is the service's, but what still serves goes on. A spare that has been relieved goes on draining; one that was
 * to serve has nothing to come for. */
static void fail_slot(struct step *step)
{
	struct slot *slot = step->slot;
	if (step->state->rules.exit_when_exhausted) {
		end_others(step);
		end_slot(step, "restart budget used up (restart.exhausted: exit)");
		return;
	}
	slot->state = SLOT_FAILED;
	slot->deadline_usec = USEC_NEVER;
	if (worker_is_coming(&slot->spare))
		slot_ask(step, &slot->spare, WORKER_EVENT_END, ASKED_STOP);
	slot_unlisten(step);
}

void slot_raise_after(struct step *step)
{
	if (step->state->rules.raise_heap_limit && step->verdict->kind == VERDICT_HEAP_LIMIT)
		step_act(step, ACTION_RAISE);
}

bool slot_outlives(struct step *step)
{
	const char *reason = final_reason(step);
	if (reason != NULL) {
		end_slot(step, reason);
		return false;
	}
	slot_count_death(step);
	if (gave_up(step)) {
		fail_slot(step);
		return false;
	}
	slot_raise_after(step);
	return true;
}
