/* SPDX-License-Identifier: Apache-2.0 */
/* harness_group: cgroups of the test's own, made as root above the service's, so that a limit can be somebody else's.
 * See harness.h. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define REMOVE_ATTEMPTS 100

void group_write(const char *directory, const char *file, const char *format, ...)
{
	char path[2 * WORLD_PATH_MAX], text[64];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		fail_msg("write \"%s\" to %s: %s", text, path, strerror(errno));
}

void group_limit(const char *directory, unsigned mib)
{
	group_write(directory, on_cgroup_v2() ? "memory.max" : "memory.limit_in_bytes", "%uM", mib);
}

static const char *memory_mount(void)
{
	return on_cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
}

const char *group_name(const char *directory)
{
	return directory + strlen(memory_mount());
}

/* Where the first group goes: v2: the top of the mount; v1: the test's own group, and the top where a container does not
 * show that. */
static void find_top(char *ret, size_t size)
{
	char line[WORLD_PATH_MAX];
	snprintf(ret, size, "%s", memory_mount());
	FILE *file = on_cgroup_v2() ? NULL : fopen("/proc/self/cgroup", "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *path = strstr(line, ":memory:");
		struct stat about;
		if (path == NULL)
			continue;
		snprintf(ret, size, "%s%.*s", memory_mount(), (int)strcspn(path + 8, "\n"), path + 8);
		if (ret[strlen(ret) - 1] == '/')
			ret[strlen(ret) - 1] = '\0';
		if (stat(ret, &about) < 0)
			snprintf(ret, size, "%s", memory_mount());
	}
	if (file != NULL)
		fclose(file);
}

static void delegate(const char *parent, const char *directory)
{
	group_write(parent, "cgroup.subtree_control", "+memory");
	group_write(parent, "cgroup.subtree_control", "+pids");
	if (setxattr(directory, "trusted.delegate", "1", 1, 0) < 0)
		fail_msg("mark %s as delegated: %s", directory, strerror(errno));
}

const char *world_group(struct world *world)
{
	char top[WORLD_PATH_MAX];
	assert(world->group_count < WORLD_GROUPS_MAX);
	find_top(top, sizeof(top));
	const char *parent = world->group_count == 0 ? top : world->groups[world->group_count - 1];
	char *directory = world->group_count == 0 ? world_print(world, "%s/heapward-test-%s", parent, world->name)
						  : world_print(world, "%s/below", parent);
	if (mkdir(directory, 0755) < 0)
		fail_msg("mkdir %s: %s", directory, strerror(errno));
	world->groups[world->group_count++] = directory;
	if (on_cgroup_v2())
		delegate(parent, directory);
	return directory;
}

bool group_enter(const struct world *world)
{
	char path[2 * WORLD_PATH_MAX];
	const char *given = getenv("E2E_CGROUP");
	if (world->group_count > 0)
		given = world->groups[world->group_count - 1];
	if (given == NULL)
		return true;
	snprintf(path, sizeof(path), "%.500s/cgroup.procs", given);
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, "0", 1) == 1;
}

bool group_remove(const char *directory)
{
	for (int i = 0; i < REMOVE_ATTEMPTS; i++) {
		if (rmdir(directory) == 0 || errno == ENOENT)
			return true;
		pause_msec(20);
	}
	print_error("harness: %s cannot be removed: %s\n", directory, strerror(errno));
	return false;
}

bool groups_remove(struct world *world)
{
	bool removed = true;
	while (world->group_count > 0)
		removed &= group_remove(world->groups[--world->group_count]);
	return removed;
}
