/* SPDX-License-Identifier: Apache-2.0 */
/* breadcrumb: the last look at memory and heap before an end that nobody lived to tell: where a container's group is
 * killed as a whole, the supervisor goes too, and the next one finds this on disk. Pure. */
#ifndef SUPERVISOR_CORE_BREADCRUMB_H
#define SUPERVISOR_CORE_BREADCRUMB_H

#include "supervisor/types/host.h"
#include "supervisor/types/verdict.h"

/* Kept from this share of the smallest limit on, in percent. */
#define BREADCRUMB_PERCENT 80

struct breadcrumb {
	int64_t at_realtime_usec, started_realtime_usec; /* the look; the worker's start */
	int32_t pid;                                     /* of the worker's main process */
	char group[256];                                 /* whose limit is the nearest */
	uint64_t current_bytes, limit_bytes;
	uint64_t heap_used_bytes, heap_limit_bytes;      /* SIZE_UNKNOWN where nothing reports */
};

/* Of all levels the one that is fullest. True where it is full enough for a breadcrumb. */
bool breadcrumb_needed(const struct host_level *levels, size_t count, struct breadcrumb *ret);

/* malloc'ed, one line; NULL where memory is out. breadcrumb_parse: -1 where it is none of ours. */
char *breadcrumb_json(const struct breadcrumb *crumb);
int breadcrumb_parse(const char *json, struct breadcrumb *ret);

/* The verdict that it stands for: oom-kill, never certain. When the end came nobody knows: after the look and before the
 * start that found it. */
void breadcrumb_judge(const struct breadcrumb *crumb, int64_t start_realtime_usec, struct verdict *ret);

#endif
