/* SPDX-License-Identifier: Apache-2.0 */
/* policy_number: sizes, times, counts and percentages of a policy. A number without its unit is an error that shows
 * how to write it; nothing is guessed, hexadecimal and octal least of all. */
#include "base/units.h"
#include "supervisor/core/policy_value.h"
#include "supervisor/core/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How one kind of number is read, and how a wrong one is explained. */
struct number {
	int (*parse)(const char *text, uint64_t *ret);
	int (*explain)(const struct policy_value *value, const char *text, const char *shown);
};

/* Whole decimal numbers without leading zeros: YAML 1.1 reads 010 as 8, and people do not. */
static int parse_count(const char *text, uint64_t *ret)
{
	uint64_t count = 0;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
		return -1;
	for (; *text != '\0'; text++)
		count = count * 10 + (uint64_t)(*text - '0');
	*ret = count;
	return 0;
}

static int parse_percent(const char *text, uint64_t *ret)
{
	char digits[16];
	size_t length = strlen(text);
	if (length < 2 || length >= sizeof(digits) || text[length - 1] != '%')
		return -1;
	snprintf(digits, sizeof(digits), "%.*s", (int)length - 1, text);
	return parse_count(digits, ret);
}

static int parse_time(const char *text, uint64_t *ret)
{
	int64_t usec;
	if (units_parse_time(text, &usec) < 0)
		return -1;
	*ret = (uint64_t)usec;
	return 0;
}

/* A unit that people write, and ours. */
struct alias {
	const char *written, *ours;
};

static const char *find_alias(const struct alias *aliases, size_t count, const char *written)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(aliases[i].written, written) == 0)
			return aliases[i].ours;
	return NULL;
}

/* "1 GB" -> digits 1, the unit behind them; false where it does not begin with a number. */
static bool split_unit(const char *text, int *ret_digits, const char **ret_unit)
{
	size_t digits = strspn(text, "0123456789");
	*ret_digits = (int)digits;
	*ret_unit = text + digits + strspn(text + digits, " ");
	return digits > 0 && digits < 16;
}

static int explain_size(const struct policy_value *value, const char *text, const char *shown)
{
	static const struct alias aliases[] = {
		{ "K", "K" },  { "KB", "K" }, { "KI", "K" }, { "KiB", "K" }, { "M", "M" },   { "MB", "M" },
		{ "MI", "M" }, { "MiB", "M" }, { "G", "G" }, { "GB", "G" },  { "GI", "G" }, { "GiB", "G" },
	};
	const char *unit, *ours;
	int digits;
	uint64_t number = 0;
	bool counted = split_unit(text, &digits, &unit);
	if (counted && *unit == '\0') {
		if (parse_count(text, &number) == 0 && number >= MIB && number % MIB == 0)
			return policy_value_error(value, value->node,
						  "\"%s\" has no unit; write %" PRIu64 "M if these are bytes", shown,
						  number / MIB);
		if (number == 0 && digits == 1)
			return policy_value_error(value, value->node, "\"0\" has no unit; write 0M");
		return policy_value_error(value, value->node, "\"%s\" has no unit; write %sM (MiB) or %sG", shown, shown,
					  shown);
	}
	ours = counted ? find_alias(aliases, ARRAY_LEN(aliases), unit) : NULL;
	if (ours != NULL)
		return policy_value_error(value, value->node, "\"%s\" is no size; did you mean \"%.*s%s\"?", shown, digits,
					  text, ours);
	return policy_value_error(value, value->node, "\"%s\" is no size; write a whole number with K, M or G, as 512M",
				  shown);
}

static int explain_time(const struct policy_value *value, const char *text, const char *shown)
{
	static const struct alias aliases[] = {
		{ "ms", "ms" },	     { "msec", "ms" },	 { "msecs", "ms" },  { "s", "s" },	 { "sec", "s" },
		{ "secs", "s" },     { "second", "s" },	 { "seconds", "s" }, { "m", "min" },	 { "min", "min" },
		{ "mins", "min" },   { "minute", "min" }, { "minutes", "min" }, { "h", "h" },	 { "hr", "h" },
		{ "hrs", "h" },	     { "hour", "h" },	 { "hours", "h" },   { "d", "d" },	 { "day", "d" },
		{ "days", "d" },
	};
	const char *unit, *ours;
	int digits;
	bool counted = split_unit(text, &digits, &unit);
	if (counted && *unit == '\0')
		return policy_value_error(value, value->node, "\"%s\" has no unit; write %ss, %smin or %sms", shown, shown,
					  shown, shown);
	ours = counted ? find_alias(aliases, ARRAY_LEN(aliases), unit) : NULL;
	if (ours != NULL)
		return policy_value_error(value, value->node, "\"%s\" is no time; did you mean \"%.*s%s\"?", shown, digits,
					  text, ours);
	return policy_value_error(value, value->node,
				  "\"%s\" is no time; write a whole number with ms, s, min, h or d, as 30s", shown);
}

static int explain_count(const struct policy_value *value, const char *text, const char *shown)
{
	(void)text;
	return policy_value_error(value, value->node, "\"%s\" is no whole number", shown);
}

static int explain_percent(const struct policy_value *value, const char *text, const char *shown)
{
	uint64_t number;
	if (parse_count(text, &number) == 0)
		return policy_value_error(value, value->node,
					  "\"%s\" has no unit; write %" PRIu64 "%%%s", shown, number,
					  value->row.type == POLICY_TYPE_CPU ? " (100% is one processor)" : "");
	return policy_value_error(value, value->node, "\"%s\" is no percentage; write one such as %s", shown,
				  value->row.type == POLICY_TYPE_CPU ? "150%" : value->row.standard);
}

