/* SPDX-License-Identifier: Apache-2.0 */
/* relimit: limits that `heapward set` changes while the service runs, until a policy is loaded or the service stops. */
#ifndef SUPERVISOR_TYPES_RELIMIT_H
#define SUPERVISOR_TYPES_RELIMIT_H

#include "base/base.h"
#include "supervisor/types/policy.h"

#define RELIMIT_FROM_MAX 81

/* What one `heapward set` asks for. */
struct relimit_wish {
	bool has_memory_max, has_old_space;
	uint64_t memory_max_bytes; /* SIZE_NONE: none */
	struct old_space old_space;
};

/* A limit that is no more what the loaded policy planned. */
struct relimit_change {
	bool changed;
	bool asked;                      /* by name; else it follows memory.max */
	bool saved;                      /* in the drop-in, too */
	uint64_t was_bytes;              /* as the plan had it before */
	char was_from[RELIMIT_FROM_MAX]; /* "web.yaml:12", "auto" */
};

struct relimit {
	struct relimit_change memory_max, old_space;
};

/* How the worker stands at the moment. All of it SIZE_UNKNOWN or false where there is none. */
struct relimit_figures {
	uint64_t in_use_bytes;  /* of memory that cannot be taken back, in the group that has most */
	uint64_t live_bytes;    /* after the last full collection, in the heap that has most */
	const char *cannot;     /* why its old space cannot be changed while it runs; "": it can, or nobody is there */
};

#endif
