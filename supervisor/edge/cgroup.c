/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup: one worker's group over its life: made, entered, killed, removed, in every hierarchy alike. What differs
 * between v1 and v2 is in cgroup_limits.c and cgroup_counters.c. */
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/cgroup_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void cgroup_clear(struct cgroup *cgroup)
{
	*cgroup = (struct cgroup){ .made = false };
	for (size_t i = 0; i < CGROUP_HIERARCHIES_MAX; i++)
		cgroup->directory_fd[i] = -1;
	for (size_t i = 0; i < HOST_LEVELS_MAX; i++)
		cgroup->level_fd[i] = -1;
}

void cgroup_finish(struct cgroup *cgroup)
{
	for (size_t i = 0; i < CGROUP_HIERARCHIES_MAX; i++)
		cleanup_close(&cgroup->directory_fd[i]);
	for (size_t i = 0; i < HOST_LEVELS_MAX; i++)
		cleanup_close(&cgroup->level_fd[i]);
	cgroup_clear(cgroup);
}

static size_t hierarchy_count(const struct cgroup *cgroup)
{
	return cgroup->service == NULL ? 0 : cgroup->service->tree->hierarchy_count;
}

/* v2's cpu controller is enabled only for who asks: it changes the scheduling of everything in BASE. */
static void enable_cpu(const struct cgroup_service *service)
{
	const struct cgroup_hierarchy *unified = &service->tree->hierarchies[0];
	if (service->tree->owns_base) {
		cleanup_fd int mount_fd = open(unified->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cgroup_enable(mount_fd, "cpu");
	}
	cgroup_enable(service->base_fd[0], "cpu");
	cgroup_enable(service->directory_fd[0], "cpu");
}

/* A v1 cpu group of its own changes scheduling too. */
static bool is_wanted(const struct cgroup_hierarchy *hierarchy, const struct cgroup_limits *limits)
{
	return limits->cpu_percent != UINT32_MAX || strcmp(hierarchy->controllers, "cpu") != 0;
}

static int make_directories(struct cgroup *cgroup, const struct cgroup_limits *limits, struct failure *why)
{
	const struct cgroup_service *service = cgroup->service;
	for (size_t i = 0; i < hierarchy_count(cgroup); i++) {
		if (!is_wanted(&service->tree->hierarchies[i], limits))
			continue;
		cgroup->directory_fd[i] = cgroup_make_directory(service->directory_fd[i], service->name, cgroup->leaf, why);
		if (cgroup->directory_fd[i] < 0)
			return -1;
	}
	return 0;
}

/* Keeps a directory's descriptor if there is something to compare in it; the root group has no counters. */
static void open_level(struct cgroup *cgroup, const char *directory)
{
	bool v2 = cgroup->service->tree->version == CGROUP_V2;
	cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cgroup->whole = cgroup->whole && fd >= 0;
	if (fd < 0 || faccessat(fd, v2 ? "memory.events" : "memory.failcnt", F_OK, 0) != 0)
		return;
	size_t i = cgroup->level_count++;
	cgroup_kernel_path(&cgroup->service->tree->hierarchies[0], directory, cgroup->level_path[i],
			   sizeof(cgroup->level_path[i]));
	cgroup->level_fd[i] = TAKE_FD(fd);
}

static int worker_directory(const struct cgroup *cgroup, char *path, size_t size)
{
	return snprintf(path, size, "%s/%s/%s", cgroup->service->tree->hierarchies[0].base, cgroup->service->name,
			cgroup->leaf);
}

static void open_levels(struct cgroup *cgroup)
{
	const struct cgroup_hierarchy *memory = &cgroup->service->tree->hierarchies[0];
	char directory[700], type[sizeof(memory->mount) + 16];
	worker_directory(cgroup, directory, sizeof(directory));
	snprintf(type, sizeof(type), "%s/cgroup.type", memory->mount); /* the kernel's root has none; a container's top does */
	cgroup->whole = cgroup->service->tree->version == CGROUP_V2 && access(type, F_OK) != 0;
	for (;;) {
		if (cgroup->level_count < HOST_LEVELS_MAX)
			open_level(cgroup, directory);
		else
			cgroup->whole = false;
		if (strcmp(directory, memory->mount) == 0)
			return;
		*strrchr(directory, '/') = '\0';
	}
}

int cgroup_make(struct cgroup *ret, const struct cgroup_service *service, const char *leaf,
		const struct cgroup_limits *limits, struct failure *why)
{
	struct failure ignored;
	cgroup_clear(ret);
	ret->service = service;
	snprintf(ret->leaf, sizeof(ret->leaf), "%s", leaf);
	if (service->tree->version == CGROUP_V2 && limits->cpu_percent != UINT32_MAX)
		enable_cpu(service);
	if (make_directories(ret, limits, why) == 0 && cgroup_set_limits(ret, limits, why) == 0) {
		open_levels(ret);
		ret->made = true;
		return 0;
	}
	cgroup_remove(ret, &ignored);
	cgroup_finish(ret);
	return failed_in(why, "make the worker's cgroup");
}

int cgroup_open_procs(const struct cgroup *cgroup, int fds[static CGROUP_HIERARCHIES_MAX], struct failure *why)
{
	int count = 0;
	for (size_t i = 0; i < hierarchy_count(cgroup); i++) {
		if (cgroup->directory_fd[i] < 0)
			continue;
		fds[count] = openat(cgroup->directory_fd[i], "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (fds[count] < 0) {
			failed(why, errno, "open cgroup.procs of %s", cgroup->leaf);
			while (count > 0)
				close(fds[--count]);
			return -1;
		}
		count++;
	}
	return count;
}

/* v1: no more forks before the first signal; where memory and pids are apart, the signals go to both. */
static void forbid_forks(const struct cgroup *cgroup)
{
	int pids = cgroup_hierarchy_of(cgroup->service->tree, "pids");
	if (cgroup->service->tree->version != CGROUP_V2 && pids >= 0)
		cgroup_sweep_write(cgroup->directory_fd[pids], "pids.max", "0");
}

void cgroup_kill(const struct cgroup *cgroup)
{
	if (!cgroup->made)
		return;
	forbid_forks(cgroup);
	for (size_t i = 0; i < hierarchy_count(cgroup); i++)
		if (cgroup->directory_fd[i] >= 0)
			cgroup_sweep_kill(cgroup->directory_fd[i]);
}

bool cgroup_is_empty(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < hierarchy_count(cgroup); i++)
		if (cgroup->directory_fd[i] >= 0 && cgroup_sweep_holds(cgroup->directory_fd[i], NULL))
			return false;
	return true;
}

