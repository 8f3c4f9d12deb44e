/* SPDX-License-Identifier: Apache-2.0 */
/* json_text: the few ways in which this program makes JSON values with json-c: hostile bytes become valid UTF-8, an
 * unknown number becomes null. */
#ifndef SUPERVISOR_CORE_JSON_TEXT_H
#define SUPERVISOR_CORE_JSON_TEXT_H

#include "base/base.h"

struct json_object;

/* A string; bytes that are no UTF-8 become U+FFFD. json_bytes takes any bytes, also NULs. NULL where memory is out. */
struct json_object *json_text(const char *text);
struct json_object *json_bytes(const void *bytes, size_t length);

struct json_object *json_number(int64_t number);

/* A size: SIZE_NONE and SIZE_UNKNOWN become null. */
struct json_object *json_size(uint64_t bytes);

/* Microseconds as seconds with milliseconds; negative and USEC_NEVER become null. */
struct json_object *json_seconds(int64_t usec);

/* Sets a value of an object, which takes it over. */
void json_put(struct json_object *object, const char *name, struct json_object *value);

/* The object as malloc'ed text on one line with its newline; releases the object. */
char *json_line(struct json_object *object);

/* Parses a text of ours that stood on a disk or came from a socket: strict, bounded depth. NULL where it is none. */
struct json_object *json_parse(const char *text, size_t length);

/* Values by a dotted path ("heap.used_bytes", "instances.0.pid"); NULL where there is none. */
struct json_object *json_find(struct json_object *object, const char *path);

/* The string at `path`, or `otherwise`; the number there, or SIZE_UNKNOWN. Borrowed. */
const char *json_find_text(struct json_object *object, const char *path, const char *otherwise);
uint64_t json_find_size(struct json_object *object, const char *path);

#endif
