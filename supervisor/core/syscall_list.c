/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_list: see syscall_list.h. A line is read word by word; an error ends its line, never the text. */
#include "supervisor/core/syscall_list.h"
#include "supervisor/core/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 48 /* bytes of a user's word in an error */
#define WORD_MAX 256
#define INT_MASK UINT64_C(0xffffffff)

struct reader {
	struct syscall_list *list;
	const char *file, *text;
	size_t length;
	const struct syscall_names *names;
	struct policy_errors *errors;
	int line;
	size_t begin, end; /* of the line, without its end */
	size_t at;         /* what is not read yet */
	size_t word_at;    /* where the last word began */
	char word[WORD_MAX];
	bool begins;       /* the line before was empty, or there was none: a comment is a title */
	uint16_t group;    /* of the rules from here on */
};

static int column_of(const struct reader *reader, size_t at)
{
	int column = 1;
	for (size_t i = reader->begin; i < at; i++)
		column += ((unsigned char)reader->text[i] & 0xc0) != 0x80; /* UTF-8: a character's later bytes */
	return column;
}

static void fill_origin(const struct reader *reader, size_t at, struct origin *ret)
{
	ret->line = reader->line;
	ret->column = column_of(reader, at);
	policy_error_file(ret->file, sizeof(ret->file), reader->file);
	policy_error_excerpt(reader->text, reader->length, ret->line, ret->column, ret->source, sizeof(ret->source),
			     &ret->caret);
}

/* Adds an error at the last word; always returns -1. */
static int complain(struct reader *reader, const char *format, ...) PRINTF_LIKE(2, 3);

static int complain(struct reader *reader, const char *format, ...)
{
	struct policy_error error = { 0 };
	struct origin origin = { 0 };
	va_list args;
	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);
	fill_origin(reader, reader->word_at, &origin);
	memcpy(error.file, origin.file, sizeof(error.file));
	memcpy(error.source, origin.source, sizeof(error.source));
	error.line = origin.line;
	error.column = origin.column;
	error.caret = origin.caret;
	policy_errors_add(reader->errors, &error);
	return -1;
}

static int complain_unknown(struct reader *reader, const char *what, void (*offer)(const struct reader *, struct suggest *))
{
	char shown[SHOWN_MAX];
	struct suggest suggest;
	suggest_init(&suggest, reader->word);
	if (reader->errors->count < POLICY_ERRORS_MAX) /* what is not shown needs no advice */
		offer(reader, &suggest);
	const char *best = suggest_best(&suggest);
	printable_copy(shown, sizeof(shown), reader->word);
	return complain(reader, "unknown %s \"%s\"%s%s%s", what, shown, best != NULL ? "; did you mean \"" : "",
			best != NULL ? best : "", best != NULL ? "\"?" : "");
}

static bool is_blank(char letter)
{
	return letter == ' ' || letter == '\t';
}

/* "#462" is a number where nothing but digits touches the sign; any other "#" begins a comment. */
static bool is_comment(const struct reader *reader, size_t at)
{
	return reader->text[at] == '#' && (at + 1 == reader->end || reader->text[at + 1] < '0' || reader->text[at + 1] > '9');
}

/* Reads the next word of the line: a run of letters, or an operator. False at the line's end, with word "". */
static bool next_word(struct reader *reader)
{
	static const char operators[] = "&|=!";
	size_t at = reader->at;
	while (at < reader->end && is_blank(reader->text[at]))
		at++;
	reader->word_at = at;
	reader->word[0] = '\0';
	if (at == reader->end || is_comment(reader, at)) {
		reader->at = reader->end;
		return false;
	}
	bool is_operator = strchr(operators, reader->text[at]) != NULL;
	while (at < reader->end && !is_blank(reader->text[at]) &&
	       (strchr(operators, reader->text[at]) != NULL) == is_operator && reader->text[at] != '\0')
		at++;
	at += at == reader->word_at; /* a NUL byte: never a word, always an error */
	size_t length = at - reader->word_at;
	memcpy(reader->word, reader->text + reader->word_at, length < WORD_MAX ? length : WORD_MAX - 1);
	reader->word[length < WORD_MAX ? length : WORD_MAX - 1] = '\0';
	reader->at = at;
	return true;
}

