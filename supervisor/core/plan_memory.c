/* SPDX-License-Identifier: Apache-2.0 */
/* plan_memory: the caps: what the policy asks for, what the groups above allow, what can be enforced here, and whether
 * the free memory of the moment is enough. Knows nothing of heaps but the numbers that plan_heap.c has set. */
#include "supervisor/core/plan_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/plan.h"
#include "supervisor/core/raise.h"

#define TEXT(unit, value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, unit, value)
#define BYTES(value) TEXT(UNIT_BYTES, value)

/* "PATH FILE"; a long path loses its head, for its tail is what tells groups apart. */
static void name_level(const struct planning *planning, const struct host_level *level, bool high, char *text, size_t size)
{
	const char *path = level->path, *file = high ? "memory.high" : "memory.max";
	if (planning->host->cgroup_version != CGROUP_V2)
		file = high ? "memory.soft_limit_in_bytes" : "memory.limit_in_bytes";
	size_t room = size - strlen(file) - 5, length = strlen(path);
	if (length > room)
		snprintf(text, size, "...%s %s", path + length - room, file);
	else
		snprintf(text, size, "%s %s", path, file);
}

/* A limit that the machine cannot even fill is none. */
static bool limits(const struct planning *planning, uint64_t bytes)
{
	return bytes < SIZE_UNKNOWN && bytes < planning->host->mem_total_bytes;
}

static void consider_level(struct planning *planning, const struct host_level *level, bool high,
			   struct plan_input *smallest)
{
	struct plan_number *number = &planning->plan->numbers[PLAN_ANCESTOR_LIMIT];
	struct plan_input input = { .name = "ancestor limit", .unit = UNIT_BYTES };
	input.value = high ? level->high_bytes : level->max_bytes;
	if (!limits(planning, input.value))
		return;
	name_level(planning, level, high, input.from, sizeof(input.from));
	if (number->input_count < PLAN_INPUTS_MAX) {
		struct plan_input shown = input;
		snprintf(shown.name, sizeof(shown.name), "limit");
		plan_input(planning->plan, PLAN_ANCESTOR_LIMIT, &shown);
	}
	if (input.value < smallest->value)
		*smallest = input;
}

static struct plan_input resolve_ancestors(struct planning *planning)
{
	struct plan_input smallest = { .name = "ancestor limit", .unit = UNIT_BYTES, .value = SIZE_NONE };
	plan_set(planning->plan, PLAN_ANCESTOR_LIMIT, UNIT_BYTES, SIZE_NONE, "smallest of the groups above the worker's");
	for (size_t i = 0; i < planning->host->level_count; i++) {
		consider_level(planning, &planning->host->levels[i], false, &smallest);
		consider_level(planning, &planning->host->levels[i], true, &smallest);
	}
	planning->plan->numbers[PLAN_ANCESTOR_LIMIT].value = smallest.value;
	if (smallest.value == SIZE_NONE)
		plan_set(planning->plan, PLAN_ANCESTOR_LIMIT, UNIT_BYTES, SIZE_NONE,
			 "no group above the worker's has a limit");
	return smallest;
}

static void consider(struct planning *planning, const struct plan_input *input, bool ours)
{
	plan_input(planning->plan, PLAN_MEMORY_LIMIT, input);
	if (input->value >= planning->limit.value)
		return;
	planning->limit = *input;
	planning->limit_is_ours = ours;
}

/* More than the machine has: V8 must not be given what is not there. */
static void consider_machine(struct planning *planning)
{
	struct plan_input input = { .name = "MemTotal", .unit = UNIT_BYTES, .value = planning->host->mem_total_bytes,
				    .from = "/proc/meminfo" };
	uint32_t instances = planning->policy->service.instances;
	char each[48] = "";
	if (instances > 1 && input.value < SIZE_UNKNOWN) {
		snprintf(input.name, sizeof(input.name), "1/%" PRIu32 " of MemTotal", instances);
		snprintf(each, sizeof(each), " for each of %" PRIu32 " instances", instances);
		input.value /= instances;
	}
	if (planning->limit.value == SIZE_NONE || input.value > planning->limit.value)
		return;
	plan_warn(planning->plan, "%s %s (%s)%s is more than this machine has (%s): the plan uses %s",
		  planning->limit.name, BYTES(planning->limit.value), planning->limit.from, each,
		  BYTES(planning->host->mem_total_bytes), input.name);
	consider(planning, &input, false);
}

/* Workers side by side share what the groups above allow. */
static void share(struct planning *planning, struct plan_input *ancestor)
{
	char from[sizeof(ancestor->from)], several[48] = "";
	uint32_t workers = plan_workers(planning->policy), instances = planning->policy->service.instances;
	if (workers == 1 || ancestor->value >= SIZE_UNKNOWN)
		return;
	if (instances > 1)
		snprintf(several, sizeof(several), ", service.instances: %" PRIu32, instances);
	snprintf(from, sizeof(from), "%.90s%s%s", ancestor->from, several,
		 plan_keeps_spare(planning->policy) ? ", memory.spare: keep" : "");
	memcpy(ancestor->from, from, sizeof(from));
	if (workers == 2)
		snprintf(ancestor->name, sizeof(ancestor->name), "half of ancestor limit");
	else
		snprintf(ancestor->name, sizeof(ancestor->name), "1/%" PRIu32 " of ancestor limit", workers);
	ancestor->value /= workers;
}

