/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of services, some 1.5 million events: what must hold after each of them, whatever came before. A small
 * model beside the tables (who lives, who asked for what, which deaths count) says what that is.
 * usage: test_traces [SEED]; a failure prints seed, rules and the last events. */
#include "tests/unit/unit.h"
#include "supervisor/core/verdict.h"
#include "tests/unit/decide_unit.h"

#include <time.h>

#define EVENTS_PER_SEED 300000
#define EVENTS_PER_LIFE 3000
#define HISTORY 16
#define DEATHS_MAX EVENTS_PER_LIFE

struct model {
	uint32_t living, last_id; /* the worker that lives, 0: none; the last one launched */
	bool ended;               /* the living worker's main process has ended */
	bool signalled;
	enum asked asked;         /* for the end of the living worker, before it ended */
	bool stop_asked;
	int64_t deaths_usec[DEATHS_MAX]; /* since the counts were last cleared */
	enum verdict_kind kinds[DEATHS_MAX];
	size_t deaths, forgiven; /* the first ones of them count for their verdict only */
	uint64_t ends, launches;
};

struct trace {
	uint64_t seed, random;
	struct service_state state;
	struct decision decision;
	struct model model;
	int64_t now_usec;
	unsigned long number; /* events so far */
	struct event event;
	struct verdict verdict;
	struct rules new_rules; /* of a reload */
	uint32_t just_gone;
	enum slot_state slot_before;
	enum worker_state worker_before;
	char history[HISTORY][200];
	bool finished_before; /* the last event */
};

static uint64_t next_random(struct trace *trace)
{
	trace->random ^= trace->random << 13;
	trace->random ^= trace->random >> 7;
	trace->random ^= trace->random << 17;
	return trace->random * UINT64_C(2685821657736338717) >> 11;
}

static uint32_t below(struct trace *trace, uint32_t end)
{
	return (uint32_t)(next_random(trace) % end);
}

static void broken(const struct trace *trace, const char *what)
{
	const struct rules *rules = &trace->state.rules;
	print_error("seed %llu, event %lu: %s\n", (unsigned long long)trace->seed, trace->number, what);
	print_error("rules: when %d, report %d, exit %d, budget %u in %lld us, healthy after %lld us\n", rules->when,
		    rules->report_heap_limit, rules->exit_when_exhausted, rules->budget_deaths,
		    (long long)rules->budget_within_usec, (long long)rules->healthy_after_usec);
	for (unsigned long i = trace->number < HISTORY ? 0 : trace->number - HISTORY; i < trace->number; i++)
		print_error("  %s\n", trace->history[(i + 1) % HISTORY]);
	fail_msg("run it again: test_traces %llu", (unsigned long long)trace->seed);
}

static void must(const struct trace *trace, bool holds, const char *what)
{
	if (!holds)
		broken(trace, what);
}

/* Events. */

static void make_rules(struct trace *trace, struct rules *rules)
{
	*rules = (struct rules){
		.report_heap_limit = below(trace, 4) == 0, .raise_heap_limit = below(trace, 4) == 0, .exit_when_exhausted = below(trace, 4) == 0,
		.backoff_from_usec = below(trace, 1000000), .backoff_factor = below(trace, 4),
		.budget_deaths = below(trace, 8) == 0 ? 1000 : below(trace, 7),
		.budget_within_usec = (1 + below(trace, 600)) * SEC, .healthy_after_usec = below(trace, 60) * SEC,
		.stop_signal = SIGTERM, .stop_timeout_usec = below(trace, 20) * SEC,
		.kill_timeout_usec = below(trace, 10) * SEC, .ready_within_usec = USEC_NEVER,
	};
	rules->backoff_up_to_usec = rules->backoff_from_usec + below(trace, 60) * SEC;
	for (int kind = 0; kind < VERDICT_COUNT; kind++) {
		rules->by_verdict[kind].deaths = below(trace, 3) == 0 ? below(trace, 4) : UINT32_MAX;
		rules->by_verdict[kind].within_usec = (1 + below(trace, 3600)) * SEC;
	}
	switch (below(trace, 8)) {
	case 0:
		rules->when = RULE_WHEN_NEVER;
		break;
	case 1:
	case 2:
		rules->when = RULE_WHEN_FAILURE;
		break;
	default:
		rules->when = RULE_WHEN_ALWAYS;
		break;
	}
}

