/* SPDX-License-Identifier: Apache-2.0 */
/* process_place: where a process stands, as /proc tells. What is read is of one process only where the caller knows, by a pidfd,
 * that it lived all the while. */
#ifndef SUPERVISOR_EDGE_PROCESS_PLACE_H
#define SUPERVISOR_EDGE_PROCESS_PLACE_H

#include "supervisor/types/place.h"

void process_place(int32_t pid, struct process_place *ret);

/* The group lines alone, "" where they cannot be read whole. */
void process_place_cgroups(int32_t pid, char cgroups[static PLACE_CGROUPS_MAX]);

struct process_kin {
	int32_t parent, session;
	uint64_t start_ticks;
};

/* From the text of /proc/PID/stat. A process may be called anything. */
bool process_place_parse(const char *stat, struct process_kin *ret);

#endif
