/* SPDX-License-Identifier: Apache-2.0 */
/* test_seccomp: calls that the list does not allow: what the worker gets, what the supervisor tells of them, and what they
 * cost it. See workers/calls.c for who makes them. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <signal.h>
#include <stdlib.h>

#define SET "--set"
#define INSTANCE "/services/0/instances/0/"
#define COLUMNS 80

/* `settings` and `acts` at spaces. */
static struct program *run(struct world *world, const char *settings, const char *acts)
{
	const char *words[WORDS_MAX] = { SET, "restart.when=never", SET, "sandbox.syscalls=server" };
	size_t count = 4;
	char *next = world_print(world, "%s", settings);
	for (char *word; (word = strsep(&next, " ")) != NULL;) {
		words[count++] = SET;
		words[count++] = word;
	}
	words[count++] = "--";
	words[count++] = calls_path();
	next = world_print(world, "%s", acts);
	for (char *word; (word = strsep(&next, " ")) != NULL;)
		words[count++] = word;
	words[count] = NULL;
	return run_start(world, words);
}

static void await_steady(struct world *world, const struct program *program)
{
	await_file(world, strrchr(program->out_path, '/') + 1, "steady", 30);
}

static void stop(struct world *world, struct program *program)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 20), 0);
}

/* The n-th event of that name, from 0. */
static struct json_object *event(struct world *world, const char *text, const char *name, size_t n)
{
	char *rest = world_print(world, "%s", text);
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (line[0] != '{' || strstr(line, world_print(world, "\"event\":\"%s\"", name)) == NULL)
			continue;
		if (n-- == 0)
			return see(world, line);
	}
	fail_msg("no %s in:\n%s", name, text);
	return NULL;
}

static void a_denied_call_fails_and_is_told_with_who_and_what(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json", "mount ptrace io_uring_setup newer getppid");
	assert_int_equal(program_finish(world, program, 20), 0);
	assert_string_equal(program_out(world, program), "mount EPERM\nptrace EPERM\nio_uring_setup ENOSYS\nnewer ENOSYS\ngetppid passed\n");
	const char *events = program_err(world, program);
	assert_int_equal(count_events(world, events, "seccomp.violation"), 2); /* what is absent is no violation */
	struct json_object *told = event(world, events, "seccomp.violation", 0);
	assert_string_equal(see_text(told, "/call"), "mount");
	assert_string_equal(see_text(told, "/arguments"), "0xb 0xc 0x7ffffffffff0 0xe 0xf 0x0");
	assert_string_equal(see_text(told, "/comm"), "calls");
	assert_string_equal(see_text(told, "/answer"), "errno");
	assert_int_equal(see_number(told, "/count"), 1);
	assert_int_equal(see_number(told, "/pid"), see_number(event(world, events, "ready", 0), "/pid"));
	assert_string_equal(see_text(event(world, events, "seccomp.violation", 1), "/call"), "ptrace");
}

/* What has happened stands in the first 80 columns; behind it, why, and what allows the call. */
static void a_line_for_people_says_it_in_80_columns(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=text", "mount unshare bpf keyctl");
	assert_int_equal(program_finish(world, program, 20), 0);
	char *rest = world_print(world, "%s", program_err(world, program));
	size_t told = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (strstr(line, " denied ") == NULL)
			continue;
		told++;
		assert_contains(line, " by calls, pid ");
		const char *why = strstr(line, ": not in the list server; if it is needed: ");
		assert_non_null(why);
		if (why - line > COLUMNS)
			fail_msg("%td columns: %s", why - line, line);
		assert_non_null(strstr(why, "with the lines \"include server\" and \""));
	}
	assert_int_equal(told, 4);
	assert_contains(program_err(world, program), "denied mount(0xb, ");
}

