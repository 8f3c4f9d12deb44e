/* SPDX-License-Identifier: Apache-2.0 */
/* plan_early: what counts as near a limit before V8 or the kernel says so: see types/early.h. */
#include "supervisor/core/plan_parts.h"

#include <stdio.h>

#include "supervisor/core/early.h"
#include "supervisor/core/plan.h"

#define START_FACTOR 3 /* a start under load, beside a worker that collects hard, takes longer than those before */

static void add_percent(struct planning *planning, enum plan_number_id id, uint32_t percent, enum policy_key key)
{
	struct plan_input input = { .unit = UNIT_PERCENT, .value = percent };
	snprintf(input.name, sizeof(input.name), "%s", plan_key_name(key));
	plan_key_origin(planning->policy, key, input.from, sizeof(input.from));
	plan_input(planning->plan, id, &input);
}

/* Where a full memory.max is not the end, being near it is no reason to act. */
static const char *not_watched(const struct planning *planning)
{
	const struct host *host = planning->host;
	if (planning->policy->memory.replace_at_percent == PERCENT_NONE)
		return "memory.replace_at: none";
	if (planning->limit.value >= SIZE_UNKNOWN)
		return "no memory limit to come near to";
	if (!host->cgroup_writable)
		return "no group of its own in which to see its memory";
	if (planning->plan->numbers[PLAN_MEMORY_SWAP].value != 0 && host->swap_total_bytes > 0)
		return "not watched: the worker may go on in swap";
	return NULL;
}

static void resolve_memory(struct planning *planning)
{
	struct plan *plan = planning->plan;
	uint32_t percent = planning->policy->memory.replace_at_percent;
	const char *why_not = not_watched(planning);
	if (why_not != NULL) {
		plan_set(plan, PLAN_REPLACE_AT, UNIT_BYTES, SIZE_NONE, "%s", why_not);
		return;
	}
	plan_set(plan, PLAN_REPLACE_AT, UNIT_BYTES, planning->limit.value / 100 * percent / MIB * MIB,
		 "memory.replace_at of %s", planning->limit.name);
	add_percent(planning, PLAN_REPLACE_AT, percent, KEY_MEMORY_REPLACE_AT);
	plan_input(plan, PLAN_REPLACE_AT, &planning->limit);
}

static void set_lead(struct plan *plan, const struct policy *policy, int64_t start_usec)
{
	int64_t lead_usec = policy->heap.lead_usec, starts_usec = START_FACTOR * start_usec;
	struct plan_input lead = { .name = "heap.lead", .unit = UNIT_USEC, .value = (uint64_t)lead_usec };
	struct plan_input start = { .name = "start-up time",
				    .unit = UNIT_USEC,
				    .value = start_usec > 0 ? (uint64_t)start_usec : SIZE_UNKNOWN };
	if (!plan->manages_heap || lead_usec == 0) {
		plan_set(plan, PLAN_LEAD, UNIT_USEC, SIZE_NONE, "no forecast: %s",
			 plan->manages_heap ? "heap.lead: 0ms" : "no managed heap");
		return;
	}
	plan_key_origin(policy, KEY_HEAP_LEAD, lead.from, sizeof(lead.from));
	snprintf(start.from, sizeof(start.from), "%s",
		 start_usec > 0 ? "the longest of its last starts" : "none measured yet");
	plan_set(plan, PLAN_LEAD, UNIT_USEC, (uint64_t)(starts_usec > lead_usec ? starts_usec : lead_usec),
		 "max(heap.lead, %d x start-up time)", START_FACTOR);
	plan_input(plan, PLAN_LEAD, &lead);
	plan_input(plan, PLAN_LEAD, &start);
}

static void resolve_live_max(struct planning *planning)
{
	struct plan *plan = planning->plan;
	uint32_t percent = planning->policy->heap.live_max_percent;
	uint64_t old = plan->numbers[PLAN_OLD_SPACE].value;
	if (!plan->manages_heap || percent == PERCENT_NONE) {
		plan_set(plan, PLAN_LIVE_MAX, UNIT_BYTES, SIZE_NONE, "%s",
			 plan->manages_heap ? "heap.live_max: none" : "no managed heap");
		return;
	}
	plan_set(plan, PLAN_LIVE_MAX, UNIT_BYTES, old >= SIZE_UNKNOWN ? SIZE_UNKNOWN : old / 100 * percent / MIB * MIB,
		 "heap.live_max of old space");
	add_percent(planning, PLAN_LIVE_MAX, percent, KEY_HEAP_LIVE_MAX);
	if (old < SIZE_UNKNOWN)
		plan_input_bytes(plan, PLAN_LIVE_MAX, "old space", old, "");
}

static void resolve_gc_time(struct planning *planning)
{
	struct plan *plan = planning->plan;
	uint32_t percent = planning->policy->heap.gc_time_percent;
	if (!plan->manages_heap || percent == PERCENT_NONE) {
		plan_set(plan, PLAN_GC_TIME, UNIT_USEC, SIZE_NONE, "%s",
			 plan->manages_heap ? "heap.gc_time: none" : "no managed heap");
		return;
	}
	plan_set(plan, PLAN_GC_TIME, UNIT_USEC, (uint64_t)EARLY_GC_WINDOW_USEC * percent / 100, "heap.gc_time of %d s",
		 (int)(EARLY_GC_WINDOW_USEC / USEC_PER_SEC));
	add_percent(planning, PLAN_GC_TIME, percent, KEY_HEAP_GC_TIME);
}

void plan_early_resolve(struct planning *planning)
{
	set_lead(planning->plan, planning->policy, planning->host->start_usec);
	resolve_live_max(planning);
	resolve_gc_time(planning);
	resolve_memory(planning);
}

void plan_learn_start(struct plan *plan, const struct policy *policy, int64_t start_usec)
{
	set_lead(plan, policy, start_usec);
}

int64_t plan_lead_usec(const struct plan *plan)
{
	uint64_t lead_usec = plan->numbers[PLAN_LEAD].value;
	return lead_usec >= SIZE_UNKNOWN ? 0 : (int64_t)lead_usec;
}

void plan_early_limits(const struct plan *plan, const struct policy *policy, struct early_limits *ret)
{
	*ret = (struct early_limits){
		.lead_usec = plan_lead_usec(plan),
		.live_max_percent = policy->heap.live_max_percent,
		.gc_time_percent = policy->heap.gc_time_percent,
		.semi_space_bytes = plan->numbers[PLAN_SEMI_SPACE].value,
		.replace_at_bytes = plan->numbers[PLAN_REPLACE_AT].value,
		.memory_limit_bytes = plan->numbers[PLAN_MEMORY_LIMIT].value,
	};
}
