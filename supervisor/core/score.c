/* SPDX-License-Identifier: Apache-2.0 */
/* score: see score.h. The table is the checklist: a row an item, a line a choice, the best first. */
#include "supervisor/core/score.h"

#include "supervisor/core/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct judged {
	const struct plan *plan;
	const struct policy *policy;
	const struct host *host;
};

struct choice {
	unsigned points;
	const char *does, *cost, *remedy;
};

struct row {
	const char *id, *title;
	unsigned (*choose)(const struct judged *judged, char detail[static SCORE_DETAIL_MAX]); /* which choice it is */
	struct choice choices[7]; /* the first has all points; the last one is followed by one without `does` */
};

static void say(char detail[static SCORE_DETAIL_MAX], const char *text)
{
	snprintf(detail, SCORE_DETAIL_MAX, "%s", text);
}

bool score_user_is_shared(const char *user)
{
	return strcmp(user, "nobody") == 0 || strcmp(user, "65534") == 0;
}

static bool is_root(const char *user)
{
	return strcmp(user, "root") == 0 || strcmp(user, "0") == 0;
}

static bool runs_as_root(const struct judged *judged)
{
	const char *user = judged->policy->sandbox.user;
	return user == NULL ? judged->host->uid == 0 : is_root(user);
}

/* The supervisor is root and the worker is not: else they have one uid. */
static bool has_other_user(const struct judged *judged)
{
	return judged->host->uid == 0 && !runs_as_root(judged);
}

static unsigned choose_user(const struct judged *judged, char detail[static SCORE_DETAIL_MAX])
{
	const char *user = judged->policy->sandbox.user;
	if (runs_as_root(judged))
		return 3;
	if (!has_other_user(judged)) {
		snprintf(detail, SCORE_DETAIL_MAX, "%s%suid %" PRIu32, judged->host->user, judged->host->user[0] != '\0' ? ", " : "",
			 judged->host->uid);
		return 2;
	}
	say(detail, user);
	return score_user_is_shared(user) ? 1 : 0;
}

static unsigned choose_capabilities(const struct judged *judged, char detail[static SCORE_DETAIL_MAX])
{
	const char *names = judged->policy->sandbox.capabilities;
	if (names == NULL)
		return runs_as_root(judged) ? 3 : 0;
	say(detail, names);
	return names[0] == '\0' ? 0 : strcmp(names, "cap_net_bind_service") == 0 ? 1 : 2;
}

static unsigned choose_no_new_privs(const struct judged *judged UNUSED, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return 0;
}

static unsigned choose_syscalls(const struct judged *judged, char detail[static SCORE_DETAIL_MAX])
{
	static const char *const names[] = { "strict", "server", NULL, "compat", NULL, "none" };
	const char *name = policy_syscalls(judged->policy);
	if (policy_filters(judged->policy) && judged->policy->sandbox.violation == VIOLATION_AUDIT)
		return 4;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return i;
	say(detail, name);
	return 2;
}

/* What the plan can make of it here, not what was asked for. */
static unsigned choose_paths(const struct judged *judged, char detail[static SCORE_DETAIL_MAX])
{
	const struct plan_fence *fence = &judged->plan->fence;
	if (!fence->by_mounts && !fence->by_landlock)
		return 2;
	say(detail, fence->by_mounts ? " (mounts)" : " (Landlock)");
	return fence->protect == PROTECT_SYSTEM_STRICT ? 0 : fence->protect == PROTECT_SYSTEM_FULL ? 1 : 2;
}

static unsigned choose_tmp(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->plan->fence.own_tmp ? 0 : 1;
}

static unsigned choose_devices(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->plan->fence.own_dev || judged->plan->fence.few_devices ? 0 : 1;
}

static unsigned choose_processes(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	if (judged->plan->fence.own_proc)
		return 0;
	return judged->plan->fence.own_signals ? 1 : 2;
}

static unsigned choose_sockets(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->plan->fence.own_sockets || judged->plan->fence.network_namespace ? 0 : 1;
}

static unsigned choose_kernel(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->plan->fence.proc_read_only ? 0 : 1;
}

static unsigned choose_network(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	const struct plan_fence *fence = &judged->plan->fence;
	if (fence->network_namespace)
		return 0;
	return fence->limit_connect ? 1 : fence->limit_bind ? 2 : 3;
}

static unsigned choose_environment(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	if (judged->policy->service.environment_keep.list != NULL)
		return 0;
	return judged->policy->service.environment_drop.count > 0 ? 1 : 2;
}

