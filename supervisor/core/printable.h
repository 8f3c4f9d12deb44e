/* SPDX-License-Identifier: Apache-2.0 */
/* printable: text of strangers made safe to print: UTF-8 decoded strictly, control bytes and invisible characters
 * replaced. Pure; knows no locale, so the width of a character is a short table. */
#ifndef SUPERVISOR_CORE_PRINTABLE_H
#define SUPERVISOR_CORE_PRINTABLE_H

#include "base/base.h"

/* Decodes the character at `text` (length > 0). Returns the bytes it takes, 0 where they are not valid UTF-8. */
size_t printable_decode(const char *text, size_t length, uint32_t *ret_character);

/* True for a character that neither moves the cursor nor hides or turns what stands around it. */
bool printable_is_plain(uint32_t character);

/* Columns that a terminal gives to a plain character: 1, or 2 for wide ones. */
int printable_width(uint32_t character);

/* Copies `text` with every byte or character that is not plain replaced by '?', cut with "..." where it does not fit.
 * Always NUL-terminated (size >= 8). Returns buffer. */
const char *printable_copy(char *buffer, size_t size, const char *text);

#endif
