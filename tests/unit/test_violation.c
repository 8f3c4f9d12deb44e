/* SPDX-License-Identifier: Apache-2.0 */
/* test_violation: denied calls counted, told seldom, answered at a bounded rate; and what a death says of one. */
#include "tests/unit/unit.h"

#include "supervisor/core/verdict.h"
#include "supervisor/core/violation.h"

#include <signal.h>
#include <sys/wait.h>

static struct violations violations;

static int set_up(void **state UNUSED)
{
	memset(&violations, 0, sizeof(violations));
	return 0;
}

/* Counts `times` calls of one number; how many of them were to be told. */
static unsigned note(enum violation_sort sort, int32_t number, unsigned times)
{
	unsigned told = 0;
	for (unsigned i = 0; i < times; i++) {
		bool tell;
		struct violation_call *call = violations_note(&violations, sort, number, &tell);
		told += tell;
		if (tell)
			violations_told(call);
	}
	return told;
}

static void a_call_is_told_at_once_and_then_at_powers_of_ten(void **state UNUSED)
{
	assert_int_equal(note(VIOLATION_NAMED, 165, 1), 1);
	assert_int_equal(note(VIOLATION_NAMED, 165, 8), 0);
	assert_int_equal(note(VIOLATION_NAMED, 165, 1), 1); /* the tenth */
	assert_int_equal(note(VIOLATION_NAMED, 165, 89), 0);
	assert_int_equal(note(VIOLATION_NAMED, 165, 1), 1); /* the hundredth */
	assert_int_equal(note(VIOLATION_NAMED, 165, 999900), 4);
	assert_int_equal(violations.total, 1000000);
	assert_int_equal(violations.call_count, 1);
}

static void calls_of_other_numbers_and_architectures_are_others(void **state UNUSED)
{
	assert_int_equal(note(VIOLATION_NAMED, 101, 1), 1);
	assert_int_equal(note(VIOLATION_NAMED, 165, 1), 1);
	assert_int_equal(note(VIOLATION_FOREIGN, 101, 1), 1);
	assert_int_equal(note(VIOLATION_NAMED, 101, 1), 0);
	assert_int_equal(violations.call_count, 3);
}

/* Who tries every number gets no memory and few lines for it. */
static void what_is_beyond_the_table_counts_together(void **state UNUSED)
{
	unsigned told = 0;
	for (int number = 0; number < 5000; number++)
		told += note(VIOLATION_NAMED, number, 1);
	assert_int_equal(violations.call_count, VIOLATION_CALLS_MAX);
	assert_int_equal(violations.calls[VIOLATION_CALLS_MAX].count, 5000 - VIOLATION_CALLS_MAX);
	assert_int_equal(violations.total, 5000);
	assert_int_equal(told, VIOLATION_CALLS_MAX + 4);
}

/* Nor does who tries all numbers of x32, or such as nobody has, crowd out what has a name. */
static void numbers_that_nobody_knows_count_together(void **state UNUSED)
{
	for (int number = 0; number < 5000; number++) {
		note(VIOLATION_FOREIGN, number, 1);
		note(VIOLATION_NAMELESS, 1000 + number, 1);
	}
	assert_int_equal(violations.call_count, 2);
	assert_string_equal(violations.calls[0].name, "calls of other architectures");
	assert_string_equal(violations.calls[1].name, "calls without a name");
	assert_int_equal(note(VIOLATION_NAMED, 165, 1), 1);
	assert_int_equal(violations.calls[2].number, 165);
	assert_string_equal(violations.calls[2].name, ""); /* its own */
}

/* One of them alone is told by what it is. */
static void what_counts_together_has_its_own_name_while_it_is_alone(void **state UNUSED)
{
	note(VIOLATION_FOREIGN, 165, 3);
	assert_string_equal(violations.calls[0].name, "");
	note(VIOLATION_FOREIGN, 166, 1);
	assert_string_equal(violations.calls[0].name, "calls of other architectures");
	assert_int_equal(violations.calls[0].count, 4);
}

static void what_has_grown_since_is_told_at_the_end(void **state UNUSED)
{
	note(VIOLATION_NAMED, 101, 1);
	note(VIOLATION_NAMED, 165, 7);
	struct violation_call *call = violations_untold(&violations);
	assert_non_null(call);
	assert_int_equal(call->number, 165);
	assert_int_equal(call->count, 7);
	violations_told(call);
	assert_null(violations_untold(&violations));
}

