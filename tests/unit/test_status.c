/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/raise.h"
#include "supervisor/core/status.h"
#include "supervisor/types/reach.h"

static struct status sample(void)
{
	struct status status;
	status_of_stopped(&status, "web");
	status.state = status.instances[0].state = "ready";
	status.uptime_usec = 90 * USEC_PER_SEC;
	status.supervisor_pid = 4000;
	strcpy(status.command, "node server.js");
	strcpy(status.policy_file, "web.yaml");
	strcpy(status.cgroup, "/a/heapward-web/worker-0-a");
	status.cgroup_version = "v2";
	status.instances[0].pid = 4711;
	status.instances[0].uptime_usec = 80 * USEC_PER_SEC;
	status.instances[0].heap.used_bytes = 40 * MIB;
	status.instances[0].heap.old_space_bytes = 64 * MIB;
	status.instances[0].heap.limit_bytes = 112 * MIB;
	status.instances[0].heap.age_usec = 2 * USEC_PER_SEC;
	status.instances[0].heap.usec_to_limit = 95500 * USEC_PER_MSEC;
	status.instances[0].heap.source = "agent";
	status.instances[0].heap.reporters = 1;
	status.instances[0].memory = (struct memory_sample){ 150 * MIB, 160 * MIB, 320 * MIB, SIZE_UNKNOWN, 11 };
	status.restarts.total = 2;
	status.restarts.by_verdict[VERDICT_HEAP_LIMIT] = 2;
	status.restarts.budget_left = 3;
	status.restarts.budget_deaths = 5;
	status.restarts.budget_within_usec = 600 * USEC_PER_SEC;
	status.sandbox.syscalls = "compat";
	status.sandbox.user = "unchanged";
	status.sandbox.capabilities = "none";
	return status;
}

static struct json_object *parsed(const struct status *status)
{
	char *text = status_json(status);
	assert_non_null(text);
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
	struct json_object *object = json_parse(text, strlen(text));
	assert_non_null(object);
	free(text);
	return object;
}

static const char *const paths[] = {
	"name", "state", "uptime_seconds", "instances.0.instance", "instances.0.state", "instances.0.pid",
	"instances.0.replacement_pid", "instances.0.heap.used_bytes", "instances.0.heap.old_space_bytes",
	"instances.0.heap.limit_bytes", "instances.0.heap.available_bytes", "instances.0.heap.after_full_gc_bytes",
	"instances.0.heap.seconds_to_limit", "instances.0.heap.source", "instances.0.memory.current_bytes",
	"instances.0.memory.max_bytes", "instances.0.memory.peak_bytes", "restarts.total",
	"restarts.by_verdict.heap-limit", "restarts.by_verdict.oom-kill", "restarts.budget_left",
	"instances.0.watchdog.event_loop_seconds", "instances.0.watchdog.silent_seconds", "instances.0.watchdog.stuck",
	"restarts.next_in_seconds", "sandbox.syscalls", "sandbox.missing", "sandbox.supervisor.capabilities",
	"sandbox.supervisor.capabilities_at_end",
	"sandbox.supervisor.filter", "sandbox.supervisor.dumpable", "sandbox.supervisor.level", "sandbox.supervisor.open",
	"sandbox.supervisor.problem", "last_death", "set",
};

/* The parent has the key, whatever its value is. */
static bool has_key(struct json_object *object, const char *path)
{
	char parent[128] = "";
	const char *dot = strrchr(path, '.'), *name = dot == NULL ? path : dot + 1;
	snprintf(parent, sizeof(parent), "%.*s", dot == NULL ? 0 : (int)(dot - path), path);
	struct json_object *found = json_find(object, parent);
	return found != NULL && json_object_object_get_ex(found, name, NULL);
}

static void keys_never_vanish(void **state UNUSED)
{
	struct status full = sample(), stopped;
	status_of_stopped(&stopped, "web");
	const struct status *const statuses[] = { &full, &stopped };
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct json_object *object = parsed(statuses[i]);
		for (size_t k = 0; k < ARRAY_LEN(paths); k++)
			if (!has_key(object, paths[k]))
				fail_msg("status %zu has no %s", i, paths[k]);
		json_object_put(object);
	}
}

