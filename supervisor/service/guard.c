/* SPDX-License-Identifier: Apache-2.0 */
/* guard: the service's groups, and the keeper that removes them where this process cannot. The keeper runs as soon as
 * the name is ours, so that a supervisor killed in the middle of its start leaves nothing either. */
#include "supervisor/core/capability.h"
#include "supervisor/edge/session.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

/* A child that forks while we look is found in the next round, as is what a killed one leaves. */
#define STRAY_ROUNDS_MAX 200
#define STRAY_ROUND_NSEC (1000 * 1000)

static int start_keeper(struct service *service, struct failure *why)
{
	struct keeper_job job;
	keeper_job_init(&job);
	if (service->groups.made)
		cgroup_service_keeper_job(&service->groups, &job);
	state_dir_keeper_job(&service->dir, &job);
	listen_addresses_keeper_job(&service->setup->policy->service.listen, &job);
	listen_sockets_keeper_job(&service->sockets, &job);
	job.capabilities = capability_needed(HOLDER_KEEPER, service->setup->policy, service->setup->host);
	service->keeper_knows_groups = service->groups.made;
	return keeper_start(&service->keeper, service->keeper_program_fd, &job, why);
}

/* A new keeper knows of groups by its job; of sessions, where there are no groups, it has to be told. */
static int tell_sessions(struct service *service, struct failure *why)
{
	for (size_t i = 0; i < service->run_count; i++) {
		const struct worker_run *run = &service->runs[i];
		if (run->id != 0 && !run->has_group && run->child.pid > 0 &&
		    keeper_add_session(&service->keeper, run->child.pid, why) < 0)
			return -1;
	}
	return 0;
}

static void keeper_ended(struct source *source, uint32_t events UNUSED);

static int watch_keeper(struct service *service, struct failure *why)
{
	service->keeper_end = (struct source){ .fd = service->keeper.pid_fd, .ready = keeper_ended, .owner = service };
	return loop_add(&service->loop, &service->keeper_end, EPOLLIN, why) < 0 ? failed_in(why, "keeper") : 0;
}

static void end_keeper(struct service *service)
{
	loop_remove(&service->loop, &service->keeper_end);
	service->keeper_end.fd = -1;
	keeper_finish(&service->keeper);
}

/* The second line of defence is gone: a new one is started at once, and less often where it does not stay. */
static void plan_keeper(struct service *service, const char *what)
{
	int64_t now_usec = loop_now_usec(), pause_usec = respite_after_end(&service->keeper_respite, now_usec);
	service->keeper_again_usec = now_usec + pause_usec;
	if (pause_usec > 0)
		tell_warning(service, "the keeper %s; without it a killed supervisor leaves its workers: the next try is in %d s",
			     what, (int)(pause_usec / USEC_PER_SEC));
}

static void keeper_ended(struct source *source, uint32_t events UNUSED)
{
	struct service *service = source->owner;
	end_keeper(service);
	plan_keeper(service, "has ended again");
}

void guard_look(struct service *service)
{
	struct failure why;
	char text[400];
	service->keeper_again_usec = USEC_NEVER;
	respite_begin(&service->keeper_respite, loop_now_usec());
	if (start_keeper(service, &why) == 0 && tell_sessions(service, &why) == 0 && watch_keeper(service, &why) == 0) {
		tell_warning(service, "the keeper had ended and was started again");
		renew_filters(service);
		return;
	}
	end_keeper(service);
	snprintf(text, sizeof(text), "has ended and cannot be started again: %.300s", why.text);
	plan_keeper(service, text);
}

/* Where this process has to move into a leaf of its own, the keeper comes after that: BASE must hold neither. */
static bool keeper_comes_late(const struct service *service)
{
	return service->tree.problem[0] == '\0' && service->tree.needs_leaf;
}