static void repeats_are_counted_and_told_seldom(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json", "mount mount keyctl mount steady");
	await_steady(world, program);
	struct json_object *status = see_status(world);
	assert_int_equal(see_number(status, INSTANCE "violations/total"), 4);
	assert_string_equal(see_text(status, INSTANCE "violations/calls/0/call"), "mount");
	assert_int_equal(see_number(status, INSTANCE "violations/calls/0/count"), 3);
	assert_string_equal(see_text(status, INSTANCE "violations/calls/1/call"), "keyctl");
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "denied    system calls not in the list server: mount x 3, keyctl x 1");
	assert_int_equal(count_events(world, program_err(world, program), "seccomp.violation"), 2);
	stop(world, program);
	struct json_object *last = event(world, program_err(world, program), "seccomp.violation", 2); /* the last word */
	assert_string_equal(see_text(last, "/call"), "mount");
	assert_int_equal(see_number(last, "/count"), 3);
}

static void kill_ends_the_worker_and_the_verdict_names_the_call(void **state)
{
	static const char *const acts[] = { "mount steady", "detached mount steady" };
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct program *program = run(world, "log.events=json sandbox.violation=kill", acts[i]);
		assert_int_equal(program_finish(world, program, 20), 128 + SIGKILL);
		assert_null(strstr(program_out(world, program), "mount"));
		const char *events = program_err(world, program);
		assert_string_equal(see_text(event(world, events, "seccomp.violation", 0), "/answer"), "kill");
		struct json_object *death = event(world, events, "death", 0);
		assert_string_equal(see_text(death, "/verdict"), "seccomp");
		assert_true(see_bool(death, "/certain"));
		assert_contains(last_line(world, events), "seccomp: mount(0xb, ");
		struct json_object *why = see_why(world);
		assert_true(verdict_is(why, "seccomp", -1));
		assert_true(see_bool(why, "/certain"));
		assert_contains(heapward_says(world, 0, "why", world->name, NULL), "notification: calls called mount(0xb, ");
		assert_contains(heapward_says(world, 0, "why", world->name, NULL), "allow it in a list of your own");
		await_nothing_left(world, 5);
	}
}

static void audit_lets_it_pass_and_tells_it(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json sandbox.violation=audit", "mount unshare");
	assert_int_equal(program_finish(world, program, 20), 0);
	assert_string_equal(program_out(world, program), "mount EFAULT\nunshare EINVAL\n"); /* the kernel's own answers */
	struct json_object *told = event(world, program_err(world, program), "seccomp.violation", 0);
	assert_string_equal(see_text(told, "/call"), "mount");
	assert_string_equal(see_text(told, "/answer"), "audit");
}

/* The worker's parent is the supervisor: traced by it, the worker would hang; ended by the worker, it would have audited nothing. */
static void audit_never_lets_the_supervisor_be_harmed(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json sandbox.violation=audit", "trace-me kill parent owner parent 9 x32 mount");
	assert_int_equal(program_finish(world, program, 20), 0);
	const char *said = program_out(world, program);
	assert_contains(said, "trace-me EPERM\nkill EPERM\nsignal EPERM\nowner EPERM\n");
	assert_contains(said, "x32 EPERM\nmount EFAULT\n");
	const char *events = program_err(world, program);
	struct json_object *told = event(world, events, "seccomp.violation", 0);
	assert_string_equal(see_text(told, "/call"), "ptrace");
	assert_string_equal(see_text(told, "/answer"), "errno");
	assert_contains(events, "\"message\":\"denied kill(");
	assert_contains(events, "\"message\":\"let through mount(");
}

/* By every way that the kernel has for it; heapward-child's acts are nobody's here. SIGKILL by a pidfd from a socket is denied where a
 * policy file says so, and nobody is killed for that. */