static void resolve_limit(struct planning *planning, const struct plan_input *ancestor)
{
	const struct policy *policy = planning->policy;
	struct plan_input max = planning->plan->numbers[PLAN_MEMORY_MAX].inputs[0];
	struct plan_input high = planning->plan->numbers[PLAN_MEMORY_HIGH].inputs[0];
	planning->limit = (struct plan_input){ .unit = UNIT_BYTES, .value = SIZE_NONE };
	plan_set(planning->plan, PLAN_MEMORY_LIMIT, UNIT_BYTES, SIZE_NONE,
		 "smallest of memory.max, memory.high, %s", ancestor->name);
	consider(planning, &max, true);
	if (policy->memory.high_bytes != SIZE_NONE && planning->host->cgroup_version == CGROUP_V2)
		consider(planning, &high, false);
	else
		plan_input(planning->plan, PLAN_MEMORY_LIMIT, &(struct plan_input){ .name = "memory.high",
			   .unit = UNIT_BYTES, .value = SIZE_NONE, .from = "default" });
	consider(planning, ancestor, false);
	consider_machine(planning);
	planning->plan->numbers[PLAN_MEMORY_LIMIT].value = planning->limit.value;
	if (max.value != SIZE_NONE && ancestor->value < max.value)
		plan_warn(planning->plan, "memory.max %s (%s) is larger than the %s of %s: the smaller one counts",
			  BYTES(max.value), max.from, BYTES(ancestor->value), ancestor->from);
}

/* An ancestor that already caps at or below memory.max counts; without memory.max any ancestor's cap is one. */
static bool ancestor_enforces(const struct planning *planning)
{
	for (size_t i = 0; i < planning->host->level_count; i++) {
		uint64_t max = planning->host->levels[i].max_bytes;
		if (limits(planning, max) && max <= planning->policy->memory.max_bytes)
			return true;
	}
	return false;
}

/* What needs a group of our own and cannot have it. memory.enforce decides for all of them. */
static void remark_unenforced(struct planning *planning, const char *what)
{
	const char *problem = planning->host->cgroup_problem;
	if (*problem == '\0')
		problem = "no writable cgroup here";
	if (planning->policy->memory.enforce == ENFORCE_BEST_EFFORT)
		plan_warn(planning->plan, "%s is not enforced (memory.enforce: best_effort): %s", what, problem);
	else
		plan_refuse(planning->plan, "%s cannot be enforced: %s; or set memory.enforce: best_effort", what, problem);
}

static void remark_unenforced_key(struct planning *planning, enum plan_number_id id)
{
	const struct plan_number *number = &planning->plan->numbers[id];
	char what[160];
	if (number->value == SIZE_NONE)
		return;
	snprintf(what, sizeof(what), "%s %s (%.80s)", number->rule, TEXT(number->unit, number->value),
		 number->inputs[0].from);
	remark_unenforced(planning, what);
}

static void resolve_enforcement(struct planning *planning)
{
	bool writable = planning->host->cgroup_writable, above = ancestor_enforces(planning);
	planning->plan->enforced = above || (writable && planning->policy->memory.max_bytes != SIZE_NONE);
	if (!writable && !above)
		remark_unenforced_key(planning, PLAN_MEMORY_MAX);
	if (!writable) {
		remark_unenforced_key(planning, PLAN_TASKS);
		remark_unenforced_key(planning, PLAN_CPU);
	}
	if (planning->policy->memory.high_bytes != SIZE_NONE && planning->host->cgroup_version != CGROUP_V2)
		plan_warn(planning->plan, "memory.high needs cgroup v2: it is not set and not planned with");
	else if (!writable)
		remark_unenforced_key(planning, PLAN_MEMORY_HIGH);
}

static uint64_t or_none(uint32_t value)
{
	return value == POLICY_INHERIT ? SIZE_NONE : value;
}

static void resolve_swap(struct planning *planning)
{
	const struct policy *policy = planning->policy;
	plan_set_key(planning, PLAN_MEMORY_SWAP, UNIT_BYTES, policy->memory.swap_bytes, KEY_MEMORY_SWAP);
	if (policy->memory.max_bytes == SIZE_NONE)
		plan_set(planning->plan, PLAN_MEMORY_SWAP, UNIT_BYTES, SIZE_NONE, "not set without memory.max");
	else if (!planning->host->swap_accounting)
		plan_set(planning->plan, PLAN_MEMORY_SWAP, UNIT_BYTES, SIZE_NONE, "not set: no swap accounting here");
}

