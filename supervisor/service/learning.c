/* SPDX-License-Identifier: Apache-2.0 */
/* learning: `heapward learn`: almost every call of the worker comes to its listener, is counted and let through. */
#include "supervisor/edge/filter.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

int learning_filter(const struct learning *learning, struct filter_bytes *ret, struct failure *why)
{
	return filter_build(&learning->filter, filter_names().architecture, SECCOMP_RET_USER_NOTIF, &ret->bytes,
			    &ret->length, why);
}

static bool is_foreign(const struct notification *notification)
{
	return notification->architecture != filter_names().architecture || notification->number < 0 ||
	       notification->number > SYSCALL_NUMBER_MAX;
}

/* It stands in the list, for the program asks for it; but it would harm the supervisor, and with it the worker. */
static enum notify_answer hold_back(struct service *service, struct syscall_learnt_call *call)
{
	if (!call->held)
		tell_warning(service, "%s is listed, but is not let through where it would harm the supervisor", call->rule.name);
	call->held = true;
	return NOTIFY_DENY;
}

static enum notify_answer asked(struct notify *notify, const struct notification *notification)
{
	static const enum notify_answer answers[] = {
		[SYSCALL_ALLOW] = NOTIFY_PASS, [SYSCALL_DENY] = NOTIFY_DENY, [SYSCALL_ABSENT] = NOTIFY_ABSENT
	};
	struct worker_run *run = notify->owner;
	struct syscall_learnt *learnt = &run->service->setup->learning->learnt;
	if (is_foreign(notification)) {
		syscall_learnt_note_foreign(learnt);
		return NOTIFY_DENY;
	}
	struct syscall_learnt_call *call = syscall_learnt_note(learnt, notification->number, notification->arguments);
	bool holds = shield_holds(&run->service->filter.shield, notification->number, notification->arguments);
	if (call == NULL)
		return holds ? NOTIFY_DENY : NOTIFY_PASS;
	if (call->rule.name[0] == '\0')
		filter_call_name(notification->architecture, notification->number, call->rule.name,
				 sizeof(call->rule.name));
	return holds ? hold_back(run->service, call) : answers[call->rule.kind];
}

void learning_listen(struct worker_run *run, int listener_fd)
{
	struct failure why;
	run->listener.owner = run;
	run->listener.asked = asked;
	if (notify_start(&run->listener, &run->service->loop, listener_fd, &why) < 0)
		learning_unheard_of(run, why.error);
	else
		notify_take_turns(&run->listener);
}

void learning_launched(const struct worker_run *run)
{
	if (run->service->setup->learning != NULL)
		run->service->setup->learning->workers++;
}

/* The worker is about to be killed by its filter at its first call: it is not to be started again. */
void learning_unheard_of(struct worker_run *run, int error)
{
	run->service->setup->learning->refused = error == 0 ? EINVAL : error;
	service_push_order(run->service, SLOT_EVENT_STOP);
}
