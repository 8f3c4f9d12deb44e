/* SPDX-License-Identifier: Apache-2.0 */
/* policy: text to struct policy, with every error of the text in one run. Pure but for libyaml, which it feeds from
 * memory. Reading files, drop-in folders and the environment is edge/policy_files.c. */
#ifndef SUPERVISOR_CORE_POLICY_H
#define SUPERVISOR_CORE_POLICY_H

#include "supervisor/types/policy.h"

#define POLICY_ERRORS_MAX 64

/* One error or warning of a policy text, printed as "web.yaml:14:3: error: text" with the source line and a caret. */
struct policy_error {
	char file[128];
	int line, column; /* from 1; 0: about the whole text */
	bool warning;
	char text[256];
	char source[160]; /* the line it is in, control bytes replaced, "" where there is none */
};

struct policy_errors {
	struct policy_error list[POLICY_ERRORS_MAX];
	size_t count;
	size_t more; /* errors beyond the list */
};

/* Every key at its default. policy_finish releases what a policy owns and is safe on a zeroed struct. */
void policy_init(struct policy *policy);
void policy_finish(struct policy *policy);

/* Lays a policy text over `policy`: keys that it names replace, the others stay. `file` names it in errors and origins.
 * Returns 0, or -1 where errors (not only warnings) were added; `policy` is then still safe to finish. */
int policy_apply_text(struct policy *policy, const char *file, const char *text, size_t length,
		      struct policy_errors *errors);

/* Lays "section.key=value" over `policy`; `source` ("--set", "HEAPWARD_SET", "-m") is its origin's file. */
int policy_apply_setting(struct policy *policy, const char *source, const char *setting,
			 struct policy_errors *errors);

/* The checks that need more than one key, once all layers are in: headroom below memory.max, and so on. */
int policy_check(const struct policy *policy, struct policy_errors *errors);

/* Adds an error that another room found (a file that cannot be read). */
void policy_errors_add(struct policy_errors *errors, const struct policy_error *error);

/* Prints one error with source line and caret into `buffer`; returns the length, cut at size - 1. */
size_t policy_error_format(const struct policy_error *error, char *buffer, size_t size);

/* True for a name that may name a service: [a-z0-9][a-z0-9-]{0,31}. */
bool policy_name_valid(const char *name);

/* Makes a valid name of a directory's last component ("My App" -> "my-app"; "service" where nothing is left). */
void policy_name_from_directory(const char *directory, char ret_name[static POLICY_NAME_MAX]);

#endif
