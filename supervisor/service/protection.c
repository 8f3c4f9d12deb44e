/* SPDX-License-Identifier: Apache-2.0 */
/* protection: the supervisor gives up what its policy does not need, before the first worker is there that could want it: calls first, for that
 * may take CAP_SYS_ADMIN, and capabilities once all is set up. It cannot be had again: a policy that needs it takes a new start. */
#include "supervisor/core/capability.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/self.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where the worker is to have no filter, ours would be one. */
static bool may_filter(const struct policy *policy)
{
	return policy_filters(policy);
}

void protection_filter(struct service *service)
{
	struct failure why;
	if (!may_filter(service->setup->policy))
		return;
	/* Every worker gets no_new_privs anyway, and what else is executed needs no other privilege. */
	service->protection.filtered = self_filter_load(true, &why) == 0;
	if (!service->protection.filtered)
		tell_warning(service, "the supervisor has no system-call filter of its own: %s", why.text);
}

void protection_begin(struct service *service)
{
	const struct service_setup *setup = service->setup;
	struct protection *protection = &service->protection;
	struct self self;
	self_look(&self);
	protection->had = self.bounding | self.permitted;
	protection->own = capability_needed(HOLDER_SUPERVISOR, setup->policy, setup->host);
	protection->reach = capability_reach(setup->policy, setup->host);
	if (self_lower(protection->own, protection->reach) == 0)
		return;
	protection->own = protection->reach = CAPABILITY_ALL;
	tell_warning(service, "the supervisor keeps all its capabilities: %s", strerror(errno));
}

bool protection_may_become(const struct service *service, const struct service_setup *setup, char *why, size_t size)
{
	const struct protection *now = &service->protection;
	char text[CAPABILITY_TEXT_MAX];
	uint64_t own = capability_needed(HOLDER_SUPERVISOR, setup->policy, setup->host);
	uint64_t reach = capability_reach(setup->policy, setup->host);
	uint64_t missing = ((own & ~now->own) | (reach & ~now->reach)) & now->had;
	if (missing == 0 && (!now->filtered || may_filter(setup->policy)))
		return true;
	if (missing == 0)
		snprintf(why, size, "sandbox.syscalls: none: a worker would inherit the supervisor's own filter, which cannot be taken back");
	else
		snprintf(why, size, "the supervisor has given up what this policy needs (%.200s)", capability_text(missing, text));
	return false;
}

void protection_fill(const struct service *service UNUSED, struct status *status)
{
	struct self self;
	self_look(&self);
	status->protection.effective = self.effective;
	status->protection.filtered = self.filtered;
	status->protection.dumpable = self.dumpable;
}
