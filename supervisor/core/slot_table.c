/* SPDX-License-Identifier: Apache-2.0 */
/* slot_table: what becomes of the service when its workers come and go. The table at the end is the specification; the
 * rules of a replacement are in replace.c. */
#include "supervisor/core/budget.h"
#include "supervisor/core/names.h"
#include "supervisor/core/replace.h"
#include "supervisor/core/slot.h"
#include "supervisor/core/turn.h"

#include "base/units.h"

/* Starting. */

/* Beside a relieved worker that still drains, unless there must never be two, or another slot has a second one: then it waits
 * for its end. */
static void launch(struct step *step)
{
	struct slot *slot = step->slot;
	bool alone = slot->spare.state == WORKER_GONE;
	slot->deadline_usec = USEC_NEVER;
	if (!alone && (!step->state->rules.replaces || turn_is_taken(step))) {
		slot->state = SLOT_RESTARTING;
		return;
	}
	slot->state = alone ? SLOT_RUNNING : SLOT_REPLACED;
	if (step->state->rules.drains)
		step_act_once(step, ACTION_LISTEN);
	slot_launch(step, &slot->current);
}

static void start_afresh(struct step *step)
{
	step->slot->backoff_step = 0;
	budget_clear(&step->state->budget);
	launch(step);
}

static void restart_now(struct step *step)
{
	step->slot->backoff_step = 0;
	launch(step);
}

/* Once, for however many slots. */
static void tell_reset(struct step *step)
{
	const struct decision *decision = step->decision;
	for (size_t i = 0; i < decision->action_count; i++)
		if (decision->actions[i].kind == ACTION_NOTICE && decision->actions[i].notice == NOTICE_RESET)
			return;
	struct worker *worker = step->worker;
	step->worker = step->state->slot_count > 1 ? NULL : worker;
	step_tell(step, NOTICE_RESET, "restart budget and back-off start again");
	step->worker = worker;
}

static void operator_resets(struct step *step)
{
	tell_reset(step);
	start_afresh(step);
}

static void reset_counts(struct step *step)
{
	step->slot->backoff_step = step->slot->given_up = 0;
	budget_clear(&step->state->budget);
	tell_reset(step);
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

static bool is_healthy(const struct slot *slot)
{
	return slot->state == SLOT_RUNNING && slot->current.state == WORKER_READY && slot->deadline_usec == USEC_NEVER;
}

/* One that thrives says nothing of one that dies again and again. */
static bool others_are_healthy(const struct step *step)
{
	for (uint32_t i = 0; i < step->state->slot_count; i++) {
		const struct slot *slot = &step->state->slots[i];
		if (slot != step->slot && slot->state != SLOT_STOPPED && !is_healthy(slot))
			return false;
	}
	return true;
}

/* The deadline may pass while the group of a worker that has just died is still being killed: that is no health. */
static void healthy(struct step *step)
{
	step->slot->deadline_usec = USEC_NEVER;
	if (step->slot->current.state != WORKER_READY)
		return;
	step->slot->backoff_step = 0;
	if (others_are_healthy(step))
		budget_forgive(&step->state->budget);
}

/* Dying. */

static void schedule_restart(struct step *step)
{
	struct slot *slot = step->slot;
	const struct rules *rules = &step->state->rules;
	char within[UNITS_TEXT_MAX], delay[UNITS_TEXT_MAX];
	uint32_t deaths = budget_used(&step->state->budget, step->now_usec, rules->budget_within_usec);
	slot->state = SLOT_BACKOFF;
	slot->next_delay_usec = backoff_jitter(backoff_delay(rules, slot->backoff_step++), &step->state->random);
	slot->deadline_usec = usec_after(step->now_usec, slot->next_delay_usec);
	step_tell(step, NOTICE_RESTART_SCHEDULED, "restart %u of %u in %s, back-off %s", deaths, rules->budget_deaths,
		  units_format_time(within, rules->budget_within_usec), units_format_time(delay, slot->next_delay_usec));
	step->decision->actions[step->decision->action_count - 1].delay_usec = slot->next_delay_usec;
	slot_unlisten(step);
}

/* Whatever was to be replaced is gone. */
static void forget_replacement(struct slot *slot)
{
	slot->why = slot->again = ASKED_NOTHING;
	slot->waits = false;
	slot->begun_usec = USEC_NEVER;
	slot->given_up = 0;
	slot->deadline_usec = USEC_NEVER;
}

static void current_died(struct step *step)
{
	slot_count_end(step);
	forget_replacement(step->slot);
	if (slot_outlives(step))
		schedule_restart(step);
}

/* Before its spare was ready: that one is on its way, and nobody has to wait for a back-off. */
static void current_died_early(struct step *step)
{
	struct slot *slot = step->slot;
	enum asked again = slot->again;
	if (!worker_is_coming(&slot->spare)) {
		current_died(step);
		return;
	}
	slot_count_end(step);
	forget_replacement(slot);
	if (!slot_outlives(step))
		return;
	step_tell(step, NOTICE_WARNING, "it died before the second worker was ready, which takes its place");
	slot->current = slot->spare;
	slot->spare = (struct worker){ .state = WORKER_GONE, .deadline_usec = USEC_NEVER };
	slot->state = SLOT_RUNNING;
	slot->again = again;
}

/* In order, as asked: the next one. What was to be replaced and died instead has died as any other, and so has what was
 * stuck. */
static void left_for_next(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->why != ASKED_RESTART && verdict_counts(step->verdict->kind)) {
		current_died(step);
		return;
	}
	slot_count_end(step);
	if (slot->why == ASKED_RESTART)
		slot->backoff_step = 0;
	launch(step);
}

