/* SPDX-License-Identifier: Apache-2.0 */
/* policy_error: see policy_error.h. */
#include "supervisor/core/policy_error.h"
#include "supervisor/core/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void policy_errors_add(struct policy_errors *errors, const struct policy_error *error)
{
	if (!error->warning)
		errors->refusals++;
	if (errors->count < POLICY_ERRORS_MAX)
		errors->list[errors->count++] = *error;
	else
		errors->more++;
}

void policy_errors_add_file(struct policy_errors *errors, const char *file, bool warning, const char *format, ...)
{
	struct policy_error error = { .warning = warning };
	va_list args;
	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);
	policy_error_file(error.file, sizeof(error.file), file);
	policy_errors_add(errors, &error);
}

void policy_errors_add_key(struct policy_errors *errors, const struct policy *policy, enum policy_key key, bool warning,
			   const char *format, ...)
{
	const struct origin *origin = &policy->origins[key];
	struct policy_error error = { .line = origin->line, .column = origin->column, .warning = warning,
				      .caret = origin->caret };
	va_list args;
	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);
	snprintf(error.file, sizeof(error.file), "%s", origin->file[0] != '\0' ? origin->file : "default");
	snprintf(error.source, sizeof(error.source), "%s", origin->source);
	policy_errors_add(errors, &error);
}

static bool stands_before(const struct policy_error *a, const struct policy_error *b)
{
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

void policy_errors_sort(struct policy_errors *errors, size_t first)
{
	for (size_t i = first + 1; i < errors->count; i++) {
		struct policy_error moving = errors->list[i];
		size_t to = i;
		for (; to > first && stands_before(&moving, &errors->list[to - 1]); to--)
			errors->list[to] = errors->list[to - 1];
		errors->list[to] = moving;
	}
}

static size_t format_place(const struct policy_error *error, char *buffer, size_t size)
{
	const char *kind = error->warning ? "warning" : "error";
	int length = error->line > 0 ? snprintf(buffer, size, "%s:%d:%d: %s: %s\n", error->file, error->line,
						error->column, kind, error->text)
				     : snprintf(buffer, size, "%s: %s: %s\n", error->file, kind, error->text);
	return (size_t)length < size ? (size_t)length : size - 1;
}

size_t policy_error_format(const struct policy_error *error, char *buffer, size_t size)
{
	assert(size > 1);
	size_t length = format_place(error, buffer, size);
	if (error->source[0] != '\0') {
		char number[16] = "";
		if (error->line > 0)
			snprintf(number, sizeof(number), "%d", error->line);
		int more = snprintf(buffer + length, size - length, "%5s | %s\n      | %*s^\n", number, error->source,
				    error->caret, "");
		length = (size_t)more < size - length ? length + (size_t)more : size - 1;
	}
	buffer[length - 1] = '\n';
	return length;
}

void policy_error_file(char *buffer, size_t size, const char *file)
{
	size_t length = strlen(file);
	assert(size >= 16);
	if (length < size) {
		printable_copy(buffer, size, file);
		return;
	}
	/* The end of a path says more than its beginning; a character that the cut splits becomes '?'. */
	memcpy(buffer, "...", 3);
	printable_copy(buffer + 3, size - 3, file + length - (size - 4));
}

/* Moves past one line end at `at`, if there is one. */
static size_t skip_line_end(const char *text, size_t length, size_t at)
{
	if (at + 1 < length && text[at] == '\r' && text[at + 1] == '\n')
		return at + 2;
	return at < length ? at + 1 : at;
}

static size_t find_line_end(const char *text, size_t length, size_t at)
{
	while (at < length && text[at] != '\n' && text[at] != '\r')
		at++;
	return at;
}

/* Bytes that the character at text[at] takes and the columns it gets; *ret_plain where it is printed as it is. */
static size_t measure(const char *text, size_t end, size_t at, int *ret_width, bool *ret_plain)
{
	uint32_t character = 0;
	size_t count = printable_decode(text + at, end - at, &character);
	*ret_plain = count > 0 && printable_is_plain(character);
	*ret_width = *ret_plain ? printable_width(character) : 1;
	return count > 0 ? count : 1;
}

static size_t find_line(const char *text, size_t length, int line)
{
	size_t at = 0;
	for (int i = 1; i < line && at < length; i++)
		at = skip_line_end(text, length, find_line_end(text, length, at));
	return at;
}

static size_t skip_characters(const char *text, size_t end, size_t at, int count)
{
	for (; count > 0 && at < end; count--) {
		int width;
		bool plain;
		at += measure(text, end, at, &width, &plain);
	}
	return at;
}

size_t policy_error_locate(const char *text, size_t length, int line, int column)
{
	return skip_characters(text, length, find_line(text, length, line), column - 1);
}

void policy_error_excerpt(const char *text, size_t length, int line, int column, char *buffer, size_t size,
			  int *ret_caret)
{
	enum { SHOWN_BEFORE = 30 };
	size_t at = find_line(text, length, line), end = find_line_end(text, length, at), out = 0;
	size_t marked = skip_characters(text, end, at, column - 1);
	*ret_caret = 0;
	/* Of a long line only what stands around the column is shown. */
	if (end - at >= size)
		at = skip_characters(text, end, at, column - 1 - SHOWN_BEFORE);
	while (at < end) {
		int width;
		bool plain;
		size_t count = measure(text, end, at, &width, &plain);
		if (out + count + 1 > size)
			break;
		if (plain)
			memcpy(buffer + out, text + at, count);
		else
			buffer[out] = text[at] == '\t' ? ' ' : '?';
		out += plain ? count : 1;
		*ret_caret += at < marked ? width : 0;
		at += count;
	}
	buffer[out] = '\0';
}
