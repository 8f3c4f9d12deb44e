/* SPDX-License-Identifier: Apache-2.0 */
/* sources: readiness of a descriptor to an event in the queue, and nothing else. */
#include "supervisor/core/names.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/self.h"
#include "supervisor/service/internal.h"
#include "base/units.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* The supervisor as PID 1 inherits every orphan; its own children are told by their pidfds. */
static void reap_orphans(struct service *service)
{
	for (;;) {
		siginfo_t info = { 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		if (info.si_pid == service->keeper.pid)
			return;
		for (size_t i = 0; i < service->run_count; i++)
			if (service->runs[i].id != 0 && service->runs[i].child.pid == info.si_pid)
				return;
		waitid(P_PID, (id_t)info.si_pid, &info, WEXITED | WNOHANG);
	}
}

static void forward(struct service *service, int signal)
{
	for (uint32_t i = 0; i < service->state.slot_count; i++) {
		struct worker_run *run = service_run_serving(service, i);
		if (run != NULL)
			ending_signal(run, signal);
	}
}

static void signal_came(struct source *source, uint32_t events UNUSED)
{
	struct service *service = source->owner;
	struct signalfd_siginfo info;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCHLD)
		reap_orphans(service);
	else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
		service_push_order(service, SLOT_EVENT_STOP);
	else if (info.ssi_signo == SIGHUP && info.ssi_code == SI_KERNEL)
		service_push_order(service,
				  SLOT_EVENT_STOP); /* the terminal is gone: nobody asked the worker to reload */
	else
		forward(service, (int)info.ssi_signo);
}

