/* SPDX-License-Identifier: Apache-2.0 */
/* budget_text: see budget_text.h. "backoff_step 3", then a line a death: "1732430000000000 heap-limit forgiven". */
#include "supervisor/core/budget_text.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 64

char *budget_text(const struct slot *slot, int64_t now_usec, int64_t now_realtime_usec)
{
	const struct budget *budget = &slot->budget;
	size_t size = LINE_MAX_BYTES * ((size_t)budget->count + 1);
	char *text = malloc(size);
	if (text == NULL)
		return NULL;
	int length = snprintf(text, size, "backoff_step %" PRIu32 "\n", slot->backoff_step);
	for (uint32_t i = 0; i < budget->count; i++) {
		uint32_t at = (budget->first + i) % BUDGET_DEATHS_MAX;
		length += snprintf(text + length, size - (size_t)length, "%" PRId64 " %s %s\n",
				   now_realtime_usec - (now_usec - budget->deaths_usec[at]),
				   verdict_name((enum verdict_kind)budget->kinds[at]),
				   budget->forgiven[at] ? "forgiven" : "counts");
	}
	return text;
}

static bool parse_kind(const char *name, enum verdict_kind *ret)
{
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		*ret = kind;
		if (strcmp(verdict_name(kind), name) == 0)
			return true;
	}
	return false;
}

/* One line; false where it is none of ours. */
static bool take_death(const char *line, int64_t now_usec, int64_t now_realtime_usec, struct budget *budget)
{
	int64_t at_usec;
	char name[24], counts[16];
	enum verdict_kind kind;
	if (sscanf(line, "%" SCNd64 " %23s %15s", &at_usec, name, counts) != 3 || !parse_kind(name, &kind) || at_usec < 0)
		return false;
	int64_t ago_usec = at_usec < now_realtime_usec ? now_realtime_usec - at_usec : 0;
	budget_add(budget, now_usec - ago_usec, kind);
	budget->forgiven[(budget->first + budget->count - 1) % BUDGET_DEATHS_MAX] = strcmp(counts, "forgiven") == 0;
	return true;
}

uint32_t budget_parse(const char *text, int64_t now_usec, int64_t now_realtime_usec, struct slot *slot)
{
	uint32_t step;
	if (sscanf(text, "backoff_step %" SCNu32, &step) != 1)
		return 0;
	slot->backoff_step = step < 64 ? step : 64; /* it is at backoff.up_to long before */
	for (const char *line = strchr(text, '\n'); line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n'))
		if (!take_death(line + 1, now_usec, now_realtime_usec, &slot->budget))
			break;
	return slot->budget.count;
}
