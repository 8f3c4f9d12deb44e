/* SPDX-License-Identifier: Apache-2.0 */
/* words: see words.h. */
#include "supervisor/core/words.h"

#include <string.h>

int words_take(struct words *words, char *owned, struct failure *why)
{
	char **list = owned == NULL ? NULL : realloc(words->list, (words->count + 2) * sizeof(*list));
	if (list == NULL) {
		free(owned);
		return failed(why, 0, "out of memory");
	}
	list[words->count++] = owned;
	list[words->count] = NULL;
	words->list = list;
	return 0;
}

int words_add(struct words *words, const char *word, struct failure *why)
{
	return words_take(words, strdup(word), why);
}

void words_finish(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->list[i]);
	free(words->list);
	*words = (struct words){ 0 };
}
