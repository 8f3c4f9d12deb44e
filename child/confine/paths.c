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

/* Where it stands in the list; the count where it does not. */
static size_t find(const struct confine_paths *paths, const char *path)
{
	size_t at = 0;
	while (at < paths->count && strcmp(paths->list[at].path, path) != 0)
		at++;
	return at;
}

static bool is_named(const struct confine_paths *paths, const char *path)
{
	return find(paths, path) < paths->count;
}

enum launch_access confine_paths_above(const struct confine_paths *paths, const char *path)
{
	enum launch_access access = LAUNCH_READ_WRITE;
	/* Outer before inner: the last one is the nearest. */
	for (size_t i = 0; i < paths->count; i++)
		if (path_is_below(path, paths->list[i].path))
			access = paths->list[i].access;
	return access;
}

enum launch_access confine_paths_left(const struct confine_paths *paths, const char *path)
{
	return is_named(paths, path) ? paths->list[find(paths, path)].access : confine_paths_above(paths, path);
}

/* Takes over `path`, which is real; NULL: memory is out. */
static int put(struct confine_paths *paths, enum launch_access access, char *path)
{
	size_t at = paths->count;
	if (path == NULL || at == CONFINE_PATHS_MAX) {
		free(path);
		return -1;
	}
	if (is_named(paths, path)) {
		paths->list[find(paths, path)].access = access;
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

/* The path as it is here, malloc'ed; NULL with errno. An optional one that is shut away (chmod 000) is there all the same: who shut it may
 * open it again. The nearest directory that can be reached then stands for it. */
static char *find_real(const struct launch_path *path)
{
	char part[PATH_MAX] = ""; /* of one that cannot be reached, glibc leaves here how far it came */
	char *real = realpath(path->path, part) == NULL ? NULL : strdup(part), *slash;
	while (real == NULL && errno == EACCES && path->optional && (slash = strrchr(part, '/')) != NULL) {
		slash[slash == part ? 1 : 0] = '\0';
		real = realpath(part, NULL);
	}
	return real;
}

static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

static int add_real(struct confine_paths *paths, const struct launch_path *path, struct launch_report *report)
{
	char *real = find_real(path);
	if (real == NULL && path->optional && is_absent(errno))
		return 0; /* nor is it there for the worker */
	if (real == NULL)
		return confine_failed(report, errno, "%.180s", path->path);
	return put(paths, path->access, real) < 0 ? confine_failed(report, ENOMEM, "paths") : 0;
}

/* Opens what a link leads to, unless it stands where the worker may have put it, and leads to what is closed: for that it has to be named
 * itself. */
static int add_linked(struct confine_paths *paths, const struct launch_path *path, struct launch_report *report)
{
	cleanup_free char *real = find_real(path);
	enum launch_access left = real == NULL ? LAUNCH_READ_WRITE : confine_paths_left(paths, real);
	if (path->access <= left || confine_links_loosest(paths, path->path) <= left)
		return add_real(paths, path, report);
	if (path->optional)
		return 0;
	return confine_failed(report, 0, "%.70s leads to %.70s by a link that the worker could change: name that itself", path->path, real);
}

static bool may_open(const struct launch_path *path)
{
	bool opens = path->access == LAUNCH_READ_ONLY || path->access == LAUNCH_READ_WRITE;
	return opens && confine_links_loosest(NULL, path->path) > LAUNCH_HIDDEN;
}

static int add_top_entry(struct confine_paths *paths, int directory_fd, const char *name)
{
	char path[NAME_MAX + 2];
	struct stat stat;
	snprintf(path, sizeof(path), "/%s", name);
	bool is_directory = fstatat(directory_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode);
	if (!is_directory || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || is_named(paths, path))
		return 0;
	return put(paths, LAUNCH_READ_WRITE, strdup(path));
}

/* "/" read-only, and around each directory in it no wall that is not there already. */
static int close_top(struct confine_paths *paths, struct launch_report *report)
{
	DIR *directory = opendir("/");
	const struct dirent *entry;
	int result = directory == NULL ? -1 : 0;
	while (result == 0 && (entry = readdir(directory)) != NULL)
		result = add_top_entry(paths, dirfd(directory), entry->d_name);
	if (directory != NULL)
		closedir(directory);
	if (result == 0 && !is_named(paths, "/"))
		result = put(paths, LAUNCH_READ_ONLY, strdup("/"));
	return result < 0 ? confine_failed(report, errno, "entries of /") : 0;
}

static bool is_mount_point(const char *path)
{
	struct statx about;
	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &about) == 0 &&
	       (about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* Whoever renames a directory on the way to what is closed can put one of his own in its place. A mount point cannot be renamed. */
static int pin_way(struct confine_paths *paths, const char *closed)
{
	char part[PATH_MAX];
	for (const char *at = strchr(closed + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - closed), closed);
		if (is_named(paths, part) || confine_paths_above(paths, part) != LAUNCH_READ_WRITE || is_mount_point(part))
			continue;
		if (put(paths, LAUNCH_READ_WRITE, strdup(part)) < 0)
			return -1;
		paths->list[find(paths, part)].pinned = true;
	}
	return 0;
}

/* A pin comes in before what it is for, which is then met again: there is nothing left to do for it. */
static int pin_ways(struct confine_paths *paths, struct launch_report *report)
{
	for (size_t i = 0; i < paths->count; i++)
		if (paths->list[i].access < LAUNCH_READ_WRITE && pin_way(paths, paths->list[i].path) < 0)
			return confine_failed(report, ENOMEM, "paths");
	return 0;
}

int confine_paths_find(struct confine_paths *ret, const struct launch *launch, struct launch_report *report)
{
	ret->count = 0;
	for (size_t i = 0; i < launch->path_count; i++)
		if (!may_open(&launch->paths[i]) && add_real(ret, &launch->paths[i], report) < 0)
			return -1;
	/* Last, so that all that is closed is known. */
	for (size_t i = 0; i < launch->path_count; i++)
		if (may_open(&launch->paths[i]) && add_linked(ret, &launch->paths[i], report) < 0)
			return -1;
	if ((launch->fence.flags & LAUNCH_GUARD_DEVICES) != 0 && (launch->fence.flags & LAUNCH_OWN_DEV) == 0)
		add_devices(ret);
	if ((launch->fence.flags & LAUNCH_CLOSE_TOP) != 0 && close_top(ret, report) < 0)
		return -1;
	return (launch->fence.flags & LAUNCH_BY_MOUNTS) != 0 ? pin_ways(ret, report) : 0;
}

void confine_paths_finish(struct confine_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i].path);
	paths->count = 0;
}
