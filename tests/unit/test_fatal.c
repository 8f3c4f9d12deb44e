/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "supervisor/core/fatal.h"

#define LIMIT "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"

static enum fatal_kind scan(const char *text, size_t length, size_t piece, struct fatal_scanner *scanner)
{
	fatal_scanner_init(scanner);
	for (size_t at = 0; at < length; at += piece)
		fatal_scanner_feed(scanner, text + at, piece < length - at ? piece : length - at, (int64_t)at);
	fatal_scanner_finish(scanner, 1000);
	return scanner->found.kind;
}

static void a_line_counts_from_its_beginning_only(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum fatal_kind kind;
	} rows[] = {
		{ LIMIT "\n", FATAL_HEAP_LIMIT },
		{ LIMIT, FATAL_HEAP_LIMIT },
		{ "a\n\n" LIMIT "\r\nb\n", FATAL_HEAP_LIMIT },
		{ "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory\n",
		  FATAL_HEAP_LIMIT },
		{ "FATAL ERROR: v8::ToLocalChecked Empty MaybeLocal\n", FATAL_OTHER },
		{ "# Fatal error in , line 0\n", FATAL_OTHER },
		{ "# Fatal error in , line 0\n" LIMIT "\n", FATAL_HEAP_LIMIT },
		{ LIMIT "\n# Fatal error in , line 0\n", FATAL_HEAP_LIMIT },
		{ " " LIMIT "\n", FATAL_NONE },
		{ "log: " LIMIT "\n", FATAL_NONE },
		{ "FATAL ERROR\n: JavaScript heap out of memory\n", FATAL_NONE },
		{ "JavaScript heap out of memory\n", FATAL_NONE },
		{ "fatal error: JavaScript heap out of memory\n", FATAL_NONE },
		{ "", FATAL_NONE },
	};
	struct fatal_scanner scanner;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 100; piece++)
			if (scan(rows[i].text, strlen(rows[i].text), piece, &scanner) != rows[i].kind)
				fail_msg("row %zu in pieces of %zu", i, piece);
}

static void the_line_is_kept_and_dated_without_what_a_terminal_obeys(void **state UNUSED)
{
	struct fatal_scanner scanner;
	static const char text[] = "FATAL ERROR: \033[2J\0 JavaScript heap out of memory\nmore\n";
	scan(text, sizeof(text) - 1, 7, &scanner);
	assert_string_equal(scanner.found.text, "FATAL ERROR: ?[2J? JavaScript heap out of memory");
	assert_in_range(scanner.found.at_usec, 35, 50);
}

static void a_line_without_end_costs_no_memory(void **state UNUSED)
{
	static char text[1 << 20];
	struct fatal_scanner scanner;
	memset(text, 'x', sizeof(text));
	memcpy(text, "FATAL ERROR: ", 13);
	assert_int_equal(scan(text, sizeof(text), 4096, &scanner), FATAL_OTHER);
	assert_int_equal(strlen(scanner.found.text), sizeof(scanner.found.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_counts_from_its_beginning_only),
		cmocka_unit_test(the_line_is_kept_and_dated_without_what_a_terminal_obeys),
		cmocka_unit_test(a_line_without_end_costs_no_memory),
	};
	return cmocka_run_group_tests_name("fatal", tests, NULL, NULL);
}
