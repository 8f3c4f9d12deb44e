/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_internal: what the cgroup_*.c files share among themselves. Nobody else includes it but their tests. */
#ifndef SUPERVISOR_EDGE_CGROUP_INTERNAL_H
#define SUPERVISOR_EDGE_CGROUP_INTERNAL_H

#include "supervisor/edge/cgroup.h"

/* --- cgroup_find.c: pure --- */

/* Version and hierarchies (all but `base`) from the texts of /proc/self/mountinfo and /proc/self/cgroup; only mounts at
 * or below `root` count. Sets ret->problem where there is nothing to stand on. */
void cgroup_find(struct cgroup_tree *ret, const char *mountinfo, const char *self_cgroup, const char *root);

/* What was seen of our own place in the v2 hierarchy. */
struct cgroup_standing {
	bool top_is_root;   /* the mount's top is the kernel's root group, which may hold processes and children */
	bool top_writable;  /* we may do anything here: that our own group is writable says nothing */
	bool own_writable;
	bool marked;        /* systemd's mark: our own group is delegated */
	uint32_t others;    /* processes in our own group besides us */
	bool has_memory;    /* the memory controller is available to BASE */
	uint32_t uid;
};

/* BASE by the rules of mechanisms.md, or ret->problem with the remedy. */
void cgroup_choose_base_v2(struct cgroup_tree *tree, const struct cgroup_standing *standing);

/* Which hierarchy has the controller ("" asks for one with cgroup.kill on hybrid); -1: none. */
int cgroup_hierarchy_of(const struct cgroup_tree *tree, const char *controller);

/* The kernel's name of a directory below the hierarchy's mount. Too long: its end, with "..." before it. */
void cgroup_kernel_path(const struct cgroup_hierarchy *hierarchy, const char *directory, char *path, size_t size);

/* --- cgroup_file.c: small files --- */

/* Reads a file of the directory into `text`, always NUL-terminated. Returns its length (cut at size - 1), -1 with errno. */
ssize_t cgroup_read_text(int directory_fd, const char *name, char *text, size_t size);

/* One number; "max" and v1's largest are SIZE_NONE. False where it cannot be read. */
bool cgroup_read_number(int directory_fd, const char *name, uint64_t *ret);
uint64_t cgroup_read_or_unknown(int directory_fd, const char *name);

/* The number behind `key` at the start of a line ("oom_kill 3"). */
bool cgroup_read_keyed(int directory_fd, const char *name, const char *key, uint64_t *ret);

int cgroup_write_number(int directory_fd, const char *name, uint64_t number);

/* --- cgroup_limits.c --- */

/* Sets every limit that is asked for; *cgroup has its directories. */
int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits, struct failure *why);
void cgroup_remark(struct cgroup *cgroup, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- cgroup_counters.c --- */

/* Usage less what the kernel can give back: the file cache that was not used for long, and with `hot` all of it. */
uint64_t cgroup_read_kept_of(int directory_fd, bool v2, bool hot);

/* --- cgroup_service.c --- */

/* v2: makes `controller` available below the directory; 0 where it already is. */
int cgroup_enable(int directory_fd, const char *controller);

/* Makes the group `name`; one that is there already goes first if nothing is in it. `path` is of its parent, for the
 * text. Returns its descriptor. */
int cgroup_make_directory(int parent_fd, const char *path, const char *name, struct failure *why);

#endif
