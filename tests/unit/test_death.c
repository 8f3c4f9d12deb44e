/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "supervisor/core/death.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"

static struct heap_sample series[2];

static void make(struct death *death, enum verdict_kind kind)
{
	memset(death, 0, sizeof(*death));
	strcpy(death->service, "web");
	death->pid = 4711;
	death->number = 3;
	death->at_realtime_usec = 1700000000LL * USEC_PER_SEC;
	death->uptime_usec = 61 * USEC_PER_SEC;
	death->verdict.kind = kind;
	death->verdict.certain = true;
	death->verdict.limit_bytes = 320 * MIB;
	strcpy(death->verdict.text, "fatal heap-limit error: old space of 64 MiB reached");
	strcpy(death->verdict.evidence[0], "wait status: SIGABRT");
	death->verdict.evidence_count = 1;
	death->ended_usec = 100 * USEC_PER_SEC;
	series[0] = (struct heap_sample){ .at_usec = 60 * USEC_PER_SEC, .used_bytes = 20 * MIB,
					  .after_full_gc_bytes = 12 * MIB };
	series[1] = (struct heap_sample){ .at_usec = 100 * USEC_PER_SEC, .used_bytes = 63 * MIB, .limit_bytes = 112 * MIB,
					  .after_full_gc_bytes = 61 * MIB, .external_bytes = 2 * MIB };
	death->heap = series[1];
	death->series = series;
	death->series_count = 2;
	death->old_space_bytes = 64 * MIB;
	death->semi_space_bytes = 16 * MIB;
	death->memory = (struct memory_sample){ SIZE_UNKNOWN, 190 * MIB, 320 * MIB, SIZE_UNKNOWN, 0 };
	death->captured[0] = "stderr tail";
	death->skipped[0] = "kernel log: not readable";
	strcpy(death->action, "restart 1 of 5 in 10 min, back-off 200 ms");
	strcpy(death->command, "node server.js");
}

static void a_death_is_kept_with_every_key(void **state UNUSED)
{
	static const char *const paths[] = { "verdict", "certain", "evidence.0", "heap.used_bytes", "heap.series.1",
					     "memory.peak_bytes", "stderr_tail", "captured.0", "skipped.0", "action", "next",
					     "at", "uptime_seconds", "service", "exit_status" };
	struct death death;
	make(&death, VERDICT_HEAP_LIMIT);
	death.stderr_tail = (const unsigned char *)"a\0\xff\033[2J";
	death.stderr_length = 7;
	char *json = death_json(&death);
	assert_non_null(json);
	for (const char *at = json; at[1] != '\0'; at++)
		assert_true((unsigned char)*at >= ' ');
	struct json_object *object = json_parse(json, strlen(json));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (json_find(object, paths[i]) == NULL)
			fail_msg("no %s", paths[i]);
	assert_int_equal(json_object_get_string_len(json_find(object, "stderr_tail")), 9);
	assert_int_equal(json_object_get_double(json_find(object, "heap.series.0.age_seconds")), 40);
	json_object_put(object);
	free(json);
}

static void the_summary_is_what_status_shows(void **state UNUSED)
{
	struct death death;
	make(&death, VERDICT_EXIT);
	death.verdict.number = 3;
	char *json = death_summary_json(&death);
	struct json_object *object = json_parse(json, strlen(json));
	assert_string_equal(json_find_text(object, "verdict", ""), "exit");
	assert_int_equal(json_find_size(object, "number"), 3);
	assert_int_equal(json_find_size(object, "death"), 3);
	json_object_put(object);
	free(json);
}

/* As a supervisor finds it again that was not there. */
static void a_kept_death_has_the_same_summary(void **state UNUSED)
{
	struct death death;
	make(&death, VERDICT_EXIT);
	death.verdict.number = 3;
	cleanup_free char *whole = death_json(&death), *summary = death_summary_json(&death);
	cleanup_free char *again = death_summary_of(whole);
	struct json_object *one = json_parse(summary, strlen(summary)), *other = json_parse(again, strlen(again));
	assert_string_equal(json_find_text(other, "verdict", ""), "exit");
	assert_string_equal(json_find_text(other, "text", ""), json_find_text(one, "text", "?"));
	assert_int_equal(json_find_size(other, "number"), 3);
	assert_int_equal(json_find_size(other, "at_usec"), json_find_size(one, "at_usec"));
	assert_null(json_find(other, "heap"));
	json_object_put(one);
	json_object_put(other);
	assert_null(death_summary_of("{"));
}

static char *why(const struct death *death)
{
	char *json = death_json(death), *text = death_text(json, death->at_realtime_usec + 12 * USEC_PER_SEC);
	free(json);
	assert_non_null(text);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 1, 80);
	return text;
}

