/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_unit: what test_cgroup and test_keeper share: processes in groups of this machine's real kernel, all ended and
 * reaped by who started them. */
#ifndef TESTS_UNIT_CGROUP_UNIT_H
#define TESTS_UNIT_CGROUP_UNIT_H

#include "tests/unit/unit.h"
#include "supervisor/edge/cgroup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GROUPS_TOP "/sys/fs/cgroup"
#define NO_LIMITS { SIZE_NONE, SIZE_NONE, SIZE_NONE, UINT32_MAX, UINT32_MAX }

/* The group of the test's service, "heapward-unit-PID", so that two runs on one machine do not meet. First asked for by
 * the test itself, so that its children share it. */
static inline const char *unit_group(void)
{
	static char name[32];
	if (name[0] == '\0')
		snprintf(name, sizeof(name), "heapward-unit-%d", (int)getpid());
	return name;
}

static inline const char *unit_service(void)
{
	return unit_group() + strlen("heapward-");
}

#define assert_ok(call) \
	do { \
		if ((call) != 0) \
			fail_msg("%s: %s", #call, why.text); \
	} while (0)

static inline void sleep_msec(long msec)
{
	const struct timespec pause = { .tv_sec = msec / 1000, .tv_nsec = (msec % 1000) * 1000000 };
	nanosleep(&pause, NULL);
}

static inline int64_t now_msec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Forks a process that enters the group and runs `body` there; returns its pid once it is in. */
static inline pid_t run_in_group(const struct cgroup *group, void (*body)(void))
{
	struct failure why;
	int fds[CGROUP_HIERARCHIES_MAX], entered[2];
	int count = cgroup_open_procs(group, fds, &why);
	if (count < 0 || pipe(entered) != 0)
		fail_msg("%s", why.text);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < count; i++)
			if (write(fds[i], "0", 1) != 1)
				_exit(99);
		close(entered[0]);
		close(entered[1]);
		body();
		_exit(0);
	}
	char byte;
	close(entered[1]);
	assert_int_equal(read(entered[0], &byte, 1), 0);
	close(entered[0]);
	while (count > 0)
		close(fds[--count]);
	return pid;
}

/* A child, and a grandchild in a session of its own: what `npm start` leaves behind. */
static inline void run_a_family(void)
{
	close_range(3, ~0U, 0); /* as exec would: the keeper's pipe must not live on in a worker */
	if (fork() == 0) {
		setsid();
		fork();
	}
	for (;;)
		pause();
}

/* Kills until empty as the supervisor does it; false after two seconds. */
static inline bool kill_until_empty(const struct cgroup *group)
{
	for (int64_t until = now_msec() + 2000; now_msec() < until; sleep_msec(5)) {
		cgroup_kill(group);
		if (cgroup_is_empty(group))
			return true;
	}
	return false;
}

/* A dying process is out of sight a little earlier than out of its group. */
static inline void remove_within_a_second(struct cgroup *group)
{
	struct failure why;
	int64_t until = now_msec() + 1000;
	while (cgroup_remove(group, &why) != 0) {
		if (now_msec() > until)
			fail_msg("%s", why.text);
		sleep_msec(5);
	}
	cgroup_finish(group);
}

/* A program of the build tree, by its path from this test's own directory. */
static inline const char *program_beside(const char *name, char *path, size_t size)
{
	char own[200];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	assert_true(length > 0);
	own[length] = '\0';
	*strrchr(own, '/') = '\0';
	snprintf(path, size, "%s/%s", own, name);
	return path;
}

static inline int reap(pid_t pid)
{
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* True where the service's directory is in any hierarchy. */
static inline bool any_directory(const struct cgroup_tree *tree, const char *name)
{
	char path[700];
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		snprintf(path, sizeof(path), "%s/%s", tree->hierarchies[i].base, name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

#endif