void guard_prepare(struct service *service)
{
	struct failure ignored; /* making the groups tells it */
	if (service->tree.problem[0] == '\0' && !keeper_comes_late(service))
		(void)cgroup_service_open(&service->groups, &service->tree, service->setup->name, &ignored);
}

int guard_begin(struct service *service, struct failure *why)
{
	if (keeper_comes_late(service))
		return 0;
	return start_keeper(service, why) < 0 || watch_keeper(service, why) < 0 ? -1 : 0;
}

static int make_groups(struct service *service, struct failure *why)
{
	if (service->groups.made)
		return cgroup_service_make_opened(&service->groups, why);
	return cgroup_service_make(&service->groups, &service->tree, service->setup->name, why);
}

/* Groups where there can be some; without them, what asked for a limit fails. */
static int start_groups(struct service *service, struct failure *why)
{
	const struct plan_number *max = &service->setup->plan->numbers[PLAN_MEMORY_MAX];
	if (service->tree.problem[0] != '\0') {
		tell_warning(service, "no cgroup of its own: %s", service->tree.problem);
		return 0;
	}
	service->has_groups = make_groups(service, why) == 0;
	if (service->has_groups)
		return 0;
	if (max->value != SIZE_NONE)
		return failed_in(why, "cgroup");
	tell_warning(service, "no cgroup of its own: %s", why->text);
	return 0;
}

int guard_make_groups(struct service *service, struct failure *why)
{
	if (start_groups(service, why) < 0)
		return -1;
	if (!service->has_groups && session_adopt(&service->adopting_since) < 0)
		tell_warning(service, "processes that leave a worker's session are not found again: PR_SET_CHILD_SUBREAPER: %s",
			     strerror(errno));
	bool right = service->keeper.pid > 0 && service->keeper_knows_groups == service->has_groups &&
		     !service->groups.reopened;
	if (right)
		return 0;
	end_keeper(service);
	return start_keeper(service, why) < 0 || watch_keeper(service, why) < 0 ? -1 : 0;
}

static bool lives_beside(const struct worker_run *run)
{
	const struct service *service = run->service;
	for (size_t i = 0; i < service->run_count; i++)
		if (&service->runs[i] != run && service->runs[i].id != 0 && service->runs[i].child.pid > 0)
			return true;
	return false;
}

/* Who has no parent left is ours, but nothing tells whose it was: it goes with the last worker. */
void guard_end_strays(const struct worker_run *run)
{
	const struct timespec pause = { .tv_nsec = STRAY_ROUND_NSEC };
	struct service *service = run->service;
	const int32_t known[] = { service->keeper.pid, service->trial.report.fd >= 0 ? service->trial.child.pid : 0 };
	if (run->has_group || service->has_groups || lives_beside(run))
		return;
	size_t left = session_signal_adopted(known, ARRAY_LEN(known), service->adopting_since, SIGKILL);
	for (int round = 0; left > 0 && round < STRAY_ROUNDS_MAX; round++) {
		nanosleep(&pause, NULL);
		left = session_signal_adopted(known, ARRAY_LEN(known), service->adopting_since, SIGKILL);
	}
	if (left > 0)
		tell_warning(service, "what the worker has started and left still runs, in spite of SIGKILL (%zu processes)", left);
}

/* In order: where the keeper stands in the leaf that goes with the group, it leaves first; and always before the name is
 * free for the next supervisor. Where this one has failed with a worker alive, the keeper stays: our end of its pipe
 * closes with us, and it kills and removes what there is. */
void guard_finish(struct service *service, bool abandoned)
{
	if (abandoned) {
		loop_remove(&service->loop, &service->keeper_end);
		return;
	}
	if (service->started) { /* else what the supervisor before this one knew is for the next one */
		state_dir_forget_budget(&service->dir);
		breadcrumbs_forget(service);
	}
	protection_end(service);
	if (!service->groups.moved)
		cgroup_service_remove(&service->groups);
	end_keeper(service);
	cgroup_service_remove(&service->groups);
	state_dir_release(&service->dir);
}
