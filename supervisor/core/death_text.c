/* SPDX-License-Identifier: Apache-2.0 */
/* death_text: a kept death as `why` prints it. Reads what stood on the disk, so every value may be missing. */
#include "supervisor/core/death.h"

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/prose.h"

#include <json.h>
#include <stdio.h>
#include <string.h>

static int64_t usec_at(struct json_object *death, const char *path)
{
	struct json_object *found = json_find(death, path);
	return json_object_is_type(found, json_type_int) ? json_object_get_int64(found) : 0;
}

static int64_t seconds_at(struct json_object *death, const char *path)
{
	double seconds = json_object_get_double(json_find(death, path));
	return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * (double)USEC_PER_SEC) : 0;
}

/* A size for people; a caller's buffer per call. */
static const char *size_at(char buffer[static UNITS_TEXT_MAX], struct json_object *death, const char *path)
{
	return units_format_size(buffer, json_find_size(death, path));
}

/* What was asked for, or was to make room for the next worker, is kept as deaths are, and is none. */
static bool was_planned(struct json_object *death)
{
	const char *name = json_find_text(death, "verdict", "?");
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++)
		if (strcmp(verdict_name(kind), name) == 0)
			return !verdict_counts(kind);
	return false;
}

static void add_head(struct prose *prose, struct json_object *death, int64_t now_realtime_usec)
{
	char ago[UNITS_TEXT_MAX], uptime[UNITS_TEXT_MAX], pid[32] = "", instance[32] = "";
	int64_t at_usec = usec_at(death, "at_usec"), pid_number = usec_at(death, "pid");
	units_format_time(ago, now_realtime_usec > at_usec ? now_realtime_usec - at_usec : 0);
	units_format_time(uptime, seconds_at(death, "uptime_seconds"));
	if (pid_number > 0)
		snprintf(pid, sizeof(pid), ", pid %lld", (long long)pid_number);
	if (usec_at(death, "instances") > 1)
		snprintf(instance, sizeof(instance), ", instance %lld", (long long)usec_at(death, "instance"));
	prose_field(prose, "service", "%s%s, %s %lld%s", json_find_text(death, "service", "?"), instance,
		    was_planned(death) ? "planned end" : "death", (long long)usec_at(death, "death"), pid);
	prose_field(prose, "when", "%s (%s ago), after %s", json_find_text(death, "at", "?"), ago, uptime);
}

static void add_verdict(struct prose *prose, struct json_object *death)
{
	struct json_object *number = json_find(death, "number");
	const char *kind = json_find_text(death, "verdict", "?");
	bool shown = number != NULL && (strcmp(kind, "exit") == 0 || strcmp(kind, "signal") == 0);
	char text[16] = "";
	if (shown)
		snprintf(text, sizeof(text), " %lld", (long long)json_object_get_int64(number));
	/* "exit 3" says all there is to say of an exit. */
	bool said = strcmp(kind, "exit") == 0;
	prose_field(prose, "verdict", "%s%s (%s)%s%s", kind, text,
		    json_object_get_boolean(json_find(death, "certain")) ? "certain" : "not certain", said ? "" : ": ",
		    said ? "" : json_find_text(death, "text", ""));
}

static void add_list(struct prose *prose, struct json_object *death, const char *name)
{
	struct json_object *list = json_find(death, name);
	if (!json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		prose_field(prose, i == 0 ? name : "", "- %s",
			    json_object_get_string(json_object_array_get_idx(list, i)));
}

/* "live set 12 MiB -> 61 MiB in 40 s": what says leak or no leak. */
static void add_growth(struct prose *prose, struct json_object *death)
{
	struct json_object *series = json_find(death, "heap.series");
	struct json_object *first = NULL, *last = NULL;
	char from[UNITS_TEXT_MAX], to[UNITS_TEXT_MAX], within[UNITS_TEXT_MAX];
	if (!json_object_is_type(series, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(series); i++) {
		struct json_object *sample = json_object_array_get_idx(series, i);
		if (json_find_size(sample, "after_full_gc_bytes") == SIZE_UNKNOWN)
			continue;
		first = first == NULL ? sample : first;
		last = sample;
	}
	if (first == last)
		return;
	int64_t span_usec = seconds_at(first, "age_seconds") - seconds_at(last, "age_seconds");
	prose_field(prose, "", "after full collections %s -> %s in %s", size_at(from, first, "after_full_gc_bytes"),
		    size_at(to, last, "after_full_gc_bytes"), units_format_time(within, span_usec > 0 ? span_usec : 0));
}

static void add_heap(struct prose *prose, struct json_object *death)
{
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], old_space[UNITS_TEXT_MAX], external[UNITS_TEXT_MAX];
	char planned[UNITS_TEXT_MAX + 32] = "";
	if (json_find(death, "heap") == NULL)
		return;
	if (json_find_size(death, "heap.old_space_bytes") != SIZE_UNKNOWN)
		snprintf(planned, sizeof(planned), "old space %s", size_at(old_space, death, "heap.old_space_bytes"));
	if (json_find_size(death, "heap.used_bytes") == SIZE_UNKNOWN) {
		if (planned[0] != '\0')
			prose_field(prose, "heap", "%s; no collection was reported", planned);
		return;
	}
	prose_field(prose, "heap", "used %s of %s (V8's heap size limit%s%s), external %s",
		    size_at(used, death, "heap.used_bytes"), size_at(limit, death, "heap.limit_bytes"),
		    planned[0] == '\0' ? "" : "; ", planned, size_at(external, death, "heap.external_bytes"));
	add_growth(prose, death);
}

static void add_memory(struct prose *prose, struct json_object *death)
{
	char peak[UNITS_TEXT_MAX], max[UNITS_TEXT_MAX];
	uint64_t peak_bytes = json_find_size(death, "memory.peak_bytes");
	if (peak_bytes == SIZE_UNKNOWN)
		return;
	if (json_find_size(death, "memory.max_bytes") == SIZE_UNKNOWN)
		prose_field(prose, "memory", "peak %s, no limit of its own", units_format_size(peak, peak_bytes));
	else
		prose_field(prose, "memory", "peak %s of memory.max %s", units_format_size(peak, peak_bytes),
			    size_at(max, death, "memory.max_bytes"));
}

char *death_text(const char *json, int64_t now_realtime_usec)
{
	struct prose prose = { 0 };
	struct json_object *death = json_parse(json, strlen(json));
	if (!json_object_is_type(death, json_type_object) || json_find(death, "verdict") == NULL) {
		json_object_put(death);
		return NULL;
	}
	add_head(&prose, death, now_realtime_usec);
	add_verdict(&prose, death);
	add_list(&prose, death, "evidence");
	add_heap(&prose, death);
	add_memory(&prose, death);
	const char *action = json_find_text(death, "action", "");
	prose_field(&prose, "action", "%s", action[0] == '\0' ? "none" : action);
	add_list(&prose, death, "skipped");
	prose_field(&prose, "next", "%s", json_find_text(death, "next", ""));
	json_object_put(death);
	return prose_take(&prose);
}