static void why_tells_a_heap_limit_in_lines_of_eighty_columns(void **state UNUSED)
{
	static const char *const parts[] = {
		"service   web, death 3, pid 4711", "2023-11-14T22:13:20.000Z (12 s ago), after 1 min 1 s",
		"verdict   heap-limit (certain): fatal heap-limit error", "evidence  - wait status: SIGABRT",
		"used 63 MiB of 112 MiB", "old space 64 MiB", "12 MiB -> 61 MiB in 40 s", "peak 190 MiB of memory.max 320 MiB",
		"action    restart 1 of 5", "skipped   - kernel log: not readable", "next      find what grows",
	};
	static struct plan plan;
	struct death death;
	make(&death, VERDICT_HEAP_LIMIT);
	plan.numbers[PLAN_MEMORY_LIMIT].value = 320 * MIB;
	death_advise(&death, &plan);
	char *text = why(&death);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_contains(text, parts[i]);
	free(text);
}

static void why_names_one_of_several_instances(void **state UNUSED)
{
	struct death death;
	make(&death, VERDICT_EXIT);
	death.instance = 2;
	death.instances = 3;
	cleanup_free char *text = why(&death);
	assert_contains(text, "service   web, instance 2, death 3, pid 4711");
}

static void why_calls_a_planned_end_none_of_the_deaths(void **state UNUSED)
{
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		struct death death;
		make(&death, kind);
		cleanup_free char *text = why(&death);
		bool planned = kind == VERDICT_STOPPED || kind == VERDICT_REPLACED;
		assert_contains(text, planned ? "service   web, planned end 3, pid 4711" : "service   web, death 3, pid 4711");
	}
}

static void every_verdict_comes_with_a_next_step(void **state UNUSED)
{
	static const struct {
		enum verdict_kind kind;
		const char *subject, *part;
	} rows[] = {
		{ VERDICT_HEAP_LIMIT, "", "raise memory.max above 320 MiB" },
		{ VERDICT_OOM_KILL, "/own", "raise memory.max above 320 MiB" },
		{ VERDICT_OOM_KILL, "/system.slice", "raise the limit of /system.slice above 320 MiB" },
		{ VERDICT_OOM_KILL_HOST, "", "the machine itself" },
		{ VERDICT_SECCOMP, "", "sandbox.syscalls: ./my.list" },
		{ VERDICT_STOPPED, "", "nothing" },
		{ VERDICT_REPLACED, "", "nothing" },
		{ VERDICT_EXIT, "", "heapward logs web" },
		{ VERDICT_SIGNAL, "", "heapward logs web" },
		{ VERDICT_EXEC, "exec", "check the command \"node server.js\"" },
		{ VERDICT_EXEC, "user", "mend what the step \"user\" names" },
		{ VERDICT_UNKNOWN_KILL, "", "SIGKILL" },
		{ VERDICT_NOT_READY, "", "raise ready.within" },
		{ VERDICT_WATCHDOG, "", "raise watchdog.event_loop" },
	};
	static struct plan plan;
	struct death death;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(&death, rows[i].kind);
		strcpy(death.cgroup, "/own");
		strcpy(death.verdict.subject, rows[i].subject);
		plan.numbers[PLAN_MEMORY_LIMIT].value = 320 * MIB;
		death_advise(&death, &plan);
		assert_contains(death.next, rows[i].part);
	}
}

static void an_explicit_old_space_is_what_to_raise(void **state UNUSED)
{
	static struct plan plan;
	struct death death;
	make(&death, VERDICT_HEAP_LIMIT);
	plan.numbers[PLAN_MEMORY_LIMIT].value = 320 * MIB;
	strcpy(plan.numbers[PLAN_OLD_SPACE].rule, "heap.old_space");
	death_advise(&death, &plan);
	assert_contains(death.next, "heap.old_space above 64 MiB");
	plan.adopted_old_space = true;
	death_advise(&death, &plan);
	assert_contains(death.next, "your own --max-old-space-size");
}

static void a_death_without_figures_says_so_or_nothing(void **state UNUSED)
{
	struct death death;
	make(&death, VERDICT_EXIT);
	memset(&death.heap, 0, sizeof(death.heap));
	death.series_count = 0;
	death.memory.peak_bytes = SIZE_UNKNOWN;
	char *text = why(&death);
	assert_contains(text, "no collection was reported");
	assert_null(strstr(text, "memory  "));
	free(text);
	death.old_space_bytes = SIZE_UNKNOWN;
	text = why(&death);
	assert_null(strstr(text, "heap  "));
	free(text);
}

