/* SPDX-License-Identifier: Apache-2.0 */
/* acts: what decide() wants, done: one function an action, a table by action. */
#include "supervisor/core/death.h"
#include "supervisor/core/names.h"
#include "supervisor/core/notice.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>

static void act_launch(struct service *service, const struct action *action)
{
	launch_worker(service, action->instance, action->worker);
}

static void act_signal(struct service *service, const struct action *action)
{
	struct worker_run *run = service_run_of(service, action->worker);
	if (run != NULL)
		ending_signal(run, action->signal);
}

static void act_kill(struct service *service, const struct action *action)
{
	struct worker_run *run = service_run_of(service, action->worker);
	if (run != NULL)
		ending_kill(run);
}

static void add_verdict(struct notice *notice, const struct verdict *verdict)
{
	tell_add_text(notice, "verdict", verdict_name(verdict->kind));
	tell_add_truth(notice, "certain", verdict->certain);
	if (verdict->kind == VERDICT_EXIT)
		tell_add_number(notice, "exit_status", verdict->number);
	if (verdict->kind == VERDICT_SIGNAL)
		tell_add_text(notice, "signal", signal_name(verdict->number));
}

/* A service that holds waits for somebody, who has to be told of it: by its name, which decide() does not know. */
static void add_way_out(const struct service *service, struct notice *notice)
{
	size_t length = strlen(notice->message);
	if (!service->state.rules.exit_when_exhausted)
		snprintf(notice->message + length, sizeof(notice->message) - length,
			 "; heapward reset %s starts it again, heapward stop %s ends it", service->setup->name, service->setup->name);
}

static void act_notice(struct service *service, const struct action *action)
{
	struct worker_run *run = service_run_of(service, action->worker);
	struct notice notice = tell_notice(service, (int)action->notice, run);
	snprintf(notice.message, sizeof(notice.message), "%s", action->text);
	if (action->notice == NOTICE_DEATH && run != NULL)
		add_verdict(&notice, &run->verdict);
	if (action->notice == NOTICE_RESTART_SCHEDULED)
		tell_add_number(&notice, "delay_msec", action->delay_usec / USEC_PER_MSEC);
	if (action->notice == NOTICE_FAILED) {
		add_way_out(service, &notice);
		snprintf(service->failed_why, sizeof(service->failed_why), "%s", notice.message);
	}
	tell(service, &notice);
}

static void act_raise(struct service *service, const struct action *action)
{
	struct worker_run *run = service_run_of(service, action->worker);
	if (run != NULL)
		renew_raise(run);
}

/* Kept by acts_do_all, which knows what else was decided. */
static void act_keep_death(struct service *service UNUSED, const struct action *action UNUSED)
{
}

/* The loop sees state.finished. */
static void act_finish(struct service *service UNUSED, const struct action *action UNUSED)
{
}

static void act_check_room(struct service *service, const struct action *action)
{
	holding_check_room(service, action->instance);
}

static void act_drain(struct service *service, const struct action *action)
{
	struct worker_run *run = service_run_of(service, action->worker);
	if (run != NULL)
		holding_drain(run);
}

static void act_listen(struct service *service, const struct action *action UNUSED)
{
	struct failure ignored; /* comes again at the launch that follows, and is told as that launch's */
	(void)holding_listen(service, &ignored);
}

static void act_last_call(struct service *service, const struct action *action UNUSED)
{
	protection_last_call(service);
}

static void act_unlisten(struct service *service, const struct action *action UNUSED)
{
	listen_sockets_unlisten(&service->sockets);
}

static void act(struct service *service, const struct action *action)
{
	static void (*const acts[ACTION_COUNT])(struct service *, const struct action *) = {
		[ACTION_LAUNCH] = act_launch, [ACTION_SIGNAL] = act_signal,	    [ACTION_KILL] = act_kill,
		[ACTION_NOTICE] = act_notice, [ACTION_KEEP_DEATH] = act_keep_death, [ACTION_FINISH] = act_finish,
		[ACTION_RAISE] = act_raise,   [ACTION_CHECK_ROOM] = act_check_room,
		[ACTION_DRAIN] = act_drain,   [ACTION_LISTEN] = act_listen,	    [ACTION_UNLISTEN] = act_unlisten,
		[ACTION_LAST_CALL] = act_last_call,
	};
	acts[action->kind](service, action);
}

void acts_do(struct service *service, const struct decision *decision)
{
	for (size_t i = 0; i < decision->action_count; i++) {
		const struct action *action = &decision->actions[i];
		struct worker_run *run = service_run_of(service, action->worker);
		act(service, action);
		if (action->kind == ACTION_KEEP_DEATH && run != NULL)
			obituary_keep(run, death_action(decision));
	}
}
