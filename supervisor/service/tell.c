/* SPDX-License-Identifier: Apache-2.0 */
/* tell: event lines: on stderr as text or JSON, on disk always as JSON. Faults and actions are each said in one place;
 * this is that place. */
#include "supervisor/core/notice.h"
#include "supervisor/service/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEWS_WINDOW_USEC (60 * USEC_PER_SEC)
#define NEWS_MAX 100 /* near its limit, or with another than planned: a cluster of 32 has some three each */
#define SAY_AGAIN_USEC (60 * USEC_PER_SEC) /* a disk that stays full is not worth a line an event */

struct notice tell_notice(const struct service *service, int kind, const struct worker_run *run)
{
	return (struct notice){
		.kind = (enum notice_kind)kind,
		.at_realtime_usec = loop_now_realtime_usec(),
		.service = service->setup->name,
		.instance = run == NULL ? -1 : (int)run->instance,
		.of_several = service->state.slot_count > 1,
		.pid = run == NULL ? 0 : run->child.pid,
	};
}

static void add(struct notice *notice, struct notice_field field)
{
	assert(notice->field_count < NOTICE_FIELDS_MAX);
	notice->fields[notice->field_count++] = field;
}

void tell_add_text(struct notice *notice, const char *name, const char *text)
{
	add(notice, (struct notice_field){ .name = name, .text = text });
}

void tell_add_number(struct notice *notice, const char *name, int64_t number)
{
	add(notice, (struct notice_field){ .name = name, .number = number });
}

void tell_add_size(struct notice *notice, const char *name, uint64_t bytes)
{
	bool known = bytes != SIZE_NONE && bytes != SIZE_UNKNOWN;
	add(notice, (struct notice_field){ .name = name, .number = known ? (int64_t)bytes : 0, .is_null = !known });
}

void tell_add_time(struct notice *notice, const char *name, int64_t usec)
{
	add(notice, (struct notice_field){ .name = name, .number = usec, .is_time = true });
}

void tell_add_lines(struct notice *notice, const char *name, const char *const *lines, size_t count)
{
	add(notice, (struct notice_field){ .name = name, .lines = lines, .line_count = count });
}

void tell_add_truth(struct notice *notice, const char *name, bool truth)
{
	add(notice, (struct notice_field){ .name = name, .number = truth, .is_truth = true });
}

static void say_text(struct service *service, const struct notice *notice)
{
	char line[1024];
	size_t length = notice_text(notice, line, sizeof(line));
	sink_line(&service->sink, line, length, loop_now_usec());
	snprintf(service->last_said, sizeof(service->last_said), "%.255s", notice->message);
}

static void keep_event(struct service *service, const char *line)
{
	struct failure why;
	int64_t now_usec = loop_now_usec();
	if (state_dir_append_event(&service->dir, line, strlen(line), &why) == 0 ||
	    now_usec < service->next_event_error_usec)
		return;
	service->next_event_error_usec = now_usec + SAY_AGAIN_USEC;
	struct notice notice = tell_notice(service, NOTICE_WARNING, NULL);
	snprintf(notice.message, sizeof(notice.message), "events are not kept: %s", why.text);
	say_text(service, &notice);
}

/* For people, one line at the start and one at each death say enough; scripts and `logs` get every event. */
static bool is_quiet(const struct service *service, const struct notice *notice)
{
	if (notice->kind == NOTICE_HEAP_WARN) /* replace.start says it again, where there is one */
		return service->state.rules.near_limit != RULE_NEAR_LIMIT_REPORT;
	return notice->kind == NOTICE_READY || (notice->kind == NOTICE_START && notice->instance >= 0);
}

void tell(struct service *service, const struct notice *notice)
{
	cleanup_free char *json = notice_json(notice);
	if (json != NULL && service->events_as_json)
		sink_line(&service->sink, json, strlen(json), loop_now_usec());
	else if (!is_quiet(service, notice))
		say_text(service, notice);
	if (json != NULL)
		keep_event(service, json);
}

void tell_warning(struct service *service, const char *format, ...)
{
	struct notice notice = tell_notice(service, NOTICE_WARNING, NULL);
	va_list args;
	va_start(args, format);
	vsnprintf(notice.message, sizeof(notice.message), format, args);
	va_end(args);
	tell(service, &notice);
}

bool tell_may(struct worker_run *run)
{
	int64_t now_usec = loop_now_usec();
	if (run->heard_usec == 0 || now_usec - run->heard_usec >= NEWS_WINDOW_USEC) {
		run->heard_usec = now_usec;
		run->heard_count = 0;
	}
	return run->heard_count++ < NEWS_MAX;
}
