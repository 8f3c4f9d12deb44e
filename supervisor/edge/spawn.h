/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: starts heapward-child with a launch record and hears from it. Only the supervisor's main thread spawns. */
#ifndef SUPERVISOR_EDGE_SPAWN_H
#define SUPERVISOR_EDGE_SPAWN_H

#include "base/failure.h"
#include "supervisor/types/launch.h"

struct spawned {
	int32_t pid;
	int pid_fd;
	int report_fd; /* nonblocking: one report, or end of file when exec has happened or the child is dead */
};

/* Starts the child. `from` numbers in launch->keep and launch->groups are descriptors of THIS process: spawn places them
 * in the child and writes the child's numbers into the record that it sends. stdin is ours, stdout ours,
 * `stderr_fd` (-1: ours) becomes the child's stderr. */
int spawn_child(struct spawned *ret, int program_fd, const struct launch *launch, int stderr_fd, struct failure *why);

/* Reads a report. 1: one has come (*ret_report; with LAUNCH_REPORT_LISTENER *ret_listener is a descriptor, the caller's to
 * close, else -1); 0: end of file; -1 with EAGAIN in why->error: nothing yet. */
int spawn_read_report(int report_fd, struct launch_report *ret_report, int *ret_listener, struct failure *why);

#endif
