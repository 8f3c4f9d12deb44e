/* SPDX-License-Identifier: Apache-2.0 */
/* policy_value: see policy_value.h. Words, lists and paths; numbers are policy_number.c. */
#include "supervisor/core/policy_value.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_words.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/suggest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int policy_value_error(const struct policy_value *value, const struct policy_node *node, const char *format, ...)
{
	char text[sizeof(((struct policy_error *)NULL)->text)];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	policy_text_error(value->text, node, false, "%s: %s", value->path, text);
	return -1;
}

const char *policy_value_scalar(const struct policy_value *value, const struct policy_node *node)
{
	if (node->kind == POLICY_NODE_LIST || node->kind == POLICY_NODE_MAP)
		policy_value_error(value, node, "is a %s where one value is wanted",
				   node->kind == POLICY_NODE_LIST ? "list" : "mapping");
	if (node->kind != POLICY_NODE_SCALAR)
		return NULL;
	if (node->text[0] == '\0') {
		policy_value_error(value, node, "has no value");
		return NULL;
	}
	return node->text;
}

/* A word of a command or the value of a variable: any text, but nothing that another YAML reader takes for null. */
const char *policy_value_word(const struct policy_value *value, const struct policy_node *node)
{
	if (node->kind != POLICY_NODE_SCALAR || !node->plain || value->text->setting)
		return node->kind == POLICY_NODE_SCALAR ? node->text : policy_value_scalar(value, node);
	if (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0) {
		policy_value_error(value, node, "has no value; write \"%s\" in quotes if it is meant", node->text);
		return NULL;
	}
	return node->text;
}

static int no_memory(const struct policy_value *value)
{
	return policy_value_error(value, value->node, "memory is out");
}

/* Puts a copy of `text` into a char * member. */
static int put_text(const struct policy_value *value, const char *text)
{
	char *copy = strdup(text);
	if (copy == NULL)
		return no_memory(value);
	free(*(char **)value->member);
	*(char **)value->member = copy;
	return 0;
}

static int read_name(const struct policy_value *value)
{
	char shown[POLICY_SHOWN_MAX];
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL)
		return -1;
	if (!policy_name_valid(text))
		return policy_value_error(value, value->node,
					  "\"%s\" is no name: a-z, 0-9 and -, at most 32, not beginning with -",
					  printable_copy(shown, sizeof(shown), text));
	memcpy(value->member, text, strlen(text) + 1);
	return 0;
}

/* Shows how one line of words is written as a list, where they need no quotes. */
static int explain_list(const struct policy_value *value)
{
	static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=- ";
	char list[120];
	const char *text = value->node->text;
	size_t out = 0;
	if (text[0] == '\0' || text[strspn(text, harmless)] != '\0' || strlen(text) > sizeof(list) / 2)
		return policy_value_error(value, value->node, "is no list; write one such as [node, server.js]");
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == ' ' && out > 0 && list[out - 1] != ' ')
			list[out++] = ',';
		if (*at != ' ' || (out > 0 && list[out - 1] != ' '))
			list[out++] = *at;
	}
	return policy_value_error(value, value->node, "is no list; write [%.*s]", (int)out, list);
}

static int read_words(const struct policy_value *value)
{
	cleanup(words_finish) struct words words = { 0 };
	struct failure ignored; /* memory is out: all that can be wrong */
	const struct policy_node *node = value->node;
	if (node->kind == POLICY_NODE_SCALAR)
		return explain_list(value);
	if (node->kind != POLICY_NODE_LIST)
		return policy_value_scalar(value, node) == NULL ? -1 : 0;
	for (node = policy_text_child(value->text, node); node != NULL; node = policy_text_next(value->text, node)) {
		const char *word = policy_value_word(value, node);
		if (word == NULL)
			return -1;
		if (words.count == POLICY_WORDS_MAX)
			return policy_value_error(value, node, "more than %d words", POLICY_WORDS_MAX);
		if (words_add(&words, word, &ignored) < 0)
			return no_memory(value);
	}
	if (words.count == 0 || words.list[0][0] == '\0')
		return policy_value_error(value, value->node, "names no program");
	words_finish(value->member);
	*(struct words *)value->member = words;
	words = (struct words){ 0 };
	return 0;
}

