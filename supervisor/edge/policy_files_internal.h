/* SPDX-License-Identifier: Apache-2.0 */
/* policy_files_internal: what policy_files.c and policy_drop_in.c share. */
#ifndef SUPERVISOR_EDGE_POLICY_FILES_INTERNAL_H
#define SUPERVISOR_EDGE_POLICY_FILES_INTERNAL_H

#include "supervisor/edge/policy_files.h"

#include <limits.h>
#include <sys/stat.h>

/* "" where root may believe what this file or directory says, else what is wrong with it. */
const char *policy_files_distrust(const struct stat *stat);

/* Reads the whole file; *ret is malloc'ed, and a NUL is behind its end. */
int policy_files_read(const char *path, size_t max_bytes, char **ret, size_t *ret_length, struct failure *why);

/* The same of a file of our own, which stands where our programs do: not judged. */
int policy_files_read_own(const char *path, size_t max_bytes, char **ret, size_t *ret_length, struct failure *why);

/* "dir/web.yaml" -> "dir/web.policy.d" */
void policy_files_drop_ins(const char *path, char ret[static PATH_MAX]);

#endif