/* A number: decimal, 0x and hexadecimal, or negative. */
static bool read_number(const char *word, uint64_t *ret)
{
	bool negative = word[0] == '-';
	const char *digits = word + (negative ? 1 : 0);
	int base = digits[0] == '0' && digits[1] == 'x' ? 16 : 10;
	const char *allowed = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
	digits += base == 16 ? 2 : 0;
	size_t length = strlen(digits);
	if (length == 0 || strspn(digits, allowed) != length || length > (base == 16 ? 16 : 18))
		return false;
	uint64_t value = strtoull(digits, NULL, base);
	*ret = negative ? 0 - value : value;
	return true;
}

static void offer_words(const struct reader *reader UNUSED, struct suggest *suggest)
{
	syscall_words_offer(suggest);
}

static void offer_calls(const struct reader *reader, struct suggest *suggest)
{
	reader->names->offer(reader->names, suggest);
}

/* "A|B|0x40", from the last word on. */
static int read_value(struct reader *reader, uint64_t *ret)
{
	*ret = 0;
	for (;;) {
		uint64_t part = 0;
		if (reader->word[0] == '\0')
			return complain(reader, "a value is missing");
		if (!read_number(reader->word, &part) && !syscall_word_find(reader->word, &part))
			return complain_unknown(reader, "constant", offer_words);
		*ret |= part;
		if (!next_word(reader) || strcmp(reader->word, "|") != 0)
			return 0;
		next_word(reader);
	}
}

/* "arg2": all of the register; "int2": what the kernel reads of it as an int. */
static int read_argument(struct reader *reader, struct syscall_condition *condition)
{
	const char *word = reader->word;
	bool whole = strncmp(word, "arg", 3) == 0, low = strncmp(word, "int", 3) == 0;
	if ((!whole && !low) || word[3] < '0' || word[3] >= '0' + SYSCALL_ARGUMENTS || word[4] != '\0') {
		char shown[SHOWN_MAX];
		return complain(reader, "\"%s\" is no argument: arg0 to arg5, or int0 to int5 for its low 32 bits",
				printable_copy(shown, sizeof(shown), word));
	}
	condition->argument = (uint8_t)(word[3] - '0');
	condition->mask = whole ? UINT64_MAX : INT_MASK;
	return 0;
}

static int read_operator(struct reader *reader, struct syscall_condition *condition)
{
	char shown[SHOWN_MAX];
	uint64_t mask;
	next_word(reader);
	if (strcmp(reader->word, "&") == 0) {
		next_word(reader);
		if (read_value(reader, &mask) < 0)
			return -1;
		condition->mask &= mask;
	}
	condition->differs = strcmp(reader->word, "!=") == 0;
	if (condition->differs || strcmp(reader->word, "==") == 0)
		return 0;
	return complain(reader, "\"%s\" is no comparison: ==, != or & MASK ==",
			printable_copy(shown, sizeof(shown), reader->word));
}

/* What libseccomp cannot say, and what would be a hole: see the decision "Only equal". */
static int check_condition(struct reader *reader, const struct syscall_rule *rule, const struct syscall_condition *condition)
{
	for (size_t i = 0; i < rule->condition_count; i++)
		if (rule->conditions[i].argument == condition->argument && rule->kind == SYSCALL_ALLOW)
			return complain(reader, "argument %u stands twice; write a second line, or deny", condition->argument);
	if (condition->differs && condition->mask != UINT64_MAX && rule->kind == SYSCALL_ALLOW)
		return complain(reader, "only a whole register (argN) can be allowed by !=; write: deny %s ... ==", rule->name);
	if ((condition->value & ~condition->mask) != 0)
		return complain(reader, "can never be equal: the value has bits that are not looked at");
	return 0;
}

static int read_condition(struct reader *reader, struct syscall_rule *rule)
{
	struct syscall_condition condition = { 0 };
	if (rule->condition_count == SYSCALL_ARGUMENTS)
		return complain(reader, "more than %d conditions", SYSCALL_ARGUMENTS);
	if (read_argument(reader, &condition) < 0 || read_operator(reader, &condition) < 0)
		return -1;
	size_t operator_at = reader->word_at;
	next_word(reader);
	if (read_value(reader, &condition.value) < 0)
		return -1;
	/* -1 as an int is its low 32 bits. */
	bool negative = (condition.value | INT_MASK) == UINT64_MAX && (condition.value & 0x80000000u) != 0;
	if (negative && condition.mask <= INT_MASK)
		condition.value &= INT_MASK;
	size_t behind = reader->word_at;
	reader->word_at = operator_at;
	if (check_condition(reader, rule, &condition) < 0)
		return -1;
	reader->word_at = behind;
	rule->conditions[rule->condition_count++] = condition;
	return 0;
}

