/* SPDX-License-Identifier: Apache-2.0 */
/* session: one pass over /proc/PID/stat. A process may fork while we look; the callers come again until none is left. */
#include "supervisor/edge/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define FIELDS_TO_PARENT 1 /* behind the state */
#define FIELDS_TO_SESSION 3
#define FIELDS_TO_START 19

/* Who is meant: of these sessions; or not among these and not older. */
struct meant {
	const int32_t *numbers;
	size_t count;
	uint64_t since;
};

/* Skips one field and the space behind it. */
static const char *next_field(const char *text)
{
	while (*text != '\0' && *text != ' ')
		text++;
	return *text == ' ' ? text + 1 : text;
}

static uint64_t parse_long(const char *text, uint64_t max)
{
	uint64_t number = 0;
	for (; *text >= '0' && *text <= '9' && number < max / 10; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	return number;
}

static int32_t parse_number(const char *text)
{
	return (int32_t)parse_long(text, INT32_MAX);
}

/* The state in the text, NULL for a zombie and for what is no such text. */
static const char *find_state(const char *text)
{
	/* "PID (NAME) STATE PPID PGRP SESSION ...": the name is the process's own choice and may hold ") Z 1 1 1". */
	const char *state = strrchr(text, ')');
	if (state == NULL || state[1] != ' ')
		return NULL;
	state += 2;
	return *state == 'Z' || *state == 'X' ? NULL : state;
}

/* The text from a field on; "" where there is none. */
static const char *find_field(const char *text, int fields)
{
	const char *at = find_state(text);
	for (; at != NULL && fields > 0; fields--)
		at = next_field(at);
	return at == NULL ? "" : at;
}

int32_t session_of_stat(const char *text)
{
	return parse_number(find_field(text, FIELDS_TO_SESSION));
}

/* As much of /proc/PID/FILE as there is room for; "" where it cannot be read. */
static void read_file(int proc_fd, const char *pid, const char *file, char *text, size_t size)
{
	cleanup_fd int directory_fd = openat(proc_fd, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = directory_fd < 0 ? -1 : openat(directory_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
	text[length > 0 ? length : 0] = '\0';
}

static bool is_among(int32_t session, const int32_t *sessions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sessions[i] > 1 && sessions[i] == session)
			return true;
	return false;
}

static bool is_in_session(int proc_fd, const char *name, const struct meant *meant)
{
	char text[512];
	read_file(proc_fd, name, "stat", text, sizeof(text));
	return is_among(session_of_stat(text), meant->numbers, meant->count);
}

/* Its name cannot hold a line of its own; what it can make too long to be read (its groups) does not speak for it. */
static bool is_adopted(int proc_fd, const char *name, const struct meant *meant)
{
	char text[4096];
	read_file(proc_fd, name, "stat", text, sizeof(text));
	if (parse_number(find_field(text, FIELDS_TO_PARENT)) != getpid() || is_among(parse_number(name), meant->numbers, meant->count) ||
	    parse_long(find_field(text, FIELDS_TO_START), UINT64_MAX) < meant->since)
		return false;
	read_file(proc_fd, name, "status", text, sizeof(text));
	return strstr(text, "\nNoNewPrivs:\t0\n") == NULL;
}

static size_t signal_all(bool (*is_meant)(int proc_fd, const char *name, const struct meant *meant), const struct meant *meant,
			 int signal)
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
			int32_t pid = parse_number(entry->d_name);
			if (pid <= 1 || pid == getpid() || !is_meant(proc_fd, entry->d_name, meant))
				continue;
			kill(pid, signal);
			signalled++;
		}
	}
	return signalled;
}

size_t session_signal(const int32_t *sessions, size_t count, int signal)
{
	return signal_all(is_in_session, &(struct meant){ sessions, count, 0 }, signal);
}

int session_adopt(uint64_t *ret_since)
{
	struct timespec now;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	clock_gettime(CLOCK_BOOTTIME, &now);
	*ret_since = (uint64_t)now.tv_sec * ticks + (uint64_t)now.tv_nsec * ticks / 1000000000;
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

size_t session_signal_adopted(const int32_t *known, size_t count, uint64_t since, int signal)
{
	return signal_all(is_adopted, &(struct meant){ known, count, since }, signal);
}
