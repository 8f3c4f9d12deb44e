/* SPDX-License-Identifier: Apache-2.0 */
/* raise: see raise.h. The room that a raise needs is the plan's own sum: old space, its reserve and the headroom, for
 * every process. */
#include "supervisor/core/raise.h"

#include "base/units.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/plan.h"

#include <inttypes.h>
#include <json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)
#define YOUNG_UNKNOWN_BYTES (48 * MIB) /* 3 x 16 MiB, where Node's own choice stands */

int raise_refuse(char *refusal, size_t size, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(refusal, size, format, args);
	va_end(args);
	return -1;
}

void raise_policy(const struct policy *policy, char text[static RAISE_POLICY_MAX])
{
	snprintf(text, RAISE_POLICY_MAX,
		 "max=%" PRIu64 " high=%" PRIu64 " old=%d,%" PRIu64 ",%" PRIu32 " processes=%" PRIu32 " headroom=%" PRIu64
		 " by=%" PRIu64 ",%" PRIu32 " up_to=%" PRIu64,
		 policy->memory.max_bytes, policy->memory.high_bytes, (int)policy->heap.old_space.kind,
		 policy->heap.old_space.bytes, policy->heap.old_space.percent, policy->heap.processes,
		 policy->heap.headroom_bytes, policy->heap.raise_by.bytes, policy->heap.raise_by.percent,
		 policy->heap.raise_up_to_bytes);
}

static uint64_t raised(const struct policy *policy, uint64_t from)
{
	const struct step_size *by = &policy->heap.raise_by;
	uint64_t more = by->bytes > 0 ? by->bytes : from / 100 * by->percent + from % 100 * by->percent / 100;
	uint64_t to = (from + (more < MIB ? MIB : more)) / MIB * MIB;
	return to < policy->heap.raise_up_to_bytes ? to : policy->heap.raise_up_to_bytes;
}

/* Off-heap grows with old space as in the plan (plan_reserve.c); the rest of the reserve stays. */
static uint64_t reserve_for(const struct plan *plan, uint64_t old)
{
	uint64_t off_heap = old / 4 < PLAN_OFF_HEAP_MIN_BYTES ? PLAN_OFF_HEAP_MIN_BYTES : old / 4;
	uint64_t reserve = plan->numbers[PLAN_RESERVE].value, planned = plan->numbers[PLAN_OFF_HEAP].value;
	if (reserve >= SIZE_UNKNOWN || planned >= SIZE_UNKNOWN || planned > reserve)
		return off_heap + YOUNG_UNKNOWN_BYTES;
	return reserve - planned + off_heap;
}

/* memory.max, memory.high and every group above, whether or not they are full. */
static int check_limits(const struct plan *plan, const struct policy *policy, uint64_t need, char *refusal, size_t size)
{
	const struct plan_number *ancestor = &plan->numbers[PLAN_ANCESTOR_LIMIT];
	uint64_t all = ancestor->value < SIZE_UNKNOWN ? plan_workers(policy) * need : need;
	if (policy->memory.high_bytes < need)
		return raise_refuse(refusal, size, "need %s, memory.high is %s", BYTES(need), BYTES(policy->memory.high_bytes));
	if (ancestor->value < all)
		return raise_refuse(refusal, size, "need %s, a group above has a limit of %s", BYTES(all), BYTES(ancestor->value));
	return 0;
}

