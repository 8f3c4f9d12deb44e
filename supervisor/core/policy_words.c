/* SPDX-License-Identifier: Apache-2.0 */
/* policy_words: see policy_words.h. */
#include "supervisor/core/policy_words.h"
#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>

int policy_pairs_put(struct words *pairs, const char *name, const char *value)
{
	size_t name_length = strlen(name), size = name_length + strlen(value) + 2;
	struct failure ignored; /* memory is out: all that can be wrong */
	char *pair = malloc(size);
	if (pair == NULL)
		return -1;
	snprintf(pair, size, "%s=%s", name, value);
	for (size_t i = 0; i < pairs->count; i++)
		if (strncmp(pairs->list[i], pair, name_length + 1) == 0) {
			free(pairs->list[i]);
			pairs->list[i] = pair;
			return 0;
		}
	return words_take(pairs, pair, &ignored);
}

static bool is_letter(char letter)
{
	return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || letter == '_';
}

const char *policy_pairs_refuse_name(const char *name)
{
	if (!is_letter(name[0]))
		return "is no name of a variable";
	for (const char *at = name; *at != '\0'; at++)
		if (!is_letter(*at) && !(*at >= '0' && *at <= '9'))
			return "is no name of a variable";
	/* What the agent is told through the environment must come from us alone. */
	return strncmp(name, "HEAPWARD_", 9) == 0 ? "belongs to heapward" : NULL;
}

/* Takes the quotes off a value, in place. -1 where the first has no partner at the end. */
static int unquote(char **value)
{
	char quote = **value;
	size_t length = strlen(*value);
	if (quote != '"' && quote != '\'')
		return 0;
	if (length < 2 || (*value)[length - 1] != quote)
		return -1;
	(*value)[length - 1] = '\0';
	(*value)++;
	return 0;
}

/* Reads one line, which it may write to. */
static int read_line(struct words *pairs, char *line, int number, struct failure *why)
{
	char shown[48];
	line += strspn(line, " \t");
	char *equals = strchr(line, '=');
	if (*line == '\0' || *line == '#')
		return 0;
	if (equals == NULL)
		return failed(why, 0, "line %d: no NAME=VALUE", number);
	char *value = equals + 1;
	*equals = '\0';
	const char *refused = policy_pairs_refuse_name(line);
	if (refused != NULL)
		return failed(why, 0, "line %d: \"%s\" %s", number, printable_copy(shown, sizeof(shown), line), refused);
	if (unquote(&value) < 0)
		return failed(why, 0, "line %d: %s: the quote is not closed at the end of the line", number, line);
	if (policy_pairs_put(pairs, line, value) < 0)
		return failed(why, 0, "memory is out");
	if (pairs->count > POLICY_WORDS_MAX)
		return failed(why, 0, "line %d: more than %d variables", number, POLICY_WORDS_MAX);
	return 0;
}

int policy_pairs_read_lines(struct words *pairs, const char *text, size_t length, struct failure *why)
{
	int number = 1;
	for (size_t at = 0; at < length; number++) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t end = newline != NULL ? (size_t)(newline - text) : length;
		size_t line_length = end > at && text[end - 1] == '\r' ? end - at - 1 : end - at;
		cleanup_free char *line = strndup(text + at, line_length);
		if (line == NULL)
			return failed(why, 0, "memory is out");
		if (strlen(line) != line_length)
			return failed(why, 0, "line %d: holds a NUL byte", number);
		if (read_line(pairs, line, number, why) < 0)
			return -1;
		at = end + 1;
	}
	return 0;
}
