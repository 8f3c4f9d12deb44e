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
	struct choice choices[6]; /* the first has all points; the last one is followed by one without `does` */
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
	const char *list = policy_syscalls(judged->policy);
	if (!policy_filters(judged->policy))
		return 3;
	say(detail, list);
	if (judged->policy->sandbox.violation == VIOLATION_AUDIT)
		return 2;
	return strcmp(list, "compat") == 0 ? 1 : 0;
}

static unsigned choose_memory(const struct judged *judged, char detail[static SCORE_DETAIL_MAX] UNUSED)
{
	return judged->plan->enforced ? 0 : 1;
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
		return 2;
	return has_other_user(judged) ? 0 : 1;
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
	{ "no_new_privs", "no new privileges", choose_no_new_privs, { { 6, "set-uid programs give nothing", "", "" } } },
	{ "system_calls", "system calls", choose_syscalls, {
		{ 8, "list ", "", "" },
		{ 6, "list ", "a compromised server can make namespaces, where much of the kernel's code waits that nothing else reaches",
		  "sandbox.syscalls: server" },
		{ 1, "audit: every call passes, by list ", "a compromised server can call everything in the kernel, and is only reported",
		  "sandbox.violation: errno" },
		{ 0, "no filter", "a compromised server can call everything in the kernel: ptrace, bpf, mount, keyctl, io_uring",
		  "sandbox.syscalls: server" } } },
	{ "memory_max", "memory", choose_memory, {
		{ 6, "capped by the kernel", "", "" },
		{ 0, "no cap", "a leak or an attack takes the machine's memory, and the kernel may kill others for it",
		  "memory.max" } } },
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
		{ 3, "same uid: not dumpable, but files and signals are its user's", "a compromised server can end its supervisor and "
		  "change what it keeps on disk", "run heapward as root with sandbox.user" },
		{ 0, "same uid: root", "a compromised server can end its supervisor, change its state, and leave its own cgroup",
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