static int read_conditions(struct reader *reader, struct syscall_rule *rule)
{
	char shown[SHOWN_MAX];
	bool more = next_word(reader);
	if (more && rule->kind == SYSCALL_ABSENT)
		return complain(reader, "what is absent has no conditions");
	while (more) {
		if (read_condition(reader, rule) < 0)
			return -1;
		more = reader->word[0] != '\0';
		if (more && strcmp(reader->word, "and") != 0)
			return complain(reader, "\"%s\" where the line should end, or go on with \"and\"",
					printable_copy(shown, sizeof(shown), reader->word));
		if (more && !next_word(reader))
			return complain(reader, "a condition is missing");
	}
	return 0;
}

/* The number of the call that the last word names; *ret_skip: the line is for others. */
static int read_call(struct reader *reader, struct syscall_rule *rule, bool *ret_skip)
{
	char *word = reader->word;
	size_t length = strlen(word);
	uint64_t number = 0;
	*ret_skip = false;
	if (word[0] == '#') {
		if (!read_number(word + 1, &number) || number > SYSCALL_NUMBER_MAX)
			return complain(reader, "\"%.40s\" is no number of a system call", word);
		rule->number = (int)number;
		snprintf(rule->name, sizeof(rule->name), "#%d", rule->number);
		return 0;
	}
	bool optional = length > 1 && word[length - 1] == '?';
	word[length - (optional ? 1 : 0)] = '\0';
	rule->number = strlen(word) < SYSCALL_NAME_MAX ? reader->names->number(reader->names, word) : SYSCALL_UNKNOWN;
	snprintf(rule->name, sizeof(rule->name), "%.31s", word);
	rule->optional = optional;
	*ret_skip = optional && rule->number < 0;
	if (*ret_skip || rule->number >= 0)
		return 0;
	if (rule->number == SYSCALL_UNKNOWN)
		return complain_unknown(reader, "system call", offer_calls);
	return complain(reader, "this architecture has no %s; write \"%s?\" to pass it over there", rule->name, rule->name);
}

static int add_rule(struct reader *reader, const struct syscall_rule *rule)
{
	if (reader->list->rule_count == SYSCALL_RULES_MAX)
		return complain(reader, "more than %d rules", SYSCALL_RULES_MAX);
	reader->list->rules[reader->list->rule_count] = *rule;
	reader->list->rules[reader->list->rule_count++].group = reader->group;
	return 0;
}

static int read_rule(struct reader *reader, enum syscall_rule_kind kind)
{
	struct syscall_rule rule = { .kind = kind };
	bool skip;
	if (reader->word[0] == '\0')
		return complain(reader, "the name of a system call is missing");
	size_t at = reader->word_at;
	if (read_call(reader, &rule, &skip) < 0 || read_conditions(reader, &rule) < 0)
		return -1;
	reader->word_at = at;
	return skip ? 0 : add_rule(reader, &rule);
}

static int read_include(struct reader *reader)
{
	struct syscall_list *list = reader->list;
	char shown[SHOWN_MAX];
	if (!next_word(reader))
		return complain(reader, "include what?");
	for (size_t i = 0; i < list->include_count; i++)
		if (strcmp(list->includes[i].name, reader->word) == 0)
			return 0;
	if (list->include_count == SYSCALL_INCLUDES_MAX)
		return complain(reader, "more than %d includes", SYSCALL_INCLUDES_MAX);
	struct syscall_include *include = &list->includes[list->include_count];
	if (strlen(reader->word) >= sizeof(include->name))
		return complain(reader, "\"%s\" is too long", printable_copy(shown, sizeof(shown), reader->word));
	snprintf(include->name, sizeof(include->name), "%.127s", reader->word);
	include->from = reader->file;
	fill_origin(reader, reader->word_at, &include->origin);
	if (next_word(reader))
		return complain(reader, "\"%s\" where the line should end", printable_copy(shown, sizeof(shown), reader->word));
	list->include_count++;
	return 0;
}