static void a_policy_keeps_the_kernel_from_signalling_for_the_worker(void **state)
{
	static const char *const denied = "owner EPERM\nowner EPERM\nowner EPERM\nowner EPERM\n";
	struct world *world = *state;
	world_write(world, "p.yaml", "version: 1\nheap: {runtime: none}\nrestart: {when: never}\nlog: {events: json}\n"
		    "sandbox: {capabilities: unchanged, protect_system: none}\n");
	const char *policy = world_path(world, "p.yaml");
	const char *words[] = { heapward_path(), "run", "-n", world->name, "-p", policy, "--", calls_path(), "peer", "owner", "parent",
				"0", "lease", "steady", NULL };
	struct program *program = run_start_by(world, words);
	await_steady(world, program);
	const char *said = program_out(world, program);
	assert_contains(said, denied);
	assert_contains(said, "lease EPERM\n");
	assert_true(strncmp(said, "peer EPERM\n", 11) == 0 || strncmp(said, "peer none\n", 10) == 0);
	await_state(world, "ready", 10);
	stop(world, program);
	const char *audits[] = { heapward_path(), "run", "-n", world->name, "-p", policy, SET, "sandbox.violation=audit", SET,
				 "sandbox.syscalls=compat", "--", calls_path(), "lease", "mount", NULL };
	program = run_start_by(world, audits);
	assert_int_equal(program_finish(world, program, 20), 0);
	assert_contains(program_out(world, program), "lease EPERM\nmount EFAULT\n");
	assert_contains(program_err(world, program), "denied fcntl(");
	const char *kills[] = { heapward_path(), "run", "-n", world->name, "-p", policy, SET, "sandbox.violation=kill", "--", calls_path(),
				"peer", "lease", "steady", NULL };
	program = run_start_by(world, kills);
	await_steady(world, program);
	assert_contains(program_out(world, program), "lease EPERM\n");
	assert_true(strstr(program_out(world, program), "peer EPERM") != NULL || strstr(program_out(world, program), "peer none") != NULL);
	assert_int_equal(count_events(world, program_err(world, program), "seccomp.violation"), 0);
	stop(world, program);
}

/* Without a policy a correct program may use all of it for itself: so what the supervisor gets ends nobody. */
static void a_bare_run_gives_no_signal_that_ends_the_supervisor(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json sandbox.syscalls=compat", "owner parent 0 owner parent 9 owner parent 15 owner parent 34 lease steady");
	await_steady(world, program);
	assert_contains(program_out(world, program), geteuid() == 0 ? "lease passed\n" : "lease E"); /* of root's program */
	assert_null(strstr(program_out(world, program), "lease EPERM"));
	const char *said = program_out(world, program);
	assert_contains(said, "owner EPERM\nowner passed\nowner passed\nowner passed\nsignal EPERM\nowner EPERM\nsignal EPERM\nowner passed\n");
	assert_contains(said, "signal passed\nowner EPERM\nsignal passed\nowner passed\n"); /* a real-time signal */
	await_state(world, "ready", 10);
	assert_true(keeper_of(world, program) > 0);
	assert_null(strstr(program_err(world, program), "keeper"));
	stop(world, program);
}

#ifdef __x86_64__
/* A kernel without i386 calls ends the process itself. */
static void the_other_entries_are_closed_and_told(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json", "x32 i386");
	int status = program_finish(world, program, 20);
	assert_contains(program_out(world, program), "x32 EPERM\n");
	assert_int_equal(see_number(event(world, program_err(world, program), "seccomp.violation", 0), "/number"), 0x40000000 + 165);
	if (status == 128 + SIGSEGV)
		return;
	assert_contains(program_out(world, program), "i386 -1\n");
	assert_string_equal(see_text(event(world, program_err(world, program), "seccomp.violation", 1), "/call"), "32-bit mount");
}

/* Their numbers are many; what has a name is told by it all the same. */
static void numbers_of_x32_crowd_nobody_out(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json", "x32-all mount keyctl steady");
	await_steady(world, program);
	struct json_object *status = see_status(world);
	assert_int_equal(see_number(status, INSTANCE "violations/total"), 502);
	assert_string_equal(see_text(status, INSTANCE "violations/calls/0/call"), "x32 calls");
	assert_string_equal(see_text(status, INSTANCE "violations/calls/1/call"), "mount");
	assert_string_equal(see_text(status, INSTANCE "violations/calls/2/call"), "keyctl");
	stop(world, program);
}
#endif

