/* SPDX-License-Identifier: Apache-2.0 */
/* reach: what a worker could get at of the supervisor is not concluded but tried: by heapward-child, which is launched as a
 * worker is, beside the first one of each policy that is ready, so that no start waits for it. */
#include "supervisor/core/names.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A target for each act; an empty one is not tried. */
struct targets {
	char text[REACH_COUNT][PATH_MAX];
	char *list[REACH_COUNT + 1];
};

static bool has_own_uid(const struct service *service)
{
	return service->setup->policy->sandbox.user != NULL && service->user.uid != geteuid();
}

static void fill_targets(const struct worker_run *run, struct targets *targets)
{
	const struct service *service = run->service;
	const struct state_dir *dir = &service->dir;
	struct failure ignored; /* then it runs without */
	char *slash;
	snprintf(targets->text[REACH_STATE_READ], PATH_MAX, "%s", dir->state_path);
	snprintf(targets->text[REACH_STATE_WRITE], PATH_MAX, "%s", dir->state_path);
	snprintf(targets->text[REACH_RUNTIME_WRITE], PATH_MAX, "%s", dir->runtime_path);
	if (service->has_control)
		snprintf(targets->text[REACH_CONTROL], PATH_MAX, "%s/control", dir->runtime_path);
	snprintf(targets->text[REACH_POLICY_WRITE], PATH_MAX, "%s", service->setup->policy_file);
	if (libexec_path("heapward-child", targets->text[REACH_PROGRAM_WRITE], PATH_MAX, &ignored) < 0)
		targets->text[REACH_PROGRAM_WRITE][0] = '\0';
	if ((slash = strrchr(targets->text[REACH_PROGRAM_WRITE], '/')) != NULL)
		*slash = '\0';
	if (run->has_group)
		cgroup_limit_file(&run->group, targets->text[REACH_CGROUP_WRITE], PATH_MAX);
	for (enum reach_act act = REACH_SIGNAL; act <= REACH_MEMORY; act++)
		snprintf(targets->text[act], PATH_MAX, "%d", (int)getpid());
	if (service->keeper.pid > 0)
		snprintf(targets->text[REACH_KEEPER], PATH_MAX, "%d", service->keeper.pid);
	for (size_t i = 0; i < REACH_COUNT; i++)
		targets->list[i] = targets->text[i];
}

/* Where uids differ nothing of it should be open. */
static void tell_open(struct service *service)
{
	char list[600] = "";
	size_t length = 0;
	if (service->trial.open == 0 || !has_own_uid(service))
		return;
	for (enum reach_act act = 0; act < REACH_COUNT && length < sizeof(list); act++)
		if ((service->trial.open >> act & 1) != 0)
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", length > 0 ? "; " : "", reach_text(act));
	tell_warning(service, "the worker's user can: %s", list);
}

static void keep(struct trial *trial, const struct launch_report *report)
{
	if (report->kind != LAUNCH_REPORT_FAILED || report->step != LAUNCH_STEP_EXEC || report->error != 0 || strlen(report->text) != REACH_COUNT) {
		snprintf(trial->problem, sizeof(trial->problem), "%s: %.100s", launch_step_name(report->step), report->text);
		return;
	}
	trial->tried = true;
	for (size_t i = 0; i < REACH_COUNT; i++)
		trial->open |= report->text[i] == REACH_OPEN ? 1u << i : 0;
}

/* The child itself is reaped with the orphans. */
static void end(struct service *service)
{
	struct trial *trial = &service->trial;
	loop_remove(&service->loop, &trial->report);
	close(TAKE_FD(trial->report.fd));
	cleanup_close(&trial->child.pid_fd);
	trial->child.pid_fd = -1;
}

static void reported(struct source *source, uint32_t events UNUSED)
{
	struct service *service = source->owner;
	struct launch_report report;
	struct failure why;
	cleanup_fd int no_listener = -1;
	int result = spawn_read_report(source->fd, &report, &no_listener, &why);
	if (result < 0 && why.error == EAGAIN)
		return;
	end(service);
	if (result > 0)
		keep(&service->trial, &report);
	else
		snprintf(service->trial.problem, sizeof(service->trial.problem), "%s",
			 result == 0 ? "it ended before it had tried" : why.text);
	tell_open(service);
}

void reach_begin(struct worker_run *run)
{
	struct service *service = run->service;
	struct trial *trial = &service->trial;
	struct failure why;
	if (trial->of == service->setup || trial->report.fd >= 0 || service->setup->learning != NULL)
		return; /* who learns has none of what the policy denies */
	*trial = (struct trial){ .of = service->setup, .report = { .fd = -1 } };
	cleanup_free struct targets *targets = calloc(1, sizeof(*targets));
	if (targets == NULL)
		return;
	fill_targets(run, targets);
	if (launch_trial(run, targets->list, &trial->child, &why) < 0) {
		snprintf(trial->problem, sizeof(trial->problem), "%.150s", why.text);
		return;
	}
	trial->report = (struct source){ .fd = trial->child.report_fd, .ready = reported, .owner = service };
	if (loop_add(&service->loop, &trial->report, EPOLLIN, &why) == 0)
		return;
	snprintf(trial->problem, sizeof(trial->problem), "%.150s", why.text);
	reach_finish(service);
}

void reach_fill(const struct service *service, struct status *status)
{
	const struct trial *trial = &service->trial;
	status->protection.separate_uid = has_own_uid(service);
	status->protection.tried = trial->tried && trial->of == service->setup;
	status->protection.open = trial->open;
	snprintf(status->protection.problem, sizeof(status->protection.problem), "%s", trial->problem);
}

void reach_finish(struct service *service)
{
	struct trial *trial = &service->trial;
	siginfo_t info;
	if (trial->report.fd < 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, trial->child.pid_fd, SIGKILL, NULL, 0);
	(void)waitid(P_PIDFD, (id_t)trial->child.pid_fd, &info, WEXITED);
	end(service);
}