static unsigned choose_core(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->policy->limits.core_bytes == 0 ? 0 : 1;
}

static unsigned choose_memory(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	if (judged->plan->enforced)
		return 0;
	return judged->policy->memory.max_bytes == SIZE_NONE ? 1 : 2;
}

static bool is_set(const struct judged *judged, enum plan_number_id id)
{
	return judged->plan->numbers[id].value != SIZE_NONE;
}

static unsigned choose_tasks(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return is_set(judged, PLAN_TASKS) ? 0 : 1;
}

static unsigned choose_files(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return is_set(judged, PLAN_FILES) ? 0 : 1;
}

static unsigned choose_cpu(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return is_set(judged, PLAN_CPU) ? 0 : 1;
}

static unsigned choose_supervisor(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	if (runs_as_root(judged))
		return 3;
	if (has_other_user(judged))
		return 0;
	return strcmp(policy_syscalls(judged->policy), "none") == 0 ? 2 : 1;
}

static const struct row rows[] = {
	{ "user", "user", choose_user, {
		{ 14, "a user of its own: ", "", "" },
		{ 8, "a shared user: ", "a compromised server can read, change and signal what others run as that user, and they it",
		  "sandbox.user: a user of its own" },
		{ 6, "the user that runs heapward: ", "a compromised server can read and change all that this user has, and signal all "
		  "that it runs", "run heapward as root with sandbox.user" },
		{ 0, "root", "a worker that runs as root can change every file of root, and needs one kernel fault less to own the machine",
		  "sandbox.user: a user of its own" } } },
	{ "capabilities", "capabilities", choose_capabilities, {
		{ 10, "none", "", "" },
		{ 9, "one: ", "a compromised server can take ports that belong to the machine's services",
		  "service.listen: heapward binds the port; then none are needed" },
		{ 3, "named ones: ", "a compromised server can do what they allow to the whole machine", "sandbox.capabilities: none" },
		{ 0, "unchanged: all that root has", "a compromised server can load modules, change the network, read every file and memory",
		  "sandbox.capabilities: none" } } },
	{ "no_new_privs", "no new privileges", choose_no_new_privs, { { 2, "set-uid programs give nothing", "", "" } } },
	{ "system_calls", "system calls", choose_syscalls, {
		{ 16, "list strict", "", "" },
		{ 14, "list server", "a compromised server can still make special files, become other users where it may, and talk to devices",
		  "sandbox.syscalls: strict, where the server runs with it" },
		{ 12, "a list of its own: ", "what it allows beyond list strict, nobody but its writer has judged",
		  "sandbox.syscalls: server; heapward check --diff" },
		{ 8, "list compat", "a compromised server can make namespaces of its own, where it is root, and sockets of any family: most "
		  "kernel exploits begin there", "sandbox.syscalls: server" },
		{ 0, "a list that is only watched", "a compromised server can call everything in the kernel, though it is told",
		  "sandbox.violation: errno" },
		{ 0, "no filter", "a compromised server can call everything in the kernel: ptrace, bpf, mount, keyctl, io_uring",
		  "sandbox.syscalls: server" } } },
	{ "files", "files", choose_paths, {
		{ 10, "only named ones can be written", "", "" },
		{ 6, "the system's cannot be written", "a compromised server can change every other file that its user may, and read the rest",
		  "sandbox.read_write: what it has to write" },
		{ 0, "as their permissions say", "a compromised server can change what its user may: programs, start-up files, other services' data",
		  "sandbox.protect_system: full" } } },
	{ "private_tmp", "temporary files", choose_tmp, {
		{ 3, "its own", "", "" },
		{ 0, "everybody's /tmp", "a compromised server can read what others left there, and lay traps for them",
		  "sandbox.private_tmp: true" } } },
	{ "devices", "devices", choose_devices, {
		{ 2, "a few harmless ones", "", "" },
		{ 0, "as their permissions say", "a compromised server can reach for terminals, disks and GPUs by their permissions alone",
		  "sandbox.private_dev: true" } } },
	{ "kernel_files", "/proc", choose_kernel, {
		{ 2, "cannot be written", "", "" },
		{ 0, "as their permissions say", "a compromised server can change how the kernel treats it and what its user runs: whom it kills "
		  "when memory is out, and what goes into core dumps", "sandbox.protect_system: full, with sandbox.syscalls: server" } } },
	{ "processes", "other processes", choose_processes, {
		{ 5, "not seen", "", "" },
		{ 3, "seen, but neither looked into nor sent signals", "a compromised server can read what others run with, secrets on their "
		  "command lines too", "sandbox.proc: own" },
		{ 0, "as their users allow", "a compromised server can read other command lines, and signal what its user runs",
		  "sandbox.proc: own, as root" } } },
	{ "abstract_sockets", "abstract sockets", choose_sockets, {
		{ 2, "of its own tree only", "", "" },
		{ 0, "all of the machine", "a compromised server can talk to every service that listens on one: they have no permissions",
		  "sandbox.abstract_sockets: own, where the kernel has Landlock's ABI 6 (Linux 6.12)" } } },
	{ "network", "network", choose_network, {
		{ 9, "none but held sockets", "", "" },
		{ 6, "TCP to named ports only", "a compromised server can still send UDP, and anything to those ports anywhere",
		  "sandbox.network: none, where it calls nobody" },
		{ 2, "TCP binds named ports only", "a compromised server can connect to everything the machine can",
		  "sandbox.connect: the ports that it needs" },
		{ 0, "all", "a compromised server can connect to everything the machine can, the cloud's metadata and databases too",
		  "sandbox.network: none, or sandbox.connect" } } },
	{ "environment", "environment", choose_environment, {
		{ 4, "named variables only", "", "" },
		{ 2, "all but named ones", "a secret that is added to heapward's environment later reaches the worker",
		  "service.environment.keep" },
		{ 0, "all of heapward's", "a compromised server can read every secret that stands there for others",
		  "service.environment.keep: what it needs" } } },
	{ "core_dumps", "core dumps", choose_core, {
		{ 2, "none", "", "" },
		{ 0, "as inherited", "a crash may leave the server's memory, secrets and all, on the disk", "limits.core: 0M" } } },
	{ "memory_max", "memory", choose_memory, {
		{ 6, "capped by the kernel", "", "" },
		{ 0, "no cap", "a leak or an attack takes the machine's memory, and the kernel may kill others for it",
		  "memory.max" },
		{ 0, "a cap that cannot be enforced here", "a leak or an attack takes the machine's memory, and the kernel may kill others for it",
		  "a cgroup that heapward may write to: Delegate=yes under systemd, or root" } } },
	{ "tasks", "tasks", choose_tasks, {
		{ 4, "a limit", "", "" },
		{ 0, "no limit of its own", "a fork bomb takes the machine's process numbers", "limits.tasks: 512" } } },
	{ "cpu", "processor time", choose_cpu, {
		{ 2, "a limit", "", "" },
		{ 0, "no limit", "a compromised server can keep every processor busy", "limits.cpu: 200%" } } },
	{ "open_files", "open files", choose_files, {
		{ 1, "a limit", "", "" },
		{ 0, "as inherited", "a leak of descriptors goes on to the inherited limit", "limits.files: 4096" } } },
	{ "supervisor", "the supervisor", choose_supervisor, {
		{ 6, "separate uid: out of the worker's reach", "", "" },
		{ 3, "same uid, with a filter", "one fault in filter or walls, and a compromised server ends its supervisor, or changes what "
		  "that keeps on disk", "run heapward as root with sandbox.user" },
		{ 1, "same uid, without a filter", "a compromised server can end its supervisor and change what that keeps on disk",
		  "sandbox.syscalls: server" },
		{ 0, "same uid: root", "one fault in filter or walls, and a compromised server ends its supervisor and leaves its cgroup",
		  "sandbox.user: a user of its own" } } },
};

_Static_assert(ARRAY_LEN(rows) <= SCORE_ITEMS_MAX, "a place for every item");

void score_resolve(const struct plan *plan, const struct policy *policy, const struct host *host, struct score *ret)
{
	const struct judged judged = { plan, policy, host };
	*ret = (struct score){ .count = ARRAY_LEN(rows) };
	for (size_t i = 0; i < ret->count; i++) {
		struct score_item *item = &ret->items[i];
		const struct choice *choice = &rows[i].choices[rows[i].choose(&judged, item->detail)];
		assert(choice->does != NULL);
		item->id = rows[i].id;
		item->title = rows[i].title;
		item->points = choice->points;
		item->of = rows[i].choices[0].points;
		item->does = choice->does;
		item->cost = choice->cost;
		item->remedy = choice->remedy;
		ret->points += item->points;
		ret->of += item->of;
	}
}
