/* SPDX-License-Identifier: Apache-2.0 */
/* plan_reserve: what must stay beside old space, so that through a drain at the heap limit (headroom granted, overshoot
 * included) the kernel does not kill; and the largest old space that leaves it. Sizes are of one process, in whole MiB:
 * its share is the limit divided by heap.processes. Private to plan*.c. */
#ifndef SUPERVISOR_CORE_PLAN_RESERVE_H
#define SUPERVISOR_CORE_PLAN_RESERVE_H

#include "supervisor/core/plan_parts.h"

#define RESERVE_PARTS_MAX 96

struct heap {
	uint64_t share;    /* SIZE_NONE without a limit */
	uint64_t semi, young, buffers, headroom;
	uint64_t off_heap, reserve; /* of the old space at hand */
	uint64_t alone;        /* old space that Node would choose where the user started us */
	uint64_t alone_inside; /* the same inside the worker's group, whose own limit may differ */
	bool buffers_cut; /* below what was measured */
};

uint64_t heap_round_down(uint64_t bytes);
uint64_t heap_round_up(uint64_t bytes);

/* Sets off_heap and reserve for this old space. */
void heap_reserve_for(struct heap *heap, uint64_t old);

/* The wished semi-space, halved until three of them take no more than an eighth of the share; 1 MiB at least. */
uint64_t heap_semi_within(uint64_t wish, uint64_t share);

/* The largest old space with old + reserve + headroom <= share; 0 where there is none. */
uint64_t heap_solve(const struct heap *heap);

/* The smallest limit that leaves PLAN_OLD_SPACE_FLOOR_BYTES: what to raise memory.max to. */
uint64_t heap_limit_for_floor(const struct heap *heap, uint64_t semi_wish, uint32_t processes);

/* "young 3 x 16 + off-heap 128", in MiB. Returns text. */
const char *heap_reserve_parts(const struct heap *heap, char text[static RESERVE_PARTS_MAX]);

/* Records OFF_HEAP, RESERVE and HEAP_SIZE_LIMIT for this old space; or, where it is not known here, why not. */
void heap_record(struct planning *planning, const struct heap *heap, uint64_t old);
void heap_record_nothing(struct plan *plan, const char *rule);

/* Adds limit, processes, reserve and headroom to OLD_SPACE, as its rules name them. */
void heap_record_parts(struct planning *planning, const struct heap *heap);

#endif
