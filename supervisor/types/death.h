/* SPDX-License-Identifier: Apache-2.0 */
/* death: one end of a worker as it is kept on disk and explained by `why`. */
#ifndef SUPERVISOR_TYPES_DEATH_H
#define SUPERVISOR_TYPES_DEATH_H

#include "base/base.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/verdict.h"

#define DEATH_STDERR_MAX (64 * 1024)

struct death {
	char service[POLICY_NAME_MAX];
	int instance, instances;     /* its number, of so many */
	int32_t pid;
	uint64_t number;             /* of this service, from 1 */
	int64_t at_realtime_usec;
	int64_t uptime_usec;
	struct verdict verdict;
	struct heap_sample heap;     /* last of the reporter that mattered; at_usec 0 where there is none */
	uint64_t old_space_bytes, semi_space_bytes; /* planned; SIZE_UNKNOWN where not managed */
	const struct heap_sample *series; /* borrowed, oldest first */
	size_t series_count;
	int64_t ended_usec;          /* the clock of the series, to print ages */
	struct memory_sample memory;
	char cgroup[256];
	const unsigned char *stderr_tail; /* borrowed; the last DEATH_STDERR_MAX bytes, hostile */
	size_t stderr_length;
	uint64_t stderr_cut_bytes;   /* bytes before the tail that are not kept */
	const char *captured[4], *skipped[4]; /* NULL-terminated; "heap series of 40 samples", "kernel log: not readable" */
	char action[200];            /* what the supervisor did: "restart 2 of 5 in 10 min, back-off 0.2 s" */
	char next[400];              /* what the user can do */
	char command[256];
	char policy_file[256];
};

#endif
