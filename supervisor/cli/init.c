/* SPDX-License-Identifier: Apache-2.0 */
/* init: prints a commented starter policy for a command on this machine; writes no file. */
#include "supervisor/cli/cli.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_starter.h"
#include "supervisor/edge/cgroup.h"
#include "supervisor/edge/host_probe.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

static const char usage[] = "[--] [COMMAND [ARG]...]\n"
			    "Prints a commented starter policy for COMMAND on this machine. Begin with:\n\n"
			    "  heapward init -- node server.js > web.yaml\n";

static int print_starter(char *const *command)
{
	struct failure ignored; /* no cgroup: the machine's memory decides alone */
	char name[POLICY_NAME_MAX] = "service";
	cleanup_free struct host *host = calloc(1, sizeof(*host));
	cleanup_free struct cgroup_tree *tree = calloc(1, sizeof(*tree));
	cleanup_free char *directory = realpath(".", NULL);
	if (host == NULL || tree == NULL)
		return EXIT_SUPERVISOR;
	host_probe(host, command, environ, NULL);
	if (cgroup_tree_find(tree, "/sys/fs/cgroup", &ignored) == 0)
		cgroup_tree_describe(tree, host);
	if (directory != NULL)
		policy_name_from_directory(directory, name);
	cleanup_free char *text = policy_starter(name, command, host);
	if (text == NULL)
		return EXIT_SUPERVISOR;
	fputs(text, stdout);
	return EXIT_OK;
}

int cli_init(int argc, char **argv)
{
	int first = 1;
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("Usage: heapward init %s", usage);
		return EXIT_OK;
	}
	if (argc > 1 && strcmp(argv[1], "--") == 0)
		first = 2;
	else if (argc > 1 && argv[1][0] == '-')
		return cli_wrong_usage("init", "[--] [COMMAND [ARG]...]");
	return print_starter(argv + first);
}
