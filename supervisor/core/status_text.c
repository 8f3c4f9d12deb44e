/* SPDX-License-Identifier: Apache-2.0 */
/* status_text: one service in full, as `status NAME` prints it, from the JSON of status_json. It came over a socket, so
 * every value may be missing. */
#include "supervisor/core/status.h"

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/prose.h"

#include <json.h>
#include <stdio.h>
#include <string.h>

static const char *size_at(char buffer[static UNITS_TEXT_MAX], struct json_object *object, const char *path)
{
	return units_format_size(buffer, json_find_size(object, path));
}

/* As in the plan: whole MiB are exact. */
static const char *exact_at(char buffer[static UNITS_TEXT_MAX], struct json_object *object, const char *path)
{
	return plan_value_text(buffer, UNIT_BYTES, json_find_size(object, path));
}

/* "64 MiB"; where nothing was asked of V8, in the words of the start. */
static const char *old_space_at(char buffer[static UNITS_TEXT_MAX], struct json_object *instance)
{
	uint64_t bytes = json_find_size(instance, "heap.old_space_bytes");
	return bytes == SIZE_UNKNOWN ? "Node's own choice" : units_format_size(buffer, bytes);
}

static const char *time_at(char buffer[static UNITS_TEXT_MAX], struct json_object *object, const char *path)
{
	double seconds = json_object_get_double(json_find(object, path));
	bool sane = seconds > 0 && seconds < 1e9;
	return units_format_time(buffer, sane ? (int64_t)(seconds * (double)USEC_PER_SEC) : 0);
}

static long long number_at(struct json_object *object, const char *path)
{
	return (long long)json_object_get_int64(json_find(object, path));
}

static size_t instance_count(struct json_object *service)
{
	struct json_object *list = json_find(service, "instances");
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void add_child_deaths(struct prose *prose, struct json_object *service, struct json_object *instance)
{
	if (number_at(instance, "child_deaths") > 0)
		prose_field(prose, "", "%lld of its child processes have died (heapward logs %s: child.death)",
			    number_at(instance, "child_deaths"), json_find_text(service, "name", "?"));
}

static void add_head(struct prose *prose, struct json_object *service)
{
	char since[UNITS_TEXT_MAX], uptime[UNITS_TEXT_MAX], worker[64] = "";
	if (instance_count(service) > 1)
		snprintf(worker, sizeof(worker), ", %zu instances", instance_count(service));
	else if (json_find(service, "instances.0.pid") != NULL)
		snprintf(worker, sizeof(worker), ", worker pid %lld", number_at(service, "instances.0.pid"));
	prose_field(prose, "service", "%s: %s", json_find_text(service, "name", "?"),
		    json_find_text(service, "state", "?"));
	if (number_at(service, "supervisor_pid") > 0)
		prose_field(prose, "", "for %s%s, supervisor pid %lld up %s", time_at(since, service, "state_seconds"),
			    worker, number_at(service, "supervisor_pid"), time_at(uptime, service, "uptime_seconds"));
	if (instance_count(service) == 1)
		add_child_deaths(prose, service, json_find(service, "instances.0"));
	if (json_find(service, "failed_why") != NULL)
		prose_field(prose, "failed", "%s", json_find_text(service, "failed_why", ""));
	if (json_find_text(service, "command", "")[0] != '\0')
		prose_field(prose, "command", "%s", json_find_text(service, "command", ""));
	if (json_find(service, "policy_file") != NULL)
		prose_field(prose, "policy", "%s%s", json_find_text(service, "policy_file", ""),
			    json_object_get_boolean(json_find(service, "reload_pending"))
				    ? " (read again; the next start uses it)" : "");
}

/* What an honest worker never has. */
static void add_doubts(struct prose *prose, struct json_object *instance)
{
	static const struct {
		const char *path, *what;
	} rows[] = {
		{ "heap.bad_records", "bad" }, { "heap.unknown_records", "of nobody known" },
		{ "heap.forged_hellos", "hellos in another's name" },
		{ "heap.replayed_hellos", "hellos once more" }, { "heap.refused_hellos", "hellos too many" },
		{ "heap.pauses", "times too much to hear" },
	};
	char text[256];
	size_t length = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows) && length < sizeof(text); i++)
		if (number_at(instance, rows[i].path) > 0)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%lld %s", length == 0 ? "" : ", ",
						   number_at(instance, rows[i].path), rows[i].what);
	if (length > 0)
		prose_field(prose, "", "not believed: %s", text);
}

