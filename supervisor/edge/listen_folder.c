/* SPDX-License-Identifier: Apache-2.0 */
/* listen_folder: see listen_folder.h. An ordinary user goes nowhere that it may not go: the kernel sees to that. */
#include "supervisor/edge/listen_folder.h"

#include "supervisor/edge/listen_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* as the kernel's */
#define MISSING "; its directory must be there"

/* On the way from the root to the folder. */
struct walk {
	int fd;              /* where we are */
	char rest[PATH_MAX]; /* what is left to go */
	unsigned links;
	bool trusted;        /* only root could have led us here */
};

static bool only_root_changes(const struct stat *status)
{
	return status->st_uid == 0 && ((status->st_mode & 022) == 0 || (status->st_mode & S_ISVTX) != 0);
}

static int enter(struct walk *walk, int folder_fd)
{
	struct stat status;
	if (folder_fd < 0 || fstat(folder_fd, &status) < 0)
		return -1;
	cleanup_close(&walk->fd);
	walk->fd = folder_fd;
	walk->trusted = walk->trusted && only_root_changes(&status);
	return 0;
}

/* Cuts the first name off what is left; "" at the end. */
static void take_name(struct walk *walk, char name[static NAME_MAX + 1])
{
	const char *from = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(from, "/");
	snprintf(name, NAME_MAX + 1, "%.*s", (int)(length > NAME_MAX ? NAME_MAX : length), from);
	memmove(walk->rest, from + length, strlen(from + length) + 1);
}

/* A link goes before what is left. */
static int follow(struct walk *walk, const char *name)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlinkat(walk->fd, name, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	memcpy(rest, walk->rest, sizeof(rest));
	if (walk->links++ == LINKS_MAX ||
	    snprintf(walk->rest, sizeof(walk->rest), "%s/%s", target, rest) >= (int)sizeof(walk->rest)) {
		errno = ELOOP;
		return -1;
	}
	return target[0] == '/' ? enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) : 0;
}

static int step(struct walk *walk, const char *name, struct failure *why)
{
	struct stat status;
	if (fstatat(walk->fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(why, 0, "%s: %s%s", name, strerror(errno), errno == ENOENT ? MISSING : "");
	if (S_ISLNK(status.st_mode) && (!walk->trusted || status.st_uid != 0))
		return failed(why, 0, "%s on its way is a symbolic link that others than root can change; name the folder that "
			      "it leads to", name);
	if (S_ISLNK(status.st_mode) ? follow(walk, name) == 0
				    : enter(walk, openat(walk->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == 0)
		return 0;
	return failed(why, errno, "%s", name);
}

static int judge(int fd, uint32_t owner_uid, uint32_t owner_gid, struct failure *why)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return failed(why, errno, "its folder");
	if (status.st_uid != 0 && status.st_uid != owner_uid)
		return failed(why, 0, "its folder belongs to uid %u, neither root nor the service's user (sandbox.user); chown it",
			      status.st_uid);
	if ((status.st_mode & S_ISVTX) != 0)
		return 0;
	if ((status.st_mode & 02) != 0)
		return failed(why, 0, "its folder can be written by everybody; chmod o-w it");
	if ((status.st_mode & 020) != 0 && status.st_gid != 0 && status.st_gid != owner_gid)
		return failed(why, 0, "its folder can be written by gid %u, not the service's group; chmod g-w it", status.st_gid);
	return 0;
}

static int walk_to(const char *path, struct walk *walk, struct failure *why)
{
	char name[NAME_MAX + 1];
	size_t length = (size_t)(listen_path_name(path) - path);
	snprintf(walk->rest, sizeof(walk->rest), "%.*s", (int)length, path);
	if (enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return failed(why, errno, "/");
	for (take_name(walk, name); name[0] != '\0'; take_name(walk, name))
		if (step(walk, name, why) < 0)
			return -1;
	return 0;
}

int listen_folder_open(const char *path, uint32_t owner_uid, uint32_t owner_gid, bool *ret_stays, struct failure *why)
{
	struct walk walk = { .fd = -1, .trusted = true };
	*ret_stays = true;
	if (geteuid() != 0) {
		int fd = listen_path_folder(path);
		return fd >= 0 ? fd : failed(why, 0, "%s%s", strerror(errno), errno == ENOENT ? MISSING : "");
	}
	if (walk_to(path, &walk, why) == 0 && judge(walk.fd, owner_uid, owner_gid, why) == 0) {
		*ret_stays = walk.trusted;
		return TAKE_FD(walk.fd);
	}
	cleanup_close(&walk.fd);
	return -1;
}
