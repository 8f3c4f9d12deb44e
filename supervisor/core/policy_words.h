/* SPDX-License-Identifier: Apache-2.0 */
/* policy_words: lists of "NAME=VALUE" pairs in which a name stands once, as policies and environment files have them.
 * Pure. */
#ifndef SUPERVISOR_CORE_POLICY_WORDS_H
#define SUPERVISOR_CORE_POLICY_WORDS_H

#include "base/failure.h"
#include "supervisor/core/words.h"

/* Sets NAME=VALUE, in the place of an older value of that name. -1 only where memory is out. */
int policy_pairs_put(struct words *pairs, const char *name, const char *value);

/* NULL for a name that a policy may set, else why not: "is no name of a variable", "belongs to heapward". */
const char *policy_pairs_refuse_name(const char *name);

/* Reads the lines of an environment file: NAME=VALUE, '#' comments, blank lines; LF or CRLF. A value that begins with a
 * double or single quote ends with the same one, and both are taken off; nothing else in it is changed. At most
 * POLICY_WORDS_MAX variables. `text` needs no closing NUL. The failure names the line. */
int policy_pairs_read_lines(struct words *pairs, const char *text, size_t length, struct failure *why);

#endif
