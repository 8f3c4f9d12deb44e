/* SPDX-License-Identifier: Apache-2.0 */
/* suggest: see suggest.h. */
#include "supervisor/core/suggest.h"

#include <string.h>

static char lower(char letter)
{
	return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, or swap two neighbours. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t rows[3][SUGGEST_WORD_MAX];
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *before_that = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			bool same = lower(a[i - 1]) == lower(b[j - 1]);
			row[j] = least(before[j - 1] + (same ? 0 : 1), least(before[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
				row[j] = least(row[j], before_that[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

void suggest_init(struct suggest *suggest, const char *word)
{
	*suggest = (struct suggest){ .distance = SIZE_MAX };
	if (strlen(word) < sizeof(suggest->word))
		memcpy(suggest->word, word, strlen(word) + 1);
}

void suggest_offer(struct suggest *suggest, const char *candidate, size_t length)
{
	if (suggest->word[0] == '\0' || length >= SUGGEST_WORD_MAX)
		return;
	size_t found = distance(suggest->word, strlen(suggest->word), candidate, length);
	if (found >= suggest->distance)
		return;
	suggest->distance = found;
	memcpy(suggest->best, candidate, length);
	suggest->best[length] = '\0';
}

const char *suggest_best(const struct suggest *suggest)
{
	size_t length = strlen(suggest->word), allowed = length / 3 > 1 ? length / 3 : 1;
	/* A word of which no letter would stay is no likeness. */
	return suggest->distance <= allowed && suggest->distance < length ? suggest->best : NULL;
}