static void make_verdict(struct trace *trace)
{
	static const enum verdict_kind unasked[] = { VERDICT_HEAP_LIMIT, VERDICT_OOM_KILL, VERDICT_OOM_KILL_HOST,
						     VERDICT_SECCOMP, VERDICT_EXIT, VERDICT_SIGNAL, VERDICT_EXEC,
						     VERDICT_UNKNOWN_KILL };
	const struct model *model = &trace->model;
	struct verdict *verdict = &trace->verdict;
	verdict->kind = model->asked == ASKED_STOP ? VERDICT_STOPPED :
			model->asked == ASKED_RESTART ? VERDICT_REPLACED :
							unasked[below(trace, ARRAY_LEN(unasked))];
	verdict->certain = below(trace, 2) == 0;
	verdict->number = (int)below(trace, 3);
	verdict->exit_status = verdict->number;
	snprintf(verdict->text, sizeof(verdict->text), "%s", verdict_name(verdict->kind));
}

/* Of the living worker, or news of one that is gone, or of one that never was. */
static struct event make_worker_event(struct trace *trace)
{
	static const enum worker_event kinds[] = {
		WORKER_EVENT_LAUNCHED, WORKER_EVENT_LAUNCHED, WORKER_EVENT_READY,  WORKER_EVENT_READY,
		WORKER_EVENT_EXITED,   WORKER_EVENT_GONE,     WORKER_EVENT_LAUNCH_FAILED, WORKER_EVENT_DEADLINE,
	};
	enum worker_event kind = kinds[below(trace, ARRAY_LEN(kinds))];
	uint32_t id = below(trace, 6) == 0 ? below(trace, trace->model.last_id + 3) : trace->model.living;
	make_verdict(trace);
	return event_of_worker(kind, id, &trace->verdict);
}

/* Timeouts stay: what runs already was set by the old ones. */
static struct event make_reload(struct trace *trace)
{
	struct rules *rules = &trace->new_rules, old = trace->state.rules;
	make_rules(trace, rules);
	rules->stop_timeout_usec = old.stop_timeout_usec;
	rules->kill_timeout_usec = old.kill_timeout_usec;
	rules->backoff_from_usec = old.backoff_from_usec;
	rules->backoff_up_to_usec = old.backoff_up_to_usec;
	return (struct event){ .slot_event = SLOT_EVENT_RELOADED, .rules = rules };
}

static struct event make_event(struct trace *trace)
{
	struct event event;
	int64_t next_usec = service_state_deadline(&trace->state, &event);
	uint32_t choice = below(trace, 100);
	if (choice < 30 && next_usec != USEC_NEVER) {
		trace->now_usec = next_usec;
		return event;
	}
	if (choice < 60) {
		int64_t most = next_usec == USEC_NEVER ? 100 * SEC : next_usec - trace->now_usec;
		trace->now_usec += (int64_t)(next_random(trace) % (uint64_t)(most + 1));
	}
	if (choice < 90)
		return make_worker_event(trace);
	if (choice < 92)
		return event_of_slot(SLOT_EVENT_START);
	if (choice < 94)
		return event_of_slot(SLOT_EVENT_RESET);
	if (choice < 95)
		return make_reload(trace);
	return event_of_slot(below(trace, 60) == 0 ? SLOT_EVENT_STOP : SLOT_EVENT_RESTART);
}

/* The model. */

static bool is_about_living(const struct trace *trace)
{
	return trace->event.about_worker && trace->model.living != 0 && trace->event.worker == trace->model.living;
}

static void model_worker_event(struct trace *trace)
{
	struct model *model = &trace->model;
	bool exec_can_fail = trace->worker_before == WORKER_LAUNCHING || trace->worker_before == WORKER_STOPPING;
	if (!is_about_living(trace))
		return;
	if (trace->event.worker_event == WORKER_EVENT_EXITED ||
	    (trace->event.worker_event == WORKER_EVENT_LAUNCH_FAILED && exec_can_fail))
		model->ended = true;
	if (trace->event.worker_event != WORKER_EVENT_GONE)
		return;
	trace->just_gone = model->living;
	model->living = 0;
	model->ends++;
}

static void model_ask(struct model *model, enum asked asked)
{
	if (model->living != 0 && (!model->ended || model->asked != ASKED_NOTHING) && model->asked != ASKED_STOP)
		model->asked = asked;
}

static void model_slot_event(struct trace *trace)
{
	struct model *model = &trace->model;
	enum slot_event event = trace->event.slot_event;
	enum slot_state before = trace->slot_before;
	bool healthy = event == SLOT_EVENT_SLOT_DEADLINE && before == SLOT_RUNNING && trace->worker_before == WORKER_READY;
	bool reset = event == SLOT_EVENT_RESET && before != SLOT_STOPPED && before != SLOT_STOPPING;
	bool acted = (event == SLOT_EVENT_RESTART || event == SLOT_EVENT_RELOADED) && before == SLOT_FAILED;
	if (healthy)
		model->forgiven = model->deaths;
	if (reset || acted)
		model->deaths = model->forgiven = 0;
	if (event == SLOT_EVENT_STOP) {
		model->stop_asked = true;
		model_ask(model, ASKED_STOP);
	}
	if (event == SLOT_EVENT_RESTART)
		model_ask(model, ASKED_RESTART);
}

