/* SPDX-License-Identifier: Apache-2.0 */
/* test_prose: prose, and the two that make strangers' words harmless and helpful: printable and suggest. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "supervisor/core/printable.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/suggest.h"

#include <stdio.h>

static void a_field_wraps_beside_its_label(void **state UNUSED)
{
	struct prose prose = { 0 };
	prose_title(&prose, "Title");
	prose_field(&prose, "memory", "%s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 512 MiB and more");
	prose_field(&prose, "", "- %s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c");
	prose_title(&prose, "Next");
	char *text = prose_take(&prose);
	assert_string_equal(text, "Title\n"
		"memory    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 512 MiB\n"
		"          and more\n"
		"          - aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
		"            bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c\n"
		"\nNext\n");
	free(text);
}

static void what_is_to_be_copied_stays_in_one_line(void **state UNUSED)
{
	char wanted[200], path[121] = "";
	struct prose prose = { 0 };
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		path[i] = i % 10 == 0 ? '/' : 'a';
	prose_whole(&prose, "cgroup", "%s (v2)\n", path);
	cleanup_free char *text = prose_take(&prose);
	snprintf(wanted, sizeof(wanted), "cgroup    %s (v2)?\n", path);
	assert_string_equal(text, wanted);
}

static void a_paragraph_begins_in_the_first_column(void **state UNUSED)
{
	struct prose prose = { 0 };
	prose_paragraph(&prose, "%s", "One that is longer than a line is wide, and so goes on in the first column of the next.");
	prose_paragraph(&prose, "Two\nlines?");
	cleanup_free char *text = prose_take(&prose);
	assert_string_equal(text, "One that is longer than a line is wide, and so goes on in the first column of\n"
				  "the next.\n\nTwo?lines?\n");
}

static void a_long_word_is_cut_between_characters(void **state UNUSED)
{
	struct prose prose = { 0 };
	char word[301] = "";
	for (size_t i = 0; i < 100; i++)
		strcat(word, "\xe2\x82\xac");
	prose_field(&prose, "path", "%s", word);
	prose_field(&prose, "bad", "a\033[2Jb\tc\177");
	char *text = prose_take(&prose);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t columns = 0;
		for (const char *at = line; *at != '\n'; at++)
			columns += ((unsigned char)*at & 0xc0) != 0x80;
		assert_in_range(columns, 1, PROSE_COLUMNS);
	}
	assert_contains(text, "bad       a?[2Jb?c?\n");
	for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n'))
		assert_true(((unsigned char)at[1] & 0xc0) != 0x80);
	free(text);
}

static void nothing_said_is_nothing(void **state UNUSED)
{
	struct prose prose = { 0 };
	assert_null(prose_take(&prose));
}

static void strangers_text_is_made_harmless(void **state UNUSED)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "plain", "plain" }, { "a\033[31mb", "a?[31mb" }, { "\xc3\xa4", "\xc3\xa4" }, { "\xff\xc3", "??" },
		{ "a\xe2\x80\xae" "b", "a?b" }, { "\xed\xa0\x80", "???" }, { "\xc0\x80", "??" },
		{ "a very long text that does not fit", "a very long t..." },
	};
	char shown[17];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(printable_copy(shown, sizeof(shown), rows[i].text), rows[i].shown);
	assert_int_equal(printable_width(0x4e2d), 2);
	assert_int_equal(printable_width('a'), 1);
}

static void the_nearest_word_is_suggested_or_none(void **state UNUSED)
{
	static const char *const candidates[] = { "max", "high", "swap", "enforce", "check" };
	static const struct {
		const char *word, *best;
	} rows[] = {
		{ "hihg", "high" }, { "maxx", "max" }, { "MAX", "max" }, { "enfroce", "enforce" }, { "chck", "check" },
		{ "zzz", NULL }, { "", NULL }, { "x", NULL },
		{ "a-word-that-is-longer-than-anything-that-we-would-compare-it-with", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct suggest suggest;
		suggest_init(&suggest, rows[i].word);
		for (size_t k = 0; k < ARRAY_LEN(candidates); k++)
			suggest_offer(&suggest, candidates[k], strlen(candidates[k]));
		const char *best = suggest_best(&suggest);
		if ((best == NULL) != (rows[i].best == NULL) || (best != NULL && strcmp(best, rows[i].best) != 0))
			fail_msg("%s: %s", rows[i].word, best == NULL ? "none" : best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_wraps_beside_its_label),
		cmocka_unit_test(what_is_to_be_copied_stays_in_one_line),
		cmocka_unit_test(a_paragraph_begins_in_the_first_column),
		cmocka_unit_test(a_long_word_is_cut_between_characters),
		cmocka_unit_test(nothing_said_is_nothing),
		cmocka_unit_test(strangers_text_is_made_harmless),
		cmocka_unit_test(the_nearest_word_is_suggested_or_none),
	};
	return cmocka_run_group_tests_name("prose", tests, NULL, NULL);
}
