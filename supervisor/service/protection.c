/* SPDX-License-Identifier: Apache-2.0 */
/* protection: the supervisor gives up what its policy does not need, before the first worker is there that could want it: calls first, for that
 * may take CAP_SYS_ADMIN, and capabilities once all is set up. It cannot be had again: a policy that needs it takes a new start. */
#include "supervisor/core/capability.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/self.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of the calls that we do without, those that this policy's list does not allow to the worker either, who inherits our filter. */
static int find_calls(const struct service_setup *setup, uint64_t *ret, struct failure *why)
{
	struct syscall_names names = filter_names();
	*ret = 0;
	if (!policy_filters(setup->policy))
		return 0;
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return failed(why, ENOMEM, "sandbox.syscalls");
	if (renew_list(setup, list, &names, why) < 0)
		return -1;
	for (size_t i = 0; self_filter_call(i) != NULL; i++)
		if (!syscall_list_allows(list, self_filter_number(i)))
			*ret |= UINT64_C(1) << i;
	return 0;
}

void protection_filter(struct service *service)
{
	struct failure why;
	uint64_t calls;
	if (find_calls(service->setup, &calls, &why) == 0 && calls == 0)
		return;
	/* Every worker gets no_new_privs anyway, and what else is executed needs no other privilege. */
	if (calls != 0 && self_filter_load(calls, true, &why) == 0)
		service->protection.calls = calls;
	else
		tell_warning(service, "the supervisor has no system-call filter of its own: %s", why.text);
}

int protection_shield(const struct service *service, const struct service_setup *setup, const struct syscall_names *names,
		      struct shield *ret, struct failure *why)
{
	const struct policy *policy = setup->policy;
	struct user user = { .uid = geteuid() };
	if (policy->sandbox.user != NULL && renew_find_user(setup, &user, why) < 0)
		return -1;
	const struct shield_of of = {
		.supervisor = getpid(),
		.group = getpgrp(),
		.keeper = service->keeper.pid,
		.same_user = user.uid == geteuid() || user.uid == 0,
		.noticed = policy->from_file,
		.silently = policy->sandbox.violation == VIOLATION_KILL,
	};
	shield_make(ret, names, &of);
	return 0;
}

void protection_begin(struct service *service)
{
	const struct service_setup *setup = service->setup;
	struct protection *protection = &service->protection;
	struct self self;
	self_look(&self);
	protection->had = self.bounding | self.permitted;
	protection->own = capability_needed(HOLDER_SUPERVISOR, setup->policy, setup->host);
	protection->later = capability_needed(HOLDER_LEAVING, setup->policy, setup->host);
	protection->reach = capability_reach(setup->policy, setup->host);
	if (self_lower(protection->own, protection->later, protection->reach) == 0)
		return;
	protection->own = protection->reach = CAPABILITY_ALL;
	tell_warning(service, "the supervisor keeps all its capabilities: %s", strerror(errno));
}

void protection_end(struct service *service)
{
	self_raise(service->protection.later);
}

void protection_last_call(struct service *service)
{
	const struct protection *kept = &service->protection;
	self_raise(kept->later);
	listen_sockets_last_call(&service->sockets);
	if (kept->own != CAPABILITY_ALL)
		(void)self_lower(kept->own, kept->later, kept->reach);
}

/* The first call that we have given up and that this policy's list allows; NULL: none. */
static const char *find_missed_call(const struct service *service, const struct service_setup *setup)
{
	struct failure ignored; /* a list that cannot be read is refused for that */
	uint64_t calls;
	if (find_calls(setup, &calls, &ignored) < 0)
		return NULL;
	for (size_t i = 0; self_filter_call(i) != NULL; i++)
		if ((service->protection.calls & ~calls) >> i & 1)
			return self_filter_call(i);
	return NULL;
}

bool protection_may_become(const struct service *service, const struct service_setup *setup, char *why, size_t size)
{
	const struct protection *now = &service->protection;
	char text[CAPABILITY_TEXT_MAX];
	uint64_t own = capability_needed(HOLDER_SUPERVISOR, setup->policy, setup->host);
	uint64_t reach = capability_reach(setup->policy, setup->host);
	uint64_t missing = ((own & ~now->own) | (reach & ~now->reach)) & now->had;
	const char *call = find_missed_call(service, setup);
	if (missing != 0)
		snprintf(why, size, "the supervisor has given up what this policy needs (%.200s)", capability_text(missing, text));
	else if (call != NULL)
		snprintf(why, size, "sandbox.syscalls allows %s, which the supervisor has given up, and every worker with it", call);
	return missing == 0 && call == NULL;
}

void protection_fill(const struct service *service, struct status *status)
{
	struct self self;
	self_look(&self);
	status->protection.effective = self.effective;
	status->protection.later = service->protection.later & self.permitted & ~self.effective;
	status->protection.filtered = self.filtered;
	status->protection.dumpable = self.dumpable;
}
