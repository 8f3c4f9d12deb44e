/* SPDX-License-Identifier: Apache-2.0 */
/* cli: the sub-commands and what they share. Each takes argv with its own name at [0] and returns the exit status. */
#ifndef SUPERVISOR_CLI_CLI_H
#define SUPERVISOR_CLI_CLI_H

#include <stdio.h>

#include "base/failure.h"
#include "supervisor/core/policy_error.h"
#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

/* Exit statuses of heapward itself (product.md). */
enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_SUPERVISOR = 125, EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127 };

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_init(int argc, char **argv);
int cli_external(int argc, char **argv); /* status: heapward-status in libexec */
int cli_status(int argc, char **argv);
int cli_ready(int argc, char **argv);
int cli_why(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_stop(int argc, char **argv);
int cli_drain(int argc, char **argv);
int cli_restart(int argc, char **argv);
int cli_reset(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_set(int argc, char **argv);
int cli_forget(int argc, char **argv);
int cli_learn(int argc, char **argv);

struct learning;

/* What `run`, `learn` and `explain` take: [-p POLICY] [-n NAME] [-m SIZE] [--set S.K=V]... [--json] [--sandbox] [--]
 * COMMAND..., and learn -o FILE. */
struct run_options {
	const char *policy_path; /* NULL: none */
	const char *name;        /* NULL: of the policy, else of the directory */
	const char *memory_max;  /* NULL: not given */
	const char *settings[64];
	size_t setting_count;
	bool json, sandbox;
	const char *output;      /* NULL: stdout */
	struct learning *learning; /* of learn, NULL else */
	char **command;          /* argv behind the options; empty list: of the policy */
};

/* Reads the options; prints usage errors, and `usage` for --help, itself. Returns 0, or the exit status to leave with
 * (EXIT_USAGE; 0 and *ret_done after --help). */
int run_options_read(struct run_options *ret, int argc, char **argv, const char *usage, bool *ret_done);

/* All layers into one policy: file, drop-ins, HEAPWARD_SET, --set, -m, -n, the command line. Prints every error to
 * `complaints`. Returns 0 or EXIT_USAGE. */
int run_options_policy(const struct run_options *options, struct policy *ret, FILE *complaints);

/* Prints errors of policies with their source lines. */
void cli_print_errors(const struct policy_errors *errors, FILE *stream);

/* "Usage: heapward check POLICY..." on stderr; returns EXIT_USAGE. */
int cli_wrong_usage(const char *command, const char *usage);

#endif
