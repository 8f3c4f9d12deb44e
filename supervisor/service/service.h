/* SPDX-License-Identifier: Apache-2.0 */
/* service: one supervised service from its first launch to its last line: the queue of events, decide(), and the
 * actions that follow. The only room that knows both core and edge. */
#ifndef SUPERVISOR_SERVICE_SERVICE_H
#define SUPERVISOR_SERVICE_SERVICE_H

#include "base/failure.h"
#include "supervisor/core/syscall_learnt.h"
#include "supervisor/edge/cgroup.h"
#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/relimit.h"

#include <stdio.h>

/* `learn`: the filter is no policy's, and what the workers call is let through and counted. */
struct learning {
	struct syscall_learnt learnt;
	const char *file;           /* that the list is written to, kept from the worker; NULL: none */
	struct syscall_list filter; /* what is not to be counted */
	uint64_t workers;           /* that have been launched */
	int refused;                /* errno: there can be no listener, and nothing is learnt */
};

/* What a worker is launched from. A reload makes a new one; its maker releases it. */
struct service_setup {
	const char *name;
	char **command;
	struct policy *policy;          /* two keys of it can be set while it runs */
	struct relimit relimit;         /* what that has changed since it was loaded */
	struct plan *plan;              /* resolved again after a raise or a set */
	struct host *host;              /* its memory figures are read again before each start */
	const struct cgroup_tree *tree;
	const char *policy_file;        /* "" where there is none */
	struct learning *learning;      /* NULL: none; borrowed, and the same after a reload */

	/* Reads the policy again, as at the start. NULL where it is refused; every error is printed to `complaints`. */
	struct service_setup *(*renew)(const struct service_setup *setup, FILE *complaints);
	void (*release)(struct service_setup *setup);
};

/* Supervises until decide() finishes; takes over `setup`. Returns the exit status of `run`; 125 where the supervisor itself could not work,
 * which has then been said on stderr. */
int service_run(struct service_setup *setup);

#endif
