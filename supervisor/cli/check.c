/* SPDX-License-Identifier: Apache-2.0 */
/* check: prints every error of policy files, as a compiler does. */
#include "supervisor/cli/check_machine.h"
#include "supervisor/cli/check_syscalls.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/syscalls.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/policy_files.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
	"POLICY...\n"
	"       heapward check --diff FILE [LIST]\n"
	"Prints every error of each policy, its drop-ins and its list of system calls as\n"
	"file:line:column, with the line and a caret; warns of a user, a directory or a\n"
	"command that this machine does not have, and of a user that others share\n"
	"(nobody); the last line says where it would not start for that. A file named\n"
	"*.list is checked as a list of system calls.\n"
	"Exits 0 where there are no errors, else 2.\n\n"
	"  --diff FILE [LIST]  what the list of system calls FILE allows beyond LIST (a\n"
	"                      shipped list's name, or a path with a slash; default:\n"
	"                      server), where they allow other arguments, and what FILE\n"
	"                      closes. Exits 0 where FILE allows nothing that LIST does\n"
	"                      not, 1 where it does, 2 for errors.\n";

static bool is_list(const char *path)
{
	static const char suffix[] = ".list";
	size_t length = strlen(path), end = strlen(suffix);
	return length > end && strcmp(path + length - end, suffix) == 0;
}

static int check(const char *path, struct policy_errors *errors)
{
	struct policy policy;
	char stops[256];
	memset(errors, 0, sizeof(*errors));
	policy_init(&policy);
	(void)policy_files_load(&policy, path, errors);
	(void)policy_check(&policy, errors);
	check_syscalls(&policy, errors);
	check_machine(&policy, errors, stops, sizeof(stops));
	policy_finish(&policy);
	cli_print_errors(errors, stdout);
	if (errors->refusals > 0)
		return EXIT_USAGE;
	if (stops[0] == '\0')
		printf("%s: no errors\n", path);
	else
		printf("%s: no errors; would not start on this machine: %s (above)\n", path, stops);
	return EXIT_OK;
}

int cli_check(int argc, char **argv)
{
	int status = EXIT_OK;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward check %s", usage);
		return EXIT_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--diff") == 0) {
		if (argc < 3 || argc > 4)
			return cli_wrong_usage("check", "--diff FILE [LIST]");
		return cli_diff_syscalls(argv[2], argc == 4 ? argv[3] : "server");
	}
	int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	if (first >= argc || argv[first][0] == '-')
		return cli_wrong_usage("check", "POLICY...");
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (errors == NULL)
		return EXIT_SUPERVISOR;
	for (int i = first; i < argc; i++)
		if ((is_list(argv[i]) ? cli_check_syscalls(argv[i]) : check(argv[i], errors)) != EXIT_OK)
			status = EXIT_USAGE;
	free(errors);
	return status;
}
