/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of services of one to four instances, some 1.75 million events: what must hold after each of them, whatever came before. A small
 * model beside the tables (who lives, who asked for what, which deaths count) says what that is.
 * usage: test_traces [SEED]; a failure prints seed, rules and the last events. */
#include "tests/scenario/trace_turns.h"

#include <time.h>

/* Checks of actions. */

static struct life *free_life(struct trace *trace)
{
	size_t at = 0;
	while (trace->model.lives[at].id != 0)
		must(trace, ++at < ARRAY_LEN(trace->model.lives), "more workers than there can be");
	return &trace->model.lives[at];
}

static void check_launch(struct trace *trace, const struct action *action)
{
	struct model *model = &trace->model;
	uint32_t slot = action->instance;
	bool second = living_in(trace, slot) == 1;
	bool asked = trace->event.slot_event == SLOT_EVENT_SPARE_ROOM && trace->event.instance == slot;
	must(trace, slot < trace->state.slot_count && living_in(trace, slot) < 2, "a third worker in one slot");
	must(trace, !second || trace->state.rules.replaces, "two workers where there must never be two");
	for (uint32_t i = 0; second && i < trace->state.slot_count; i++)
		must(trace, i == slot || living_in(trace, i) < 2, "two spares in one service");
	bool rolls = trace->before.roll_id != 0 || (trace->event.slot_event == SLOT_EVENT_RESTART && trace->state.slot_count > 1);
	must(trace, !model->stop_asked && !model->is_final && (rolls || !model->ended[slot]), "a launch after the end was decided");
	must(trace, action->worker == model->last_id + 1, "an id that is not the next one");
	must(trace, !trace->state.rules.drains || model->listening, "a worker without a socket that listens");
	must(trace, action->worker != trace->state.slots[slot].spare.id || asked, "a spare without room");
	model->last_id = action->worker;
	*free_life(trace) = (struct life){ .id = action->worker, .slot = slot };
	model->launches[slot]++;
	model->ended[slot] = false;
}

/* Somebody serves on: another worker that is ready, or there cannot be two. */
static void check_drain(struct trace *trace, const struct action *action)
{
	const struct slot *before = slot_before(trace, action->worker), *slot = &trace->state.slots[action->instance];
	const struct rules *rules = &trace->state.rules;
	const struct worker *worker = worker_before(trace, action->worker);
	bool relieved = slot->current.state == WORKER_READY && !slot->current.stuck && slot->current.id != action->worker;
	bool no_room = !trace->event.about_worker && trace->event.slot_event == SLOT_EVENT_SPARE_NO_ROOM;
	bool ends = slot->state == SLOT_STOPPING;
	bool cannot_wait = trace->state.slot_count > 1 && slot->current.urgent;
	must(trace, life_of(trace, action->worker) != NULL && worker != NULL, "a drain of a worker that is gone");
	must(trace, rules->drains && before->current.id == action->worker && worker->state != WORKER_DRAINING,
	     "a drain of a worker that does not serve");
	must(trace, !worker->stuck || ends, "a drain of a worker that cannot hear it");
	must(trace, relieved || no_room || ends || cannot_wait || !rules->replaces || rules->near_limit == RULE_NEAR_LIMIT_RESTART,
	     "drained before its spare was ready");
}

static void check_signal(struct trace *trace, const struct action *action)
{
	struct life *life = life_of(trace, action->worker);
	const struct worker *worker = service_state_worker(&trace->state, action->worker);
	const struct worker *before = worker_before(trace, action->worker);
	enum slot_state slot = trace->state.slots[action->instance].state;
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

/* Nobody comes after the workers that serve. */
static void check_last_call(const struct trace *trace)
{
	bool served = false;
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->state.slots[i];
		must(trace, is_ending(slot), "a last call for those who are still served");
		served = served || slot->current.state == WORKER_DRAINING;
	}
	must(trace, trace->state.rules.drains && served, "a last call that nobody hears");
}

