/* SPDX-License-Identifier: Apache-2.0 */
/* death: a death as JSON, and what the user can do about it; see death.h. How `why` prints it is death_text.c. */
#include "supervisor/core/death.h"

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/notice.h"
#include "supervisor/core/wall_hint.h"

#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <string.h>

static struct json_object *series_array(const struct death *death)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < death->series_count; i++) {
		const struct heap_sample *sample = &death->series[i];
		struct json_object *object = json_object_new_object();
		int64_t age_usec = death->ended_usec > sample->at_usec ? death->ended_usec - sample->at_usec : 0;
		json_put(object, "age_seconds", json_seconds(age_usec));
		json_put(object, "used_bytes", json_size(sample->used_bytes));
		json_put(object, "after_full_gc_bytes", json_size(sample->after_full_gc_bytes));
		json_put(object, "external_bytes", json_size(sample->external_bytes));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *heap_object(const struct death *death)
{
	const struct heap_sample *sample = &death->heap;
	struct json_object *heap = json_object_new_object();
	if (sample->at_usec == 0 && death->old_space_bytes == SIZE_UNKNOWN) {
		json_object_put(heap);
		return NULL;
	}
	bool seen = sample->at_usec != 0;
	json_put(heap, "used_bytes", seen ? json_size(sample->used_bytes) : NULL);
	json_put(heap, "total_bytes", seen ? json_size(sample->total_bytes) : NULL);
	json_put(heap, "limit_bytes", seen ? json_size(sample->limit_bytes) : NULL);
	json_put(heap, "external_bytes", seen ? json_size(sample->external_bytes) : NULL);
	json_put(heap, "after_full_gc_bytes", seen ? json_size(sample->after_full_gc_bytes) : NULL);
	json_put(heap, "old_space_bytes", json_size(death->old_space_bytes));
	json_put(heap, "semi_space_bytes", json_size(death->semi_space_bytes));
	json_put(heap, "series", series_array(death));
	return heap;
}

static struct json_object *memory_object(const struct death *death)
{
	struct json_object *memory = json_object_new_object();
	json_put(memory, "current_bytes", json_size(death->memory.current_bytes));
	json_put(memory, "peak_bytes", json_size(death->memory.peak_bytes));
	json_put(memory, "max_bytes", json_size(death->memory.max_bytes));
	json_put(memory, "cgroup", death->cgroup[0] == '\0' ? NULL : json_text(death->cgroup));
	return memory;
}

static struct json_object *texts_array(const char *const *texts, size_t max)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < max && texts[i] != NULL; i++)
		json_object_array_add(array, json_text(texts[i]));
	return array;
}

static struct json_object *evidence_array(const struct verdict *verdict)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < verdict->evidence_count; i++)
		json_object_array_add(array, json_text(verdict->evidence[i]));
	return array;
}

static void put_verdict(struct json_object *object, const struct verdict *verdict)
{
	bool numbered =
		verdict->kind == VERDICT_EXIT || verdict->kind == VERDICT_SIGNAL || verdict->kind == VERDICT_EXEC;
	json_put(object, "verdict", json_text(verdict_name(verdict->kind)));
	json_put(object, "certain", json_object_new_boolean(verdict->certain));
	json_put(object, "number", numbered ? json_number(verdict->number) : NULL);
	json_put(object, "subject", verdict->subject[0] == '\0' ? NULL : json_text(verdict->subject));
	json_put(object, "text", json_text(verdict->text));
}

