/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup: the kernel's control groups of v1, v2 and hybrid hosts behind one interface: where groups can stand, making,
 * limiting, reading, killing and removing one. Knows nothing of policies and verdicts. One module in several files
 * (cgroup_*.c), which share cgroup_internal.h; all others include this header only. */
#ifndef SUPERVISOR_EDGE_CGROUP_H
#define SUPERVISOR_EDGE_CGROUP_H

#include "base/failure.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/host.h"
#include "supervisor/types/keeper.h"
#include "supervisor/types/verdict.h"

#define CGROUP_HIERARCHIES_MAX 4 /* v1: memory, pids, cpu (and the hybrid's unified one); v2: one */

/* One mounted hierarchy as this process sees it. All but `root` are directories. */
struct cgroup_hierarchy {
	char controllers[32]; /* "memory", "pids", "cpu", or several that are mounted together; "" for v2's hierarchy */
	char mount[128];
	char root[512];       /* the group that the mount shows at its top, as the kernel names it; "/" but in containers */
	char own[512];        /* our own group */
	char base[512];       /* BASE: the directory that heapward-NAME goes into; "" where there is none */
};

/* Where this process stands and where groups of workers go. */
struct cgroup_tree {
	enum cgroup_version version;
	char problem[512];      /* "" where groups can be made; else one line with the remedy */
	char remarks[2][160];   /* "pids: ... not writable: limits.tasks cannot be enforced" */
	size_t remark_count;
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX]; /* [0] has memory */
	size_t hierarchy_count;
	bool needs_leaf;        /* v2: we stand in BASE and must move to heapward-NAME/supervisor first */
	bool owns_base;         /* BASE is /heapward of the mount, made by us and removed by the last one */
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
	int base_fd[CGROUP_HIERARCHIES_MAX];
	int directory_fd[CGROUP_HIERARCHIES_MAX];
	bool made;
	bool reopened;  /* BASE went and came again while we made ours: a keeper has the old one */
	bool moved;     /* this process was moved to its leaf, and must move back before the group can go */
};

/* One worker's group. Descriptors stay open over its life, so that counters can be read after the death. */
struct cgroup {
	const struct cgroup_service *service;
	char leaf[32];                           /* "worker-0-a" */
	int directory_fd[CGROUP_HIERARCHIES_MAX]; /* -1 where the worker is not in that hierarchy */
	int level_fd[HOST_LEVELS_MAX];           /* directories whose counters are compared: ours, then each ancestor */
	char level_path[HOST_LEVELS_MAX][256];
	size_t level_count;
	bool whole;                              /* v2: no level is out of sight: the mount's top is the kernel's root */
	bool made;
	char remarks[4][200];                    /* "memory.swap: no swap accounting here": one line, not an error */
	size_t remark_count;
};

/* Finds mounts, version and BASE. `root` is "/sys/fs/cgroup" outside tests. Fails only where /proc is unreadable:
 * "no writable cgroup" is tree->problem. To be called before any child is forked: a group that holds another process
 * than the caller is not ours to take. */
int cgroup_tree_find(struct cgroup_tree *ret, const char *root, struct failure *why);

/* Limits and usage of BASE and all its ancestors, then of the group we came from and its ancestors where that is not
 * below BASE: the plan keeps to those as well. Fills host->cgroup_*, levels, swap_accounting; may be called again. */
void cgroup_tree_describe(const struct cgroup_tree *tree, struct host *host);

/* Opens what heapward-NAME will be made in, so that a keeper can be told of it before it is there. */
int cgroup_service_open(struct cgroup_service *ret, const struct cgroup_tree *tree, const char *name,
			struct failure *why);

/* cgroup_service_make for one that was opened. */
int cgroup_service_make_opened(struct cgroup_service *service, struct failure *why);

/* Makes heapward-NAME in every hierarchy and, where needed, moves this process to its leaf and enables controllers.
 * A group of that name that holds no process is an old one of ours: removed and made again. One with processes is an
 * error that names it. `tree` is borrowed for the service's life. On failure nothing is left behind. */
int cgroup_service_make(struct cgroup_service *ret, const struct cgroup_tree *tree, const char *name,
			struct failure *why);

/* Moves this process back to BASE where it was moved, and removes heapward-NAME with all below it. All workers are gone
 * and the keeper has been dismissed by then: it stands in the same leaf. Safe on a zeroed struct. */
void cgroup_service_remove(struct cgroup_service *service);

/* Fills the directories of a job for the keeper; the descriptors stay the service's. */
void cgroup_service_keeper_job(const struct cgroup_service *service, struct keeper_job *job);

