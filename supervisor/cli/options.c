/* SPDX-License-Identifier: Apache-2.0 */
/* options: what `run` and `explain` take on their command lines, and the layers of policy that it makes. */
#include "supervisor/cli/check_syscalls.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/printable.h"
#include "supervisor/edge/policy_files.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_SET = 256, OPTION_JSON, OPTION_SANDBOX };

void cli_print_errors(const struct policy_errors *errors, FILE *stream)
{
	char text[2048];
	for (size_t i = 0; i < errors->count; i++) {
		policy_error_format(&errors->list[i], text, sizeof(text));
		fputs(text, stream);
	}
	if (errors->more > 0)
		fprintf(stream, "%zu more errors and warnings are not shown\n", errors->more);
}

int cli_wrong_usage(const char *command, const char *usage)
{
	fprintf(stderr, "Usage: heapward %s %s\nheapward %s --help says more.\n", command, usage, command);
	return EXIT_USAGE;
}

static int add_setting(struct run_options *options, const char *setting)
{
	if (options->setting_count == ARRAY_LEN(options->settings)) {
		fprintf(stderr, "heapward: more than %zu --set; write a policy file\n", ARRAY_LEN(options->settings));
		return EXIT_USAGE;
	}
	options->settings[options->setting_count++] = setting;
	return 0;
}

static int take_option(struct run_options *options, int option)
{
	switch (option) {
	case 'p':
		options->policy_path = optarg;
		return 0;
	case 'n':
		options->name = optarg;
		return 0;
	case 'm':
		options->memory_max = optarg;
		return 0;
	case 'o':
		options->output = optarg;
		return 0;
	case OPTION_SET:
		return add_setting(options, optarg);
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_SANDBOX:
		options->sandbox = true;
		return 0;
	default:
		return EXIT_USAGE;
	}
}

int run_options_read(struct run_options *ret, int argc, char **argv, const char *usage, bool *ret_done)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'n' },
		{ "memory-max", required_argument, NULL, 'm' },
		{ "set", required_argument, NULL, OPTION_SET },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "sandbox", no_argument, NULL, OPTION_SANDBOX },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *letters = strcmp(argv[0], "learn") == 0 ? "+p:n:m:ho:" : "+p:n:m:h";
	int option, status = 0;
	*ret = (struct run_options){ 0 };
	*ret_done = false;
	optind = 1;
	while (status == 0 && (option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (option == 'h') {
			printf("Usage: heapward %s %s", argv[0], usage);
			*ret_done = true;
			return 0;
		}
		status = take_option(ret, option);
	}
	if (status == 0)
		ret->command = argv + optind;
	else
		fprintf(stderr, "heapward %s --help shows the options.\n", argv[0]);
	return status;
}

/* An option that stands for a setting: what is wrong with it is shown as it was typed. */
static void apply_option(struct policy *policy, const char *option, const char *key, const char *value, struct policy_errors *errors)
{
	char setting[256], shown[64];
	size_t before = errors->count;
	snprintf(setting, sizeof(setting), "%s=%s", key, value);
	(void)policy_apply_setting(policy, option, setting, errors);
	for (size_t i = before; i < errors->count; i++) {
		struct policy_error *error = &errors->list[i];
		snprintf(error->file, sizeof(error->file), "heapward: %s %s", option, printable_copy(shown, sizeof(shown), value));
		error->source[0] = '\0';
	}
}

static void apply_settings(const struct run_options *options, struct policy *policy, struct policy_errors *errors)
{
	const char *environment = getenv("HEAPWARD_SET");
	if (environment != NULL)
		(void)policy_apply_settings(policy, "HEAPWARD_SET", environment, errors);
	for (size_t i = 0; i < options->setting_count; i++)
		(void)policy_apply_setting(policy, "--set", options->settings[i], errors);
	if (options->memory_max != NULL)
		apply_option(policy, "-m", "memory.max", options->memory_max, errors);
	if (options->name != NULL)
		apply_option(policy, "-n", "service.name", options->name, errors);
}

static int apply_command(const struct run_options *options, struct policy *policy, FILE *complaints)
{
	struct failure why;
	if (options->command == NULL || options->command[0] == NULL)
		return 0;
	if (policy_set_command(policy, options->command, &why) == 0)
		return 0;
	fprintf(complaints, "heapward: command line: %s\n", why.text);
	return EXIT_SUPERVISOR;
}

int run_options_policy(const struct run_options *options, struct policy *ret, FILE *complaints)
{
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (errors == NULL)
		return EXIT_SUPERVISOR;
	policy_init(ret);
	if (options->policy_path != NULL)
		(void)policy_files_load(ret, options->policy_path, errors);
	apply_settings(options, ret, errors);
	policy_finish_defaults(ret);
	(void)policy_check(ret, errors);
	check_syscalls(ret, errors);
	cli_print_errors(errors, complaints);
	int status = errors->refusals > 0 ? EXIT_USAGE : 0;
	free(errors);
	return status != 0 ? status : apply_command(options, ret, complaints);
}