int raise_next(const struct plan *plan, const struct policy *policy, const struct host *host, uint64_t in_effect_bytes,
	       struct raise *ret, char *refusal, size_t size)
{
	uint64_t planned = plan->numbers[PLAN_OLD_SPACE].value, processes = policy->heap.processes;
	uint64_t from = planned < SIZE_UNKNOWN ? planned : in_effect_bytes;
	char room[256];
	if (!plan->manages_heap || from >= SIZE_UNKNOWN)
		return raise_refuse(refusal, size, "the old space in effect is not known");
	if (plan->adopted_old_space)
		return raise_refuse(refusal, size, "%s; remove the flag", plan->numbers[PLAN_OLD_SPACE].rule);
	uint64_t to = raised(policy, from);
	if (to <= from)
		return raise_refuse(refusal, size, "old space %s has reached heap.raise.up_to %s", BYTES(from),
			      BYTES(policy->heap.raise_up_to_bytes));
	uint64_t need = processes * (to + reserve_for(plan, to) + plan->numbers[PLAN_HEADROOM].value);
	uint64_t max = plan->numbers[PLAN_MEMORY_MAX].value;
	if (check_limits(plan, policy, need, refusal, size) < 0)
		return -1;
	snprintf(room, sizeof(room), "old space %s + reserve + headroom", BYTES(to));
	if (!plan_memory_has(host, need, room, refusal, size))
		return -1;
	*ret = (struct raise){ .from_bytes = from, .to_bytes = to };
	ret->memory_max_bytes = max >= SIZE_UNKNOWN ? SIZE_NONE : max < need ? need : max;
	return 0;
}

void raises_add(struct raises *raises, const struct raise *raise)
{
	if (raises->count == RAISES_MAX) {
		memmove(&raises->list[0], &raises->list[1], (RAISES_MAX - 1) * sizeof(raises->list[0]));
		raises->count--;
	}
	raises->list[raises->count++] = *raise;
}

const struct raise *raises_last(const struct raises *raises)
{
	static const struct raise none = { .memory_max_bytes = SIZE_NONE };
	return raises->count > 0 ? &raises->list[raises->count - 1] : &none;
}

char *raises_json(const struct raises *raises)
{
	struct json_object *object = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < raises->count; i++) {
		struct json_object *entry = json_object_new_object();
		json_put(entry, "at_usec", json_number(raises->list[i].at_realtime_usec));
		json_put(entry, "from_bytes", json_size(raises->list[i].from_bytes));
		json_put(entry, "to_bytes", json_size(raises->list[i].to_bytes));
		json_put(entry, "memory_max_bytes", json_size(raises->list[i].memory_max_bytes));
		json_object_array_add(list, entry);
	}
	json_put(object, "policy", json_text(raises->policy));
	json_put(object, "raises", list);
	return json_line(object);
}

static int parse_entry(struct json_object *entry, struct raises *ret)
{
	struct raise raise = {
		.at_realtime_usec = json_object_get_int64(json_find(entry, "at_usec")),
		.from_bytes = json_find_size(entry, "from_bytes"),
		.to_bytes = json_find_size(entry, "to_bytes"),
		.memory_max_bytes = json_find_size(entry, "memory_max_bytes"),
	};
	if (raise.memory_max_bytes == SIZE_UNKNOWN)
		raise.memory_max_bytes = SIZE_NONE;
	if (raise.to_bytes >= SIZE_UNKNOWN || raise.to_bytes < MIB)
		return -1;
	raises_add(ret, &raise);
	return 0;
}

int raises_parse(const char *json, struct raises *ret)
{
	struct json_object *object = json_parse(json, strlen(json)), *list = json_find(object, "raises");
	int result = json_object_is_type(list, json_type_array) ? 0 : -1;
	*ret = (struct raises){ 0 };
	snprintf(ret->policy, sizeof(ret->policy), "%s", json_find_text(object, "policy", ""));
	for (size_t i = 0; result == 0 && i < json_object_array_length(list); i++)
		result = parse_entry(json_object_array_get_idx(list, i), ret);
	json_object_put(object);
	return result;
}

const char *raise_text(const struct raise *raise, char *text, size_t size)
{
	snprintf(text, size, "old space %s -> %s%s%s", BYTES(raise->from_bytes), BYTES(raise->to_bytes),
		 raise->memory_max_bytes < SIZE_UNKNOWN ? ", memory.max " : "",
		 raise->memory_max_bytes < SIZE_UNKNOWN ? BYTES(raise->memory_max_bytes) : "");
	return text;
}
