/* SPDX-License-Identifier: Apache-2.0 */
/* fencing: the walls of one launch. See fencing.c. */
#ifndef SUPERVISOR_SERVICE_FENCING_H
#define SUPERVISOR_SERVICE_FENCING_H

#include "supervisor/core/fence.h"
#include "supervisor/edge/state_dir.h"
#include "supervisor/types/launch.h"

#include <limits.h>

struct service;

/* Paths that a launch borrows until it has been sent. */
struct fencing {
	struct state_roots roots;
	char policy_file[PATH_MAX], drop_ins[PATH_MAX], environment_file[PATH_MAX], agent[PATH_MAX], directory[PATH_MAX];
	char programs[FENCE_PROGRAMS][PATH_MAX], processes[FENCE_PROCESSES][32];
};

/* Adds the walls of the service's plan to `launch`, which borrows from `fencing`, policy and plan. */
void fencing_fill(struct fencing *fencing, const struct service *service, struct launch *launch);

#endif
