/* SPDX-License-Identifier: Apache-2.0 */
/* trace: the world of the random traces: policies, events and verdicts drawn by a seeded generator, and the last events
 * for the one who has to read a failure. What must hold is in test_traces.c. */
#ifndef TESTS_SCENARIO_TRACE_H
#define TESTS_SCENARIO_TRACE_H

#include "tests/unit/unit.h"
#include "supervisor/core/verdict.h"
#include "tests/unit/decide_unit.h"

#define EVENTS_PER_SEED 350000
#define EVENTS_PER_LIFE 3000
#define HISTORY 24
#define DEATHS_MAX EVENTS_PER_LIFE

#define SLOTS_MAX 4

/* What the model knows of a worker that lives. */
struct life {
	uint32_t id;      /* 0: nobody */
	uint32_t slot;
	bool ended;       /* its main process has ended, or will without having been the program */
	bool signalled;
	enum asked asked; /* as the state had it after the last event */
};

struct model {
	struct life lives[2 * SLOTS_MAX];
	uint32_t last_id;
	bool stop_asked, listening;
	bool room_asked[SLOTS_MAX]; /* CHECK_ROOM has not been answered */
	bool taken_down[SLOTS_MAX]; /* by choice, and the next one does not serve yet */
	bool ended[SLOTS_MAX];      /* a death has ended it, though a worker may still leave */
	bool is_final;    /* a death has ended the service */
	int final_status; /* of the first that failed, unless an operator stops the rest */
	int64_t deaths_usec[DEATHS_MAX]; /* since the counts were last cleared */
	enum verdict_kind kinds[DEATHS_MAX];
	size_t deaths, forgiven; /* the first ones of them count for their verdict only */
	uint64_t ends, launches[SLOTS_MAX];
};

/* The slots as they were before the event. */
struct before {
	struct slot slots[SLOTS_MAX];
	uint32_t roll_id, roll_begun;
	bool finished;
};

struct trace {
	uint64_t seed, random;
	struct service_state state;
	struct decision decision;
	struct model model;
	struct before before;
	int64_t now_usec;
	unsigned long number; /* events so far */
	struct event event;
	struct verdict verdict;
	struct rules new_rules; /* of a reload */
	uint32_t just_gone, gone_from; /* a worker's id, 0: none; and its slot */
	char history[HISTORY][400];
};

static inline uint64_t next_random(struct trace *trace)
{
	trace->random ^= trace->random << 13;
	trace->random ^= trace->random >> 7;
	trace->random ^= trace->random << 17;
	return trace->random * UINT64_C(2685821657736338717) >> 11;
}

static inline uint32_t below(struct trace *trace, uint32_t end)
{
	return (uint32_t)(next_random(trace) % end);
}

static inline void broken(const struct trace *trace, const char *what)
{
	const struct rules *rules = &trace->state.rules;
	print_error("seed %llu, event %lu: %s\n", (unsigned long long)trace->seed, trace->number, what);
	print_error("rules: instances %u, when %d, report %d, exit %d, budget %u in %lld us, healthy after %lld us, near limit %d, drains %d, "
		    "replaces %d\n", rules->instances, rules->when, rules->report_heap_limit, rules->exit_when_exhausted, rules->budget_deaths,
		    (long long)rules->budget_within_usec, (long long)rules->healthy_after_usec, rules->near_limit,
		    rules->drains, rules->replaces);
	for (unsigned long i = trace->number < HISTORY ? 0 : trace->number - HISTORY; i < trace->number; i++)
		print_error("  %s\n", trace->history[(i + 1) % HISTORY]);
	fail_msg("run it again: test_traces %llu", (unsigned long long)trace->seed);
}

static inline void must(const struct trace *trace, bool holds, const char *what)
{
	if (!holds)
		broken(trace, what);
}

static inline void note(struct trace *trace, const char *actions)
{
	const struct event *event = &trace->event;
	char *text = trace->history[trace->number % HISTORY];
	size_t size = sizeof(trace->history[0]), length;
	length = (size_t)snprintf(text, size, "%lld us: %s %u", (long long)trace->now_usec, event->about_worker ?
				  worker_event_name(event->worker_event) : slot_event_name(event->slot_event),
				  event->about_worker ? event->worker : event->instance);
	for (uint32_t i = 0; i < trace->state.slot_count && length < size; i++) {
		const struct slot *slot = &trace->before.slots[i];
		length += (size_t)snprintf(text + length, size - length, " in %s/%u %s/%u %s", slot_state_name(slot->state),
					   slot->current.id, worker_state_name(slot->current.state), slot->spare.id,
					   worker_state_name(slot->spare.state));
	}
	if (length < size)
		snprintf(text + length, size - length, ": %.120s", actions);
}

