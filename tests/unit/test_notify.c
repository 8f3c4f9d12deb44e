/* SPDX-License-Identifier: Apache-2.0 */
/* test_notify: the listener of a worker's filter, from heapward-child to an answer: also where the filter allows nothing, so
 * that the child itself could not send it. */
#include "tests/unit/filter_unit.h"
#include "tests/unit/spawn_unit.h"

#include "supervisor/edge/notify.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define FULL_UID 61347u /* nobody else's */

static struct {
	size_t count, executed;
	uint32_t denied_number;
	struct notification last;
	char comm[NOTIFY_COMM_MAX];
	int32_t process;
	bool paused;
	enum notify_answer answer; /* to denied_number */
} seen;

static enum notify_answer asked(struct notify *notify, const struct notification *notification)
{
	seen.count++;
	seen.executed += notification->number == SYS_execve;
	if ((uint32_t)notification->number != seen.denied_number)
		return NOTIFY_PASS;
	seen.last = *notification;
	seen.process = notify_process(notify, notification, seen.comm);
	if (seen.answer == NOTIFY_HOLD) {
		cleanup_fd int process = notify_open_process(notify, notification);
		assert_true(process >= 0);
		syscall(SYS_pidfd_send_signal, process, SIGKILL, NULL, 0);
	}
	return seen.answer;
}

static bool reap_if_ended(struct spawned *child, int *ret_status)
{
	struct pollfd poll_fd = { .fd = child->pid_fd, .events = POLLIN };
	if (poll(&poll_fd, 1, 0) != 1)
		return false;
	reap_child(child, ret_status);
	return true;
}

/* Runs `launch` and answers until its filter has nobody left; its output. */
static void run_listening(struct launch *launch, struct ran *ran)
{
	struct spawned child;
	struct loop loop;
	struct notify notify;
	struct failure why;
	int ends[2], listener = -1;
	bool ended = false;
	memset(ran, 0, sizeof(*ran));
	launch->set_listener = true;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	start(&child, launch, ends[1]);
	close(ends[1]);
	wait_readable(child.report_fd, "the listener");
	assert_int_equal(spawn_read_report(child.report_fd, &ran->report, &listener, &why), 1);
	assert_int_equal(ran->report.kind, LAUNCH_REPORT_LISTENER);
	assert_int_equal(loop_init(&loop, &why), 0);
	notify_clear(&notify);
	notify.asked = asked;
	assert_int_equal(notify_start(&notify, &loop, listener, &why), 0);
	while (notify.source.fd >= 0) { /* the kernel tells of the end of the last process; before 6.11 only once it is reaped */
		int64_t deadline_usec = notify_deadline(&notify), soon_usec = loop_now_usec() + 50 * USEC_PER_MSEC;
		assert_int_equal(loop_wait(&loop, deadline_usec < soon_usec ? deadline_usec : soon_usec, &why), 0);
		notify_tick(&notify, loop_now_usec());
		ended = ended || reap_if_ended(&child, &ran->status);
		if (seen.count == 3 && !seen.paused) {
			seen.paused = true;
			notify_pause(&notify, loop_now_usec() + 50 * USEC_PER_MSEC);
		}
	}
	notify_finish(&notify);
	loop_finish(&loop);
	read_all(ends[0], ran->output, sizeof(ran->output));
	close(ends[0]);
	if (!ended)
		reap_child(&child, &ran->status);
}

static void filter_that_allows_nothing(struct launch *launch)
{
	struct failure why;
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	assert_int_equal(filter_build(list, filter_names().architecture, SECCOMP_RET_USER_NOTIF, &launch->filter, &launch->filter_bytes, &why), 0);
}

static void a_list_that_allows_nothing_asks_of_everything(void **state UNUSED)
{
	char *argv[] = { "sh", "-c", "echo one >&2; ls / >/dev/null && echo two >&2", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	memset(&seen, 0, sizeof(seen));
	seen.denied_number = UINT32_MAX;
	filter_that_allows_nothing(&launch);
	run_listening(&launch, &ran);
	free(launch.filter);
	assert_string_equal(ran.output, "one\ntwo\n");
	assert_int_equal(ran.status, 0);
	assert_true(seen.count > 50);
	assert_true(seen.executed >= 2); /* of sh, along PATH, and of ls */
}

static void launch_below_server(struct launch *launch, enum notify_answer answer, struct ran *ran)
{
	memset(&seen, 0, sizeof(seen));
	seen.denied_number = SYS_mount;
	seen.answer = answer;
	filter_of("server", filter_names().architecture, SECCOMP_RET_USER_NOTIF, &launch->filter, &launch->filter_bytes);
	run_listening(launch, ran);
	free(launch->filter);
}

static void a_denied_call_is_named_with_its_arguments_and_process(void **state UNUSED)
{
	struct launch launch = launch_self("mount");
	struct ran ran;
	launch_below_server(&launch, NOTIFY_DENY, &ran);
	assert_int_equal(ran.status, 0);
	assert_string_equal(ran.output, "mount EPERM 4");
	assert_int_equal(seen.count, 5);
	assert_true(seen.paused); /* and went on after it */
	assert_string_equal(seen.comm, "test_notify");
	assert_int_equal(seen.last.architecture, filter_names().architecture);
	assert_true(seen.last.pid > 0 && seen.process == seen.last.pid);
	for (uint64_t i = 0; i < 5; i++)
		assert_true(seen.last.arguments[i] == i + 1 + (UINT64_C(7) << 32));
}

/* Any thread may call; people look for the process. */
static void a_thread_is_told_as_its_process(void **state UNUSED)
{
	struct launch launch = launch_self("thread");
	struct ran ran;
	launch_below_server(&launch, NOTIFY_DENY, &ran);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.comm, "test_notify");
	assert_int_not_equal(seen.process, seen.last.pid);
	assert_int_equal(seen.process, strtol(ran.output, NULL, 10));
}

