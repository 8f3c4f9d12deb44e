/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_service: the service's own group heapward-NAME in every hierarchy, and on v2 the leaf that this process moves
 * to, because a group with controllers enabled for those below it may hold no process. */
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/cgroup_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAKE_ATTEMPTS_MAX 5 /* another service may remove the common BASE between two of our steps */

int cgroup_enable(int directory_fd, const char *controller)
{
	char text[32];
	snprintf(text, sizeof(text), "+%s", controller);
	return cgroup_sweep_write(directory_fd, "cgroup.subtree_control", text);
}

/* An old group goes only if no process is in it or below it: nobody else's work is touched. */
static int clear_old(int parent_fd, const char *path, const char *name, struct failure *why)
{
	int32_t pid = 0;
	cleanup_fd int fd = cgroup_sweep_open(parent_fd, name);
	if (fd >= 0 && cgroup_sweep_holds(fd, &pid))
		return failed(why, EBUSY, "cgroup %s/%s of an earlier run still holds processes (pid %d): end them first", path,
			      name, (int)pid);
	if (cgroup_sweep_remove(parent_fd, name) != 0)
		return failed(why, errno, "remove old cgroup %s/%s", path, name);
	return 0;
}

int cgroup_make_directory(int parent_fd, const char *path, const char *name, struct failure *why)
{
	int made = mkdirat(parent_fd, name, 0755);
	if (made != 0 && errno == EEXIST) {
		if (clear_old(parent_fd, path, name, why) != 0)
			return -1;
		made = mkdirat(parent_fd, name, 0755);
	}
	if (made != 0)
		return failed(why, errno, "make cgroup %s/%s", path, name);
	int fd = cgroup_sweep_open(parent_fd, name);
	return fd >= 0 ? fd : failed(why, errno, "open cgroup %s/%s", path, name);
}