int sources_watch_signals(struct service *service, struct failure *why)
{
	static const int watched[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGCHLD };
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		sigaddset(&set, watched[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return failed(why, errno, "block signals");
	self_ignore_signals(watched, ARRAY_LEN(watched));
	signal(SIGPIPE, SIG_IGN);
	/* Ignored (inherited from who started us), it would let the kernel reap the worker and drop its status. */
	signal(SIGCHLD, SIG_DFL);
	service->signals = (struct source){ .ready = signal_came, .owner = service };
	service->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (service->signals.fd < 0)
		return failed(why, errno, "signalfd");
	return loop_add(&service->loop, &service->signals, EPOLLIN, why);
}

static void keep_launch_failure(struct worker_run *run, const struct launch_report *report)
{
	run->launch.failed = true;
	run->launch.error = report->error;
	snprintf(run->launch.step, sizeof(run->launch.step), "%s", launch_step_name(report->step));
	snprintf(run->launch.text, sizeof(run->launch.text), "%s", report->text);
	service_push_worker(run->service, WORKER_EVENT_LAUNCH_FAILED, run);
}

/* A list that does not let the command be executed may not let its child tell that, either. */
static void keep_denied_exec(struct worker_run *run)
{
	const struct service_setup *setup = run->service->setup;
	struct launch_report report = { .step = LAUNCH_STEP_EXEC, .error = EPERM };
	const char *list = policy_syscalls(setup->policy), *slash = strrchr(list, '/');
	snprintf(report.text, sizeof(report.text), "%.60s: execve is not in its list of system calls (%.45s)", setup->command[0],
		 slash == NULL ? list : slash + 1);
	keep_launch_failure(run, &report);
}

/* A filter of which nobody has told what becomes of it would deny without a word. */
static void keep_silent_filter(struct worker_run *run)
{
	struct launch_report report = { .step = LAUNCH_STEP_SECCOMP };
	snprintf(report.text, sizeof(report.text), "the filter's listener has not come: what it denies would not be seen");
	keep_launch_failure(run, &report);
}

static void hear_filter(struct worker_run *run, const struct launch_report *report, int listener)
{
	bool learns = run->service->setup->learning != NULL;
	run->filter_silent = false;
	if (report->kind == LAUNCH_REPORT_LISTENER)
		(learns ? learning_listen : violating_listen)(run, listener);
	else
		(learns ? learning_unheard_of : violating_unheard_of)(run, report->error);
}

/* End of file on the report socket means that exec has happened, or that the child has ended before it. */
static void launch_reported(struct source *source, uint32_t events UNUSED)
{
	struct worker_run *run = source->owner;
	struct launch_report report;
	struct failure why;
	int listener, result = spawn_read_report(source->fd, &report, &listener, &why);
	while (result > 0 && report.kind != LAUNCH_REPORT_FAILED) {
		hear_filter(run, &report, listener);
		result = spawn_read_report(source->fd, &report, &listener, &why);
	}
	if (result < 0 && why.error == EAGAIN)
		return;
	loop_remove(&run->service->loop, source);
	close(TAKE_FD(source->fd));
	if (run->exec_denied) {
		keep_denied_exec(run);
	} else if (result > 0) {
		keep_launch_failure(run, &report);
	} else if (ending_reap(run)) {
		return;
	} else if (run->filter_silent) {
		keep_silent_filter(run);
	} else {
		service_push_worker(run->service, WORKER_EVENT_LAUNCHED, run);
		learning_launched(run);
		ready_launched(run);
		watching_launched(run);
	}
}

/* The main process has ended: what it still wrote, and why it never became the worker, is read before anything else. */
static void worker_exited(struct source *source, uint32_t events UNUSED)
{
	struct worker_run *run = source->owner;
	if (!ending_reap(run))
		return;
	loop_remove(&run->service->loop, source);
	if (run->report.fd >= 0)
		launch_reported(&run->report, 0);
	output_drain(&run->output);
	records_drain(&run->records);
	violating_tell_rest(run);
	service_push_worker(run->service, WORKER_EVENT_EXITED, run);
	if (run->killing)
		run->poll_usec = run->ended_usec;
	reap_orphans(run->service);
}

/* The kernel tells of the kill before the victim has ended: a good moment to see how much memory there was. Whether the
 * victim was a child of a server that lives on is seen later. */
static void oom_came(struct source *source, uint32_t events UNUSED)
{
	struct worker_run *run = source->owner;
	cgroup_oom_heard(source->fd);
	if (run->child_look_usec == USEC_NEVER)
		cgroup_read_memory(&run->group, &run->memory);
	children_suspect(run);
	warning_occasion(run);
}

static void watch_oom(struct worker_run *run)
{
	struct failure ignored; /* only an earlier look at the memory is lost */
	uint32_t events;
	run->oom = (struct source){ .fd = -1, .ready = oom_came, .owner = run };
	if (!run->has_group)
		return;
	run->oom.fd = cgroup_watch_oom(&run->group, &events, &ignored);
	if (run->oom.fd >= 0 && loop_add(&run->service->loop, &run->oom, events, &ignored) < 0)
		close(TAKE_FD(run->oom.fd));
}

int sources_watch_worker(struct worker_run *run, struct failure *why)
{
	struct loop *loop = &run->service->loop;
	run->exit = (struct source){ .fd = run->child.pid_fd, .ready = worker_exited, .owner = run };
	run->report = (struct source){ .fd = run->child.report_fd, .ready = launch_reported, .owner = run };
	watch_oom(run);
	if (loop_add(loop, &run->exit, EPOLLIN, why) < 0 || loop_add(loop, &run->report, EPOLLIN, why) < 0)
		return failed_in(why, "watch the worker");
	return 0;
}

static void unwatch(struct worker_run *run, struct source *source)
{
	loop_remove(&run->service->loop, source);
	if (source->fd >= 0)
		close(TAKE_FD(source->fd));
}

void sources_unwatch_worker(struct worker_run *run)
{
	warning_end(run);
	if (run->child.pid <= 0)
		return;
	unwatch(run, &run->exit);
	unwatch(run, &run->report);
	unwatch(run, &run->oom);
	violating_finish(run);
}

static void output_seen(struct output *output, const void *bytes, size_t count)
{
	struct worker_run *run = output->owner;
	int64_t now_usec = loop_now_usec();
	fatal_scanner_feed(&run->fatal, bytes, count, now_usec);
	sink_write(&run->service->sink, bytes, count, now_usec);
}

void sources_attach_output(struct worker_run *run)
{
	run->output.owner = run;
	run->output.seen = output_seen;
	output_pause(&run->output, run->service->sink.blocked && !run->service->sink.dropping);
}

static void sink_flows(struct sink *sink, bool blocked)
{
	struct service *service = sink->owner;
	for (size_t i = 0; i < service->run_count; i++)
		if (service->runs[i].has_output)
			output_pause(&service->runs[i].output, blocked);
}

static void sink_resumed(struct sink *sink, uint64_t dropped)
{
	struct service *service = sink->owner;
	struct notice notice = tell_notice(service, NOTICE_OUTPUT_DROPPED, NULL);
	char size[UNITS_TEXT_MAX];
	snprintf(notice.message, sizeof(notice.message),
		 "stderr took nothing for a second: %s not passed on (the last 64 KiB are kept)",
		 units_format_size(size, dropped));
	tell_add_number(&notice, "dropped_bytes", (int64_t)dropped);
	tell(service, &notice);
}

void sources_attach_sink(struct service *service)
{
	service->sink.owner = service;
	service->sink.flow = sink_flows;
	service->sink.resumed = sink_resumed;
}

static uint32_t servers_reporting(const struct records *records)
{
	uint32_t count = 0;
	for (size_t i = 0; i < records->reporter_count; i++)
		if (records->reporters[i].main_isolate && !records->reporters[i].launcher &&
		    !records->reporters[i].closed)
			count++;
	return count;
}

static void tell_difference(struct worker_run *run, const struct reporter *reporter, uint64_t planned_bytes)
{
	char in_effect[UNITS_TEXT_MAX], planned[UNITS_TEXT_MAX], old[UNITS_TEXT_MAX], old_planned[UNITS_TEXT_MAX];
	uint64_t young_bytes = run->young_bytes; /* V8 tells only the sum: taken for what was planned */
	uint64_t limit_bytes = reporter->heap_size_limit_bytes;
	struct notice notice = tell_notice(run->service, NOTICE_PLAN_DIFFERS, run);
	notice.pid = reporter->pid;
	snprintf(notice.message, sizeof(notice.message),
		 "heap size limit in effect is %s (old space %s), planned %s (old space %s): something else sets V8's "
		 "limits",
		 units_format_size(in_effect, limit_bytes),
		 units_format_size(old, limit_bytes > young_bytes ? limit_bytes - young_bytes : 0),
		 units_format_size(planned, planned_bytes),
		 units_format_size(old_planned, planned_bytes - young_bytes));
	tell_add_number(&notice, "limit_bytes", (int64_t)reporter->heap_size_limit_bytes);
	tell_add_number(&notice, "planned_bytes", (int64_t)planned_bytes);
	tell(run->service, &notice);
}

static void tell_overcommit(struct worker_run *run, const struct reporter *reporter)
{
	uint64_t planned = run->service->setup->plan->numbers[PLAN_PROCESSES].value;
	uint32_t servers = servers_reporting(&run->records);
	if (servers <= planned || run->service->overcommit_said)
		return;
	run->service->overcommit_said = true;
	struct notice notice = tell_notice(run->service, NOTICE_PLAN_OVERCOMMIT, run);
	notice.pid = reporter->pid;
	snprintf(notice.message, sizeof(notice.message),
		 "%u Node processes share memory.max, planned for %u; set heap.processes: %u", servers,
		 (uint32_t)planned, servers);
	tell_add_number(&notice, "processes", servers);
	tell_add_number(&notice, "planned", (int64_t)planned);
	tell(run->service, &notice);
}

/* The worker itself says which limit took effect; a difference between plan and reality is an event. */
static void reporter_said_hello(struct records *records, const struct reporter *reporter)
{
	struct worker_run *run = records->owner;
	const struct plan *plan = run->service->setup->plan;
	uint64_t planned_bytes = run->heap_size_limit_bytes;
	warning_said_hello(run, reporter);
	if (!plan->manages_heap || reporter->launcher || !reporter->main_isolate)
		return;
	if (planned_bytes != SIZE_NONE && planned_bytes != SIZE_UNKNOWN &&
	    reporter->heap_size_limit_bytes != SIZE_UNKNOWN && reporter->heap_size_limit_bytes != planned_bytes &&
	    tell_may(run))
		tell_difference(run, reporter, planned_bytes);
	tell_overcommit(run, reporter);
}

static void tell_near_limit(struct worker_run *run, const struct reporter *reporter, uint64_t newly_granted_bytes)
{
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], granted[UNITS_TEXT_MAX];
	struct notice notice = tell_notice(run->service, NOTICE_HEAP_NEAR_LIMIT, run);
	notice.pid = reporter->pid;
	units_format_size(used, reporter->last.used_bytes);
	units_format_size(limit, reporter->last.limit_bytes);
	if (newly_granted_bytes > 0)
		snprintf(notice.message, sizeof(notice.message),
			 "near the heap limit: used %s of %s; headroom granted: %s", used, limit,
			 units_format_size(granted, newly_granted_bytes));
	else
		snprintf(notice.message, sizeof(notice.message), "near the heap limit: used %s of %s; no more headroom",
			 used, limit);
	tell_add_number(&notice, "used_bytes", (int64_t)reporter->last.used_bytes);
	tell_add_number(&notice, "limit_bytes", (int64_t)reporter->last.limit_bytes);
	tell_add_number(&notice, "granted_bytes", (int64_t)newly_granted_bytes);
	tell(run->service, &notice);
}

static void reporter_near_limit(struct records *records, const struct reporter *reporter, uint64_t newly_granted_bytes)
{
	struct worker_run *run = records->owner;
	if (tell_may(run))
		tell_near_limit(run, reporter, newly_granted_bytes);
	if (reporter->launcher)
		return;
	warning_of_leak(run->service);
	service_push_worker(run->service, WORKER_EVENT_NEAR_LIMIT, run);
}

static void reporter_listens(struct records *records, const struct reporter *reporter UNUSED,
			     const struct heapward_record_listening *listening UNUSED)
{
	ready_listening(records->owner);
}

static void reporter_has_limit(struct records *records, const struct reporter *reporter,
			       const struct heapward_record_limit *limit)
{
	if (tell_may(records->owner))
		setting_answered(records->owner, reporter, limit);
}

static void all_have_drained(struct records *records)
{
	struct worker_run *run = records->owner;
	service_push_worker(run->service, WORKER_EVENT_DRAINED, run);
}

/* Once for each worker; status has the counts. */
static void records_doubted(struct records *records)
{
	struct worker_run *run = records->owner;
	if (run->doubts_said)
		return;
	run->doubts_said = true;
	struct notice notice = tell_notice(run->service, NOTICE_RECORDS_BAD, run);
	snprintf(notice.message, sizeof(notice.message),
		 "sends heap records that are not to be believed%s; heapward status %s counts them",
		 records->pauses > 0 ? ", or too many" : "", run->service->setup->name);
	tell(run->service, &notice);
}

static void reporter_ended(struct records *records, const struct reporter *reporter)
{
	children_reporter_ended(records->owner, reporter);
}

static void heart_beats(struct records *records, const struct reporter *reporter)
{
	watching_heard(records->owner, reporter);
}

static void heap_sampled(struct records *records, const struct reporter *reporter)
{
	breadcrumbs_note(records->owner);
	warning_sampled(records->owner, reporter);
}

void sources_attach_records(struct worker_run *run)
{
	run->records.owner = run;
	run->records.hello = reporter_said_hello;
	run->records.near_limit = reporter_near_limit;
	run->records.ended = reporter_ended;
	run->records.listening = reporter_listens;
	run->records.drained_all = all_have_drained;
	run->records.limit = reporter_has_limit;
	run->records.sampled = heap_sampled;
	run->records.doubted = records_doubted;
	run->records.heartbeat = heart_beats;
}
