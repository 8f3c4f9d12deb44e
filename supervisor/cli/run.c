/* SPDX-License-Identifier: Apache-2.0 */
/* run: policy, plan, and then the service until it ends. */
#include "supervisor/cli/cli.h"
#include "supervisor/cli/prepare.h"
#include "supervisor/cli/run.h"
#include "supervisor/core/plan.h"
#include "supervisor/edge/self.h"
#include "supervisor/service/service.h"

#include <stdio.h>

static const char usage[] =
	"[OPTION]... [--] COMMAND [ARG]...\n"
	"Supervises COMMAND (or service.command of the policy) under a memory cap in the\n"
	"kernel and in V8.\n\n"
	"  -p, --policy FILE      policy file; for web.yaml the drop-ins in web.policy.d/\n"
	"                         beside it, too\n"
	"  -n, --name NAME        name of the service; default: the directory's name\n"
	"  -m, --memory-max SIZE  memory.max, such as 512M\n"
	"  --set SECTION.KEY=VALUE\n\n"
	"Exits 0 when stopped on request; else with the worker's own status; 128+N for\n"
	"signal N; 2 usage or policy error; 125 heapward itself failed; 126 cannot\n"
	"execute; 127 not found.\n";

/* What one service_setup is made of; the setup comes first, so that one pointer stands for both. */
struct launchable {
	struct service_setup setup;
	struct prepared prepared;
	const struct run_options *options;
};

static void release(struct service_setup *setup)
{
	struct launchable *launchable = (struct launchable *)setup;
	prepared_finish(&launchable->prepared);
	free(launchable);
}

static void print_refusals(const struct prepared *prepared, FILE *complaints)
{
	for (size_t i = 0; i < prepared->plan.remark_count; i++)
		if (prepared->plan.remarks[i].refusal)
			fprintf(complaints, "heapward: %s: %s\n", prepared->name, prepared->plan.remarks[i].text);
}

static int check(const struct prepared *prepared, FILE *complaints)
{
	if (prepared->command == NULL || prepared->command[0] == NULL) {
		fprintf(complaints, "heapward: %s: nothing to run: name a COMMAND, or service.command in the policy\n",
			prepared->name);
		return EXIT_USAGE;
	}
	if (plan_is_startable(&prepared->plan))
		return 0;
	print_refusals(prepared, complaints);
	return EXIT_USAGE;
}

static struct service_setup *renew(const struct service_setup *setup, FILE *complaints);

static void fill_setup(struct launchable *launchable)
{
	struct prepared *prepared = &launchable->prepared;
	const struct run_options *options = launchable->options;
	launchable->setup = (struct service_setup){
		.name = prepared->name,
		.command = prepared->command,
		.policy = &prepared->policy,
		.plan = &prepared->plan,
		.host = &prepared->host,
		.tree = &prepared->tree,
		.policy_file = options->policy_path == NULL ? "" : options->policy_path,
		.learning = options->learning,
		.renew = renew,
		.release = release,
	};
}

/* The setup, or NULL with *ret_status to leave with. */
static struct service_setup *make(const struct run_options *options, const struct cgroup_tree *tree, FILE *complaints,
				  int *ret_status)
{
	struct launchable *launchable = calloc(1, sizeof(*launchable));
	*ret_status = EXIT_SUPERVISOR;
	if (launchable == NULL)
		return NULL;
	launchable->options = options;
	*ret_status = prepare(options, tree, complaints, &launchable->prepared);
	if (options->learning != NULL) /* what ends has been learnt; a second life would go into the same list */
		launchable->prepared.policy.restart.when = RESTART_WHEN_NEVER;
	fill_setup(launchable);
	if (*ret_status == 0)
		*ret_status = check(&launchable->prepared, complaints);
	if (*ret_status == 0)
		return &launchable->setup;
	release(&launchable->setup);
	return NULL;
}

static struct service_setup *renew(const struct service_setup *setup, FILE *complaints)
{
	int status;
	return make(((const struct launchable *)setup)->options, setup->tree, complaints, &status);
}

struct service_setup *run_make(const struct run_options *options, int *ret_status)
{
	return make(options, NULL, stderr, ret_status);
}

int cli_run(int argc, char **argv)
{
	struct run_options options;
	bool done = false;
	self_hide();
	int status = run_options_read(&options, argc, argv, usage, &done);
	if (status != 0 || done)
		return status;
	struct service_setup *setup = run_make(&options, &status);
	return setup == NULL ? status : service_run(setup);
}