/* Policies. */

static inline void make_sockets(struct trace *trace, struct rules *rules)
{
	rules->near_limit = (int)below(trace, 3);
	rules->drains = below(trace, 4) != 0;
	rules->replaces = rules->drains && below(trace, 4) != 0;
	rules->drain_timeout_usec = below(trace, 40) * SEC;
	rules->ready_within_usec = below(trace, 2) == 0 ? USEC_NEVER : below(trace, 90) * SEC;
	rules->hold_for_usec = below(trace, 10) * SEC;
}

static inline void make_rules(struct trace *trace, struct rules *rules)
{
	static const int when[] = { RULE_WHEN_NEVER, RULE_WHEN_FAILURE, RULE_WHEN_FAILURE, RULE_WHEN_ALWAYS,
				    RULE_WHEN_ALWAYS, RULE_WHEN_ALWAYS, RULE_WHEN_ALWAYS, RULE_WHEN_ALWAYS };
	*rules = (struct rules){
		.instances = below(trace, 3) == 0 ? 1 : 1 + below(trace, SLOTS_MAX),
		.when = when[below(trace, ARRAY_LEN(when))],
		.report_heap_limit = below(trace, 4) == 0, .raise_heap_limit = below(trace, 4) == 0,
		.exit_when_exhausted = below(trace, 4) == 0,
		.backoff_from_usec = below(trace, 1000000), .backoff_factor = below(trace, 4),
		.budget_deaths = below(trace, 8) == 0 ? 1000 : below(trace, 7),
		.budget_within_usec = (1 + below(trace, 600)) * SEC, .healthy_after_usec = below(trace, 60) * SEC,
		.stop_signal = SIGTERM, .stop_timeout_usec = below(trace, 20) * SEC,
		.kill_timeout_usec = (1 + below(trace, 10)) * SEC,
	};
	rules->backoff_up_to_usec = rules->backoff_from_usec + below(trace, 60) * SEC;
	for (int kind = 0; kind < VERDICT_COUNT; kind++) {
		rules->by_verdict[kind].deaths = below(trace, 3) == 0 ? below(trace, 4) : UINT32_MAX;
		rules->by_verdict[kind].within_usec = (1 + below(trace, 3600)) * SEC;
	}
	make_sockets(trace, rules);
}

/* Timeouts stay: what runs already was set by the old ones; and sockets are held or not. */
static inline struct event make_reload(struct trace *trace)
{
	struct rules *rules = &trace->new_rules, old = trace->state.rules;
	make_rules(trace, rules);
	rules->stop_timeout_usec = old.stop_timeout_usec;
	rules->kill_timeout_usec = old.kill_timeout_usec;
	rules->drain_timeout_usec = old.drain_timeout_usec;
	rules->ready_within_usec = old.ready_within_usec;
	rules->hold_for_usec = old.hold_for_usec;
	rules->backoff_from_usec = old.backoff_from_usec;
	rules->backoff_up_to_usec = old.backoff_up_to_usec;
	rules->drains = old.drains;
	rules->instances = old.instances;
	rules->replaces = rules->replaces && rules->drains;
	return (struct event){ .slot_event = SLOT_EVENT_RELOADED, .rules = rules };
}

/* Events. */

/* As verdict_judge would: what was asked for is what happened, except to one that left on its own while it drained. */
static inline void make_verdict(struct trace *trace, uint32_t id)
{
	static const enum verdict_kind unasked[] = { VERDICT_HEAP_LIMIT, VERDICT_OOM_KILL, VERDICT_OOM_KILL_HOST,
						     VERDICT_SECCOMP, VERDICT_EXIT, VERDICT_SIGNAL, VERDICT_EXEC,
						     VERDICT_UNKNOWN_KILL };
	const struct worker *worker = service_state_worker(&trace->state, id);
	struct verdict *verdict = &trace->verdict;
	verdict->kind = unasked[below(trace, ARRAY_LEN(unasked))];
	if (worker != NULL && worker->asked != ASKED_NOTHING && !(worker->left_draining && below(trace, 2) == 0))
		verdict->kind = worker->asked == ASKED_STOP			      ? VERDICT_STOPPED
				: worker->asked == ASKED_WATCHDOG && worker->stuck ? VERDICT_WATCHDOG
										      : VERDICT_REPLACED;
	else if (worker != NULL && worker->not_ready)
		verdict->kind = VERDICT_NOT_READY;
	verdict->certain = below(trace, 2) == 0;
	verdict->number = (int)below(trace, 3);
	verdict->exit_status = verdict->number;
	snprintf(verdict->text, sizeof(verdict->text), "%s", verdict_name(verdict->kind));
}

