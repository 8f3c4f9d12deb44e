/* SPDX-License-Identifier: Apache-2.0 */
/* v8: the functions of V8 that the agent calls, found by name in the running program: no headers, no C++, so that one
 * binary serves Node 18 to 26. What they return is believed only once it was compared with what JavaScript is told. */
#ifndef CHILD_AGENT_V8_H
#define CHILD_AGENT_V8_H

#include "base/base.h"
#include "heapward/record.h"

/* v8::GCType */
enum v8_collection { V8_SCAVENGE = 1, V8_MINOR_MARK_SWEEP = 2, V8_MARK_SWEEP_COMPACT = 4 };

struct v8_isolate;
typedef void v8_gc_callback(struct v8_isolate *isolate, int type, int flags, void *data);
typedef size_t v8_near_heap_limit_callback(void *data, size_t current_bytes, size_t initial_bytes);

struct v8 {
	struct v8_isolate *(*current_isolate)(void);
	void (*add_gc_prologue)(struct v8_isolate *, v8_gc_callback *, void *data, int types);
	void (*add_gc_epilogue)(struct v8_isolate *, v8_gc_callback *, void *data, int types);
	void (*remove_gc_prologue)(struct v8_isolate *, v8_gc_callback *, void *data);
	void (*remove_gc_epilogue)(struct v8_isolate *, v8_gc_callback *, void *data);
	void (*add_near_heap_limit)(struct v8_isolate *, v8_near_heap_limit_callback *, void *data);
	/* Lowers the limit to `limit_bytes` as well, but not below what is in use. */
	void (*remove_near_heap_limit)(struct v8_isolate *, v8_near_heap_limit_callback *, size_t limit_bytes);
	void (*get_heap_statistics)(struct v8_isolate *, void *statistics);
};

/* Returns 0, or -1 where a function is missing. */
int v8_find(struct v8 *ret);

/* Reads the isolate's heap; fine inside a collection. */
void v8_read_heap(const struct v8 *v8, struct v8_isolate *isolate, struct heapward_record_heap *ret);

#endif