/* Sets the variable that `key` names. */
static int read_pair(const struct policy_value *value, const struct policy_node *key, const char *name,
		     const struct policy_node *node)
{
	char shown[POLICY_SHOWN_MAX];
	struct words *pairs = value->member;
	const char *refused = policy_pairs_refuse_name(name), *word = refused == NULL ? policy_value_word(value, node) : NULL;
	if (refused != NULL)
		return policy_value_error(value, key, "\"%s\" %s", printable_copy(shown, sizeof(shown), name), refused);
	if (word == NULL)
		return -1;
	if (pairs->count == POLICY_WORDS_MAX)
		return policy_value_error(value, key, "more than %d variables", POLICY_WORDS_MAX);
	return policy_pairs_put(pairs, name, word) < 0 ? no_memory(value) : 0;
}

static int read_pairs(const struct policy_value *value)
{
	const struct policy_node *key, *node;
	int result = 0;
	if (value->node->kind == POLICY_NODE_BROKEN)
		return -1;
	if (value->node->kind != POLICY_NODE_MAP)
		return policy_value_error(value, value->node, "is no mapping; write {NAME: value}");
	for (key = policy_text_child(value->text, value->node); key != NULL; key = policy_text_next(value->text, node)) {
		node = policy_text_next(value->text, key);
		if (node == NULL)
			break;
		if (key->kind == POLICY_NODE_SCALAR && read_pair(value, key, key->text, node) < 0)
			result = -1;
	}
	return result;
}

/* A relative path of a file starts from the directory of that file, as the user named it: what stands together stays
 * together. A setting's starts from the working directory, as any argument does. */
int policy_value_path(const struct policy_value *value, const struct policy_node *node, const char *text,
		      char ret_path[static POLICY_FILE_PATH_MAX])
{
	const char *slash = strrchr(value->text->file, '/');
	bool joined = text[0] != '/' && slash != NULL && !value->text->setting;
	int length = snprintf(ret_path, POLICY_FILE_PATH_MAX, "%.*s%s", joined ? (int)(slash + 1 - value->text->file) : 0,
			      value->text->file, text);
	if (length >= POLICY_FILE_PATH_MAX)
		return policy_value_error(value, node, "is a path of more than %d bytes", POLICY_FILE_PATH_MAX - 1);
	return 0;
}

static int read_path(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	char path[POLICY_FILE_PATH_MAX];
	if (text == NULL || policy_value_path(value, value->node, text, path) < 0)
		return -1;
	return put_text(value, path);
}

/* A list's name, or a path: seen from the policy file's folder, as every path is. */
static int read_syscalls(const struct policy_value *value)
{
	static const char *const lists[] = { "server", "strict", "compat", "none" };
	char shown[POLICY_SHOWN_MAX];
	struct suggest suggest;
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL)
		return -1;
	if (strchr(text, '/') != NULL)
		return read_path(value);
	suggest_init(&suggest, text);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(text, lists[i]) == 0)
			return put_text(value, text);
		suggest_offer(&suggest, lists[i], strlen(lists[i]));
	}
	const char *best = suggest_best(&suggest);
	printable_copy(shown, sizeof(shown), text);
	if (best != NULL)
		return policy_value_error(value, value->node, "unknown list \"%s\"; did you mean \"%s\"?", shown, best);
	return policy_value_error(value, value->node,
				  "unknown list \"%s\"; it is server, strict, compat, none, or a path such as ./%s", shown, shown);
}

/* "warn, wait or refuse" from "warn|wait|refuse". */
static void list_choices(const char *choices, char *buffer, size_t size)
{
	const char *choice;
	size_t length, out = 0;
	buffer[0] = '\0';
	while ((choice = policy_key_next_choice(&choices, &length)) != NULL && out < size)
		out += (size_t)snprintf(buffer + out, size - out, "%s%.*s", out == 0 ? "" : *choices == '\0' ? " or " : ", ",
					(int)length, choice);
}

int policy_value_unknown(const struct policy_value *value, const struct policy_node *node, const char *text)
{
	char shown[POLICY_SHOWN_MAX], list[120], word[SUGGEST_WORD_MAX];
	const char *choices = value->row.range, *choice, *best;
	struct suggest suggest;
	size_t length;
	/* "TERM" is how kill(1) takes it. */
	bool bare_signal = value->row.type == POLICY_TYPE_SIGNAL && strncasecmp(text, "SIG", 3) != 0;
	int written = snprintf(word, sizeof(word), "%s%s", bare_signal ? "SIG" : "", text);
	suggest_init(&suggest, (size_t)written < sizeof(word) ? word : "");
	while ((choice = policy_key_next_choice(&choices, &length)) != NULL)
		suggest_offer(&suggest, choice, length);
	best = suggest_best(&suggest);
	printable_copy(shown, sizeof(shown), text);
	if (best != NULL)
		return policy_value_error(value, node, "unknown value \"%s\"; did you mean \"%s\"?", shown, best);
	list_choices(value->row.range, list, sizeof(list));
	return policy_value_error(value, node, "unknown value \"%s\"; it is one of %s", shown, list);
}

