/* SPDX-License-Identifier: Apache-2.0 */
/* keeper: starts the tiny process that outlives a killed supervisor just long enough to kill the worker's groups and
 * remove them, and tells it what it must know. Knows the job as a value, not where it comes from. */
#ifndef SUPERVISOR_EDGE_KEEPER_H
#define SUPERVISOR_EDGE_KEEPER_H

#include "base/failure.h"
#include "supervisor/types/keeper.h"

struct keeper {
	int32_t pid;
	int pid_fd;  /* readable once the keeper is dead, which it should never be before keeper_finish */
	int pipe_fd; /* our end: its closing, in any way, is the keeper's signal */
};

/* Starts heapward-keeper by descriptor, before the first worker and after cgroup_service_make. The job's descriptors are
 * the caller's and stay so. Returns once the program runs. The caller ignores SIGPIPE. */
int keeper_start(struct keeper *ret, int program_fd, const struct keeper_job *job, struct failure *why);

/* Tell it the session of a worker, for hosts without cgroups, and that it is gone: its number may come back as somebody
 * else's. */
int keeper_add_session(struct keeper *keeper, int32_t session, struct failure *why);
int keeper_drop_session(struct keeper *keeper, int32_t session, struct failure *why);

/* Tell it the inode of a UNIX socket that was made since the job was sent, by its index there: what has another one stays. */
int keeper_own_socket(struct keeper *keeper, size_t index, uint64_t dev, uint64_t ino, struct failure *why);

/* Orderly end, once no worker is left and before cgroup_service_remove: the keeper leaves and touches nothing. Waits for
 * it (bounded), reaps it and closes. Safe on a keeper that has died, and after itself. */
void keeper_finish(struct keeper *keeper);

#endif
