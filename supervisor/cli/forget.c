/* SPDX-License-Identifier: Apache-2.0 */
/* forget: removes what is kept of services that do not run: then status does not list them any more. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"

#include <stdio.h>
#include <string.h>

static int forget(const struct state_roots *roots, const char *name)
{
	struct failure why;
	if (state_forget(roots, name, &why) == 0) {
		printf("%s: forgotten\n", name);
		return EXIT_OK;
	}
	fprintf(stderr, "heapward: %s: not forgotten: %s\n", name, why.text);
	return 1;
}

int cli_forget(int argc, char **argv)
{
	struct state_roots roots;
	int status = EXIT_OK;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		puts("Usage: heapward forget NAME...\n"
		     "Removes what is kept of services that do not run: deaths, events, figures of\n"
		     "earlier runs, raised limits. Their policies stay. Exits 1 where one runs, or\n"
		     "nothing is kept of it.");
		return EXIT_OK;
	}
	if (argc < 2)
		return cli_wrong_usage("forget", "NAME...");
	for (int i = 1; i < argc; i++)
		if (!ask_name_valid(argv[i]))
			return EXIT_USAGE;
	state_roots_find(&roots);
	for (int i = 1; i < argc; i++)
		if (forget(&roots, argv[i]) != EXIT_OK)
			status = 1;
	return status;
}
