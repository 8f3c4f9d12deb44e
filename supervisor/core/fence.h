/* SPDX-License-Identifier: Apache-2.0 */
/* fence: what the walls of a plan are made of: which paths are left to the worker in which way, which ports; and the lines that say
 * so. Pure: paths are words here, heapward-child finds them. */
#ifndef SUPERVISOR_CORE_FENCE_H
#define SUPERVISOR_CORE_FENCE_H

#include "supervisor/types/launch.h"
#include "supervisor/types/plan.h"

#define FENCE_TEXT_MAX 640

#define FENCE_OTHERS_MAX 64
#define FENCE_ORDERS_MAX 24
#define FENCE_OURS_MAX (64 + FENCE_OTHERS_MAX + FENCE_ORDERS_MAX)

enum { FENCE_PROCESSES = 2 };

enum fence_kind {
	FENCE_SECRET,  /* state and runtime directory: nothing to be seen of */
	FENCE_SETTING, /* policy, drop-ins, lists of system calls, environment file */
	FENCE_PROGRAM, /* what heapward is run from */
	FENCE_OTHERS,  /* settings of this user's other services; by mounts only */
	FENCE_HOME,    /* what its user's next shell, login or session runs, or trusts */
	FENCE_ORDERS,  /* sockets whose names are not known before; the same */
};

/* A place of ours; paths NULL or "": there is none. */
struct fence_place {
	enum fence_kind kind;
	const char *path;  /* real */
	const char *named; /* absolute, as it was named: maybe by way of links */
};

/* Places of ours and of the service; NULL or "" where there is none. */
struct fence_places {
	struct fence_place ours[FENCE_OURS_MAX];
	size_t ours_count;
	const char *agent_directory;
	const char *processes[FENCE_PROCESSES]; /* directories of /proc: the supervisor's and the keeper's */
	const char *directory, *directory_named; /* that the worker runs in: real, and as it was named */
};

/* Fills fence, paths and ports of a launch. The paths are borrowed from policy and places. */
void fence_fill(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		struct launch *launch);

/* True where by Landlock this place of ours is not kept from the worker: the directory that it is in would take no new entries, which the
 * worker's own, what the policy gives it, and /tmp must. */
bool fence_leaves_open(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		       const struct fence_place *place);

/* What a launch, whose paths are real, leaves of a path. */
enum launch_access fence_left(const struct launch *launch, const char *path);

/* For people: "system and heapward's own read-only (mounts)"; "none". */
void fence_files_text(const struct plan_fence *fence, char text[static FENCE_TEXT_MAX]);
void fence_network_text(const struct policy *policy, const struct plan_fence *fence, char text[static FENCE_TEXT_MAX]);

#endif
