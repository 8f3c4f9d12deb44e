/* SPDX-License-Identifier: Apache-2.0 */
/* files: what belongs to the machine, and to others. Files are opened and closed, and new ones removed; nothing is written,
 * and what is changed is set to what it was. See probe.h. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

ACT(open_to_write)
{
	return tried(open(text, O_WRONLY | O_CLOEXEC | O_NONBLOCK));
}

ACT(open_to_read)
{
	return tried(open(text, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

ACT(open_both)
{
	return tried(open(text, O_RDWR | O_CLOEXEC | O_NONBLOCK));
}

ACT(plant)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/.heapward-probe-%d", text, getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result = tried(fd);
	if (fd >= 0)
		unlink(path);
	return result;
}

/* Of an ordinary user's home; false: root's is elsewhere, or there is none. Parents are made, for all of them are there on most machines. */
static bool find_home(char path[static 512], const char *name)
{
	const char *home = getenv("HOME");
	if (geteuid() == 0 || home == NULL || home[0] != '/')
		return false;
	snprintf(path, 512, "%s/%s", home, name);
	for (char *slash = strchr(path + strlen(home) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	return true;
}

ACT(home_file)
{
	char path[512];
	if (!find_home(path, text))
		return ABSENT;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool made = fd >= 0;
	int result = tried(made || errno != EEXIST ? fd : open(path, O_WRONLY | O_CLOEXEC));
	if (made)
		unlink(path);
	return result;
}

ACT(home_folder)
{
	char path[512];
	if (!find_home(path, text))
		return ABSENT;
	if (mkdir(path, 0755) == 0)
		return rmdir(path);
	return errno != EEXIST ? errno : plant(at, 0, path);
}

/* A file system that is not mounted there has left an empty directory. */
ACT(list)
{
	struct statfs about;
	if (number != 0 && statfs(text, &about) == 0 && about.f_type != number)
		return ABSENT;
	DIR *directory = opendir(text);
	return directory == NULL || readdir(directory) == NULL ? errno : THROUGH;
}

/* A path, or our policy file where there is none. */
static const char *path_of(const struct targets *at, const char *text)
{
	return text[0] != '\0' ? text : at->policy;
}

ACT(same_mode)
{
	struct stat about;
	const char *path = path_of(at, text);
	return stat(path, &about) < 0 ? errno : tried(chmod(path, about.st_mode & 07777));
}

ACT(same_owner)
{
	struct stat about;
	const char *path = path_of(at, text);
	return stat(path, &about) < 0 ? errno : tried(chown(path, about.st_uid, about.st_gid));
}

ACT(same_times)
{
	struct stat about;
	const char *path = path_of(at, text);
	if (stat(path, &about) < 0)
		return errno;
	return tried(utimensat(AT_FDCWD, path, (struct timespec[2]){ about.st_atim, about.st_mtim }, 0));
}

ACT(same_size)
{
	struct stat about;
	const char *path = path_of(at, text);
	return stat(path, &about) < 0 ? errno : tried(truncate(path, about.st_size));
}

ACT(user_attribute)
{
	const char *path = path_of(at, text);
	int result = tried(setxattr(path, "user.probe", "x", 1, 0));
	removexattr(path, "user.probe");
	return result;
}

/* A name of its own, where it may write. */
ACT(hard_link)
{
	char own[64];
	snprintf(own, sizeof(own), "probe-link-%d", getpid());
	int result = tried(link(path_of(at, text), own));
	unlink(own);
	return result;
}

/* Away and back. */
ACT(rename_file)
{
	char path[512];
	snprintf(path, sizeof(path), "%.500s.probe", at->policy);
	int result = tried(rename(at->policy, path));
	rename(path, at->policy);
	return result;
}

ACT(read_secret)
{
	return at->secret == NULL ? ABSENT : tried(open(at->secret, O_RDONLY | O_CLOEXEC));
}
