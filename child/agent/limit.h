/* SPDX-License-Identifier: Apache-2.0 */
/* limit: the limit of the main isolate's old space while the program runs: headroom, granted once where it is reached,
 * and another old space where the supervisor asks for one (HEAPWARD_HEAP_LIMIT). */
#ifndef CHILD_AGENT_LIMIT_H
#define CHILD_AGENT_LIMIT_H

#include "child/agent/v8.h"
#include "heapward/record_sender.h"

struct limit {
	const struct v8 *v8;
	struct v8_isolate *isolate;
	struct heapward_record_sender *sender;
	bool watched;           /* V8 calls us where the limit is reached: only then can it be raised */
	uint64_t granted_bytes; /* headroom: stays on top of whatever is asked for */
	uint64_t asked_bytes;   /* old space that was asked for; 0: none */
	bool lowering;          /* more than that is in use: tried again after each full collection */
};

/* From now on V8 calls us where the limit is reached. */
void limit_watch(struct limit *limit);

/* Takes the old space that the supervisor asks for, as far as V8 does now, and answers. Outside of collections. */
void limit_ask(struct limit *limit, uint64_t old_space_bytes);

/* After each full collection. */
void limit_collected(struct limit *limit);

#endif
