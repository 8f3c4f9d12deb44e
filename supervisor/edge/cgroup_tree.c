/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_tree: looks at this machine for cgroup_find, and tells the plan which limits hold above the workers. Changes
 * nothing. */
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/cgroup_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define PROC_TEXT_MAX (1024 * 1024) /* a host with thousands of containers has thousands of mounts */

static char *read_proc(const char *path, struct failure *why)
{
	cleanup_free char *text = malloc(PROC_TEXT_MAX);
	if (text == NULL) {
		failed(why, ENOMEM, "read %s", path);
		return NULL;
	}
	if (cgroup_read_text(AT_FDCWD, path, text, PROC_TEXT_MAX) < 0) {
		failed(why, errno, "read %s", path);
		return NULL;
	}
	return TAKE_POINTER(text);
}

static bool writable(const char *directory, const char *file)
{
	char path[640];
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* All that making a group and moving into it takes. */
static bool group_writable(const char *directory, bool v2)
{
	return writable(directory, ".") && writable(directory, "cgroup.procs") &&
	       (!v2 || writable(directory, "cgroup.subtree_control"));
}

static bool file_exists(const char *directory, const char *file)
{
	char path[640];
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return faccessat(AT_FDCWD, path, F_OK, 0) == 0;
}

/* systemd marks what it has delegated; which of the two depends on its version and on who asked. */
static bool is_marked(const char *directory)
{
	static const char *const names[] = { "trusted.delegate", "user.delegate" };
	char value[8];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		ssize_t length = getxattr(directory, names[i], value, sizeof(value));
		if (length > 0 && value[0] == '1')
			return true;
	}
	return false;
}

/* Processes in exactly this group other than us. */
static uint32_t count_others(const char *directory)
{
	char path[640], line[32];
	uint32_t count = 0;
	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		count += atoi(line) != getpid();
	fclose(file);
	return count;
}

