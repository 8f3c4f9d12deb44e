/* SPDX-License-Identifier: Apache-2.0 */
/* prepare: see prepare.h. */
#include "supervisor/cli/prepare.h"
#include "supervisor/core/environment.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/raise.h"
#include "supervisor/edge/host_probe.h"
#include "supervisor/edge/policy_files.h"
#include "supervisor/edge/state_dir.h"
#include "supervisor/edge/user.h"
#include "supervisor/service/fencing.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

/* -n and service.name, else the name of the directory that the worker runs in. */
static int find_name(struct prepared *prepared, FILE *complaints)
{
	char *directory;
	if (prepared->policy.service.name[0] != '\0') {
		snprintf(prepared->name, sizeof(prepared->name), "%s", prepared->policy.service.name);
		return 0;
	}
	directory =
		realpath(prepared->policy.service.directory == NULL ? "." : prepared->policy.service.directory, NULL);
	if (directory == NULL) {
		fprintf(complaints, "heapward: the working directory is gone; name the service with -n\n");
		return EXIT_USAGE;
	}
	policy_name_from_directory(directory, prepared->name);
	free(directory);
	return 0;
}

/* The environment as the worker will see it, but for what the plan adds. */
static int build_environment(const struct policy *policy, struct words *ret, struct failure *why)
{
	cleanup(words_finish) struct words file = { 0 };
	struct environment environment = { .inherited = environ,
					   .keep = &policy->service.environment_keep,
					   .drop = &policy->service.environment_drop,
					   .file = &file,
					   .set = &policy->service.environment_set };
	if (policy->service.environment_file != NULL &&
	    policy_files_read_environment(policy->service.environment_file, &file, why) < 0)
		return failed_in(why, "service.environment.file");
	return environment_build(&environment, ret, why);
}

static void read_figures(const char *name, struct host *host)
{
	struct state_roots roots;
	struct state_figures figures;
	state_roots_find(&roots);
	state_dir_read_figures(&roots, name, &figures);
	host->peak_bytes = figures.peak_bytes;
	host->peak_runs = figures.peak_runs;
	host->buffers_bytes = figures.buffers_bytes;
	host->start_usec = figures.start_usec;
}

/* What earlier fatal heap-limit errors raised counts while the policy's limits are those that it rests on. */
static void read_raises(struct prepared *prepared)
{
	struct state_roots roots;
	struct raises *raises = &prepared->host.raises;
	char policy[RAISE_POLICY_MAX];
	state_roots_find(&roots);
	raise_policy(&prepared->policy, policy);
	state_dir_read_raises(&roots, prepared->name, raises);
	if (strcmp(policy, raises->policy) != 0)
		*raises = (struct raises){ 0 };
	memcpy(raises->policy, policy, sizeof(policy));
}

/* Whether there is such a user is a question of this machine, not of the policy's form. */
static void probe_user(struct prepared *prepared)
{
	struct user user;
	struct failure why;
	const char *name = prepared->policy.sandbox.user;
	if (name != NULL && user_find(&user, name, &why) < 0)
		snprintf(prepared->host.worker_user_problem, sizeof(prepared->host.worker_user_problem), "%s", why.text);
}

static int complain(const struct prepared *prepared, const struct failure *why, int status, FILE *complaints)
{
	fprintf(complaints, "heapward: %s: %s\n", prepared->name, why->text);
	return status;
}

static int find_tree(const struct cgroup_tree *tree, struct prepared *ret, FILE *complaints)
{
	struct failure why;
	if (tree != NULL)
		ret->tree = *tree;
	else if (cgroup_tree_find(&ret->tree, "/sys/fs/cgroup", &why) < 0)
		return complain(ret, &why, EXIT_SUPERVISOR, complaints);
	return 0;
}

int prepare(const struct run_options *options, const struct cgroup_tree *tree, FILE *complaints, struct prepared *ret)
{
	struct failure why;
	cleanup(words_finish) struct words environment = { 0 };
	memset(ret, 0, sizeof(*ret));
	int status = run_options_policy(options, &ret->policy, complaints);
	if (status == 0)
		status = find_name(ret, complaints);
	if (status != 0)
		return status;
	ret->command = ret->policy.service.command.list;
	if (build_environment(&ret->policy, &environment, &why) < 0)
		return complain(ret, &why, EXIT_USAGE, complaints);
	host_probe(&ret->host, ret->command, environment.list, ret->policy.service.directory);
	status = find_tree(tree, ret, complaints);
	if (status != 0)
		return status;
	cgroup_tree_describe(&ret->tree, &ret->host);
	probe_user(ret);
	fencing_reach(&ret->policy, ret->host.unreached, sizeof(ret->host.unreached));
	if (ret->policy.from_file || plan_wants_fence(&ret->policy)) /* else a bare run pays for what it does not use */
		host_probe_fence(&ret->host.fence);
	ret->host.attach_takes_admin = geteuid() == 0 && ret->policy.service.listen.count > 0 && host_probe_attach_takes_admin();
	read_figures(ret->name, &ret->host);
	read_raises(ret);
	plan_resolve(&ret->policy, &ret->host, ret->command, &ret->plan);
	if (!ret->plan.fence.wanted)
		return 0;
	/* Then again: what is chosen comes to something on this machine that has to be said. */
	fencing_survey(&ret->policy, &ret->plan.fence, options->policy_path, &ret->host.fence);
	plan_resolve(&ret->policy, &ret->host, ret->command, &ret->plan);
	return 0;
}

void prepared_finish(struct prepared *prepared)
{
	policy_finish(&prepared->policy);
}