static void a_denied_call_is_allowed_in_a_list_of_ones_own(void **state UNUSED)
{
	static struct plan plan;
	struct death death;
	make(&death, VERDICT_SECCOMP);
	strcpy(death.verdict.subject, "keyctl");
	death_advise(&death, &plan);
	assert_contains(death.next, "needs keyctl, allow it in a list of your own");
	assert_contains(death.next, "has the line \"keyctl\"");
	death.verdict.subject[0] = '\0';
	death_advise(&death, &plan);
	assert_contains(death.next, "needs the system call, allow it in a list of your own");
}

static void a_worker_whose_heap_is_not_managed_is_to_use_less(void **state UNUSED)
{
	static struct plan plan;
	struct death death;
	make(&death, VERDICT_OOM_KILL);
	plan.manages_heap = true;
	death_advise(&death, &plan);
	assert_contains(death.next, "outside V8's old space");
	plan.manages_heap = false;
	death_advise(&death, &plan);
	assert_string_equal(death.next, "raise memory.max above 320 MiB, or make the worker use less");
}

/* A program that has run into a wall of the sandbox does not say so, but what it wanted. */
static void an_end_at_a_wall_says_what_opens_it(void **state UNUSED)
{
	static const struct {
		const char *output, *wanted; /* NULL: no hint */
	} rows[] = {
		{ "Error: EROFS: read-only file system, open '/srv/x/log'\n  errno: -30", "says that /srv/x/log could not be written or read" },
		{ "Error: EROFS: read-only file system, open '/srv/x/log'\n", "sandbox: {read_write: [/srv/x/log], protect_system: full} opens it" },
		{ "touch: cannot touch 'a': Read-only file system\n", "says that something could not be" },
		{ "Error: EACCES: permission denied, mkdir '/home/u/new'", "[/home/u/new]" },
		{ "sh: 1: cannot create /etc/x: Permission denied", "name it in sandbox.read_write" },
		{ "EROFS '/a\x1b[2Jb'", "says that /a?[2Jb could" },
		{ "EROFS '/cut", "says that something" },
		{ "EROFS\n'/not of this line'", "says that something" },
		{ "TypeError: x is not a function", NULL },
		{ "", NULL },
	};
	static struct plan plan;
	struct death death;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		plan.fence.by_mounts = true;
		make(&death, i % 2 == 0 ? VERDICT_EXIT : VERDICT_NOT_READY);
		death.stderr_tail = (const unsigned char *)rows[i].output;
		death.stderr_length = strlen(rows[i].output);
		death_advise(&death, &plan);
		assert_contains(death.next, rows[i].wanted != NULL ? rows[i].wanted : "read its last output with heapward logs");
		plan.fence.by_mounts = false;
		death_advise(&death, &plan);
		assert_contains(death.next, "read its last output with heapward logs");
	}
}

static void a_path_that_the_walls_miss_is_named(void **state UNUSED)
{
	static struct plan plan;
	struct death death;
	make(&death, VERDICT_EXEC);
	strcpy(death.verdict.subject, "mounts");
	strcpy(death.verdict.text, "mounts: /srv/data: No such file or directory");
	death.verdict.number = 2;
	death_advise(&death, &plan);
	assert_contains(death.next, "make /srv/data, with the rights");
	assert_contains(death.next, "sandbox.read_write (or read_only)");
	death.verdict.number = 13;
	death_advise(&death, &plan);
	assert_contains(death.next, "mend what the step \"mounts\" names");
	strcpy(plan.unreached, "sandbox.user: daemon cannot enter /root"); /* known before the start */
	make(&death, VERDICT_EXIT);
	death_advise(&death, &plan);
	assert_string_equal(death.next, plan.unreached);
	plan.unreached[0] = '\0';
}

/* A port is no file: who closes it, and what opens it, is something else. */
static void an_end_at_a_port_names_the_key_of_ports(void **state UNUSED)
{
	static const struct {
		const char *output;
		bool limited;
		const char *wanted; /* NULL: no hint */
	} rows[] = {
		{ "Error: listen EACCES: permission denied 0.0.0.0:80\n    at x:1\n", false, "service.listen: [\"tcp:80\"]" },
		{ "Error: listen EACCES: permission denied :::443\n", false, "capabilities: [cap_net_bind_service]" },
		{ "Error: listen EACCES: permission denied 0.0.0.0:8080\n", true, "port 8080: name it in sandbox.bind" },
		{ "Error: bind EACCES 0.0.0.0:53", true, "port 53: name it in sandbox.bind" },
		{ "Error: connect EACCES 10.0.0.1:5432 - Local (0.0.0.0:0)\n", true, "port 5432: name it in sandbox.connect" },
		{ "Error: connect EACCES 10.0.0.1:5432\n", true, "port 5432: name it in sandbox.connect" },
		{ "Error: connect EACCES 10.0.0.1:5432\n", false, NULL },
		{ "Error: listen EACCES: permission denied 0.0.0.0:8080\n", false, NULL },
		{ "Error: listen EACCES: permission denied 0.0.0.0:99999999\n", true, "something could not" },
		{ "Error: listen EACCES: permission denied /srv/x.sock\n", true, "something could not" },
		{ "Error: listen EACCES: permission denied 0.0.0.0:http\n", true, "something could not" },
		{ "EACCES", false, NULL },
	};
	static struct plan plan;
	struct death death;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		plan.fence.by_mounts = rows[i].limited || rows[i].wanted != NULL;
		plan.fence.limit_bind = plan.fence.limit_connect = rows[i].limited;
		make(&death, VERDICT_EXIT);
		death.stderr_tail = (const unsigned char *)rows[i].output;
		death.stderr_length = strlen(rows[i].output);
		death_advise(&death, &plan);
		assert_contains(death.next, rows[i].wanted != NULL ? rows[i].wanted : "read its last output with heapward logs");
	}
}

