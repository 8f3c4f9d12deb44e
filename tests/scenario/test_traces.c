/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of services, some 1.75 million events: what must hold after each of them, whatever came before. A small
 * model beside the tables (who lives, who asked for what, which deaths count) says what that is.
 * usage: test_traces [SEED]; a failure prints seed, rules and the last events. */
#include "tests/scenario/trace_model.h"

#include <time.h>

/* Checks of actions. */

static void check_launch(struct trace *trace, const struct action *action)
{
	struct model *model = &trace->model;
	bool second = living(trace) == 1;
	struct life *free_life = model->lives[0].id == 0 ? &model->lives[0] : &model->lives[1];
	must(trace, living(trace) < 2, "a third worker in one slot");
	must(trace, !second || trace->state.rules.replaces, "two workers where there must never be two");
	must(trace, !model->stop_asked && !model->is_final, "a launch after the end was decided");
	must(trace, action->worker == model->last_id + 1, "an id that is not the next one");
	must(trace, !trace->state.rules.drains || model->listening, "a worker without a socket that listens");
	must(trace, action->worker != trace->state.slots[0].spare.id || trace->event.slot_event == SLOT_EVENT_SPARE_ROOM,
	     "a spare without room");
	model->last_id = action->worker;
	*free_life = (struct life){ .id = action->worker };
	model->launches++;
}

/* Somebody serves on: another worker that is ready, or there cannot be two. */
static void check_drain(struct trace *trace, const struct action *action)
{
	const struct before *before = &trace->before;
	const struct rules *rules = &trace->state.rules;
	const struct worker *worker = worker_before(trace, action->worker);
	bool relieved = service_state_is_ready(&trace->state) && trace->state.slots[0].current.id != action->worker;
	bool no_room = !trace->event.about_worker && trace->event.slot_event == SLOT_EVENT_SPARE_NO_ROOM;
	must(trace, life_of(trace, action->worker) != NULL && worker != NULL, "a drain of a worker that is gone");
	must(trace, rules->drains && before->current.id == action->worker && worker->state != WORKER_DRAINING,
	     "a drain of a worker that does not serve");
	must(trace, !worker->stuck || asks_for_the_end(trace), "a drain of a worker that cannot hear it");
	must(trace, relieved || no_room || asks_for_the_end(trace) || !rules->replaces || rules->near_limit == RULE_NEAR_LIMIT_RESTART,
	     "drained before its spare was ready");
}

static void check_signal(struct trace *trace, const struct action *action)
{
	struct life *life = life_of(trace, action->worker);
	const struct worker *worker = service_state_worker(&trace->state, action->worker);
	const struct worker *before = worker_before(trace, action->worker);
	enum slot_state slot = trace->state.slots[0].state;
	must(trace, life != NULL && worker != NULL && before != NULL, "a signal for a worker that is gone");
	must(trace, !life->signalled && !life->ended, "a signal that changes nothing");
	must(trace, worker->asked != ASKED_NOTHING || worker->not_ready, "a signal that nobody asked for");
	must(trace, action->signal == trace->state.rules.stop_signal, "another signal");
	must(trace, before->state != WORKER_READY || !trace->state.rules.drains || slot == SLOT_STOPPING || worker->stuck,
	     "a signal for a worker that has not drained");
	life->signalled = true;
}

static void check_kill(struct trace *trace, const struct action *action)
{
	const struct life *life = life_of(trace, action->worker);
	const struct worker *worker = service_state_worker(&trace->state, action->worker);
	must(trace, life != NULL && worker != NULL, "a kill of a worker that is gone");
	must(trace, life->ended || worker->asked != ASKED_NOTHING || worker->not_ready, "a kill that nobody asked for");
}

static void check_sockets(struct trace *trace, const struct action *action)
{
	must(trace, trace->state.rules.drains, "sockets that nobody holds");
	trace->model.listening = action->kind == ACTION_LISTEN;
}

/* Nobody comes after the worker that serves. */
static void check_last_call(const struct trace *trace)
{
	must(trace, trace->state.rules.drains && asks_for_the_end(trace) && trace->state.slots[0].state == SLOT_STOPPING &&
			    trace->state.slots[0].current.state == WORKER_DRAINING, "a last call for those who are still served");
}

static void check_question(struct trace *trace)
{
	const struct slot *slot = &trace->state.slots[0];
	must(trace, slot->state == SLOT_REPLACING && slot->spare.state == WORKER_GONE && trace->state.rules.replaces,
	     "a question for room that nobody needs");
	trace->model.room_asked = true;
}

static void check_keep(struct trace *trace, const struct action *action)
{
	must(trace, trace->just_gone != 0 && action->worker == trace->just_gone, "a death that did not happen");
}

