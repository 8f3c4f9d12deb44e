/* SPDX-License-Identifier: Apache-2.0 */
/* plan_instances: what several workers side by side need, and whether it is there, with room for the one spare that they
 * share. What each of them may have is plan_memory.c's: a share of what the groups above allow. */
#include "supervisor/core/plan_parts.h"

#include <inttypes.h>

#include "supervisor/core/plan.h"

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)

static void resolve_need(struct planning *planning)
{
	struct plan *plan = planning->plan;
	const struct plan_number *each = &plan->numbers[PLAN_MEMORY_NEED], *spare = &plan->numbers[PLAN_SPARE_NEED];
	uint32_t instances = planning->policy->service.instances;
	bool keeps = plan_keeps_spare(planning->policy);
	uint64_t one = keeps ? spare->value : each->value;
	if (one >= SIZE_UNKNOWN) {
		plan_set(plan, PLAN_INSTANCES_NEED, UNIT_BYTES, SIZE_UNKNOWN, "%s", each->rule);
		return;
	}
	plan_set(plan, PLAN_INSTANCES_NEED, UNIT_BYTES, (instances + keeps) * one, keeps ? "(instances + a spare) x each" :
			 "instances x each");
	plan_input(plan, PLAN_INSTANCES_NEED, &(struct plan_input){ .name = "instances", .unit = UNIT_COUNT,
								    .value = instances });
	plan_input_bytes(plan, PLAN_INSTANCES_NEED, "each", one, keeps ? spare->rule : each->rule);
}

/* All may use what their own limits allow. */
static void remark_spare(struct planning *planning)
{
	const struct plan_number *numbers = planning->plan->numbers;
	uint64_t max = numbers[PLAN_MEMORY_MAX].value, above = numbers[PLAN_ANCESTOR_LIMIT].value;
	uint64_t total = planning->host->mem_total_bytes, have = above < total ? above : total;
	uint32_t instances = planning->policy->service.instances;
	if (!plan_replaces(planning->policy) || plan_keeps_spare(planning->policy) || max >= SIZE_UNKNOWN ||
	    have >= SIZE_UNKNOWN || instances * max > have || (instances + 1) * max <= have)
		return;
	plan_warn(planning->plan, "%" PRIu32 " instances of memory.max %s leave no room for a spare in %s (%s): once they use it, a "
		  "replacement drains first, then starts", instances, BYTES(max), BYTES(have),
		  above < total ? "ancestor limit" : "MemTotal");
}

void plan_instances_resolve(struct planning *planning)
{
	uint32_t instances = planning->policy->service.instances;
	plan_set_key(planning, PLAN_INSTANCES, UNIT_COUNT, instances, KEY_SERVICE_INSTANCES);
	resolve_need(planning);
	if (instances > 1)
		remark_spare(planning);
}