/* There must never be two, and now there is none. */
static void made_place(struct step *step)
{
	slot_count_end(step);
	launch(step);
}

/* An operator who asks, too, does not want to wait for a back-off. */
static void restart_instead(struct step *step)
{
	step->slot->why = ASKED_RESTART;
}

/* Stopping. */

static void stop(struct step *step)
{
	step->slot->stop_asked_usec = step->now_usec;
	slot_stop(step, WORKER_EVENT_END, ASKED_STOP, 0);
}

/* A stop that loses nothing: whoever waits in a held socket is still let in by the worker that serves, and nobody after
 * that. Without held sockets nobody can be told to drain. */
static void drain(struct step *step)
{
	if (!step->state->rules.drains) {
		stop(step);
		return;
	}
	if (step->slot->current.state == WORKER_READY && !step->slot->current.stuck)
		step_act_once(step, ACTION_LAST_CALL);
	slot_stop(step, WORKER_EVENT_DRAIN, ASKED_STOP, 0);
}

/* Who drains is asked to stop; who has been asked before is killed. One request can come as several signals at once: timeout(1) and
 * others send theirs to the process and to its group. */
static void stop_harder(struct step *step)
{
	struct slot *slot = step->slot;
	if (step->now_usec - slot->stop_asked_usec < SLOT_SAME_REQUEST_USEC)
		return;
	slot->stop_asked_usec = step->now_usec;
	if (slot->current.state == WORKER_DRAINING || slot->spare.state == WORKER_DRAINING) {
		slot_ask(step, &slot->current, WORKER_EVENT_END, ASKED_STOP);
		slot_ask(step, &slot->spare, WORKER_EVENT_END, ASKED_STOP);
		return;
	}
	step->worker = slot->current.state == WORKER_GONE ? &slot->spare : &slot->current;
	step_tell(step, NOTICE_WARNING, "asked to stop a second time: killing its whole group");
	step->worker = &slot->current;
	step_worker(step, WORKER_EVENT_KILL);
	step->worker = &slot->spare;
	step_worker(step, WORKER_EVENT_KILL);
}

