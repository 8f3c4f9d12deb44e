/* SPDX-License-Identifier: Apache-2.0 */
/* place: where a process stands among the others: its groups, its session, and who has started it. */
#ifndef SUPERVISOR_TYPES_PLACE_H
#define SUPERVISOR_TYPES_PLACE_H

#include "base/base.h"

#define PLACE_PARENTS_MAX 128
#define PLACE_CGROUPS_MAX 8192

struct process_place {
	int32_t pid;                        /* 0: not to be seen from here */
	bool ended;                         /* before we were done looking: all that follows may be another process's */
	int32_t session;                    /* 0: not known */
	int32_t parents[PLACE_PARENTS_MAX]; /* nearest first */
	size_t parent_count;
	bool parents_known;                 /* all of them, up to the first process */
	char cgroups[PLACE_CGROUPS_MAX];    /* /proc/PID/cgroup; "": not known */
};

#endif