static uint32_t deaths_within(const struct trace *trace)
{
	uint32_t count = 0;
	for (size_t i = trace->model.forgiven; i < trace->model.deaths; i++)
		if (trace->model.deaths_usec[i] >= trace->now_usec - trace->state.rules.budget_within_usec)
			count++;
	return count;
}

static uint32_t deaths_within_by(const struct trace *trace, enum verdict_kind kind)
{
	uint32_t count = 0;
	for (size_t i = 0; i < trace->model.deaths; i++)
		if (trace->model.kinds[i] == kind &&
		    trace->model.deaths_usec[i] >= trace->now_usec - trace->state.rules.by_verdict[kind].within_usec)
			count++;
	return count;
}

/* What the policy says of the verdict at hand: true where the service ends with it. */
static bool is_final(const struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	const struct verdict *verdict = &trace->verdict;
	bool clean = verdict->kind == VERDICT_EXIT && verdict->number == 0;
	return rules->when == RULE_WHEN_NEVER || (rules->when == RULE_WHEN_FAILURE && clean) ||
	       (rules->report_heap_limit && verdict->kind == VERDICT_HEAP_LIMIT) ||
	       (verdict->kind == VERDICT_EXEC && trace->model.launches == 1);
}

/* Checks. */

static void check_launch(struct trace *trace, const struct action *action)
{
	struct model *model = &trace->model;
	must(trace, model->living == 0, "two workers in one slot");
	must(trace, !model->stop_asked, "a launch after a stop was asked for");
	must(trace, action->worker == model->last_id + 1, "an id that is not the next one");
	model->living = model->last_id = action->worker;
	model->ended = model->signalled = false;
	model->asked = ASKED_NOTHING;
	model->launches++;
}

static void check_action(struct trace *trace, const struct action *action)
{
	struct model *model = &trace->model;
	bool lives = model->living != 0 && action->worker == model->living;
	switch (action->kind) {
	case ACTION_LAUNCH:
		check_launch(trace, action);
		break;
	case ACTION_SIGNAL:
		must(trace, lives, "a signal for a worker that is gone");
		must(trace, model->asked != ASKED_NOTHING && !model->signalled, "a signal that nobody asked for");
		must(trace, action->signal == trace->state.rules.stop_signal, "another signal");
		model->signalled = true;
		break;
	case ACTION_KILL:
		must(trace, lives, "a kill of a worker that is gone");
		must(trace, model->ended || model->asked != ASKED_NOTHING, "a kill that nobody asked for");
		break;
	case ACTION_KEEP_DEATH:
		must(trace, trace->just_gone != 0 && action->worker == trace->just_gone, "a death that did not happen");
		break;
	case ACTION_RAISE:
		must(trace, trace->just_gone != 0 && trace->verdict.kind == VERDICT_HEAP_LIMIT &&
				    trace->state.rules.raise_heap_limit, "a raise that nothing asks for");
		break;
	case ACTION_NOTICE:
		must(trace, action->text[0] != '\0', "a notice without words");
		break;
	case ACTION_FINISH:
		must(trace, trace->state.finished, "the end of a service that has not finished");
		break;
	case ACTION_CHECK_ROOM:
	case ACTION_DRAIN:
	case ACTION_LISTEN:
	case ACTION_UNLISTEN:
	case ACTION_COUNT:
	default:
		broken(trace, "no action of ours");
	}
}

static void check_worker(const struct trace *trace)
{
	const struct worker *worker = &trace->state.slot.current;
	const struct model *model = &trace->model;
	bool ends = worker->state == WORKER_STOPPING || worker->state == WORKER_ENDING;
	const struct rules *rules = &trace->state.rules;
	must(trace, (worker->state != WORKER_GONE) == (model->living != 0), "the tables and the world differ on who lives");
	must(trace, model->living == 0 || worker->id == model->living, "another worker than the living one");
	must(trace, model->living == 0 || worker->asked == model->asked, "what was asked for is remembered wrongly");
	must(trace, ends == (worker->deadline_usec != USEC_NEVER), "a deadline too many or too few");
	must(trace, !ends || (worker->deadline_usec >= trace->now_usec &&
			      (worker->deadline_usec <= trace->now_usec + rules->stop_timeout_usec ||
			       worker->deadline_usec <= trace->now_usec + rules->kill_timeout_usec)),
	     "a deadline beyond its timeout");
	must(trace, trace->state.slot.spare.id == 0, "a spare");
}

