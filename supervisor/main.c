/* SPDX-License-Identifier: Apache-2.0 */
/* main: argv to sub-command. */
#include "supervisor/cli/cli.h"
#include "supervisor/core/printable.h"
#include "supervisor/core/suggest.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments;
	const char *help;
} commands[] = {
	{ "run", cli_run, "[OPTION]... [--] COMMAND...", "supervise a server under a memory cap" },
	{ "check", cli_check, "POLICY... | --diff FILE", "every error of policies; compare lists" },
	{ "explain", cli_explain, "[OPTION]... [--] [COMMAND...]", "print the plan; start nothing" },
	{ "init", cli_init, "[--] [COMMAND...]", "print a starter policy for a command" },
	{ "status", cli_external, "[NAME]...", "all services; NAME: one in full" },
	{ "ready", cli_ready, "NAME", "exit 0 when ready, else 1" },
	{ "why", cli_why, "[NAME] [N]", "explain the last (N-th last) end" },
	{ "logs", cli_logs, "NAME [-f]", "events and the worker's last output" },
	{ "stop", cli_stop, "NAME", "stop a service and its supervisor" },
	{ "drain", cli_drain, "NAME", "stop, and lose no request" },
	{ "set", cli_set, "NAME KEY=VALUE...", "memory.max, old space, as it runs" },
	{ "reload", cli_reload, "NAME", "read the policy again" },
	{ "restart", cli_restart, "NAME", "replace the worker by a new one" },
	{ "reset", cli_reset, "NAME", "let a failed service start again" },
	{ "learn", cli_learn, "[-o FILE] [--] COMMAND...", "list the system calls that it makes" },
	{ "forget", cli_forget, "NAME...", "remove what is kept of a service" },
};

static void print_usage(FILE *stream)
{
	fputs("Usage: heapward COMMAND ...\n"
	      "A sandboxed process supervisor for servers on a managed heap (Node.js/V8).\n\n", stream);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(stream, "  %-8s%-30s%s\n", commands[i].name, commands[i].arguments, commands[i].help);
	fputs("\nheapward COMMAND --help says more; so does the manual page heapward(1).\n", stream);
}

static void complain(const char *word)
{
	char shown[64];
	struct suggest suggest;
	suggest_init(&suggest, word);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		suggest_offer(&suggest, commands[i].name, strlen(commands[i].name));
	fprintf(stderr, "heapward: no command \"%s\"", printable_copy(shown, sizeof(shown), word));
	if (suggest_best(&suggest) != NULL)
		fprintf(stderr, "; did you mean \"%s\"?\n", suggest_best(&suggest));
	else
		fputs("; see heapward --help\n", stderr);
}

static int dispatch(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(argc, argv);
	complain(argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, ""); /* not LC_ALL: the decimal point of our JSON is a point */
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("heapward " HEAPWARD_VERSION);
		return EXIT_OK;
	}
	return dispatch(argc - 1, argv + 1);
}
