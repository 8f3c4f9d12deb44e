/* SPDX-License-Identifier: Apache-2.0 */
/* session: see session.h. */
#include "supervisor/edge/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* /proc/PID/stat is "pid (name) state ppid pgrp session ..."; the name may hold anything, also ")". */
static bool is_living_member(const char *pid, int32_t session)
{
	char path[64], text[512];
	int member;
	char state;
	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return false;
	text[length] = '\0';
	const char *behind = strrchr(text, ')');
	return behind != NULL && sscanf(behind + 1, " %c %*d %*d %d", &state, &member) == 2 && member == session &&
	       state != 'Z' && state != 'X';
}

unsigned session_kill(int32_t session)
{
	unsigned found = 0;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		return 0;
	while ((entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !is_living_member(entry->d_name, session))
			continue;
		kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
		found++;
	}
	closedir(proc);
	return found;
}
