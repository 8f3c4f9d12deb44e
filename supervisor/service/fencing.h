/* SPDX-License-Identifier: Apache-2.0 */
/* fencing: the walls of one launch. See fencing.c. */
#ifndef SUPERVISOR_SERVICE_FENCING_H
#define SUPERVISOR_SERVICE_FENCING_H

#include "supervisor/core/fence.h"
#include "supervisor/edge/policy_syscalls.h"
#include "supervisor/edge/state_dir.h"
#include "supervisor/types/launch.h"

#include <limits.h>

struct service;

/* A path where it is, and as it is named. */
struct fencing_path {
	char real[PATH_MAX], named[PATH_MAX];
};

/* Paths that a launch borrows until it has been sent. */
struct fencing {
	struct fencing_path ours[FENCE_OURS_MAX], directory;
	char agent[PATH_MAX], processes[FENCE_PROCESSES][32];
	struct fence_places places; /* points to them */
	bool others_left_out;       /* more settings of other services than there is room for */
};

/* Adds the walls of the service's plan to `launch`, which borrows from `fencing`, policy and plan. */
void fencing_fill(struct fencing *fencing, const struct service *service, struct launch *launch);

/* The user's own lists of system calls that a policy names, with what they include; none where it names one of ours. */
int fencing_find_lists(const struct policy *policy, struct policy_syscalls_files *ret, struct failure *why);

/* Where all places of ours are but the agent's and the processes'. */
void fencing_find(struct fencing *fencing, const struct policy *policy, const struct plan_fence *fence, const char *policy_file,
		  const struct policy_syscalls_files *lists);

/* Whether there are more of other services' settings than there is room for; `room` is an empty one. */
bool fencing_leaves_others_out(struct fencing *room);

/* survey.c: what these walls come to on this machine, for the plan to say: fills closed, open and absent. `policy_file` NULL: there is none. */
void fencing_survey(const struct policy *policy, const struct plan_fence *fence, const char *policy_file, struct host_fence *ret);

/* survey.c: why the worker could not reach its working directory, by its user or by what is hidden; "" where it can. */
void fencing_reach(const struct policy *policy, char *text, size_t size);

#endif
