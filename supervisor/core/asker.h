/* SPDX-License-Identifier: Apache-2.0 */
/* asker: may the process that asks over the control socket change something? A worker may not change the service that
 * confines it, nor another one, though it may have the user who may: only who is known to be outside may. */
#ifndef SUPERVISOR_CORE_ASKER_H
#define SUPERVISOR_CORE_ASKER_H

#include "supervisor/types/place.h"

#define ASKER_SESSIONS_MAX 256 /* workers */

/* What the asker is held against. */
struct asker_workers {
	int32_t supervisor_pid;
	const char *supervisor_cgroups; /* /proc/self/cgroup of the supervisor */
	bool have_groups;               /* every worker is in a group of its own */
	int32_t sessions[ASKER_SESSIONS_MAX];
	size_t session_count;
};

/* False: `why` says so in one line, with the remedy. */
bool asker_may_change(const struct process_place *asker, const struct asker_workers *workers, char *why, size_t size);

struct asker_group {
	const char *at;
	size_t length;
};

/* The path of a worker's group, of any service (.../heapward-NAME/worker-*), that a line of `cgroups` is or is below; length 0:
 * none. A worker's group in which the supervisor itself stands does not count: it runs inside of that worker, as who asks does. */
struct asker_group asker_worker_group(const char *cgroups, const char *supervisor_cgroups);

#endif
