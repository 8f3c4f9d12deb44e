/* SPDX-License-Identifier: Apache-2.0 */
/* node_options: the text of NODE_OPTIONS as Node reads it (18 to 26 alike): only a space separates, double quotes group,
 * a backslash escapes the next byte inside quotes and is an ordinary byte outside. Pure. */
#ifndef SUPERVISOR_CORE_NODE_OPTIONS_H
#define SUPERVISOR_CORE_NODE_OPTIONS_H

#include "base/failure.h"
#include "supervisor/types/policy.h"

/* Splits NODE_OPTIONS as Node does. Returns the count of words, or -1 where Node would refuse to start (an open quote,
 * a backslash at the end). `ret` owns its words: words_finish. */
int node_options_split(const char *options, struct words *ret, struct failure *why);

/* The value of the last `name` among `words`: "--max-old-space-size=64" and "--max_old_space_size=64" are one option to
 * V8. "" where the word has no "=": V8's options take no value from the next word (measured: such a Node does not
 * start). NULL where there is none. Borrowed from words. */
const char *node_options_find(char *const *words, size_t count, const char *name);

/* Quotes one word for NODE_OPTIONS where it has to be. malloc'ed; NULL only where memory is out. */
char *node_options_quote(const char *option);

#endif