char *death_json(const struct death *death)
{
	char time[32];
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	json_put(object, "schema", json_number(1));
	json_put(object, "service", json_text(death->service));
	json_put(object, "instance", json_number(death->instance));
	json_put(object, "instances", json_number(death->instances));
	json_put(object, "pid", death->pid <= 0 ? NULL : json_number(death->pid));
	json_put(object, "death", json_size(death->number));
	json_put(object, "at", json_text(notice_time(time, death->at_realtime_usec)));
	json_put(object, "at_usec", json_number(death->at_realtime_usec));
	json_put(object, "uptime_seconds", json_seconds(death->uptime_usec));
	put_verdict(object, &death->verdict);
	json_put(object, "exit_status", json_number(death->verdict.exit_status));
	json_put(object, "evidence", evidence_array(&death->verdict));
	json_put(object, "heap", heap_object(death));
	json_put(object, "memory", memory_object(death));
	json_put(object, "stderr_tail",
		 json_bytes(death->stderr_length == 0 ? (const void *)"" : death->stderr_tail, death->stderr_length));
	json_put(object, "stderr_cut_bytes", json_size(death->stderr_cut_bytes));
	json_put(object, "captured", texts_array(death->captured, ARRAY_LEN(death->captured)));
	json_put(object, "skipped", texts_array(death->skipped, ARRAY_LEN(death->skipped)));
	json_put(object, "action", json_text(death->action));
	json_put(object, "next", json_text(death->next));
	json_put(object, "command", json_text(death->command));
	json_put(object, "policy_file", death->policy_file[0] == '\0' ? NULL : json_text(death->policy_file));
	return json_line(object);
}

char *death_summary_json(const struct death *death)
{
	char time[32];
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	json_put(object, "death", json_size(death->number));
	json_put(object, "at", json_text(notice_time(time, death->at_realtime_usec)));
	json_put(object, "at_usec", json_number(death->at_realtime_usec));
	put_verdict(object, &death->verdict);
	return json_line(object);
}

char *death_summary_of(const char *json)
{
	static const char *const keys[] = { "death", "at", "at_usec", "verdict", "certain", "number", "subject", "text" };
	struct json_object *death = json_parse(json, strlen(json));
	struct json_object *summary = death == NULL ? NULL : json_object_new_object();
	for (size_t i = 0; summary != NULL && i < ARRAY_LEN(keys); i++)
		json_put(summary, keys[i], json_object_get(json_find(death, keys[i])));
	json_object_put(death);
	return summary == NULL ? NULL : json_line(summary);
}

static void advise_heap_limit(struct death *death, const struct plan *plan)
{
	char max[UNITS_TEXT_MAX], old_space[UNITS_TEXT_MAX];
	uint64_t limit = plan->numbers[PLAN_MEMORY_LIMIT].value;
	units_format_size(old_space, death->old_space_bytes);
	units_format_size(max, limit);
	if (plan->adopted_old_space)
		snprintf(
			death->next, sizeof(death->next),
			"find what grows (heap after full collections, above); or raise your own --max-old-space-size, "
			"which heapward keeps, and memory.max with it");
	else if (limit == SIZE_NONE || limit == SIZE_UNKNOWN ||
		 strncmp(plan->numbers[PLAN_OLD_SPACE].rule, "heap.old_space", strlen("heap.old_space")) == 0)
		snprintf(death->next, sizeof(death->next),
			 "find what grows (heap after full collections, above); or give it more: heap.old_space above "
			 "%s",
			 old_space);
	else
		snprintf(death->next, sizeof(death->next),
			 "find what grows (heap after full collections, above); or give it more: raise memory.max "
			 "above %s "
			 "and old space follows (heapward explain -n %s shows how)",
			 max, death->service);
}

static void advise_oom_kill(struct death *death, const struct plan *plan)
{
	char max[UNITS_TEXT_MAX], remedy[320];
	bool own = strcmp(death->verdict.subject, death->cgroup) == 0;
	units_format_size(max, death->verdict.limit_bytes);
	if (own || death->verdict.subject[0] == '\0')
		snprintf(remedy, sizeof(remedy), "raise memory.max above %s", max);
	else
		snprintf(remedy, sizeof(remedy), "raise the limit of %.200s above %s", death->verdict.subject, max);
	if (plan->manages_heap)
		snprintf(death->next, sizeof(death->next),
			 "the memory was outside V8's old space: look at Buffers, native "
			 "addons and child processes; or %s",
			 remedy);
	else
		snprintf(death->next, sizeof(death->next), "%s, or make the worker use less", remedy);
}

/* The walls need what the policy names: "mounts: /srv/data: No such file or directory". */
static bool lacks_path(const struct death *death, char path[static 128])
{
	const char *at = strchr(death->verdict.text, '/'), *end = at == NULL ? NULL : strstr(at, ": ");
	bool walls = strcmp(death->verdict.subject, "mounts") == 0 || strcmp(death->verdict.subject, "landlock") == 0;
	if (!walls || death->verdict.number != ENOENT || end == NULL)
		return false;
	snprintf(path, 128, "%.*s", (int)(end - at), at);
	return true;
}

