/* SPDX-License-Identifier: Apache-2.0 */
/* early: what says, before V8's near-heap-limit callback or the kernel does, that a worker should be replaced. */
#ifndef SUPERVISOR_TYPES_EARLY_H
#define SUPERVISOR_TYPES_EARLY_H

#include "base/base.h"

/* X(id, "the policy key that it goes by") */
#define EARLY_TRIGGER_LIST(X) \
	X(FORECAST, "heap.lead") X(LIVE, "heap.live_max") X(GC_TIME, "heap.gc_time") X(MEMORY, "memory.replace_at")

enum early_trigger {
#define X(id, key) EARLY_##id,
	EARLY_TRIGGER_LIST(X)
#undef X
	EARLY_TRIGGERS
};

/* What the plan allows. */
struct early_limits {
	int64_t lead_usec;          /* warn so long before old space is full; 0: no forecast */
	uint32_t live_max_percent;  /* of old space; PERCENT_NONE: off */
	uint32_t gc_time_percent;   /* of the window; PERCENT_NONE: off */
	uint64_t semi_space_bytes;  /* SIZE_UNKNOWN where V8 chooses */
	bool leaks;                 /* a worker of it was near its heap limit before: growth is no cache that fills */
	uint64_t replace_at_bytes;  /* of memory; SIZE_NONE, SIZE_UNKNOWN: off */
	uint64_t memory_limit_bytes;
};

struct early_warning {
	enum early_trigger trigger;
	uint64_t used_bytes, live_bytes, old_space_bytes; /* SIZE_UNKNOWN of MEMORY */
	int64_t usec_to_limit;                            /* USEC_NEVER: not forecast */
	uint64_t growth_bytes;                            /* a minute, of the live set; SIZE_UNKNOWN of MEMORY */
	uint32_t gc_percent;                              /* of the window; PERCENT_NONE of MEMORY */
	uint64_t memory_bytes, memory_limit_bytes;        /* SIZE_UNKNOWN but of MEMORY */
	char text[160];                                   /* the cause, with its numbers */
};

#endif
