/* SPDX-License-Identifier: Apache-2.0 */
/* policy_list: lists of one kind of word: paths, names of variables, features of the machine, ports. A later layer's list
 * takes the place of an earlier one, an empty one too. */
#include "supervisor/core/policy_value.h"
#include "supervisor/core/policy_words.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/words.h"

#include <stdio.h>
#include <string.h>

typedef int take_word(const struct policy_value *value, const struct policy_node *node, const char *word,
		      struct words *words);

static int add(const struct policy_value *value, const struct policy_node *node, const char *word, struct words *words)
{
	struct failure ignored; /* memory is out: all that can be wrong */
	if (words->count == POLICY_LIST_MAX)
		return policy_value_error(value, node, "more than %d words", POLICY_LIST_MAX);
	return words_add(words, word, &ignored) < 0 ? policy_value_error(value, node, "memory is out") : 0;
}

/* Reads the elements of a list, or one word in its place. All errors are told. */
static int read_list(const struct policy_value *value, take_word *take)
{
	struct words words = { 0 };
	const struct policy_node *node = value->node, *next = NULL;
	bool list = node->kind == POLICY_NODE_LIST;
	int result = 0;
	/* A list of none is not the same as no list. */
	words.list = calloc(1, sizeof(*words.list));
	if (words.list == NULL)
		return policy_value_error(value, node, "memory is out");
	for (node = list ? policy_text_child(value->text, node) : node; node != NULL; node = next) {
		const char *word = list ? policy_value_word(value, node) : policy_value_scalar(value, node);
		next = list ? policy_text_next(value->text, node) : NULL;
		if (word == NULL || take(value, node, word, &words) < 0)
			result = -1;
	}
	words_finish(result == 0 ? value->member : &words);
	if (result == 0)
		*(struct words *)value->member = words;
	return result;
}

static int take_path(const struct policy_value *value, const struct policy_node *node, const char *word,
		     struct words *words)
{
	char path[POLICY_FILE_PATH_MAX];
	if (word[0] == '\0')
		return policy_value_error(value, node, "is no path");
	if (word[0] == '~')
		return policy_value_error(value, node, "\"~\" is a shell's word; write the directory");
	return policy_value_path(value, node, word, path) < 0 ? -1 : add(value, node, path, words);
}

int policy_value_read_paths(const struct policy_value *value)
{
	return read_list(value, take_path);
}

static int take_variable(const struct policy_value *value, const struct policy_node *node, const char *word,
			 struct words *words)
{
	char shown[POLICY_SHOWN_MAX], name[POLICY_FILE_PATH_MAX];
	size_t length = strlen(word), star = length > 0 && word[length - 1] == '*' ? 1 : 0;
	int written = snprintf(name, sizeof(name), "%.*s", (int)(length - star), word);
	bool valid = (size_t)written < sizeof(name) && (star != 0 || written > 0);
	const char *refused = written > 0 ? policy_pairs_refuse_name(name) : NULL;
	if (!valid || refused != NULL)
		return policy_value_error(value, node, "\"%s\" %s", printable_copy(shown, sizeof(shown), word),
					  refused != NULL ? refused : "is no name of a variable");
	return add(value, node, word, words);
}

int policy_value_read_variables(const struct policy_value *value)
{
	return read_list(value, take_variable);
}

static int take_feature(const struct policy_value *value, const struct policy_node *node, const char *word,
			struct words *words)
{
	const char *choices = value->row.range, *choice;
	size_t length;
	while ((choice = policy_key_next_choice(&choices, &length)) != NULL)
		if (strlen(word) == length && memcmp(choice, word, length) == 0)
			return add(value, node, word, words);
	return policy_value_unknown(value, node, word);
}

int policy_value_read_features(const struct policy_value *value)
{
	return read_list(value, take_feature);
}

static int add_port(const struct policy_value *value, const struct policy_node *node, struct ports *ports)
{
	char shown[POLICY_SHOWN_MAX];
	const char *text = policy_value_scalar(value, node);
	if (text == NULL)
		return -1;
	size_t digits = strspn(text, "0123456789");
	unsigned long port = digits > 0 && digits < 6 && text[digits] == '\0' && text[0] != '0' ? strtoul(text, NULL, 10) : 0;
	if (port == 0 || port > UINT16_MAX)
		return policy_value_error(value, node, "\"%s\" is no port: 1 to %d, any, or none",
					  printable_copy(shown, sizeof(shown), text), UINT16_MAX);
	if (ports->count == POLICY_PORTS_MAX)
		return policy_value_error(value, node, "more than %d ports", POLICY_PORTS_MAX);
	ports->list[ports->count++] = (uint16_t)port;
	return 0;
}

int policy_value_read_ports(const struct policy_value *value)
{
	const struct policy_node *node = value->node;
	struct ports ports = { .limited = true };
	int result = 0;
	if (node->kind == POLICY_NODE_SCALAR && strcmp(node->text, "any") == 0)
		ports.limited = false;
	else if (node->kind == POLICY_NODE_LIST)
		for (node = policy_text_child(value->text, node); node != NULL; node = policy_text_next(value->text, node))
			result = add_port(value, node, &ports) < 0 ? -1 : result;
	else if (node->kind != POLICY_NODE_SCALAR || strcmp(node->text, "none") != 0)
		result = add_port(value, node, &ports);
	if (result == 0)
		*(struct ports *)value->member = ports;
	return result;
}
