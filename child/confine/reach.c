/* SPDX-License-Identifier: Apache-2.0 */
/* reach: in a worker's place, with all that a worker has been given and denied: can it get at the supervisor? Nothing of it
 * is changed by trying. What failed for whatever reason is closed. */
#include "child/confine/confine.h"
#include "supervisor/types/reach.h"

#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define FLAGS (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
#define TRIAL ".heapward-reach" /* no drop-in, no death, no event */

static bool opens(const char *path, int flags)
{
	cleanup_fd int fd = open(path, flags | FLAGS);
	return fd >= 0;
}

/* A list of system calls may let files be made and none be removed. There is nothing to remove yet, or what another trial left. */
static bool removes(int folder)
{
	return unlinkat(folder, TRIAL, 0) == 0 || (errno != EPERM && errno != ENOSYS);
}

/* Nothing must be left behind: by a file without a name, or, where the file system has none, as the mode says. */
static bool makes_unnamed(int folder)
{
	cleanup_fd int fd = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	return fd >= 0 || ((errno == EOPNOTSUPP || errno == EISDIR) && faccessat(folder, ".", W_OK, 0) == 0);
}

/* By a file that is made and goes at once: the permission to write may be another's to take away again (Landlock, mounts). */
static bool makes_files(const char *directory)
{
	cleanup_fd int folder = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && !removes(folder))
		return makes_unnamed(folder);
	cleanup_fd int fd = folder < 0 ? -1 : openat(folder, TRIAL, O_WRONLY | O_CREAT | O_EXCL | FLAGS, 0600);
	if (fd < 0) /* that one is there says nothing of this worker: another trial could not remove it */
		return folder >= 0 && errno == EEXIST && makes_unnamed(folder);
	(void)unlinkat(folder, TRIAL, 0);
	return true;
}

static bool reads_directory(const char *path)
{
	return opens(path, O_RDONLY | O_DIRECTORY);
}

static bool writes_file(const char *path)
{
	return opens(path, O_WRONLY);
}

static bool connects(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || strlen(path) >= sizeof(name.sun_path))
		return false;
	memcpy(name.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 || errno == EAGAIN || errno == EINPROGRESS;
}

/* Signal 0 would only ask whether it is there. A supervisor ignores this one. */
static bool signals(const char *pid)
{
	return kill((pid_t)strtol(pid, NULL, 10), SIGURG) == 0;
}

static bool signals_by_proc(const char *pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%.12s", pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && syscall(SYS_pidfd_send_signal, fd, SIGURG, NULL, 0) == 0;
}

/* By one of the ways to name whom the kernel is to signal; which are told apart by nobody but a filter. */
static bool names_owner(int fd, int pid)
{
	const struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = pid };
	return fcntl(fd, F_SETOWN, pid) == 0 || fcntl(fd, F_SETOWN_EX, &owner) == 0 || ioctl(fd, FIOSETOWN, &pid) == 0;
}

/* The descriptor is never to be signalled for (O_ASYNC): whether it could be is asked by kill(2). */
static bool signals_as_owner(const char *pid)
{
	int ends[2];
	pid_t target = (pid_t)strtol(pid, NULL, 10);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return false;
	cleanup_fd int one = ends[0], other = ends[1];
	return kill(target, 0) == 0 && names_owner(one, target) && (fcntl(one, F_SETSIG, SIGKILL) == 0 || fcntl(other, F_SETSIG, SIGTERM) == 0);
}

static bool signals_in_any_way(const char *pid)
{
	return signals(pid) || signals_by_proc(pid) || signals_as_owner(pid);
}

static bool opens_memory(const char *pid)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%.12s/mem", pid);
	return opens(path, O_RDWR);
}

static bool (*const acts[])(const char *target) = {
	[REACH_STATE_READ] = reads_directory, [REACH_STATE_WRITE] = makes_files, [REACH_RUNTIME_WRITE] = makes_files,
	[REACH_CONTROL] = connects,           [REACH_POLICY_WRITE] = writes_file, [REACH_PROGRAM_WRITE] = makes_files,
	[REACH_CGROUP_WRITE] = writes_file,   [REACH_SIGNAL] = signals,          [REACH_PIDFD] = signals_by_proc,
	[REACH_OWNER] = signals_as_owner,     [REACH_MEMORY] = opens_memory,      [REACH_KEEPER] = signals_in_any_way,
};

_Static_assert(ARRAY_LEN(acts) == REACH_COUNT, "every act is tried");

int confine_reach(const struct launch *launch, struct launch_report *report)
{
	report->error = 0;
	for (size_t i = 0; i < REACH_COUNT; i++) {
		const char *target = launch->reach[i];
		if (target == NULL)
			return confine_failed(report, EINVAL, "%zu targets", i);
		report->text[i] = target[0] == '\0' ? REACH_UNTRIED : acts[i](target) ? REACH_OPEN : REACH_CLOSED;
	}
	report->text[REACH_COUNT] = '\0';
	return -1;
}