/* Reads a number and holds it against the range of its key. */
static int read_number(const struct policy_value *value, const struct number *kind, const char *text, uint64_t *ret)
{
	char shown[POLICY_SHOWN_MAX], low_text[16], high_text[16];
	uint64_t number, low, high;
	printable_copy(shown, sizeof(shown), text);
	if (kind->parse(text, &number) < 0)
		return kind->explain(value, text, shown);
	bool ranged = policy_key_range(value->key, low_text, high_text);
	assert(ranged && kind->parse(low_text, &low) == 0 && kind->parse(high_text, &high) == 0);
	if (number < low || number > high)
		return policy_value_error(value, value->node, "%s is out of range: %s to %s", shown, low_text, high_text);
	*ret = number;
	return 0;
}

static const struct number sizes = { units_parse_size, explain_size };
static const struct number times = { parse_time, explain_time };
static const struct number counts = { parse_count, explain_count };
static const struct number percentages = { parse_percent, explain_percent };

/* Reads a number into a 32-bit member; `inherit` is a word that stands for POLICY_INHERIT, NULL: there is none. */
static int read_uint32(const struct policy_value *value, const struct number *kind, const char *inherit)
{
	const char *text = policy_value_scalar(value, value->node);
	uint64_t number = POLICY_INHERIT;
	if (text == NULL)
		return -1;
	if ((inherit == NULL || strcmp(text, inherit) != 0) && read_number(value, kind, text, &number) < 0)
		return -1;
	*(uint32_t *)value->member = (uint32_t)number;
	return 0;
}

int policy_value_read_size(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	return text == NULL ? -1 : read_number(value, &sizes, text, value->member);
}

static int read_size_or(const struct policy_value *value, const char *word)
{
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL || strcmp(text, word) != 0)
		return text == NULL ? -1 : read_number(value, &sizes, text, value->member);
	*(uint64_t *)value->member = SIZE_NONE;
	return 0;
}

int policy_value_read_size_or_none(const struct policy_value *value)
{
	return read_size_or(value, "none");
}

int policy_value_read_size_or_inherit(const struct policy_value *value)
{
	return read_size_or(value, "inherit");
}

int policy_value_read_time(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	uint64_t usec;
	if (text == NULL || read_number(value, &times, text, &usec) < 0)
		return -1;
	*(int64_t *)value->member = (int64_t)usec;
	return 0;
}

int policy_value_read_time_or_never(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	if (text == NULL || strcmp(text, "never") != 0)
		return text == NULL ? -1 : policy_value_read_time(value);
	*(int64_t *)value->member = USEC_NEVER;
	return 0;
}

int policy_value_read_count(const struct policy_value *value)
{
	return read_uint32(value, &counts, NULL);
}

int policy_value_read_count_or_inherit(const struct policy_value *value)
{
	return read_uint32(value, &counts, "inherit");
}

int policy_value_read_cpu(const struct policy_value *value)
{
	return read_uint32(value, &percentages, "inherit");
}

_Static_assert(PERCENT_NONE == POLICY_INHERIT, "one word, one number");

int policy_value_read_percent_or_none(const struct policy_value *value)
{
	return read_uint32(value, &percentages, "none");
}

/* "75% of memory.max": a percentage says of what. */
static int read_share(const struct policy_value *value, const char *text, uint32_t *ret_percent)
{
	static const char of[] = "% of memory.max";
	char shown[POLICY_SHOWN_MAX], digits[8];
	size_t length = strspn(text, "0123456789");
	uint64_t percent;
	printable_copy(shown, sizeof(shown), text);
	snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
	bool counted = parse_count(digits, &percent) == 0;
	if (counted && text[length] == '%' && (percent < 1 || percent > 100))
		return policy_value_error(value, value->node, "%s is out of range: 1%% to 100%% of memory.max", shown);
	if (strcmp(text + length, "%") == 0)
		return policy_value_error(value, value->node, "\"%s\" does not say of what; write \"%s of memory.max\"",
					  shown, shown);
	if (strcmp(text + length, of) != 0 || !counted)
		return policy_value_error(value, value->node, "\"%s\" is no share; write one such as 75%% of memory.max",
					  shown);
	*ret_percent = (uint32_t)percent;
	return 0;
}

int policy_value_read_old_space(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	struct old_space old_space = { .kind = OLD_SPACE_AUTO };
	if (text == NULL)
		return -1;
	if (strchr(text, '%') != NULL) {
		old_space.kind = OLD_SPACE_PERCENT;
		if (read_share(value, text, &old_space.percent) < 0)
			return -1;
	} else if (strcmp(text, "auto") != 0) {
		old_space.kind = OLD_SPACE_BYTES;
		if (read_number(value, &sizes, text, &old_space.bytes) < 0)
			return -1;
	}
	*(struct old_space *)value->member = old_space;
	return 0;
}

/* "50%": of the old space there is, which the key's help says. */
int policy_value_read_step(const struct policy_value *value)
{
	const char *text = policy_value_scalar(value, value->node);
	struct step_size step = { 0 };
	uint64_t percent;
	char shown[POLICY_SHOWN_MAX];
	if (text == NULL)
		return -1;
	if (strchr(text, '%') == NULL) {
		if (read_number(value, &sizes, text, &step.bytes) < 0)
			return -1;
	} else if (parse_percent(text, &percent) < 0) {
		return policy_value_error(value, value->node, "\"%s\" is no step; write one such as 64M or 50%% (of old space)",
					  printable_copy(shown, sizeof(shown), text));
	} else if (percent < 1 || percent > 1000) {
		return policy_value_error(value, value->node, "\"%s\" is out of range: 1%% to 1000%% of old space",
					  printable_copy(shown, sizeof(shown), text));
	} else {
		step.percent = (uint32_t)percent;
	}
	*(struct step_size *)value->member = step;
	return 0;
}
