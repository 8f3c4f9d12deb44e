/* SPDX-License-Identifier: Apache-2.0 */
/* replace: how one worker takes the place of another, step by step as the slot table has it. */
#include "supervisor/core/replace.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/names.h"
#include "supervisor/core/slot.h"
#include "supervisor/core/turn.h"

#include "base/units.h"

#include <stdio.h>

static const char *cause(const struct slot *slot)
{
	if (slot->why == ASKED_WATCHDOG)
		return "its event loop is stuck";
	return slot->why == ASKED_RESTART ? "on request" : slot->cause;
}

static void note_cause(struct step *step)
{
	struct slot *slot = step->slot;
	snprintf(slot->cause, sizeof(slot->cause), "%s", step->text == NULL ? "near its heap limit" : step->text);
}

static void tell_begin(struct step *step, const char *how)
{
	struct slot *slot = step->slot;
	char attempt[32] = "";
	if (slot->given_up > 0)
		snprintf(attempt, sizeof(attempt), " (attempt %u)", slot->given_up + 1);
	if (slot->begun_usec == USEC_NEVER)
		slot->begun_usec = step->now_usec;
	step_tell(step, NOTICE_REPLACE_START, "%s: %s%s", cause(slot), how, attempt);
}

/* What was told to begin is told to be done, by the worker that serves now. */
static void tell_done(struct step *step, const char *how, const char *and_then)
{
	struct slot *slot = step->slot;
	char took[UNITS_TEXT_MAX], start[UNITS_TEXT_MAX];
	step->worker = &slot->current;
	if (slot->begun_usec != USEC_NEVER)
		step_tell(step, NOTICE_REPLACE_DONE, "replaced in %s%s: the next worker was ready after %s%s",
			  units_format_time(took, step->now_usec - slot->begun_usec), how,
			  units_format_time(start, slot->current.ready_usec - slot->current.launched_usec), and_then);
	slot->begun_usec = USEC_NEVER;
	slot->why = ASKED_NOTHING;
}

/* A worker whose event loop stands still would not hear that it is to drain. */
static enum worker_event way_out(const struct step *step, const struct worker *worker)
{
	return step->state->rules.drains && !worker->stuck ? WORKER_EVENT_DRAIN : WORKER_EVENT_END;
}

/* One after the other: new connections wait in the held sockets, if there are any. The end of a worker that is stuck is no
 * planned one: it is told as the death that it is. */
static void one_after_the_other(struct step *step)
{
	struct slot *slot = step->slot;
	enum worker_event way = way_out(step, &slot->current);
	bool tells = way == WORKER_EVENT_DRAIN || slot->why == ASKED_REPLACE ||
		     (slot->why == ASKED_RESTART && step->state->rules.drains);
	slot->state = SLOT_RESTARTING;
	slot->deadline_usec = USEC_NEVER;
	step->worker = &slot->current;
	if (slot->current.state == WORKER_READY && tells)
		tell_begin(step, way == WORKER_EVENT_DRAIN ? "it drains, then the next one starts" :
							     "it stops, then the next one starts");
	slot_ask(step, &slot->current, way, slot->why);
}

/* Another slot's replacement is under way: this one comes after it, or goes without a second worker of its own. */
static bool waits_for_turn(struct step *step, bool would_replace)
{
	struct slot *slot = step->slot;
	const struct worker *current = &slot->current;
	bool taken = turn_is_taken(step);
	slot->waits = taken && current->state == WORKER_READY && !current->stuck && !current->urgent;
	if (taken && !slot->waits && would_replace)
		step_tell(step, NOTICE_REPLACE_REFUSED, "no second worker: another instance is being replaced, and this one cannot wait");
	return slot->waits;
}

/* A second worker, if the policy lets it and the first one serves: else there is nothing that it could keep going. */
static void begin(struct step *step, enum asked why)
{
	struct slot *slot = step->slot;
	const struct rules *rules = &step->state->rules;
	bool restart = why == ASKED_REPLACE && rules->near_limit == RULE_NEAR_LIMIT_RESTART;
	slot->why = why;
	slot->again = ASKED_NOTHING;
	step->worker = &slot->current;
	bool replaces = rules->replaces && !restart && slot->current.state == WORKER_READY;
	bool waits = waits_for_turn(step, replaces);
	if (!waits && (!replaces || turn_is_taken(step))) {
		one_after_the_other(step);
		return;
	}
	slot->state = SLOT_REPLACING;
	slot->deadline_usec = USEC_NEVER;
	if (!waits)
		step_act(step, ACTION_CHECK_ROOM);
}

void replace_on_request(struct step *step)
{
	begin(step, ASKED_RESTART);
}

void replace_near_limit(struct step *step)
{
	note_cause(step);
	begin(step, ASKED_REPLACE);
}

void replace_stuck(struct step *step)
{
	begin(step, ASKED_WATCHDOG);
}

/* While it is being replaced for another reason: its end will be for this one, if it does not turn again before. Nobody
 * serves, so the next attempt does not wait for its back-off. */
