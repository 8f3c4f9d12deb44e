/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_node_options: any text splits into words or is refused; words quoted and joined again split into the same words. */
#include "supervisor/core/environment.h"

#include <stdio.h>
#include <string.h>

/* Not strndup(): AddressSanitizer's reads one byte more. */
static char *copy_text(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	if (text != NULL)
		memcpy(text, data, size);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *join(const struct words *words)
{
	char *joined = strdup("");
	for (size_t i = 0; i < words->count; i++) {
		cleanup_free char *before = joined;
		cleanup_free char *quoted = node_options_quote(words->list[i]);
		assert(quoted != NULL && asprintf(&joined, "%s %s", before, quoted) >= 0);
	}
	return joined;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words words, again;
	struct failure why;
	if (size > 4096)
		return 0;
	cleanup_free char *text = copy_text(data, size);
	assert(text != NULL);
	if (node_options_split(text, &words, &why) < 0)
		return 0;
	node_options_find(words.list, words.count, "--max-old-space-size");
	cleanup_free char *joined = join(&words);
	assert(node_options_split(joined, &again, &why) == (int)words.count);
	for (size_t i = 0; i < words.count; i++)
		assert(strcmp(words.list[i], again.list[i]) == 0);
	words_finish(&words);
	words_finish(&again);
	return 0;
}
