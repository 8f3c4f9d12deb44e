/* SPDX-License-Identifier: Apache-2.0 */
/* units: see units.h. */
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Reads the digits at *text and moves it behind them; -1 where there are none or more than fit 2^60. */
static int parse_digits(const char **text, int64_t *ret)
{
	const int64_t limit = (int64_t)1 << 60;
	const char *at = *text;
	int64_t value = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (value > limit / 10)
			return -1;
		value = value * 10 + (*at - '0');
	}
	if (at == *text)
		return -1;
	*text = at;
	*ret = value;
	return 0;
}

static int parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t limit, int64_t *ret)
{
	int64_t value;
	if (parse_digits(&text, &value) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		if (value > limit / units[i].factor)
			return -1;
		*ret = value * units[i].factor;
		return 0;
	}
	return -1;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "K", (int64_t)KIB }, { "KiB", (int64_t)KIB }, { "M", (int64_t)MIB },
		{ "MiB", (int64_t)MIB }, { "G", (int64_t)GIB }, { "GiB", (int64_t)GIB },
	};
	int64_t bytes;
	if (parse_with_unit(text, units, ARRAY_LEN(units), (int64_t)1 << 60, &bytes) < 0)
		return -1;
	*ret_bytes = (uint64_t)bytes;
	return 0;
}

int units_parse_time(const char *text, int64_t *ret_usec)
{
	static const struct unit units[] = {
		{ "ms", USEC_PER_MSEC }, { "s", USEC_PER_SEC }, { "min", 60 * USEC_PER_SEC },
		{ "h", 3600 * USEC_PER_SEC }, { "d", 24 * 3600 * USEC_PER_SEC },
	};
	return parse_with_unit(text, units, ARRAY_LEN(units), 3650 * 24 * 3600 * USEC_PER_SEC, ret_usec);
}

const char *units_format_size(char buffer[static UNITS_TEXT_MAX], uint64_t bytes)
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = { { "GiB", GIB }, { "MiB", MIB }, { "KiB", KIB }, { "B", 1 } };
	size_t i = 0;
	if (bytes == SIZE_NONE || bytes == SIZE_UNKNOWN) {
		snprintf(buffer, UNITS_TEXT_MAX, "%s", bytes == SIZE_NONE ? "none" : "unknown");
		return buffer;
	}
	while (i < ARRAY_LEN(units) - 1 && bytes < units[i].factor)
		i++;
	uint64_t tenths = (bytes % units[i].factor) * 10 / units[i].factor;
	if (tenths == 0)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 " %s", bytes / units[i].factor, units[i].name);
	else
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", bytes / units[i].factor, tenths,
			 units[i].name);
	return buffer;
}

static void format_two(char *buffer, int64_t seconds, int64_t big, const char *big_name, int64_t small,
		       const char *small_name)
{
	int64_t rest = seconds % big / small;
	if (rest == 0)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64 " %s", seconds / big, big_name);
	else
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64 " %s %" PRId64 " %s", seconds / big, big_name, rest,
			 small_name);
}

const char *units_format_time(char buffer[static UNITS_TEXT_MAX], int64_t usec)
{
	int64_t seconds = usec / USEC_PER_SEC;
	if (usec == USEC_NEVER)
		snprintf(buffer, UNITS_TEXT_MAX, "never");
	else if (usec > 0 && usec < USEC_PER_SEC)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64 " ms", usec / USEC_PER_MSEC);
	else if (seconds < 10 && usec % USEC_PER_SEC / 100000 != 0)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", seconds,
			 usec % USEC_PER_SEC / 100000);
	else if (seconds < 60)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRId64 " s", seconds);
	else if (seconds < 3600)
		format_two(buffer, seconds, 60, "min", 1, "s");
	else if (seconds < 86400)
		format_two(buffer, seconds, 3600, "h", 60, "min");
	else
		format_two(buffer, seconds, 86400, "d", 3600, "h");
	return buffer;
}
