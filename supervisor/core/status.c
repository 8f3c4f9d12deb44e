/* SPDX-License-Identifier: Apache-2.0 */
/* status: see status.h. Keys never vanish: what is unknown is null. */
#include "supervisor/core/status.h"

#include "supervisor/core/capability.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/notice.h"

#include <json.h>
#include <string.h>

static struct json_object *pid_or_null(int32_t pid)
{
	return pid == 0 ? NULL : json_number(pid);
}

static struct json_object *text_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? NULL : json_text(text);
}

static struct json_object *heap_object(const struct status_instance *instance)
{
	struct json_object *heap = json_object_new_object();
	json_put(heap, "used_bytes", json_size(instance->heap.used_bytes));
	json_put(heap, "old_space_bytes", json_size(instance->heap.old_space_bytes));
	json_put(heap, "limit_bytes", json_size(instance->heap.limit_bytes));
	json_put(heap, "available_bytes", json_size(instance->heap.available_bytes));
	json_put(heap, "after_full_gc_bytes", json_size(instance->heap.after_full_gc_bytes));
	json_put(heap, "external_bytes", json_size(instance->heap.external_bytes));
	json_put(heap, "seconds_to_limit", json_seconds(instance->heap.usec_to_limit));
	json_put(heap, "age_seconds", json_seconds(instance->heap.age_usec));
	json_put(heap, "source", json_text(instance->heap.source));
	json_put(heap, "source_problem",
		 text_or_null(instance->heap.source_problem));
	json_put(heap, "reporters", json_number(instance->heap.reporters));
	json_put(heap, "records", json_size(instance->heap.records));
	json_put(heap, "bad_records", json_size(instance->heap.bad_records));
	json_put(heap, "unknown_records", json_size(instance->heap.unknown_records));
	json_put(heap, "forged_hellos", json_size(instance->heap.forged_hellos));
	json_put(heap, "replayed_hellos", json_size(instance->heap.replayed_hellos));
	json_put(heap, "refused_hellos", json_size(instance->heap.refused_hellos));
	json_put(heap, "pauses", json_size(instance->heap.pauses));
	return heap;
}

static struct json_object *memory_object(const struct memory_sample *sample)
{
	struct json_object *memory = json_object_new_object();
	json_put(memory, "current_bytes", json_size(sample->current_bytes));
	json_put(memory, "max_bytes", json_size(sample->max_bytes));
	json_put(memory, "peak_bytes", json_size(sample->peak_bytes));
	json_put(memory, "swap_bytes", json_size(sample->swap_bytes));
	return memory;
}

static struct json_object *watchdog_object(const struct status_instance *instance)
{
	struct json_object *watchdog = json_object_new_object();
	json_put(watchdog, "event_loop_seconds", json_seconds(instance->watchdog.event_loop_usec));
	json_put(watchdog, "silent_seconds", json_seconds(instance->watchdog.silent_usec));
	json_put(watchdog, "stuck", json_object_new_boolean(instance->watchdog.stuck));
	return watchdog;
}

/* NULL, so null, where nobody can know. */
static struct json_object *violations_object(const struct status_instance *instance)
{
	const struct violations *violations = instance->violations;
	if (violations == NULL || instance->unheard)
		return NULL;
	struct json_object *object = json_object_new_object(), *calls = json_object_new_array();
	for (size_t i = 0; i <= VIOLATION_CALLS_MAX; i++) {
		const struct violation_call *call = &violations->calls[i];
		if (call->count == 0)
			continue;
		struct json_object *entry = json_object_new_object();
		json_put(entry, "call", json_text(call->name));
		json_put(entry, "count", json_size(call->count));
		json_put(entry, "pid", pid_or_null(call->pid));
		json_put(entry, "comm", text_or_null(call->comm));
		json_object_array_add(calls, entry);
	}
	json_put(object, "total", json_size(violations->total));
	json_put(object, "calls", calls);
	return object;
}

static struct json_object *instance_object(const struct status_instance *instance)
{
	struct json_object *object = json_object_new_object();
	json_put(object, "instance", json_number(instance->instance));
	json_put(object, "state", json_text(instance->state));
	json_put(object, "pid", pid_or_null(instance->pid));
	json_put(object, "replacement_pid", pid_or_null(instance->replacement_pid));
	json_put(object, "uptime_seconds", json_seconds(instance->uptime_usec));
	json_put(object, "child_deaths", json_size(instance->child_deaths));
	json_put(object, "heap", heap_object(instance));
	json_put(object, "memory", memory_object(&instance->memory));
	json_put(object, "watchdog", watchdog_object(instance));
	json_put(object, "violations", violations_object(instance));
	return object;
}