bool cgroup_has_process(const struct cgroup *cgroup, int32_t pid)
{
	return hierarchy_count(cgroup) > 0 && cgroup->directory_fd[0] >= 0 &&
	       cgroup_sweep_has(cgroup->directory_fd[0], pid);
}

bool cgroup_any(const struct cgroup *cgroup, bool (*is_it)(int32_t pid))
{
	return cgroup->made && cgroup_sweep_any(cgroup->directory_fd[0], is_it);
}

int cgroup_remove(struct cgroup *cgroup, struct failure *why)
{
	int result = 0;
	for (size_t i = 0; i < hierarchy_count(cgroup); i++) {
		if (cgroup->directory_fd[i] < 0)
			continue;
		if (cgroup_sweep_remove(cgroup->service->directory_fd[i], cgroup->leaf) != 0)
			result = failed(why, errno, "remove cgroup %s/%s/%s", cgroup->service->tree->hierarchies[i].base,
					cgroup->service->name, cgroup->leaf);
	}
	if (result == 0)
		cgroup->made = false;
	return result;
}

void cgroup_limit_file(const struct cgroup *cgroup, char *path, size_t size)
{
	char directory[700];
	if (cgroup->service == NULL) {
		snprintf(path, size, "%s", "");
		return;
	}
	worker_directory(cgroup, directory, sizeof(directory));
	bool v2 = cgroup->service->tree->version == CGROUP_V2;
	snprintf(path, size, "%s/%s", directory, v2 ? "memory.max" : "memory.limit_in_bytes");
}

void cgroup_path(const struct cgroup *cgroup, char *path, size_t size)
{
	char directory[700];
	if (cgroup->service == NULL) {
		snprintf(path, size, "%s", "");
		return;
	}
	worker_directory(cgroup, directory, sizeof(directory));
	cgroup_kernel_path(&cgroup->service->tree->hierarchies[0], directory, path, size);
}
