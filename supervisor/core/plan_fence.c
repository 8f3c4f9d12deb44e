/* SPDX-License-Identifier: Apache-2.0 */
/* plan_fence: which walls a policy asks for, which of them this machine can make, and by what; and what to say of those that
 * it cannot. */
#include "supervisor/core/plan_parts.h"
#include "supervisor/core/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ABI_FILES = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_SCOPED = 6 };

static bool asks_for_mounts(const struct policy *policy)
{
	return policy->sandbox.private_tmp || policy->sandbox.private_dev == PRIVATE_DEV_TRUE || policy->sandbox.proc == PROC_SEEN_OWN ||
	       policy->sandbox.hidden.count > 0;
}

static enum protect_system resolve_protect(const struct policy *policy)
{
	if (policy->sandbox.protect_system != PROTECT_SYSTEM_AUTO)
		return policy->sandbox.protect_system;
	if (policy->sandbox.read_write.count > 0)
		return PROTECT_SYSTEM_STRICT;
	return policy->from_file ? PROTECT_SYSTEM_FULL : PROTECT_SYSTEM_NONE;
}

static bool asks_for_paths(const struct policy *policy)
{
	return resolve_protect(policy) != PROTECT_SYSTEM_NONE || policy->sandbox.read_only.count > 0 ||
	       asks_for_mounts(policy);
}

static bool asks_for_network(const struct policy *policy)
{
	return policy->sandbox.network == NETWORK_NONE || policy->sandbox.connect.limited || policy->sandbox.bind.limited;
}

bool plan_wants_fence(const struct policy *policy)
{
	return asks_for_paths(policy) || asks_for_network(policy) || policy->sandbox.require.count > 0;
}

/* Whose rights the worker has: root's own number owns the system's files, whatever capabilities are gone. */
static bool is_root(const struct planning *planning)
{
	const char *user = planning->policy->sandbox.user;
	return planning->host->uid == 0 && (user == NULL || strcmp(user, "root") == 0);
}

static bool closes_devices(const struct planning *planning)
{
	enum private_dev asked = planning->policy->sandbox.private_dev;
	return asked == PRIVATE_DEV_TRUE || (asked == PRIVATE_DEV_AUTO && planning->plan->fence.protect != PROTECT_SYSTEM_NONE);
}

/* Who may make user namespaces of its own, as headless browsers do, must say in /proc who it is there. */
static bool closes_proc(const struct planning *planning)
{
	const char *list = policy_syscalls(planning->policy);
	return planning->plan->fence.protect != PROTECT_SYSTEM_NONE && strcmp(list, "compat") != 0 && strcmp(list, "none") != 0;
}

/* A user namespace is only entered for what was asked for by name: in it all other users' files seem to be nobody's, which
 * ssh, for one, does not like. */
static void choose_paths(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	struct plan_fence *fence = &planning->plan->fence;
	if (!asks_for_paths(planning->policy))
		return;
	fence->user_namespace = !host->mounts && host->user && asks_for_mounts(planning->policy);
	fence->by_mounts = host->mounts || fence->user_namespace;
	fence->by_landlock = !fence->by_mounts && host->landlock_abi >= ABI_FILES;
	fence->own_tmp = fence->by_mounts && planning->policy->sandbox.private_tmp;
	fence->own_dev = fence->by_mounts && closes_devices(planning);
	fence->own_shm = fence->own_dev && (fence->own_tmp || planning->policy->sandbox.private_dev == PRIVATE_DEV_TRUE);
	fence->few_devices = fence->by_landlock && closes_devices(planning);
	fence->proc_read_only = (fence->by_mounts || fence->by_landlock) && closes_proc(planning);
	/* A new /proc of a PID namespace that is not ours only root may mount. */
	fence->own_proc = host->mounts && planning->policy->sandbox.proc == PROC_SEEN_OWN;
}

