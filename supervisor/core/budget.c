/* SPDX-License-Identifier: Apache-2.0 */
/* budget: see budget.h. */
#include "supervisor/core/budget.h"

void budget_clear(struct budget *budget)
{
	budget->first = budget->count = 0;
}

void budget_add(struct budget *budget, int64_t now_usec)
{
	if (budget->count == BUDGET_DEATHS_MAX) {
		budget->first = (budget->first + 1) % BUDGET_DEATHS_MAX;
		budget->count--;
	}
	budget->deaths_usec[(budget->first + budget->count) % BUDGET_DEATHS_MAX] = now_usec;
	budget->count++;
}

uint32_t budget_used(const struct budget *budget, int64_t now_usec, int64_t within_usec)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < budget->count; i++) {
		int64_t at_usec = budget->deaths_usec[(budget->first + i) % BUDGET_DEATHS_MAX];
		if (at_usec > now_usec || now_usec - at_usec <= within_usec)
			used++;
	}
	return used;
}

int64_t backoff_delay(const struct rules *rules, uint32_t step)
{
	int64_t delay = rules->backoff_from_usec;
	for (uint32_t i = 0; i < step && delay < rules->backoff_up_to_usec; i++) {
		if (rules->backoff_factor <= 1 || delay == 0)
			break;
		if (delay > rules->backoff_up_to_usec / rules->backoff_factor)
			return rules->backoff_up_to_usec;
		delay *= rules->backoff_factor;
	}
	return delay < rules->backoff_up_to_usec ? delay : rules->backoff_up_to_usec;
}
