/* SPDX-License-Identifier: Apache-2.0 */
/* keeper: fork, place the descriptors, exec, and a few fixed-size messages. Everything between fork and exec is
 * async-signal-safe; its first fault comes back as an errno through a pipe that exec closes. */
#include "supervisor/edge/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAVE_TIMEOUT_MSEC 2000
#define START_TIMEOUT_MSEC 10000
#define HIGH_FD 100 /* above every number that the keeper is to have */
#define KEPT_MAX (1 + KEEPER_DIRECTORIES_MAX + 2)

/* The descriptors that the keeper is to have from KEEPER_PIPE_FD on, in order. */
struct kept {
	int fds[KEPT_MAX];
	int count;
};

static int keep(struct kept *kept, int fd)
{
	if (fd < 0)
		return -1;
	assert(kept->count < KEPT_MAX);
	kept->fds[kept->count] = fd;
	return KEEPER_PIPE_FD + kept->count++;
}

/* The job as the keeper reads it: our descriptors' numbers replaced by its own. */
static void translate(const struct keeper_job *job, int pipe_fd, struct keeper_job *ret, struct kept *kept)
{
	*ret = *job;
	kept->count = 0;
	keep(kept, pipe_fd);
	for (uint32_t i = 0; i < job->directory_count; i++)
		ret->directories[i].base_fd = keep(kept, job->directories[i].base_fd);
	ret->runtime_fd = keep(kept, job->runtime_fd);
	ret->lock_fd = keep(kept, job->lock_fd);
}

/* In the child: moves everything out of the way, then each to its number. Exec closes all that is not among them. */
static bool place(struct kept *kept, int *program_fd, int *report_fd)
{
	*program_fd = fcntl(*program_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	*report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	for (int i = 0; i < kept->count; i++)
		kept->fds[i] = fcntl(kept->fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
	for (int i = 0; i < kept->count; i++)
		if (dup2(kept->fds[i], KEEPER_PIPE_FD + i) < 0)
			return false;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < KEEPER_PIPE_FD; fd++)
		if (null_fd < 0 || dup2(null_fd, fd) < 0)
			close(fd);
	close_range((unsigned)(KEEPER_PIPE_FD + kept->count), ~0U, CLOSE_RANGE_CLOEXEC);
	return true;
}

static void become_keeper(struct kept *kept, int program_fd, int report_fd)
{
	char *const arguments[] = { (char *)"heapward-keeper", NULL }, *const environment[] = { NULL };
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL); /* kept across exec: nothing but SIGKILL ends it */
	setsid();
	if (chdir("/") == 0 && place(kept, &program_fd, &report_fd))
		execveat(program_fd, "", arguments, environment, AT_EMPTY_PATH);
	int error = errno;
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits until the child has become the keeper, or has said why not; not for ever, since a hostile worker of the same uid may
 * stop it (SIGSTOP) before its exec. */
static int hear_start(int report_fd, struct failure *why)
{
	struct pollfd report = { .fd = report_fd, .events = POLLIN };
	int error = 0;
	ssize_t length;
	if (poll(&report, 1, START_TIMEOUT_MSEC) == 0)
		return failed(why, ETIMEDOUT, "start heapward-keeper");
	do {
		length = read(report_fd, &error, sizeof(error));
	} while (length < 0 && errno == EINTR);
	return length == 0 ? 0 : failed(why, error, "exec heapward-keeper");
}

static int send_bytes(const struct keeper *keeper, const void *bytes, size_t size, struct failure *why)
{
	ssize_t written = write(keeper->pipe_fd, bytes, size);
	return written == (ssize_t)size ? 0 : failed(why, written < 0 ? errno : 0, "tell the keeper");
}

/* Forks and waits for the exec; the read ends are closed by the caller. */
static int spawn(struct keeper *keeper, int program_fd, struct kept *kept, struct failure *why)
{
	int report[2];
	if (pipe2(report, O_CLOEXEC) != 0)
		return failed(why, errno, "pipe");
	cleanup_fd int report_read = report[0], report_write = report[1];
	keeper->pid = fork();
	if (keeper->pid < 0)
		return failed(why, errno, "fork");
	if (keeper->pid == 0)
		become_keeper(kept, program_fd, report_write);
	close(TAKE_FD(report_write));
	keeper->pid_fd = pidfd_open(keeper->pid, 0);
	if (keeper->pid_fd < 0)
		return failed(why, errno, "pidfd_open");
	return hear_start(report_read, why);
}

int keeper_start(struct keeper *ret, int program_fd, const struct keeper_job *job, struct failure *why)
{
	struct keeper_job translated;
	struct kept kept;
	int ends[2];
	*ret = (struct keeper){ .pid_fd = -1, .pipe_fd = -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return failed(why, errno, "start the keeper: pipe");
	cleanup_fd int read_end = ends[0];
	ret->pipe_fd = ends[1];
	fcntl(ret->pipe_fd, F_SETFL, O_NONBLOCK); /* a stopped keeper must not stop us */
	translate(job, read_end, &translated, &kept);
	if (send_bytes(ret, &translated, sizeof(translated), why) == 0 && spawn(ret, program_fd, &kept, why) == 0)
		return 0;
	keeper_finish(ret);
	return failed_in(why, "start the keeper");
}

static int send_message(const struct keeper *keeper, enum keeper_message_kind kind, int32_t value, struct failure *why)
{
	const struct keeper_message message = { .kind = kind, .value = value };
	return send_bytes(keeper, &message, sizeof(message), why);
}

int keeper_add_session(struct keeper *keeper, int32_t session, struct failure *why)
{
	return send_message(keeper, KEEPER_ADD_SESSION, session, why);
}

int keeper_drop_session(struct keeper *keeper, int32_t session, struct failure *why)
{
	return send_message(keeper, KEEPER_DROP_SESSION, session, why);
}

int keeper_own_socket(struct keeper *keeper, size_t index, uint64_t dev, uint64_t ino, struct failure *why)
{
	const struct keeper_message message = { .kind = KEEPER_OWN_SOCKET, .value = (int32_t)index, .dev = dev, .ino = ino };
	return send_bytes(keeper, &message, sizeof(message), why);
}

static void wait_for_end(struct keeper *keeper)
{
	struct pollfd end = { .fd = keeper->pid_fd, .events = POLLIN };
	siginfo_t info;
	if (keeper->pid <= 0)
		return;
	if (keeper->pid_fd < 0 || poll(&end, 1, LEAVE_TIMEOUT_MSEC) != 1)
		kill(keeper->pid, SIGKILL);
	while (waitid(P_PID, (id_t)keeper->pid, &info, WEXITED) != 0 && errno == EINTR)
		;
}

void keeper_finish(struct keeper *keeper)
{
	struct failure ignored;
	if (keeper->pid > 0)
		send_message(keeper, KEEPER_DISMISS, 0, &ignored);
	cleanup_close(&keeper->pipe_fd);
	wait_for_end(keeper);
	cleanup_close(&keeper->pid_fd);
	*keeper = (struct keeper){ .pid_fd = -1, .pipe_fd = -1 };
}
