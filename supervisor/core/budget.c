/* SPDX-License-Identifier: Apache-2.0 */
/* budget: see budget.h. */
#include "supervisor/core/budget.h"

#include <string.h>

void budget_clear(struct budget *budget)
{
	budget->first = budget->count = 0;
}

void budget_add(struct budget *budget, int64_t now_usec, enum verdict_kind kind)
{
	if (budget->count == BUDGET_DEATHS_MAX) {
		budget->first = (budget->first + 1) % BUDGET_DEATHS_MAX;
		budget->count--;
	}
	uint32_t at = (budget->first + budget->count) % BUDGET_DEATHS_MAX;
	budget->deaths_usec[at] = now_usec;
	budget->kinds[at] = (unsigned char)kind;
	budget->forgiven[at] = false;
	budget->count++;
}

void budget_forgive(struct budget *budget)
{
	memset(budget->forgiven, true, sizeof(budget->forgiven));
}

static bool is_within(int64_t at_usec, int64_t now_usec, int64_t within_usec)
{
	return at_usec > now_usec || now_usec - at_usec <= within_usec;
}

uint32_t budget_used(const struct budget *budget, int64_t now_usec, int64_t within_usec)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < budget->count; i++) {
		uint32_t at = (budget->first + i) % BUDGET_DEATHS_MAX;
		if (!budget->forgiven[at] && is_within(budget->deaths_usec[at], now_usec, within_usec))
			used++;
	}
	return used;
}

uint32_t budget_used_by(const struct budget *budget, int64_t now_usec, int64_t within_usec, enum verdict_kind kind)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < budget->count; i++) {
		uint32_t at = (budget->first + i) % BUDGET_DEATHS_MAX;
		if (budget->kinds[at] == kind && is_within(budget->deaths_usec[at], now_usec, within_usec))
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

int64_t backoff_jitter(int64_t delay_usec, uint64_t *random)
{
	uint64_t x = *random;
	if (x == 0)
		return delay_usec;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*random = x;
	return delay_usec - (int64_t)((uint64_t)(delay_usec / 5) / 1024 * (x >> 54));
}