static void what_is_unknown_is_null(void **state UNUSED)
{
	struct status stopped;
	status_of_stopped(&stopped, "web");
	struct json_object *object = parsed(&stopped);
	assert_null(json_find(object, "instances.0.pid"));
	assert_null(json_find(object, "instances.0.heap.used_bytes"));
	assert_null(json_find(object, "instances.0.heap.seconds_to_limit"));
	assert_null(json_find(object, "instances.0.memory.max_bytes"));
	assert_null(json_find(object, "uptime_seconds"));
	assert_null(json_find(object, "last_death"));
	assert_string_equal(json_find_text(object, "state", ""), "stopped");
	json_object_put(object);
}

static void numbers_come_out_as_they_went_in(void **state UNUSED)
{
	struct status status = sample();
	status.last_death_json = "{\"verdict\":\"heap-limit\",\"at_usec\":5}";
	struct json_object *object = parsed(&status);
	assert_int_equal(json_find_size(object, "instances.0.heap.used_bytes"), 40 * MIB);
	assert_int_equal(json_find_size(object, "instances.0.memory.max_bytes"), 320 * MIB);
	assert_true(json_object_get_double(json_find(object, "instances.0.heap.seconds_to_limit")) == 95.5);
	assert_int_equal(json_find_size(object, "restarts.by_verdict.heap-limit"), 2);
	assert_int_equal(json_object_get_double(json_find(object, "uptime_seconds")), 90);
	assert_string_equal(json_find_text(object, "last_death.verdict", ""), "heap-limit");
	json_object_put(object);
}

static char *printed(const struct status *status)
{
	char *json = status_json(status), *text = status_text(json, 10 * USEC_PER_SEC);
	free(json);
	assert_non_null(text);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 1, 80);
	return text;
}

static void each_of_several_instances_is_there(void **state UNUSED)
{
	struct status status = sample();
	status.instances[1] = status.instances[0];
	status.instances[1].instance = 1;
	status.instances[1].pid = 4712;
	status.instances[1].replacement_pid = 4713;
	status.instances[1].state = "replacing";
	status_no_worker(&status.instances[2], 2, "back-off");
	status.instance_count = 3;
	struct json_object *object = parsed(&status);
	assert_int_equal(json_object_array_length(json_find(object, "instances")), 3);
	assert_int_equal(json_object_get_int(json_find(object, "instances.1.replacement_pid")), 4713);
	assert_string_equal(json_find_text(object, "instances.2.state", ""), "back-off");
	assert_null(json_find(object, "instances.2.pid"));
	json_object_put(object);
	cleanup_free char *text = printed(&status);
	assert_contains(text, ", 3 instances, supervisor pid");
	assert_contains(text, "\ninstance  0: ready, worker pid 4711 up 1 min 20 s\nheap ");
	assert_contains(text, "\ninstance  1: replacing, worker pid 4712 up 1 min 20 s, beside it pid 4713\nheap ");
	assert_contains(text, "\ninstance  2: back-off\n");
}

