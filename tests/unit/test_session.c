/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/edge/session.h"

#include <signal.h>
#include <sys/prctl.h>
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

/* A process in a session of its own, whose parent has ended; its number. */
static pid_t start_orphan(bool marked)
{
	int ends[2], status;
	pid_t orphan = 0;
	assert_int_equal(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0) {
		if (marked && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(1);
		orphan = fork();
		if (orphan > 0)
			_exit(write(ends[1], &orphan, sizeof(orphan)) == sizeof(orphan) ? 0 : 1);
		setsid();
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &orphan, sizeof(orphan)), sizeof(orphan));
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
	return orphan;
}

static void who_is_adopted_and_comes_from_a_worker_is_killed(void **state UNUSED)
{
	int status;
	uint64_t since, later;
	assert_int_equal(session_adopt(&since), 0);
	pid_t orphan = start_orphan(true), known = start_orphan(true), other = start_orphan(false);
	usleep(30000); /* some ticks */
	assert_int_equal(session_adopt(&later), 0);
	assert_true(later > since);
	assert_int_equal(session_signal_adopted(&known, 1, later, SIGKILL), 0); /* older */
	assert_int_equal(session_signal_adopted(&known, 1, since, SIGKILL), 1);
	assert_int_equal(waitpid(orphan, &status, 0), orphan); /* it is our child now */
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(session_signal_adopted(&known, 1, since, SIGKILL), 0);
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(session_signal_adopted(NULL, 0, since, SIGKILL), 1);
	assert_int_equal(waitpid(known, &status, 0), known);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, &status, 0), other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_killed_and_others_live),
		cmocka_unit_test(a_session_that_is_not_there_has_no_members),
		cmocka_unit_test(who_is_adopted_and_comes_from_a_worker_is_killed),
	};
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