/* Of one core, by the supervisor's own processor time while the worker did nothing else; how many calls it was is told. */
static void a_loop_of_denied_calls_costs_the_supervisor_little(void **state)
{
	static const char *const acts[] = { "mount loop 4", "mount threads 4" };
	struct world *world = *state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		struct program *program = run(world, "log.events=json", acts[i]);
		await_file(world, strrchr(program->out_path, '/') + 1, "mount EPERM", 20);
		double before = process_cpu_seconds(program->pid);
		int64_t from_usec = now_usec();
		pause_msec(3000);
		double share = (process_cpu_seconds(program->pid) - before) / ((double)(now_usec() - from_usec) / 1e6);
		assert_int_equal(program_finish(world, program, 60), 0);
		long count = strtol(strstr(program_out(world, program), "loop ") + 5, NULL, 10);
		print_message("%s: %ld calls, the supervisor used %.2f %% of a core\n", acts[i], count, share * 100);
		if (share > (slowness() > 1 ? 0.5 : 0.05)) /* without a pace it is nearly all of it */
			fail_msg("%s: %.1f %% of a core", acts[i], share * 100);
		assert_true(count > 100); /* they were answered, not forgotten */
		assert_true(count_events(world, program_err(world, program), "seccomp.violation") <= 8);
	}
}

/* Who waits for its turn can still be stopped. */
static void a_worker_that_loops_can_be_stopped(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json stop.timeout=20s", "mount threads 100");
	await_file(world, strrchr(program->out_path, '/') + 1, "mount EPERM", 20);
	pause_msec(500);
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, program, 15), 0);
	assert_null(strstr(program_err(world, program), "killed after stop.timeout"));
}

static void each_worker_has_a_listener_of_its_own(void **state)
{
	struct world *world = *state;
	struct program *program = run(world, "log.events=json", "mount steady");
	await_steady(world, program);
	pid_t first = await_worker(world, 0, 20);
	heapward_says(world, 0, "restart", world->name, NULL);
	pid_t second = await_worker(world, first, 20);
	await_status(world, INSTANCE "violations/calls/0/call", "mount", 20);
	assert_int_equal(see_number(see_status(world), INSTANCE "violations/total"), 1);
	const char *events = program_err(world, program);
	assert_int_equal(count_events(world, events, "seccomp.violation"), 2);
	assert_int_equal(see_number(event(world, events, "seccomp.violation", 0), "/pid"), first);
	assert_int_equal(see_number(event(world, events, "seccomp.violation", 1), "/pid"), second);
	stop(world, program);
}

/* heapward below heapward: one chain of filters has one listener. */
static void without_a_listener_the_filter_answers_alone_and_that_is_said(void **state)
{
	struct world *world = *state;
	const char *inner = world_print(world, "%s run -n %s-i --set restart.when=never --set log.events=text --set sandbox.syscalls=server",
					heapward_path(), world->name);
	const char *script = world_print(world, "%s -- %s mount; %s --set sandbox.violation=kill -- %s mount; echo exit $?;"
					 " %s --set sandbox.violation=audit -- %s trace-me kill parent", inner, calls_path(), inner,
					 calls_path(), inner, calls_path());
	const char *words[] = { SET, "restart.when=never", "--", "sh", "-c", script, NULL };
	struct program *program = run_start(world, words);
	assert_int_equal(program_finish(world, program, 30), 0);
	assert_string_equal(program_out(world, program), "mount EPERM\nexit 159\ntrace-me EPERM\nkill EPERM\n");
	const char *said = program_err(world, program);
	assert_contains(said, "(a filter around heapward has its own listener): such a call fails with EPERM");
	assert_contains(said, "such a call ends its process, and the verdict cannot name it");
	assert_contains(said, "such a call passes, but for those that would harm the supervisor, and only the kernel's audit log may tell");
	assert_contains(said, "seccomp violation: a denied system call ended the worker (SIGSYS)");
	assert_contains(heapward_says(world, 0, "why", world_print(world, "%s-i", world->name), "2", NULL), "seccomp (not certain)");
	heapward_says(world, 0, "forget", world_print(world, "%s-i", world->name), NULL);
}

