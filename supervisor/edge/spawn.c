/* SPDX-License-Identifier: Apache-2.0 */
/* spawn: see spawn.h. Between clone and exec only what is safe in a copy of a running program is called. */
#include "supervisor/edge/spawn.h"

#include "base/memory_file.h"
#include "supervisor/wire/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define HIGH_FD 64 /* above every number that the child's descriptors are placed at */
#define PLACES_MAX (2 + LAUNCH_GROUPS_MAX + LAUNCH_KEEP_MAX)

_Static_assert(LAUNCH_RECORD_FD + PLACES_MAX <= HIGH_FD, "no place is where copies are made");

/* Descriptors on their way into the child: place i becomes LAUNCH_RECORD_FD + i. */
struct places {
	int fds[PLACES_MAX];
	size_t count;
	int stderr_fd; /* -1: ours */
};

static void places_close(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		cleanup_close(&places->fds[i]);
	cleanup_close(&places->stderr_fd);
}

/* Copies are made high, so that putting one in its place never overwrites another. */
static int places_add(struct places *places, int fd, struct failure *why)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (copy < 0)
		return failed(why, errno, "duplicate descriptor %d", fd);
	places->fds[places->count++] = copy;
	return 0;
}

/* The record with the numbers that its descriptors will have in the child, sealed: what the child reads is what we
 * wrote. */
static int write_record(const struct launch *launch, int *ret_fd, struct failure *why)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	if (launch_encode(launch, &bytes, &length, why) < 0)
		return -1;
	cleanup_fd int fd = memory_file("heapward-launch");
	if (fd < 0)
		return failed(why, errno, "memfd_create");
	for (size_t done = 0; done < length;) {
		ssize_t wrote = write(fd, bytes + done, length - done);
		if (wrote < 0 && errno != EINTR)
			return failed(why, errno, "write launch record");
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return failed(why, errno, "seal launch record");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int add_arrays(struct places *places, struct launch *launch, struct failure *why)
{
	for (size_t i = 0; i < launch->group_count; i++) {
		if (places_add(places, launch->groups[i], why) < 0)
			return -1;
		launch->groups[i] = LAUNCH_RECORD_FD + (int)places->count - 1;
	}
	for (size_t i = 0; i < launch->keep_count; i++) {
		if (places_add(places, launch->keep[i].from, why) < 0)
			return -1;
		launch->keep[i].from = LAUNCH_RECORD_FD + (int)places->count - 1;
	}
	return 0;
}

static int make_places(struct places *places, const struct launch *launch, int child_report_fd, int stderr_fd,
		       struct failure *why)
{
	struct launch placed = *launch;
	cleanup_fd int record_fd = -1;
	places->count = 2; /* record and report; the record can be written once the other numbers are known */
	places->fds[0] = places->fds[1] = -1;
	if (add_arrays(places, &placed, why) < 0 || write_record(&placed, &record_fd, why) < 0)
		return -1;
	places->fds[0] = fcntl(record_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	places->fds[1] = fcntl(child_report_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (stderr_fd >= 0)
		places->stderr_fd = fcntl(stderr_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (places->fds[0] < 0 || places->fds[1] < 0 || (stderr_fd >= 0 && places->stderr_fd < 0))
		return failed(why, errno, "duplicate descriptors");
	return 0;
}

/* A program that finds 0, 1 or 2 closed would get one of its own files there; where they are closed in us, they may be
 * some descriptor of ours that exec closes. */
static void fill_standard(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) == 0)
			continue;
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null == fd)
			(void)fcntl(fd, F_SETFD, 0);
		else if (null >= 0)
			(void)dup2(null, fd);
	}
}

static void become_child(int program_fd, const struct places *places) __attribute__((noreturn));

static void become_child(int program_fd, const struct places *places)
{
	char *argv[] = { "heapward-child", NULL };
	char *environment[] = { NULL };
	fill_standard();
	bool placed = places->stderr_fd < 0 || dup2(places->stderr_fd, STDERR_FILENO) >= 0;
	for (size_t i = 0; i < places->count; i++)
		placed = placed && dup2(places->fds[i], LAUNCH_RECORD_FD + (int)i) >= 0;
	if (placed)
		syscall(SYS_execveat, program_fd, "", argv, environment, AT_EMPTY_PATH);
	struct launch_report report = { .step = LAUNCH_STEP_RECORD, .error = errno, .text = "heapward-child" };
	unsigned char packet[sizeof(report)];
	size_t length = launch_report_encode(&report, packet, sizeof(packet));
	(void)!send(places->fds[1], packet, length, MSG_NOSIGNAL);
	_exit(126);
}

/* With the pidfd from the same call, so that no reuse of the number can come between. Not clone3: filters that stand around
 * containers, and our own, do not let it pass. */
static pid_t clone_child(int *ret_pid_fd)
{
	return (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, ret_pid_fd, 0, 0);
}

static int clone_and_exec(struct spawned *ret, int program_fd, const struct places *places, struct failure *why)
{
	sigset_t all, old;
	/* Blocked in the child until it has put its dispositions in order: ours must not run there. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid_t pid = clone_child(&ret->pid_fd);
	if (pid == 0)
		become_child(program_fd, places);
	int error = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return failed(why, error, "clone");
	ret->pid = pid;
	return 0;
}

int spawn_child(struct spawned *ret, int program_fd, const struct launch *launch, int stderr_fd, struct failure *why)
{
	int pair[2];
	cleanup(places_close) struct places places = { .stderr_fd = -1 };
	*ret = (struct spawned){ .pid_fd = -1, .report_fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failed(why, errno, "socketpair");
	cleanup_fd int ours = pair[0];
	cleanup_fd int theirs = pair[1];
	if (fcntl(ours, F_SETFL, O_NONBLOCK) < 0)
		return failed(why, errno, "O_NONBLOCK");
	cleanup_fd int program = fcntl(program_fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (program < 0)
		return failed(why, errno, "duplicate descriptor %d", program_fd);
	if (make_places(&places, launch, theirs, stderr_fd, why) < 0 ||
	    clone_and_exec(ret, program, &places, why) < 0)
		return -1;
	ret->report_fd = TAKE_FD(ours);
	return 0;
}

/* The one descriptor of a packet, -1 where it has none; whatever else came with it is closed. */
static int take_listener(struct msghdr *message)
{
	cleanup_fd int listener = -1;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS || part->cmsg_len != CMSG_LEN(sizeof(int)))
			continue;
		cleanup_close(&listener);
		memcpy(&listener, CMSG_DATA(part), sizeof(listener));
	}
	return TAKE_FD(listener);
}

int spawn_read_report(int report_fd, struct launch_report *ret_report, int *ret_listener, struct failure *why)
{
	unsigned char packet[sizeof(*ret_report) + 1];
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = { .iov_base = packet, .iov_len = sizeof(packet) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	*ret_listener = -1;
	ssize_t length = recvmsg(report_fd, &message, MSG_CMSG_CLOEXEC);
	if (length < 0)
		return failed(why, errno == EINTR ? EAGAIN : errno, "launch report");
	cleanup_fd int listener = take_listener(&message);
	if (length == 0)
		return 0;
	if (launch_report_decode(packet, (size_t)length, ret_report, why) < 0)
		return -1;
	if (ret_report->kind == LAUNCH_REPORT_LISTENER && listener < 0)
		return failed(why, 0, "launch report: a listener is missing");
	if (ret_report->kind == LAUNCH_REPORT_LISTENER)
		*ret_listener = TAKE_FD(listener);
	return 1;
}
