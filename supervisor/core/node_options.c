/* SPDX-License-Identifier: Apache-2.0 */
/* node_options: see node_options.h. tests/unit/test_environment.c holds it against real Nodes. */
#include "supervisor/core/node_options.h"

#include <string.h>

#include "supervisor/core/environment.h"

/* Copies one word from *at to `word` (large enough) and moves *at behind it. Sets *ret_any where the word has a byte: to
 * Node a lone "" is no word at all. */
static int read_word(const char **at, char *word, bool *ret_any, struct failure *why)
{
	bool quoted = false;
	size_t length = 0;
	for (; **at != '\0' && (quoted || **at != ' '); (*at)++) {
		if (**at == '"') {
			quoted = !quoted;
			continue;
		}
		if (**at == '\\' && quoted && *++*at == '\0')
			return failed(why, 0, "NODE_OPTIONS ends in a backslash: Node would not start");
		word[length++] = **at;
	}
	word[length] = '\0';
	*ret_any = length > 0;
	return quoted ? failed(why, 0, "NODE_OPTIONS has an open quote: Node would not start") : 0;
}

static int split_into(const char *options, char *word, struct words *ret, struct failure *why)
{
	while (*options != '\0') {
		bool any = false;
		if (*options == ' ') {
			options++;
			continue;
		}
		if (read_word(&options, word, &any, why) < 0)
			return -1;
		if (any && words_add(ret, word, why) < 0)
			return -1;
	}
	return (int)ret->count;
}

int node_options_split(const char *options, struct words *ret, struct failure *why)
{
	*ret = (struct words){ 0 };
	cleanup_free char *word = malloc(strlen(options) + 1);
	if (word == NULL)
		return failed(why, 0, "split NODE_OPTIONS: out of memory");
	int count = split_into(options, word, ret, why);
	if (count < 0)
		words_finish(ret);
	return count;
}

/* The text behind "name=" in `word`, "" behind a bare "name", NULL where it is another option. */
static const char *match(const char *word, const char *name)
{
	for (; *name != '\0'; word++, name++) {
		char byte = *word == '_' ? '-' : *word;
		if (byte != (*name == '_' ? '-' : *name))
			return NULL;
	}
	if (*word == '=')
		return word + 1;
	return *word == '\0' ? word : NULL;
}

const char *node_options_find(char *const *words, size_t count, const char *name)
{
	for (size_t i = count; i > 0; i--) {
		const char *value = match(words[i - 1], name);
		if (value != NULL)
			return value;
	}
	return NULL;
}

char *node_options_quote(const char *option)
{
	bool plain = *option != '\0' && strpbrk(option, " \"\\") == NULL;
	char *quoted = malloc(2 * strlen(option) + 3), *at = quoted;
	if (quoted == NULL)
		return NULL;
	if (plain)
		return strcpy(quoted, option);
	*at++ = '"';
	for (; *option != '\0'; option++) {
		if (*option == '"' || *option == '\\')
			*at++ = '\\';
		*at++ = *option;
	}
	*at++ = '"';
	*at = '\0';
	return quoted;
}
