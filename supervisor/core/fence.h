/* SPDX-License-Identifier: Apache-2.0 */
/* fence: what the walls of a plan are made of: which paths are left to the worker in which way, which ports; and the lines that say
 * so. Pure: paths are words here, heapward-child finds them. */
#ifndef SUPERVISOR_CORE_FENCE_H
#define SUPERVISOR_CORE_FENCE_H

#include "supervisor/types/launch.h"
#include "supervisor/types/plan.h"

#define FENCE_TEXT_MAX 400

enum { FENCE_PROGRAMS = 3, FENCE_PROCESSES = 2 };

/* Places of ours and of the service; NULL or "" where there is none. */
struct fence_places {
	const char *runtime_root, *state_root; /* "/run/heapward" */
	const char *policy_file, *drop_ins, *environment_file;
	const char *agent_directory;
	const char *programs[FENCE_PROGRAMS];   /* ours, which may stand where the worker can write */
	const char *processes[FENCE_PROCESSES]; /* directories of /proc: the supervisor's and the keeper's */
	const char *directory; /* that the worker runs in, absolute */
};

/* Fills fence, paths and ports of a launch. The paths are borrowed from policy and places. */
void fence_fill(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		struct launch *launch);

/* For people: "system and heapward's own read-only (mounts)"; "none". */
void fence_files_text(const struct plan_fence *fence, char text[static FENCE_TEXT_MAX]);
void fence_network_text(const struct policy *policy, const struct plan_fence *fence, char text[static FENCE_TEXT_MAX]);

#endif