static void check_question(struct trace *trace, uint32_t number)
{
	const struct slot *slot = &trace->state.slots[number];
	must(trace, slot->state == SLOT_REPLACING && slot->spare.state == WORKER_GONE && trace->state.rules.replaces,
	     "a question for room that nobody needs");
	trace->model.room_asked[number] = true;
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
		check_question(trace, action->instance);
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
	const struct slot *slot = slot_before(trace, worker->id);
	bool stopped = asks_for_the_end(trace) && slot != NULL && slot->state != SLOT_STOPPING;
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
static void check_population(const struct trace *trace, const struct slot *slot)
{
	bool current = slot->current.state != WORKER_GONE, spare = slot->spare.state != WORKER_GONE;
	const bool fits[SLOT_STATE_COUNT] = {
		[SLOT_STOPPED] = !current && !spare,  [SLOT_RUNNING] = current && !spare,
		[SLOT_REPLACING] = current,	      [SLOT_REPLACED] = current && spare,
		[SLOT_RESTARTING] = current != spare, [SLOT_STOPPING] = current || spare,
		[SLOT_BACKOFF] = !current,	      [SLOT_FAILED] = !current,
	};
	must(trace, (unsigned)current + spare == living_in(trace, slot->number), "another number of workers than there are");
	must(trace, fits[slot->state], "workers that this state of the slot does not have");
	must(trace, slot->spare.state != WORKER_READY, "a spare that is ready, and is not the current worker");
	must(trace, slot->state == SLOT_REPLACING || !spare || slot->spare.state == WORKER_DRAINING ||
			    slot->spare.state == WORKER_STOPPING || slot->spare.state == WORKER_ENDING,
	     "a spare that comes, and nobody is to be replaced");
	must(trace, slot->state != SLOT_RUNNING || !slot->current.stuck || slot->current.state == WORKER_ENDING,
	     "a worker that is stuck, and nobody is to replace it");
}

static void check_slot(const struct trace *trace, const struct slot *slot)
{
	const struct rules *rules = &trace->state.rules;
	bool may_wait = slot->state == SLOT_BACKOFF || slot->state == SLOT_RUNNING || slot->state == SLOT_REPLACED ||
			slot->state == SLOT_REPLACING;
	must(trace, may_wait || slot->deadline_usec == USEC_NEVER, "a deadline of a slot that waits for nothing");
	if (slot->state == SLOT_BACKOFF)
		must(trace, slot->deadline_usec >= trace->now_usec &&
				    slot->deadline_usec <= trace->now_usec + rules->backoff_up_to_usec,
		     "a back-off without a deadline, or beyond backoff.up_to");
	if (slot->state == SLOT_REPLACING)
		must(trace, (slot->spare.state != WORKER_GONE) + (slot->deadline_usec != USEC_NEVER) + slot->waits +
				    trace->model.room_asked[slot->number] >= 1, "a replacement that waits for nothing");
	must(trace, !slot->waits || slot->state == SLOT_REPLACING, "a wait for a turn that nobody needs");
	must(trace, !slot->waits || (!slot->current.stuck && !slot->current.urgent), "a wait of a worker that cannot wait");
	must(trace, !slot->waits || another_is_under_way(trace, slot), "a wait for a turn that nobody has");
	must(trace, slot->launches == trace->model.launches[slot->number], "launches that were not counted");
}

static bool keeps_listening(const struct trace *trace, const struct slot *slot)
{
	if (slot->state == SLOT_BACKOFF)
		return slot->next_delay_usec <= trace->state.rules.hold_for_usec;
	return slot->state != SLOT_FAILED && slot->state != SLOT_STOPPED;
}

static void check_listening(const struct trace *trace)
{
	bool listening = trace->model.listening, somebody = false;
	if (!trace->state.rules.drains)
		return;
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->state.slots[i];
		bool keeps = keeps_listening(trace, slot);
		must(trace, listening || slot->current.state == WORKER_GONE, "a worker on a socket that does not listen");
		must(trace, listening || !keeps || slot->state != SLOT_BACKOFF, "hold_for was not kept");
		somebody = somebody || keeps;
	}
	must(trace, !listening || (somebody && !trace->state.finished), "a dead service that looks alive");
}

static void end_by_death(struct trace *trace, uint32_t slot)
{
	struct model *model = &trace->model;
	int status = verdict_exit_status(&trace->verdict);
	model->ended[slot] = true;
	model->is_final = trace->state.slot_count == 1;
	model->final_status = model->final_status == 0 ? status : model->final_status;
}

