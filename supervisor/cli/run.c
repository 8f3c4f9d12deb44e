/* SPDX-License-Identifier: Apache-2.0 */
/* run: policy, plan, and then the service until it ends. */
#include "supervisor/cli/cli.h"
#include "supervisor/cli/prepare.h"
#include "supervisor/core/plan.h"
#include "supervisor/service/service.h"

#include <stdio.h>

static const char usage[] =
	"[OPTION]... [--] COMMAND [ARG]...\n"
	"Supervises COMMAND (or service.command of the policy) under a memory cap in the kernel and in V8.\n\n"
	"  -p, --policy FILE      policy file (drop-ins beside it, in NAME.policy.d/, too)\n"
	"  -n, --name NAME        name of the service; default: the directory's name\n"
	"  -m, --memory-max SIZE  memory.max, such as 512M\n"
	"  --set SECTION.KEY=VALUE\n\n"
	"Exits 0 when stopped on request; else with the worker's own status; 128+N for signal N;\n"
	"2 usage or policy error; 125 heapward itself failed; 126 cannot execute; 127 not found.\n";

static void print_refusals(const struct prepared *prepared)
{
	for (size_t i = 0; i < prepared->plan.remark_count; i++)
		if (prepared->plan.remarks[i].refusal)
			fprintf(stderr, "heapward: %s: %s\n", prepared->name, prepared->plan.remarks[i].text);
}

static int run(struct prepared *prepared, const struct run_options *options)
{
	struct service_setup setup = {
		.name = prepared->name,
		.command = prepared->command,
		.policy = &prepared->policy,
		.plan = &prepared->plan,
		.host = &prepared->host,
		.tree = &prepared->tree,
		.policy_file = options->policy_path == NULL ? "" : options->policy_path,
	};
	if (prepared->command == NULL || prepared->command[0] == NULL) {
		fprintf(stderr, "heapward: %s: nothing to run: name a COMMAND, or service.command in the policy\n",
			prepared->name);
		return EXIT_USAGE;
	}
	if (!plan_is_startable(&prepared->plan)) {
		print_refusals(prepared);
		return EXIT_USAGE;
	}
	return service_run(&setup);
}

int cli_run(int argc, char **argv)
{
	struct run_options options;
	bool done = false;
	int status = run_options_read(&options, argc, argv, usage, &done);
	if (status != 0 || done)
		return status;
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	if (prepared == NULL)
		return EXIT_SUPERVISOR;
	status = prepare(&options, prepared);
	if (status == 0)
		status = run(prepared, &options);
	prepared_finish(prepared);
	free(prepared);
	return status;
}