static void one_service_in_full_says_what_an_operator_asks(void **state UNUSED)
{
	struct status status = sample();
	status.last_death_json = "{\"verdict\":\"heap-limit\",\"at_usec\":5000000,\"text\":\"old space reached\"}";
	char *text = printed(&status);
	const char *const parts[] = {
		"web: ready", "worker pid 4711", "supervisor pid 4000", "node server.js", "web.yaml", "40 MiB of 112 MiB",
		"old space 64 MiB", "by the agent, 2 s ago", "old space is full in 1 min 35 s", "150 MiB of 320 MiB, peak 160 MiB", "heap-limit 2",
		"3 of 5 left in 10 min", "compat", "heap-limit, 5 s ago: old space reached", "heapward why web",
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_contains(text, parts[i]);
	free(text);
}

/* What a service with budgets by verdict, a raise and a restart to come says of it. */
static struct status in_backoff(const struct raises *raises)
{
	struct status status = sample();
	status.state = "back-off";
	status.raises = raises;
	status.raise_up_to_bytes = GIB;
	status.restarts.next_in_usec = 3 * USEC_PER_SEC;
	status.restarts.by_verdict_budget[VERDICT_SECCOMP].deaths = 1;
	status.restarts.by_verdict_budget[VERDICT_SECCOMP].within_usec = 3600 * USEC_PER_SEC;
	status.restarts.by_verdict_budget[VERDICT_SECCOMP].left = 1;
	status.instances[0].child_deaths = 2;
	return status;
}

static void budgets_by_verdict_and_the_next_start_are_told(void **state UNUSED)
{
	struct status status = in_backoff(NULL);
	struct json_object *object = parsed(&status);
	assert_int_equal(json_find_size(object, "restarts.budgets_by_verdict.seccomp.left"), 1);
	assert_null(json_find(object, "restarts.budgets_by_verdict.exit"));
	assert_null(json_find(object, "raise"));
	json_object_put(object);
	char *text = printed(&status);
	assert_contains(text, "by seccomp 1 of 1 left in 1 h");
	assert_contains(text, "next start in 3 s");
	assert_contains(text, "2 of its child processes have died (heapward logs web:");
	free(text);
}

static void what_was_set_is_told_with_what_it_was(void **state UNUSED)
{
	struct status status = sample();
	status.set[0] = (struct status_set){ "memory.max", 1100 * MIB, 512 * MIB, "web.yaml:12", true, true, true, SIZE_UNKNOWN };
	status.set[1] = (struct status_set){ "heap.old_space", 400 * MIB, SIZE_UNKNOWN, "Node's own choice", false, false, false,
					     256 * MIB };
	status.set_count = 2;
	struct json_object *object = parsed(&status);
	assert_int_equal(json_object_get_int64(json_find(object, "set.0.bytes")), 1100 * MIB);
	assert_int_equal(json_object_get_int64(json_find(object, "set.0.in_effect_bytes")), 1100 * MIB);
	assert_string_equal(json_find_text(object, "set.0.was_from", ""), "web.yaml:12");
	assert_true(json_object_get_boolean(json_find(object, "set.0.saved")));
	assert_true(json_object_get_boolean(json_find(object, "set.1.follows")));
	assert_false(json_object_get_boolean(json_find(object, "set.1.in_effect")));
	assert_null(json_find(object, "set.1.was_bytes"));
	json_object_put(object);
	cleanup_free char *json = status_json(&status), *text = status_text(json, 0);
	assert_contains(text, "set       memory.max 1100 MiB while running, saved (was 512 MiB, web.yaml:12)");
	assert_contains(text, "heap.old_space 400 MiB while running, following memory.max (was");
	assert_contains(text, "not yet: V8 has 256");
}

static void a_raise_is_told_with_its_history(void **state UNUSED)
{
	struct raises raises = { .count = 0 };
	struct status status = in_backoff(&raises);
	char *text = printed(&status);
	assert_contains(text, "raise     none so far; up to 1 GiB");
	free(text);
	raises_add(&raises, &(struct raise){ 1700000000LL * USEC_PER_SEC, 64 * MIB, 96 * MIB, 512 * MIB });
	text = printed(&status);
	assert_contains(text, "old space 64 MiB -> 96 MiB in 1 step, last at");
	free(text);
	raises_add(&raises, &(struct raise){ 1700000100LL * USEC_PER_SEC, 96 * MIB, 144 * MIB, SIZE_NONE });
	status.raise_refused = "need 600 MiB, have 500 MiB (MemAvailable)";
	text = printed(&status);
	assert_contains(text, "old space 64 MiB -> 144 MiB in 2 steps");
	assert_contains(text, "refused: need 600 MiB");
	free(text);
	struct json_object *object = parsed(&status);
	assert_string_equal(json_find_text(object, "raise.history.1.at", ""), "2023-11-14T22:15:00.000Z");
	assert_int_equal(json_find_size(object, "raise.history.0.memory_max_bytes"), 512 * MIB);
	assert_null(json_find(object, "raise.history.1.memory_max_bytes"));
	assert_int_equal(json_find_size(object, "raise.up_to_bytes"), GIB);
	json_object_put(object);
}

static void a_heap_without_a_collection_or_with_a_problem_says_so(void **state UNUSED)
{
	struct status status = sample();
	status.instances[0].heap.used_bytes = SIZE_UNKNOWN;
	status.instances[0].heap.source = "timer";
	strcpy(status.instances[0].heap.source_problem, "Node may not load addons here");
	char *text = printed(&status);
	assert_contains(text, "limit 112 MiB (old space 64 MiB); no collection yet");
	assert_contains(text, "Node may not load addons here");
	free(text);
	status.instances[0].heap.old_space_bytes = SIZE_UNKNOWN;
	text = printed(&status);
	assert_contains(text, "limit 112 MiB (old space Node's own choice); no collection yet");
	free(text);
}

static void what_no_honest_worker_sends_is_told(void **state UNUSED)
{
	struct status status = sample();
	char *text = printed(&status);
	assert_null(strstr(text, "not believed"));
	free(text);
	status.instances[0].heap.bad_records = 7;
	status.instances[0].heap.forged_hellos = 2;
	text = printed(&status);
	assert_contains(text, "not believed: 7 bad, 2 hellos in another's name");
	free(text);
}

static void without_a_forecast_nothing_is_said_of_it(void **state UNUSED)
{
	struct status status = sample();
	status.instances[0].heap.usec_to_limit = USEC_NEVER;
	char *text = printed(&status);
	assert_null(strstr(text, "full in"));
	free(text);
}

static void the_watchdog_has_a_line_where_there_is_one(void **state UNUSED)
{
	struct status status = sample();
	char *text = printed(&status);
	assert_null(strstr(text, "watchdog"));
	free(text);
	status.instances[0].watchdog.event_loop_usec = 30 * USEC_PER_SEC;
	text = printed(&status);
	assert_contains(text, "watchdog  no heartbeat yet; event loops may stand still for 30 s");
	free(text);
	status.instances[0].watchdog.silent_usec = 3 * USEC_PER_SEC;
	text = printed(&status);
	assert_contains(text, "watchdog  last heartbeat 3 s ago; event loops may stand still for 30 s");
	free(text);
	status.instances[0].watchdog.stuck = true;
	text = printed(&status);
	assert_contains(text, "last heartbeat 3 s ago: stuck;");
	free(text);
}

static void walls_that_cannot_be_had_here_are_named(void **state UNUSED)
{
	struct status status = sample();
	char *text = printed(&status);
	assert_null(strstr(text, "missing"));
	free(text);
	status.sandbox.missing = "mounts, network: none";
	text = printed(&status);
	assert_contains(text, "missing   mounts, network: none (this machine cannot)\n");
	free(text);
}

static void what_a_worker_can_get_at_is_told_once_it_was_tried(void **state UNUSED)
{
	struct status status = sample();
	status.protection.effective = 1 << 5;
	status.protection.filtered = true;
	char *text = printed(&status);
	assert_contains(text, "supervisor: capabilities cap_kill; a system-call filter, not dumpable\n");
	assert_contains(text, "worker and supervisor: same uid; not tried yet\n");
	free(text);
	status.protection.later = 1 << 1;
	text = printed(&status);
	assert_contains(text, "supervisor: capabilities cap_kill, at the end cap_dac_override; a");
	free(text);
	status.protection.separate_uid = status.protection.tried = true;
	text = printed(&status);
	assert_contains(text, "worker and supervisor: separate uid; tried: it can get at nothing\n");
	free(text);
	status.protection.open = 1 << REACH_SIGNAL | 1 << REACH_MEMORY;
	text = printed(&status);
	assert_contains(text, "tried: it can end the");
	struct json_object *object = parsed(&status);
	assert_string_equal(json_find_text(object, "sandbox.supervisor.open.0", ""), "signal");
	assert_string_equal(json_find_text(object, "sandbox.supervisor.open.1", ""), "memory");
	assert_string_equal(json_find_text(object, "sandbox.supervisor.level", ""), "separate-uid");
	json_object_put(object);
	free(text);
	status.protection.separate_uid = false;
	text = printed(&status);
	assert_contains(text, "as root set");
	free(text);
	status.protection.tried = false;
	strcpy(status.protection.problem, "uid: Operation not permitted");
	text = printed(&status);
	assert_contains(text, "not tried out: uid:");
	free(text);
}

static void denied_calls_are_told_with_their_counts(void **state UNUSED)
{
	struct status status = sample();
	struct violations violations = { .call_count = 2, .total = 13 };
	violations.calls[0] = (struct violation_call){ .name = "mount", .comm = "node", .pid = 4711, .count = 12 };
	violations.calls[1] = (struct violation_call){ .name = "keyctl", .count = 1 };
	status.instances[0].violations = &violations;
	struct json_object *object = parsed(&status);
	assert_int_equal(json_object_get_int64(json_find(object, "instances.0.violations.total")), 13);
	assert_string_equal(json_find_text(object, "instances.0.violations.calls.0.call", ""), "mount");
	assert_string_equal(json_find_text(object, "instances.0.violations.calls.0.comm", ""), "node");
	assert_int_equal(json_object_get_int64(json_find(object, "instances.0.violations.calls.0.count")), 12);
	assert_int_equal(json_object_get_int64(json_find(object, "instances.0.violations.calls.0.pid")), 4711);
	assert_null(json_find(object, "instances.0.violations.calls.1.pid"));
	json_object_put(object);
	char *text = printed(&status);
	assert_contains(text, "mount x 12, keyctl x 1\n");
	free(text);
	for (size_t i = 0; i <= VIOLATION_CALLS_MAX; i++) {
		snprintf(violations.calls[i].name, sizeof(violations.calls[i].name), "call_%zu", i);
		violations.calls[i].count = 1;
	}
	text = printed(&status);
	assert_contains(text, "call_0 x 1, ");
	assert_contains(text, ", ...\n");
	free(text);
	status.instances[0].unheard = true; /* then nobody knows */
	object = parsed(&status);
	assert_null(json_find(object, "instances.0.violations"));
	json_object_put(object);
}

static void a_failed_service_says_why(void **state UNUSED)
{
	struct status status = sample();
	status.state = "failed";
	status.failed_why = "6 deaths in 10 min";
	char *text = printed(&status);
	assert_contains(text, "failed    6 deaths in 10 min");
	assert_contains(text, "; none until a reset (5 in 10 min used up)\n");
	assert_null(strstr(text, "left in"));
	free(text);
}

static void what_is_no_status_is_refused(void **state UNUSED)
{
	static const char *const texts[] = { "", "{}", "[]", "null", "{\"name\":\"web\"}", "{\"instances\":[]}", "{" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_null(status_text(texts[i], 0));
}

/* A supervisor of another version, or a liar, may send any types. */
static void wrong_types_are_no_crash(void **state UNUSED)
{
	char *text = status_text("{\"name\":5,\"state\":[],\"supervisor_pid\":\"x\",\"instances\":[{\"pid\":{},\"heap\":7,"
				 "\"memory\":[1]}],\"sandbox\":{\"supervisor\":{\"level\":3,\"open\":[null,5,{},\"nonsense\"]}},\"restarts\":\"\\u001b[2J\",\"last_death\":{\"at_usec\":\"z\"}}", 0);
	assert_non_null(text);
	assert_null(strchr(text, '\033'));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_never_vanish),
		cmocka_unit_test(what_is_unknown_is_null),
		cmocka_unit_test(numbers_come_out_as_they_went_in),
		cmocka_unit_test(each_of_several_instances_is_there),
		cmocka_unit_test(one_service_in_full_says_what_an_operator_asks),
		cmocka_unit_test(budgets_by_verdict_and_the_next_start_are_told),
		cmocka_unit_test(what_was_set_is_told_with_what_it_was),
		cmocka_unit_test(a_raise_is_told_with_its_history),
		cmocka_unit_test(a_heap_without_a_collection_or_with_a_problem_says_so),
		cmocka_unit_test(what_no_honest_worker_sends_is_told),
		cmocka_unit_test(without_a_forecast_nothing_is_said_of_it),
		cmocka_unit_test(the_watchdog_has_a_line_where_there_is_one),
		cmocka_unit_test(walls_that_cannot_be_had_here_are_named),
		cmocka_unit_test(what_a_worker_can_get_at_is_told_once_it_was_tried),
		cmocka_unit_test(denied_calls_are_told_with_their_counts),
		cmocka_unit_test(a_failed_service_says_why),
		cmocka_unit_test(what_is_no_status_is_refused),
		cmocka_unit_test(wrong_types_are_no_crash),
	};
	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
