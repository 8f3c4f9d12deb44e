/* SPDX-License-Identifier: Apache-2.0 */
/* files: what belongs to the machine. Files are opened and closed, and new ones removed; nothing is written. See probe.h. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A program that is running is refused for that only after the permissions. */
ACT(open_to_write)
{
	return tried_past(open(text, O_WRONLY | O_CLOEXEC | O_NONBLOCK), ETXTBSY);
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

ACT(list)
{
	DIR *directory = opendir(text);
	return directory == NULL || readdir(directory) == NULL ? errno : THROUGH;
}
