/* SPDX-License-Identifier: Apache-2.0 */
/* test_control_peer: who asks is looked at before anything changes, and held while it is. */
#include "tests/unit/control_unit.h"

/* Asks from where it may not; the result of the reply, 10 where there was none, 11 where it says nothing of it. */
static int ask_from_elsewhere(const struct fixture *fixture, enum control_command command)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct control_reply reply;
		struct failure why;
		if (setsid() < 0 || ask(fixture, command, "x", &reply, &why) < 0)
			_exit(10);
		if (reply.result == CONTROL_REFUSED && strcmp(reply.text, "not allowed: stands elsewhere") != 0)
			_exit(11);
		_exit((int)reply.result);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void who_stands_elsewhere_may_look_and_change_nothing(void **state)
{
#define X(id, name, changes) { CONTROL_##id, changes },
	static const struct {
		enum control_command command;
		bool changes;
	} rows[] = { CONTROL_COMMANDS(X) };
#undef X
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum control_result looked = rows[i].command == CONTROL_READY ? CONTROL_NOT_READY : CONTROL_OK;
		int result = ask_from_elsewhere(*state, rows[i].command);
		if (result != (int)(rows[i].changes ? CONTROL_REFUSED : looked))
			fail_msg("row %zu: %d", i, result);
	}
}

/* Connects in a process that has ended when the request comes, from somebody else who has the connection. */
static int connect_by_another(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return fd;
}

static void who_has_ended_since_it_connected_changes_nothing(void **state)
{
	static const char refusal[] = "not allowed: has ended";
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX];
	char reply[CONTROL_REPLY_HEADER_BYTES + sizeof(refusal)];
	const struct fixture *fixture = *state;
	struct control_request request = { .command = CONTROL_STOP };
	size_t length = control_request_encode(&request, bytes, sizeof(bytes));
	for (int stopped = 0; stopped < 2; stopped++) { /* ended before the supervisor accepts, too */
		memset(reply, 0, sizeof(reply));
		if (stopped)
			assert_int_equal(kill(fixture->server, SIGSTOP), 0);
		cleanup_fd int fd = connect_by_another(fixture);
		kill(fixture->server, SIGCONT);
		assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
		assert_int_equal(recv(fd, reply, sizeof(reply), MSG_WAITALL), sizeof(reply) - 1);
		assert_string_equal(reply + CONTROL_REPLY_HEADER_BYTES, refusal);
	}
}

/* As before kernel 6.5. */
static void a_peer_that_is_known_by_its_number_is_held_too(void **state UNUSED)
{
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	struct control_peer peer = { .pid = pid, .pid_fd = control_peer_open(pid) };
	assert_true(control_peer_lives(&peer));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(control_peer_lives(&peer));
	control_peer_forget(&peer);
	control_peer_forget(&peer);
	assert_int_equal(control_peer_open(pid), -1);
	assert_int_equal(control_peer_open(0), -1);
	assert_false(control_peer_lives(&peer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_stands_elsewhere_may_look_and_change_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_ended_since_it_connected_changes_nothing, set_up, tear_down),
		cmocka_unit_test(a_peer_that_is_known_by_its_number_is_held_too),
	};
	return cmocka_run_group_tests_name("control_peer", tests, NULL, NULL);
}
