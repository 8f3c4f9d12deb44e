/* SPDX-License-Identifier: Apache-2.0 */
/* suggest: "did you mean": the nearest of some candidates by edit distance (swapped neighbours count once), or none
 * where nothing is near. Pure. */
#ifndef SUPERVISOR_CORE_SUGGEST_H
#define SUPERVISOR_CORE_SUGGEST_H

#include "base/base.h"

#define SUGGEST_WORD_MAX 48 /* with the closing NUL; longer words get no suggestion */

struct suggest {
	char word[SUGGEST_WORD_MAX];
	char best[SUGGEST_WORD_MAX];
	size_t distance; /* of best; SIZE_MAX where there is none yet */
};

void suggest_init(struct suggest *suggest, const char *word);

/* Offers one candidate; of equally near ones the first stays. Upper and lower case count as equal. */
void suggest_offer(struct suggest *suggest, const char *candidate, size_t length);

/* The nearest candidate if it is near enough (a third of the word's letters, at least one), else NULL. */
const char *suggest_best(const struct suggest *suggest);

#endif
