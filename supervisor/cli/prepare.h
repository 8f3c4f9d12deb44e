/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: from a command line to a plan: policy, environment, host, cgroups and the figures of earlier runs. What
 * `run` starts and `explain` prints is the same. */
#ifndef SUPERVISOR_CLI_PREPARE_H
#define SUPERVISOR_CLI_PREPARE_H

#include "supervisor/cli/cli.h"
#include "supervisor/edge/cgroup.h"

struct prepared {
	struct policy policy;
	struct host host;
	struct plan plan;
	struct cgroup_tree tree;
	char name[POLICY_NAME_MAX];
	char **command; /* of the policy, which owns it; NULL: none */
};

/* Prints every error itself, to `complaints`. `tree` is where this process stands, found before it moved; NULL: found now.
 * Returns 0, or the exit status to leave with; prepared_finish is right after both. */
int prepare(const struct run_options *options, const struct cgroup_tree *tree, FILE *complaints, struct prepared *ret);
void prepared_finish(struct prepared *prepared);

#endif