/* As fast as the caller can: the answers in `usec` microseconds of a caller that never rests. */
static unsigned answers_in(int64_t usec)
{
	int64_t now_usec = 1000;
	unsigned count = 0;
	while (now_usec < 1000 + usec) {
		int64_t until_usec = violations_pace(&violations, now_usec);
		assert_true(until_usec == 0 || until_usec >= now_usec + VIOLATION_PAUSE_USEC);
		now_usec = until_usec == 0 ? now_usec + 5 : until_usec;
		count++;
	}
	return count;
}

static void answers_are_free_in_a_burst_and_then_bounded(void **state UNUSED)
{
	for (int i = 0; i < VIOLATION_BURST - 1; i++)
		assert_int_equal(violations_pace(&violations, 1000), 0);
	assert_int_not_equal(violations_pace(&violations, 1000), 0);
	memset(&violations, 0, sizeof(violations));
	assert_in_range(answers_in(10 * USEC_PER_SEC), 9000, 10 * USEC_PER_SEC / VIOLATION_ANSWER_USEC + VIOLATION_BURST + 1);
}

static void who_was_quiet_for_a_while_has_a_burst_again(void **state UNUSED)
{
	int64_t now_usec = 1000;
	for (int i = 0; violations_pace(&violations, now_usec) == 0; i++)
		assert_true(i < 10 * VIOLATION_BURST);
	now_usec += VIOLATION_BURST * VIOLATION_ANSWER_USEC + USEC_PER_SEC;
	for (int i = 0; i < VIOLATION_BURST - 1; i++)
		assert_int_equal(violations_pace(&violations, now_usec), 0);
}

static const struct violation_list nothing;

static void a_line_says_what_who_and_with_what(void **state UNUSED)
{
	static const struct {
		struct violation_call call;
		enum violation answer;
		const char *text;
	} rows[] = {
		{ { .name = "ptrace", .comm = "node", .pid = 4242, .arguments = { 16, 1 }, .count = 1 }, VIOLATION_ERRNO,
		  "denied ptrace(PTRACE_ATTACH, 1, 0x0, 0x0) by node, pid 4242" },
		{ { .name = "mount", .comm = "sh", .pid = 7, .arguments = { 0x7ffd01234567, 0x7ffd01234568, 0, 1 }, .count = 1 },
		  VIOLATION_KILL, "killed for mount(0x7ffd01234567, ...) by sh, pid 7" },
		{ { .name = "setns", .comm = "", .pid = 7, .arguments = { 3, 0x40000000 }, .count = 1 }, VIOLATION_AUDIT,
		  "let through setns(3, CLONE_NEWNET) by a process, pid 7" },
		{ { .name = "#500", .comm = "a", .pid = 1, .arguments = { 1, 2, 3, 4, 5, 6 }, .count = 1 }, VIOLATION_ERRNO,
		  "denied #500(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) by a, pid 1" },
		{ { .name = "mount", .comm = "sh", .pid = 7, .count = 100 }, VIOLATION_ERRNO, "denied mount: 100 times so far" },
	};
	char text[512];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		violation_text(&rows[i].call, rows[i].answer, &nothing, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		assert_true(strlen(text) <= 60);
	}
}

