/* SPDX-License-Identifier: Apache-2.0 */
/* test_shield: a worker's filter with the shield in it, against a process that plays the supervisor: each call that could harm it is
 * denied, and the same call on the worker itself is not. */
#include "tests/unit/unit.h"
#include "supervisor/core/shield.h"
#include "supervisor/edge/filter.h"

#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Allows every call that the shield and the test use. */
static const char *const allowed[] = {
	"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "fcntl", "prlimit64",
	"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity", "setpriority", "ioprio_set", "move_pages",
	"migrate_pages", "exit_group", "getpid", "gettid", "write", "close", "openat", "dup", "ioctl",
	"mmap", "munmap", "madvise", "sigaltstack", "sched_yield", "futex", "rt_sigaction", "readlink", "prctl", /* of the sanitizers */
};

static struct shield shield_of(pid_t supervisor, pid_t keeper, bool noticed)
{
	struct syscall_names names = filter_names();
	struct shield shield;
	shield_make(&shield, &names, &(struct shield_of){ .supervisor = supervisor, .group = supervisor, .keeper = keeper,
							  .same_user = true, .noticed = noticed });
	return shield;
}

static bool confine(pid_t supervisor, pid_t keeper, bool noticed)
{
	struct syscall_names names = filter_names();
	struct failure why;
	char text[1024] = "";
	size_t length = 0;
	struct policy_errors *errors = calloc(1, sizeof(*errors));
	struct syscall_list *list = calloc(1, sizeof(*list));
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\n", allowed[i]);
	struct shield shield = shield_of(supervisor, keeper, noticed);
	struct sock_fprog program = { 0 };
	size_t bytes = 0;
	unsigned char *code = NULL;
	if (errors == NULL || list == NULL || syscall_list_read(list, "test.list", text, length, &names, errors) < 0 ||
	    shield_add(list, &shield) < 0 ||
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
	{ SYS_ioprio_set, 1, { 1, 0, -1 } }, { SYS_ioprio_set, 1, { 2, 0, -1 } }, { SYS_move_pages, 0, { 0, 0, 0, 0 } }, { SYS_migrate_pages, 0, { 0, 0, 0, 0 } },
};

static int errno_of(size_t i, long pid)
{
	long arguments[4];
	memcpy(arguments, aimed[i].arguments, sizeof(arguments));
	arguments[aimed[i].of_process] = pid;
	errno = 0;
	return syscall(aimed[i].call, arguments[0], arguments[1], arguments[2], arguments[3], -1, -1) < 0 ? errno : 0;
}

/* Every call of the table, aimed at it, and both its groups; each is free to aim at itself. */
static int aim_at(pid_t other, pid_t self)
{
	const struct f_owner_ex nobody = { .type = F_OWNER_PID, .pid = 0 };
	for (size_t i = 0; i < ARRAY_LEN(aimed); i++)
		if (errno_of(i, other) != EPERM || errno_of(i, self) == EPERM)
			return 1 + (int)i;
	if (kill(-other, NO_SIGNAL) == 0 || errno != EPERM || kill(other, 0) < 0)
		return 50;
	if (fcntl(0, F_SETOWN, other) == 0 || errno != EPERM || fcntl(0, F_SETOWN, -other) == 0 || errno != EPERM)
		return 51;
	if (setpriority(PRIO_PGRP, (id_t)other, 0) == 0 || errno != EPERM)
		return 52;
	return fcntl(0, F_SETOWN_EX, &nobody) < 0 && errno != EPERM ? 53 : 0;
}

/* Returns 0, or where it went wrong. */
static int be_the_worker(pid_t supervisor, pid_t keeper)
{
	int own = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t self = getpid();
	if (!confine(supervisor, keeper, true))
		return 100;
	int wrong = aim_at(supervisor, self);
	if (wrong == 0 && (wrong = aim_at(keeper, self)) != 0)
		wrong += 100;
	if (wrong != 0)
		return wrong;
	if (kill(-1, NO_SIGNAL) == 0 || errno != EPERM)
		return 60;
	/* Only asking is free: whether the parent lives, what it is limited to. */
	struct rlimit limit;
	if (prlimit(supervisor, RLIMIT_NOFILE, NULL, &limit) < 0)
		return 61;
	if (fcntl(0, F_SETSIG, SIGURG) == 0 || errno != EPERM || fcntl(0, F_GETFD) < 0)
		return 62;
	if (fcntl(0, F_SETLEASE, F_UNLCK) == 0 || errno != EPERM || fcntl(0, 1040 /* F_SETDELEG */, NULL) == 0 || errno != EPERM)
		return 66;
	if (setpriority(PRIO_USER, 0, 19) == 0 || errno != EPERM || syscall(SYS_ioprio_set, 3, 0, -1) == 0 || errno != EPERM)
		return 63;
	if (syscall(SYS_pidfd_send_signal, own, 0, NULL, 0) == 0 || errno != EPERM)
		return 64;
	if (ioctl(0, FIOSETOWN, &self) == 0 || errno != EPERM || ioctl(0, SIOCSPGRP, &self) == 0 || errno != EPERM)
		return 65;
	return 0;
}

/* Without a policy: no signal reaches it by number, none that ends it by a descriptor, and what a correct program may use (pidfds,
 * signals of its choice for what is its own) goes on working. */
static int be_a_bare_worker(pid_t supervisor, pid_t keeper)
{
	static const int ending[] = { SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGINT, SIGTERM };
	int own = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ends[2];
	const struct f_owner_ex self = { .type = F_OWNER_PID, .pid = getpid() };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || !confine(supervisor, keeper, false))
		return 100;
	if (kill(supervisor, SIGTERM) == 0 || errno != EPERM || kill(supervisor, 0) < 0)
		return 1;
	if (fcntl(ends[0], F_SETOWN, supervisor) == 0 || errno != EPERM || fcntl(ends[0], F_SETOWN, -keeper) == 0 || errno != EPERM)
		return 2;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (fcntl(ends[0], F_SETSIG, ending[i]) == 0 || errno != EPERM)
			return 3;
	if (fcntl(ends[0], F_SETOWN, self.pid) < 0 || fcntl(ends[0], F_SETSIG, SIGRTMIN) < 0 || fcntl(ends[0], F_SETOWN_EX, &self) < 0 ||
	    ioctl(ends[0], FIOSETOWN, &self.pid) < 0)
		return 4;
	if (fcntl(own, F_SETLEASE, F_UNLCK) < 0 && errno == EPERM)
		return 6;
	return syscall(SYS_pidfd_send_signal, own, 0, NULL, 0) == 0 ? 0 : 5;
}

