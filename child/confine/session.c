/* SPDX-License-Identifier: Apache-2.0 */
/* session: where the worker stands among processes: its groups, session, signals, limits, and its tie to us. */
#include "child/confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define OOM_SCORE_MAX 1000

int confine_cgroup(const struct launch *launch, struct launch_report *report)
{
	for (size_t i = 0; i < launch->group_count; i++) {
		if (write(launch->groups[i], "0", 1) != 1)
			return confine_failed(report, errno, "enter group %zu of %zu", i + 1, launch->group_count);
		close(launch->groups[i]);
	}
	return 0;
}

/* By the kernel's own call: libc keeps two real-time signals for itself, which the supervisor ignores like the others. SIGKILL and
 * SIGSTOP refuse, which is what they are for. */
static void set_default(int number)
{
	const unsigned long action[4] = { 0 }; /* SIG_DFL, no flags, no mask: as every architecture has it */
	(void)syscall(SYS_rt_sigaction, number, action, NULL, sizeof(uint64_t));
}

/* Ignored signals and the mask survive exec: a worker that inherits our blocked SIGTERM could never be stopped. */
int confine_session(const struct launch *launch UNUSED, struct launch_report *report)
{
	sigset_t none;
	if (setsid() < 0)
		return confine_failed(report, errno, "setsid");
	for (int number = 1; number < NSIG; number++)
		set_default(number);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return confine_failed(report, errno, "signal mask");
	return 0;
}

/* The kernel should take the worker before the supervisor, and a value inherited from a protected parent (-1000) would
 * make the worker's own limit a deadlock. */
int confine_oom_score(const struct launch *launch, struct launch_report *report)
{
	char text[16] = "";
	cleanup_fd int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : confine_failed(report, errno, "/proc/self/oom_score_adj");
	if (read(fd, text, sizeof(text) - 1) < 0)
		return confine_failed(report, errno, "/proc/self/oom_score_adj");
	long score = strtol(text, NULL, 10) + launch->oom_score_add;
	int length = snprintf(text, sizeof(text), "%ld", score > OOM_SCORE_MAX ? OOM_SCORE_MAX : score);
	if (pwrite(fd, text, (size_t)length, 0) < 0)
		return confine_failed(report, errno, "/proc/self/oom_score_adj: %s", text);
	return 0;
}

int confine_limits(const struct launch *launch, struct launch_report *report)
{
	for (size_t i = 0; i < launch->limit_count; i++) {
		const struct launch_limit *limit = &launch->limits[i];
		struct rlimit value = { .rlim_cur = limit->soft, .rlim_max = limit->hard };
		if (setrlimit((__rlimit_resource_t)limit->resource, &value) < 0)
			return confine_failed(report, errno, "resource %d to %llu", limit->resource,
					      (unsigned long long)limit->soft);
	}
	return 0;
}

/* The supervisor may have died before the signal was armed: then nobody is left to send it. */
int confine_death_signal(const struct launch *launch, struct launch_report *report)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return confine_failed(report, errno, "PR_SET_PDEATHSIG");
	if (launch->parent_pid != 0 && getppid() != launch->parent_pid)
		return confine_failed(report, 0, "the supervisor has gone");
	return 0;
}
