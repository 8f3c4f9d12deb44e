/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_unit: what test_spawn and test_confine share: a real heapward-child is started, what it says and what its worker
 * writes to its stderr is read, and it is ended and reaped. The worker may be the test program itself: main() hands
 * "--worker NAME" to the test's own table. */
#ifndef TESTS_UNIT_SPAWN_UNIT_H
#define TESTS_UNIT_SPAWN_UNIT_H

#include "tests/unit/unit.h"

#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MSEC 20000

struct ran {
	bool step_failed; /* then `report` says which */
	struct launch_report report;
	struct launch_report heard; /* about the listener, where one was asked for */
	int listener;
	int status;       /* as waitpid gives it */
	char output[16384];
};

static char *spawn_no_environment[] = { "PATH=/usr/bin:/bin", NULL };

static inline void wait_readable(int fd, const char *what)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	if (poll(&poll_fd, 1, PATIENCE_MSEC) != 1)
		fail_msg("%s: nothing within %d ms", what, PATIENCE_MSEC);
}

static inline int child_program(void)
{
	struct failure why;
	int fd = libexec_open("heapward-child", &why);
	if (fd < 0)
		fail_msg("%s (build heapward-child first)", why.text);
	return fd;
}

static inline void start(struct spawned *child, const struct launch *launch, int stderr_fd)
{
	struct failure why;
	cleanup_fd int program = child_program();
	if (spawn_child(child, program, launch, stderr_fd, &why) < 0)
		fail_msg("%s", why.text);
}

static inline void read_report(const struct spawned *child, struct ran *ret)
{
	struct failure why;
	wait_readable(child->report_fd, "report");
	int result = spawn_read_report(child->report_fd, &ret->report, &ret->listener, &why);
	if (result > 0 && ret->report.kind != LAUNCH_REPORT_FAILED) {
		ret->heard = ret->report;
		int other;
		wait_readable(child->report_fd, "second report");
		result = spawn_read_report(child->report_fd, &ret->report, &other, &why);
	}
	if (result < 0)
		fail_msg("report: %s", why.text);
	ret->step_failed = result == 1;
}

static inline void read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	for (ssize_t count = 1; count > 0 && length < size - 1; length += count > 0 ? (size_t)count : 0) {
		wait_readable(fd, "the worker's stderr");
		count = read(fd, buffer + length, size - 1 - length);
	}
	buffer[length] = '\0';
}

static inline void reap_child(struct spawned *child, int *ret_status)
{
	struct pollfd poll_fd = { .fd = child->pid_fd, .events = POLLIN };
	bool ended = poll(&poll_fd, 1, PATIENCE_MSEC) == 1;
	if (!ended)
		kill(child->pid, SIGKILL);
	assert_int_equal(waitpid(child->pid, ret_status, 0), child->pid);
	close(child->pid_fd);
	close(child->report_fd);
	assert_true(ended);
}

/* Starts, hears, reads the worker's stderr to its end, reaps. */
static inline void run(const struct launch *launch, struct ran *ret)
{
	struct spawned child;
	int ends[2];
	*ret = (struct ran){ 0 };
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	start(&child, launch, ends[1]);
	close(ends[1]);
	read_report(&child, ret);
	read_all(ends[0], ret->output, sizeof(ret->output));
	close(ends[0]);
	reap_child(&child, &ret->status);
}

/* Runs and wants the worker to end with 0, having said nothing of a failed step. */
static inline void run_well(const struct launch *launch, struct ran *ret)
{
	run(launch, ret);
	if (ret->step_failed)
		fail_msg("step %d failed: %d %s", (int)ret->report.step, ret->report.error, ret->report.text);
	if (ret->status != 0)
		fail_msg("ended with %#x:\n%s", (unsigned)ret->status, ret->output);
}

/* A launch of `argv` with nothing else asked for. */
static inline struct launch launch_of(char **argv)
{
	return (struct launch){ .argv = argv, .environment = spawn_no_environment, .parent_pid = getpid() };
}

/* This program as the worker: its own function `name`. */
static inline struct launch launch_self(char *name)
{
	static char self[512];
	static char *argv[4];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(length > 0);
	self[length] = '\0';
	argv[0] = self;
	argv[1] = "--worker";
	argv[2] = name;
	return launch_of(argv);
}

/* "/proc/self/status" as the worker has it. */
static inline void run_status(struct launch *launch, struct ran *ret)
{
	static char *argv[] = { "/bin/sh", "-c", "exec cat /proc/self/status >&2", NULL };
	launch->argv = argv;
	run_well(launch, ret);
}

#endif
