/* SPDX-License-Identifier: Apache-2.0 */
/* violating: calls that a worker's filter does not allow: answered as sandbox.violation says, counted, and told. */
#include "supervisor/core/policy.h"
#include "supervisor/core/printable.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/session.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define VERDICT_CALL_COLUMNS 60 /* of the call in the line of a death */

uint32_t violating_unheard(enum violation violation)
{
	static const uint32_t answers[] = {
		[VIOLATION_ERRNO] = SECCOMP_RET_ERRNO | EPERM,
		[VIOLATION_KILL] = SECCOMP_RET_KILL_PROCESS,
		[VIOLATION_AUDIT] = SECCOMP_RET_LOG,
	};
	return answers[violation];
}

static void tell_call(struct worker_run *run, struct violation_call *call)
{
	char arguments[160];
	struct notice notice = tell_notice(run->service, NOTICE_SECCOMP_VIOLATION, run);
	violations_told(call);
	if (!tell_may(run))
		return;
	notice.pid = call->pid;
	enum violation answer = call->held ? VIOLATION_ERRNO : run->violation;
	violation_text(call, answer, &run->list, notice.message, sizeof(notice.message));
	tell_add_text(&notice, "call", call->name);
	tell_add_number(&notice, "number", call->number);
	tell_add_text(&notice, "arguments", violation_arguments(call, arguments, sizeof(arguments)));
	tell_add_text(&notice, "comm", call->comm);
	tell_add_number(&notice, "count", (int64_t)call->count);
	tell_add_text(&notice, "list", run->list.name);
	tell_add_text(&notice, "answer", policy_violation_name(answer));
	tell(run->service, &notice);
}

/* Who it was and with what, this time; it still waits for its answer, so it is there to be looked at. */
static void describe(struct worker_run *run, const struct notification *notification, struct violation_call *call)
{
	char comm[NOTIFY_COMM_MAX];
	if (call->name[0] == '\0')
		filter_call_name(notification->architecture, notification->number, call->name, sizeof(call->name));
	call->pid = notify_process(&run->listener, notification, comm);
	printable_copy(call->comm, sizeof(call->comm), comm);
	memcpy(call->arguments, notification->arguments, sizeof(call->arguments));
	call->shielded = shield_holds(&run->service->filter.shield, notification->number, notification->arguments);
}

/* The whole worker at once; its main process's end then takes the usual way to a verdict. Who called may have left
 * group and session. */
static void kill_worker(struct worker_run *run, const struct notification *notification, const struct violation_call *call)
{
	cleanup_fd int caller = notify_open_process(&run->listener, notification);
	run->denied = (struct denied_call){ .killed = true, .pid = call->pid };
	snprintf(run->denied.call, sizeof(run->denied.call), "%s", call->name);
	violation_call(call, VERDICT_CALL_COLUMNS, run->denied.shown, sizeof(run->denied.shown));
	snprintf(run->denied.comm, sizeof(run->denied.comm), "%s", call->comm);
	if (run->has_group)
		cgroup_kill(&run->group);
	else
		(void)session_signal(&run->child.pid, 1, SIGKILL);
	ending_signal(run, SIGKILL);
	if (caller >= 0)
		syscall(SYS_pidfd_send_signal, caller, SIGKILL, NULL, 0);
}

/* What an audit must not let through: it would harm the supervisor, and with it the worker. Who enters the kernel as another
 * architecture has other numbers, which nobody here can judge. */
static bool is_held(const struct worker_run *run, const struct notification *notification)
{
	return run->violation == VIOLATION_AUDIT &&
	       (notification->architecture != filter_names().architecture || notification->number >= SYSCALL_X32 ||
		shield_holds(&run->service->filter.shield, notification->number, notification->arguments));
}

/* The report's descriptor is closed by exec: while it is there, the child has not become the command. */
static bool is_denied_exec(const struct worker_run *run, const struct notification *notification)
{
	struct syscall_names names = filter_names();
	return run->violation == VIOLATION_ERRNO && run->report.fd >= 0 && notification->pid == run->child.pid &&
	       notification->number == names.number(&names, "execve");
}

static enum notify_answer asked(struct notify *notify, const struct notification *notification)
{
	static const enum notify_answer answers[] = {
		[VIOLATION_ERRNO] = NOTIFY_DENY, [VIOLATION_KILL] = NOTIFY_HOLD, [VIOLATION_AUDIT] = NOTIFY_PASS
	};
	struct worker_run *run = notify->owner;
	bool tells;
	struct violation_call *call =
		violations_note(&run->violations, filter_call_sort(notification->architecture, notification->number),
				notification->number, &tells);
	int64_t wait_usec = violations_pace(&run->violations, loop_now_usec());
	call->held = is_held(run, notification);
	run->exec_denied = run->exec_denied || is_denied_exec(run, notification);
	if (run->denied.killed)
		return NOTIFY_HOLD; /* of a group that is dying */
	if (tells) {
		describe(run, notification, call);
		tell_call(run, call);
	}
	if (run->violation == VIOLATION_KILL)
		kill_worker(run, notification, call);
	if (wait_usec > 0)
		notify_pause(notify, wait_usec);
	return call->held ? NOTIFY_DENY : answers[run->violation];
}

void violating_listen(struct worker_run *run, int listener_fd)
{
	struct failure why;
	run->listener.owner = run;
	run->listener.asked = asked;
	if (notify_start(&run->listener, &run->service->loop, listener_fd, &why) < 0)
		tell_warning(run->service, "what the system-call filter denies cannot be seen, and fails with ENOSYS: %s", why.text);
}

/* Once: every worker of this supervisor has the same kernel, and the same filters above it. */
void violating_unheard_of(struct worker_run *run, int error)
{
	static const char *const then[] = {
		[VIOLATION_ERRNO] = "fails with EPERM",
		[VIOLATION_KILL] = "ends its process, and the verdict cannot name it",
		[VIOLATION_AUDIT] = "passes, but for those that would harm the supervisor, and only the kernel's audit log may tell",
	};
	run->unheard = true;
	if (run->service->unheard_said)
		return;
	run->service->unheard_said = true;
	tell_warning(run->service, "calls that the list does not allow are not reported here (%s): such a call %s",
		     error == EBUSY ? "a filter around heapward has its own listener" : strerror(error), then[run->violation]);
}

void violating_tell_rest(struct worker_run *run)
{
	struct violation_call *call;
	while ((call = violations_untold(&run->violations)) != NULL)
		tell_call(run, call);
}

/* What the others of its group have done since its main process ended is told, too. */
void violating_finish(struct worker_run *run)
{
	notify_finish(&run->listener);
	violating_tell_rest(run);
}
