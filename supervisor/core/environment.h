/* SPDX-License-Identifier: Apache-2.0 */
/* environment: the worker's environment from ours, the policy's and the plan's; NODE_OPTIONS split, quoted and merged
 * as Node does it (double quotes and backslash only). Pure. */
#ifndef SUPERVISOR_CORE_ENVIRONMENT_H
#define SUPERVISOR_CORE_ENVIRONMENT_H

#include "base/failure.h"
#include "supervisor/types/policy.h"

/* Splits NODE_OPTIONS as Node does. Returns the count of words, or -1 where Node would refuse it (an open quote).
 * `ret` owns its words: words_finish. */
int node_options_split(const char *options, struct words *ret, struct failure *why);

/* The value of the last `name` among `words` ("--max-old-space-size=64", "--max_old_space_size 64"; V8 takes '-' and
 * '_' alike), NULL where there is none. Borrowed from words. */
const char *node_options_find(char *const *words, size_t count, const char *name);

/* Quotes one option for NODE_OPTIONS where it has to be. malloc'ed. */
char *node_options_quote(const char *option);

struct environment {
	char *const *inherited;     /* ours, "NAME=VALUE", NULL-terminated */
	const struct words *file;   /* lines of service.environment.file */
	const struct words *set;
	const char *node_options;   /* of the plan; put before the user's own */
	const char *agent_path;     /* of the preload file, NULL: none. Its --require comes first */
	const char *agent_variable; /* "HEAPWARD_AGENT=...", NULL: none */
};

/* Builds the worker's environment. Our own variables and NOTIFY_SOCKET, LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES,
 * WATCHDOG_USEC, WATCHDOG_PID, HEAPWARD_* of the inherited one are left out. */
int environment_build(const struct environment *environment, struct words *ret, struct failure *why);

/* The value of `name` in a NULL-terminated list of "NAME=VALUE", NULL where there is none. Borrowed. */
const char *environment_get(char *const *list, const char *name);

int words_add(struct words *words, const char *word, struct failure *why);
void words_finish(struct words *words);

#endif
