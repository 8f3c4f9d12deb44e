/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: what the worker sees of files, in a mount namespace of its own: read-only, hidden and private parts, a small /dev,
 * a /proc of its own tree. Mounts of the machine still come in, none of ours goes out. */
#include "child/confine/confine.h"
#include "child/confine/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define TREE_FLAGS (OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)
#define HARMLESS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

/* A path and what stands there as it was before any wall was made; -1: not needed. */
struct kept {
	const struct confine_path *path;
	enum launch_access above;
	int tree_fd;
};

struct mounts {
	struct confine_paths paths;
	bool own_dev;
	struct kept kept[CONFINE_PATHS_MAX];
};

/* `propagation`: MS_PRIVATE: what the machine mounts there later does not come in; 0: unchanged. */
static int set(const char *path, uint64_t attributes, uint64_t propagation, unsigned flags, struct launch_report *report)
{
	struct mount_attr set = { .attr_set = attributes, .propagation = propagation };
	if (mount_setattr(AT_FDCWD, path, flags, &set, sizeof(set)) < 0)
		return confine_failed(report, errno, "attributes of %.150s", path);
	return 0;
}

static int mount_memory(const char *path, unsigned long flags, const char *options, struct launch_report *report)
{
	if (mount("tmpfs", path, "tmpfs", flags, options) < 0)
		return confine_failed(report, errno, "tmpfs on %.150s", path);
	return 0;
}

