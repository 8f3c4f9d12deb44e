/* SPDX-License-Identifier: Apache-2.0 */
/* policy: text to struct policy, with every error of the text in one run. Pure but for libyaml, which it feeds from
 * memory. Reading files, drop-in folders and the environment is edge/policy_files.c.
 * Order of use: policy_init, one apply after another (a later layer wins), policy_finish_defaults, policy_check. */
#ifndef SUPERVISOR_CORE_POLICY_H
#define SUPERVISOR_CORE_POLICY_H

#include "base/failure.h"
#include "supervisor/core/policy_error.h"
#include "supervisor/types/policy.h"

#define POLICY_VERSION 1 /* of `version:` at the top of a file */

/* Every key at its default. policy_finish releases what a policy owns and is safe on a zeroed struct. */
void policy_init(struct policy *policy);
void policy_finish(struct policy *policy);

/* Lays a policy text over `policy`: keys that it names replace, the others stay; service.environment.set adds variable
 * by variable. `file` names it in errors and origins, and its directory is what relative paths in it start from.
 * Returns 0, or -1 where errors (not only warnings) were added; `policy` is then still safe to finish. */
int policy_apply_text(struct policy *policy, const char *file, const char *text, size_t length,
		      struct policy_errors *errors);

/* Lays "section.key=value" over `policy`; `source` ("--set", "HEAPWARD_SET", "-m") is its origin's file. The value of
 * a list or mapping is written as in YAML: service.command=[node, a.js]; service.environment.set.NAME=value sets one
 * variable. Relative paths stay as they are. */
int policy_apply_setting(struct policy *policy, const char *source, const char *setting,
			 struct policy_errors *errors);

/* Lays a list of settings, separated by blanks or newlines, over `policy`: HEAPWARD_SET. Blanks between [ ], { } or
 * double quotes separate nothing. */
int policy_apply_settings(struct policy *policy, const char *source, const char *settings,
			  struct policy_errors *errors);

/* Replaces service.command by argv (NULL-terminated, copied); the origin is "command line". -1 only without memory. */
int policy_set_command(struct policy *policy, char *const *argv, struct failure *why);

/* What only the whole of the layers decides: with a policy file and no sandbox.capabilities the worker gets none,
 * without a file they stay unchanged (a bare `run` changes nothing that a program can notice). */
void policy_finish_defaults(struct policy *policy);

/* The list of sandbox.syscalls: a shipped one's name, a path (with a slash), or "none". Where it is not set: "server" with a
 * policy file, "compat" without one. */
const char *policy_syscalls(const struct policy *policy);
bool policy_filters(const struct policy *policy); /* it is not "none" */

/* "errno", "kill", "audit". */
const char *policy_violation_name(enum violation violation);

/* The checks that need more than one key, once all layers are in: headroom below memory.max, and so on. Also where a layer has been
 * refused: then they leave out what could follow from that alone. */
int policy_check(const struct policy *policy, struct policy_errors *errors);

/* True for a name that may name a service: [a-z0-9][a-z0-9-]{0,31}. */
bool policy_name_valid(const char *name);

/* Makes a valid name of a directory's last component ("My App" -> "my-app"; "service" where nothing is left). */
void policy_name_from_directory(const char *directory, char ret_name[static POLICY_NAME_MAX]);

#endif
