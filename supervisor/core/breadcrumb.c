/* SPDX-License-Identifier: Apache-2.0 */
/* breadcrumb: see breadcrumb.h. */
#include "supervisor/core/breadcrumb.h"

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/notice.h"

#include <inttypes.h>
#include <json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

bool breadcrumb_needed(const struct host_level *levels, size_t count, struct breadcrumb *ret)
{
	const struct host_level *fullest = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct host_level *level = &levels[i];
		if (level->max_bytes >= SIZE_UNKNOWN || level->current_bytes >= SIZE_UNKNOWN)
			continue;
		if (fullest == NULL || (double)level->current_bytes / (double)level->max_bytes >
					       (double)fullest->current_bytes / (double)fullest->max_bytes)
			fullest = level;
	}
	if (fullest == NULL)
		return false;
	snprintf(ret->group, sizeof(ret->group), "%s", fullest->path);
	ret->current_bytes = fullest->current_bytes;
	ret->limit_bytes = fullest->max_bytes;
	return fullest->current_bytes / BREADCRUMB_PERCENT >= fullest->max_bytes / 100;
}

char *breadcrumb_json(const struct breadcrumb *crumb)
{
	struct json_object *object = json_object_new_object();
	json_put(object, "at_usec", json_number(crumb->at_realtime_usec));
	json_put(object, "started_usec", json_number(crumb->started_realtime_usec));
	json_put(object, "pid", json_number(crumb->pid));
	json_put(object, "group", json_text(crumb->group));
	json_put(object, "current_bytes", json_size(crumb->current_bytes));
	json_put(object, "limit_bytes", json_size(crumb->limit_bytes));
	json_put(object, "heap_used_bytes", json_size(crumb->heap_used_bytes));
	json_put(object, "heap_limit_bytes", json_size(crumb->heap_limit_bytes));
	return json_line(object);
}

int breadcrumb_parse(const char *json, struct breadcrumb *ret)
{
	struct json_object *object = json_parse(json, strlen(json));
	*ret = (struct breadcrumb){
		.at_realtime_usec = json_object_get_int64(json_find(object, "at_usec")),
		.started_realtime_usec = json_object_get_int64(json_find(object, "started_usec")),
		.pid = json_object_get_int(json_find(object, "pid")),
		.current_bytes = json_find_size(object, "current_bytes"),
		.limit_bytes = json_find_size(object, "limit_bytes"),
		.heap_used_bytes = json_find_size(object, "heap_used_bytes"),
		.heap_limit_bytes = json_find_size(object, "heap_limit_bytes"),
	};
	snprintf(ret->group, sizeof(ret->group), "%s", json_find_text(object, "group", "?"));
	json_object_put(object);
	return ret->at_realtime_usec > 0 && ret->limit_bytes < SIZE_UNKNOWN && ret->current_bytes < SIZE_UNKNOWN ? 0 : -1;
}

void breadcrumb_judge(const struct breadcrumb *crumb, int64_t start_realtime_usec, struct verdict *ret)
{
	char current[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], used[UNITS_TEXT_MAX], heap[UNITS_TEXT_MAX], at[32];
	char before[UNITS_TEXT_MAX];
	int64_t before_usec = start_realtime_usec - crumb->at_realtime_usec;
	*ret = (struct verdict){ .kind = VERDICT_OOM_KILL, .limit_bytes = crumb->limit_bytes, .exit_status = 128 + SIGKILL };
	units_format_size(current, crumb->current_bytes);
	units_format_size(limit, crumb->limit_bytes);
	snprintf(ret->subject, sizeof(ret->subject), "%s", crumb->group);
	units_format_time(before, before_usec > 0 ? before_usec : 0); /* the clock may have been set back */
	snprintf(ret->text, sizeof(ret->text),
		 "OOM-killed together with its supervisor: memory %" PRIu64 " of %" PRIu64 " MiB %s before the next start",
		 crumb->current_bytes / MIB, crumb->limit_bytes / MIB, before);
	snprintf(ret->evidence[0], sizeof(ret->evidence[0]), "breadcrumb of %s: memory %s of %s",
		 notice_time(at, crumb->at_realtime_usec), current, limit);
	snprintf(ret->evidence[1], sizeof(ret->evidence[1]), "the limit is that of %.200s", crumb->group);
	snprintf(ret->evidence[2], sizeof(ret->evidence[2]), "heap at that look: used %s of %s",
		 units_format_size(used, crumb->heap_used_bytes), units_format_size(heap, crumb->heap_limit_bytes));
	snprintf(ret->evidence[3], sizeof(ret->evidence[3]),
		 "not certain: the supervisor ended without a word, as the kernel's group kill does, or anybody's SIGKILL");
	ret->evidence_count = 4;
}
