/* SPDX-License-Identifier: Apache-2.0 */
/* watching: the watchdog of event loops. Heartbeats come as records; between two of them at most one deadline is set, and a
 * worker that was launched without watchdog.event_loop costs nothing. */
#include "supervisor/core/watchdog.h"
#include "supervisor/edge/process_look.h"
#include "supervisor/service/internal.h"
#include "base/units.h"

#include <stdio.h>

/* A server that has not sent its first heartbeat by then will not send one. */
#define FIRST_USEC (30 * USEC_PER_SEC)

static struct watchdog_look look_at(const struct worker_run *run)
{
	return watchdog_look(run->records.reporters, run->records.reporter_count, loop_now_awake_usec(),
			     run->event_loop_usec, run->is_stuck);
}

static void look_again(struct worker_run *run, int64_t after_usec)
{
	run->watch_usec = after_usec == USEC_NEVER ? USEC_NEVER : loop_now_usec() + after_usec;
}

void watching_launched(struct worker_run *run)
{
	run->event_loop_usec = run->service->setup->policy->watchdog.event_loop_usec;
	if (run->event_loop_usec != USEC_NEVER)
		look_again(run, 2 * run->event_loop_usec > FIRST_USEC ? 2 * run->event_loop_usec : FIRST_USEC);
}

static void tell_stuck(struct worker_run *run)
{
	const struct stuck *stuck = &run->stuck;
	char words[160];
	struct notice notice = tell_notice(run->service, NOTICE_WATCHDOG, run);
	notice.pid = stuck->pid;
	watchdog_text(stuck, words, sizeof(words));
	snprintf(notice.message, sizeof(notice.message), "event loop stuck: %s; %s", words, watchdog_state_text(stuck->state));
	tell_add_number(&notice, "silent_msec", stuck->silent_usec / USEC_PER_MSEC);
	tell_add_number(&notice, "event_loop_msec", stuck->allowed_usec / USEC_PER_MSEC);
	tell_add_number(&notice, "collected_msec", stuck->collected_usec / USEC_PER_MSEC);
	tell_add_truth(&notice, "stuck", true);
	tell(run->service, &notice);
}

static void tell_turns(struct worker_run *run, const struct reporter *reporter)
{
	struct notice notice = tell_notice(run->service, NOTICE_WATCHDOG, run);
	notice.pid = reporter->pid;
	snprintf(notice.message, sizeof(notice.message), "event loop turns again");
	tell_add_truth(&notice, "stuck", false);
	tell(run->service, &notice);
}

/* The worker's event loop was seen to stand still. False where its process is gone, and only we had not heard of it. */
static bool take_stuck(struct worker_run *run, const struct watchdog_look *look)
{
	struct reporter *reporter = &run->records.reporters[look->reporter];
	struct process_look seen = process_look(reporter->pid);
	if (seen.gone) {
		reporter->heartbeat_usec = 0;
		return false;
	}
	run->is_stuck = true;
	run->stuck = (struct stuck){
		.seen = true,
		.pid = reporter->pid,
		.allowed_usec = run->event_loop_usec,
		.silent_usec = look->silent_usec,
		.slept_usec = loop_now_usec() - loop_now_awake_usec() - reporter->heartbeat_slept_usec,
		.collected_usec = reporter->collected_usec < look->silent_usec ? reporter->collected_usec : look->silent_usec,
		.state = seen.state,
		.tracer_pid = seen.tracer_pid,
	};
	tell_stuck(run);
	return true;
}

/* What was not heard says nothing of who sends it: every server gets its whole time again. */
static void start_afresh(struct worker_run *run)
{
	for (size_t i = 0; i < run->records.reporter_count; i++)
		if (run->records.reporters[i].heartbeat_usec > 0)
			run->records.reporters[i].heartbeat_usec = loop_now_awake_usec();
}

static void was_late(struct worker_run *run, int64_t silent_usec)
{
	char silent[UNITS_TEXT_MAX];
	start_afresh(run);
	tell_warning(run->service, "the supervisor did not run in time to look after heartbeats (the last is %s old): the "
		     "watchdog begins again", units_format_time(silent, silent_usec));
}

/* Another process of the worker that floods the pipe pushes a server's heartbeats out of it. True once for each flood. */
static bool records_were_lost(struct worker_run *run)
{
	bool lost = run->records.pauses > run->pauses_seen;
	run->pauses_seen = run->records.pauses;
	return lost;
}

/* The one that stood still turns again, or is gone while the worker lives on (a process of a cluster). */
static void take_turning(struct worker_run *run, const struct reporter *reporter)
{
	run->is_stuck = false;
	if (reporter != NULL)
		tell_turns(run, reporter);
	service_push_worker(run->service, WORKER_EVENT_TURNS, run);
}

/* Once it serves; a start is the matter of ready.within. */
static void look_for_anybody(struct worker_run *run)
{
	const struct worker *worker = service_state_worker(&run->service->state, run->id);
	if (worker != NULL && worker->state == WORKER_STARTING)
		look_again(run, run->event_loop_usec);
	else if (worker != NULL && worker->state == WORKER_READY)
		tell_warning(run->service, "no process sends heartbeats: watchdog.event_loop watches nobody");
}

static void act_on(struct worker_run *run, const struct watchdog_look *look)
{
	if (look->finding == WATCHDOG_STUCK)
		service_push_worker(run->service, WORKER_EVENT_STUCK, run);
	else if (run->is_stuck)
		take_turning(run, NULL);
	else if (look->finding == WATCHDOG_LATE)
		was_late(run, look->silent_usec);
	else if (look->finding == WATCHDOG_NOBODY)
		look_for_anybody(run);
}

void watching_look(struct worker_run *run)
{
	run->watch_usec = USEC_NEVER;
	if (run->exited || run->killing || !run->has_records)
		return;
	records_drain(&run->records); /* a heartbeat may wait there */
	if (records_were_lost(run) && !run->is_stuck)
		start_afresh(run);
	struct watchdog_look look = look_at(run);
	while (look.finding == WATCHDOG_STUCK && !run->is_stuck && !take_stuck(run, &look))
		look = look_at(run);
	look_again(run, look.again_usec);
	act_on(run, &look);
}

void watching_fill(const struct worker_run *run, struct status_instance *instance)
{
	if (run->event_loop_usec == USEC_NEVER || !run->has_records)
		return;
	instance->watchdog.event_loop_usec = run->event_loop_usec;
	instance->watchdog.silent_usec = look_at(run).silent_usec;
	instance->watchdog.stuck = run->is_stuck;
}

void watching_heard(struct worker_run *run, const struct reporter *reporter)
{
	if (run->event_loop_usec == USEC_NEVER)
		return;
	struct watchdog_look look = look_at(run);
	/* What has to be acted on is not acted on in the middle of reading. */
	look_again(run, look.finding == WATCHDOG_TURNS ? look.again_usec : 0);
	if (run->is_stuck && look.finding == WATCHDOG_TURNS)
		take_turning(run, reporter);
}
