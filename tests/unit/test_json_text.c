/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_text: hostile bytes become valid UTF-8, unknown numbers null, and what is read back is strict. */
#include "tests/unit/unit.h"

#include "supervisor/core/json_text.h"

#include <json.h>

#define FFFD "\xef\xbf\xbd"

/* The value as one line of text, without its newline; takes the object. */
static const char *line_of(struct json_object *object)
{
	static char text[1024];
	cleanup_free char *line = json_line(object);
	assert_non_null(line);
	size_t length = strlen(line);
	assert_true(length > 0 && length < sizeof(text) && line[length - 1] == '\n');
	assert_true(strchr(line, '\n') == line + length - 1);
	memcpy(text, line, length - 1);
	text[length - 1] = '\0';
	return text;
}

static void bytes_that_are_no_utf8_become_replacement_characters(void **state UNUSED)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *text;
	} rows[] = {
#define ROW(bytes, text) { bytes, sizeof(bytes) - 1, text }
		ROW("", ""),
		ROW("plain", "plain"),
		ROW("\xc2\x80", "\xc2\x80"),
		ROW("\xdf\xbf", "\xdf\xbf"),
		ROW("\xe0\xa0\x80", "\xe0\xa0\x80"),
		ROW("\xed\x9f\xbf", "\xed\x9f\xbf"),
		ROW("\xee\x80\x80", "\xee\x80\x80"),
		ROW("\xef\xbf\xbf", "\xef\xbf\xbf"),
		ROW("\xf0\x90\x80\x80", "\xf0\x90\x80\x80"),
		ROW("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"),
		ROW("\x80", FFFD),
		ROW("a\xff" "b", "a" FFFD "b"),
		ROW("\xc0\x80", FFFD FFFD),             /* overlong NUL */
		ROW("\xc1\xbf", FFFD FFFD),
		ROW("\xe0\x9f\xbf", FFFD FFFD FFFD),
		ROW("\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD),
		ROW("\xed\xa0\x80", FFFD FFFD FFFD),    /* a surrogate */
		ROW("\xed\xbf\xbf", FFFD FFFD FFFD),
		ROW("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD), /* beyond Unicode */
		ROW("\xf8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD),
		ROW("x\xc3", "x" FFFD),                 /* cut off */
		ROW("x\xe2\x82", "x" FFFD FFFD),
		ROW("x\xf0\x9f\x98", "x" FFFD FFFD FFFD),
		ROW("\xc3(", FFFD "("),
		ROW("\xe2\x82(", FFFD FFFD "("),
#undef ROW
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* An exact copy on the heap, so that a sanitizer sees a read behind the end. */
		cleanup_free char *exact = malloc(rows[i].length + 1);
		char *end = exact + 1;
		memcpy(end, rows[i].bytes, rows[i].length);
		struct json_object *object = json_bytes(end, rows[i].length);
		assert_string_equal(json_object_get_string(object), rows[i].text);
		assert_int_equal(json_object_get_string_len(object), strlen(rows[i].text));
		json_object_put(object);
	}
}

static void nuls_and_control_bytes_are_escaped_on_the_line(void **state UNUSED)
{
	assert_string_equal(line_of(json_bytes("a\0b", 3)), "\"a\\u0000b\"");
	assert_string_equal(line_of(json_text("a\nb\t\"\\\x1b/")), "\"a\\nb\\t\\\"\\\\\\u001b/\"");
	assert_string_equal(line_of(json_bytes(NULL, 0)), "\"\"");
	assert_string_equal(line_of(json_text(NULL)), "null");
}

static void every_byte_makes_a_text_that_is_read_back(void **state UNUSED)
{
	for (int byte = 0; byte < 256; byte++) {
		unsigned char bytes[3] = { (unsigned char)byte, 'x', (unsigned char)byte };
		struct json_object *array = json_object_new_array();
		json_object_array_add(array, json_bytes(bytes, sizeof(bytes)));
		cleanup_free char *document = json_line(array);
		struct json_object *back = json_parse(document, strlen(document));
		assert_non_null(back);
		json_object_put(back);
	}
}

static void unknown_sizes_and_times_are_null(void **state UNUSED)
{
	assert_string_equal(line_of(json_size(0)), "0");
	assert_string_equal(line_of(json_size(UINT64_C(1) << 63)), "9223372036854775808");
	assert_string_equal(line_of(json_size(SIZE_NONE)), "null");
	assert_string_equal(line_of(json_size(SIZE_UNKNOWN)), "null");
	assert_string_equal(line_of(json_number(-5)), "-5");
	assert_string_equal(line_of(json_number(INT64_MIN)), "-9223372036854775808");
	assert_string_equal(line_of(json_seconds(0)), "0.000");
	assert_string_equal(line_of(json_seconds(1500000)), "1.500");
	assert_string_equal(line_of(json_seconds(1000999)), "1.000");
	assert_string_equal(line_of(json_seconds(USEC_NEVER - 1)), "9223372036854.775");
	assert_string_equal(line_of(json_seconds(-1)), "null");
	assert_string_equal(line_of(json_seconds(USEC_NEVER)), "null");
}

static void what_is_no_strict_json_is_refused(void **state UNUSED)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "{}", true },
		{ "{\"a\":[1,2,{\"b\":null}]}\n", true },
		{ "[\"\xc3\xa9\"]", true },
		{ "", false },
		{ "   ", false },
		{ "{\"a\":1", false },
		{ "{\"a\":1}}", false },
		{ "{\"a\":1} x", false },
		{ "{\"a\":1,}", false },
		{ "{a:1}", false },
		{ "[\"\xff\"]", false },
		{ "[1]{}", false },
		{ "nonsense", false },
		{ "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]", true },     /* 15 deep */
		{ "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", false }, /* 20 deep */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t length = strlen(rows[i].text);
		cleanup_free char *exact = malloc(length + 1);
		char *start = exact + 1; /* no NUL behind the text */
		memcpy(start, rows[i].text, length);
		struct json_object *object = json_parse(start, length);
		if ((object != NULL) != rows[i].valid)
			fail_msg("%s is %s", rows[i].text, object != NULL ? "taken" : "refused");
		json_object_put(object);
	}
}