static const char *write_policy(struct world *world, const char *list, const char *sandbox)
{
	world_write(world, "my.list", "%s", list);
	world_write(world, "p.yaml",
		    "version: 1\nservice: {command: [%s, mount, steady]}\nheap: {runtime: none}\n"
		    "sandbox: {syscalls: ./my.list, capabilities: unchanged, %s}\nlog: {events: json}\n",
		    calls_path(), sandbox);
	return world_path(world, "p.yaml");
}

static void a_list_of_ones_own_is_read_again_by_reload(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "include server\n", "violation: errno");
	const char *words[] = { "-p", policy, NULL };
	struct program *program = run_start(world, words);
	await_steady(world, program);
	assert_contains(program_out(world, program), "mount EPERM");
	write_policy(world, "include server\nmuont\n", "violation: errno");
	heapward_says(world, 2, "reload", world->name, NULL);
	assert_contains(program_err(world, program), "policy not taken, nothing changes: ");
	assert_contains(program_err(world, program), "my.list:2:1: error: unknown system call");
	assert_contains(heapward_says(world, 2, "check", policy, NULL), "did you mean \"mount\"?");
	write_policy(world, "include server\nmount\n", "violation: errno");
	heapward_says(world, 0, "reload", world->name, NULL);
	pid_t first = await_worker(world, 0, 20);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_worker(world, first, 20);
	await_file(world, strrchr(program->out_path, '/') + 1, "mount EFAULT", 20);
	stop(world, program);
}

static void a_list_that_cannot_start_anything_is_warned_of(void **state)
{
	struct world *world = *state;
	const char *policy = write_policy(world, "read\nwrite\n", "violation: errno");
	assert_contains(heapward_says(world, 0, "check", policy, NULL), "warning: sandbox.syscalls: allows no execve");
	/* Nor does it let heapward-child tell, or leave in order. */
	static const char *const lists[] = {
#ifndef __SANITIZE_ADDRESS__ /* whose own way out of a process then waits for calls that the list denies */
		"read\n",
#endif
		"include server\ndeny execve\n", "include server\ndeny execve\ndeny sendto\n"
	};
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		policy = write_policy(world, lists[i], "violation: errno");
		const char *words[] = { heapward_path(), "run", "-n", world->name, "-p", policy, NULL };
		struct program *program = run_start_by(world, words);
		assert_int_equal(program_finish(world, program, 20), 126);
		assert_contains(last_line(world, program_err(world, program)),
				": execve is not in its list of system calls (my.list): Operation not permitted");
		assert_true(verdict_is(see_why(world), "exec", -1));
	}
	policy = write_policy(world, "include server\n", "violation: errno");
	assert_null(strstr(heapward_says(world, 0, "check", policy, NULL), "warning"));
}

#define TEST(test) { #test, test, world_make, world_end, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_denied_call_fails_and_is_told_with_who_and_what),
		TEST(a_line_for_people_says_it_in_80_columns),
		TEST(repeats_are_counted_and_told_seldom),
		TEST(kill_ends_the_worker_and_the_verdict_names_the_call),
		TEST(audit_lets_it_pass_and_tells_it),
		TEST(audit_never_lets_the_supervisor_be_harmed),
		TEST(a_policy_keeps_the_kernel_from_signalling_for_the_worker),
		TEST(a_bare_run_gives_no_signal_that_ends_the_supervisor),
#ifdef __x86_64__
		TEST(the_other_entries_are_closed_and_told),
		TEST(numbers_of_x32_crowd_nobody_out),
#endif
		TEST(a_loop_of_denied_calls_costs_the_supervisor_little),
		TEST(a_worker_that_loops_can_be_stopped),
		TEST(each_worker_has_a_listener_of_its_own),
		TEST(without_a_listener_the_filter_answers_alone_and_that_is_said),
		TEST(a_list_of_ones_own_is_read_again_by_reload),
		TEST(a_list_that_cannot_start_anything_is_warned_of),
	};
	return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
