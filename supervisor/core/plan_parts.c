/* SPDX-License-Identifier: Apache-2.0 */
/* plan_parts: see plan_parts.h. Knows how a number is recorded, not what it means. */
#include "supervisor/core/plan_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/plan.h"

void plan_set(struct plan *plan, enum plan_number_id id, enum plan_unit unit, uint64_t value, const char *rule, ...)
{
	struct plan_number *number = &plan->numbers[id];
	va_list args;
	*number = (struct plan_number){ .unit = unit, .value = value };
	va_start(args, rule);
	vsnprintf(number->rule, sizeof(number->rule), rule, args);
	va_end(args);
}

void plan_input(struct plan *plan, enum plan_number_id id, const struct plan_input *input)
{
	struct plan_number *number = &plan->numbers[id];
	assert(number->input_count < PLAN_INPUTS_MAX);
	number->inputs[number->input_count++] = *input;
}

void plan_input_bytes(struct plan *plan, enum plan_number_id id, const char *name, uint64_t value, const char *from)
{
	struct plan_input input = { .unit = UNIT_BYTES, .value = value };
	snprintf(input.name, sizeof(input.name), "%s", name);
	snprintf(input.from, sizeof(input.from), "%s", from);
	plan_input(plan, id, &input);
}

void plan_set_key(struct planning *planning, enum plan_number_id id, enum plan_unit unit, uint64_t value,
		  enum policy_key key)
{
	struct plan_input input = { .unit = unit, .value = value };
	snprintf(input.name, sizeof(input.name), "%s", plan_key_name(key));
	plan_key_origin(planning->policy, key, input.from, sizeof(input.from));
	plan_set(planning->plan, id, unit, value, "%s", plan_key_name(key));
	plan_input(planning->plan, id, &input);
}

const char *plan_key_name(enum policy_key key)
{
#define X(id, section, name, type, standard, range, help) [KEY_##id] = section "." name,
	static const char *const names[] = { POLICY_KEYS(X) };
#undef X
	assert((size_t)key < ARRAY_LEN(names));
	return names[key];
}

void plan_key_origin(const struct policy *policy, enum policy_key key, char *text, size_t size)
{
	const struct origin *origin = &policy->origins[key];
	if (origin->file[0] == '\0')
		snprintf(text, size, "default");
	else if (origin->line > 0)
		snprintf(text, size, "%s:%d", origin->file, origin->line);
	else
		snprintf(text, size, "%s", origin->file);
}

static PRINTF_LIKE(3, 0) void remark(struct plan *plan, bool refusal, const char *format, va_list args)
{
	size_t at = plan->remark_count;
	if (at == PLAN_REMARKS_MAX) {
		if (!refusal)
			return;
		at--;
	}
	plan->remarks[at].refusal = refusal;
	vsnprintf(plan->remarks[at].text, sizeof(plan->remarks[at].text), format, args);
	plan->remark_count = at + 1;
}

void plan_warn(struct plan *plan, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark(plan, false, format, args);
	va_end(args);
}

void plan_refuse(struct plan *plan, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	remark(plan, true, format, args);
	va_end(args);
}

/* Exact where it is whole MiB, so that the parts of a sum add up before the reader's eyes. */
static void format_bytes(char buffer[static UNITS_TEXT_MAX], uint64_t bytes)
{
	if (bytes < SIZE_UNKNOWN && bytes % MIB == 0)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 " MiB", bytes / MIB);
	else
		units_format_size(buffer, bytes);
}

static void format_usec(char buffer[static UNITS_TEXT_MAX], uint64_t usec)
{
	if (usec < 1000000 && usec != 0)
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 " ms", usec / 1000);
	else
		units_format_time(buffer, usec > INT64_MAX ? USEC_NEVER : (int64_t)usec);
}

const char *plan_value_text(char buffer[static UNITS_TEXT_MAX], enum plan_unit unit, uint64_t value)
{
	if (value == SIZE_NONE && (unit == UNIT_COUNT || unit == UNIT_PERCENT))
		return strcpy(buffer, "inherit");
	if (value == SIZE_NONE || value == SIZE_UNKNOWN)
		return units_format_size(buffer, value);
	switch (unit) {
	case UNIT_BYTES:
		format_bytes(buffer, value);
		break;
	case UNIT_USEC:
		format_usec(buffer, value);
		break;
	case UNIT_COUNT:
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64, value);
		break;
	case UNIT_PERCENT:
		snprintf(buffer, UNITS_TEXT_MAX, "%" PRIu64 " %%", value);
		break;
	}
	return buffer;
}