static int put_tree(int tree_fd, const char *path, struct launch_report *report)
{
	if (move_mount(tree_fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return confine_failed(report, errno, "bind %.150s", path);
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat stat;
	return lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode);
}

/* A directory becomes an empty one that can be passed and not listed; a file becomes a device on a mount without devices,
 * which nobody can open. */
static int hide(const char *path, struct launch_report *report)
{
	if (is_directory(path))
		return mount_memory(path, HARMLESS, "mode=0111,size=1m", report);
	cleanup_fd int null_fd = open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (null_fd < 0)
		return confine_failed(report, errno, "/dev/null for %.150s", path);
	return put_tree(null_fd, path, report) < 0 ? -1 : set(path, MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, 0, 0, report);
}

/* Directories on the way to a path that reappears within a hidden or private one. */
static void make_way(const char *path)
{
	char part[PATH_MAX];
	for (const char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		(void)mkdir(part, 0755); /* what fails here is told by the mount */
	}
}

static void make_directory(const char *path)
{
	make_way(path);
	(void)mkdir(path, 0755);
}

static void make_point(const struct kept *kept)
{
	struct stat stat;
	if (fstat(kept->tree_fd, &stat) == 0 && S_ISDIR(stat.st_mode)) {
		make_directory(kept->path->path);
		return;
	}
	make_way(kept->path->path);
	(void)close(open(kept->path->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

static int make_wall(const struct kept *kept, struct launch_report *report)
{
	const char *path = kept->path->path;
	enum launch_access access = kept->path->access;
	if (access == kept->above && !kept->path->pinned)
		return 0;
	if (access == LAUNCH_HIDDEN)
		return kept->above == LAUNCH_PRIVATE ? 0 : hide(path, report); /* an empty directory has it not */
	if (access == LAUNCH_PRIVATE && kept->above == LAUNCH_HIDDEN)
		make_directory(path);
	if (access == LAUNCH_PRIVATE)
		return mount_memory(path, MS_NOSUID | MS_NODEV, "mode=1777", report);
	if (kept->tree_fd >= 0 && (kept->above == LAUNCH_HIDDEN || kept->above == LAUNCH_PRIVATE))
		make_point(kept);
	if (kept->tree_fd >= 0 && put_tree(kept->tree_fd, path, report) < 0)
		return -1;
	/* A file system that is mounted there later would come in as its owner mounted it: writable. */
	return access == LAUNCH_READ_ONLY ? set(path, MOUNT_ATTR_RDONLY, MS_PRIVATE, AT_RECURSIVE, report) : 0;
}

/* Of the machine's /dev, where the worker's is another: it comes into that as into an empty directory. */
static bool is_device(const struct mounts *mounts, size_t at)
{
	if (!mounts->own_dev || !path_is_below(mounts->paths.list[at].path, "/dev"))
		return false;
	for (size_t i = 0; i < at; i++)
		if (path_is_below(mounts->paths.list[at].path, mounts->paths.list[i].path) && is_device(mounts, i))
			return false; /* it comes with that */
	return true;
}

static int keep_tree(struct mounts *mounts, size_t at, struct launch_report *report)
{
	struct kept *kept = &mounts->kept[at];
	const char *path = mounts->paths.list[at].path;
	bool device = is_device(mounts, at);
	*kept = (struct kept){ .path = &mounts->paths.list[at], .tree_fd = -1 };
	kept->above = device ? LAUNCH_PRIVATE : confine_paths_above(&mounts->paths, path);
	if (device && kept->path->access == LAUNCH_HIDDEN && access(path, F_OK) == 0)
		kept->above = LAUNCH_READ_WRITE; /* one of those that ours has, too */
	bool stays = kept->path->access == LAUNCH_READ_ONLY || kept->path->access == LAUNCH_READ_WRITE;
	bool needed = kept->path->access != kept->above || kept->path->pinned;
	if (!stays || !needed || strcmp(path, "/") == 0)
		return 0;
	kept->tree_fd = open_tree(AT_FDCWD, path, TREE_FLAGS);
	return kept->tree_fd < 0 ? confine_failed(report, errno, "%.180s", path) : 0;
}

/* Before the first wall, or its flags would be those of the wall around it; what stays of the machine's /dev before that goes. */
static int keep_trees(struct mounts *mounts, bool of_dev, struct launch_report *report)
{
	for (size_t i = 0; i < mounts->paths.count; i++) {
		bool first = is_device(mounts, i) && mounts->paths.list[i].access != LAUNCH_HIDDEN;
		if (first == of_dev && keep_tree(mounts, i, report) < 0)
			return -1;
	}
	return 0;
}

static int make_walls(struct mounts *mounts, struct launch_report *report)
{
	for (size_t i = 0; i < mounts->paths.count; i++)
		if (make_wall(&mounts->kept[i], report) < 0)
			return -1;
	/* Only now: within a hidden directory there may be mount points of others. */
	for (size_t i = 0; i < mounts->paths.count; i++) {
		const struct kept *kept = &mounts->kept[i];
		bool made = kept->path->access == LAUNCH_HIDDEN && kept->above != LAUNCH_HIDDEN && kept->above != LAUNCH_PRIVATE;
		if (made && is_directory(kept->path->path) && set(kept->path->path, MOUNT_ATTR_RDONLY, 0, 0, report) < 0)
			return -1;
	}
	return 0;
}

enum { SHM, PTS, PTMX }; /* in the table below */

/* What of the machine's /dev is in the worker's, where it is there; its terminals where the worker may have none of its own (LXC denies
 * devpts). */
static const struct device {
	const char *path;
	bool directory;
} devices[] = {
	[SHM] = { "/dev/shm", true },   [PTS] = { "/dev/pts", true }, [PTMX] = { "/dev/ptmx", false }, { "/dev/null", false },
	{ "/dev/zero", false },         { "/dev/full", false },       { "/dev/random", false },        { "/dev/urandom", false },
	{ "/dev/tty", false },          { "/dev/mqueue", true },      { "/dev/hugepages", true },
};

static int put_device(const struct device *device, int tree_fd, struct launch_report *report)
{
	if (tree_fd < 0)
		return 0;
	if (device->directory)
		(void)mkdir(device->path, 0755);
	else
		(void)close(open(device->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
	return put_tree(tree_fd, device->path, report);
}

static int fill_pts(int pts_fd, int ptmx_fd, struct launch_report *report)
{
	(void)mkdir("/dev/pts", 0755);
	if (mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620") == 0)
		return symlink("pts/ptmx", "/dev/ptmx") < 0 ? confine_failed(report, errno, "/dev/ptmx") : 0;
	if (put_device(&devices[PTS], pts_fd, report) < 0)
		return -1;
	return put_device(&devices[PTMX], ptmx_fd, report);
}

static int make_shm(struct launch_report *report)
{
	(void)mkdir("/dev/shm", 01777);
	return mount_memory("/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777", report);
}

/* `log`: where /dev/log leads, "" where it is no link. */
static int fill_dev(const int trees[static ARRAY_LEN(devices)], const char *log, struct launch_report *report)
{
	const char *const links[][2] = { { "/proc/self/fd", "/dev/fd" }, { "fd/0", "/dev/stdin" }, { "fd/1", "/dev/stdout" },
					 { "fd/2", "/dev/stderr" }, { log, "/dev/log" } };
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (i != PTS && i != PTMX && put_device(&devices[i], trees[i], report) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (links[i][0][0] != '\0' && symlink(links[i][0], links[i][1]) < 0)
			return confine_failed(report, errno, "%s", links[i][1]);
	if (trees[SHM] < 0 && make_shm(report) < 0)
		return -1;
	return fill_pts(trees[PTS], trees[PTMX], report);
}

/* Ours hides the machine's disks, terminals and the like; what lies in it is bound from there, for nobody but root makes
 * device files. It stays to be written until all that the policy names is in it. */
static int own_dev(bool own_shm, struct launch_report *report)
{
	int trees[ARRAY_LEN(devices)];
	char log[PATH_MAX];
	ssize_t length = readlink("/dev/log", log, sizeof(log) - 1);
	log[length < 0 ? 0 : length] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		trees[i] = i == SHM && own_shm ? -1 : open_tree(AT_FDCWD, devices[i].path, TREE_FLAGS);
	int result = mount_memory("/dev", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m", report);
	if (result == 0)
		result = fill_dev(trees, log, report);
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (trees[i] >= 0)
			close(trees[i]);
	return result;
}

static int make_all(struct mounts *mounts, const struct launch *launch, struct launch_report *report)
{
	if (confine_paths_find(&mounts->paths, launch, report) < 0 || keep_trees(mounts, true, report) < 0)
		return -1;
	if (mounts->own_dev && own_dev((launch->fence.flags & LAUNCH_OWN_SHM) != 0, report) < 0)
		return -1;
	if (keep_trees(mounts, false, report) < 0 || make_walls(mounts, report) < 0)
		return -1;
	return mounts->own_dev ? set("/dev", MOUNT_ATTR_RDONLY, 0, 0, report) : 0;
}

static int make_paths(const struct launch *launch, struct launch_report *report)
{
	struct mounts *mounts = calloc(1, sizeof(*mounts));
	if (mounts == NULL)
		return confine_failed(report, ENOMEM, "mounts");
	mounts->own_dev = (launch->fence.flags & LAUNCH_OWN_DEV) != 0;
	int result = make_all(mounts, launch, report);
	for (size_t i = 0; i < mounts->paths.count; i++)
		if (mounts->kept[i].path != NULL && mounts->kept[i].tree_fd >= 0)
			close(mounts->kept[i].tree_fd);
	confine_paths_finish(&mounts->paths);
	free(mounts);
	return result;
}

/* Numbers stay: it is the same PID namespace, with what the worker may not look into (hidepid=4: ptrace's rule, which Landlock
 * narrows to its own tree) left out. */
static int own_proc(struct launch_report *report)
{
	if (mount("proc", "/proc", "proc", HARMLESS, "hidepid=4") < 0)
		return confine_failed(report, errno, "proc");
	return 0;
}

int confine_mounts(const struct launch *launch, struct launch_report *report)
{
	char here[PATH_MAX];
	uint32_t flags = launch->fence.flags;
	if ((flags & LAUNCH_BY_MOUNTS) == 0)
		return 0;
	if ((launch->fence.namespaces & CLONE_NEWNS) == 0)
		return confine_failed(report, 0, "no mount namespace of the worker's own");
	bool known = getcwd(here, sizeof(here)) != NULL;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return confine_failed(report, errno, "mounts that stay here");
	if ((flags & LAUNCH_OWN_PROC) != 0 && own_proc(report) < 0)
		return -1;
	if (make_paths(launch, report) < 0)
		return -1;
	/* A working directory is a place below the walls, and relative paths would start from there. */
	if (known && chdir(here) < 0 && chdir("/") < 0)
		return confine_failed(report, errno, "%.150s", here);
	return 0;
}