static void add_heap(struct prose *prose, struct json_object *instance)
{
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], old_space[UNITS_TEXT_MAX], live[UNITS_TEXT_MAX];
	char age[UNITS_TEXT_MAX], external[UNITS_TEXT_MAX], to_limit[UNITS_TEXT_MAX];
	const char *source = json_find_text(instance, "heap.source", "none");
	if (strcmp(source, "none") == 0) {
		prose_field(prose, "heap", "no figures: %s",
			    json_find_text(instance, "heap.source_problem", "unknown"));
		add_doubts(prose, instance);
		return;
	}
	if (json_find_size(instance, "heap.used_bytes") == SIZE_UNKNOWN)
		prose_field(prose, "heap", "limit %s (old space %s); no collection yet",
			    size_at(limit, instance, "heap.limit_bytes"),
			    old_space_at(old_space, instance));
	else
		prose_field(prose, "heap",
			    "used %s of %s (old space %s), after the last full collection %s, external %s",
			    size_at(used, instance, "heap.used_bytes"), size_at(limit, instance, "heap.limit_bytes"),
			    old_space_at(old_space, instance),
			    size_at(live, instance, "heap.after_full_gc_bytes"),
			    size_at(external, instance, "heap.external_bytes"));
	if (json_find(instance, "heap.seconds_to_limit") != NULL)
		prose_field(prose, "", "as it grows now, old space is full in %s",
			    time_at(to_limit, instance, "heap.seconds_to_limit"));
	prose_field(prose, "", "by the %s, %s ago; %lld reporting, %lld records", source,
		    time_at(age, instance, "heap.age_seconds"), number_at(instance, "heap.reporters"),
		    number_at(instance, "heap.records"));
	add_doubts(prose, instance);
	if (json_find(instance, "heap.source_problem") != NULL)
		prose_field(prose, "", "%s", json_find_text(instance, "heap.source_problem", ""));
}

static void add_watchdog(struct prose *prose, struct json_object *instance)
{
	char silent[UNITS_TEXT_MAX], allowed[UNITS_TEXT_MAX];
	if (json_find(instance, "watchdog.event_loop_seconds") == NULL)
		return;
	time_at(allowed, instance, "watchdog.event_loop_seconds");
	if (json_find(instance, "watchdog.silent_seconds") == NULL)
		prose_field(prose, "watchdog", "no heartbeat yet; event loops may stand still for %s", allowed);
	else
		prose_field(prose, "watchdog", "last heartbeat %s ago%s; event loops may stand still for %s",
			    time_at(silent, instance, "watchdog.silent_seconds"),
			    json_object_get_boolean(json_find(instance, "watchdog.stuck")) ? ": stuck" : "", allowed);
}

static void add_memory(struct prose *prose, struct json_object *service, struct json_object *instance)
{
	char current[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX], peak[UNITS_TEXT_MAX];
	if (json_find_size(instance, "memory.current_bytes") == SIZE_UNKNOWN)
		return;
	bool limited = json_find_size(instance, "memory.max_bytes") != SIZE_UNKNOWN;
	prose_field(prose, "memory", "%s of %s, peak %s", size_at(current, instance, "memory.current_bytes"),
		    limited ? size_at(max, instance, "memory.max_bytes") : "no limit of its own",
		    size_at(peak, instance, "memory.peak_bytes"));
	if (json_find(service, "cgroup") != NULL && instance_count(service) == 1)
		prose_whole(prose, "cgroup", "%s (%s)", json_find_text(service, "cgroup", ""),
			    json_find_text(service, "cgroup_version", "?"));
}

