/* SPDX-License-Identifier: Apache-2.0 */
/* raise: old space that was given beyond the plan after fatal heap-limit errors (heap.at_limit: raise), and what for. */
#ifndef SUPERVISOR_TYPES_RAISE_H
#define SUPERVISOR_TYPES_RAISE_H

#include "base/base.h"

#define RAISES_MAX 32         /* kept; the oldest go first */
#define RAISE_POLICY_MAX 200

struct raise {
	int64_t at_realtime_usec;
	uint64_t from_bytes, to_bytes;  /* old space */
	uint64_t memory_max_bytes;      /* that goes with it; SIZE_NONE: none of our own */
};

struct raises {
	char policy[RAISE_POLICY_MAX];  /* the limits of the policy that they rest on; another policy gives them back */
	struct raise list[RAISES_MAX];  /* oldest first */
	size_t count;
};

#endif
