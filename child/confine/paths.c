/* SPDX-License-Identifier: Apache-2.0 */
/* paths: see paths.h. */
#include "child/confine/paths.h"

#include "child/confine/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool confine_path_is_below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/' && path[length + 1] != '\0';
}

enum launch_access confine_paths_above(const struct confine_paths *paths, const char *path)
{
	enum launch_access access = LAUNCH_READ_WRITE;
	/* Outer before inner: the last one is the nearest. */
	for (size_t i = 0; i < paths->count; i++)
		if (confine_path_is_below(path, paths->list[i].path))
			access = paths->list[i].access;
	return access;
}

/* Takes over `path`, which is real; NULL: memory is out. */
static int put(struct confine_paths *paths, enum launch_access access, char *path)
{
	size_t at = paths->count;
	if (path == NULL || at == CONFINE_PATHS_MAX) {
		free(path);
		return -1;
	}
	for (size_t i = 0; i < paths->count; i++)
		if (strcmp(paths->list[i].path, path) == 0) {
			paths->list[i].access = access;
			free(path);
			return 0;
		}
	for (; at > 0 && strlen(paths->list[at - 1].path) > strlen(path); at--)
		paths->list[at] = paths->list[at - 1];
	paths->list[at] = (struct confine_path){ .access = access, .path = path };
	paths->count++;
	return 0;
}

static bool is_guarded_device(int directory_fd, const char *name)
{
	static const char *const others[] = { "kmsg", "mem", "kmem", "port", "nvram" };
	struct stat stat;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return fstatat(directory_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISBLK(stat.st_mode);
}

/* Beyond the bound the rest stays as it is: the paths of the policy are in by then. */
static void add_devices(struct confine_paths *paths)
{
	DIR *directory = opendir("/dev");
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char *path;
		if (!is_guarded_device(dirfd(directory), entry->d_name))
			continue;
		if (asprintf(&path, "/dev/%s", entry->d_name) < 0 || put(paths, LAUNCH_HIDDEN, path) < 0)
			break;
	}
	if (directory != NULL)
		closedir(directory);
}

int confine_paths_find(struct confine_paths *ret, const struct launch *launch, struct launch_report *report)
{
	ret->count = 0;
	for (size_t i = 0; i < launch->path_count; i++) {
		const struct launch_path *path = &launch->paths[i];
		char *real = realpath(path->path, NULL);
		if (real == NULL && path->optional)
			continue; /* nor is it there for the worker */
		if (real == NULL)
			return confine_failed(report, errno, "%.180s", path->path);
		if (put(ret, path->access, real) < 0)
			return confine_failed(report, ENOMEM, "paths");
	}
	if ((launch->fence.flags & LAUNCH_GUARD_DEVICES) != 0 && (launch->fence.flags & LAUNCH_OWN_DEV) == 0)
		add_devices(ret);
	return 0;
}

void confine_paths_finish(struct confine_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i].path);
	paths->count = 0;
}
