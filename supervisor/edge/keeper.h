/* SPDX-License-Identifier: Apache-2.0 */
/* keeper: starts the tiny process that outlives a killed supervisor just long enough to kill the worker's groups and
 * remove them, and tells it what it must know. */
#ifndef SUPERVISOR_EDGE_KEEPER_H
#define SUPERVISOR_EDGE_KEEPER_H

#include "base/failure.h"
#include "supervisor/edge/cgroup.h"

struct keeper {
	int pid, pid_fd;
	int pipe_fd; /* our end: its closing, in any way, is the keeper's signal */
};

/* Starts heapward-keeper by descriptor, before the first worker. `service` NULL: no cgroup, sessions only. `runtime_dir`
 * (NULL: none) is the service's directory below /run whose socket and lock files it removes as well. */
int keeper_start(struct keeper *ret, int program_fd, const struct cgroup_service *service, const char *runtime_dir,
		 struct failure *why);

/* Tells it the session of a worker, for hosts without cgroups. */
int keeper_add_session(struct keeper *keeper, int32_t session, struct failure *why);

/* Orderly end: nothing is left to kill; waits for it (bounded) and closes. */
void keeper_finish(struct keeper *keeper);

#endif
