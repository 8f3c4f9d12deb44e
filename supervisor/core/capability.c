/* SPDX-License-Identifier: Apache-2.0 */
/* capability: see capability.h. */
#include "supervisor/core/capability.h"

#include "supervisor/core/plan.h"
#include "supervisor/core/policy_key.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#define PRIVILEGED_PORTS 1024

static bool as_root(const struct policy *policy UNUSED, const struct host *host)
{
	return host->uid == 0;
}

static bool holds(const struct policy *policy, enum listen_kind kind, uint32_t ports)
{
	const struct listen_addresses *listen = &policy->service.listen;
	for (size_t i = 0; i < listen->count; i++)
		if (listen->list[i].kind == kind && (kind == LISTEN_UNIX || listen->list[i].port < ports))
			return true;
	return false;
}

static bool holds_low_port(const struct policy *policy, const struct host *host UNUSED)
{
	return holds(policy, LISTEN_TCP, PRIVILEGED_PORTS);
}

static bool holds_path_of_user(const struct policy *policy, const struct host *host UNUSED)
{
	return policy->sandbox.user != NULL && holds(policy, LISTEN_UNIX, 0);
}

static bool groups_are_in_a_root(const struct policy *policy UNUSED, const struct host *host)
{
	return host->uid == 0 && host->cgroup_closed;
}

static bool ends_a_drain(const struct policy *policy, const struct host *host)
{
	return host->attach_takes_admin && holds(policy, LISTEN_TCP, UINT32_MAX);
}

static bool makes_walls(const struct policy *policy, const struct host *host)
{
	return plan_wants_fence(policy) && (host->fence.mounts || host->fence.network);
}

static bool makes_network(const struct policy *policy, const struct host *host)
{
	return policy->sandbox.network == NETWORK_NONE && host->fence.network;
}

#define SUPERVISOR (1U << HOLDER_SUPERVISOR)
#define LEAVING (1U << HOLDER_LEAVING)
#define KEEPER (1U << HOLDER_KEEPER)
#define CHILD (1U << HOLDER_CHILD)

/* Else cgroups need none: their files are root's, or were given to our user. */
const struct capability_row capability_rows[] = {
	{ CAP_KILL, SUPERVISOR | KEEPER, as_root, "ends workers, whose processes may have other users", "as root" },
	{ CAP_SETUID, SUPERVISOR | CHILD, as_root, "becomes sandbox.user, and asks a Node that is a user's own as that user",
	  "as root" },
	{ CAP_SETGID, SUPERVISOR | CHILD, as_root, "the same, for its groups", "as root" },
	{ CAP_SYSLOG, SUPERVISOR, as_root, "reads in /dev/kmsg whose limit an OOM kill was for", "as root" },
	{ CAP_DAC_READ_SEARCH, SUPERVISOR | CHILD, as_root, "finds program, directory and walls where only the worker's user may look", "as root" },
	{ CAP_NET_BIND_SERVICE, SUPERVISOR, holds_low_port, "binds held sockets anew", "a port below 1024 in service.listen" },
	{ CAP_CHOWN, SUPERVISOR, holds_path_of_user, "gives held UNIX sockets to the worker's user",
	  "unix: in service.listen, and sandbox.user" },
	{ CAP_DAC_OVERRIDE, SUPERVISOR | KEEPER, holds_path_of_user, "makes and removes held UNIX sockets in that user's folder",
	  "unix: in service.listen, and sandbox.user" },
	{ CAP_DAC_OVERRIDE, LEAVING | KEEPER, groups_are_in_a_root, "at the end: removes its cgroup from a hierarchy's root, which is "
	  "closed even to root", "as root, outside of containers and delegated groups" },
	{ CAP_NET_ADMIN, LEAVING, ends_a_drain, "at the end: keeps those who come after a drain's last call from being reset",
	  "tcp: in service.listen, where the kernel wants it for that" },
	{ CAP_SETPCAP, CHILD, as_root, "cuts the worker's bounding set", "as root" },
	{ CAP_SYS_ADMIN, CHILD, makes_walls, "makes the worker's mounts and network", "walls, where namespaces may be made" },
	{ CAP_NET_ADMIN, CHILD, makes_network, "raises the loopback of the worker's own network", "sandbox.network: none" },
	{ CAP_SYS_RESOURCE, CHILD, as_root, "raises the hard limit of open files (limits.files)", "as root" },
	{ 0, 0, NULL, NULL, NULL },
};

uint64_t capability_needed(enum capability_holder holder, const struct policy *policy, const struct host *host)
{
	uint64_t set = 0;
	for (const struct capability_row *row = capability_rows; row->needed != NULL; row++)
		if ((row->holders & (1U << holder)) != 0 && row->needed(policy, host))
			set |= UINT64_C(1) << row->number;
	return set;
}

bool capability_is_supervisors(const struct capability_row *row, const struct policy *policy, const struct host *host)
{
	return (row->holders & (SUPERVISOR | LEAVING)) != 0 && row->needed(policy, host);
}

/* The bit of a name that `length` bytes have; 0: no such name. */
static uint64_t bit_of(const char *name, size_t length)
{
	const char *known;
	for (size_t i = 0; (known = policy_key_capability(i)) != NULL; i++)
		if (strlen(known) == length && memcmp(known, name, length) == 0)
			return UINT64_C(1) << i;
	return 0;
}

uint64_t capability_of_worker(const struct policy *policy)
{
	const char *at = policy->sandbox.capabilities;
	uint64_t set = 0;
	if (at == NULL)
		return CAPABILITY_ALL;
	while (*at != '\0') {
		size_t length = strcspn(at, ",");
		set |= bit_of(at, length);
		at += length + (at[length] == ',');
	}
	return set;
}

uint64_t capability_reach(const struct policy *policy, const struct host *host)
{
	uint64_t set = capability_of_worker(policy);
	for (enum capability_holder holder = 0; holder < HOLDER_COUNT; holder++)
		set |= capability_needed(holder, policy, host);
	return set;
}

const char *capability_text(uint64_t set, char text[static CAPABILITY_TEXT_MAX])
{
	char number[16];
	size_t length = 0;
	snprintf(text, CAPABILITY_TEXT_MAX, "%s", set == 0 ? "none" : set == CAPABILITY_ALL ? "all" : "");
	for (unsigned i = 0; i < 64 && set != CAPABILITY_ALL && length < CAPABILITY_TEXT_MAX; i++) {
		const char *name = policy_key_capability(i);
		if ((set & (UINT64_C(1) << i)) == 0)
			continue;
		snprintf(number, sizeof(number), "cap_%u", i);
		length += (size_t)snprintf(text + length, CAPABILITY_TEXT_MAX - length, "%s%s", length == 0 ? "" : ", ",
					   name != NULL ? name : number);
	}
	return text;
}
