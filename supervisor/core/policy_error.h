/* SPDX-License-Identifier: Apache-2.0 */
/* policy_error: what is wrong with a policy and where: a bounded list, each with its source line, and how one is
 * printed. Pure. */
#ifndef SUPERVISOR_CORE_POLICY_ERROR_H
#define SUPERVISOR_CORE_POLICY_ERROR_H

#include "base/base.h"
#include "supervisor/types/policy.h"

#define POLICY_ERRORS_MAX 64

/* One error or warning of a policy text, printed as "web.yaml:14:3: error: text" with the source line and a caret. */
struct policy_error {
	char file[128];
	int line, column; /* from 1, in characters; 0: about the whole file, or of a setting */
	bool warning;
	char text[256];
	char source[160]; /* the line it is in, control bytes replaced, "" where there is none */
	int caret;        /* column of source, from 0, that the caret stands under */
};

struct policy_errors {
	struct policy_error list[POLICY_ERRORS_MAX];
	size_t count;
	size_t more;     /* errors and warnings beyond the list */
	size_t refusals; /* of all of them, those that are not warnings */
};

/* Adds an error that another room found (a file that cannot be read). */
void policy_errors_add(struct policy_errors *errors, const struct policy_error *error);

/* The same in one call, about a whole file: "web.yaml: error: text". */
void policy_errors_add_file(struct policy_errors *errors, const char *file, bool warning, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* The same about a key, at the place that set it. */
void policy_errors_add_key(struct policy_errors *errors, const struct policy *policy, enum policy_key key, bool warning,
			   const char *format, ...) PRINTF_LIKE(5, 6);

/* Orders the errors from list[first] on by line and column, as their text has them. */
void policy_errors_sort(struct policy_errors *errors, size_t first);

/* Prints one error with source line and caret into `buffer`; returns the length, cut at size - 1. Its last character is
 * a newline. */
size_t policy_error_format(const struct policy_error *error, char *buffer, size_t size);

/* Copies a file's name into a place of `size` bytes: the end of it where it is too long, made printable. */
void policy_error_file(char *buffer, size_t size, const char *file);

/* The byte of a text that character `column` (from 1) of line `line` (from 1) begins at; its length where it has none. */
size_t policy_error_locate(const char *text, size_t length, int line, int column);

/* Copies the part of line `line` (from 1; line ends are LF, CR and CRLF) of a text that character `column` is in, made
 * printable; *ret_caret is where in it that character stands. "" where there is no such line. */
void policy_error_excerpt(const char *text, size_t length, int line, int column, char *buffer, size_t size,
			  int *ret_caret);

#endif
