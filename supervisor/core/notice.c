/* SPDX-License-Identifier: Apache-2.0 */
/* notice: see notice.h. JSON by json-c; what comes from the worker is made harmless first. */
#include "supervisor/core/notice.h"

#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"

#include <json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WHICH_MAX 32

const char *notice_time(char buffer[static 32], int64_t realtime_usec)
{
	time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
	struct tm parts;
	if (gmtime_r(&seconds, &parts) == NULL)
		memset(&parts, 0, sizeof(parts));
	snprintf(buffer, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
		 parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
		 (int)(realtime_usec % USEC_PER_SEC / USEC_PER_MSEC));
	return buffer;
}

/* "instance 1: " where there are several. */
static const char *write_which(const struct notice *notice, char text[static WHICH_MAX])
{
	text[0] = '\0';
	if (notice->of_several && notice->instance >= 0)
		snprintf(text, WHICH_MAX, "instance %d: ", notice->instance);
	return text;
}

size_t notice_text(const struct notice *notice, char *buffer, size_t size)
{
	assert(size > 1);
	char which[WHICH_MAX];
	int length = snprintf(buffer, size, "heapward: %s: %s%s", notice->service, write_which(notice, which), notice->message);
	size_t end = length < 0 ? 0 : (size_t)length < size - 2 ? (size_t)length : size - 2;
	for (size_t i = 0; i < end; i++)
		if ((unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f)
			buffer[i] = '?';
	buffer[end] = '\n';
	buffer[end + 1] = '\0';
	return end + 1;
}

static struct json_object *list_of(const char *const *lines, size_t count)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; list != NULL && i < count; i++)
		json_object_array_add(list, json_text(lines[i]));
	return list;
}

static struct json_object *field_value(const struct notice_field *field)
{
	if (field->is_null)
		return NULL;
	if (field->lines != NULL)
		return list_of(field->lines, field->line_count);
	if (field->text != NULL)
		return json_text(field->text);
	if (field->is_time)
		return json_seconds(field->number);
	return field->is_truth ? json_object_new_boolean(field->number != 0) : json_number(field->number);
}

static void add_fields(struct json_object *object, const struct notice *notice)
{
	for (size_t i = 0; i < notice->field_count; i++) {
		const struct notice_field *field = &notice->fields[i];
		json_put(object, field->name, field_value(field));
	}
}

char *notice_json(const struct notice *notice)
{
	char time[32], which[WHICH_MAX], message[WHICH_MAX + sizeof(notice->message)];
	struct json_object *object = json_object_new_object();
	if (object == NULL)
		return NULL;
	snprintf(message, sizeof(message), "%s%s", write_which(notice, which), notice->message);
	json_put(object, "ts", json_text(notice_time(time, notice->at_realtime_usec)));
	json_put(object, "event", json_text(notice_name(notice->kind)));
	json_put(object, "service", json_text(notice->service));
	json_put(object, "instance", notice->instance < 0 ? NULL : json_number(notice->instance));
	json_put(object, "pid", notice->pid == 0 ? NULL : json_number(notice->pid));
	json_put(object, "message", json_text(message));
	add_fields(object, notice);
	return json_line(object);
}

char *notice_line_text(const char *json, size_t length)
{
	char line[1024];
	struct json_object *object = json_parse(json, length);
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return NULL;
	}
	int count = snprintf(line, sizeof(line) - 1, "%s %s: %s", json_find_text(object, "ts", "?"),
			     json_find_text(object, "event", "?"), json_find_text(object, "message", ""));
	json_object_put(object);
	size_t end = (size_t)count < sizeof(line) - 2 ? (size_t)count : sizeof(line) - 2;
	for (size_t i = 0; i < end; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[end] = '\n';
	line[end + 1] = '\0';
	return strdup(line);
}