static void add_budgets(struct prose *prose, struct json_object *service)
{
	char within[UNITS_TEXT_MAX], path[96];
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		snprintf(path, sizeof(path), "restarts.budgets_by_verdict.%s", verdict_name(kind));
		struct json_object *budget = json_find(service, path);
		if (budget != NULL)
			prose_field(prose, "", "by %s %lld of %lld left in %s", verdict_name(kind),
				    number_at(budget, "left"), number_at(budget, "deaths"),
				    time_at(within, budget, "within_seconds"));
	}
}

/* "memory.max 600 MiB while running (was 512 MiB, web.yaml:12)" */
static void add_one_set(struct prose *prose, struct json_object *set, bool first)
{
	char bytes[UNITS_TEXT_MAX], was[UNITS_TEXT_MAX], now[UNITS_TEXT_MAX], wait[96] = "";
	bool had = json_find(set, "was_bytes") != NULL;
	bool known = json_find_size(set, "in_effect_bytes") != SIZE_UNKNOWN;
	if (!json_object_get_boolean(json_find(set, "in_effect")))
		snprintf(wait, sizeof(wait), "; not yet: V8 %s%s", known ? "has " : "has not taken it",
			 known ? exact_at(now, set, "in_effect_bytes") : "");
	prose_field(prose, first ? "set" : "", "%s %s while running%s%s (was %s%s%s)%s", json_find_text(set, "key", "?"),
		    json_find(set, "bytes") == NULL ? "none" : exact_at(bytes, set, "bytes"),
		    json_object_get_boolean(json_find(set, "follows")) ? ", following memory.max" : "",
		    json_object_get_boolean(json_find(set, "saved")) ? ", saved" : "",
		    had ? exact_at(was, set, "was_bytes") : "", had ? ", " : "", json_find_text(set, "was_from", "?"), wait);
}

static void add_set(struct prose *prose, struct json_object *service)
{
	struct json_object *list = json_find(service, "set");
	size_t count = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < count; i++)
		add_one_set(prose, json_object_array_get_idx(list, i), i == 0);
}

static void add_raise(struct prose *prose, struct json_object *service)
{
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX], up_to[UNITS_TEXT_MAX];
	struct json_object *history = json_find(service, "raise.history");
	size_t count = json_object_is_type(history, json_type_array) ? json_object_array_length(history) : 0;
	if (json_find(service, "raise") == NULL)
		return;
	if (count == 0)
		prose_field(prose, "raise", "none so far; up to %s", size_at(up_to, service, "raise.up_to_bytes"));
	else
		prose_field(prose, "raise", "old space %s -> %s in %zu step%s, last at %s; up to %s",
			    size_at(from, json_object_array_get_idx(history, 0), "from_bytes"),
			    size_at(to, json_object_array_get_idx(history, count - 1), "to_bytes"), count,
			    count == 1 ? "" : "s",
			    json_find_text(json_object_array_get_idx(history, count - 1), "at", "?"),
			    size_at(up_to, service, "raise.up_to_bytes"));
	if (json_find(service, "raise.refused") != NULL)
		prose_field(prose, "", "refused: %s", json_find_text(service, "raise.refused", ""));
}

