/* SPDX-License-Identifier: Apache-2.0 */
/* whose_limit: an OOM kill in the worker's group counts whatever limit was hit; this finds whose it was. Pure. */
#ifndef SUPERVISOR_CORE_WHOSE_LIMIT_H
#define SUPERVISOR_CORE_WHOSE_LIMIT_H

#include "supervisor/types/verdict.h"

struct whose_limit {
	bool host;            /* no cgroup's limit: the host ran out of memory */
	bool certain;
	char path[256];       /* of the group whose limit was hit */
	uint64_t limit_bytes; /* SIZE_UNKNOWN where it is not known */
	char doubt[160];      /* why it is not certain, "" where it is */
};

/* False where the kernel's OOM killer took nobody in the worker's group. */
bool whose_limit_find(const struct evidence *evidence, struct whose_limit *ret);

#endif
