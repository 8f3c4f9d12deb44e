/* SPDX-License-Identifier: Apache-2.0 */
/* test_self: what a process gives up is gone, for itself and for what it executes, and no more than that. Each test acts in a
 * child of its own, for nothing of it can be taken back. Runs as root. */
#include "tests/unit/unit.h"
#include "supervisor/edge/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BIT(name) (UINT64_C(1) << CAP_##name)
#define OWN (BIT(KILL) | BIT(SETUID))
#define LATER BIT(DAC_OVERRIDE)
#define REACH (OWN | LATER | BIT(SETPCAP) | BIT(CHOWN))
#define NOBODY 65534u

/* In a child: 0 where `act` returned true. */
static void holds_in_a_child(bool (*act)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(act() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A line of /proc/self/status as an executed program has it. */
static uint64_t executed(const char *what)
{
	char command[64], text[64] = "";
	snprintf(command, sizeof(command), "grep ^%s: /proc/self/status", what);
	FILE *stream = popen(command, "re");
	if (stream == NULL || fgets(text, sizeof(text), stream) == NULL)
		return UINT64_MAX;
	pclose(stream);
	return strtoull(strchr(text, ':') + 1, NULL, 16);
}

static bool lowers(void)
{
	struct self before, after, raised;
	self_look(&before);
	if (self_lower(OWN, LATER, REACH) < 0)
		return false;
	self_look(&after);
	self_raise(LATER | BIT(SYS_ADMIN));
	self_look(&raised);
	return after.effective == OWN && raised.effective == (OWN | LATER) && after.permitted == (OWN | LATER) && after.bounding == (REACH & before.bounding) &&
	       executed("CapEff") == (REACH & before.bounding);
}

static void root_keeps_its_own_and_what_it_executes_the_reach(void **state UNUSED)
{
	holds_in_a_child(lowers);
}

/* no_new_privs: exec would give nothing back, so the reach stays permitted. */
static bool lowers_without_new_privs(void)
{
	struct self self;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || self_lower(OWN, LATER, REACH) < 0)
		return false;
	self_look(&self);
	return self.effective == OWN && self.permitted == REACH && self.no_new_privs && executed("CapEff") == REACH;
}

static void with_no_new_privs_the_reach_stays_permitted(void **state UNUSED)
{
	holds_in_a_child(lowers_without_new_privs);
}

static bool lowers_as_nobody(void)
{
	struct self self;
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 || self_lower(0, 0, 0) < 0)
		return false;
	self_look(&self);
	return self.effective == 0 && self.permitted == 0 && self.bounding != 0; /* that takes CAP_SETPCAP */
}

static void who_has_nothing_gives_up_nothing(void **state UNUSED)
{
	holds_in_a_child(lowers_as_nobody);
}

/* Another process of the same user, which would be let in otherwise. */
static bool same_user_opens(bool hidden)
{
	char path[32];
	int ready[2], status = 0;
	if (pipe2(ready, O_CLOEXEC) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return false;
	pid_t other = fork();
	if (other == 0) {
		char byte;
		(void)!read(ready[0], &byte, 1);
		snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
		_exit(open(path, O_RDWR | O_CLOEXEC) >= 0 ? 1 : errno == EACCES || errno == EPERM ? 2 : 3);
	}
	if (hidden)
		self_hide();
	(void)!write(ready[1], "", 1);
	if (waitpid(other, &status, 0) != other)
		return false;
	/* Ourselves we see still. */
	cleanup_fd int own = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC), stat = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	return WEXITSTATUS(status) == (hidden ? 2 : 1) && stat >= 0 && (own >= 0 || errno != EACCES || !hidden);
}

static bool hidden_is_closed(void)
{
	return same_user_opens(true);
}

static bool seen_is_open(void)
{
	return same_user_opens(false);
}

static void the_same_user_opens_the_memory_of_who_does_not_hide(void **state UNUSED)
{
	holds_in_a_child(seen_is_open);
	holds_in_a_child(hidden_is_closed);
}

/* Every call of the list, with arguments that do nothing, fails with ENOSYS: nothing else would for all of them. */
static bool filters(void)
{
	struct failure why;
	struct self self;
	const char *name;
	if (self_filter_load(UINT64_MAX, false, &why) < 0)
		return false;
	self_look(&self);
	for (size_t i = 0; (name = self_filter_call(i)) != NULL; i++)
		if (syscall(self_filter_number(i), -1, -1, -1, -1, -1, -1) != -1 || errno != ENOSYS)
			return false;
	return self.filtered && !self.no_new_privs && executed("Seccomp") == 2;
}

static void what_is_filtered_does_not_exist(void **state UNUSED)
{
	holds_in_a_child(filters);
}

/* Not those that the worker's list allows. */
static bool filters_one(void)
{
	struct failure why;
	return self_filter_load(1 << 1, false, &why) == 0 && syscall(self_filter_number(1), -1, -1, -1, -1, -1, -1) == -1 &&
	       errno == ENOSYS && syscall(self_filter_number(2), -1, -1, -1, -1, -1, -1) == -1 && errno != ENOSYS;
}

static void what_is_not_asked_for_is_not_filtered(void **state UNUSED)
{
	holds_in_a_child(filters_one);
}

static bool filters_as_nobody(void)
{
	struct failure why;
	struct self self;
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return false;
	if (self_filter_load(UINT64_MAX, false, &why) == 0 || self_filter_load(UINT64_MAX, true, &why) < 0)
		return false;
	self_look(&self);
	return self.filtered && self.no_new_privs;
}

static void without_privilege_it_takes_no_new_privs(void **state UNUSED)
{
	holds_in_a_child(filters_as_nobody);
}

/* The worker's own filter, loaded behind ours, notifies of the same call. Returns the listener. */
static int load_notifying(int call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_LEN(code), code };
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* The caller gets the errno with which its supervisor answers. */
static bool workers_filter_answers(void)
{
	struct failure why;
	struct seccomp_notif call = { 0 };
	int status;
	if (self_filter_load(UINT64_MAX, false, &why) < 0)
		return false;
	struct pollfd listener = { .fd = load_notifying(SYS_keyctl), .events = POLLIN };
	pid_t pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_keyctl, -1, -1, -1, -1, -1) == -1 ? errno : 0);
	if (listener.fd < 0 || poll(&listener, 1, 10000) != 1 || listener.revents != POLLIN ||
	    ioctl(listener.fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return false;
	struct seccomp_notif_resp answer = { .id = call.id, .error = -EDOM };
	return call.data.nr == SYS_keyctl && ioctl(listener.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0 &&
	       waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == EDOM;
}

static void a_workers_own_filter_has_the_last_word(void **state UNUSED)
{
	holds_in_a_child(workers_filter_answers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_keeps_its_own_and_what_it_executes_the_reach),
		cmocka_unit_test(with_no_new_privs_the_reach_stays_permitted),
		cmocka_unit_test(who_has_nothing_gives_up_nothing),
		cmocka_unit_test(the_same_user_opens_the_memory_of_who_does_not_hide),
		cmocka_unit_test(what_is_filtered_does_not_exist),
		cmocka_unit_test(what_is_not_asked_for_is_not_filtered),
		cmocka_unit_test(without_privilege_it_takes_no_new_privs),
		cmocka_unit_test(a_workers_own_filter_has_the_last_word),
	};
	return cmocka_run_group_tests_name("self", tests, NULL, NULL);
}