static void add_restarts(struct prose *prose, struct json_object *service)
{
	char within[UNITS_TEXT_MAX], next[UNITS_TEXT_MAX], deaths[256] = "";
	size_t length = 0;
	if (number_at(service, "restarts.budget_deaths") == 0)
		return;
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT && length < sizeof(deaths); kind++) {
		char path[64];
		snprintf(path, sizeof(path), "restarts.by_verdict.%s", verdict_name(kind));
		if (number_at(service, path) > 0)
			length += (size_t)snprintf(deaths + length, sizeof(deaths) - length, "%s%s %lld",
						   length == 0 ? "; ended by " : ", ", verdict_name(kind),
						   number_at(service, path));
	}
	time_at(within, service, "restarts.budget_within_seconds");
	if (json_find(service, "failed_why") != NULL) { /* what the budget forgets in time starts nothing again */
		prose_field(prose, "restarts", "%lld%s; none until a reset (%lld in %s used up)",
			    number_at(service, "restarts.total"), deaths, number_at(service, "restarts.budget_deaths"), within);
		return;
	}
	prose_field(prose, "restarts", "%lld%s; %lld of %lld left in %s", number_at(service, "restarts.total"), deaths,
		    number_at(service, "restarts.budget_left"), number_at(service, "restarts.budget_deaths"), within);
	add_budgets(prose, service);
	if (json_find(service, "restarts.next_in_seconds") != NULL)
		prose_field(prose, "", "next start in %s", time_at(next, service, "restarts.next_in_seconds"));
}

/* REACH_COUNT: one that this version does not know. */
static enum reach_act find_act(struct json_object *name)
{
	const char *text = json_object_get_string(name);
	enum reach_act act = 0;
	while (act < REACH_COUNT && (text == NULL || strcmp(reach_name(act), text) != 0))
		act++;
	return act;
}

/* "separate uid; tried: a worker can do nothing to it" */
static void add_reach(struct prose *prose, struct json_object *supervisor)
{
	bool separate = strcmp(json_find_text(supervisor, "level", ""), "separate-uid") == 0;
	const char *level = separate ? "separate uid" : "same uid";
	struct json_object *open = json_find(supervisor, "open");
	char list[1024] = "";
	size_t length = 0, count = json_object_is_type(open, json_type_array) ? json_object_array_length(open) : 0;
	for (size_t i = 0; i < count && length < sizeof(list); i++) {
		enum reach_act act = find_act(json_object_array_get_idx(open, i));
		if (act < REACH_COUNT)
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", length > 0 ? "; " : "", reach_text(act));
	}
	if (open == NULL)
		prose_field(prose, "", "worker and supervisor: %s; not tried %s%s", level,
			    json_find(supervisor, "problem") == NULL ? "yet" : "out: ", json_find_text(supervisor, "problem", ""));
	else if (length == 0)
		prose_field(prose, "", "worker and supervisor: %s; tried: it can get at nothing", level);
	else
		prose_field(prose, "", "worker and supervisor: %s; tried: it can %s: who takes over the server takes this over as well; "
			    "%s", level, list, separate ? "heapward explain --sandbox says more" : "as root set sandbox.user to a user of "
			    "its own");
}

static void add_supervisor(struct prose *prose, struct json_object *supervisor)
{
	const char *later = json_find_text(supervisor, "capabilities_at_end", "none");
	bool none = strcmp(later, "none") == 0;
	prose_field(prose, "", "supervisor: capabilities %s%s%s; %s system-call filter, %s", json_find_text(supervisor, "capabilities", "unknown"),
		    none ? "" : ", at the end ", none ? "" : later, json_object_get_boolean(json_find(supervisor, "filter")) ? "a" : "no",
		    json_object_get_boolean(json_find(supervisor, "dumpable")) ? "dumpable" : "not dumpable");
}

static void add_sandbox(struct prose *prose, struct json_object *service)
{
	if (number_at(service, "supervisor_pid") == 0)
		return;
	prose_field(prose, "sandbox", "system calls %s (%s), user %s, capabilities %s%s",
		    json_find_text(service, "sandbox.syscalls", "?"), json_find_text(service, "sandbox.violation", "?"), json_find_text(service, "sandbox.user", "?"),
		    json_find_text(service, "sandbox.capabilities", "?"),
		    json_object_get_boolean(json_find(service, "sandbox.no_new_privs")) ? ", no_new_privs" : "");
	add_supervisor(prose, json_find(service, "sandbox.supervisor"));
	add_reach(prose, json_find(service, "sandbox.supervisor"));
	prose_field(prose, "files", "%s", json_find_text(service, "sandbox.files", "unchanged"));
	prose_field(prose, "network", "%s", json_find_text(service, "sandbox.network", "full"));
	if (json_find(service, "sandbox.missing") != NULL)
		prose_field(prose, "missing", "%s (this machine cannot)", json_find_text(service, "sandbox.missing", ""));
}