static void choose_network(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	const struct policy *policy = planning->policy;
	struct plan_fence *fence = &planning->plan->fence;
	bool none = policy->sandbox.network == NETWORK_NONE;
	fence->network_namespace = none && (host->network || host->user);
	if (fence->network_namespace && !host->network)
		fence->user_namespace = true;
	bool instead = none && !fence->network_namespace;
	if (host->landlock_abi < ABI_NET)
		return;
	fence->limit_connect = policy->sandbox.connect.limited || instead;
	fence->limit_bind = policy->sandbox.bind.limited || instead;
}

/* One wall that cannot be had here: in a few words for status, in a line at the start. */
static PRINTF_LIKE(3, 4) void miss(struct planning *planning, const char *what, const char *format, ...)
{
	char line[sizeof(planning->plan->remarks[0].text)], *missing = planning->plan->fence.missing;
	size_t length = strlen(missing);
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	snprintf(missing + length, sizeof(planning->plan->fence.missing) - length, "%s%s", length > 0 ? ", " : "", what);
	plan_warn(planning->plan, "%s", line);
}

static void remark_paths(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	const struct plan_fence *fence = &planning->plan->fence;
	const struct policy *policy = planning->policy;
	if (asks_for_paths(policy) && !fence->by_mounts && !fence->by_landlock)
		miss(planning, "walls around files", "sandbox: no wall around files: mounts: %s; Landlock: %s; they are left to their "
		     "permissions", host->problem, host->landlock_abi == 0 ? "this kernel has none"
		     : "ABI 1 would forbid to move files between directories");
	else if (asks_for_mounts(policy) && !fence->by_mounts)
		miss(planning, "mounts", "sandbox: no mounts of the worker's own (%s, and no user namespaces): private_tmp, private_dev and "
		     "proc: own are left out, names of hidden files can be seen", host->problem);
	else if (planning->host->uid == 0 && fence->by_landlock)
		miss(planning, "mounts", "sandbox: no mounts of the worker's own (%s): Landlock stands in: %s", host->problem,
		     fence->root ? "heapward's own can be read, and what packages and containers keep in /var/lib written"
				 : "names of hidden files can be seen");
	else if (policy->sandbox.proc == PROC_SEEN_OWN && !fence->own_proc)
		miss(planning, "proc: own", "sandbox.proc: own is left out: only root can mount it");
}

/* What Landlock is for beside files. */
static void remark_processes(struct planning *planning)
{
	uint32_t abi = planning->host->fence.landlock_abi;
	const struct plan_fence *fence = &planning->plan->fence;
	if (fence->landlock_abi == 0 && fence->by_mounts)
		miss(planning, "Landlock", "sandbox: Landlock: %s: the worker can look into its user's other processes, and signal them",
		     abi == 0 ? "this kernel has none" : "ABI 1 is not used");
	else if (fence->landlock_abi != 0 && !fence->own_signals)
		miss(planning, "signals to its own tree only", "sandbox: Landlock's ABI %u is below %d: the worker can signal its user's "
		     "other processes, and connect to every abstract socket%s", abi, ABI_SCOPED,
		     fence->by_landlock && abi < ABI_TRUNCATE ? ", and empty files that it cannot write (truncate)" : "");
}

/* What these walls come to on this machine, for it is not what was meant. */
static void remark_survey(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	struct plan_fence *fence = &planning->plan->fence;
	if (fence->by_landlock && host->closed[0] != '\0')
		plan_warn(planning->plan, "sandbox: by Landlock nothing new can be made in %s, only below; sandbox.read_write with "
			  "protect_system: full opens a directory", host->closed);
	if (fence->by_mounts && fence->root && host->closed[0] != '\0')
		plan_warn(planning->plan, "sandbox: the worker is root: nothing new can be made in %s, and only its caches be written; "
			  "sandbox.read_write with protect_system: full opens a directory", host->closed);
	if (fence->by_landlock && host->open[0] != '\0') {
		snprintf(fence->open, sizeof(fence->open), "%s", host->open);
		plan_warn(planning->plan, "sandbox: the worker can write %s: Landlock takes nothing out of its working directory, "
			  "read_write and /tmp; keep that elsewhere (service.directory, XDG_RUNTIME_DIR)", host->open);
	}
	if (host->others_left_out)
		plan_warn(planning->plan, "sandbox: this user's other services have more policies and lists than the walls have room for: "
			  "the worker can write the rest; heapward forget those that are gone");
	if (host->absent[0] != '\0')
		plan_warn(planning->plan, "sandbox.hidden: %s: not there now; what is made there later can be seen until the next start of "
			  "a worker: hide its directory", host->absent);
}

