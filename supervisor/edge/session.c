/* SPDX-License-Identifier: Apache-2.0 */
/* session: one pass over /proc/PID/stat. A process may fork while we look; the callers come again until none is left. */
#include "supervisor/edge/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

/* Skips one field and the space behind it. */
static const char *next_field(const char *text)
{
	while (*text != '\0' && *text != ' ')
		text++;
	return *text == ' ' ? text + 1 : text;
}

static int32_t parse_number(const char *text)
{
	int32_t number = 0;
	for (; *text >= '0' && *text <= '9' && number < INT32_MAX / 10; text++)
		number = number * 10 + (*text - '0');
	return number;
}

int32_t session_of_stat(const char *text)
{
	/* "PID (NAME) STATE PPID PGRP SESSION ...": the name is the process's own choice and may hold ") Z 1 1 1". */
	const char *state = strrchr(text, ')');
	if (state == NULL || state[1] != ' ')
		return 0;
	state += 2;
	if (*state == 'Z' || *state == 'X')
		return 0;
	return parse_number(next_field(next_field(next_field(state))));
}

static int32_t read_session(int proc_fd, const char *pid)
{
	char text[512];
	cleanup_fd int directory_fd = openat(proc_fd, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = directory_fd < 0 ? -1 : openat(directory_fd, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	return session_of_stat(text);
}

static bool is_among(int32_t session, const int32_t *sessions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sessions[i] > 1 && sessions[i] == session)
			return true;
	return false;
}

static size_t signal_one(int proc_fd, const char *name, const int32_t *sessions, size_t count, int signal)
{
	int32_t pid = parse_number(name);
	if (pid <= 1 || pid == getpid() || !is_among(read_session(proc_fd, name), sessions, count))
		return 0;
	kill(pid, signal);
	return 1;
}

size_t session_signal(const int32_t *sessions, size_t count, int signal)
{
	_Alignas(struct dirent64) char buffer[4096];
	size_t signalled = 0;
	ssize_t length;
	cleanup_fd int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return SIZE_MAX;
	while ((length = getdents64(proc_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			struct dirent64 *entry = (struct dirent64 *)(buffer + at);
			at += entry->d_reclen;
			signalled += signal_one(proc_fd, entry->d_name, sessions, count, signal);
		}
	}
	return signalled;
}