static struct json_object *instances_array(const struct status *status)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < status->instance_count; i++)
		json_object_array_add(array, instance_object(&status->instances[i]));
	return array;
}

/* Only the verdicts that have a budget of their own. */
static struct json_object *budgets_object(const struct status *status)
{
	struct json_object *budgets = json_object_new_object();
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		if (status->restarts.by_verdict_budget[kind].deaths < 0 || !verdict_counts(kind))
			continue;
		struct json_object *budget = json_object_new_object();
		json_put(budget, "deaths", json_number(status->restarts.by_verdict_budget[kind].deaths));
		json_put(budget, "within_seconds", json_seconds(status->restarts.by_verdict_budget[kind].within_usec));
		json_put(budget, "left", json_number(status->restarts.by_verdict_budget[kind].left));
		json_put(budgets, verdict_name(kind), budget);
	}
	return budgets;
}

static struct json_object *raise_object(const struct status *status)
{
	struct json_object *raise = json_object_new_object(), *history = json_object_new_array();
	if (status->raises == NULL) {
		json_object_put(raise);
		json_object_put(history);
		return NULL;
	}
	for (size_t i = 0; i < status->raises->count; i++) {
		const struct raise *one = &status->raises->list[i];
		struct json_object *entry = json_object_new_object();
		char at[32];
		json_put(entry, "at", json_text(notice_time(at, one->at_realtime_usec)));
		json_put(entry, "from_bytes", json_size(one->from_bytes));
		json_put(entry, "to_bytes", json_size(one->to_bytes));
		json_put(entry, "memory_max_bytes", json_size(one->memory_max_bytes));
		json_object_array_add(history, entry);
	}
	json_put(raise, "up_to_bytes", json_size(status->raise_up_to_bytes));
	json_put(raise, "refused", text_or_null(status->raise_refused));
	json_put(raise, "history", history);
	return raise;
}

static struct json_object *set_array(const struct status *status)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < status->set_count; i++) {
		const struct status_set *set = &status->set[i];
		struct json_object *entry = json_object_new_object();
		json_put(entry, "key", json_text(set->key));
		json_put(entry, "bytes", json_size(set->bytes));
		json_put(entry, "was_bytes", json_size(set->was_bytes));
		json_put(entry, "was_from", json_text(set->was_from));
		json_put(entry, "follows", json_object_new_boolean(!set->asked));
		json_put(entry, "saved", json_object_new_boolean(set->saved));
		json_put(entry, "in_effect", json_object_new_boolean(set->in_effect));
		json_put(entry, "in_effect_bytes", json_size(set->in_effect ? set->bytes : set->in_effect_bytes));
		json_object_array_add(array, entry);
	}
	return array;
}

static struct json_object *restarts_object(const struct status *status)
{
	struct json_object *restarts = json_object_new_object(), *by_verdict = json_object_new_object();
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++)
		json_put(by_verdict, verdict_name(kind), json_size(status->restarts.by_verdict[kind]));
	json_put(restarts, "total", json_size(status->restarts.total));
	json_put(restarts, "by_verdict", by_verdict);
	json_put(restarts, "budget_left", json_number(status->restarts.budget_left));
	json_put(restarts, "budget_deaths", json_number(status->restarts.budget_deaths));
	json_put(restarts, "budget_within_seconds", json_seconds(status->restarts.budget_within_usec));
	json_put(restarts, "next_in_seconds", json_seconds(status->restarts.next_in_usec));
	json_put(restarts, "budgets_by_verdict", budgets_object(status));
	return restarts;
}

/* What of the supervisor is open to a worker. */
static struct json_object *open_array(uint32_t open)
{
	struct json_object *array = json_object_new_array();
	for (enum reach_act act = 0; act < REACH_COUNT; act++)
		if ((open >> act & 1) != 0)
			json_object_array_add(array, json_text(reach_name(act)));
	return array;
}