static struct json_object *document(void)
{
	static const char text[] = "{\"name\":\"web\",\"heap\":{\"used_bytes\":17,\"largest\":18446744073709551613,"
				   "\"negative\":-3,\"half\":0.5,\"none\":null,\"text\":\"9\"},"
				   "\"instances\":[{\"pid\":41},{\"pid\":42}]}";
	struct json_object *object = json_parse(text, sizeof(text) - 1);
	assert_non_null(object);
	return object;
}

/* json-c counts in int: what is longer must not be read with a length that has wrapped around. */
static void a_text_beyond_two_gigabytes_is_refused_unread(void **state UNUSED)
{
	assert_null(json_parse("{}", (size_t)INT32_MAX + 1));
}

static void sizes_are_found_by_path(void **state UNUSED)
{
	static const struct {
		const char *path;
		uint64_t size;
	} rows[] = {
		{ "heap.used_bytes", 17 },
		{ "heap.largest", UINT64_C(18446744073709551613) },
		{ "instances.0.pid", 41 },
		{ "instances.1.pid", 42 },
		{ "instances.2.pid", SIZE_UNKNOWN },
		{ "instances.-1.pid", SIZE_UNKNOWN },
		{ "instances.x.pid", SIZE_UNKNOWN },
		{ "instances.1x.pid", SIZE_UNKNOWN },
		{ "instances..pid", SIZE_UNKNOWN },
		{ "instances.18446744073709551616.pid", SIZE_UNKNOWN },
		{ "heap.negative", SIZE_UNKNOWN },
		{ "heap.half", SIZE_UNKNOWN },
		{ "heap.none", SIZE_UNKNOWN },
		{ "heap.text", SIZE_UNKNOWN },
		{ "heap.none.more", SIZE_UNKNOWN },
		{ "heap.used_bytes.more", SIZE_UNKNOWN },
		{ "heap", SIZE_UNKNOWN },
		{ "heap.missing", SIZE_UNKNOWN },
		{ "missing.used_bytes", SIZE_UNKNOWN },
		{ "a-name-that-is-longer-than-sixty-three-bytes-is-the-name-of-nothing-here", SIZE_UNKNOWN },
	};
	struct json_object *object = document();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (json_find_size(object, rows[i].path) != rows[i].size)
			fail_msg("%s: %llu", rows[i].path, (unsigned long long)json_find_size(object, rows[i].path));
	assert_true(json_find_size(NULL, "heap") == SIZE_UNKNOWN);
	json_object_put(object);
}

static void texts_are_found_by_path_or_are_the_other(void **state UNUSED)
{
	struct json_object *object = document();
	assert_string_equal(json_find_text(object, "name", "-"), "web");
	assert_string_equal(json_find_text(object, "heap.text", "-"), "9");
	assert_string_equal(json_find_text(object, "heap.used_bytes", "-"), "-");
	assert_string_equal(json_find_text(object, "nothing", "-"), "-");
	assert_null(json_find_text(NULL, "name", NULL));
	assert_ptr_equal(json_find(object, ""), object);
	assert_null(json_find(object, "heap.none"));
	json_object_put(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_that_are_no_utf8_become_replacement_characters),
		cmocka_unit_test(nuls_and_control_bytes_are_escaped_on_the_line),
		cmocka_unit_test(every_byte_makes_a_text_that_is_read_back),
		cmocka_unit_test(unknown_sizes_and_times_are_null),
		cmocka_unit_test(what_is_no_strict_json_is_refused),
		cmocka_unit_test(a_text_beyond_two_gigabytes_is_refused_unread),
		cmocka_unit_test(sizes_are_found_by_path),
		cmocka_unit_test(texts_are_found_by_path_or_are_the_other),
	};
	return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
