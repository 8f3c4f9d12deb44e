/* SPDX-License-Identifier: Apache-2.0 */
/* test_ready_notify: senders of every kind, honest and not, and who the kernel says they are. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "supervisor/edge/ready_notify.h"

struct fixture {
	struct loop loop;
	struct ready_notify notify;
	int fd; /* of a sender */
	unsigned ready;
	int32_t pid;
	uint32_t uid;
};

static void said_ready(struct ready_notify *notify, int32_t pid, uint32_t uid)
{
	struct fixture *fixture = notify->owner;
	fixture->ready++;
	fixture->pid = pid;
	fixture->uid = uid;
}

/* As sd_notify(3) does: '@' stands for the NUL. */
static int connect_to(const char *variable)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *value = strchr(variable, '=') + 1;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(value[0], '@');
	memcpy(name.sun_path + 1, value + 1, strlen(value + 1));
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(value));
	assert_int_equal(connect(fd, (struct sockaddr *)&name, length), 0);
	return fd;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	fixture = (struct fixture){ 0 };
	assert_int_equal(loop_init(&fixture.loop, &why), 0);
	assert_int_equal(ready_notify_init(&fixture.notify, &fixture.loop, &why), 0);
	fixture.notify.ready = said_ready;
	fixture.notify.owner = &fixture;
	fixture.fd = connect_to(fixture.notify.variable);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	ready_notify_finish(&fixture->notify);
	ready_notify_finish(&fixture->notify);
	close(fixture->fd);
	loop_finish(&fixture->loop);
	return 0;
}

static void hear(struct fixture *fixture)
{
	struct failure why;
	assert_int_equal(loop_wait(&fixture->loop, loop_now_usec() + 20 * USEC_PER_MSEC, &why), 0);
}

static void only_a_line_of_its_own_says_ready(void **state UNUSED)
{
	static const struct {
		const char *message;
		bool is_ready;
	} rows[] = {
		{ "READY=1", true }, { "READY=1\n", true }, { "STATUS=here\nREADY=1\nMAINPID=7", true }, { "\n\nREADY=1", true },
		{ "", false }, { "READY=0", false }, { "READY=10", false }, { "XREADY=1", false }, { "STATUS=READY=1", false },
		{ "ready=1", false }, { "READY=1\r\n", false }, { "READY=", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (ready_notify_is_ready(rows[i].message, strlen(rows[i].message)) != rows[i].is_ready)
			fail_msg("%s", rows[i].message);
	assert_true(ready_notify_is_ready("a\0b\nREADY=1", 11));
}

static void a_process_is_known_by_the_kernels_word(void **state)
{
	struct fixture *fixture = *state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(send(fixture->fd, "READY=1", 7, 0) == 7 ? 0 : 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	hear(fixture);
	assert_int_equal(fixture->ready, 1);
	assert_int_equal(fixture->pid, pid);
	assert_int_equal(fixture->uid, geteuid());
	assert_int_equal(send(fixture->fd, "STATUS=busy", 11, 0), 11);
	hear(fixture);
	assert_int_equal(fixture->ready, 1);
	assert_int_equal(fixture->notify.messages, 2);
}

static void a_message_that_is_too_long_counts_for_nothing(void **state)
{
	struct fixture *fixture = *state;
	static char message[8192] = "READY=1\n";
	memset(message + 8, 'x', sizeof(message) - 8);
	assert_int_equal(send(fixture->fd, message, sizeof(message), 0), sizeof(message));
	hear(fixture);
	assert_int_equal(fixture->notify.messages, 1);
	assert_int_equal(fixture->ready, 0);
}

/* systemd-notify waits until what it has sent is closed. */
static void a_barrier_is_lifted_and_no_descriptor_is_kept(void **state)
{
	struct fixture *fixture = *state;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec text = { "BARRIER=1", 9 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	int ends[2];
	char byte;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	control.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.header), &ends[1], sizeof(int));
	assert_int_equal(sendmsg(fixture->fd, &message, 0), 9);
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), -1);
	hear(fixture);
	assert_int_equal(read(ends[0], &byte, 1), 0); /* its end */
	close(ends[0]);
}

static void one_that_floods_is_not_heard_any_more(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 100000 && !fixture->notify.flooded; i++) {
		while (send(fixture->fd, "STATUS=x", 8, MSG_DONTWAIT) > 0)
			;
		hear(fixture);
	}
	assert_true(fixture->notify.flooded);
	assert_true(fixture->notify.messages <= 2 * READY_NOTIFY_WINDOW_MESSAGES);
	assert_int_equal(send(fixture->fd, "READY=1", 7, MSG_DONTWAIT | MSG_NOSIGNAL), -1);
}

static void each_socket_has_a_name_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct ready_notify other;
	struct failure why;
	assert_int_equal(ready_notify_init(&other, &fixture->loop, &why), 0);
	assert_string_not_equal(other.variable, fixture->notify.variable);
	assert_int_equal(strncmp(other.variable, "NOTIFY_SOCKET=@", 15), 0);
	ready_notify_finish(&other);
}

#define NOTIFY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_line_of_its_own_says_ready),
		NOTIFY_TEST(a_process_is_known_by_the_kernels_word),
		NOTIFY_TEST(a_message_that_is_too_long_counts_for_nothing),
		NOTIFY_TEST(a_barrier_is_lifted_and_no_descriptor_is_kept),
		NOTIFY_TEST(one_that_floods_is_not_heard_any_more),
		NOTIFY_TEST(each_socket_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests_name("ready_notify", tests, NULL, NULL);
}
