/* SPDX-License-Identifier: Apache-2.0 */
/* plan_line: the one line that `run` prints at the start. Every part is a number of the plan. */
#include <inttypes.h>
#include <stdio.h>

#include "supervisor/core/plan.h"

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)
#define PART_MAX 120

static const char *limit_part(const struct plan *plan, const struct policy *policy, char text[static PART_MAX])
{
	char share[48] = "half of the container";
	uint32_t workers = plan_workers(policy);
	const struct plan_number *limit = &plan->numbers[PLAN_MEMORY_LIMIT];
	const char *name = "memory.high";
	if (workers > 2)
		snprintf(share, sizeof(share), "1/%" PRIu32 " of the container", workers);
	if (limit->value == SIZE_NONE)
		return "no memory limit";
	if (limit->value == plan->numbers[PLAN_MEMORY_MAX].value)
		name = plan->enforced ? "memory.max" : "memory.max (not enforced)";
	else if (limit->value == plan->numbers[PLAN_ANCESTOR_LIMIT].value)
		name = "container";
	else if (limit->value == plan->numbers[PLAN_ANCESTOR_LIMIT].value / workers)
		name = share;
	else if (limit->value != plan->numbers[PLAN_MEMORY_HIGH].value)
		name = "machine";
	snprintf(text, PART_MAX, "%s %s", name, BYTES(limit->value));
	return text;
}

static const char *heap_part(const struct plan *plan, char text[static PART_MAX])
{
	uint64_t old = plan->numbers[PLAN_OLD_SPACE].value, alone = plan->numbers[PLAN_NODE_ALONE].value;
	char node[32] = "unknown";
	text[0] = '\0';
	if (!plan->manages_heap)
		return text;
	if (alone < SIZE_UNKNOWN)
		snprintf(node, sizeof(node), "%" PRIu64, alone / MIB);
	if (old < SIZE_UNKNOWN)
		snprintf(text, PART_MAX, ", old space %s (%s%s)", BYTES(old),
			 plan->adopted_old_space ? "as your own flag says; Node alone: " : "Node alone: ", node);
	else if (alone < SIZE_UNKNOWN)
		snprintf(text, PART_MAX, ", old space %s (Node's own choice)", BYTES(alone));
	else
		snprintf(text, PART_MAX, ", old space as Node chooses");
	return text;
}

/* "10min", as policies write it. */
static void write_time(char *text, size_t size, int64_t usec)
{
	static const struct {
		const char *name;
		int64_t usec;
	} units[] = { { "d", 86400 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC }, { "min", 60 * USEC_PER_SEC },
		      { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC } };
	size_t at = 0;
	while (at < ARRAY_LEN(units) - 1 && usec % units[at].usec != 0)
		at++;
	snprintf(text, size, "%" PRId64 "%s", usec / units[at].usec, units[at].name);
}

/* ", holds tcp:3000 and 2 more" */
static const char *listen_part(const struct policy *policy, char text[static PART_MAX])
{
	const struct listen_addresses *listen = &policy->service.listen;
	text[0] = '\0';
	if (listen->count == 1)
		snprintf(text, PART_MAX, ", holds %.100s", listen->list[0].text);
	else if (listen->count > 1)
		snprintf(text, PART_MAX, ", holds %.80s and %zu more", listen->list[0].text, listen->count - 1);
	return text;
}

static const char *restart_part(const struct policy *policy, char text[static PART_MAX])
{
	char within[32];
	if (policy->restart.when == RESTART_WHEN_NEVER)
		return "no restarts";
	write_time(within, sizeof(within), policy->restart.budget_within_usec);
	snprintf(text, PART_MAX, "restarts %" PRIu32 " in %s", policy->restart.budget_deaths, within);
	return text;
}

void plan_start_line(const struct plan *plan, const struct policy *policy, const char *name, char *text, size_t size)
{
	char limit[PART_MAX], heap[PART_MAX], listen[PART_MAX], restart[PART_MAX], instances[32] = "";
	if (policy->service.instances > 1)
		snprintf(instances, sizeof(instances), "%" PRIu32 " instances, each ", policy->service.instances);
	snprintf(text, size, "%s%s%s%s, %s; see heapward explain -n %s", instances, limit_part(plan, policy, limit), heap_part(plan, heap),
		 listen_part(policy, listen), restart_part(policy, restart), name);
}