/* Makes one worker's group and sets its limits; never overwrites a group that is there (an old one of ours without a
 * process is removed and made again). On failure nothing is left behind. What the kernel cannot do here is a remark.
 * cgroup_finish closes, it does not remove. cgroup_clear makes a struct that holds nothing, on which everything here is
 * safe (it is not called init: libcgroup owns that symbol). */
void cgroup_clear(struct cgroup *cgroup);
int cgroup_make(struct cgroup *ret, const struct cgroup_service *service, const char *leaf,
		const struct cgroup_limits *limits, struct failure *why);
void cgroup_finish(struct cgroup *cgroup);

/* Opens the cgroup.procs file of each hierarchy for the child to write "0" to. Returns how many were put into `fds`
 * (CLOEXEC, the caller closes), -1 on failure. */
int cgroup_open_procs(const struct cgroup *cgroup, int fds[static CGROUP_HIERARCHIES_MAX], struct failure *why);

/* SIGKILLs every process in the group and in groups below it once: cgroup.kill on v2, on v1 pids.max 0 first (no fork
 * escapes), then signals. Call again until cgroup_is_empty; never waits. */
void cgroup_kill(const struct cgroup *cgroup);
bool cgroup_is_empty(const struct cgroup *cgroup);

/* True where `is_it` says so of one of the group's processes. */
bool cgroup_any(const struct cgroup *cgroup, bool (*is_it)(int32_t pid));

/* Whether this process is in the group, or in one below it. */
bool cgroup_has_process(const struct cgroup *cgroup, int32_t pid);

/* Removes the group and those below it in every hierarchy; -1 where something still holds it (try again: a dying
 * process holds it a few milliseconds longer than it is seen). Read counters before. */
int cgroup_remove(struct cgroup *cgroup, struct failure *why);

/* The worker's own group as cgroup_tree_describe shows those above it. */
void cgroup_describe(const struct cgroup *cgroup, struct host_level *ret);

/* What cannot be read is SIZE_UNKNOWN. Both also work on a struct from cgroup_clear: nothing is known then. */
void cgroup_read_memory(const struct cgroup *cgroup, struct memory_sample *ret);

/* Counters of the worker's group and each ancestor below the mount; /proc/vmstat where there is no group, too.
 * v1 counts a victim in its own group only, v2 in every ancestor as well. */
void cgroup_read_counters(const struct cgroup *cgroup, struct memory_counters *ret);

/* A descriptor that becomes ready (*ret_events: EPOLLPRI or EPOLLIN) when the kernel may have OOM-killed in the group;
 * the caller owns it. -1 where there is none. It is a hint (v2: any memory event of the group; v1: an OOM, and the
 * group's removal): compare counters. After each wake-up call cgroup_oom_heard, or it stays ready. */
int cgroup_watch_oom(const struct cgroup *cgroup, uint32_t *ret_events, struct failure *why);
void cgroup_oom_heard(int watch_fd);

/* What is in use and cannot be given back at once: usage less the file cache (and v2's reclaimable slab). SIZE_UNKNOWN
 * where there is no group. */
uint64_t cgroup_read_kept(const struct cgroup *cgroup);

/* A descriptor that becomes ready (*ret_events) once usage, file cache and all, reaches `bytes`; -1 with *why where it has
 * already, or there is none. The caller owns it and hands it back to cgroup_unwatch_usage after its first wake-up, soon:
 * v2 can tell only by memory.high, over which the kernel slows the worker down. `high_bytes` is what memory.high is set
 * back to: the limit that the group was made with. */
int cgroup_watch_usage(const struct cgroup *cgroup, uint64_t bytes, uint32_t *ret_events, struct failure *why);
void cgroup_unwatch_usage(const struct cgroup *cgroup, int *watch_fd, uint64_t high_bytes);

/* Sets the memory limits of a group that processes are in. Where less is allowed than before the kernel first takes file
 * cache back, which may take it a moment. Fails with the limits as they were where more is in use than that: v1 says so
 * (EBUSY), v2 would kill instead, so it is looked at before. */
int cgroup_set_memory(struct cgroup *cgroup, uint64_t max_bytes, uint64_t swap_bytes, struct failure *why);

/* The path of the worker's group (memory hierarchy) as the kernel names it: what kernel_log_read looks for. */
void cgroup_path(const struct cgroup *cgroup, char *path, size_t size);

/* The file that holds its memory limit, as it stands in the file system; "" without a group. */
void cgroup_limit_file(const struct cgroup *cgroup, char *path, size_t size);

#endif