/* Only UTF-8 without characters that hide or turn text: what a reviewer sees is what is read. */
static int check_characters(struct reader *reader)
{
	size_t count;
	for (size_t at = reader->begin; at < reader->end; at += count) {
		uint32_t character = 0;
		count = printable_decode(reader->text + at, reader->end - at, &character);
		reader->word_at = at;
		if (count == 0)
			return complain(reader, "byte 0x%02x is not UTF-8", (unsigned char)reader->text[at]);
		if (character != '\t' && !printable_is_plain(character))
			return complain(reader, "character U+%04X is not allowed", (unsigned)character);
	}
	return 0;
}

/* At a word's end, so that no character is cut. */
static void cut_title(char ret[static SYSCALL_TITLE_MAX], const char *title)
{
	size_t length = SYSCALL_TITLE_MAX - 1;
	while (length > 0 && title[length] != ' ')
		length--;
	memcpy(ret, title, length);
	ret[length] = '\0';
}

/* "# Files: look" behind an empty line; of a longer comment the first sentence, or what stands of it in its first line. */
static void take_title(struct reader *reader)
{
	struct syscall_list *list = reader->list;
	const char *title = reader->text + reader->word_at;
	size_t length = reader->end - reader->word_at, skip = 0;
	while (skip < length && (title[skip] == '#' || is_blank(title[skip])))
		skip++;
	title += skip;
	length -= skip;
	for (size_t i = 0; i < length; i++)
		if (title[i] == ';' || (title[i] == '.' && (i + 1 == length || is_blank(title[i + 1]))))
			length = i;
	if (length == 0 || list->group_count == SYSCALL_GROUPS_MAX)
		return;
	struct syscall_group *group = &list->groups[list->group_count++];
	*group = (struct syscall_group){ .text = (uint16_t)list->text_count };
	memcpy(group->title, title, length < SYSCALL_TITLE_MAX ? length : 0);
	if (length >= SYSCALL_TITLE_MAX)
		cut_title(group->title, title);
	reader->group = (uint16_t)list->group_count;
}

/* A line without a rule: empty, or a comment, which may be a title. */
static void pass_line(struct reader *reader)
{
	bool empty = reader->word_at == reader->end;
	if (empty)
		reader->group = 0;
	else if (reader->begins)
		take_title(reader);
	reader->begins = empty;
}

static int read_line(struct reader *reader)
{
	reader->at = reader->begin;
	if (check_characters(reader) < 0)
		return -1;
	if (!next_word(reader)) {
		pass_line(reader);
		return 0;
	}
	reader->begins = false;
	if (strcmp(reader->word, "include") == 0)
		return read_include(reader);
	bool denies = strcmp(reader->word, "deny") == 0, absent = strcmp(reader->word, "absent") == 0;
	if (denies || absent)
		next_word(reader);
	return read_rule(reader, denies ? SYSCALL_DENY : absent ? SYSCALL_ABSENT : SYSCALL_ALLOW);
}

int syscall_list_read(struct syscall_list *list, const char *file, const char *text, size_t length,
		      const struct syscall_names *names, struct policy_errors *errors)
{
	struct reader reader = { .list = list, .file = file, .text = text, .length = length, .names = names,
				 .errors = errors, .begins = true };
	int result = 0;
	if (length > SYSCALL_TEXT_MAX) {
		policy_errors_add_file(errors, file, false, "%zu bytes; a list has at most %d KiB", length,
				       SYSCALL_TEXT_MAX / 1024);
		return -1;
	}
	while (reader.begin < length) {
		const char *newline = memchr(text + reader.begin, '\n', length - reader.begin);
		size_t next = newline == NULL ? length : (size_t)(newline - text) + 1;
		reader.end = newline == NULL ? length : next - 1;
		reader.end -= reader.end > reader.begin && text[reader.end - 1] == '\r';
		reader.line++;
		if (read_line(&reader) < 0)
			result = -1;
		reader.begin = next;
	}
	list->text_count++;
	return result;
}

bool syscall_list_allows(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].kind == SYSCALL_ALLOW && list->rules[i].number == number)
			return true;
	return false;
}
