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

/* One drop-in of the policy file `path` by its name in NAME.policy.d/; `path` may be relative, and the drop-in need not be
 * there. */
struct policy_drop_in {
	char directory[4096], file[4096 + 256];
	const char *name;    /* borrowed */
	char taken_over[96]; /* by the last write: whose it was, and what it is now; "" where it stayed whose it is */
};
int policy_drop_in_find(struct policy_drop_in *ret, const char *path, const char *name, struct failure *why);

/* Its text, malloc'ed; NULL where there is none (why->error is ENOENT) or it cannot be read. */
char *policy_drop_in_read(const struct policy_drop_in *drop_in, size_t *ret_length, struct failure *why);

/* Writes it whole or not at all, and the folder where there is none; takes it away. A file that is there keeps its mode and owner; where we may not give
 * it back to its owner and group, it becomes our own in our own folder, closed to others, else it is not written. A new one is 0644 where root writes it, else 0600. */
int policy_drop_in_write(struct policy_drop_in *drop_in, const char *text, struct failure *why);
int policy_drop_in_remove(const struct policy_drop_in *drop_in, struct failure *why);

/* Reads NAME=VALUE lines of service.environment.file into `ret`. */
int policy_files_read_environment(const char *path, struct words *ret, struct failure *why);

#endif
