/* SPDX-License-Identifier: Apache-2.0 */
/* limit: see limit.h. V8 has no setter: it lowers its limit where a near-limit callback is removed, never below what is
 * in use and a quarter, and raises it to what such a callback returns, so not before the old limit is reached. */
#include "child/agent/limit.h"

/* Outside of these nobody means it: V8 dies with less, and no machine has more. */
#define ASKED_MIN_BYTES (16 * MIB)
#define ASKED_MAX_BYTES (1024 * GIB)

static uint64_t wanted(const struct limit *limit)
{
	return limit->asked_bytes + limit->granted_bytes;
}

static void answer(const struct limit *limit, enum heapward_record_limit_state state, uint64_t limit_bytes)
{
	const struct heapward_record_limit record = {
		.old_space_bytes = limit->asked_bytes,
		.granted_bytes = limit->granted_bytes,
		.limit_bytes = limit_bytes,
		.state = state,
	};
	heapward_record_send_limit(limit->sender, &record);
}

/* Grants once and in one step (many small steps die in the first of them), and then nothing: a heap that is granted
 * more forever never dies and only collects. An old space that was asked for is no grant, and this is no news of a heap
 * that runs full: it had only not been taken yet. */
static size_t on_near_heap_limit(void *data, size_t current_bytes, size_t initial_bytes UNUSED)
{
	struct limit *limit = data;
	struct heapward_record_near_limit near_limit = { .old_space_bytes = current_bytes };
	v8_read_heap(limit->v8, limit->isolate, &near_limit.heap);
	if (limit->asked_bytes > 0 && current_bytes < wanted(limit)) {
		answer(limit, HEAPWARD_LIMIT_TAKEN, near_limit.heap.limit_bytes + wanted(limit) - current_bytes);
		return wanted(limit);
	}
	if (limit->granted_bytes == 0)
		near_limit.granted_bytes = limit->granted_bytes = heapward_record_headroom_bytes(limit->sender);
	heapward_record_send_near_limit(limit->sender, &near_limit);
	return current_bytes + near_limit.granted_bytes;
}

/* Never called: it is removed as soon as it was added. */
static size_t on_lowered(void *data UNUSED, size_t current_bytes, size_t initial_bytes UNUSED)
{
	return current_bytes;
}

/* Lowers as far as V8 does now; true where the limit has changed. *ret_heap is the heap after it. */
static bool lower(struct limit *limit, struct heapward_record_heap *ret_heap)
{
	uint64_t before_bytes;
	v8_read_heap(limit->v8, limit->isolate, ret_heap);
	before_bytes = ret_heap->limit_bytes;
	limit->lowering = ret_heap->used_bytes + ret_heap->used_bytes / 4 > wanted(limit);
	limit->v8->add_near_heap_limit(limit->isolate, on_lowered, NULL);
	limit->v8->remove_near_heap_limit(limit->isolate, on_lowered, wanted(limit));
	v8_read_heap(limit->v8, limit->isolate, ret_heap);
	return ret_heap->limit_bytes != before_bytes;
}

void limit_watch(struct limit *limit)
{
	limit->v8->add_near_heap_limit(limit->isolate, on_near_heap_limit, limit);
	limit->watched = true;
}

void limit_ask(struct limit *limit, uint64_t old_space_bytes)
{
	struct heapward_record_heap heap;
	if (old_space_bytes < ASKED_MIN_BYTES || old_space_bytes > ASKED_MAX_BYTES)
		return;
	limit->asked_bytes = old_space_bytes;
	bool lowered = lower(limit, &heap);
	answer(limit, limit->lowering ? HEAPWARD_LIMIT_WAITS : lowered ? HEAPWARD_LIMIT_TAKEN :
	       limit->watched ? HEAPWARD_LIMIT_WAITS : HEAPWARD_LIMIT_REFUSED, heap.limit_bytes);
}

void limit_collected(struct limit *limit)
{
	struct heapward_record_heap heap;
	if (!limit->lowering)
		return;
	bool lowered = lower(limit, &heap);
	if (lowered && !limit->lowering)
		answer(limit, HEAPWARD_LIMIT_TAKEN, heap.limit_bytes);
}
