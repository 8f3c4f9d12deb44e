/* SPDX-License-Identifier: Apache-2.0 */
/* test_process_look: children of our own in every state that a child can be brought into. */
#include "tests/unit/unit.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "supervisor/edge/process_look.h"

/* A child that sleeps, or that runs for ever. */
static pid_t start(bool runs)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	alarm(60);
	prctl(PR_SET_NAME, "a\nState: Z\n"); /* nobody is to be fooled by a name */
	for (;;)
		if (!runs)
			pause();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The scheduler takes its time. */
static struct process_look await(pid_t pid, char state)
{
	struct process_look look = process_look(pid);
	for (int i = 0; look.state != state && !look.gone && i < 20000; i++) {
		sched_yield();
		look = process_look(pid);
	}
	assert_int_equal(look.state, state);
	assert_false(look.gone);
	return look;
}

static void what_a_process_does_is_seen(void **state UNUSED)
{
	pid_t sleeper = start(false), runner = start(true);
	assert_int_equal(await(sleeper, 'S').tracer_pid, 0);
	await(runner, 'R');
	kill(sleeper, SIGSTOP);
	await(sleeper, 'T');
	kill(sleeper, SIGCONT);
	await(sleeper, 'S');
	assert_int_equal(ptrace(PTRACE_SEIZE, sleeper, NULL, NULL), 0);
	assert_int_equal(process_look(sleeper).tracer_pid, getpid());
	assert_int_equal(ptrace(PTRACE_INTERRUPT, sleeper, NULL, NULL), 0);
	waitpid(sleeper, NULL, __WALL);
	assert_int_equal(await(sleeper, 't').tracer_pid, getpid());
	end(sleeper);
	end(runner);
}

static void one_that_has_ended_is_gone(void **state UNUSED)
{
	siginfo_t info;
	pid_t pid = start(false);
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(process_look(pid).gone); /* a zombie */
	end(pid);
	assert_true(process_look(pid).gone);
	assert_true(process_look(INT32_MAX).gone);
}

#define LIVES "VmPeak:\t1 kB\nVmSize:\t1 kB\n"
#define PENDING(thread, process) "SigPnd:\t" thread "\nShdPnd:\t" process "\n"
#define NOTHING "0000000000000000"

/* SIGKILL is the ninth bit; a process without a memory of its own has one that is being taken down. */
static void one_that_is_killed_is_ending(void **state UNUSED)
{
	static const struct {
		const char *status;
		bool ending;
	} rows[] = {
		{ "State:\tS (sleeping)\n" LIVES PENDING(NOTHING, NOTHING), false },
		{ "State:\tD (disk sleep)\n" LIVES PENDING("0000000000000100", NOTHING), true },
		{ "State:\tR (running)\n" LIVES PENDING(NOTHING, "0000000000004100"), true },
		{ "State:\tR (running)\n" LIVES PENDING("0000000000004000", NOTHING), false },
		{ "State:\tR (running)\n" PENDING(NOTHING, NOTHING), true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		snprintf(text, sizeof(text), "Name:\tSigPnd: 100\n%s", rows[i].status);
		struct process_look look = process_look_parse(text);
		if (look.ending != rows[i].ending || look.gone)
			fail_msg("row %zu: ending %d", i, look.ending);
	}
	pid_t pid = start(false);
	assert_false(await(pid, 'S').ending);
	end(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_process_does_is_seen),
		cmocka_unit_test(one_that_has_ended_is_gone),
		cmocka_unit_test(one_that_is_killed_is_ending),
	};
	return cmocka_run_group_tests_name("process_look", tests, NULL, NULL);
}
