/* SPDX-License-Identifier: Apache-2.0 */
/* program: the last steps but the filter (filter.c): directory, descriptors, exec. */
#include "child/confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

int confine_directory(const struct launch *launch, struct launch_report *report)
{
	if (launch->directory != NULL && chdir(launch->directory) < 0)
		return confine_failed(report, errno, "%.180s", launch->directory);
	return 0;
}

static bool is_target(const struct launch *launch, int fd)
{
	for (size_t i = 0; i < launch->keep_count; i++)
		if (launch->keep[i].to == fd)
			return true;
	return false;
}

int confine_duplicate(const struct launch *launch, int fd)
{
	for (int from = LAUNCH_FIRST_FD;;) {
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, from);
		if (copy < 0 || !is_target(launch, copy))
			return copy;
		close(copy);
		from = copy + 1;
	}
}

/* By way of scratch numbers, so that no source is overwritten by another's target. */
int confine_descriptors(const struct launch *launch, struct launch_report *report)
{
	int scratch[LAUNCH_KEEP_MAX];
	for (size_t i = 0; i < launch->keep_count; i++) {
		scratch[i] = confine_duplicate(launch, launch->keep[i].from);
		if (scratch[i] < 0)
			return confine_failed(report, errno, "descriptor %d", launch->keep[i].from);
	}
	if (close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) < 0)
		return confine_failed(report, errno, "close_range");
	for (size_t i = 0; i < launch->keep_count; i++)
		if (dup2(scratch[i], launch->keep[i].to) < 0)
			return confine_failed(report, errno, "descriptor %d", launch->keep[i].to);
	return 0;
}

static bool is_variable(const char *word, const char *name)
{
	size_t length = strlen(name);
	return strncmp(word, name, length) == 0 && word[length] == '=';
}

/* The environment with LISTEN_FDS and LISTEN_PID of this very process, which keeps its pid through exec; NULL where memory
 * is out. What stood there of them is replaced: it cannot be true. */
static char **with_listen_fds(const struct launch *launch)
{
	static char fds[32], pid[32];
	size_t count = 0, kept = 0;
	while (launch->environment[count] != NULL)
		count++;
	char **list = calloc(count + 3, sizeof(*list));
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		char *word = launch->environment[i];
		if (!is_variable(word, "LISTEN_FDS") && !is_variable(word, "LISTEN_PID") &&
		    !is_variable(word, "LISTEN_FDNAMES"))
			list[kept++] = word;
	}
	snprintf(fds, sizeof(fds), "LISTEN_FDS=%u", launch->listen_fds);
	snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	list[kept++] = fds;
	list[kept] = pid;
	return list;
}

const char *confine_variable(char *const *environment, const char *name)
{
	for (size_t i = 0; environment[i] != NULL; i++)
		if (is_variable(environment[i], name))
			return environment[i] + strlen(name) + 1;
	return NULL;
}

/* ENOENT for a file that is there means that its interpreter is not: say that, not that the file is missing. */
static int explain_exec(const char *path, int error, struct launch_report *report)
{
	char head[128] = "";
	if (error != ENOENT || access(path, F_OK) != 0)
		return confine_failed(report, error, "%.180s", path);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, head, sizeof(head) - 1) > 2 && head[0] == '#' && head[1] == '!') {
		const char *interpreter = head + 2 + strspn(head + 2, " \t");
		return confine_failed(report, error, "%.90s: its interpreter %.*s", path,
				      (int)strcspn(interpreter, " \t\r\n"), interpreter);
	}
	return confine_failed(report, error, "%.90s: its program interpreter or a library", path);
}

/* Tries one path. Returns the errno of the failure: exec itself does not come back. */
static int try_exec(const char *path, const struct launch *launch)
{
	struct stat stat;
	execve(path, launch->argv, launch->environment);
	int error = errno;
	if (error == EACCES && fstatat(AT_FDCWD, path, &stat, 0) == 0 && S_ISDIR(stat.st_mode))
		return EISDIR;
	return error;
}

struct sought {
	int reason;         /* ENOENT, or EACCES where a file is there that may not be executed */
	const char *closed; /* the first directory of PATH that this user may not search: root's own, after a change of user */
	int closed_length;
};

/* Notes why exec failed in one directory of PATH; false where that is the answer, and no reason to go on. */
static bool passed_over(struct sought *sought, const char *full, const char *directory, size_t length, int error)
{
	bool there = access(full, F_OK) == 0;
	if (error == EACCES && there)
		sought->reason = EACCES;
	if (error == EACCES && !there && sought->closed == NULL) {
		sought->closed = directory;
		sought->closed_length = length > 80 ? 80 : (int)length;
	}
	return error == EACCES || error == ENOTDIR || error == EISDIR || (error == ENOENT && !there);
}

static int explain_search(const char *name, const struct sought *sought, struct launch_report *report)
{
	if (sought->reason == ENOENT && sought->closed != NULL)
		return confine_failed(report, ENOENT, "%.60s (%.*s in PATH is closed to this user)", name,
				      sought->closed_length, sought->closed);
	return confine_failed(report, sought->reason, "%.180s", name);
}

/* As a shell looks: the first that can be executed; a file that may not be executed is remembered as the reason. */
static int search(const struct launch *launch, struct launch_report *report)
{
	const char *name = launch->argv[0];
	const char *path = confine_variable(launch->environment, "PATH");
	struct sought sought = { .reason = ENOENT };
	for (const char *at = path == NULL ? DEFAULT_PATH : path; at != NULL;) {
		char full[PATH_MAX];
		const char *end = strchrnul(at, ':');
		int length = snprintf(full, sizeof(full), "%.*s%s%s", (int)(end - at), at, end == at ? "" : "/", name);
		int error = (size_t)length >= sizeof(full) ? ENAMETOOLONG : try_exec(full, launch);
		if (!passed_over(&sought, full, at, (size_t)(end - at), error))
			return explain_exec(full, error, report);
		at = *end == ':' ? end + 1 : NULL;
	}
	return explain_search(name, &sought, report);
}

int confine_exec(const struct launch *launch, struct launch_report *report)
{
	const char *name = launch->argv[0];
	struct launch told = *launch;
	if (launch->reach != NULL)
		return confine_reach(launch, report);
	if (name[0] == '\0')
		return confine_failed(report, ENOENT, "an empty command");
	if (launch->listen_fds > 0)
		told.environment = with_listen_fds(launch);
	if (told.environment == NULL)
		return confine_failed(report, ENOMEM, "environment");
	if (strchr(name, '/') == NULL)
		return search(&told, report);
	return explain_exec(name, try_exec(name, &told), report);
}
