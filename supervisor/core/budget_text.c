/* SPDX-License-Identifier: Apache-2.0 */
/* budget_text: see budget_text.h. "backoff_step 3", "boot ID CALENDAR-MINUS-CLOCK" where the boot is known, then a line a
 * death: "1732430000000000 heap-limit forgiven". */
#include "supervisor/core/budget_text.h"

#include "supervisor/core/budget.h"
#include "supervisor/core/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 80

char *budget_text(const struct budget *budget, uint32_t backoff_step, const struct budget_clock *now)
{
	size_t size = LINE_MAX_BYTES * ((size_t)budget->count + 2);
	char *text = malloc(size);
	if (text == NULL)
		return NULL;
	int length = snprintf(text, size, "backoff_step %" PRIu32 "\n", backoff_step);
	if (now->boot[0] != '\0')
		length += snprintf(text + length, size - (size_t)length, "boot %s %" PRId64 "\n", now->boot,
				   now->realtime_usec - now->usec);
	for (uint32_t i = 0; i < budget->count; i++) {
		uint32_t at = (budget->first + i) % BUDGET_DEATHS_MAX;
		length += snprintf(text + length, size - (size_t)length, "%" PRId64 " %s %s\n",
				   now->realtime_usec - (now->usec - budget->deaths_usec[at]),
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

/* One line; false where it is none of ours. `ahead_usec`: the calendar minus the clock, when it was written. */
static bool take_death(const char *line, int64_t now_usec, int64_t ahead_usec, struct budget *budget)
{
	int64_t at_usec;
	char name[24], counts[16];
	enum verdict_kind kind;
	if (sscanf(line, "%" SCNd64 " %23s %15s", &at_usec, name, counts) != 3 || !parse_kind(name, &kind) || at_usec < 0)
		return false;
	int64_t died_usec = at_usec - ahead_usec;
	budget_add(budget, died_usec < now_usec ? died_usec : now_usec, kind);
	budget->forgiven[(budget->first + budget->count - 1) % BUDGET_DEATHS_MAX] = strcmp(counts, "forgiven") == 0;
	return true;
}

/* Another boot's clock says nothing here: there the calendar of now has to do. */
static int64_t calendar_ahead(const char *boot, int64_t ahead_then_usec, const struct budget_clock *now)
{
	bool same = now->boot[0] != '\0' && strcmp(boot, now->boot) == 0;
	return same ? ahead_then_usec : now->realtime_usec - now->usec;
}

uint32_t budget_parse(const char *text, const struct budget_clock *now, struct budget *budget, uint32_t *ret_backoff_step)
{
	uint32_t step;
	int64_t ahead_usec = 0;
	char boot[BOOT_ID_MAX] = "";
	const char *line = strchr(text, '\n');
	if (sscanf(text, "backoff_step %" SCNu32, &step) != 1)
		return 0;
	*ret_backoff_step = step < 64 ? step : 64; /* it is at backoff.up_to long before */
	if (line != NULL && sscanf(line + 1, "boot %39[^ \n]%*1[ ]%" SCNd64, boot, &ahead_usec) == 2)
		line = strchr(line + 1, '\n');
	ahead_usec = calendar_ahead(boot, ahead_usec, now);
	for (; line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n'))
		if (!take_death(line + 1, now->usec, ahead_usec, budget))
			break;
	return budget->count;
}