static void check_raise(struct trace *trace, const struct action *action UNUSED)
{
	must(trace, trace->just_gone != 0 && trace->verdict.kind == VERDICT_HEAP_LIMIT &&
			    trace->state.rules.raise_heap_limit, "a raise that nothing asks for");
}

static void check_notice(struct trace *trace, const struct action *action)
{
	must(trace, action->text[0] != '\0', "a notice without words");
}

static void check_action(struct trace *trace, const struct action *action)
{
	static void (*const checks[ACTION_COUNT])(struct trace *, const struct action *) = {
		[ACTION_LAUNCH] = check_launch,	 [ACTION_DRAIN] = check_drain,	    [ACTION_SIGNAL] = check_signal,
		[ACTION_KILL] = check_kill,	 [ACTION_LISTEN] = check_sockets,   [ACTION_UNLISTEN] = check_sockets,
		[ACTION_KEEP_DEATH] = check_keep, [ACTION_RAISE] = check_raise,	    [ACTION_NOTICE] = check_notice,
	};
	if (action->kind == ACTION_CHECK_ROOM)
		check_question(trace);
	else if (action->kind == ACTION_LAST_CALL)
		check_last_call(trace);
	else if (action->kind == ACTION_FINISH)
		must(trace, trace->state.finished, "the end of a service that has not finished");
	else
		checks[action->kind](trace, action);
}

/* Checks of the state. */

static bool waits(const struct trace *trace, const struct worker *worker)
{
	return worker->state == WORKER_DRAINING || worker->state == WORKER_STOPPING || worker->state == WORKER_ENDING ||
	       (worker->state == WORKER_STARTING && trace->state.rules.ready_within_usec != USEC_NEVER);
}

static void check_deadline(const struct trace *trace, const struct worker *worker)
{
	const struct rules *rules = &trace->state.rules;
	const int64_t longest[WORKER_STATE_COUNT] = {
		[WORKER_STARTING] = rules->ready_within_usec, [WORKER_DRAINING] = rules->drain_timeout_usec,
		[WORKER_STOPPING] = rules->stop_timeout_usec, [WORKER_ENDING] = rules->kill_timeout_usec,
	};
	must(trace, waits(trace, worker) == (worker->deadline_usec != USEC_NEVER), "a deadline too many or too few");
	must(trace, !waits(trace, worker) || (worker->deadline_usec >= trace->now_usec &&
					      worker->deadline_usec - trace->now_usec <= longest[worker->state]),
	     "a deadline beyond its timeout");
}

/* What was asked for is never forgotten, and never said of one that had ended before. */
static void check_asked(struct trace *trace, const struct worker *worker)
{
	struct life *life = life_of(trace, worker->id);
	const struct worker *before = worker_before(trace, worker->id);
	bool dying = before != NULL && (before->state == WORKER_ENDING || before->not_ready);
	bool stopped = asks_for_the_end(trace) && trace->before.slot != SLOT_STOPPING;
	must(trace, worker->asked == life->asked || !dying || life->asked != ASKED_NOTHING, "a death was hidden");
	must(trace, worker->asked == life->asked || life->asked != ASKED_STOP, "a stop was forgotten");
	must(trace, worker->asked != ASKED_NOTHING || life->asked == ASKED_NOTHING, "what was asked for was forgotten");
	must(trace, !stopped || dying || worker->asked == ASKED_STOP, "a stop that was not passed on");
	life->asked = worker->asked;
}

static void check_worker(struct trace *trace, const struct worker *worker)
{
	bool lives = worker->state != WORKER_GONE;
	must(trace, lives == (life_of(trace, worker->id) != NULL), "the tables and the world differ on who lives");
	check_deadline(trace, worker);
	if (lives)
		check_asked(trace, worker);
}

/* Who may be there in which state of the slot. */
static void check_population(const struct trace *trace)
{
	const struct slot *slot = &trace->state.slots[0];
	bool current = slot->current.state != WORKER_GONE, spare = slot->spare.state != WORKER_GONE;
	const bool fits[SLOT_STATE_COUNT] = {
		[SLOT_STOPPED] = !current && !spare,  [SLOT_RUNNING] = current && !spare,
		[SLOT_REPLACING] = current,	      [SLOT_REPLACED] = current && spare,
		[SLOT_RESTARTING] = current != spare, [SLOT_STOPPING] = current || spare,
		[SLOT_BACKOFF] = !current,	      [SLOT_FAILED] = !current,
	};
	must(trace, (unsigned)current + spare == living(trace), "another number of workers than there are");
	must(trace, fits[slot->state], "workers that this state of the slot does not have");
	must(trace, slot->spare.state != WORKER_READY, "a spare that is ready, and is not the current worker");
	must(trace, slot->state == SLOT_REPLACING || !spare || slot->spare.state == WORKER_DRAINING ||
			    slot->spare.state == WORKER_STOPPING || slot->spare.state == WORKER_ENDING,
	     "a spare that comes, and nobody is to be replaced");
	must(trace, service_state_is_ready(&trace->state) == (slot->current.state == WORKER_READY && !slot->current.stuck),
	     "ready, or not");
	must(trace, slot->state != SLOT_RUNNING || !slot->current.stuck || slot->current.state == WORKER_ENDING,
	     "a worker that is stuck, and nobody is to replace it");
}

