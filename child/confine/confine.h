/* SPDX-License-Identifier: Apache-2.0 */
/* confine: the ordered steps that make heapward-child the worker. Each step returns 0, or -1 with the report filled. */
#ifndef CHILD_CONFINE_CONFINE_H
#define CHILD_CONFINE_CONFINE_H

#include "supervisor/types/launch.h"

typedef int confine_step(const struct launch *launch, struct launch_report *report);

struct confine_row {
	enum launch_step step;
	confine_step *run;
};

/* In the order of mechanisms.md; the last one does not come back. Ends with run NULL. */
extern const struct confine_row confine_steps[];

/* How the child ends where it has not become the command, as a shell has it. */
enum { CONFINE_STATUS_CANNOT_EXECUTE = 126, CONFINE_STATUS_NOT_FOUND = 127 };

extern int confine_report_fd; /* the report socket, where it is now */

/* Fills error and text of the report; always returns -1. */
int confine_failed(struct launch_report *report, int error, const char *format, ...) PRINTF_LIKE(3, 4);

/* A copy of `fd`, closed by exec, at a number that no kept descriptor will take; -1 with errno. Low numbers: the limit of
 * files may be a small one. */
int confine_duplicate(const struct launch *launch, int fd);

/* The value of a variable of the worker's, NULL where it has none. */
const char *confine_variable(char *const *environment, const char *name);

/* session.c */
confine_step confine_cgroup, confine_session, confine_oom_score, confine_limits, confine_death_signal;
/* namespaces.c, mounts.c */
confine_step confine_namespaces, confine_mounts;
/* landlock.c */
confine_step confine_landlock;
/* privilege.c */
confine_step confine_securebits, confine_bounding, confine_groups, confine_gid, confine_uid, confine_capabilities, confine_no_new_privs;
/* program.c */
confine_step confine_directory, confine_descriptors, confine_exec;
/* filter.c */
confine_step confine_seccomp;
/* reach.c: instead of exec, for a launch that is to try */
confine_step confine_reach;

#endif
