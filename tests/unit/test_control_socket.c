/* SPDX-License-Identifier: Apache-2.0 */
/* test_control_socket: a supervisor's ear in a process of its own, and clients of every manner against it: those that ask
 * well, that are slow, that speak nonsense, that are too many, or that are somebody else. */
#include "tests/unit/control_unit.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>

#define NOBODY 65534u

static int set_up_impatient(void **state)
{
	return set_up_with(state, 4700 * USEC_PER_MSEC, false);
}

static int set_up_starved(void **state)
{
	return set_up_with(state, 0, true);
}

static void assert_answered(const struct fixture *fixture)
{
	struct control_reply reply;
	struct failure why;
	if (ask(fixture, CONTROL_STATUS, "still there", &reply, &why) != 0)
		fail_msg("%s", why.text);
	assert_string_equal(reply.text, "0:still there");
	free(reply.text);
}

static int connect_raw(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* True where the supervisor closes within the time; what it says before is read away. */
static bool is_dropped(int fd, int timeout_msec)
{
	char bytes[4096];
	int64_t until_usec = loop_now_usec() + timeout_msec * USEC_PER_MSEC;
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		int64_t left_usec = until_usec - loop_now_usec();
		if (left_usec <= 0 || poll(&poll_fd, 1, (int)(left_usec / USEC_PER_MSEC) + 1) != 1)
			return false;
		if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
			return true;
	}
}

static void a_client_asks_and_gets_its_reply(void **state)
{
	struct control_reply reply;
	struct failure why;
	assert_answered(*state);
	assert_int_equal(ask(*state, CONTROL_READY, "", &reply, &why), 0);
	assert_int_equal(reply.result, CONTROL_NOT_READY);
	assert_string_equal(reply.text, "1:");
	assert_int_equal(reply.length, 2);
	free(reply.text);
	assert_int_equal(ask(*state, CONTROL_STATUS, "nothing", &reply, &why), 0);
	assert_int_equal(reply.length, 0);
	assert_string_equal(reply.text, "");
	free(reply.text);
}

static void a_reply_of_the_greatest_size_arrives_whole(void **state)
{
	struct control_reply reply;
	struct failure why;
	if (ask(*state, CONTROL_OUTPUT, "large", &reply, &why) != 0)
		fail_msg("%s", why.text);
	assert_int_equal(reply.length, CONTROL_REPLY_MAX);
	assert_int_equal(strspn(reply.text, "x"), CONTROL_REPLY_MAX);
	free(reply.text);
	assert_int_equal(ask(*state, CONTROL_OUTPUT, "huge", &reply, &why), 0);
	assert_int_equal(reply.length, CONTROL_REPLY_MAX); /* cut, never overrun */
	free(reply.text);
}

static void a_request_in_single_bytes_is_understood(void **state)
{
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX], header[CONTROL_REPLY_HEADER_BYTES];
	struct control_request request = { .command = CONTROL_STATUS, .argument = "slowly" };
	size_t length = control_request_encode(&request, bytes, sizeof(bytes));
	cleanup_fd int fd = connect_raw(*state);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(send(fd, bytes + i, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(fd, header, sizeof(header), MSG_WAITALL), sizeof(header));
	assert_true(is_dropped(fd, 5000)); /* one request a connection */
}

