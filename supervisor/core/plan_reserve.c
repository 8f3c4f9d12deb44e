/* SPDX-License-Identifier: Apache-2.0 */
/* plan_reserve: see plan_reserve.h. */
#include "supervisor/core/plan_reserve.h"

#include <inttypes.h>
#include <stdio.h>

#include "supervisor/core/node_model.h"
#include "supervisor/core/plan.h"

#define YOUNG_PART 8 /* of the share, at most */

uint64_t heap_round_down(uint64_t bytes)
{
	return bytes / MIB * MIB;
}

uint64_t heap_round_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB * MIB;
}

void heap_reserve_for(struct heap *heap, uint64_t old)
{
	heap->off_heap = heap_round_up(old / 4);
	if (heap->off_heap < PLAN_OFF_HEAP_MIN_BYTES)
		heap->off_heap = PLAN_OFF_HEAP_MIN_BYTES;
	heap->reserve = heap->off_heap + heap->young + heap->buffers;
}

uint64_t heap_semi_within(uint64_t wish, uint64_t share)
{
	uint64_t semi = node_semi_space_effective(wish);
	while (share != SIZE_NONE && semi > MIB && 3 * semi > share / YOUNG_PART)
		semi /= 2;
	return semi;
}

uint64_t heap_solve(const struct heap *heap)
{
	uint64_t taken = heap->young + heap->buffers + heap->headroom;
	if (heap->share <= taken + PLAN_OFF_HEAP_MIN_BYTES)
		return 0;
	uint64_t old = heap->share - taken - PLAN_OFF_HEAP_MIN_BYTES;
	if (old / 4 > PLAN_OFF_HEAP_MIN_BYTES)
		old = (heap->share - taken) / MIB * 4 / 5 * MIB;
	return old;
}

uint64_t heap_limit_for_floor(const struct heap *heap, uint64_t wish, uint32_t processes)
{
	uint64_t fixed = PLAN_OLD_SPACE_FLOOR_BYTES + PLAN_OFF_HEAP_MIN_BYTES + heap->buffers + heap->headroom;
	uint64_t share = fixed;
	while (share < fixed + 3 * heap_semi_within(wish, share))
		share += MIB;
	return share * processes;
}

const char *heap_reserve_parts(const struct heap *heap, char text[static RESERVE_PARTS_MAX])
{
	char buffers[32] = "";
	if (heap->buffers > 0)
		snprintf(buffers, sizeof(buffers), " + Buffers %" PRIu64, heap->buffers / MIB);
	snprintf(text, RESERVE_PARTS_MAX, "young 3 x %" PRIu64 " + off-heap %" PRIu64 "%s", heap->semi / MIB,
		 heap->off_heap / MIB, buffers);
	return text;
}

static void record_reserve(struct plan *plan, const struct heap *heap, uint64_t old)
{
	plan_set(plan, PLAN_OFF_HEAP, UNIT_BYTES, heap->off_heap, "max(128 MiB, 25 %% of old space)");
	plan_input_bytes(plan, PLAN_OFF_HEAP, "old space", old, "");
	plan_set(plan, PLAN_RESERVE, UNIT_BYTES, heap->reserve, "young generation + off-heap + Buffers");
	plan_input_bytes(plan, PLAN_RESERVE, "young generation", heap->young, "");
	plan_input_bytes(plan, PLAN_RESERVE, "off-heap", heap->off_heap, "");
	plan_input_bytes(plan, PLAN_RESERVE, "Buffers", heap->buffers,
			 heap->buffers_cut ? "earlier runs had more; cut to keep the smallest old space" :
			 heap->buffers > 0 ? "measured by earlier runs" :
					     "none measured yet");
}

void heap_record_parts(struct planning *planning, const struct heap *heap)
{
	struct plan *plan = planning->plan;
	struct plan_input headroom = plan->numbers[PLAN_HEADROOM].inputs[0];
	char parts[RESERVE_PARTS_MAX];
	plan_input(plan, PLAN_OLD_SPACE, &planning->limit);
	if (planning->policy->heap.processes > 1) {
		struct plan_input processes = plan->numbers[PLAN_PROCESSES].inputs[0];
		snprintf(processes.name, sizeof(processes.name), "processes");
		plan_input(plan, PLAN_OLD_SPACE, &processes);
	}
	plan_input_bytes(plan, PLAN_OLD_SPACE, "reserve", heap->reserve, heap_reserve_parts(heap, parts));
	plan_input_bytes(plan, PLAN_OLD_SPACE, "headroom", heap->headroom, headroom.from);
}

static void record_heap_size_limit(struct planning *planning, const struct heap *heap, uint64_t old)
{
	struct plan *plan = planning->plan;
	const struct node_flags *flags = &planning->flags;
	if (flags->heap_size.given && (flags->old_space.given || flags->percent.given)) {
		plan_set(plan, PLAN_HEAP_SIZE_LIMIT, UNIT_BYTES, SIZE_UNKNOWN, "V8's own sum of --max-heap-size and more");
		return;
	}
	plan_set(plan, PLAN_HEAP_SIZE_LIMIT, UNIT_BYTES, old + heap->young, "old space + 3 x semi-space");
	plan_input_bytes(plan, PLAN_HEAP_SIZE_LIMIT, "old space", old, "");
	plan_input_bytes(plan, PLAN_HEAP_SIZE_LIMIT, "semi-space", heap->semi, "");
}

void heap_record(struct planning *planning, const struct heap *heap, uint64_t old)
{
	record_reserve(planning->plan, heap, old);
	record_heap_size_limit(planning, heap, old);
}

void heap_record_nothing(struct plan *plan, const char *rule)
{
	static const enum plan_number_id ids[] = { PLAN_SEMI_SPACE, PLAN_YOUNG, PLAN_OFF_HEAP, PLAN_RESERVE,
						   PLAN_HEAP_SIZE_LIMIT };
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		plan_set(plan, ids[i], UNIT_BYTES, SIZE_UNKNOWN, "%s", rule);
}