/* Of the same user, in a group of its own. */
static pid_t make_other(void)
{
	pid_t pid = fork();
	if (pid != 0) {
		setpgid(pid, pid);
		return pid;
	}
	for (;;)
		pause();
}

static void in_a_child(int (*worker)(pid_t supervisor, pid_t keeper))
{
	int status;
	pid_t supervisor = make_other(), keeper = make_other(), pid = fork();
	if (pid == 0)
		_exit(worker(supervisor, keeper));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	kill(supervisor, SIGKILL);
	kill(keeper, SIGKILL);
	assert_int_equal(waitpid(supervisor, NULL, 0), supervisor);
	assert_int_equal(waitpid(keeper, NULL, 0), keeper);
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

static bool holds(const struct shield *shield, int number, uint64_t first, uint64_t second)
{
	const uint64_t arguments[SYSCALL_ARGUMENTS] = { first, second };
	return shield_holds(shield, number, arguments);
}

/* What is let through to be learnt or audited is judged by the same rules, and by one more. */
static void what_harms_the_supervisor_is_never_let_through(void **state UNUSED)
{
	struct shield shield = shield_of(4711, 4712, true), apart;
	struct syscall_names names = filter_names();
	assert_true(holds(&shield, SYS_kill, 4711, SIGTERM));
	assert_true(holds(&shield, SYS_kill, UINT64_C(1) << 32 | 4712, SIGTERM)); /* the kernel reads an int */
	assert_false(holds(&shield, SYS_kill, 4711, 0));
	assert_false(holds(&shield, SYS_kill, 4713, SIGTERM));
	assert_true(holds(&shield, SYS_ptrace, PTRACE_SEIZE, 4711));
	assert_true(holds(&shield, SYS_ptrace, PTRACE_TRACEME, 0));
	assert_false(holds(&shield, SYS_ptrace, PTRACE_SEIZE, 4713));
	/* Of another user the kernel itself denies the rest; but it lets a parent be asked to trace. */
	shield_make(&apart, &names, &(struct shield_of){ .supervisor = 4711, .group = 4711, .keeper = 4712, .noticed = true });
	assert_true(holds(&apart, SYS_ptrace, PTRACE_TRACEME, 0));
	assert_false(holds(&apart, SYS_kill, 4711, SIGTERM));
	/* A lease holds up who has neither's user, too. */
	assert_true(holds(&apart, SYS_fcntl, 7, F_SETLEASE));
	assert_true(holds(&shield, SYS_fcntl, 7, UINT64_C(1) << 32 | F_SETLEASE));
	assert_false(holds(&apart, SYS_fcntl, 7, F_GETLEASE));
}

/* A list that allows ptrace is for programs that trace their children. */
static void a_list_that_allows_tracing_keeps_it(void **state UNUSED)
{
	struct syscall_names names = filter_names();
	struct shield shield;
	struct syscall_list *list = calloc(1, sizeof(*list));
	assert_non_null(list);
	shield_make(&shield, &names, &(struct shield_of){ .supervisor = 4711, .group = 4711, .keeper = 4712 });
	assert_int_equal(shield_add(list, &shield), 0);
	assert_int_equal(list->rule_count, 1);
	assert_true(list->rules[0].firm);
	list->rules[0] = (struct syscall_rule){ .kind = SYSCALL_ALLOW, .number = SYS_ptrace };
	assert_int_equal(shield_add(list, &shield), 0);
	assert_int_equal(list->rule_count, 1);
	list->rule_count = SYSCALL_RULES_MAX;
	shield = shield_of(4711, 4712, true);
	assert_int_equal(shield_add(list, &shield), -1);
	free(list);
}

/* Who is killed for a denied call must not be killed for one that a correct program tries. */
static void what_is_noticed_can_be_denied_in_silence(void **state UNUSED)
{
	struct syscall_names names = filter_names();
	struct shield shield;
	size_t silent = 0;
	shield_make(&shield, &names, &(struct shield_of){ .supervisor = 4711, .group = 4711, .keeper = 4712, .same_user = true,
							  .noticed = true, .silently = true });
	for (size_t i = 0; i < shield.count; i++) {
		assert_true(shield.rules[i].firm);
		silent += shield.rules[i].silent;
		if (shield.rules[i].number == SYS_kill)
			assert_false(shield.rules[i].silent);
		if (shield.rules[i].number == SYS_pidfd_send_signal)
			assert_true(shield.rules[i].silent);
	}
	assert_true(silent > 0 && silent < shield.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_harms_itself_only),
		cmocka_unit_test(without_a_policy_a_correct_program_notices_nothing),
		cmocka_unit_test(what_harms_the_supervisor_is_never_let_through),
		cmocka_unit_test(a_list_that_allows_tracing_keeps_it),
		cmocka_unit_test(what_is_noticed_can_be_denied_in_silence),
	};
	return cmocka_run_group_tests_name("shield", tests, NULL, NULL);
}
