/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_sweep: kills everything in a group and removes it with all groups below it, through directory descriptors.
 * The keeper is linked with it too: no allocation, no stdio, no knowledge of services. */
#ifndef SUPERVISOR_EDGE_CGROUP_SWEEP_H
#define SUPERVISOR_EDGE_CGROUP_SWEEP_H

#include "base/base.h"

#define CGROUP_SWEEP_DEPTH_MAX 64 /* groups that a worker as root nests deeper than this are left alone */

/* Writes `text` to the existing file `name` below `directory_fd`. 0, or -1 with errno. */
int cgroup_sweep_write(int directory_fd, const char *name, const char *text);

/* Opens the directory `name` below `directory_fd`; -1 with errno. */
int cgroup_sweep_open(int directory_fd, const char *name);

/* SIGKILLs every process in the group and below it, the caller excepted, once. By cgroup.kill where the kernel has it
 * (then the caller must not be in it), else no more forks are allowed (pids.max 0) and every process is signalled. */
void cgroup_sweep_kill(int directory_fd);

/* The same by signals only, for a group that the caller itself stands in. */
void cgroup_sweep_signal(int directory_fd);

/* True where the group or one below it holds a process other than the caller; *ret_pid (NULL: not wanted) is one, 0
 * where it is out of sight. */
bool cgroup_sweep_holds(int directory_fd, int32_t *ret_pid);

/* True where this very process is in the group or one below it. */
bool cgroup_sweep_has(int directory_fd, int32_t pid);

/* True where `is_it` says so of one of the processes in the group or below it, as far as they can be seen. */
bool cgroup_sweep_any(int directory_fd, bool (*is_it)(int32_t pid));

/* Removes the group `name` of `parent_fd` and all below it. 0 (also where there is none), or -1 with errno, EBUSY where
 * something still holds it. */
int cgroup_sweep_remove(int parent_fd, const char *name);

#endif
