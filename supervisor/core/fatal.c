/* SPDX-License-Identifier: Apache-2.0 */
/* fatal: see fatal.h. */
#include "supervisor/core/fatal.h"

#include <string.h>

static const char heap_limit_words[] = "JavaScript heap out of memory";

void fatal_scanner_init(struct fatal_scanner *scanner)
{
	memset(scanner, 0, sizeof(*scanner));
}

static bool starts_with(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

static enum fatal_kind judge_line(const char *line)
{
	if (starts_with(line, "FATAL ERROR: "))
		return strstr(line, heap_limit_words) != NULL ? FATAL_HEAP_LIMIT : FATAL_OTHER;
	return starts_with(line, "# Fatal ") ? FATAL_OTHER : FATAL_NONE;
}

static void end_line(struct fatal_scanner *scanner, int64_t now_usec)
{
	scanner->line[scanner->length] = '\0';
	enum fatal_kind kind = judge_line(scanner->line);
	/* Behind a heap-limit line V8 may print others; the first word stays. */
	if (kind != FATAL_NONE && scanner->found.kind != FATAL_HEAP_LIMIT) {
		scanner->found.kind = kind;
		scanner->found.at_usec = now_usec;
		memcpy(scanner->found.text, scanner->line, scanner->length + 1);
	}
	scanner->length = 0;
	scanner->skipping = false;
}

/* Only a line that begins as a fatal one does is worth its bytes. */
static bool can_match(const struct fatal_scanner *scanner)
{
	static const char *const starts[] = { "FATAL ERROR: ", "# Fatal " };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		size_t length = strlen(starts[i]);
		if (strncmp(scanner->line, starts[i], scanner->length < length ? scanner->length : length) == 0)
			return true;
	}
	return false;
}

static void feed_byte(struct fatal_scanner *scanner, char byte, int64_t now_usec)
{
	if (byte == '\n') {
		end_line(scanner, now_usec);
		return;
	}
	if (scanner->skipping || byte == '\r' || scanner->length == sizeof(scanner->line) - 1)
		return;
	/* The line goes into messages: what a terminal would obey is replaced. */
	scanner->line[scanner->length++] = byte >= ' ' && byte < 0x7f ? byte : '?';
	scanner->skipping = !can_match(scanner);
	if (scanner->skipping)
		scanner->length = 0;
}

void fatal_scanner_feed(struct fatal_scanner *scanner, const void *bytes, size_t count, int64_t now_usec)
{
	const char *at = bytes, *end = at + count;
	while (at < end) {
		if (scanner->skipping) {
			/* The common case, a talkative worker: to the end of the line in one step. */
			const char *newline = memchr(at, '\n', (size_t)(end - at));
			if (newline == NULL)
				return;
			at = newline;
		}
		feed_byte(scanner, *at++, now_usec);
	}
}

void fatal_scanner_finish(struct fatal_scanner *scanner, int64_t now_usec)
{
	if (scanner->length > 0)
		end_line(scanner, now_usec);
}
