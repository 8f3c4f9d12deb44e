/* SPDX-License-Identifier: Apache-2.0 */
/* json_text: see json_text.h. */
#include "supervisor/core/json_text.h"

#include "supervisor/core/printable.h"

#include <json.h>
#include <stdio.h>
#include <string.h>

#define JSON_DEPTH_MAX 16

struct json_object *json_bytes(const void *bytes, size_t length)
{
	static const char replacement[3] = { (char)0xef, (char)0xbf, (char)0xbd };
	const char *at = bytes;
	uint32_t character;
	size_t out = 0;
	assert(length <= INT32_MAX / 4);
	cleanup_free char *clean = malloc(length * sizeof(replacement) + 1);
	if (clean == NULL)
		return NULL;
	for (size_t i = 0; i < length;) {
		size_t valid = printable_decode(at + i, length - i, &character);
		memcpy(clean + out, valid > 0 ? at + i : replacement,
		       valid > 0 ? valid : sizeof(replacement));
		out += valid > 0 ? valid : sizeof(replacement);
		i += valid > 0 ? valid : 1;
	}
	return json_object_new_string_len(clean, (int)out);
}

struct json_object *json_text(const char *text)
{
	return text == NULL ? NULL : json_bytes(text, strlen(text));
}

struct json_object *json_number(int64_t number)
{
	return json_object_new_int64(number);
}

struct json_object *json_size(uint64_t bytes)
{
	return bytes == SIZE_NONE || bytes == SIZE_UNKNOWN ? NULL : json_object_new_uint64(bytes);
}

struct json_object *json_seconds(int64_t usec)
{
	char text[32];
	if (usec < 0 || usec == USEC_NEVER)
		return NULL;
	snprintf(text, sizeof(text), "%lld.%03d", (long long)(usec / USEC_PER_SEC),
		 (int)(usec % USEC_PER_SEC / USEC_PER_MSEC));
	return json_object_new_double_s((double)usec / (double)USEC_PER_SEC, text);
}

void json_put(struct json_object *object, const char *name, struct json_object *value)
{
	json_object_object_add(object, name, value);
}

char *json_line(struct json_object *object)
{
	size_t length;
	const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN |
								      JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	char *line = text == NULL ? NULL : malloc(length + 2);
	if (line != NULL) {
		memcpy(line, text, length);
		memcpy(line + length, "\n", 2);
	}
	json_object_put(object);
	return line;
}

struct json_object *json_parse(const char *text, size_t length)
{
	struct json_tokener *tokener = length > INT32_MAX ? NULL : json_tokener_new_ex(JSON_DEPTH_MAX);
	if (tokener == NULL)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
	json_tokener_free(tokener);
	return object;
}

/* NULL for a name that is no number: it must not find the first element. */
static struct json_object *element(struct json_object *array, const char *name)
{
	bool digits = name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
	return digits ? json_object_array_get_idx(array, strtoul(name, NULL, 10)) : NULL;
}

struct json_object *json_find(struct json_object *object, const char *path)
{
	while (object != NULL && *path != '\0') {
		char name[64];
		size_t length = strcspn(path, ".");
		if (length >= sizeof(name))
			return NULL;
		memcpy(name, path, length);
		name[length] = '\0';
		if (json_object_is_type(object, json_type_array))
			object = element(object, name);
		else if (!json_object_object_get_ex(object, name, &object))
			return NULL;
		path += length + (path[length] == '.');
	}
	return object;
}

const char *json_find_text(struct json_object *object, const char *path, const char *otherwise)
{
	struct json_object *found = json_find(object, path);
	return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : otherwise;
}

uint64_t json_find_size(struct json_object *object, const char *path)
{
	struct json_object *found = json_find(object, path);
	bool is_size = json_object_is_type(found, json_type_int) && json_object_get_int64(found) >= 0;
	return is_size ? json_object_get_uint64(found) : SIZE_UNKNOWN;
}
