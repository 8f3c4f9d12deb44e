/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/edge/session.h"

#include <signal.h>
#include <sys/wait.h>

/* A session of a leader and one child of it; the write end of `ready` tells when both are there. */
static pid_t start_session(void)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe(ready), 0);
	pid_t leader = fork();
	if (leader == 0) {
		setsid();
		pid_t child = fork();
		ssize_t written = write(ready[1], "x", 1);
		(void)written;
		if (child > 0)
			close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return leader;
}

static void every_member_is_killed_and_others_live(void **state UNUSED)
{
	pid_t session = start_session(), other = start_session();
	int status;
	assert_int_equal(session_signal(&session, 1, SIGKILL), 2);
	for (int i = 0; i < 200 && session_signal(&session, 1, SIGKILL) > 0; i++)
		usleep(10000);
	assert_int_equal(session_signal(&session, 1, SIGKILL), 0); /* the leader is a zombie now, which counts as gone */
	assert_int_equal(waitpid(session, &status, 0), session);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(session_signal(&other, 1, SIGKILL), 2);
	assert_int_equal(waitpid(other, &status, 0), other);
}

static void a_session_that_is_not_there_has_no_members(void **state UNUSED)
{
	assert_int_equal(session_signal((int32_t[]){ 0x7ffffffe }, 1, SIGKILL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_killed_and_others_live),
		cmocka_unit_test(a_session_that_is_not_there_has_no_members),
	};
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