/* The position of `text` in the choices of the key, -1 where it is none. */
static int find_choice(const struct policy_value *value, const char *text)
{
	const char *choices = value->row.range, *choice;
	size_t length;
	for (int i = 0; (choice = policy_key_next_choice(&choices, &length)) != NULL; i++)
		if (strlen(text) == length && memcmp(choice, text, length) == 0)
			return i;
	return -1;
}

/* The place of the value among the choices; -1 where it is none, which has been said. */
static int chosen(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	int found = text == NULL ? -1 : find_choice(value, text);
	return text != NULL && found < 0 ? policy_value_unknown(value, value->node, text) : found;
}

static int read_choice(const struct policy_value *value)
{
	int found = chosen(value);
	if (found < 0)
		return -1;
	/* All our enums are of this type; a test holds the order of choices against them. */
	*(unsigned *)value->member = (unsigned)found;
	return 0;
}

static int read_truth(const struct policy_value *value)
{
	int found = chosen(value);
	if (found < 0)
		return -1;
	*(bool *)value->member = found == 0; /* "true|false" */
	return 0;
}

static int read_signal(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL)
		return -1;
	if (find_choice(value, text) < 0)
		return policy_value_unknown(value, value->node, text);
	*(int *)value->member = policy_key_signal(text);
	return 0;
}

/* Only the form of a name: whether there is such a user is asked at the launch. */
static int read_user(const struct policy_value *value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";
	char shown[POLICY_SHOWN_MAX];
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL)
		return -1;
	bool valid = strlen(text) <= 32 && text[strspn(text, letters)] == '\0' && strchr("0123456789.-", text[0]) == NULL;
	if (!valid)
		return policy_value_error(value, value->node, "\"%s\" is no user's name%s",
					  printable_copy(shown, sizeof(shown), text),
					  text[strspn(text, "0123456789")] == '\0' ? "; write the name, not the number" : "");
	return put_text(value, text);
}

/* The capabilities of a value as they are collected. */
struct capabilities {
	char names[1200]; /* all names of the kernel fit */
};

static int explain_capability(const struct policy_value *value, const struct policy_node *node, const char *name)
{
	char shown[POLICY_SHOWN_MAX], word[SUGGEST_WORD_MAX];
	struct suggest suggest;
	int length = snprintf(word, sizeof(word), "%s%s", strncasecmp(name, "cap_", 4) == 0 ? "" : "cap_", name);
	suggest_init(&suggest, (size_t)length < sizeof(word) ? word : "");
	for (size_t i = 0; policy_key_capability(i) != NULL; i++)
		suggest_offer(&suggest, policy_key_capability(i), strlen(policy_key_capability(i)));
	printable_copy(shown, sizeof(shown), name);
	if (suggest_best(&suggest) != NULL)
		return policy_value_error(value, node, "unknown capability \"%s\"; did you mean \"%s\"?", shown,
					  suggest_best(&suggest));
	return policy_value_error(value, node, "unknown capability \"%s\"; see capabilities(7)", shown);
}

static int add_capability(const struct policy_value *value, const struct policy_node *node, const char *name,
			  struct capabilities *list)
{
	size_t used = strlen(list->names), i = 0, length = strlen(name);
	while (policy_key_capability(i) != NULL && strcmp(policy_key_capability(i), name) != 0)
		i++;
	if (policy_key_capability(i) == NULL)
		return explain_capability(value, node, name);
	for (const char *at = list->names; (at = strstr(at, name)) != NULL; at += length)
		if (at[length] == ',' || at[length] == '\0')
			return 0;
	snprintf(list->names + used, sizeof(list->names) - used, "%s%s", used > 0 ? "," : "", name);
	return 0;
}

/* "cap_a,cap_b" */
static int add_capabilities(const struct policy_value *value, const struct policy_node *node, struct capabilities *list)
{
	const char *text = policy_value_scalar(value, node);
	if (text == NULL)
		return -1;
	for (;;) {
		size_t length = strcspn(text, ",");
		cleanup_free char *name = strndup(text, length);
		if (name == NULL)
			return no_memory(value);
		if (add_capability(value, node, name, list) < 0)
			return -1;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
		text += strspn(text, " ");
	}
}

