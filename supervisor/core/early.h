/* SPDX-License-Identifier: Apache-2.0 */
/* early: is it time to replace a worker, before V8 or the kernel says so? Heap records and looks at the memory go in, a
 * warning with its numbers comes out. Pure: time is an argument; every number is a worker's word and may be a lie. */
#ifndef SUPERVISOR_CORE_EARLY_H
#define SUPERVISOR_CORE_EARLY_H

#include "supervisor/core/forecast.h"
#include "supervisor/types/early.h"
#include "supervisor/types/heap.h"

#define EARLY_GC_WINDOW_USEC (5 * USEC_PER_SEC) /* of heap.gc_time */
#define EARLY_GC_SLICES 10
#define EARLY_LOOK_USEC (500 * USEC_PER_MSEC) /* between two looks at the memory */
#define EARLY_REST_USEC USEC_PER_SEC           /* after the kernel has told */

/* One server's heap, from `since_usec` on. */
struct early_heap {
	int64_t since_usec;
	struct forecast forecast;
	int64_t last_usec, full_usec; /* of the last record; of the last sample of the forecast */
	uint64_t used_bytes, live_bytes; /* live: after the last full collection; SIZE_UNKNOWN before it */
	bool new_trend;               /* the last record was a full collection, and one that the forecast has taken */
	uint64_t lowest_live_bytes;   /* the least that a full collection has left; SIZE_UNKNOWN */
	bool last_full;               /* the last record was a full collection */
	uint32_t storm;               /* full collections right after each other, with hardly more left than by the one before */
	uint32_t full_above;          /* full collections in a row at or above heap.live_max */
	struct {
		int64_t number;       /* time / slice length; what is older than the window does not count */
		int64_t pause_usec, longest_usec; /* in all; of one record */
	} slices[EARLY_GC_SLICES];
	bool warned[EARLY_TRIGGERS];
	uint64_t warned_live_bytes;   /* at the warning of the forecast */
};

/* A worker's memory. */
struct early_memory {
	bool was_below;      /* it has been clearly below memory.replace_at, so that being above is news */
	int64_t above_usec;  /* since when it is at or above; 0: it is not */
	bool warned;
	int64_t look_usec, rest_usec; /* the last look; until when the kernel is not asked to tell again */
};

/* Forgets all: what came before does not count (a boot always grows). */
void early_heap_begin(struct early_heap *heap, int64_t now_usec);
void early_memory_begin(struct early_memory *memory);

/* Takes a heap record; `old_space_bytes` is the limit in effect, SIZE_UNKNOWN where it is not known. True where it is
 * time to warn, and *ret says of what: once for each trigger, again only after it was below 80 % of that. */
bool early_heap_look(struct early_heap *heap, const struct early_limits *limits, uint64_t old_space_bytes,
		     const struct heap_sample *sample, struct early_warning *ret);

/* Takes a look at the memory: `bytes` in use that the kernel cannot give back, SIZE_UNKNOWN where it cannot be read. */
bool early_memory_look(struct early_memory *memory, const struct early_limits *limits, uint64_t bytes, int64_t now_usec,
		       struct early_warning *ret);

/* The kernel has told that the memory is used up to memory.replace_at, file cache and all: it would tell a worker that stays about
 * there again and again. Whether it should be asked to tell (once more). */
void early_memory_told(struct early_memory *memory, int64_t now_usec);
bool early_memory_wants_word(const struct early_memory *memory, int64_t now_usec);

/* When the memory should be looked at again to know more, USEC_NEVER: no sooner than something happens. */
int64_t early_memory_deadline(const struct early_memory *memory);

/* Until old space is full: as the forecast has it, USEC_NEVER where it has none. */
int64_t early_usec_to_limit(const struct early_heap *heap, uint64_t old_space_bytes, int64_t now_usec);

/* The start-up time that the next spare is given, after one start took `took_usec`: the longest of the last ones, and a
 * long one is forgotten by quarters. */
int64_t early_learn_start(int64_t learned_usec, int64_t took_usec);

#endif