static void garbage_is_dropped_at_once(void **state)
{
	char bytes[CONTROL_REQUEST_BYTES_MAX * 4];
	cleanup_fd int text = connect_raw(*state);
	assert_int_equal(send(text, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
	assert_true(is_dropped(text, 3000));
	memset(bytes, 0xff, sizeof(bytes));
	cleanup_fd int flood = connect_raw(*state);
	assert_true(send(flood, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0);
	assert_true(is_dropped(flood, 3000));
	cleanup_fd int nothing = connect_raw(*state);
	assert_int_equal(shutdown(nothing, SHUT_WR), 0);
	assert_true(is_dropped(nothing, 3000));
	assert_answered(*state);
}

static void a_request_beyond_its_bounds_is_dropped(void **state)
{
	const uint32_t header[4] = { 0x6c637068u, 1, CONTROL_STATUS, CONTROL_ARGUMENT_MAX };
	cleanup_fd int fd = connect_raw(*state);
	assert_int_equal(send(fd, header, sizeof(header), MSG_NOSIGNAL), sizeof(header));
	assert_true(is_dropped(fd, 3000));
	assert_answered(*state);
}

static void a_client_that_goes_before_its_reply_does_no_harm(void **state)
{
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX];
	struct control_request request = { .command = CONTROL_OUTPUT, .argument = "large" };
	size_t length = control_request_encode(&request, bytes, sizeof(bytes));
	for (int i = 0; i < 2 * CONTROL_CLIENTS_MAX; i++) {
		int fd = connect_raw(*state);
		assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
		close(fd);
	}
	assert_answered(*state);
}

/* A process that connects `count` times and sends nothing. */
struct crowd {
	pid_t pid;
	int stop_fd;
};

static int count_open(const int *fds, size_t count)
{
	int open = 0;
	for (size_t i = 0; i < count; i++) {
		struct pollfd poll_fd = { .fd = fds[i], .events = POLLIN };
		open += poll(&poll_fd, 1, 0) == 0;
	}
	return open;
}

static struct crowd gather(const struct fixture *fixture, bool inside, size_t count)
{
	int stop[2], ready[2], fds[64];
	char byte;
	assert_int_equal(pipe(stop) + pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(stop[1]);
		if (inside)
			setsid();
		for (size_t i = 0; i < count; i++)
			fds[i] = connect_raw(fixture);
		close(ready[1]);
		(void)!read(stop[0], &byte, 1);
		_exit(count_open(fds, count));
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	close(stop[0]);
	return (struct crowd){ pid, stop[1] };
}

/* How many of its connections the supervisor has kept. */
static int disperse(const struct crowd *crowd)
{
	int status;
	close(crowd->stop_fd);
	assert_int_equal(waitpid(crowd->pid, &status, 0), crowd->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void who_has_waited_longest_makes_room(void **state)
{
	int fds[CONTROL_CLIENTS_MAX];
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = connect_raw(*state);
	assert_answered(*state);
	assert_true(is_dropped(fds[0], 3000));
	assert_int_equal(count_open(fds + 1, ARRAY_LEN(fds) - 1), ARRAY_LEN(fds) - 1); /* the others are still heard */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	assert_answered(*state);
}

static void a_worker_keeps_two_places_and_nobody_out(void **state)
{
	int fds[CONTROL_CLIENTS_MAX - CONTROL_INSIDERS_MAX];
	struct crowd crowd = gather(*state, true, 40);
	assert_answered(*state);
	assert_int_equal(disperse(&crowd), CONTROL_INSIDERS_MAX); /* though all the others are free */
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = connect_raw(*state);
	crowd = gather(*state, true, 40);
	assert_answered(*state); /* heard behind them, in one of their places */
	assert_int_equal(count_open(fds, ARRAY_LEN(fds)), ARRAY_LEN(fds));
	assert_int_equal(disperse(&crowd), CONTROL_INSIDERS_MAX - 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* Left in the queue, the client would wake the loop again and again and never be heard. */
static void without_a_descriptor_left_a_client_is_turned_away(void **state)
{
	for (int i = 0; i < 3; i++) {
		int fd = connect_raw(*state);
		bool turned_away = is_dropped(fd, 3000);
		close(fd);
		assert_true(turned_away);
	}
}

/* With 4.7 of the 5 seconds gone already. */
static void a_slow_client_is_dropped_when_its_time_is_up(void **state)
{
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX];
	struct control_request request = { .command = CONTROL_OUTPUT, .argument = "large" };
	size_t length = control_request_encode(&request, bytes, sizeof(bytes));
	cleanup_fd int silent = connect_raw(*state);
	cleanup_fd int half = connect_raw(*state);
	cleanup_fd int reads_nothing = connect_raw(*state);
	assert_int_equal(send(half, bytes, length - 1, MSG_NOSIGNAL), length - 1);
	assert_int_equal(send(reads_nothing, bytes, length, MSG_NOSIGNAL), length);
	assert_answered(*state); /* meanwhile nobody else waits */
	assert_false(is_dropped(silent, 10));
	assert_true(is_dropped(silent, 3000));
	assert_true(is_dropped(half, 3000));
	usleep(500000);
	size_t got = 0;
	for (ssize_t count = 1; count > 0; got += count > 0 ? (size_t)count : 0)
		count = recv(reads_nothing, bytes, sizeof(bytes), 0);
	assert_true(got < CONTROL_REPLY_MAX); /* what was in the socket's buffer, and then the end */
	assert_answered(*state);
}

/* Asks as another user; the result of the reply, 10 where there was none, 11 where the text is not the refusal. */
static int ask_as(const struct fixture *fixture, uint32_t uid, uint32_t gid, const uint32_t *extra,
		  enum control_command command)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		gid_t groups[1] = { extra == NULL ? 0 : *extra };
		struct control_reply reply;
		struct failure why;
		if (setgroups(extra == NULL ? 0 : 1, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(9);
		if (ask(fixture, command, "x", &reply, &why) < 0)
			_exit(10);
		if (reply.result == CONTROL_REFUSED && strstr(reply.text, "not allowed: only the service's owner and root") == NULL)
			_exit(11);
		_exit((int)reply.result);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void another_user_is_refused_and_the_looking_group_may_look(void **state)
{
	static const uint32_t looking = LOOKING_GID, other = 7;
	static const struct {
		uint32_t uid, gid;
		const uint32_t *extra;
		enum control_command command;
		int result;
	} rows[] = {
		{ 0, 0, NULL, CONTROL_STOP, CONTROL_OK },
		{ NOBODY, NOBODY, NULL, CONTROL_STATUS, CONTROL_REFUSED },
		{ NOBODY, NOBODY, NULL, CONTROL_READY, CONTROL_REFUSED },
		{ NOBODY, NOBODY, NULL, CONTROL_STOP, CONTROL_REFUSED },
		{ NOBODY, 0, NULL, CONTROL_STOP, CONTROL_REFUSED }, /* root's group is not root */
		{ NOBODY, NOBODY, &other, CONTROL_STATUS, CONTROL_REFUSED },
		{ NOBODY, NOBODY, &looking, CONTROL_STATUS, CONTROL_OK },
		{ NOBODY, NOBODY, &looking, CONTROL_READY, CONTROL_NOT_READY },
		{ NOBODY, NOBODY, &looking, CONTROL_OUTPUT, CONTROL_OK },
		{ NOBODY, LOOKING_GID, NULL, CONTROL_STATUS, CONTROL_OK },
		{ NOBODY, LOOKING_GID, &looking, CONTROL_STOP, CONTROL_REFUSED },
		{ NOBODY, LOOKING_GID, &looking, CONTROL_RESTART, CONTROL_REFUSED },
		{ NOBODY, LOOKING_GID, &looking, CONTROL_RESET, CONTROL_REFUSED },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int result = ask_as(*state, rows[i].uid, rows[i].gid, rows[i].extra, rows[i].command);
		if (result != rows[i].result)
			fail_msg("row %zu: %d", i, result);
	}
}

static void the_socket_is_for_its_owner_only_and_takes_the_place_of_a_dead_one(void **state)
{
	const struct fixture *fixture = *state;
	char path[100];
	struct control_socket *socket = calloc(1, sizeof(*socket));
	struct loop loop;
	struct failure why;
	struct stat stat_of;
	snprintf(path, sizeof(path), "%s/second", fixture->directory);
	assert_int_equal(loop_init(&loop, &why), 0);
	for (int i = 0; i < 2; i++) { /* finish leaves the file, as a killed supervisor would */
		if (control_socket_init(socket, &loop, path, &why) != 0)
			fail_msg("%s", why.text);
		assert_int_equal(stat(path, &stat_of), 0);
		assert_true(S_ISSOCK(stat_of.st_mode));
		bool shared = getgrnam("heapward") != NULL;
		assert_int_equal(stat_of.st_mode & 0777, shared ? 0660 : 0600);
		assert_true(control_socket_deadline(socket) == USEC_NEVER);
		control_socket_finish(socket);
	}
	unlink(path);
	loop_finish(&loop);
	free(socket);
}

static void a_path_that_is_too_long_is_told_by_both_ends(void **state UNUSED)
{
	char path[200];
	struct control_socket *socket = calloc(1, sizeof(*socket));
	struct control_request request = { 0 };
	struct control_reply reply;
	struct loop loop;
	struct failure why;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(loop_init(&loop, &why), 0);
	assert_int_equal(control_socket_init(socket, &loop, path, &why), -1);
	assert_int_equal(why.error, ENAMETOOLONG);
	control_socket_finish(socket);
	loop_finish(&loop);
	free(socket);
	assert_int_equal(control_ask(path, &request, ASK_USEC, &reply, &why), -1);
	assert_int_equal(why.error, ENAMETOOLONG);
	assert_int_equal(control_ask("/no/such/socket", &request, ASK_USEC, &reply, &why), -1);
	assert_int_equal(why.error, ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_client_asks_and_gets_its_reply, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reply_of_the_greatest_size_arrives_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_in_single_bytes_is_understood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(garbage_is_dropped_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_request_beyond_its_bounds_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_that_goes_before_its_reply_does_no_harm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_waited_longest_makes_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_worker_keeps_two_places_and_nobody_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_descriptor_left_a_client_is_turned_away, set_up_starved, tear_down),
		cmocka_unit_test_setup_teardown(a_slow_client_is_dropped_when_its_time_is_up, set_up_impatient, tear_down),
		cmocka_unit_test_setup_teardown(another_user_is_refused_and_the_looking_group_may_look, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_socket_is_for_its_owner_only_and_takes_the_place_of_a_dead_one, set_up,
						tear_down),
		cmocka_unit_test(a_path_that_is_too_long_is_told_by_both_ends),
	};
	return cmocka_run_group_tests_name("control_socket", tests, NULL, NULL);
}