static int read_capabilities(const struct policy_value *value)
{
	struct capabilities list = { "" };
	const struct policy_node *node = value->node;
	if (node->kind == POLICY_NODE_SCALAR && strcmp(node->text, "none") == 0)
		return put_text(value, "");
	if (node->kind == POLICY_NODE_SCALAR && strcmp(node->text, "unchanged") == 0) {
		free(*(char **)value->member);
		*(char **)value->member = NULL;
		return 0;
	}
	if (node->kind != POLICY_NODE_LIST)
		return add_capabilities(value, node, &list) < 0 ? -1 : put_text(value, list.names);
	for (node = policy_text_child(value->text, node); node != NULL; node = policy_text_next(value->text, node))
		if (add_capabilities(value, node, &list) < 0)
			return -1;
	return put_text(value, list.names);
}

static int read_value(const struct policy_value *value)
{
	static int (*const readers[POLICY_TYPES])(const struct policy_value *value) = {
		[POLICY_TYPE_NAME] = read_name,
		[POLICY_TYPE_WORDS] = read_words,
		[POLICY_TYPE_PAIRS] = read_pairs,
		[POLICY_TYPE_PATH] = read_path,
		[POLICY_TYPE_SIZE] = policy_value_read_size,
		[POLICY_TYPE_SIZE_OR_NONE] = policy_value_read_size_or_none,
		[POLICY_TYPE_SIZE_OR_INHERIT] = policy_value_read_size_or_inherit,
		[POLICY_TYPE_OLD_SPACE] = policy_value_read_old_space,
		[POLICY_TYPE_STEP] = policy_value_read_step,
		[POLICY_TYPE_TIME] = policy_value_read_time,
		[POLICY_TYPE_TIME_OR_NEVER] = policy_value_read_time_or_never,
		[POLICY_TYPE_COUNT] = policy_value_read_count,
		[POLICY_TYPE_COUNT_OR_INHERIT] = policy_value_read_count_or_inherit,
		[POLICY_TYPE_CPU] = policy_value_read_cpu,
		[POLICY_TYPE_PERCENT_OR_NONE] = policy_value_read_percent_or_none,
		[POLICY_TYPE_CHOICE] = read_choice,
		[POLICY_TYPE_TRUTH] = read_truth,
		[POLICY_TYPE_SIGNAL] = read_signal,
		[POLICY_TYPE_LISTEN] = policy_value_read_listen,
		[POLICY_TYPE_READY] = policy_value_read_ready,
		[POLICY_TYPE_USER] = read_user,
		[POLICY_TYPE_CAPABILITIES] = read_capabilities,
		[POLICY_TYPE_SYSCALLS] = read_syscalls,
		[POLICY_TYPE_PATHS] = policy_value_read_paths,
		[POLICY_TYPE_VARIABLES] = policy_value_read_variables,
		[POLICY_TYPE_FEATURES] = policy_value_read_features,
		[POLICY_TYPE_PORTS] = policy_value_read_ports,
	};
	return readers[value->row.type](value);
}

static struct policy_value make_value(struct policy *policy, enum policy_key key, const struct policy_text *text,
				      const struct policy_node *node)
{
	struct policy_value value = { .policy = policy, .key = key, .row = policy_key_row(key), .text = text,
				      .node = node };
	policy_key_path(key, value.path);
	value.member = (char *)policy + value.row.offset;
	return value;
}

int policy_value_set(struct policy *policy, enum policy_key key, const struct policy_text *text,
		     const struct policy_node *node)
{
	struct policy_value value = make_value(policy, key, text, node);
	policy->misread[key] = node->kind == POLICY_NODE_BROKEN || read_value(&value) < 0;
	if (policy->misread[key])
		return -1;
	policy_text_origin(text, node, &policy->origins[key]);
	return 0;
}

int policy_value_set_variable(struct policy *policy, const char *name, const struct policy_text *text,
			      const struct policy_node *node)
{
	struct policy_value value = make_value(policy, KEY_SERVICE_ENVIRONMENT_SET, text, node);
	if (node->kind == POLICY_NODE_BROKEN || read_pair(&value, node, name, node) < 0)
		return -1;
	policy_text_origin(text, node, &policy->origins[KEY_SERVICE_ENVIRONMENT_SET]);
	return 0;
}
