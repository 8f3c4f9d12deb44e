/* SPDX-License-Identifier: Apache-2.0 */
/* prose: see prose.h. Counts bytes as columns but for the second and later bytes of UTF-8 characters. */
#include "supervisor/core/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PARAGRAPH_MAX 8192
#define ITEM_INDENT 2
#define ITEM_HANGING 6

static void add_bytes(struct prose *prose, const char *bytes, size_t count)
{
	if (!prose->failed && prose->length + count + 1 > prose->capacity) {
		size_t capacity = 2 * (prose->length + count + 1);
		char *grown = realloc(prose->bytes, capacity);
		prose->failed = grown == NULL;
		if (grown != NULL) {
			prose->bytes = grown;
			prose->capacity = capacity;
		}
	}
	if (prose->failed)
		return;
	memcpy(prose->bytes + prose->length, bytes, count);
	prose->length += count;
	prose->bytes[prose->length] = '\0';
}

static void add_spaces(struct prose *prose, size_t columns)
{
	while (columns-- > 0)
		add_bytes(prose, " ", 1);
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t columns_of(const char *bytes, size_t length)
{
	size_t columns = 0;
	for (size_t i = 0; i < length; i++)
		columns += is_continuation(bytes[i]) ? 0 : 1;
	return columns;
}

/* Bytes of the next piece that must stay on one line: a word, with its unit. */
static size_t piece_length(const char *words, size_t columns_max)
{
	size_t length = strcspn(words, " ");
	if (strncmp(words + length, " MiB", 4) == 0 || strncmp(words + length, " GiB", 4) == 0)
		length += 1 + strcspn(words + length + 1, " ");
	if (columns_of(words, length) <= columns_max)
		return length;
	length = columns_max;
	while (length > 1 && is_continuation(words[length]))
		length--;
	return length;
}

/* Goes on in `column`, which is where the cursor stands. */
static void add_wrapped(struct prose *prose, size_t column, size_t hanging, const char *words)
{
	size_t gap = 0;
	while (*words != '\0') {
		size_t length = piece_length(words, PROSE_COLUMNS - hanging);
		size_t columns = columns_of(words, length);
		if (column + gap + columns > PROSE_COLUMNS) {
			add_bytes(prose, "\n", 1);
			add_spaces(prose, hanging);
			column = hanging;
			gap = 0;
		}
		add_spaces(prose, gap);
		add_bytes(prose, words, length);
		column += gap + columns;
		words += length;
		gap = *words == ' ';
		words += strspn(words, " ");
	}
	add_bytes(prose, "\n", 1);
}

static PRINTF_LIKE(3, 0) void print_harmless(char *text, size_t size, const char *format, va_list args)
{
	vsnprintf(text, size, format, args);
	for (char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
}

void prose_item(struct prose *prose, const char *format, ...)
{
	char text[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	print_harmless(text, sizeof(text), format, args);
	va_end(args);
	add_spaces(prose, ITEM_INDENT);
	add_wrapped(prose, ITEM_INDENT, ITEM_HANGING, text);
}

static void add_label(struct prose *prose, const char *label)
{
	size_t length = strlen(label);
	assert(length < PROSE_LABEL_COLUMNS);
	add_bytes(prose, label, length);
	add_spaces(prose, PROSE_LABEL_COLUMNS - length);
}

void prose_field(struct prose *prose, const char *label, const char *format, ...)
{
	char text[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	print_harmless(text, sizeof(text), format, args);
	va_end(args);
	add_label(prose, label);
	bool is_item = strncmp(text, "- ", 2) == 0;
	add_wrapped(prose, PROSE_LABEL_COLUMNS, PROSE_LABEL_COLUMNS + (is_item ? 2 : 0), text);
}

void prose_whole(struct prose *prose, const char *label, const char *format, ...)
{
	char text[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	print_harmless(text, sizeof(text), format, args);
	va_end(args);
	add_label(prose, label);
	add_bytes(prose, text, strlen(text));
	add_bytes(prose, "\n", 1);
}

void prose_raw(struct prose *prose, const char *format, ...)
{
	char text[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_bytes(prose, text, strlen(text));
}

void prose_title(struct prose *prose, const char *title)
{
	if (prose->length > 0)
		add_bytes(prose, "\n", 1);
	add_bytes(prose, title, strlen(title));
	add_bytes(prose, "\n", 1);
}

void prose_paragraph(struct prose *prose, const char *format, ...)
{
	char text[PARAGRAPH_MAX];
	va_list args;
	va_start(args, format);
	print_harmless(text, sizeof(text), format, args);
	va_end(args);
	if (prose->length > 0)
		add_bytes(prose, "\n", 1);
	add_wrapped(prose, 0, 0, text);
}

char *prose_take(struct prose *prose)
{
	char *bytes = prose->bytes;
	if (prose->failed) {
		free(bytes);
		bytes = NULL;
	}
	*prose = (struct prose){ 0 };
	return bytes;
}
