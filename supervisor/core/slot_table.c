/* SPDX-License-Identifier: Apache-2.0 */
/* slot_table: what becomes of the service when its worker comes and goes. The table at the end is the specification. */
#include "supervisor/core/budget.h"
#include "supervisor/core/decide_internal.h"
#include "supervisor/core/names.h"
#include "supervisor/core/verdict.h"

#include "base/units.h"

#include <stdio.h>
#include <string.h>

static void launch(struct step *step)
{
	struct slot *slot = &step->state->slot;
	slot->state = SLOT_RUNNING;
	slot->deadline_usec = USEC_NEVER;
	slot->launches++;
	slot->current = (struct worker){ .id = step->state->next_worker_id++, .state = WORKER_LAUNCHING,
					 .launched_usec = step->now_usec, .deadline_usec = USEC_NEVER };
	step->worker = &slot->current;
	step_act(step, ACTION_LAUNCH);
}

static void start_afresh(struct step *step)
{
	step->state->slot.backoff_step = 0;
	budget_clear(&step->state->slot.budget);
	launch(step);
}

/* A worker whose main process has already ended did so unasked: whoever asks now must not hide its death. */
static void note_asked(struct worker *worker, enum asked asked)
{
	if (worker->state != WORKER_ENDING || worker->asked != ASKED_NOTHING)
		worker->asked = asked;
}

static void end_current(struct step *step, enum slot_state next, enum asked asked)
{
	step->state->slot.state = next;
	step->state->slot.deadline_usec = USEC_NEVER;
	step->worker = &step->state->slot.current;
	note_asked(step->worker, asked);
	step_worker(step, WORKER_EVENT_END);
}

static void stop(struct step *step)
{
	end_current(step, SLOT_STOPPING, ASKED_STOP);
}

static void restart(struct step *step)
{
	end_current(step, SLOT_RESTARTING, ASKED_RESTART);
}

/* Already on its way out for a restart: it is a stop now. */
static void stop_instead(struct step *step)
{
	step->state->slot.state = SLOT_STOPPING;
	note_asked(&step->state->slot.current, ASKED_STOP);
}

static void stop_at_once(struct step *step)
{
	step->worker = &step->state->slot.current;
	step_tell(step, NOTICE_WARNING, "asked to stop a second time: killing its whole group");
	step_worker(step, WORKER_EVENT_KILL);
}

static void finish_stopped(struct step *step)
{
	step_tell(step, NOTICE_STOP, "stopped on request");
	step_finish(step, 0);
}

static void restart_now(struct step *step)
{
	step->state->slot.backoff_step = 0;
	launch(step);
}

static void operator_resets(struct step *step)
{
	step_tell(step, NOTICE_RESET, "restart budget and back-off start again");
	start_afresh(step);
}

static void reset_counts(struct step *step)
{
	step->state->slot.backoff_step = 0;
	budget_clear(&step->state->slot.budget);
	step_tell(step, NOTICE_RESET, "restart budget and back-off start again");
}

/* A new policy: its rules count from here on. */
static void take_rules(struct step *step)
{
	step->state->rules = *step->rules;
}

/* A changed policy is as good as an operator: what gave up under the old one may try again. */
static void take_rules_and_start(struct step *step)
{
	take_rules(step);
	operator_resets(step);
}

static void worker_ready(struct step *step)
{
	step->state->slot.deadline_usec = usec_after(step->now_usec, step->state->rules.healthy_after_usec);
}

/* The deadline may pass while the group of a worker that has just died is still being killed: that is no health. */
static void healthy(struct step *step)
{
	step->state->slot.deadline_usec = USEC_NEVER;
	if (step->state->slot.current.state != WORKER_READY)
		return;
	step->state->slot.backoff_step = 0;
	budget_forgive(&step->state->slot.budget);
}

/* Every end is counted by its verdict; those that nobody asked for are deaths, kept and told. */
static void count_end(struct step *step)
{
	const struct verdict *verdict = step->verdict;
	step->state->deaths_by_verdict[verdict->kind]++;
	step->state->slot.deadline_usec = USEC_NEVER;
	/* An end that was asked for is kept too, so that `why` tells of it; but it is no news. */
	if (verdict->kind != VERDICT_STOPPED && verdict->kind != VERDICT_REPLACED)
		step_tell(step, NOTICE_DEATH, "%s%s", verdict->text, verdict->certain ? "" : " (not certain)");
	step_act(step, ACTION_KEEP_DEATH);
}

static void end_service(struct step *step, const char *reason)
{
	step_tell(step, NOTICE_STOP, "not restarted: %s", reason);
	step_finish(step, verdict_exit_status(step->verdict));
}