static void one_has_stopped(struct step *step)
{
	slot_count_end(step);
	slot_finish_when_empty(step);
}

rule *const slot_table[SLOT_STATE_COUNT][SLOT_EVENT_COUNT] = {
	[SLOT_STOPPED] = {
		[SLOT_EVENT_START] = launch,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = stop,
		[SLOT_EVENT_RESTART] = ignored,
		[SLOT_EVENT_RESET] = ignored,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = ignored,
		[SLOT_EVENT_STUCK] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = ignored,
	},
	[SLOT_RUNNING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = replace_on_request,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = healthy,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = replace_near_limit,
		[SLOT_EVENT_STUCK] = replace_stuck,
		[SLOT_EVENT_CURRENT_READY] = replace_current_ready,
		[SLOT_EVENT_CURRENT_GONE] = current_died,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = ignored,
	},
	[SLOT_REPLACING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = replace_once_more,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = replace_next_attempt,
		[SLOT_EVENT_SPARE_ROOM] = replace_launch_spare,
		[SLOT_EVENT_SPARE_NO_ROOM] = replace_no_room,
		[SLOT_EVENT_NEAR_LIMIT] = replace_not_later, /* that is why, or the next attempt is due soon enough */
		[SLOT_EVENT_STUCK] = replace_without_delay,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = current_died_early,
		[SLOT_EVENT_SPARE_READY] = replace_take_over,
		[SLOT_EVENT_SPARE_GONE] = replace_give_up,
	},
	[SLOT_REPLACED] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = replace_afterwards,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = healthy,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = replace_hurry,
		[SLOT_EVENT_STUCK] = replace_stuck_afterwards,
		[SLOT_EVENT_CURRENT_READY] = slot_wait_for_health,
		[SLOT_EVENT_CURRENT_GONE] = current_died,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = replace_done,
	},
	[SLOT_RESTARTING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = restart_instead,
		[SLOT_EVENT_RESET] = reset_counts,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = ignored,
		[SLOT_EVENT_STUCK] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = left_for_next,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = made_place,
	},
	[SLOT_STOPPING] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop_harder,
		[SLOT_EVENT_DRAIN] = ignored, /* that is on its way, or something faster is */
		[SLOT_EVENT_RESTART] = ignored,
		[SLOT_EVENT_RESET] = ignored,
		[SLOT_EVENT_RELOADED] = ignored,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = ignored,
		[SLOT_EVENT_STUCK] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = one_has_stopped,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = one_has_stopped,
	},
	[SLOT_BACKOFF] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = restart_now,
		[SLOT_EVENT_RESET] = operator_resets,
		[SLOT_EVENT_RELOADED] = take_rules,
		[SLOT_EVENT_SLOT_DEADLINE] = launch,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = ignored,
		[SLOT_EVENT_STUCK] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = slot_count_end,
	},
	[SLOT_FAILED] = {
		[SLOT_EVENT_START] = ignored,
		[SLOT_EVENT_STOP] = stop,
		[SLOT_EVENT_DRAIN] = drain,
		[SLOT_EVENT_RESTART] = operator_resets,
		[SLOT_EVENT_RESET] = operator_resets,
		[SLOT_EVENT_RELOADED] = take_rules_and_start,
		[SLOT_EVENT_SLOT_DEADLINE] = ignored,
		[SLOT_EVENT_SPARE_ROOM] = ignored,
		[SLOT_EVENT_SPARE_NO_ROOM] = ignored,
		[SLOT_EVENT_NEAR_LIMIT] = ignored,
		[SLOT_EVENT_STUCK] = ignored,
		[SLOT_EVENT_CURRENT_READY] = ignored,
		[SLOT_EVENT_CURRENT_GONE] = ignored,
		[SLOT_EVENT_SPARE_READY] = ignored,
		[SLOT_EVENT_SPARE_GONE] = slot_count_end,
	},
};
