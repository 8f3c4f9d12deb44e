/* SPDX-License-Identifier: Apache-2.0 */
/* libexec: see libexec.h. */
#include "supervisor/edge/libexec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *build_path;
} programs[] = {
	{ "heapward-child", "child/confine/heapward-child" },
	{ "heapward-keeper", "child/keeper/heapward-keeper" },
	{ "heapward-status", "supervisor/cli/heapward-status" },
	{ "agent.cjs", "child/agent/agent.cjs" },
	{ "agent.node", "child/agent/agent.node" },
	{ "syscalls", "policies/syscalls" },
};

/* The build tree that this binary runs in, also where it is mounted in another place; "" where it is installed. */
static void find_build_tree(char ret[static PATH_MAX])
{
	static const char suffix[] = "/supervisor/cli/heapward";
	size_t root = strlen(HEAPWARD_BUILD_ROOT);
	ssize_t length = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	ret[length < 0 ? 0 : length] = '\0';
	size_t stem = strlen(ret) >= strlen(suffix) ? strlen(ret) - strlen(suffix) : 0;
	if (strncmp(ret, HEAPWARD_BUILD_ROOT "/", root + 1) == 0)
		ret[root] = '\0';
	else
		ret[strcmp(ret + stem, suffix) == 0 ? stem : 0] = '\0';
}

static const char *build_path(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (strcmp(programs[i].name, name) == 0)
			return programs[i].build_path;
	assert(false && "a program that is not ours");
	return NULL;
}

int libexec_path(const char *name, char *path, size_t size, struct failure *why)
{
	char tree[PATH_MAX];
	find_build_tree(tree);
	int length = tree[0] != '\0' ? snprintf(path, size, "%s/%s", tree, build_path(name))
				     : snprintf(path, size, "%s/%s", HEAPWARD_LIBEXEC, name);
	if (length < 0 || (size_t)length >= size)
		return failed(why, ENAMETOOLONG, "%s", name);
	if (access(path, R_OK) < 0)
		return failed(why, errno, "%.400s", path);
	return 0;
}

int libexec_open(const char *name, struct failure *why)
{
	char path[PATH_MAX];
	if (libexec_path(name, path, sizeof(path), why) < 0)
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? failed(why, errno, "%.400s", path) : fd;
}