static void arguments_have_their_names(void **state UNUSED)
{
	static const struct {
		struct violation_call call;
		const char *text;
	} rows[] = {
		{ { .name = "socket", .arguments = { 38, 5 } }, "socket(AF_ALG, SOCK_SEQPACKET, 0)" },
		{ { .name = "socket", .arguments = { 99, 0x80802, 0xffffffff00000001 } },
		  "socket(0x63, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 1)" },
		{ { .name = "kill", .arguments = { 0xffffffffffffffff, 9 } }, "kill(-1, SIGKILL)" },
		{ { .name = "tgkill", .arguments = { 7, 8, 64 } }, "tgkill(7, 8, 64)" },
		{ { .name = "prctl", .arguments = { 22, 1 } }, "prctl(PR_SET_SECCOMP, 0x1, 0x0, 0x0, 0x0)" },
		{ { .name = "ioctl", .arguments = { 0, 0x5412, 0x7f } }, "ioctl(0, TIOCSTI, 0x7f)" },
		{ { .name = "openat", .arguments = { 0xffffff9c, 0x1000, 0x80241, 0644 } },
		  "openat(AT_FDCWD, 0x1000, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644)" },
		{ { .name = "open", .arguments = { 0x1000 } }, "open(0x1000, O_RDONLY, 00)" },
		{ { .name = "unshare", .arguments = { 0x10020000 } }, "unshare(CLONE_NEWNS|CLONE_NEWUSER)" },
		{ { .name = "clone", .arguments = { 0x10000011 } }, "clone(CLONE_NEWUSER|0x11, 0x0, 0x0, 0x0, 0x0)" },
		{ { .name = "keyctl", .arguments = { 1 } }, "keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0x0, 0x0, 0x0, 0x0)" },
		{ { .name = "bpf", .arguments = { 5, 0x1000, 120 } }, "bpf(BPF_PROG_LOAD, 0x1000, 120)" },
		{ { .name = "bpf", .arguments = { 777 } }, "bpf(0x309, 0x0, 0)" },
		{ { .name = "fork", .arguments = { 777 } }, "fork()" },
		{ { .name = "getppid", .arguments = { 777 } }, "getppid()" },
		{ { .name = "fsync", .arguments = { 1, 777 } }, "fsync(0x1)" },
		{ { .name = "rename", .arguments = { 1, 2, 3 } }, "rename(0x1, 0x2)" },
		{ { .name = "chown", .arguments = { 1, 2, 3, 4 } }, "chown(0x1, 0x2, 0x3)" },
		{ { .name = "wait4", .arguments = { 1, 2, 3, 4, 5 } }, "wait4(0x1, 0x2, 0x3, 0x4)" },
		{ { .name = "statx", .arguments = { 1, 2, 3, 4, 5, 6 } }, "statx(0x1, 0x2, 0x3, 0x4, 0x5)" },
		{ { .name = "splice", .arguments = { 1, 2, 3, 4, 5, 6 } }, "splice(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)" },
	};
	char text[VIOLATION_CALL_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(violation_call(&rows[i].call, 80, text, sizeof(text)), rows[i].text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t room = 24; room < 80; room++)
			assert_true(strlen(violation_call(&rows[i].call, room, text, sizeof(text))) <= room);
	for (size_t size = 1; size < 20; size++)
		assert_true(strlen(violation_call(&rows[0].call, 80, text, size)) < size);
}

/* The rules are told apart by what they do to a call of that number; the list's own text is another test's. */
static void a_line_names_the_list_and_what_allows_the_call(void **state UNUSED)
{
	static struct syscall_list list = {
		.rules = { { .kind = SYSCALL_ALLOW, .number = 41, .condition_count = 1 },
			   { .kind = SYSCALL_ALLOW, .number = 62 },
			   { .kind = SYSCALL_ALLOW, .number = 16, .condition_count = 1 },
			   { .kind = SYSCALL_DENY,
			     .number = 16,
			     .condition_count = 1,
			     .conditions = { { .argument = 1, .mask = UINT32_MAX, .value = 0x5412 } } },
			   { .kind = SYSCALL_DENY, .number = 165 },
			   { .kind = SYSCALL_ABSENT, .number = 435 },
			   { .kind = SYSCALL_ALLOW, .number = VIOLATION_NUMBERS } },
		.rule_count = 7,
	};
	static const struct {
		const char *list;
		struct violation_call call;
		const char *reason;
	} rows[] = {
		{ "server", { .name = "keyctl", .number = 250 },
		  "not in the list server; if it is needed: sandbox.syscalls: ./my.list, with the lines \"include server\" and "
		  "\"keyctl\" (or as heapward learn writes it)" },
		{ "./my.list", { .name = "keyctl", .number = 250 },
		  "not in the list ./my.list; if it is needed: the line \"keyctl\" in it" },
		{ "./my.list", { .name = "socket", .number = 41, .arguments = { 38, 5 } },
		  "not with these arguments in the list ./my.list; if it is needed: the line \"socket int0 == AF_ALG\" in it" },
		{ "./my.list", { .name = "clone3", .number = 435 },
		  "not in the list ./my.list; if it is needed: the line \"clone3\" in it" },
		{ "./my.list", { .name = "ioctl", .number = 16, .arguments = { 0, 0x5412 } },
		  "by a \"deny\" of the list ./my.list" },
		{ "./my.list", { .name = "ioctl", .number = 16, .arguments = { 0, 0x5403 } },
		  "not with these arguments in the list ./my.list; if it is needed: the line \"ioctl int1 == TCSETSW\" in it" },
		{ "server", { .name = "socket", .number = 41, .shielded = true },
		  "not with these arguments, to protect the supervisor and other services" },
		{ "server", { .name = "keyctl", .number = 250, .shielded = true },
		  "not in the list server; if it is needed: sandbox.syscalls: ./my.list, with the lines \"include server\" and "
		  "\"keyctl\" (or as heapward learn writes it)" },
		{ "server", { .name = "kill", .number = 62 }, "not with these arguments, to protect the supervisor and other services" },
		{ "server", { .name = "mount", .number = 165 }, "by a \"deny\" of the list server" },
		{ "server", { .name = "32-bit getpid", .number = 20 }, "no list allows it" },
		{ "./my.list", { .name = "#512", .number = 512 },
		  "not in the list ./my.list; if it is needed: the line \"#512\" in it" },
	};
	struct violation_list says;
	char text[512];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct violation_call call = rows[i].call;
		call.count = 1;
		violation_list_note(&says, rows[i].list, &list);
		violation_text(&call, VIOLATION_ERRNO, &says, text, sizeof(text));
		const char *reason = strstr(text, ", pid 0: ");
		assert_non_null(reason);
		assert_string_equal(reason + strlen(", pid 0: "), rows[i].reason);
	}
}

