/* SPDX-License-Identifier: Apache-2.0 */
/* environment: the worker's environment from ours, the policy's and the plan's. NODE_OPTIONS is merged: our --require,
 * then the plan's options, then the user's own text unchanged (V8 takes the last of equals; the plan has refused what
 * contradicts). Pure. */
#ifndef SUPERVISOR_CORE_ENVIRONMENT_H
#define SUPERVISOR_CORE_ENVIRONMENT_H

#include "base/failure.h"
#include "supervisor/core/node_options.h"
#include "supervisor/core/words.h"
#include "supervisor/types/policy.h"

#define ENVIRONMENT_VARIABLES_MAX 4096

struct environment {
	char *const *inherited;     /* ours, "NAME=VALUE", NULL-terminated; NULL: none */
	const struct words *keep;   /* of the inherited ones: "NAME", "NAME*"; NULL or a NULL list: all */
	const struct words *drop;   /* of those that are kept; NULL: none */
	const struct words *file;   /* lines of service.environment.file; NULL: none */
	const struct words *set;    /* NULL: none */
	const char *node_options;   /* of the plan; put before the user's own; NULL or "": none */
	const char *agent_path;     /* of the preload file, NULL: none. Its --require comes first */
	bool agent_needs_read;      /* the permission model would refuse to read it or its other files: allowed by an
				       option */
	const char *agent_variable; /* "HEAPWARD_AGENT=...", NULL: none */
	const char *instance_variable; /* "HEAPWARD_INSTANCE=...", NULL: none */
	const char *notify_variable; /* "NOTIFY_SOCKET=...", NULL: none; over one that the policy names */
};

/* Builds the worker's environment into `ret` (owned by it: words_finish). NOTIFY_SOCKET, LISTEN_FDS, LISTEN_PID,
 * LISTEN_FDNAMES, WATCHDOG_USEC, WATCHDOG_PID and HEAPWARD_* of the inherited one are left out; PATH is kept unless it is
 * dropped, for the command is looked up in it; what the policy sets is kept. Fails where
 * NODE_OPTIONS is one that Node refuses, and beyond ENVIRONMENT_VARIABLES_MAX. */
int environment_build(const struct environment *environment, struct words *ret, struct failure *why);

/* Which inherited variables `keep` and `drop` leave out, as far as a server could miss them, as "PORT, DATABASE_URL, and 3 more", the
 * most telling first;
 * names may hold anything. Returns how many they are. */
size_t environment_dropped(const struct environment *environment, char *text, size_t size);

/* The value of `name` in a NULL-terminated list of "NAME=VALUE" (NULL list: none), NULL where there is none. Borrowed. */
const char *environment_get(char *const *list, const char *name);

#endif