void replace_without_delay(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->why == ASKED_REPLACE)
		slot->why = ASKED_WATCHDOG;
	if (slot->spare.state == WORKER_GONE && (slot->waits || slot->deadline_usec != USEC_NEVER))
		begin(step, slot->why);
}

void replace_not_later(struct step *step)
{
	struct slot *slot = step->slot;
	if (!slot->waits || !slot->current.urgent)
		return;
	if (slot->why == ASKED_REPLACE)
		note_cause(step);
	begin(step, slot->why);
}

/* An answer may come twice, or when it is another slot's turn. */
static bool wants_answer(const struct step *step)
{
	const struct slot *slot = step->slot;
	bool between_attempts = slot->deadline_usec != USEC_NEVER;
	return slot->spare.state == WORKER_GONE && !slot->waits && !(between_attempts && turn_is_taken(step));
}

/* The policy may have changed since the question. */
void replace_launch_spare(struct step *step)
{
	struct slot *slot = step->slot;
	if (!wants_answer(step))
		return;
	if (!step->state->rules.replaces) {
		one_after_the_other(step);
		return;
	}
	slot->deadline_usec = USEC_NEVER;
	tell_begin(step, slot->current.stuck ? "a second worker starts" : "a second worker starts while it serves");
	slot_launch(step, &slot->spare);
}

void replace_no_room(struct step *step)
{
	if (!wants_answer(step))
		return;
	step_tell(step, NOTICE_REPLACE_REFUSED, "no second worker: %s", step->text == NULL ? "no room" : step->text);
	one_after_the_other(step);
}

void replace_next_attempt(struct step *step)
{
	begin(step, step->slot->why);
}

/* The spare that comes may be of before what the operator has changed: it is to be replaced, too. */
void replace_once_more(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->spare.state != WORKER_GONE) {
		slot->again = ASKED_RESTART;
		return;
	}
	slot->given_up = 0;
	begin(step, ASKED_RESTART);
}

void replace_take_over(struct step *step)
{
	struct slot *slot = step->slot;
	struct worker relieved = slot->current;
	slot->current = slot->spare;
	slot->spare = relieved;
	slot->state = SLOT_REPLACED;
	slot->given_up = 0;
	slot_wait_for_health(step);
	slot_ask(step, &slot->spare, way_out(step, &slot->spare), slot->why);
}

/* It died before it was ready: no matter of the service's budget while the current worker serves. */
void replace_give_up(struct step *step)
{
	struct slot *slot = step->slot;
	char delay[UNITS_TEXT_MAX];
	int64_t delay_usec = backoff_delay(&step->state->rules, slot->given_up);
	slot_count_end(step);
	slot_raise_after(step);
	if (slot->again != ASKED_NOTHING) {
		slot->given_up = 0;
		begin(step, slot->again);
		return;
	}
	delay_usec = backoff_jitter(delay_usec, &step->state->random);
	slot->given_up++;
	slot->deadline_usec = usec_after(step->now_usec, delay_usec);
	step_tell(step, NOTICE_REPLACE_REFUSED,
		  "the second worker is given up, the first one stays; next attempt in %s",
		  units_format_time(delay, delay_usec));
	step->decision->actions[step->decision->action_count - 1].delay_usec = delay_usec;
}

/* A restart while the one before it is still leaving: there is no hurry. */
void replace_afterwards(struct step *step)
{
	step->slot->again = ASKED_RESTART;
}

/* Another replacement while the one before it is still leaving: only two fit, and the one that serves comes first; once it
 * cannot wait any longer, for whoever is stopped may have a connection that its client is about to use. */
static void hurry(struct step *step, const char *what)
{
	struct slot *slot = step->slot;
	if (slot->spare.state != WORKER_DRAINING)
		return;
	step_tell(step, NOTICE_WARNING, "%s while the worker before it still drains: that one is stopped", what);
	step->worker = &slot->spare;
	step_worker(step, WORKER_EVENT_END);
}

void replace_hurry(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->again == ASKED_NOTHING) {
		slot->again = ASKED_REPLACE;
		note_cause(step);
	}
	if (!step->can_wait)
		hurry(step, "near its limit");
}

void replace_stuck_afterwards(struct step *step)
{
	struct slot *slot = step->slot;
	if (slot->again != ASKED_RESTART)
		slot->again = ASKED_WATCHDOG;
	hurry(step, "its event loop is stuck");
}

/* The relieved worker is gone. If nobody had asked for its end, it died while it was still the one that served; and if it
 * was stuck, it did so too. */
void replace_done(struct step *step)
{
	struct slot *slot = step->slot;
	slot_count_end(step);
	if ((slot->spare.asked == ASKED_NOTHING || step->verdict->kind == VERDICT_WATCHDOG) &&
	    verdict_counts(step->verdict->kind))
		slot_count_death(step);
	slot->state = SLOT_RUNNING;
	tell_done(step, "", ", the one before it has left");
	if (slot->again != ASKED_NOTHING)
		begin(step, slot->again);
}

/* Of a worker that is alone. */
void replace_current_ready(struct step *step)
{
	struct slot *slot = step->slot;
	slot_wait_for_health(step);
	tell_done(step, ", one after the other", "");
	if (slot->again != ASKED_NOTHING)
		begin(step, slot->again);
}
