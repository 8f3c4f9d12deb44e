/* SPDX-License-Identifier: Apache-2.0 */
/* others: processes outside of the worker: the supervisor, its keeper, another service's worker, and one of the same user
 * that nobody confines. The signal is one that nobody heeds who has not asked for it; what is set is what it was. See
 * probe.h. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/sockios.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define TARGET (at->pids[number])

#define PROCESS_PATH_MAX 64
#define HARMLESS SIGURG /* ignored by default */

ACT(signal_process)
{
	return tried(kill(TARGET, HARMLESS));
}

/* Goes on at once. */
ACT(signal_stop)
{
	int result = tried(kill(TARGET, SIGSTOP));
	kill(TARGET, SIGCONT);
	return result;
}

/* The supervisor's, which is that of who started it. */
ACT(signal_group)
{
	pid_t group = getpgid(TARGET);
	if (group == 0) /* out of sight, and a signal to 0 would be one to our own */
		return ABSENT;
	return group < 0 ? errno : tried(kill(-group, HARMLESS));
}

static siginfo_t queued(void)
{
	return (siginfo_t){ .si_signo = HARMLESS, .si_code = SI_QUEUE, .si_pid = getpid(), .si_uid = getuid() };
}

ACT(signal_queue)
{
	siginfo_t about = queued();
	return tried(syscall(SYS_rt_sigqueueinfo, TARGET, HARMLESS, &about));
}

ACT(signal_thread)
{
	return tried(syscall(SYS_tgkill, TARGET, TARGET, HARMLESS));
}

ACT(signal_thread_old)
{
	return tried(syscall(SYS_tkill, TARGET, HARMLESS));
}

ACT(signal_thread_queue)
{
	siginfo_t about = queued();
	return tried(syscall(SYS_rt_tgsigqueueinfo, TARGET, TARGET, HARMLESS, &about));
}

ACT(signal_pidfd)
{
	int fd = (int)syscall(SYS_pidfd_open, TARGET, 0);
	return fd < 0 ? errno : tried(syscall(SYS_pidfd_send_signal, fd, HARMLESS, NULL, 0));
}

static bool has_line(const char *path, int wanted)
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (line[0] != '\0' && strtol(line, NULL, 10) == wanted)
			return true;
	return false;
}

/* The kernel sends it to this end's owner when there is something to read: past every rule on kill. Where it may not be one
 * of our choice, it is SIGIO, which ends most programs. */
static int await_owned(const struct targets *at, int ends[2], int signal)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000000 };
	if (fcntl(ends[0], F_SETSIG, signal) < 0)
		signal = SIGIO;
	if (fcntl(ends[0], F_SETFL, O_ASYNC) < 0)
		return errno;
	if (write(ends[1], "x", 1) != 1)
		return ABSENT;
	for (int i = 0; i < 15; i++) {
		if (has_line(at->signals, signal))
			return THROUGH;
		nanosleep(&pause, NULL);
	}
	return ESRCH;
}

ACT(signal_owner)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return ABSENT;
	return fcntl(ends[0], F_SETOWN, TARGET) < 0 ? errno : await_owned(at, ends, SIGUSR2);
}

ACT(signal_owner_ioctl)
{
	int ends[2], pid = TARGET;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return ABSENT;
	return ioctl(ends[0], FIOSETOWN, &pid) < 0 ? errno : await_owned(at, ends, SIGUSR1);
}

ACT(trace_other)
{
	return tried(ptrace(PTRACE_SEIZE, TARGET, NULL, NULL));
}

/* An address that nobody has: the kernel says so only to whom it lets read. */
static int copy_memory(long call, pid_t pid)
{
	static char here[8];
	struct iovec local = { here, 8 }, remote = { (void *)1, 8 };
	return tried_past(syscall(call, pid, &local, 1, &remote, 1, 0), EFAULT);
}

ACT(read_other)
{
	return copy_memory(SYS_process_vm_readv, TARGET);
}

ACT(write_other)
{
	return copy_memory(SYS_process_vm_writev, TARGET);
}

ACT(take_other)
{
	int fd = (int)syscall(SYS_pidfd_open, TARGET, 0);
	return fd < 0 ? errno : tried(syscall(SYS_pidfd_getfd, fd, STDOUT_FILENO, 0));
}

ACT(limit_other)
{
	struct rlimit limit;
	if (prlimit(TARGET, RLIMIT_NOFILE, NULL, &limit) < 0)
		return errno;
	return tried(prlimit(TARGET, RLIMIT_NOFILE, &limit, NULL));
}

ACT(schedule_other)
{
	struct sched_param parameters;
	int policy = sched_getscheduler(TARGET);
	if (policy < 0 || sched_getparam(TARGET, &parameters) < 0)
		return errno;
	return tried(sched_setscheduler(TARGET, policy, &parameters));
}

ACT(attribute_other)
{
	unsigned char attributes[64] = { 0 };
	if (syscall(SYS_sched_getattr, TARGET, attributes, 48, 0) < 0)
		return errno;
	return tried(syscall(SYS_sched_setattr, TARGET, attributes, 0));
}

ACT(affinity_other)
{
	cpu_set_t set;
	if (sched_getaffinity(TARGET, sizeof(set), &set) < 0)
		return errno;
	return tried(sched_setaffinity(TARGET, sizeof(set), &set));
}

ACT(priority_other)
{
	errno = 0;
	int priority = getpriority(PRIO_PROCESS, (id_t)TARGET);
	if (priority == -1 && errno != 0)
		return errno;
	return tried(setpriority(PRIO_PROCESS, (id_t)TARGET, priority));
}

ACT(disk_other)
{
	const int process = 1, best_effort = 2 << 13;
	long now = syscall(SYS_ioprio_get, process, TARGET);
	if (now < 0)
		return errno;
	return tried(syscall(SYS_ioprio_set, process, TARGET, now == 0 ? best_effort | 4 : now));
}

static const char *file_of(char *path, pid_t pid, const char *file)
{
	snprintf(path, PROCESS_PATH_MAX, "/proc/%d/%.40s", pid, file);
	return path;
}

/* Some are refused only when read. */
ACT(proc_read)
{
	char path[PROCESS_PATH_MAX], byte;
	int fd = open(file_of(path, TARGET, text), O_RDONLY | O_CLOEXEC);
	return fd < 0 ? errno : tried(read(fd, &byte, 1));
}

ACT(proc_write)
{
	char path[PROCESS_PATH_MAX];
	return tried(open(file_of(path, TARGET, text), O_RDWR | O_CLOEXEC));
}

ACT(proc_list)
{
	char path[PROCESS_PATH_MAX];
	DIR *directory = opendir(file_of(path, TARGET, text));
	return directory == NULL || readdir(directory) == NULL ? errno : THROUGH;
}

ACT(proc_oom)
{
	char path[PROCESS_PATH_MAX], line[32];
	if (!read_line(file_of(path, TARGET, "oom_score_adj"), line, sizeof(line)))
		return errno;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? errno : tried(dprintf(fd, "%s", line));
}

/* Only asks where no page is. */
ACT(move_other)
{
	return tried(syscall(SYS_move_pages, TARGET, 0L, NULL, NULL, NULL, 0));
}

/* Pages put aside of a process: none are there. */
ACT(advise_other)
{
	struct iovec remote = { (void *)4096, 4096 };
	int fd = (int)syscall(SYS_pidfd_open, TARGET, 0);
	return fd < 0 ? errno : tried_past(syscall(SYS_process_madvise, fd, &remote, 1L, MADV_COLD, 0), ENOMEM);
}