static void remark_network(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	const struct plan_fence *fence = &planning->plan->fence;
	const struct policy *policy = planning->policy;
	bool limited = policy->sandbox.connect.limited || policy->sandbox.bind.limited;
	if (policy->sandbox.network == NETWORK_NONE && !fence->network_namespace)
		miss(planning, "network: none", "sandbox.network: none: no network namespace (%s): %s", host->problem,
		     fence->limit_bind ? "Landlock denies TCP, nothing denies UDP" : "nothing denies it here");
	else if (limited && host->landlock_abi < ABI_NET)
		miss(planning, "connect and bind", "sandbox.connect and bind: Landlock's ABI %u is below %d: they are left out",
		     host->landlock_abi, ABI_NET);
	if (fence->network_namespace && policy->ready.when.kind == READY_NOTIFY)
		plan_refuse(planning->plan, "sandbox.network: none and ready.when: notify: its socket has a name of the "
			    "network that the worker leaves; take ready.when: started, or listening with service.listen");
}

/* NULL: the machine has it. */
static const char *lacks(const struct planning *planning, const char *feature)
{
	const struct host_fence *host = &planning->host->fence;
	const struct policy *policy = planning->policy;
	bool as_user = host->user;
	if (strcmp(feature, "landlock") == 0)
		return host->landlock_abi >= ABI_FILES ? NULL
		       : host->landlock_abi == 1       ? "only its first ABI is here; it takes Linux 5.19"
						       : "not in this kernel, or not in its lsm= list";
	if (strcmp(feature, "mount-namespace") == 0)
		return host->mounts || as_user ? NULL : host->problem;
	if (strcmp(feature, "network-namespace") == 0)
		return host->network || as_user ? NULL : host->problem;
	if (strcmp(feature, "user-namespace") == 0)
		return as_user ? NULL : planning->host->uid == 0 ? "root makes none" : "this machine does not allow them";
	if (strcmp(feature, "seccomp") == 0)
		return policy_filters(policy) ? NULL : "sandbox.syscalls is none";
	return planning->host->uid == 0 && !is_root(planning)
		       ? NULL
		       : "the worker has the supervisor's user; start heapward as root and set sandbox.user";
}

static void check_required(struct planning *planning)
{
	const struct words *require = &planning->policy->sandbox.require;
	char from[160];
	plan_key_origin(planning->policy, KEY_SANDBOX_REQUIRE, from, sizeof(from));
	for (size_t i = 0; i < require->count; i++) {
		const char *why = lacks(planning, require->list[i]);
		if (why != NULL)
			plan_refuse(planning->plan, "sandbox.require %s (%s): %s", require->list[i], from, why);
	}
}

void plan_fence_resolve(struct planning *planning)
{
	const struct host_fence *host = &planning->host->fence;
	struct plan_fence *fence = &planning->plan->fence;
	fence->protect = resolve_protect(planning->policy);
	fence->root = is_root(planning);
	if (!plan_wants_fence(planning->policy))
		return;
	fence->wanted = true;
	choose_paths(planning);
	choose_network(planning);
	fence->landlock_abi = host->landlock_abi >= ABI_FILES ? host->landlock_abi : 0;
	fence->own_signals = fence->landlock_abi >= ABI_SCOPED;
	fence->own_sockets = fence->own_signals && planning->policy->sandbox.abstract_sockets == ABSTRACT_SOCKETS_OWN &&
			     planning->policy->ready.when.kind != READY_NOTIFY; /* its name is an abstract one */
	remark_paths(planning);
	remark_processes(planning);
	remark_survey(planning);
	remark_network(planning);
	check_required(planning);
}
