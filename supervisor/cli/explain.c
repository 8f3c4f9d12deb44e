/* SPDX-License-Identifier: Apache-2.0 */
/* explain: prints the plan that `run` with the same arguments would start from. Starts nothing. */
#include "supervisor/core/explain.h"
#include "supervisor/cli/ask.h"
#include "supervisor/cli/prepare.h"
#include "supervisor/core/plan.h"

#include <stdio.h>

static const char usage[] =
	"[OPTION]... [--] [COMMAND [ARG]...]\n"
	"Prints the plan: every number, its rule, its inputs. Starts nothing. Exits 2\n"
	"where run would refuse.\n"
	"With -n alone: the plan of the service that runs by that name.\n\n"
	"  -p, --policy FILE      policy file; for web.yaml the drop-ins in web.policy.d/\n"
	"                         beside it, too\n"
	"  -n, --name NAME        name of the service\n"
	"  -m, --memory-max SIZE  memory.max, such as 512M\n"
	"  --set SECTION.KEY=VALUE\n"
	"  --sandbox              only how the worker is confined: a checklist of 100\n"
	"                         points, and what each weaker choice costs\n"
	"  --json                 for scripts; has both\n";

static const char *form_of(const struct run_options *options)
{
	return options->json ? EXPLAIN_JSON : options->sandbox ? EXPLAIN_SANDBOX : "";
}

static int print(const struct prepared *prepared, const char *form)
{
	char *text = explain_as(form, &prepared->plan, &prepared->policy, &prepared->host, prepared->name);
	if (text == NULL) {
		fputs("heapward: out of memory\n", stderr);
		return EXIT_SUPERVISOR;
	}
	fputs(text, stdout);
	free(text);
	return plan_is_startable(&prepared->plan) ? EXIT_OK : EXIT_USAGE;
}

/* -n NAME and nothing else asks for the plan of the service that runs by that name. */
static bool asks_a_service(const struct run_options *options)
{
	return options->name != NULL && options->policy_path == NULL && options->memory_max == NULL &&
	       options->setting_count == 0 && options->command[0] == NULL;
}

static int print_running(const struct run_options *options)
{
	struct state_roots roots;
	struct failure why;
	struct control_reply reply = { 0 };
	state_roots_find(&roots);
	int result = ask(&roots, options->name, CONTROL_EXPLAIN, form_of(options), &reply, &why);
	if (result < 0)
		fprintf(stderr, "heapward: %s; heapward explain -p, with its policy, shows a plan without it\n", why.text);
	else
		fputs(reply.text, reply.result == CONTROL_OK ? stdout : stderr);
	free(reply.text);
	return result < 0 || reply.result != CONTROL_OK ? 1 : EXIT_OK;
}

int cli_explain(int argc, char **argv)
{
	struct run_options options;
	bool done = false;
	int status = run_options_read(&options, argc, argv, usage, &done);
	if (status != 0 || done)
		return status;
	if (asks_a_service(&options))
		return print_running(&options);
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	if (prepared == NULL)
		return EXIT_SUPERVISOR;
	status = prepare(&options, NULL, stderr, prepared);
	if (status == 0)
		status = print(prepared, form_of(&options));
	prepared_finish(prepared);
	free(prepared);
	return status;
}
