/* SPDX-License-Identifier: Apache-2.0 */
/* set: memory.max and old space of a service that runs. What is no setting at all is told here, without asking. */
#include "supervisor/cli/ask.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/relimit.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "NAME memory.max=SIZE|heap.old_space=SIZE... [--save]";

static void print_help(void)
{
	printf("Usage: heapward set %s\n"
	       "Changes the limits of a service that runs, in both directions, without a\n"
	       "restart; other keys take a new policy and heapward reload:\n\n"
	       "  memory.max=600M      the cap in the kernel; none: no cap of its own\n"
	       "  heap.old_space=400M  V8's old space in every process; also auto and \"75%% of\n"
	       "                       memory.max\"\n"
	       "  --save               keep what is named here, beside the policy file: for\n"
	       "                       web.yaml in web.policy.d/%s\n\n"
	       "Where old space is auto it follows memory.max. What is not saved lasts until the\n"
	       "policy is read again (heapward reload) or the service stops; a worker that\n"
	       "starts in between has it, too.\n", usage,
	       RELIMIT_DROP_IN);
}

/* The request's argument, a line for each setting. */
static int read_words(int argc, char **argv, const char **ret_name, char argument[static CONTROL_ARGUMENT_MAX])
{
	size_t length = 0, settings = 0;
	bool save = false;
	*ret_name = NULL;
	for (int i = 1; i < argc; i++)
		save = save || strcmp(argv[i], "--save") == 0;
	length = (size_t)snprintf(argument, CONTROL_ARGUMENT_MAX, "%s", save ? CONTROL_SET_SAVE : "");
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--save") == 0)
			continue;
		if (argv[i][0] == '-')
			return -1;
		if (*ret_name == NULL) {
			*ret_name = argv[i];
			continue;
		}
		settings++;
		length += (size_t)snprintf(argument + length, CONTROL_ARGUMENT_MAX - length, "\n%s", argv[i]);
		if (length >= CONTROL_ARGUMENT_MAX)
			return -1;
	}
	return settings > 0 ? 0 : -1;
}

static int check(const char *argument)
{
	struct relimit_wish wish;
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (errors == NULL)
		return EXIT_SUPERVISOR;
	int result = relimit_read(strchr(argument, '\n') + 1, &wish, errors);
	cli_print_errors(errors, stderr);
	return result < 0 ? EXIT_USAGE : EXIT_OK;
}

static int ask_supervisor(const char *name, const char *argument)
{
	struct state_roots roots;
	struct failure why;
	struct control_reply reply = { 0 };
	state_roots_find(&roots);
	if (ask(&roots, name, CONTROL_SET, argument, &reply, &why) < 0) {
		fprintf(stderr, "heapward: %s: %s\n", name, why.text);
		return 1;
	}
	if (reply.result == CONTROL_OK)
		fputs(reply.text, stdout);
	else
		fprintf(stderr, "heapward: %s: refused: %s\n", name, reply.text);
	int status = reply.result == CONTROL_OK ? EXIT_OK : 1;
	free(reply.text);
	return status;
}

int cli_set(int argc, char **argv)
{
	char argument[CONTROL_ARGUMENT_MAX];
	const char *name;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_help();
		return EXIT_OK;
	}
	if (read_words(argc, argv, &name, argument) < 0)
		return cli_wrong_usage("set", usage);
	if (!ask_name_valid(name))
		return EXIT_USAGE;
	int status = check(argument);
	return status != EXIT_OK ? status : ask_supervisor(name, argument);
}
