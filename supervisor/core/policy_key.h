/* SPDX-License-Identifier: Apache-2.0 */
/* policy_key: the key table of types/policy_keys.h as rows that code can walk: each key with its type and the member
 * of struct policy that it fills. Pure. */
#ifndef SUPERVISOR_CORE_POLICY_KEY_H
#define SUPERVISOR_CORE_POLICY_KEY_H

#include "supervisor/types/policy.h"

#define POLICY_PATH_MAX 64 /* "service.environment.file", with the closing NUL */

enum policy_type {
	POLICY_TYPE_NAME,             /* char[POLICY_NAME_MAX] */
	POLICY_TYPE_WORDS,            /* struct words */
	POLICY_TYPE_PAIRS,            /* struct words of "NAME=VALUE" */
	POLICY_TYPE_PATH,             /* char * */
	POLICY_TYPE_SIZE,             /* uint64_t, bytes */
	POLICY_TYPE_SIZE_OR_NONE,     /* uint64_t, SIZE_NONE */
	POLICY_TYPE_SIZE_OR_INHERIT,  /* uint64_t, SIZE_NONE */
	POLICY_TYPE_OLD_SPACE,        /* struct old_space */
	POLICY_TYPE_STEP,             /* struct step_size */
	POLICY_TYPE_TIME,             /* int64_t, microseconds */
	POLICY_TYPE_TIME_OR_NEVER,    /* int64_t, USEC_NEVER */
	POLICY_TYPE_COUNT,            /* uint32_t */
	POLICY_TYPE_COUNT_OR_INHERIT, /* uint32_t, POLICY_INHERIT */
	POLICY_TYPE_CPU,              /* uint32_t, percent, POLICY_INHERIT */
	POLICY_TYPE_PERCENT_OR_NONE,  /* uint32_t, percent, PERCENT_NONE */
	POLICY_TYPE_CHOICE,           /* an enum: the position in the list of choices */
	POLICY_TYPE_TRUTH,            /* bool */
	POLICY_TYPE_SIGNAL,           /* int */
	POLICY_TYPE_LISTEN,           /* struct listen_addresses */
	POLICY_TYPE_READY,            /* struct ready_when */
	POLICY_TYPE_USER,             /* char * */
	POLICY_TYPE_CAPABILITIES,     /* char *, comma-separated */
	POLICY_TYPE_SYSCALLS,         /* char *, a list's name or path */
	POLICY_TYPE_PATHS,            /* struct words */
	POLICY_TYPE_VARIABLES,        /* struct words of "NAME" and "NAME*" */
	POLICY_TYPE_FEATURES,         /* struct words, each of the range's choices */
	POLICY_TYPE_PORTS,            /* struct ports */
	POLICY_TYPES
};

struct policy_key_row {
	const char *section, *name; /* "restart", "backoff.from" */
	enum policy_type type;
	const char *standard, *range, *help;
	size_t offset, size; /* of the member in struct policy */
};

struct policy_key_row policy_key_row(enum policy_key key);

/* Writes "restart.backoff.from". */
void policy_key_path(enum policy_key key, char ret_path[static POLICY_PATH_MAX]);

/* The key of a path, POLICY_KEY_COUNT where there is none. */
enum policy_key policy_key_find(const char *path);

/* True for a path that only holds keys: "restart", "restart.backoff". */
bool policy_key_is_group(const char *path);

/* Walks the names that may stand directly below `group` ("" for the sections): start with *at 0 and ret_name "".
 * Returns the name's length, 0 at the end. */
size_t policy_key_next_below(const char *group, size_t *at, char ret_name[static POLICY_PATH_MAX]);

/* True for the types whose member is a struct words. */
bool policy_key_is_list(enum policy_type type);

/* Walks a list of choices "a|b|c", moving *choices on: returns the next one (it is no string of its own), NULL at the
 * end. */
const char *policy_key_next_choice(const char **choices, size_t *ret_length);

/* Copies the ends of a range "LOW to HIGH[, more]"; false where the key has none. */
bool policy_key_range(enum policy_key key, char ret_low[static 16], char ret_high[static 16]);

/* The names of the kernel's capabilities, NULL behind the last. */
const char *policy_key_capability(size_t index);

/* The number of a signal that stop.signal may name, 0 for another name. */
int policy_key_signal(const char *name);

#endif
