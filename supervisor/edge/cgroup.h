/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup: the kernel's control groups of v1, v2 and hybrid hosts behind one interface: where groups can stand, making,
 * limiting, reading, killing and removing one. Knows nothing of policies and verdicts. */
#ifndef SUPERVISOR_EDGE_CGROUP_H
#define SUPERVISOR_EDGE_CGROUP_H

#include "base/failure.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/host.h"
#include "supervisor/types/verdict.h"

#define CGROUP_HIERARCHIES_MAX 4 /* v1: memory, pids, cpu (and the hybrid's unified one); v2: one */

/* Where this process stands and where groups of workers go. */
struct cgroup_tree {
	enum cgroup_version version;
	char problem[512];      /* "" where groups can be made; else one line with the remedy */
	struct {
		char controllers[32]; /* "memory", "pids", "cpu", "" for v2's single hierarchy */
		char mount[128];
		char own[512];        /* our own group's directory, below mount, seen through mountinfo's root field */
		char base[512];       /* BASE: the directory that heapward-NAME goes into */
	} hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t hierarchy_count;
	bool needs_leaf;        /* v2: we stand in BASE and must move to heapward-NAME/supervisor first */
};

struct cgroup_limits {
	uint64_t memory_max_bytes, memory_high_bytes, memory_swap_bytes; /* SIZE_NONE: not set */
	uint32_t tasks_max;   /* UINT32_MAX: not set */
	uint32_t cpu_percent; /* UINT32_MAX: not set */
};

/* The service's own group heapward-NAME, in every hierarchy. */
struct cgroup_service {
	const struct cgroup_tree *tree;
	char name[48];  /* "heapward-web" */
	bool made;
	bool moved;     /* this process was moved to its leaf, and must move back before the group can go */
};

/* One worker's group. Descriptors stay open over its life, so that counters can be read after the death. */
struct cgroup {
	const struct cgroup_service *service;
	char leaf[32];                           /* "worker-0-a" */
	int directory_fd[CGROUP_HIERARCHIES_MAX];
	int level_fd[HOST_LEVELS_MAX];           /* directories whose counters are compared: ours, then each ancestor */
	char level_path[HOST_LEVELS_MAX][256];
	size_t level_count;
	bool made;
	char remarks[2][200];                    /* "memory.swap: no swap accounting here": one line, not an error */
	size_t remark_count;
};

/* Finds mounts, version and BASE. `root` is "/sys/fs/cgroup" outside tests. Fails only where /proc is unreadable:
 * "no writable cgroup" is tree->problem. */
int cgroup_tree_find(struct cgroup_tree *ret, const char *root, struct failure *why);

/* Limits and usage of BASE and all its ancestors, for the plan; fills host->cgroup_*, levels, swap_accounting. */
void cgroup_tree_describe(const struct cgroup_tree *tree, struct host *host);

/* Makes heapward-NAME in every hierarchy and, where needed, moves this process to its leaf and enables controllers.
 * A group of that name that holds no process is an old one of ours and is taken over. */
int cgroup_service_make(struct cgroup_service *ret, const struct cgroup_tree *tree, const char *name,
			struct failure *why);
void cgroup_service_remove(struct cgroup_service *service);

/* Makes one worker's group and sets its limits; never overwrites a group that is there. cgroup_finish closes, it does
 * not remove; safe on a struct from cgroup_init. */
void cgroup_init(struct cgroup *cgroup);
int cgroup_make(struct cgroup *ret, const struct cgroup_service *service, const char *leaf,
		const struct cgroup_limits *limits, struct failure *why);
void cgroup_finish(struct cgroup *cgroup);

/* Opens the cgroup.procs file of each hierarchy for the child to write "0" to. Returns how many were put into `fds`
 * (CLOEXEC, the caller closes), -1 on failure. */
int cgroup_open_procs(const struct cgroup *cgroup, int fds[static CGROUP_HIERARCHIES_MAX], struct failure *why);

/* SIGKILLs every process in the group once: cgroup.kill on v2, pids.max 0 and signals on v1. Call again until
 * cgroup_is_empty; never waits. */
void cgroup_kill(const struct cgroup *cgroup);
bool cgroup_is_empty(const struct cgroup *cgroup);

/* Removes the group in every hierarchy; -1 where something still holds it (try again). */
int cgroup_remove(struct cgroup *cgroup, struct failure *why);

void cgroup_read_memory(const struct cgroup *cgroup, struct memory_sample *ret);
void cgroup_read_counters(const struct cgroup *cgroup, struct memory_counters *ret);

/* A descriptor that becomes ready (*ret_events: EPOLLPRI or EPOLLIN) when the kernel OOM-kills in the group; the
 * caller owns it. -1 where there is none. */
int cgroup_watch_oom(const struct cgroup *cgroup, uint32_t *ret_events, struct failure *why);

/* The path of the worker's group (memory hierarchy) as the kernel names it. */
void cgroup_path(const struct cgroup *cgroup, char *path, size_t size);

#endif