/* What comes next in the life of most workers. */
static inline enum worker_event likely_event(const struct trace *trace, uint32_t id)
{
	static const enum worker_event next[WORKER_STATE_COUNT] = {
		[WORKER_LAUNCHING] = WORKER_EVENT_LAUNCHED, [WORKER_STARTING] = WORKER_EVENT_READY,
		[WORKER_READY] = WORKER_EVENT_NEAR_LIMIT,   [WORKER_DRAINING] = WORKER_EVENT_DRAINED,
		[WORKER_STOPPING] = WORKER_EVENT_EXITED,    [WORKER_ENDING] = WORKER_EVENT_GONE,
		[WORKER_GONE] = WORKER_EVENT_EXITED,
	};
	const struct worker *worker = service_state_worker(&trace->state, id);
	return worker == NULL ? WORKER_EVENT_EXITED : next[worker->state];
}

/* Of a worker that lives, or news of one that is gone, or of one that never was. */
static inline struct event make_worker_event(struct trace *trace)
{
	static const enum worker_event kinds[] = {
		WORKER_EVENT_LAUNCHED, WORKER_EVENT_READY,  WORKER_EVENT_NEAR_LIMIT, WORKER_EVENT_DRAINED,
		WORKER_EVENT_EXITED,   WORKER_EVENT_EXITED, WORKER_EVENT_GONE,	     WORKER_EVENT_LAUNCH_FAILED,
		WORKER_EVENT_DEADLINE, WORKER_EVENT_STUCK,  WORKER_EVENT_TURNS,
	};
	const struct life *lives = trace->model.lives;
	uint32_t id = 0, seen = 0;
	for (size_t i = 0; i < ARRAY_LEN(trace->model.lives); i++)
		if (lives[i].id != 0 && below(trace, ++seen) == 0)
			id = lives[i].id;
	if (below(trace, 8) == 0)
		id = below(trace, trace->model.last_id + 3);
	make_verdict(trace, id);
	enum worker_event kind = below(trace, 3) == 0 ? kinds[below(trace, ARRAY_LEN(kinds))] : likely_event(trace, id);
	struct event event = event_of_worker(kind, id, &trace->verdict);
	event.can_wait = kind == WORKER_EVENT_NEAR_LIMIT && below(trace, 2) == 0;
	return event;
}

static inline struct event make_answer(struct trace *trace, uint32_t slot)
{
	struct event event = event_of_slot(below(trace, 4) == 0 ? SLOT_EVENT_SPARE_NO_ROOM : SLOT_EVENT_SPARE_ROOM);
	event.instance = slot;
	event.text = "need 560 MiB, have 312 MiB";
	return event;
}

static inline struct event make_event(struct trace *trace)
{
	struct event event;
	int64_t next_usec = service_state_deadline(&trace->state, &event);
	uint32_t choice = below(trace, 100);
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		if (trace->model.room_asked[i] && below(trace, 2) == 0)
			return make_answer(trace, i);
	if (choice < 15 && next_usec != USEC_NEVER) {
		trace->now_usec = next_usec;
		return event;
	}
	if (choice < 50) {
		int64_t most = next_usec == USEC_NEVER ? 100 * SEC : next_usec - trace->now_usec;
		trace->now_usec += (int64_t)(next_random(trace) % (uint64_t)(most + 1));
	}
	if (choice < 93)
		return make_worker_event(trace);
	if (choice < 94)
		return make_answer(trace, below(trace, SLOTS_MAX));
	if (choice < 95)
		return event_of_slot(SLOT_EVENT_START);
	if (choice < 96)
		return event_of_slot(SLOT_EVENT_RESET);
	if (choice < 97)
		return make_reload(trace);
	static const enum slot_event orders[50] = { [0] = SLOT_EVENT_STOP, [1] = SLOT_EVENT_DRAIN };
	uint32_t order = below(trace, ARRAY_LEN(orders));
	return event_of_slot(order < 2 ? orders[order] : SLOT_EVENT_RESTART);
}

#endif