static void check_slot(const struct trace *trace)
{
	const struct slot *slot = &trace->state.slots[0];
	const struct rules *rules = &trace->state.rules;
	bool may_wait = slot->state == SLOT_BACKOFF || slot->state == SLOT_RUNNING || slot->state == SLOT_REPLACED ||
			slot->state == SLOT_REPLACING;
	must(trace, may_wait || slot->deadline_usec == USEC_NEVER, "a deadline of a slot that waits for nothing");
	if (slot->state == SLOT_BACKOFF)
		must(trace, slot->deadline_usec >= trace->now_usec &&
				    slot->deadline_usec <= trace->now_usec + rules->backoff_up_to_usec,
		     "a back-off without a deadline, or beyond backoff.up_to");
	if (slot->state == SLOT_REPLACING)
		must(trace, (slot->spare.state != WORKER_GONE) + (slot->deadline_usec != USEC_NEVER) +
				    trace->model.room_asked >= 1, "a replacement that waits for nothing");
	must(trace, slot->launches == trace->model.launches, "launches that were not counted");
}

static void check_listening(const struct trace *trace)
{
	const struct slot *slot = &trace->state.slots[0];
	const struct rules *rules = &trace->state.rules;
	bool listening = trace->model.listening;
	if (!rules->drains)
		return;
	must(trace, listening || slot->current.state == WORKER_GONE, "a worker on a socket that does not listen");
	must(trace, !listening || (!trace->state.finished && slot->state != SLOT_FAILED), "a dead service that looks alive");
	if (slot->state == SLOT_BACKOFF)
		must(trace, listening == (slot->next_delay_usec <= rules->hold_for_usec), "hold_for was not kept");
}

static void check_exhausted(struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	const struct before *before = &trace->before;
	const struct slot *slot = &trace->state.slots[0];
	enum slot_state after = trace->state.slots[0].state;
	bool exhausted = deaths_within(trace) > rules->budget_deaths ||
			 deaths_within_by(trace, trace->verdict.kind) > rules->by_verdict[trace->verdict.kind].deaths;
	bool coming = before->slot == SLOT_REPLACING &&
		      (before->spare.state == WORKER_LAUNCHING || before->spare.state == WORKER_STARTING);
	if (exhausted)
		must(trace, after == (rules->exit_when_exhausted ? (living(trace) > 0 ? SLOT_STOPPING : SLOT_STOPPED)
								 : SLOT_FAILED), "the budget was not kept");
	else if (coming)
		must(trace, after == SLOT_RUNNING && slot->current.id == before->spare.id, "a spare that did not step in");
	else
		must(trace, after == SLOT_BACKOFF, "a death without a back-off");
	if (exhausted && rules->exit_when_exhausted) {
		trace->model.is_final = true;
		trace->model.final_status = verdict_exit_status(&trace->verdict);
	}
}

static void check_after_death(struct trace *trace)
{
	if (relieved_had_died(trace))
		add_death(trace);
	if (!current_died(trace)) {
		must(trace, trace->state.slots[0].state != SLOT_FAILED || trace->before.slot == SLOT_FAILED, "failed for no reason");
		return;
	}
	if (is_final(trace)) {
		trace->model.is_final = true;
		trace->model.final_status = verdict_exit_status(&trace->verdict);
		must(trace, trace->state.slots[0].state == (living(trace) > 0 ? SLOT_STOPPING : SLOT_STOPPED),
		     "restarted against the policy");
		return;
	}
	add_death(trace);
	check_exhausted(trace);
}

static void check_finish(const struct trace *trace)
{
	const struct model *model = &trace->model;
	const struct decision *decision = &trace->decision;
	if (!trace->state.finished || trace->before.finished)
		return;
	must(trace, living(trace) == 0, "an end with workers left");
	must(trace, model->stop_asked || model->is_final, "an end for no reason");
	must(trace, trace->state.exit_status == (model->is_final ? model->final_status : 0), "another exit status");
	must(trace, decision->actions[decision->action_count - 1].kind == ACTION_FINISH, "an end that is not told");
}

