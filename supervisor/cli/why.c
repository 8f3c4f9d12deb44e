/* SPDX-License-Identifier: Apache-2.0 */
/* why: explains a death from the disk; needs no supervisor. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/death.h"
#include "supervisor/edge/loop.h"

#include <stdio.h>
#include <string.h>

#define NTH_MAX 100000

static const char usage[] =
	"[NAME] [N] [--json]\n"
	"Explains the last (or N-th last) end of a worker of the service, planned ends\n"
	"included; no NAME: the latest of all services here.\n";

struct why_options {
	const char *name;
	unsigned nth;
	bool json;
};

static bool read_nth(const char *text, unsigned *ret)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number == 0 || number > NTH_MAX)
		return false;
	*ret = (unsigned)number;
	return true;
}

/* Returns 0, or the status to leave with; EXIT_USAGE after a complaint. */
static int read_options(int argc, char **argv, struct why_options *ret)
{
	bool has_nth = false;
	*ret = (struct why_options){ .nth = 1 };
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ret->json = true;
		else if (argv[i][0] == '-' || has_nth)
			return cli_wrong_usage("why", "[NAME] [N] [--json]");
		else if (read_nth(argv[i], &ret->nth))
			has_nth = true;
		else if (ret->name != NULL)
			return cli_wrong_usage("why", "[NAME] [N] [--json]");
		else if (!ask_name_valid(argv[i]))
			return EXIT_USAGE;
		else
			ret->name = argv[i];
	}
	return 0;
}

static int explain(const struct why_options *options)
{
	struct failure why;
	struct state_roots roots;
	char latest[POLICY_NAME_MAX];
	cleanup_free char *json = NULL;
	const char *name = options->name;
	state_roots_find(&roots);
	if (name == NULL && state_latest_death(&roots, latest, &why) == 0)
		name = latest;
	if (name == NULL || state_read_death(&roots, name, options->nth, &json, &why) < 0) {
		fprintf(stderr, "heapward: %s\n", why.text);
		return 1;
	}
	if (options->json) {
		fputs(json, stdout);
		return EXIT_OK;
	}
	cleanup_free char *text = death_text(json, loop_now_realtime_usec());
	if (text == NULL) {
		fprintf(stderr, "heapward: %s: the kept death cannot be read\n", name);
		return 1;
	}
	fputs(text, stdout);
	return EXIT_OK;
}

int cli_why(int argc, char **argv)
{
	struct why_options options;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward why %s", usage);
		return EXIT_OK;
	}
	int status = read_options(argc, argv, &options);
	return status != 0 ? status : explain(&options);
}
