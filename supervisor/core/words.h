/* SPDX-License-Identifier: Apache-2.0 */
/* words: lists of strings, as policy, command and environment hold them: owned, NULL-terminated. Pure. */
#ifndef SUPERVISOR_CORE_WORDS_H
#define SUPERVISOR_CORE_WORDS_H

#include "base/failure.h"
#include "supervisor/types/policy.h"

/* Appends a copy of `word`. Fails only where memory is out. */
int words_add(struct words *words, const char *word, struct failure *why);

/* Appends `owned` itself (NULL: memory was out already); frees it on failure. */
int words_take(struct words *words, char *owned, struct failure *why);

/* Safe on a zeroed struct; empties it. */
void words_finish(struct words *words);

#endif