static struct json_object *protection_object(const struct status *status)
{
	struct json_object *protection = json_object_new_object();
	char text[CAPABILITY_TEXT_MAX];
	bool runs = status->supervisor_pid != 0;
	json_put(protection, "capabilities", runs ? json_text(capability_text(status->protection.effective, text)) : NULL);
	json_put(protection, "capabilities_at_end", runs ? json_text(capability_text(status->protection.later, text)) : NULL);
	json_put(protection, "filter", runs ? json_object_new_boolean(status->protection.filtered) : NULL);
	json_put(protection, "dumpable", runs ? json_object_new_boolean(status->protection.dumpable) : NULL);
	json_put(protection, "level", runs ? json_text(status->protection.separate_uid ? "separate-uid" : "same-uid") : NULL);
	json_put(protection, "open", status->protection.tried ? open_array(status->protection.open) : NULL);
	json_put(protection, "problem", text_or_null(status->protection.problem));
	return protection;
}

static struct json_object *sandbox_object(const struct status *status)
{
	struct json_object *sandbox = json_object_new_object();
	json_put(sandbox, "syscalls", json_text(status->sandbox.syscalls));
	json_put(sandbox, "violation", json_text(status->sandbox.violation));
	json_put(sandbox, "user", json_text(status->sandbox.user));
	json_put(sandbox, "capabilities", json_text(status->sandbox.capabilities));
	json_put(sandbox, "files", text_or_null(status->sandbox.files));
	json_put(sandbox, "network", text_or_null(status->sandbox.network));
	json_put(sandbox, "missing", text_or_null(status->sandbox.missing));
	json_put(sandbox, "landlock_abi",
		 status->sandbox.landlock_abi == 0 ? NULL : json_number((int64_t)status->sandbox.landlock_abi));
	json_put(sandbox, "no_new_privs", json_object_new_boolean(status->sandbox.no_new_privs));
	json_put(sandbox, "supervisor", protection_object(status));
	return sandbox;
}

char *status_json(const struct status *status)
{
	struct json_object *service = json_object_new_object();
	if (service == NULL)
		return NULL;
	json_put(service, "name", json_text(status->name));
	json_put(service, "state", json_text(status->state));
	json_put(service, "state_seconds", json_seconds(status->state_since_usec));
	json_put(service, "uptime_seconds", json_seconds(status->uptime_usec));
	json_put(service, "supervisor_pid", json_number(status->supervisor_pid));
	json_put(service, "version", json_text(status->version));
	json_put(service, "command", json_text(status->command));
	json_put(service, "policy_file", text_or_null(status->policy_file));
	json_put(service, "cgroup", text_or_null(status->cgroup));
	json_put(service, "cgroup_version", json_text(status->cgroup_version));
	json_put(service, "limited_by", text_or_null(status->limited_by));
	json_put(service, "instances", instances_array(status));
	json_put(service, "restarts", restarts_object(status));
	json_put(service, "sandbox", sandbox_object(status));
	json_put(service, "raise", raise_object(status));
	json_put(service, "set", set_array(status));
	json_put(service, "reload_pending", json_object_new_boolean(status->reload_pending));
	json_put(service, "failed_why", text_or_null(status->failed_why));
	json_put(service, "last_death",
		 status->last_death_json == NULL
			 ? NULL
			 : json_parse(status->last_death_json, strlen(status->last_death_json)));
	return json_line(service);
}

void status_no_worker(struct status_instance *ret, uint32_t number, const char *state)
{
	*ret = (struct status_instance){ .instance = (int)number, .state = state, .uptime_usec = -1 };
	ret->heap.used_bytes = ret->heap.old_space_bytes = ret->heap.limit_bytes = SIZE_UNKNOWN;
	ret->heap.available_bytes = ret->heap.after_full_gc_bytes = ret->heap.external_bytes = SIZE_UNKNOWN;
	ret->heap.age_usec = -1;
	ret->heap.usec_to_limit = USEC_NEVER;
	ret->heap.source = "none";
	ret->watchdog.event_loop_usec = ret->watchdog.silent_usec = -1;
	ret->memory = (struct memory_sample){ SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, 0 };
}

void status_of_stopped(struct status *ret, const char *name)
{
	*ret = (struct status){ .state = "stopped",
				.state_since_usec = -1,
				.uptime_usec = -1,
				.version = HEAPWARD_VERSION,
				.cgroup_version = "none",
				.failed_why = "" };
	size_t length = strlen(name);
	assert(length < sizeof(ret->name));
	memcpy(ret->name, name, length + 1);
	status_no_worker(&ret->instances[0], 0, "stopped");
	ret->instance_count = 1;
	ret->restarts.next_in_usec = -1;
	ret->restarts.budget_within_usec = -1;
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++)
		ret->restarts.by_verdict_budget[kind].deaths = -1;
	ret->sandbox.syscalls = ret->sandbox.violation = ret->sandbox.user = ret->sandbox.capabilities = "unknown";
}