/* Why this death is not followed by a restart; NULL where it is. */
static const char *final_reason(const struct step *step)
{
	const struct rules *rules = &step->state->rules;
	const struct verdict *verdict = step->verdict;
	if (verdict->kind == VERDICT_EXEC && step->state->slot.launches == 1)
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
	const struct budget *budget = &step->state->slot.budget;
	enum verdict_kind kind = step->verdict->kind;
	uint32_t all = budget_used(budget, step->now_usec, rules->budget_within_usec);
	uint32_t own = budget_used_by(budget, step->now_usec, rules->by_verdict[kind].within_usec, kind);
	char within[UNITS_TEXT_MAX];
	if (own > rules->by_verdict[kind].deaths)
		step_tell(step, NOTICE_FAILED, "gave up after %u deaths by %s in %s (budget.by_verdict %u); heapward reset "
			  "starts it again", own, verdict_name(kind),
			  units_format_time(within, rules->by_verdict[kind].within_usec), rules->by_verdict[kind].deaths);
	else if (all > rules->budget_deaths)
		step_tell(step, NOTICE_FAILED, "gave up after %u deaths in %s (budget %u); heapward reset starts it again",
			  all, units_format_time(within, rules->budget_within_usec), rules->budget_deaths);
	else
		return false;
	return true;
}

static void fail_service(struct step *step)
{
	if (step->state->rules.exit_when_exhausted)
		end_service(step, "restart budget used up (restart.exhausted: exit)");
	else
		step->state->slot.state = SLOT_FAILED;
}

static void schedule_restart(struct step *step)
{
	struct slot *slot = &step->state->slot;
	const struct rules *rules = &step->state->rules;
	char within[UNITS_TEXT_MAX], delay[UNITS_TEXT_MAX];
	uint32_t deaths = budget_used(&slot->budget, step->now_usec, rules->budget_within_usec);
	slot->state = SLOT_BACKOFF;
	slot->next_delay_usec = backoff_jitter(backoff_delay(rules, slot->backoff_step++), &step->state->random);
	slot->deadline_usec = usec_after(step->now_usec, slot->next_delay_usec);
	step_tell(step, NOTICE_RESTART_SCHEDULED, "restart %u of %u in %s, back-off %s", deaths, rules->budget_deaths,
		  units_format_time(within, rules->budget_within_usec), units_format_time(delay, slot->next_delay_usec));
	step->decision->actions[step->decision->action_count - 1].delay_usec = slot->next_delay_usec;
}

static void worker_died(struct step *step)
{
	count_end(step);
	const char *reason = final_reason(step);
	if (reason != NULL) {
		end_service(step, reason);
		return;
	}
	step->state->deaths_total++;
	budget_add(&step->state->slot.budget, step->now_usec, step->verdict->kind);
	if (gave_up(step)) {
		fail_service(step);
		return;
	}
	if (step->state->rules.raise_heap_limit && step->verdict->kind == VERDICT_HEAP_LIMIT)
		step_act(step, ACTION_RAISE);
	schedule_restart(step);
}

static void stopped_as_asked(struct step *step)
{
	count_end(step);
	finish_stopped(step);
}

static void replaced_as_asked(struct step *step)
{
	count_end(step);
	restart_now(step);
}

rule *const slot_table[SLOT_STATE_COUNT][SLOT_EVENT_COUNT] = {
	[SLOT_STOPPED] = {
		[SLOT_EVENT_START] = launch,
		[SLOT_EVENT_STOP] = finish_stopped,
		[SLOT_EVENT_RESTART] = ignored,
		[SLOT_EVENT_RESET] = ignored,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
	},
	[SLOT_RUNNING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_RESTART] = restart,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = healthy,
		[SLOT_EVENT_CURRENT_READY] = worker_ready,
		[SLOT_EVENT_CURRENT_GONE] = worker_died,
	},
	[SLOT_STOPPING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop_at_once,
		[SLOT_EVENT_RESTART] = ignored,
		[SLOT_EVENT_RESET] = ignored,
		[SLOT_EVENT_RELOADED] = ignored,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = stopped_as_asked,
	},
	[SLOT_RESTARTING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop_instead,
		[SLOT_EVENT_RESTART] = ignored,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = replaced_as_asked,
	},
	[SLOT_BACKOFF] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = finish_stopped,
		[SLOT_EVENT_RESTART] = restart_now,
		[SLOT_EVENT_RESET] = operator_resets,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = launch,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
	},
	[SLOT_FAILED] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = finish_stopped,
		[SLOT_EVENT_RESTART] = operator_resets,
		[SLOT_EVENT_RESET] = operator_resets,
		[SLOT_EVENT_RELOADED] = take_rules_and_start,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
	},
};