static void check_exhausted(struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	const struct slot *before = &trace->before.slots[trace->gone_from], *slot = &trace->state.slots[trace->gone_from];
	enum slot_state end = living_in(trace, slot->number) > 0 ? SLOT_STOPPING : SLOT_STOPPED;
	bool exhausted = deaths_within(trace) > rules->budget_deaths ||
			 deaths_within_by(trace, trace->verdict.kind) > rules->by_verdict[trace->verdict.kind].deaths;
	bool coming = before->state == SLOT_REPLACING &&
		      (before->spare.state == WORKER_LAUNCHING || before->spare.state == WORKER_STARTING);
	if (exhausted)
		must(trace, slot->state == (rules->exit_when_exhausted ? end : SLOT_FAILED), "the budget was not kept");
	else if (coming)
		must(trace, slot->state == SLOT_RUNNING && slot->current.id == before->spare.id, "a spare that did not step in");
	else
		must(trace, slot->state == SLOT_BACKOFF, "a death without a back-off");
	if (!exhausted || !rules->exit_when_exhausted)
		return;
	for (uint32_t i = 0; i < trace->state.slot_count; i++)
		must(trace, is_ending(&trace->state.slots[i]), "an instance that outlives the budget");
	trace->model.is_final = true;
	trace->model.final_status = verdict_exit_status(&trace->verdict);
}

static void check_after_death(struct trace *trace)
{
	const struct slot *before = &trace->before.slots[trace->gone_from], *slot = &trace->state.slots[trace->gone_from];
	if (relieved_had_died(trace))
		add_death(trace);
	if (!current_died(trace)) {
		must(trace, trace->just_gone == 0 || slot->state != SLOT_FAILED || before->state == SLOT_FAILED,
		     "failed for no reason");
		return;
	}
	if (is_final(trace)) {
		end_by_death(trace, slot->number);
		must(trace, slot->state == (living_in(trace, slot->number) > 0 ? SLOT_STOPPING : SLOT_STOPPED),
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
	for (uint32_t i = 0; i < trace->state.slot_count; i++)
		must(trace, model->stop_asked || model->is_final || model->ended[i], "an end for no reason");
	must(trace, trace->state.exit_status == model->final_status, "another exit status");
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
	memcpy(trace->before.slots, trace->state.slots, sizeof(trace->before.slots));
	trace->before.roll_id = trace->state.roll.next_id;
	trace->before.roll_begun = trace->state.roll.begun;
	trace->before.finished = trace->state.finished;
}

static void check_slots(struct trace *trace)
{
	bool ready = false;
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->state.slots[i];
		check_worker(trace, &slot->current);
		check_worker(trace, &slot->spare);
		check_population(trace, slot);
		check_slot(trace, slot);
		ready = ready || (slot->current.state == WORKER_READY && !slot->current.stuck);
	}
	must(trace, service_state_is_ready(&trace->state) == ready, "ready, or not");
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
	model_fresh_starts(trace);
	check_finish(trace);
	check_turns(trace);
	check_slots(trace);
	check_roll(trace);
	check_listening(trace);
	if (trace->just_gone != 0)
		check_counts(trace);
}

static uint32_t somebody_killed(const struct trace *trace)
{
	for (uint32_t i = 0; i < trace->state.slot_count; i++) {
		const struct slot *slot = &trace->state.slots[i];
		if (slot->current.state == WORKER_ENDING)
			return slot->current.id;
		if (slot->spare.state == WORKER_ENDING)
			return slot->spare.id;
	}
	return 0;
}

/* The world does what it is told, late: every service that is asked to stop comes to an end. */
static void end_life(struct trace *trace)
{
	step(trace, event_of_slot(below(trace, 2) == 0 ? SLOT_EVENT_STOP : SLOT_EVENT_DRAIN));
	if (!trace->state.finished && below(trace, 4) == 0)
		step(trace, event_of_slot(SLOT_EVENT_STOP)); /* does not wait */
	for (unsigned tries = 0; !trace->state.finished; tries++) {
		struct event event;
		must(trace, tries < 12 * trace->state.slot_count, "a stop that does not end");
		trace->now_usec = service_state_deadline(&trace->state, &event);
		must(trace, trace->now_usec != USEC_NEVER, "a stop that waits for nothing");
		uint32_t killed = somebody_killed(trace);
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