static void advise_exec(struct death *death)
{
	char path[128];
	if (lacks_path(death, path))
		snprintf(death->next, sizeof(death->next),
			 "make %s, with the rights that the worker needs, or take it out of sandbox.read_write (or read_only), which "
			 "names it", path);
	else if (strcmp(death->verdict.subject, "exec") == 0)
		snprintf(death->next, sizeof(death->next),
			 "check the command \"%.100s\", its PATH and its permissions (service.command, "
			 "service.directory)",
			 death->command);
	else
		snprintf(death->next, sizeof(death->next), "mend what the step \"%.60s\" names, then start again",
			 death->verdict.subject);
}

const char *death_action(const struct decision *decision)
{
	const char *text = "none";
	for (size_t i = 0; i < decision->action_count; i++)
		if (decision->actions[i].kind == ACTION_LAUNCH)
			text = "the next worker was started at once";
	for (size_t i = 0; i < decision->action_count; i++)
		if (decision->actions[i].kind == ACTION_NOTICE && decision->actions[i].notice != NOTICE_DEATH)
			text = decision->actions[i].text;
	return text;
}

static void advise_seccomp(struct death *death)
{
	if (death->verdict.subject[0] == '\0')
		snprintf(death->next, sizeof(death->next),
			 "if the program needs the system call, allow it in a list of your own (sandbox.syscalls: ./my.list); "
			 "heapward-policy(5) shows how");
	else
		snprintf(death->next, sizeof(death->next),
			 "if the program needs %.40s, allow it in a list of your own (sandbox.syscalls: ./my.list, which includes the "
			 "list that there is and has the line \"%.40s\"); heapward-policy(5) shows how",
			 death->verdict.subject, death->verdict.subject);
}

void death_advise(struct death *death, const struct plan *plan)
{
	switch (death->verdict.kind) {
	case VERDICT_HEAP_LIMIT:
		advise_heap_limit(death, plan);
		return;
	case VERDICT_OOM_KILL:
		advise_oom_kill(death, plan);
		return;
	case VERDICT_OOM_KILL_HOST:
		snprintf(death->next, sizeof(death->next),
			 "the machine itself had no memory left: lower memory.max of what runs here, or add memory; "
			 "memory.check: wait keeps starts from making it worse");
		return;
	case VERDICT_SECCOMP:
		advise_seccomp(death);
		return;
	case VERDICT_EXEC:
		advise_exec(death);
		return;
	case VERDICT_STOPPED:
	case VERDICT_REPLACED:
		snprintf(death->next, sizeof(death->next), "nothing: this end was asked for");
		return;
	case VERDICT_EXIT:
	case VERDICT_SIGNAL:
		if (plan->unreached[0] != '\0') {
			snprintf(death->next, sizeof(death->next), "%s", plan->unreached);
			return;
		}
		if (wall_hint(&plan->fence, death->stderr_tail, death->stderr_length, death->next, sizeof(death->next)))
			return;
		snprintf(death->next, sizeof(death->next),
			 "the program's own end: read its last output with heapward logs %s", death->service);
		return;
	case VERDICT_UNKNOWN_KILL:
		snprintf(death->next, sizeof(death->next),
			 "somebody outside sent SIGKILL, or the kernel did without a trace: look at dmesg and at who "
			 "may signal "
			 "this user");
		return;
	case VERDICT_NOT_READY:
		if (wall_hint(&plan->fence, death->stderr_tail, death->stderr_length, death->next, sizeof(death->next)))
			return;
		snprintf(death->next, sizeof(death->next),
			 "read its last output with heapward logs %s; if the start takes that long, raise ready.within",
			 death->service);
		return;
	case VERDICT_WATCHDOG:
		snprintf(death->next, sizeof(death->next),
			 "look for synchronous work (sync calls, big JSON, regular expressions, endless loops) and for what "
			 "its last output says: heapward logs %s; if work in one piece takes that long, raise "
			 "watchdog.event_loop",
			 death->service);
		return;
	case VERDICT_COUNT:
		break;
	}
	assert(false && "a verdict beyond the table");
}