static const char *last_component(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* BASE as root on v2: /heapward below the mount, common to all services. */
static int make_base(const struct cgroup_hierarchy *hierarchy, struct failure *why)
{
	cleanup_fd int mount_fd = open(hierarchy->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0)
		return failed(why, errno, "open %s", hierarchy->mount);
	if (mkdirat(mount_fd, last_component(hierarchy->base), 0755) != 0 && errno != EEXIST)
		return failed(why, errno, "make cgroup %s", hierarchy->base);
	if (cgroup_enable(mount_fd, "memory") != 0)
		return failed(why, errno, "enable the memory controller in %s", hierarchy->mount);
	cgroup_enable(mount_fd, "pids");
	return 0;
}

static int open_base(struct cgroup_service *service, size_t i, struct failure *why)
{
	const struct cgroup_hierarchy *hierarchy = &service->tree->hierarchies[i];
	if (service->tree->owns_base && make_base(hierarchy, why) != 0)
		return -1;
	service->base_fd[i] = open(hierarchy->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return service->base_fd[i] >= 0 ? 0 : failed(why, errno, "open cgroup %s", hierarchy->base);
}

static int make_in_hierarchy(struct cgroup_service *service, size_t i, struct failure *why)
{
	if (service->base_fd[i] < 0 && open_base(service, i, why) != 0)
		return -1;
	service->directory_fd[i] = cgroup_make_directory(service->base_fd[i], service->tree->hierarchies[i].base,
							 service->name, why);
	return service->directory_fd[i] < 0 ? -1 : 0;
}

/* The common BASE may go between making it and making ours in it. */
static int make_directories(struct cgroup_service *service, struct failure *why)
{
	for (size_t i = 0; i < service->tree->hierarchy_count; i++) {
		int attempts = 0;
		while (make_in_hierarchy(service, i, why) != 0) {
			if (why->error != ENOENT || ++attempts >= MAKE_ATTEMPTS_MAX)
				return -1;
			cleanup_close(&service->base_fd[i]);
			service->base_fd[i] = -1;
			service->reopened = true;
		}
	}
	return 0;
}

static int move_to_leaf(struct cgroup_service *service, struct failure *why)
{
	const char *base = service->tree->hierarchies[0].base;
	cleanup_fd int leaf_fd =
		cgroup_make_directory(service->directory_fd[0], service->name, KEEPER_SUPERVISOR_LEAF, why);
	if (leaf_fd < 0)
		return -1;
	if (cgroup_sweep_write(leaf_fd, "cgroup.procs", "0") != 0)
		return failed(why, errno, "move the supervisor to %s/%s/" KEEPER_SUPERVISOR_LEAF, base, service->name);
	service->moved = true;
	return 0;
}

/* Memory is what heapward is for; without pids only limits.tasks is missing. cpu waits until a limit asks for it, since
 * enabling it changes the scheduling of everything in BASE. */
static int enable_controllers(const struct cgroup_service *service, struct failure *why)
{
	const char *base = service->tree->hierarchies[0].base;
	if (cgroup_enable(service->base_fd[0], "memory") != 0)
		return failed(why, errno, "enable the memory controller in %s", base);
	if (cgroup_enable(service->directory_fd[0], "memory") != 0)
		return failed(why, errno, "enable the memory controller in %s/%s", base, service->name);
	if (cgroup_enable(service->base_fd[0], "pids") == 0)
		cgroup_enable(service->directory_fd[0], "pids");
	return 0;
}

static int make_whole(struct cgroup_service *service, struct failure *why)
{
	if (make_directories(service, why) != 0)
		return -1;
	if (service->tree->version != CGROUP_V2)
		return 0;
	if (service->tree->needs_leaf && move_to_leaf(service, why) != 0)
		return -1;
	return enable_controllers(service, why);
}

int cgroup_service_open(struct cgroup_service *ret, const struct cgroup_tree *tree, const char *name,
			struct failure *why)
{
	assert(tree->problem[0] == '\0' && tree->hierarchy_count > 0);
	*ret = (struct cgroup_service){ .tree = tree, .made = true };
	snprintf(ret->name, sizeof(ret->name), "heapward-%s", name);
	for (size_t i = 0; i < CGROUP_HIERARCHIES_MAX; i++)
		ret->base_fd[i] = ret->directory_fd[i] = -1;
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		if (open_base(ret, i, why) != 0) {
			cgroup_service_remove(ret);
			return -1;
		}
	}
	return 0;
}

int cgroup_service_make_opened(struct cgroup_service *service, struct failure *why)
{
	if (make_whole(service, why) == 0)
		return 0;
	cgroup_service_remove(service);
	return -1;
}

int cgroup_service_make(struct cgroup_service *ret, const struct cgroup_tree *tree, const char *name,
			struct failure *why)
{
	return cgroup_service_open(ret, tree, name, why) != 0 ? -1 : cgroup_service_make_opened(ret, why);
}

static void disable_controllers(int directory_fd)
{
	static const char *const names[] = { "-memory", "-pids", "-cpu" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cgroup_sweep_write(directory_fd, "cgroup.subtree_control", names[i]);
}

static void move_back(struct cgroup_service *service)
{
	disable_controllers(service->directory_fd[0]);
	disable_controllers(service->base_fd[0]);
	cgroup_sweep_write(service->base_fd[0], "cgroup.procs", "0");
	service->moved = false;
}

static void remove_base(const struct cgroup_hierarchy *hierarchy)
{
	rmdir(hierarchy->base); /* EBUSY while another service is in it */
}

void cgroup_service_remove(struct cgroup_service *service)
{
	if (!service->made)
		return;
	if (service->moved)
		move_back(service);
	for (size_t i = 0; i < service->tree->hierarchy_count; i++) {
		/* Without a descriptor of it the group is not of our making: left alone. */
		if (service->directory_fd[i] >= 0)
			cgroup_sweep_remove(service->base_fd[i], service->name);
		cleanup_close(&service->directory_fd[i]);
		cleanup_close(&service->base_fd[i]);
		if (service->tree->owns_base)
			remove_base(&service->tree->hierarchies[i]);
	}
	service->made = false;
}

void cgroup_service_keeper_job(const struct cgroup_service *service, struct keeper_job *job)
{
	const struct cgroup_tree *tree = service->tree;
	int pids = cgroup_hierarchy_of(tree, "pids");
	job->directory_count = 0;
	job->stands_inside = service->moved;
	for (int pass = 0; pass < 2; pass++) { /* pids first: then no fork escapes the signals of the others */
		for (size_t i = 0; i < tree->hierarchy_count; i++) {
			if (((int)i == pids) != (pass == 0))
				continue;
			struct keeper_directory *directory = &job->directories[job->directory_count++];
			directory->base_fd = service->base_fd[i];
			memcpy(directory->name, service->name, sizeof(directory->name));
			snprintf(directory->base_name, sizeof(directory->base_name), "%s",
				 tree->owns_base ? last_component(tree->hierarchies[i].base) : "");
		}
	}
}
