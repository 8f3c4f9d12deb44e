/* SPDX-License-Identifier: Apache-2.0 */
/* policy_files: reads policy files and drop-ins, judged by fstat after opening: as root owned by root and not writable
 * by others, nor any directory on the path. */
#ifndef SUPERVISOR_EDGE_POLICY_FILES_H
#define SUPERVISOR_EDGE_POLICY_FILES_H

#include "base/failure.h"
#include "supervisor/core/policy.h"

/* Reads `path`, then NAME.policy.d/<any>.yaml beside it in sorted order (NAME is the file's name without .yaml), and lays
 * them over `policy`. Returns 0, or -1 with every error in `errors`. */
int policy_files_load(struct policy *policy, const char *path, struct policy_errors *errors);

/* Reads NAME=VALUE lines of service.environment.file into `ret`. */
int policy_files_read_environment(const char *path, struct words *ret, struct failure *why);

#endif