static void all_arguments_are_there_for_scripts(void **state UNUSED)
{
	const struct violation_call call = { .arguments = { UINT64_MAX, 0, 3, 4, 5, UINT64_MAX } };
	char text[160];
	assert_string_equal(violation_arguments(&call, text, sizeof(text)), "0xffffffffffffffff 0x0 0x3 0x4 0x5 0xffffffffffffffff");
}

/* The supervisor saw the call and killed for it: nothing else that could be said of the same end is. */
static void a_denied_call_that_was_killed_for_is_named(void **state UNUSED)
{
	static const int ends[][2] = { { CLD_KILLED, SIGKILL }, { CLD_EXITED, 0 }, { CLD_EXITED, 137 }, { CLD_KILLED, SIGSYS } };
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct evidence evidence = { .exited = true, .wait_code = ends[i][0], .wait_status = ends[i][1] };
		struct verdict verdict;
		evidence.denied = (struct denied_call){ .killed = true, .pid = 42, .call = "mount", .comm = "node",
							.shown = "mount(0x1, ...)" };
		verdict_judge(&evidence, &verdict);
		assert_int_equal(verdict.kind, VERDICT_SECCOMP);
		assert_true(verdict.certain);
		assert_string_equal(verdict.subject, "mount");
		assert_string_equal(verdict.text, "seccomp: mount(0x1, ...) by node, pid 42, which its list of system calls does not allow");
		assert_string_equal(verdict.evidence[verdict.evidence_count - 1],
				    "notification: node called mount(0x1, ...) (pid 42); sandbox.violation: kill");
		evidence.asked = ASKED_STOP; /* what was asked for stays what it is */
		verdict_judge(&evidence, &verdict);
		assert_int_equal(verdict.kind, VERDICT_STOPPED);
	}
}

static void where_nobody_can_listen_the_call_is_not_known(void **state UNUSED)
{
	struct evidence evidence = { .exited = true, .wait_code = CLD_KILLED, .wait_status = SIGSYS, .filter_kills = true };
	struct verdict verdict;
	verdict_judge(&evidence, &verdict);
	assert_int_equal(verdict.kind, VERDICT_SECCOMP);
	assert_false(verdict.certain);
	assert_string_equal(verdict.subject, "");
	assert_contains(verdict.evidence[verdict.evidence_count - 1], "nobody can listen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_call_is_told_at_once_and_then_at_powers_of_ten, set_up),
		cmocka_unit_test_setup(calls_of_other_numbers_and_architectures_are_others, set_up),
		cmocka_unit_test_setup(what_is_beyond_the_table_counts_together, set_up),
		cmocka_unit_test_setup(numbers_that_nobody_knows_count_together, set_up),
		cmocka_unit_test_setup(what_counts_together_has_its_own_name_while_it_is_alone, set_up),
		cmocka_unit_test_setup(what_has_grown_since_is_told_at_the_end, set_up),
		cmocka_unit_test_setup(answers_are_free_in_a_burst_and_then_bounded, set_up),
		cmocka_unit_test_setup(who_was_quiet_for_a_while_has_a_burst_again, set_up),
		cmocka_unit_test(a_line_says_what_who_and_with_what),
		cmocka_unit_test(arguments_have_their_names),
		cmocka_unit_test(a_line_names_the_list_and_what_allows_the_call),
		cmocka_unit_test(all_arguments_are_there_for_scripts),
		cmocka_unit_test(a_denied_call_that_was_killed_for_is_named),
		cmocka_unit_test(where_nobody_can_listen_the_call_is_not_known),
	};
	return cmocka_run_group_tests_name("violation", tests, NULL, NULL);
}