static void check_slot(const struct trace *trace)
{
	const struct slot *slot = &trace->state.slot;
	bool lives = slot->state == SLOT_RUNNING || slot->state == SLOT_STOPPING || slot->state == SLOT_RESTARTING;
	must(trace, lives == (trace->model.living != 0), "a slot without its worker, or a worker without its slot");
	must(trace, slot->state == SLOT_BACKOFF || slot->state == SLOT_RUNNING || slot->deadline_usec == USEC_NEVER,
	     "a deadline of a slot that waits for nothing");
	if (slot->state == SLOT_BACKOFF)
		must(trace, slot->deadline_usec >= trace->now_usec &&
				    slot->deadline_usec <= trace->now_usec + trace->state.rules.backoff_up_to_usec,
		     "a back-off without a deadline, or beyond backoff.up_to");
	must(trace, slot->launches == trace->model.launches, "launches that were not counted");
}

static void check_after_death(struct trace *trace)
{
	const struct rules *rules = &trace->state.rules;
	enum slot_state after = trace->state.slot.state;
	if (is_final(trace)) {
		must(trace, trace->state.finished, "restarted against the policy");
		return;
	}
	assert_true(trace->model.deaths < DEATHS_MAX);
	trace->model.kinds[trace->model.deaths] = trace->verdict.kind;
	trace->model.deaths_usec[trace->model.deaths++] = trace->now_usec;
	bool exhausted = deaths_within(trace) > rules->budget_deaths ||
			 deaths_within_by(trace, trace->verdict.kind) > rules->by_verdict[trace->verdict.kind].deaths;
	must(trace, exhausted == (after != SLOT_BACKOFF), "the budget was not kept");
	must(trace, !exhausted || trace->state.finished == rules->exit_when_exhausted, "restart.exhausted was not kept");
}

static void check_finish(const struct trace *trace, bool died)
{
	int status = trace->model.stop_asked ? 0 : verdict_exit_status(&trace->verdict);
	if (!trace->state.finished || trace->finished_before)
		return;
	must(trace, trace->model.stop_asked || died, "an end for no reason");
	must(trace, trace->state.exit_status == status, "another exit status");
	must(trace, trace->decision.actions[trace->decision.action_count - 1].kind == ACTION_FINISH, "an end that is not told");
}

static void check_counts(const struct trace *trace)
{
	uint64_t ends = 0;
	for (int kind = 0; kind < VERDICT_COUNT; kind++)
		ends += trace->state.deaths_by_verdict[kind];
	must(trace, ends == trace->model.ends, "ends that were not counted once");
	must(trace, service_state_budget_left(&trace->state, trace->now_usec) + deaths_within(trace) >=
			    trace->state.rules.budget_deaths, "a budget that lost restarts");
}

static void note(struct trace *trace, const char *actions)
{
	const struct event *event = &trace->event;
	snprintf(trace->history[trace->number % HISTORY], sizeof(trace->history[0]), "%lld us: %s %u in %s/%s: %.120s",
		 (long long)trace->now_usec,
		 event->about_worker ? worker_event_name(event->worker_event) : slot_event_name(event->slot_event),
		 event->worker, slot_state_name(trace->slot_before), worker_state_name(trace->worker_before), actions);
}

static void step(struct trace *trace, struct event event)
{
	char actions[DECISION_TEXT_MAX];
	trace->event = event;
	trace->just_gone = 0;
	trace->finished_before = trace->state.finished;
	trace->slot_before = trace->state.slot.state;
	trace->worker_before = trace->state.slot.current.state;
	trace->number++;
	if (event.about_worker)
		model_worker_event(trace);
	else
		model_slot_event(trace);
	decide(&trace->state, &trace->event, trace->now_usec, &trace->decision);
	note(trace, decision_text(&trace->state, &trace->decision, actions));
	for (size_t i = 0; i < trace->decision.action_count; i++)
		check_action(trace, &trace->decision.actions[i]);
	bool died = trace->just_gone != 0 && trace->slot_before == SLOT_RUNNING;
	if (died)
		check_after_death(trace);
	must(trace, died || trace->state.slot.state != SLOT_FAILED || trace->slot_before == SLOT_FAILED, "failed for no reason");
	check_finish(trace, died);
	check_worker(trace);
	check_slot(trace);
	if (trace->just_gone != 0)
		check_counts(trace);
}

/* The world does what it is told, late: every service that is asked to stop comes to an end. */
static void end_life(struct trace *trace)
{
	step(trace, event_of_slot(SLOT_EVENT_STOP));
	for (unsigned tries = 0; !trace->state.finished; tries++) {
		struct event event;
		must(trace, tries < 5, "a stop that does not end");
		trace->now_usec = service_state_deadline(&trace->state, &event);
		must(trace, trace->now_usec != USEC_NEVER, "a stop that waits for nothing");
		make_verdict(trace);
		bool killed = trace->state.slot.current.state == WORKER_ENDING;
		step(trace, killed ? event_of_worker(WORKER_EVENT_GONE, trace->model.living, &trace->verdict) : event);
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
	for (unsigned i = 0; i < EVENTS_PER_LIFE - 10 && !trace->state.finished; i++)
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