static void one_sample_shows_no_growth_and_no_limit_is_said(void **state UNUSED)
{
	struct death death;
	make(&death, VERDICT_EXIT);
	death.series_count = 1;
	death.memory.max_bytes = SIZE_UNKNOWN;
	char *text = why(&death);
	assert_null(strstr(text, "after full collections"));
	assert_contains(text, "memory    peak 190 MiB, no limit of its own");
	free(text);
}

static void what_is_no_death_is_refused(void **state UNUSED)
{
	static const char *const texts[] = { "", "{}", "[]", "7", "{\"verdict\":null}", "{\"verdict\"" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_null(death_text(texts[i], 0));
	char *odd = death_text("{\"verdict\":\"exit\",\"heap\":{\"series\":7,\"used_bytes\":1,\"limit_bytes\":2}}", 0);
	assert_non_null(odd);
	assert_null(strstr(odd, "after full collections"));
	free(odd);
	char *text = death_text("{\"verdict\":7,\"evidence\":{\"a\":1},\"heap\":{\"series\":[1,null,{}],\"used_bytes\":-1}}", 0);
	assert_non_null(text);
	free(text);
}

static void what_was_decided_has_words_even_where_nothing_was_told(void **state UNUSED)
{
	static const struct {
		struct decision decision;
		const char *action;
	} rows[] = {
#define DEATH { .kind = ACTION_NOTICE, .notice = NOTICE_DEATH, .text = "fatal heap-limit error" }
#define SCHEDULED { .kind = ACTION_NOTICE, .notice = NOTICE_RESTART_SCHEDULED, .text = "restart 1 of 5" }
#define KEEP { .kind = ACTION_KEEP_DEATH }
#define LAUNCH { .kind = ACTION_LAUNCH }
		{ { { DEATH, KEEP, SCHEDULED }, 3 }, "restart 1 of 5" },
		{ { { KEEP, LAUNCH }, 2 }, "the next worker was started at once" }, /* heapward restart */
		{ { { KEEP, SCHEDULED, LAUNCH }, 3 }, "restart 1 of 5" },
		{ { { DEATH, KEEP }, 2 }, "none" },
	};
	struct death kept;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(death_action(&rows[i].decision), rows[i].action);
	make(&kept, VERDICT_REPLACED); /* one of an earlier version, without words */
	kept.action[0] = '\0';
	cleanup_free char *json = death_json(&kept);
	cleanup_free char *text = death_text(json, kept.at_realtime_usec);
	assert_contains(text, "action    none\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_is_kept_with_every_key),
		cmocka_unit_test(the_summary_is_what_status_shows),
		cmocka_unit_test(a_kept_death_has_the_same_summary),
		cmocka_unit_test(why_tells_a_heap_limit_in_lines_of_eighty_columns),
		cmocka_unit_test(why_names_one_of_several_instances),
		cmocka_unit_test(why_calls_a_planned_end_none_of_the_deaths),
		cmocka_unit_test(every_verdict_comes_with_a_next_step),
		cmocka_unit_test(an_explicit_old_space_is_what_to_raise),
		cmocka_unit_test(a_death_without_figures_says_so_or_nothing),
		cmocka_unit_test(a_denied_call_is_allowed_in_a_list_of_ones_own),
		cmocka_unit_test(a_worker_whose_heap_is_not_managed_is_to_use_less),
		cmocka_unit_test(an_end_at_a_wall_says_what_opens_it),
		cmocka_unit_test(a_path_that_the_walls_miss_is_named),
		cmocka_unit_test(an_end_at_a_port_names_the_key_of_ports),
		cmocka_unit_test(one_sample_shows_no_growth_and_no_limit_is_said),
		cmocka_unit_test(what_is_no_death_is_refused),
		cmocka_unit_test(what_was_decided_has_words_even_where_nothing_was_told),
	};
	return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
