/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_log: /dev/kmsg from a worker's launch to its death, for the one line that says whose memory limit was hit.
 * Where it cannot be read, or cannot be believed, there is no evidence, and that is no fault. */
#ifndef SUPERVISOR_EDGE_KERNEL_LOG_H
#define SUPERVISOR_EDGE_KERNEL_LOG_H

#include "supervisor/types/verdict.h"

struct kernel_log {
	int fd; /* -1: not readable, or paths in it are not those that we see (another cgroup namespace) */
};

/* Opens it at its end: only what comes after now is read. */
void kernel_log_open(struct kernel_log *ret);

/* Reads on without blocking and looks for a victim in `group` (cgroup_path's name). May be called again: it goes on
 * where it was, and *oom keeps what was found. Start from a zeroed *oom. */
void kernel_log_read(const struct kernel_log *log, const char *group, struct kernel_oom *oom);

void kernel_log_close(struct kernel_log *log);

#endif