static void add_last_death(struct prose *prose, struct json_object *service, int64_t now_realtime_usec)
{
	char ago[UNITS_TEXT_MAX];
	struct json_object *at = json_find(service, "last_death.at_usec");
	if (at == NULL)
		return;
	int64_t age_usec = now_realtime_usec - json_object_get_int64(at);
	prose_field(prose, "last end", "%s, %s ago: %s", json_find_text(service, "last_death.verdict", "?"),
		    units_format_time(ago, age_usec > 0 ? age_usec : 0),
		    json_find_text(service, "last_death.text", ""));
	prose_field(prose, "", "heapward why %s says more", json_find_text(service, "name", "?"));
}

/* The most frequent ones; the events have all. */
static void add_violations(struct prose *prose, struct json_object *service, struct json_object *instance)
{
	struct json_object *calls = json_find(instance, "violations.calls");
	size_t count = json_object_is_type(calls, json_type_array) ? json_object_array_length(calls) : 0, shown = count < 8 ? count : 8;
	bool passed = strcmp(json_find_text(service, "sandbox.violation", ""), "audit") == 0;
	char text[512] = "";
	size_t length = 0;
	for (size_t i = 0; i < shown && length < sizeof(text); i++) {
		struct json_object *call = json_object_array_get_idx(calls, i);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.60s x %lld", i == 0 ? "" : ", ",
					   json_find_text(call, "call", "?"), number_at(call, "count"));
	}
	if (count > 0)
		prose_field(prose, passed ? "passed" : "denied", "system calls not in the list %s: %s%s",
			    json_find_text(service, "sandbox.syscalls", "?"), text, count > shown ? ", ..." : "");
}

/* One of several begins with a line of its own. */
static void add_instance(struct prose *prose, struct json_object *service, struct json_object *instance)
{
	char up[UNITS_TEXT_MAX], worker[96] = "", second[48] = "";
	bool lives = json_find(instance, "pid") != NULL;
	if (number_at(instance, "replacement_pid") > 0)
		snprintf(second, sizeof(second), ", beside it pid %lld", number_at(instance, "replacement_pid"));
	if (lives)
		snprintf(worker, sizeof(worker), ", worker pid %lld up %s", number_at(instance, "pid"),
			 time_at(up, instance, "uptime_seconds"));
	if (instance_count(service) > 1) {
		prose_field(prose, "instance", "%lld: %s%s%s", number_at(instance, "instance"), json_find_text(instance, "state", "?"),
			    worker, second);
		add_child_deaths(prose, service, instance);
	}
	if (lives)
		add_heap(prose, instance);
	add_watchdog(prose, instance);
	add_memory(prose, service, instance);
	add_violations(prose, service, instance);
}

char *status_text(const char *json, int64_t now_realtime_usec)
{
	struct prose prose = { 0 };
	struct json_object *service = json_parse(json, strlen(json));
	struct json_object *instance = json_find(service, "instances.0");
	if (instance == NULL || json_find(service, "name") == NULL) {
		json_object_put(service);
		return NULL;
	}
	add_head(&prose, service);
	for (size_t i = 0; i < instance_count(service); i++)
		add_instance(&prose, service, json_object_array_get_idx(json_find(service, "instances"), i));
	add_set(&prose, service);
	add_raise(&prose, service);
	add_restarts(&prose, service);
	add_sandbox(&prose, service);
	add_last_death(&prose, service, now_realtime_usec);
	json_object_put(service);
	return prose_take(&prose);
}
