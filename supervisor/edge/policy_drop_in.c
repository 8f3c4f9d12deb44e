/* SPDX-License-Identifier: Apache-2.0 */
/* policy_drop_in: one drop-in beside a policy file, read, written and taken away. Knows files and folders, not what
 * stands in them. */
#include "supervisor/edge/policy_files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

int policy_drop_in_find(struct policy_drop_in *ret, const char *path, const char *name, struct failure *why)
{
	if (strlen(path) > PATH_MAX - 16)
		return failed(why, ENAMETOOLONG, "%.64s", path);
	policy_files_drop_ins(path, ret->directory);
	snprintf(ret->file, sizeof(ret->file), "%s/%s", ret->directory, name);
	ret->name = name;
	ret->taken_over[0] = '\0';
	return 0;
}

char *policy_drop_in_read(const struct policy_drop_in *drop_in, size_t *ret_length, struct failure *why)
{
	char *text = NULL;
	if (policy_files_read(drop_in->file, POLICY_TEXT_MAX, &text, ret_length, why) == 0)
		return text;
	failed_in(why, "%s", drop_in->file);
	return NULL;
}

/* The folder, made where there is none; nobody else may lead our writing elsewhere. */
static int open_folder(const struct policy_drop_in *drop_in, struct failure *why)
{
	struct stat status;
	if (mkdir(drop_in->directory, 0755) < 0 && errno != EEXIST)
		return failed(why, errno, "make %s", drop_in->directory);
	cleanup_fd int fd = open(drop_in->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return failed(why, errno, "open %s", drop_in->directory);
	if (geteuid() == 0 && policy_files_distrust(&status)[0] != '\0')
		return failed(why, 0, "folder %s %s", drop_in->directory, policy_files_distrust(&status));
	return TAKE_FD(fd);
}

/* What the file is to be like: as the one that is there, or, new, as root's policies usually are and a user's own files. */
struct look {
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static struct look look_of(int folder_fd, const char *name)
{
	struct stat status;
	if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
		return (struct look){ status.st_mode & 0777, status.st_uid, status.st_gid };
	return (struct look){ geteuid() == 0 ? 0644 : 0600, (uid_t)-1, (gid_t)-1 };
}

/* The owner first: who is given a mode meant for another could read more. */
static int take_look(int fd, const struct look *look)
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -1;
	bool same = (look->uid == (uid_t)-1 || look->uid == status.st_uid) && (look->gid == (gid_t)-1 || look->gid == status.st_gid);
	if (!same && fchown(fd, look->uid, look->gid) < 0)
		return -1;
	return fchmod(fd, look->mode);
}

/* In his own folder a user may put a file of his own in another's place, and so may we for him. Also root, whose supervisor has given up
 * CAP_CHOWN, where the file has another group. */
static int take_over(struct policy_drop_in *drop_in, int folder_fd, int fd, const struct look *look)
{
	struct stat folder;
	mode_t mode = (look->mode & 0700) | 0400;
	int error = errno;
	if (error != EPERM || fstat(folder_fd, &folder) < 0 || folder.st_uid != geteuid()) {
		errno = error;
		return -1;
	}
	snprintf(drop_in->taken_over, sizeof(drop_in->taken_over), "it belonged to uid %u, gid %u: now it is your own, mode %04o",
		 (unsigned)look->uid, (unsigned)look->gid, (unsigned)mode);
	return fchmod(fd, mode);
}

static int write_text(int fd, const char *text)
{
	for (size_t done = 0, length = strlen(text); done < length;) {
		ssize_t wrote = write(fd, text + done, length - done);
		if (wrote < 0 && errno != EINTR)
			return -1;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

static int fill(struct policy_drop_in *drop_in, int folder_fd, int fd, const char *text)
{
	struct look look = look_of(folder_fd, drop_in->name);
	drop_in->taken_over[0] = '\0';
	if (write_text(fd, text) < 0)
		return -1;
	if (take_look(fd, &look) < 0 && take_over(drop_in, folder_fd, fd, &look) < 0)
		return -1;
	return fsync(fd);
}

int policy_drop_in_write(struct policy_drop_in *drop_in, const char *text, struct failure *why)
{
	char temporary[NAME_MAX + 1]; /* begins with a dot: no drop-in */
	cleanup_fd int folder = open_folder(drop_in, why);
	if (folder < 0)
		return -1;
	snprintf(temporary, sizeof(temporary), ".%.240s.new", drop_in->name);
	(void)unlinkat(folder, temporary, 0); /* of a supervisor that was killed */
	cleanup_fd int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(why, errno, "write %s", drop_in->file);
	if (fill(drop_in, folder, fd, text) == 0 && renameat(folder, temporary, folder, drop_in->name) == 0)
		return 0;
	failed(why, errno, "write %s", drop_in->file);
	(void)unlinkat(folder, temporary, 0);
	return -1;
}

int policy_drop_in_remove(const struct policy_drop_in *drop_in, struct failure *why)
{
	if (unlink(drop_in->file) < 0 && errno != ENOENT)
		return failed(why, errno, "remove %s", drop_in->file);
	(void)rmdir(drop_in->directory); /* where it was ours alone */
	return 0;
}
