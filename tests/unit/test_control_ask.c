/* SPDX-License-Identifier: Apache-2.0 */
/* test_control_ask: the client's side against supervisors that are stuck, lie, or hang up: it is told, in its own time. */
#include "tests/unit/unit.h"

#include "supervisor/edge/control_socket.h"
#include "supervisor/wire/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define SHORT_USEC (300 * USEC_PER_MSEC)
#define LONG_USEC (10 * USEC_PER_SEC)

struct fixture {
	char directory[64], path[100];
	struct sockaddr_un address;
	int listener_fd;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .directory = "/tmp/heapward-ask-XXXXXX", .address.sun_family = AF_UNIX };
	assert_non_null(mkdtemp(fixture.directory));
	snprintf(fixture.path, sizeof(fixture.path), "%s/control", fixture.directory);
	memcpy(fixture.address.sun_path, fixture.path, strlen(fixture.path) + 1);
	fixture.listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fixture.listener_fd, (struct sockaddr *)&fixture.address, sizeof(fixture.address)), 0);
	assert_int_equal(listen(fixture.listener_fd, 0), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	close(fixture->listener_fd);
	unlink(fixture->path);
	return rmdir(fixture->directory);
}

static int ask(const struct fixture *fixture, int64_t timeout_usec, struct control_reply *ret, struct failure *why)
{
	struct control_request request = { .command = CONTROL_STATUS };
	return control_ask(fixture->path, &request, timeout_usec, ret, why);
}

static void assert_times_out(const struct fixture *fixture)
{
	struct control_reply reply;
	struct failure why;
	int64_t began_usec = loop_now_usec();
	assert_int_equal(ask(fixture, SHORT_USEC, &reply, &why), -1);
	assert_int_equal(why.error, ETIMEDOUT);
	assert_contains(why.text, "the supervisor does not answer");
	int64_t took_usec = loop_now_usec() - began_usec;
	assert_true(took_usec >= SHORT_USEC / 2 && took_usec < LONG_USEC);
}

static void a_supervisor_that_never_answers_is_told_in_time(void **state)
{
	assert_times_out(*state);
}

static void interrupt(int number UNUSED)
{
}

/* Its queue of connections is full: connecting itself would wait for ever. The alarm interrupts a client that does. */
static void a_supervisor_that_no_longer_accepts_is_told_in_time(void **state)
{
	const struct fixture *fixture = *state;
	int waiting[4];
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (const struct sockaddr *)&fixture->address, sizeof(fixture->address));
	}
	const struct sigaction action = { .sa_handler = interrupt };
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	alarm(20);
	assert_times_out(fixture);
	alarm(0);
	for (size_t i = 0; i < ARRAY_LEN(waiting); i++)
		close(waiting[i]);
}

/* A process that accepts one client, reads its request, says these bytes and hangs up. */
static pid_t start_speaker(const struct fixture *fixture, const void *bytes, size_t length)
{
	pid_t pid = fork();
	if (pid == 0) {
		char request[CONTROL_REQUEST_BYTES_MAX];
		int fd = accept4(fixture->listener_fd, NULL, NULL, SOCK_CLOEXEC);
		bool heard = recv(fd, request, sizeof(request), 0) > 0;
		bool said = length == 0 || send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
		_exit(heard && said ? 0 : 1);
	}
	return pid;
}

static void a_reply_that_is_none_is_told(void **state)
{
	static const struct {
		uint32_t header[4];
		size_t length; /* bytes of it that are said */
		const char *text;
	} rows[] = {
		{ { 0 }, 0, "the supervisor closed the connection" },
		{ { 0x6c637068u, 1, CONTROL_OK, 5 }, 15, "the supervisor closed the connection" },
		{ { 0x6c637068u, 1, CONTROL_OK, 5 }, 16, "the supervisor closed the connection" },
		{ { 0x6c637068u, 1, 99, 5 }, 16, "makes no sense" },
		{ { 0x6c637068u, 1, CONTROL_OK, CONTROL_REPLY_MAX + 1 }, 16, "makes no sense" },
		{ { 0x6c637068u, 2, CONTROL_OK, 5 }, 16, "another version" },
		{ { 0, 0, 0, 0 }, 16, "another version" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct control_reply reply = { .length = 1 };
		struct failure why;
		int status;
		pid_t speaker = start_speaker(*state, rows[i].header, rows[i].length);
		int result = ask(*state, LONG_USEC, &reply, &why);
		assert_int_equal(waitpid(speaker, &status, 0), speaker);
		assert_int_equal(status, 0);
		assert_int_equal(result, -1);
		assert_contains(why.text, rows[i].text);
		assert_null(reply.text); /* nothing to release, nothing to read */
		assert_int_equal(reply.length, 0);
	}
}

static void a_reply_in_pieces_is_put_together(void **state)
{
	const struct fixture *fixture = *state;
	unsigned char bytes[CONTROL_REPLY_HEADER_BYTES + 5];
	struct control_reply reply;
	struct failure why;
	int status;
	control_reply_header_encode(CONTROL_REFUSED, 5, bytes);
	memcpy(bytes + CONTROL_REPLY_HEADER_BYTES, "hello", 5);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = accept4(fixture->listener_fd, NULL, NULL, SOCK_CLOEXEC);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			usleep(1000);
			if (send(fd, bytes + i, 1, MSG_NOSIGNAL) != 1)
				_exit(1);
		}
		_exit(0);
	}
	int result = ask(fixture, LONG_USEC, &reply, &why);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(result, 0);
	assert_int_equal(reply.result, CONTROL_REFUSED);
	assert_int_equal(reply.length, 5);
	assert_string_equal(reply.text, "hello");
	free(reply.text);
}

static void who_may_not_ask_is_told_who_may(void **state)
{
	const struct fixture *fixture = *state;
	int status;
	pid_t pid = fork(); /* the directory is its owner's alone */
	if (pid == 0) {
		struct control_reply reply;
		struct failure why;
		bool apart = setgid(65534) == 0 && setuid(65534) == 0;
		bool refused = ask(fixture, LONG_USEC, &reply, &why) < 0 && why.error == EACCES && strstr(why.text, "try sudo") != NULL;
		_exit(apart && refused ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_supervisor_that_never_answers_is_told_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_supervisor_that_no_longer_accepts_is_told_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reply_that_is_none_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reply_in_pieces_is_put_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_may_not_ask_is_told_who_may, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("control_ask", tests, NULL, NULL);
}
