/* SPDX-License-Identifier: Apache-2.0 */
/* ready: whether a worker that starts is ready, in the way that its policy asks for: by its own word (listening, notify) or
 * by looks at a port. Once it is, the event READY; if it never is, what was missing. */
#include "supervisor/core/listen_address.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/readiness.h"
#include "supervisor/edge/process_look.h"
#include "supervisor/edge/ready_port.h"
#include "supervisor/service/internal.h"

#include <stdio.h>

#define ELSEWHERE_USEC (2 * USEC_PER_SEC)

static struct ready_when asked_of(const struct worker_run *run)
{
	return plan_ready(run->service->setup->policy);
}

static struct readiness what_was_seen(const struct worker_run *run)
{
	const struct policy *policy = run->service->setup->policy;
	const struct records *records = run->has_records ? &run->records : NULL;
	const struct reporter *principal = records == NULL ? NULL : records_principal(records);
	return (struct readiness){
		.when = plan_ready(policy),
		.held = &policy->service.listen,
		.serves = records == NULL ? 0 : records->serves,
		.foreign = records == NULL ? "" : records->foreign,
		.reports = principal != NULL && !principal->launcher,
		.messages = run->notify.messages,
		.answer = run->ready_answer,
	};
}

/* It is ready, or is being ended: what comes now says nothing of its start any more. */
static bool is_past(const struct worker_run *run)
{
	const struct worker *worker = service_state_worker(&run->service->state, run->id);
	bool comes = worker != NULL && (worker->state == WORKER_LAUNCHING || worker->state == WORKER_STARTING);
	return !comes || run->exited || run->killing;
}

/* By a held socket, which listens already: an answer is the worker's once it serves that. Without an agent nobody tells. */
static bool may_ask(const struct worker_run *run)
{
	struct readiness seen = what_was_seen(run);
	return listen_addresses_find_port(seen.held, seen.when.port) == NULL || readiness_listens(&seen) ||
	       !run->service->setup->plan->manages_heap;
}

static void look_again(struct worker_run *run)
{
	run->ready_look_usec = loop_now_usec() + READY_PORT_POLL_USEC;
}

static void http_answered(struct ready_http *http, int status, const char *problem)
{
	struct worker_run *run = http->owner;
	if (is_past(run))
		return;
	if (status == 0)
		snprintf(run->ready_answer, sizeof(run->ready_answer), "%s", problem);
	else
		snprintf(run->ready_answer, sizeof(run->ready_answer), "%d", status);
	if (status >= 200 && status < 400) {
		run->ready_look_usec = USEC_NEVER;
		service_push_worker(run->service, WORKER_EVENT_READY, run);
	} else {
		look_again(run);
	}
}

static void ask_http(struct worker_run *run)
{
	struct ready_when when = asked_of(run);
	const struct listen_address *held = listen_addresses_find_port(&run->service->setup->policy->service.listen, when.port);
	if (ready_http_is_asking(&run->http)) {
		ready_http_cancel(&run->http);
		snprintf(run->ready_answer, sizeof(run->ready_answer), "no answer within 2 s");
	}
	ready_http_init(&run->http, &run->service->loop, held == NULL ? "" : held->host, when.port, when.path);
	run->http.answered = http_answered;
	run->http.owner = run;
	run->ready_look_usec = loop_now_usec() + READY_HTTP_TIMEOUT_USEC;
	ready_http_ask(&run->http);
}

static void look_at_port(struct worker_run *run)
{
	if (ready_port_accepts(asked_of(run).port))
		service_push_worker(run->service, WORKER_EVENT_READY, run);
	else
		look_again(run);
}

/* A process of the worker, by the kernel's word: of its group, else of its session. Of one that has ended since, as a
 * notifier may that a shell has started, only the user is known; who is that user could speak through the worker too. */
static bool belongs_to(const struct worker_run *run, int32_t pid, uint32_t uid)
{
	const struct service *service = run->service;
	bool own_user = service->setup->policy->sandbox.user != NULL;
	if (pid <= 0)
		return false;
	if (run->has_group ? cgroup_has_process(&run->group, pid) : getsid(pid) == run->child.pid)
		return true;
	return process_look(pid).gone && uid == (own_user ? service->user.uid : geteuid());
}

static void notified(struct ready_notify *notify, int32_t pid, uint32_t uid)
{
	struct worker_run *run = notify->owner;
	if (run->said_ready || is_past(run))
		return;
	run->said_ready = belongs_to(run, pid, uid);
	if (run->said_ready)
		service_push_worker(run->service, WORKER_EVENT_READY, run);
	else if (!run->stranger_said)
		tell_warning(run->service, "READY=1 came from pid %d of uid %u, which is no process of the worker: not believed",
			     pid, uid);
	run->stranger_said = run->stranger_said || !run->said_ready;
}

int ready_prepare(struct worker_run *run, struct failure *why)
{
	if (asked_of(run).kind != READY_NOTIFY)
		return 0;
	if (ready_notify_init(&run->notify, &run->service->loop, why) < 0)
		return -1;
	run->notify.ready = notified;
	run->notify.owner = run;
	return 0;
}

void ready_finish(struct worker_run *run)
{
	ready_http_cancel(&run->http);
	ready_notify_finish(&run->notify);
}

void ready_launched(struct worker_run *run)
{
	/* A quick one has told before we heard of its exec. */
	if (asked_of(run).kind == READY_STARTED || run->said_ready)
		service_push_worker(run->service, WORKER_EVENT_READY, run);
	else if (asked_of(run).kind == READY_LISTENING)
		ready_listening(run);
	else
		ready_look(run);
}

/* A metrics port may come first: who listens on that alone for a while listens where nobody asks. */
static void tell_elsewhere(struct worker_run *run)
{
	struct readiness seen = what_was_seen(run);
	char missing[sizeof(((struct evidence *)NULL)->missing)];
	if (readiness_listens(&seen))
		return;
	readiness_missing(&seen, missing, sizeof(missing));
	tell_warning(run->service, "not ready yet: %s", missing);
}

/* Once for each worker. */
static void look_for_elsewhere(struct worker_run *run, const struct readiness *seen)
{
	if (seen->when.kind != READY_LISTENING || seen->foreign[0] == '\0' || run->elsewhere_looked)
		return;
	run->elsewhere_looked = true;
	run->ready_look_usec = loop_now_usec() + ELSEWHERE_USEC;
}

void ready_look(struct worker_run *run)
{
	struct ready_when when = asked_of(run);
	run->ready_look_usec = USEC_NEVER;
	if (is_past(run))
		ready_http_cancel(&run->http);
	else if (when.kind == READY_LISTENING)
		tell_elsewhere(run);
	else if (when.kind == READY_TCP)
		look_at_port(run);
	else if (when.kind == READY_HTTP && may_ask(run))
		ask_http(run);
}

void ready_listening(struct worker_run *run)
{
	struct readiness seen = what_was_seen(run);
	if (is_past(run))
		return;
	if (!readiness_listens(&seen)) {
		look_for_elsewhere(run, &seen);
		return;
	}
	if (seen.when.kind == READY_LISTENING)
		service_push_worker(run->service, WORKER_EVENT_READY, run);
	else if (seen.when.kind == READY_HTTP && !ready_http_is_asking(&run->http))
		ready_look(run);
}

void ready_missing(const struct worker_run *run, char *text, size_t size)
{
	struct readiness seen = what_was_seen(run);
	if (seen.when.kind != READY_STARTED)
		readiness_missing(&seen, text, size);
}