static bool has_word(const char *directory, const char *file, const char *word)
{
	char path[640], text[256];
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	if (cgroup_read_text(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	char *rest = text;
	for (char *one = strtok_r(text, " \n", &rest); one != NULL; one = strtok_r(NULL, " \n", &rest))
		if (strcmp(one, word) == 0)
			return true;
	return false;
}

static void probe_v2(struct cgroup_tree *tree)
{
	const struct cgroup_hierarchy *unified = &tree->hierarchies[0];
	struct cgroup_standing standing = {
		.top_is_root = !file_exists(unified->mount, "cgroup.type"),
		.top_writable = group_writable(unified->mount, true),
		.own_writable = group_writable(unified->own, true),
		.marked = is_marked(unified->own),
		.others = count_others(unified->own),
		.has_memory = has_word(unified->own, "cgroup.controllers", "memory"),
		.uid = geteuid(),
	};
	if (standing.top_is_root && standing.top_writable)
		standing.has_memory = has_word(unified->mount, "cgroup.controllers", "memory");
	cgroup_choose_base_v2(tree, &standing);
}

static void forget_hierarchy(struct cgroup_tree *tree, size_t index)
{
	tree->hierarchy_count--;
	memmove(&tree->hierarchies[index], &tree->hierarchies[index + 1],
		(tree->hierarchy_count - index) * sizeof(tree->hierarchies[0]));
}

/* Without memory there is nothing to do here; without pids or cpu only one limit is missing, and without the hybrid's
 * unified hierarchy killing takes a little longer. */
static void refuse_v1(struct cgroup_tree *tree, size_t index)
{
	struct cgroup_hierarchy *hierarchy = &tree->hierarchies[index];
	if (index == 0) {
		snprintf(tree->problem, sizeof(tree->problem),
			 "cgroup v1 groups below %s cannot be made by uid %u: run heapward as root, or have root give "
			 "you that group (chown -R)", hierarchy->own, (unsigned)geteuid());
		return;
	}
	if (hierarchy->controllers[0] != '\0' && tree->remark_count < ARRAY_LEN(tree->remarks))
		snprintf(tree->remarks[tree->remark_count++], sizeof(tree->remarks[0]),
			 "cgroup v1 %s: %.80s is not writable: limits.%s cannot be enforced", hierarchy->controllers,
			 hierarchy->own, strstr(hierarchy->controllers, "pids") != NULL ? "tasks" : "cpu");
	forget_hierarchy(tree, index);
}

static void probe_v1(struct cgroup_tree *tree)
{
	for (size_t i = tree->hierarchy_count; i-- > 0;) {
		struct cgroup_hierarchy *hierarchy = &tree->hierarchies[i];
		bool unified = hierarchy->controllers[0] == '\0';
		if (group_writable(hierarchy->own, false) && (!unified || !has_word(hierarchy->own, "cgroup.type", "threaded")))
			memcpy(hierarchy->base, hierarchy->own, sizeof(hierarchy->base));
		else
			refuse_v1(tree, i);
	}
}

int cgroup_tree_find(struct cgroup_tree *ret, const char *root, struct failure *why)
{
	cleanup_free char *mountinfo = read_proc("/proc/self/mountinfo", why);
	cleanup_free char *self_cgroup = mountinfo == NULL ? NULL : read_proc("/proc/self/cgroup", why);
	if (self_cgroup == NULL)
		return failed_in(why, "find cgroups");
	cgroup_find(ret, mountinfo, self_cgroup, root);
	if (ret->problem[0] != '\0')
		return 0;
	if (ret->version == CGROUP_V2)
		probe_v2(ret);
	else
		probe_v1(ret);
	return 0;
}

/* A file that is not there (the root group has no limits) is no limit. Page cache that waits to be dropped is not in use: a
 * container full of it is not full. */
static void read_level(int fd, bool v2, struct host_level *level)
{
	cgroup_read_number(fd, v2 ? "memory.max" : "memory.limit_in_bytes", &level->max_bytes);
	level->current_bytes = cgroup_read_kept_of(fd, v2, false);
	if (v2)
		cgroup_read_number(fd, "memory.high", &level->high_bytes);
}

static void describe_level(struct host *host, const struct cgroup_hierarchy *hierarchy, const char *directory, bool v2)
{
	if (host->level_count >= HOST_LEVELS_MAX)
		return;
	struct host_level *level = &host->levels[host->level_count++];
	*level = (struct host_level){ .max_bytes = SIZE_NONE, .high_bytes = SIZE_NONE, .current_bytes = SIZE_UNKNOWN };
	cgroup_kernel_path(hierarchy, directory, level->path, sizeof(level->path));
	cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		read_level(fd, v2, level);
}

void cgroup_describe(const struct cgroup *cgroup, struct host_level *ret)
{
	*ret = (struct host_level){ .max_bytes = SIZE_NONE, .high_bytes = SIZE_NONE, .current_bytes = SIZE_UNKNOWN };
	cgroup_path(cgroup, ret->path, sizeof(ret->path));
	if (cgroup->made)
		read_level(cgroup->directory_fd[0], cgroup->service->tree->version == CGROUP_V2, ret);
}

static bool is_described(const struct host *host, const struct cgroup_hierarchy *hierarchy, const char *directory)
{
	char path[sizeof(host->levels[0].path)];
	cgroup_kernel_path(hierarchy, directory, path, sizeof(path));
	for (size_t i = 0; i < host->level_count; i++)
		if (strcmp(host->levels[i].path, path) == 0)
			return true;
	return false;
}

/* The directory and all above it, up to the mount. */
static void describe_upwards(struct host *host, const struct cgroup_hierarchy *hierarchy, const char *from, bool v2)
{
	char directory[sizeof(hierarchy->own)];
	snprintf(directory, sizeof(directory), "%s", from);
	for (;;) {
		if (!is_described(host, hierarchy, directory))
			describe_level(host, hierarchy, directory, v2);
		if (strcmp(directory, hierarchy->mount) == 0)
			return;
		*strrchr(directory, '/') = '\0';
	}
}

/* v1 tells the smallest limit of all ancestors, also of those that a container does not see. */
static void describe_out_of_sight(struct host *host, const struct cgroup_hierarchy *hierarchy)
{
	uint64_t whole = SIZE_NONE;
	cleanup_fd int fd = open(hierarchy->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !cgroup_read_keyed(fd, "memory.stat", "hierarchical_memory_limit", &whole))
		return;
	for (size_t i = 0; i < host->level_count; i++)
		if (host->levels[i].max_bytes <= whole)
			return;
	if (whole == SIZE_NONE || host->level_count >= HOST_LEVELS_MAX)
		return;
	host->levels[host->level_count++] = (struct host_level){
		.path = "(out of sight)", .max_bytes = whole, .high_bytes = SIZE_NONE, .current_bytes = SIZE_UNKNOWN,
	};
}

static bool accounts_swap(const struct cgroup_tree *tree)
{
	const struct cgroup_hierarchy *memory = &tree->hierarchies[0];
	if (tree->version != CGROUP_V2)
		return file_exists(memory->own, "memory.memsw.limit_in_bytes");
	/* The root group has no such file; a kernel that can swap has it in all others. */
	return file_exists(memory->own, "memory.swap.max") ||
	       (!file_exists(memory->own, "memory.max") && file_exists("/proc", "swaps"));
}

/* A root group's directory has no permission to write; that of BASE is made and removed in it. */
static bool is_closed(const struct cgroup_tree *tree)
{
	struct stat status;
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		const struct cgroup_hierarchy *hierarchy = &tree->hierarchies[i];
		if (stat(tree->owns_base ? hierarchy->mount : hierarchy->base, &status) == 0 && (status.st_mode & S_IWUSR) == 0)
			return true;
	}
	return false;
}

void cgroup_tree_describe(const struct cgroup_tree *tree, struct host *host)
{
	const struct cgroup_hierarchy *memory = &tree->hierarchies[0];
	bool v2 = tree->version == CGROUP_V2;
	host->cgroup_version = tree->version;
	host->cgroup_writable = tree->problem[0] == '\0';
	snprintf(host->cgroup_problem, sizeof(host->cgroup_problem), "%s", tree->problem);
	host->level_count = 0;
	host->swap_accounting = false;
	if (tree->hierarchy_count == 0)
		return;
	host->swap_accounting = accounts_swap(tree);
	host->cgroup_closed = host->cgroup_writable && is_closed(tree);
	if (memory->base[0] != '\0')
		describe_upwards(host, memory, memory->base, v2);
	describe_upwards(host, memory, memory->own, v2);
	if (!v2)
		describe_out_of_sight(host, memory);
}