static void check_counts(const struct trace *trace)
{
	uint64_t ends = 0;
	uint32_t used = deaths_within(trace), all = trace->state.rules.budget_deaths;
	for (int kind = 0; kind < VERDICT_COUNT; kind++)
		ends += trace->state.deaths_by_verdict[kind];
	must(trace, ends == trace->model.ends, "ends that were not counted once");
	must(trace, service_state_budget_left(&trace->state, trace->now_usec) == (used >= all ? 0 : all - used),
	     "a budget that counts other deaths");
}

/* The trace. */

static void remember(struct trace *trace)
{
	const struct slot *slot = &trace->state.slots[0];
	trace->before = (struct before){ .slot = slot->state, .current = slot->current, .spare = slot->spare,
					 .deadline_usec = slot->deadline_usec, .why = slot->why,
					 .finished = trace->state.finished };
}

static void step(struct trace *trace, struct event event)
{
	char actions[DECISION_TEXT_MAX];
	trace->event = event;
	trace->just_gone = 0;
	trace->number++;
	remember(trace);
	if (event.about_worker)
		model_worker_event(trace);
	else
		model_slot_event(trace);
	decide(&trace->state, &trace->event, trace->now_usec, &trace->decision);
	note(trace, decision_text(&trace->state, &trace->decision, actions));
	for (size_t i = 0; i < trace->decision.action_count; i++)
		check_action(trace, &trace->decision.actions[i]);
	check_after_death(trace);
	check_finish(trace);
	check_worker(trace, &trace->state.slots[0].current);
	check_worker(trace, &trace->state.slots[0].spare);
	check_population(trace);
	check_slot(trace);
	check_listening(trace);
	if (trace->just_gone != 0)
		check_counts(trace);
}

/* The world does what it is told, late: every service that is asked to stop comes to an end. */
static void end_life(struct trace *trace)
{
	step(trace, event_of_slot(below(trace, 2) == 0 ? SLOT_EVENT_STOP : SLOT_EVENT_DRAIN));
	if (!trace->state.finished && below(trace, 4) == 0)
		step(trace, event_of_slot(SLOT_EVENT_STOP)); /* does not wait */
	for (unsigned tries = 0; !trace->state.finished; tries++) {
		const struct slot *slot = &trace->state.slots[0];
		struct event event;
		must(trace, tries < 12, "a stop that does not end");
		trace->now_usec = service_state_deadline(&trace->state, &event);
		must(trace, trace->now_usec != USEC_NEVER, "a stop that waits for nothing");
		uint32_t killed = slot->current.state == WORKER_ENDING ? slot->current.id :
				  slot->spare.state == WORKER_ENDING   ? slot->spare.id : 0;
		make_verdict(trace, killed);
		step(trace, killed != 0 ? event_of_worker(WORKER_EVENT_GONE, killed, &trace->verdict) : event);
	}
}

static void live(struct trace *trace)
{
	struct rules rules;
	memset(&trace->model, 0, sizeof(trace->model));
	make_rules(trace, &rules);
	service_state_init(&trace->state, &rules);
	trace->state.random = below(trace, 2) == 0 ? 0 : next_random(trace);
	trace->now_usec = below(trace, 1000) * SEC;
	for (unsigned i = 0; i < EVENTS_PER_LIFE - 20 && !trace->state.finished; i++)
		step(trace, i == 0 ? event_of_slot(SLOT_EVENT_START) : make_event(trace));
	if (!trace->state.finished)
		end_life(trace);
	for (unsigned i = 0; i < 5; i++) {
		step(trace, make_event(trace));
		must(trace, trace->decision.action_count == 0, "an action after the end");
	}
}

static unsigned long run_seed(uint64_t seed)
{
	static struct trace trace;
	memset(&trace, 0, sizeof(trace));
	trace.seed = seed;
	trace.random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	while (trace.number < EVENTS_PER_SEED)
		live(&trace);
	return trace.number;
}

static void the_invariants_hold_in_every_random_life(void **seeds)
{
	unsigned long events = 0;
	for (const uint64_t *seed = *seeds; *seed != 0; seed++)
		events += run_seed(*seed);
	print_message("%lu events\n", events);
}

int main(int argc, char **argv)
{
	uint64_t seeds[] = { 1, 2, 3, 20260101, (uint64_t)time(NULL), 0 };
	if (argc > 1) {
		seeds[0] = strtoull(argv[1], NULL, 10);
		seeds[1] = 0;
	} else {
		print_message("seeds 1, 2, 3, 20260101 and, of today, %llu\n", (unsigned long long)seeds[4]);
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(the_invariants_hold_in_every_random_life, seeds),
	};
	return cmocka_run_group_tests_name("traces", tests, NULL, NULL);
}