/* memory.max goes along with an old space that was raised, so that V8's limit stays the one that is hit first. */
static void raise_memory_max(struct planning *planning)
{
	struct plan_number *number = &planning->plan->numbers[PLAN_MEMORY_MAX];
	struct plan_input *input = &number->inputs[0];
	uint64_t raised = raises_last(&planning->host->raises)->memory_max_bytes;
	char from[sizeof(input->from)];
	if (planning->policy->heap.at_limit != AT_LIMIT_RAISE || raised >= SIZE_UNKNOWN || number->value >= SIZE_UNKNOWN ||
	    raised <= number->value)
		return;
	snprintf(from, sizeof(from), "raised with old space; %.80s says %s", input->from, BYTES(number->value));
	memcpy(input->from, from, sizeof(from));
	number->value = input->value = raised;
}

void plan_memory_resolve(struct planning *planning)
{
	const struct policy *policy = planning->policy;
	plan_set_key(planning, PLAN_MEMORY_MAX, UNIT_BYTES, policy->memory.max_bytes, KEY_MEMORY_MAX);
	raise_memory_max(planning);
	plan_set_key(planning, PLAN_MEMORY_HIGH, UNIT_BYTES, policy->memory.high_bytes, KEY_MEMORY_HIGH);
	plan_set_key(planning, PLAN_TASKS, UNIT_COUNT, or_none(policy->limits.tasks), KEY_LIMITS_TASKS);
	plan_set_key(planning, PLAN_FILES, UNIT_COUNT, or_none(policy->limits.files), KEY_LIMITS_FILES);
	plan_set_key(planning, PLAN_CPU, UNIT_PERCENT, or_none(policy->limits.cpu_percent), KEY_LIMITS_CPU);
	resolve_swap(planning);
	struct plan_input ancestor = resolve_ancestors(planning);
	share(planning, &ancestor);
	resolve_limit(planning, &ancestor);
	resolve_enforcement(planning);
}

void plan_memory_need(struct planning *planning)
{
	struct plan *plan = planning->plan;
	const struct host *host = planning->host;
	uint64_t old = plan->numbers[PLAN_OLD_SPACE].value, reserve = plan->numbers[PLAN_RESERVE].value;
	if (host->peak_bytes < SIZE_UNKNOWN && host->peak_runs > 0) {
		plan_set(plan, PLAN_MEMORY_NEED, UNIT_BYTES, host->peak_bytes, "peak of %" PRIu32 " run%s", host->peak_runs,
			 host->peak_runs == 1 ? "" : "s");
	} else if (planning->limit_is_ours) {
		plan_set(plan, PLAN_MEMORY_NEED, UNIT_BYTES, planning->limit.value, "memory.max");
		plan_input(plan, PLAN_MEMORY_NEED, &planning->limit);
	} else if (old < SIZE_UNKNOWN && reserve < SIZE_UNKNOWN) {
		plan_set(plan, PLAN_MEMORY_NEED, UNIT_BYTES, (old + reserve) * planning->policy->heap.processes,
			 planning->policy->heap.processes > 1 ? "(old space + reserve) x processes"
							      : "old space + reserve");
	} else {
		plan_set(plan, PLAN_MEMORY_NEED, UNIT_BYTES, SIZE_UNKNOWN, "no earlier runs and no limit to go by");
	}
}

static uint64_t level_room(const struct host_level *level)
{
	if (level->max_bytes >= SIZE_UNKNOWN || level->current_bytes >= SIZE_UNKNOWN)
		return SIZE_NONE;
	return level->max_bytes > level->current_bytes ? level->max_bytes - level->current_bytes : 0;
}

bool plan_memory_has(const struct host *host, uint64_t need_bytes, const char *what, char *text, size_t size)
{
	uint64_t have = host->mem_available_bytes;
	const char *where = NULL;
	for (size_t i = 0; i < host->level_count; i++) {
		uint64_t room = level_room(&host->levels[i]);
		if (room < have)
			have = room, where = host->levels[i].path;
	}
	if (size > 0)
		text[0] = '\0';
	if (need_bytes >= SIZE_UNKNOWN || have >= SIZE_UNKNOWN || need_bytes <= have)
		return true;
	snprintf(text, size, "need %s (%s), have %s (%s%s)", BYTES(need_bytes), what, BYTES(have / MIB * MIB),
		 where != NULL ? "free in " : "MemAvailable", where != NULL ? where : "");
	return false;
}

bool plan_start_fits(const struct plan *plan, const struct host *host, uint32_t workers, char *text, size_t size)
{
	const struct plan_number *need = &plan->numbers[PLAN_MEMORY_NEED], *one = &plan->numbers[PLAN_SPARE_NEED];
	char what[192];
	if (workers <= 1 || need->value >= SIZE_UNKNOWN)
		return plan_memory_fits(plan, host, text, size);
	uint64_t each = one->value < SIZE_UNKNOWN ? one->value : need->value; /* need may hold a spare's, too */
	snprintf(what, sizeof(what), "%.120s, and %" PRIu32 " more instance%s", need->rule, workers - 1, workers > 2 ? "s" : "");
	return plan_memory_has(host, need->value + (workers - 1) * each, what, text, size);
}

bool plan_memory_fits(const struct plan *plan, const struct host *host, char *text, size_t size)
{
	const struct plan_number *need = &plan->numbers[PLAN_MEMORY_NEED];
	return plan_memory_has(host, need->value, need->rule, text, size);
}