static void who_is_not_answered_waits_until_it_is_killed(void **state UNUSED)
{
	struct launch launch = launch_self("mount");
	struct ran ran;
	launch_below_server(&launch, NOTIFY_HOLD, &ran);
	assert_true(WIFSIGNALED(ran.status) && WTERMSIG(ran.status) == SIGKILL);
	assert_string_equal(ran.output, "");
	assert_int_equal(seen.count, 1);
}

static void where_there_is_a_listener_already_the_filter_answers_alone(void **state UNUSED)
{
	struct launch launch = launch_self("nested");
	struct ran ran;
	launch_below_server(&launch, NOTIFY_DENY, &ran);
	assert_string_equal(ran.output, "no listener 16, mount EPERM"); /* EBUSY */
}

#define IN_FLIGHT 40

/* Descriptors on their way, of which the kernel lets an ordinary user have as many as files. */
static bool send_descriptors(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(IN_FLIGHT * sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(IN_FLIGHT * sizeof(int)) } };
	struct iovec part = { .iov_base = "x", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	for (size_t i = 0; i < IN_FLIGHT; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(fd), &fd, sizeof(fd));
	return sendmsg(fd, &message, MSG_DONTWAIT) == 1;
}

/* Sent by a process of the same user, before the child sends its own. */
static void a_listener_that_cannot_be_sent_is_no_launch(void **state UNUSED)
{
	struct launch launch = launch_self("once");
	struct ran ran;
	int ends[2], status;
	pid_t sender;
	launch.set_listener = true;
	launch.set_user = true;
	launch.uid = launch.gid = FULL_UID;
	launch.capabilities = "";
	launch.limits[launch.limit_count++] = (struct launch_limit){ RLIMIT_NOFILE, IN_FLIGHT / 2, IN_FLIGHT / 2 };
	filter_of("server", filter_names().architecture, SECCOMP_RET_USER_NOTIF, &launch.filter, &launch.filter_bytes);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	sender = fork();
	if (sender == 0) {
		bool sent = setresuid(FULL_UID, FULL_UID, FULL_UID) == 0 && send_descriptors(ends[0]);
		_exit(sent ? 0 : 1); /* what is on its way stays so */
	}
	assert_int_equal(waitpid(sender, &status, 0), sender);
	assert_int_equal(status, 0);
	run(&launch, &ran);
	free(launch.filter);
	close(ends[0]);
	close(ends[1]);
	assert_true(ran.step_failed);
	assert_int_equal(ran.report.step, LAUNCH_STEP_SECCOMP);
	assert_int_equal(ran.report.error, ETOOMANYREFS);
	assert_non_null(strstr(ran.report.text, "in flight"));
	assert_string_equal(ran.output, "");
	assert_true(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 126);
}

static int mount_nothing(void)
{
	const unsigned long high = 7UL << 32;
	return syscall(SYS_mount, high + 1, high + 2, high + 3, high + 4, high + 5) == -1 ? errno : 0;
}

static void *mount_in_a_thread(void *argument)
{
	prctl(PR_SET_NAME, "a-thread");
	(void)mount_nothing();
	return argument;
}

static int be_worker(const char *name)
{
	int count = 0;
	pthread_t thread;
	if (strcmp(name, "nested") == 0) {
		struct launch launch = launch_self("once");
		struct ran ran;
		filter_of("server", filter_names().architecture, SECCOMP_RET_USER_NOTIF, &launch.filter, &launch.filter_bytes);
		launch.set_listener = true;
		launch.unheard = FILTER_DENIED;
		run(&launch, &ran);
		dprintf(STDERR_FILENO, "%s %d, %s", ran.heard.kind == LAUNCH_REPORT_NO_LISTENER ? "no listener" : "?", ran.heard.error,
			ran.output);
	} else if (strcmp(name, "thread") == 0) {
		if (pthread_create(&thread, NULL, mount_in_a_thread, NULL) == 0 && pthread_join(thread, NULL) == 0)
			dprintf(STDERR_FILENO, "%d", getpid());
	} else if (strcmp(name, "once") == 0) {
		dprintf(STDERR_FILENO, "mount %s", strerrorname_np(mount_nothing()));
	} else {
		while (count < 4 && mount_nothing() == EPERM)
			count++;
		dprintf(STDERR_FILENO, "mount %s %d", strerrorname_np(mount_nothing() == EPERM && count == 4 ? EPERM : EINVAL), count);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_allows_nothing_asks_of_everything),
		cmocka_unit_test(a_denied_call_is_named_with_its_arguments_and_process),
		cmocka_unit_test(a_thread_is_told_as_its_process),
		cmocka_unit_test(who_is_not_answered_waits_until_it_is_killed),
		cmocka_unit_test(where_there_is_a_listener_already_the_filter_answers_alone),
		cmocka_unit_test(a_listener_that_cannot_be_sent_is_no_launch),
	};
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return be_worker(argv[2]);
	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
