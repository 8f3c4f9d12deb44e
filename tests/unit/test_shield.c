/* SPDX-License-Identifier: Apache-2.0 */
/* test_shield: a worker's filter with the shield in it, against a process that plays the supervisor: each call that could harm it is
 * denied, and the same call on the worker itself is not. */
#include "tests/unit/unit.h"
#include "supervisor/core/shield.h"
#include "supervisor/edge/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Allows every call that the shield and the test use. */
static const char *const allowed[] = {
	"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "fcntl", "prlimit64",
	"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity", "setpriority", "ioprio_set", "move_pages",
	"migrate_pages", "exit_group", "getpid", "gettid", "write", "close", "openat", "dup",
};

static bool confine(pid_t supervisor, bool noticed)
{
	struct syscall_names names = filter_names();
	struct failure why;
	char text[1024] = "";
	size_t length = 0;
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	struct syscall_list *list = calloc(1, sizeof(*list));
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", allowed[i]);
	struct sock_fprog program = { 0 };
	size_t bytes = 0;
	unsigned char *code = NULL;
	if (errors == NULL || list == NULL || syscall_list_read(list, "test.list", text, length, &names, errors) < 0 ||
	    shield_add(list, &names, supervisor, supervisor, noticed) < 0 ||
	    filter_build(list, names.architecture, SECCOMP_RET_ERRNO | EPERM, &code, &bytes, &why) < 0)
		return false;
	program.len = (unsigned short)(bytes / sizeof(struct sock_filter));
	program.filter = (struct sock_filter *)(void *)code;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define NO_SIGNAL 4096

/* Bad arguments behind the number, so that what is let through fails in its own way and harms nobody. */
static const struct {
	long call;
	int of_process; /* which argument is the pid */
	long arguments[4];
} aimed[] = {
	{ SYS_kill, 0, { 0, NO_SIGNAL } }, { SYS_tkill, 0, { 0, NO_SIGNAL } }, { SYS_tgkill, 0, { 0, 0, NO_SIGNAL } },
	{ SYS_rt_sigqueueinfo, 0, { 0, NO_SIGNAL, 0 } }, { SYS_rt_tgsigqueueinfo, 0, { 0, 0, NO_SIGNAL, 0 } }, { SYS_pidfd_open, 0, { 0, -1 } },
	{ SYS_prlimit64, 0, { 0, -1, 1, 0 } }, { SYS_sched_setscheduler, 0, { 0, -1, 0 } }, { SYS_sched_setparam, 0, { 0, 0 } },
	{ SYS_sched_setattr, 0, { 0, 0, 0 } }, { SYS_sched_setaffinity, 0, { 0, 0, 0 } }, { SYS_setpriority, 1, { -1, 0, 0 } },
	{ SYS_ioprio_set, 1, { -1, 0, 0 } }, { SYS_move_pages, 0, { 0, 0, 0, 0 } }, { SYS_migrate_pages, 0, { 0, 0, 0, 0 } },
};

static int errno_of(size_t i, long pid)
{
	long arguments[4];
	memcpy(arguments, aimed[i].arguments, sizeof(arguments));
	arguments[aimed[i].of_process] = pid;
	errno = 0;
	return syscall(aimed[i].call, arguments[0], arguments[1], arguments[2], arguments[3], -1, -1) < 0 ? errno : 0;
}

/* Returns 0, or where it went wrong. */
static int be_the_worker(pid_t supervisor)
{
	int own = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t self = getpid();
	if (!confine(supervisor, true))
		return 100;
	for (size_t i = 0; i < ARRAY_LEN(aimed); i++)
		if (errno_of(i, supervisor) != EPERM || errno_of(i, self) == EPERM)
			return 1 + (int)i;
	if (kill(-1, NO_SIGNAL) == 0 || errno != EPERM || kill(-supervisor, NO_SIGNAL) == 0 || errno != EPERM)
		return 50;
	/* Only asking is free: whether the parent lives, what it is limited to. */
	struct rlimit limit;
	if (kill(supervisor, 0) < 0 || prlimit(supervisor, RLIMIT_NOFILE, NULL, &limit) < 0)
		return 54;
	if (fcntl(0, F_SETSIG, SIGKILL) == 0 || errno != EPERM || fcntl(0, F_GETFD) < 0)
		return 51;
	if (setpriority(PRIO_USER, 0, 19) == 0 || errno != EPERM)
		return 52;
	if (syscall(SYS_pidfd_send_signal, own, 0, NULL, 0) == 0 || errno != EPERM)
		return 53;
	return 0;
}

/* Without a policy: no signal reaches it by number, and pidfds, which a correct program may use, go on working. */
static int be_a_bare_worker(pid_t supervisor)
{
	int own = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!confine(supervisor, false))
		return 100;
	if (kill(supervisor, SIGTERM) == 0 || errno != EPERM || kill(supervisor, 0) < 0)
		return 1;
	return syscall(SYS_pidfd_send_signal, own, 0, NULL, 0) == 0 ? 0 : 2;
}

static void in_a_child(int (*worker)(pid_t supervisor))
{
	int status;
	pid_t supervisor = fork(); /* of the same user, in a group of its own */
	if (supervisor == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	pid_t pid = fork();
	if (pid == 0)
		_exit(worker(supervisor));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(supervisor, SIGKILL);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_worker_harms_itself_only(void **state UNUSED)
{
	in_a_child(be_the_worker);
}

static void without_a_policy_a_correct_program_notices_nothing(void **state UNUSED)
{
	in_a_child(be_a_bare_worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_harms_itself_only),
		cmocka_unit_test(without_a_policy_a_correct_program_notices_nothing),
	};
	return cmocka_run_group_tests_name("shield", tests, NULL, NULL);
}
