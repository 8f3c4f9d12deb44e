/* SPDX-License-Identifier: Apache-2.0 */
/* test_records_commands: who is told what, and when all have drained. The reporters are children, whose ends of the
 * private sockets we hold. */
#include "tests/unit/records_unit.h"

/* A reporter with a private socket that takes commands; returns its end. */
static int say_hello_with_socket(struct fixture *fixture, uint32_t *ret_pid, unsigned flags)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, 0, 1);
	int ends[2];
	hello.flags |= flags;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	*ret_pid = say_hello_by_child(fixture, hello, ends[0]);
	close(ends[0]);
	records_drain(&fixture->records);
	return ends[1];
}

static void assert_is_told_to_drain(int fd, bool last)
{
	unsigned char bytes[2 * HEAPWARD_COMMAND_BYTES], wanted[HEAPWARD_COMMAND_BYTES];
	heap_command_encode(HEAPWARD_DRAIN, last ? HEAPWARD_DRAIN_LAST : 0, wanted);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), HEAPWARD_COMMAND_BYTES);
	assert_memory_equal(bytes, wanted, sizeof(wanted));
}

static void say_drained(struct records *records, uint32_t pid, uint64_t isolate)
{
	struct heap_record record = record_of(HEAPWARD_DRAINED, pid, isolate);
	send_record(records, &record);
	records_drain(records);
}

static void all_who_take_commands_are_told_to_drain_once(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	char byte;
	uint32_t pids[4];
	int first = say_hello_with_socket(fixture, &pids[0], HEAPWARD_TAKES_COMMANDS);
	int second = say_hello_with_socket(fixture, &pids[1], HEAPWARD_TAKES_COMMANDS);
	int launcher = say_hello_with_socket(fixture, &pids[2], HEAPWARD_TAKES_COMMANDS | HEAPWARD_LAUNCHER);
	int deaf = say_hello_with_socket(fixture, &pids[3], 0);
	assert_int_equal(records_send_drain(records, false), 2);
	assert_int_equal(records_send_drain(records, false), 2);
	assert_is_told_to_drain(first, false);
	assert_is_told_to_drain(second, false);
	assert_int_equal(read(launcher, &byte, 1), -1);
	assert_int_equal(read(deaf, &byte, 1), -1);
	say_drained(records, pids[0], 1);
	say_drained(records, pids[3], 1); /* was not asked */
	assert_int_equal(fixture->drains, 0);
	say_drained(records, pids[1], 1);
	say_drained(records, pids[1], 1);
	assert_int_equal(fixture->drains, 1);
	close(first), close(second), close(launcher), close(deaf);
}

static void the_last_to_drain_is_told_so_and_who_comes_late_too(void **state)
{
	struct fixture *fixture = *state;
	uint32_t pid;
	int first = say_hello_with_socket(fixture, &pid, HEAPWARD_TAKES_COMMANDS);
	assert_int_equal(records_send_drain(&fixture->records, true), 1);
	int second = say_hello_with_socket(fixture, &pid, HEAPWARD_TAKES_COMMANDS);
	assert_is_told_to_drain(first, true);
	assert_is_told_to_drain(second, true);
	close(first), close(second);
}

static bool drained_was_called(const struct fixture *fixture)
{
	return fixture->drains == 1;
}

static void one_that_is_gone_is_not_waited_for_and_one_that_comes_late_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	uint32_t pids[2];
	assert_int_equal(records_send_drain(records, false), 0);
	int first = say_hello_with_socket(fixture, &pids[0], HEAPWARD_TAKES_COMMANDS);
	int second = say_hello_with_socket(fixture, &pids[1], HEAPWARD_TAKES_COMMANDS);
	assert_is_told_to_drain(first, false);
	say_drained(records, pids[0], 1);
	assert_int_equal(fixture->drains, 0);
	end_child((pid_t)pids[1]);
	wait_for(fixture, drained_was_called);
	close(second);
	close(first);
}

static void one_that_lives_but_has_shut_its_ear_is_not_waited_for(void **state)
{
	struct fixture *fixture = *state;
	uint32_t pid;
	int only = say_hello_with_socket(fixture, &pid, HEAPWARD_TAKES_COMMANDS);
	assert_int_equal(records_send_drain(&fixture->records, false), 1);
	close(only);
	wait_for(fixture, drained_was_called);
	assert_false(fixture->records.reporters[0].closed);
}

static void a_worker_thread_that_serves_answers_for_itself(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 2), listening = record_of(HEAPWARD_LISTENING, ME, 2);
	struct heap_record main_one = record_of(HEAPWARD_HELLO, ME, 1);
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	main_one.flags |= HEAPWARD_TAKES_COMMANDS;
	send_hello(records, &main_one, ends[0]);
	close(ends[0]);
	hello.flags = listening.flags = 0;
	listening.listening.held = 1;
	send_hello(records, &hello, -1);
	send_record(records, &listening);
	records_drain(records);
	assert_int_equal(records_send_drain(records, false), 1);
	say_drained(records, ME, 1);
	assert_int_equal(fixture->drains, 0);
	say_drained(records, ME, 2);
	assert_int_equal(fixture->drains, 1);
	close(ends[1]);
}

static void assert_is_told_old_space(int fd, uint64_t bytes_wanted)
{
	unsigned char bytes[2 * HEAPWARD_COMMAND_BYTES], wanted[HEAPWARD_COMMAND_BYTES];
	heap_command_encode(HEAPWARD_HEAP_LIMIT, bytes_wanted, wanted);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), HEAPWARD_COMMAND_BYTES);
	assert_memory_equal(bytes, wanted, sizeof(wanted));
}

static void answer_limit(struct records *records, uint32_t pid, uint64_t old_space_bytes, uint32_t state)
{
	struct heap_record record = record_of(HEAPWARD_LIMIT, pid, 1);
	record.limit = (struct heapward_record_limit){ old_space_bytes, 0, 100 * MIB, state };
	send_record(records, &record);
	records_drain(records);
}

static void all_who_take_commands_are_told_an_old_space_also_late_ones(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	size_t takes;
	uint32_t pids[4];
	char byte;
	int first = say_hello_with_socket(fixture, &pids[0], HEAPWARD_TAKES_COMMANDS);
	int launcher = say_hello_with_socket(fixture, &pids[1], HEAPWARD_TAKES_COMMANDS | HEAPWARD_LAUNCHER);
	int deaf = say_hello_with_socket(fixture, &pids[2], 0);
	assert_int_equal(records_servers(records, &takes), 2);
	assert_int_equal(takes, 1);
	assert_int_equal(records_send_old_space(records, 64 * MIB), 1);
	int late = say_hello_with_socket(fixture, &pids[3], HEAPWARD_TAKES_COMMANDS);
	assert_is_told_old_space(first, 64 * MIB);
	assert_is_told_old_space(late, 64 * MIB);
	assert_int_equal(records_send_old_space(records, 48 * MIB), 2);
	assert_is_told_old_space(first, 48 * MIB);
	assert_int_equal(read(launcher, &byte, 1), -1);
	assert_int_equal(read(deaf, &byte, 1), -1);
	close(first), close(late), close(launcher), close(deaf);
}

static void only_what_was_asked_for_is_believed(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	const struct reporter *reporter = &records->reporters[0];
	uint32_t pid;
	int end = say_hello_with_socket(fixture, &pid, HEAPWARD_TAKES_COMMANDS);
	answer_limit(records, pid, 64 * MIB, HEAPWARD_LIMIT_TAKEN);
	assert_int_equal(fixture->limits, 0);
	assert_int_equal(reporter->heap_size_limit_bytes, 112 * MIB);
	assert_int_equal(records_send_old_space(records, 64 * MIB), 1);
	answer_limit(records, pid, 512 * MIB, HEAPWARD_LIMIT_TAKEN);
	assert_int_equal(fixture->limits, 0);
	answer_limit(records, pid, 64 * MIB, HEAPWARD_LIMIT_WAITS);
	assert_true(fixture->limits == 1 && reporter->limit_state == HEAPWARD_LIMIT_WAITS);
	assert_int_equal(reporter->old_space_bytes, SIZE_UNKNOWN);
	answer_limit(records, pid, 64 * MIB, HEAPWARD_LIMIT_TAKEN);
	assert_true(fixture->limits == 2 && reporter->limit_state == HEAPWARD_LIMIT_TAKEN);
	assert_int_equal(reporter->old_space_bytes, 64 * MIB);
	assert_int_equal(reporter->heap_size_limit_bytes, 100 * MIB);
	close(end);
}

static void one_that_does_not_read_costs_no_time(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	static const char zeros[4096];
	uint32_t pid;
	int end = say_hello_with_socket(fixture, &pid, HEAPWARD_TAKES_COMMANDS);
	while (send(records->privates[0].socket.fd, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(records_send_drain(records, false), 0);
	assert_int_equal(records_send_old_space(records, 64 * MIB), 0);
	close(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(all_who_take_commands_are_told_to_drain_once),
		RECORDS_TEST(the_last_to_drain_is_told_so_and_who_comes_late_too),
		RECORDS_TEST(one_that_is_gone_is_not_waited_for_and_one_that_comes_late_is_told),
		RECORDS_TEST(one_that_lives_but_has_shut_its_ear_is_not_waited_for),
		RECORDS_TEST(a_worker_thread_that_serves_answers_for_itself),
		RECORDS_TEST(all_who_take_commands_are_told_an_old_space_also_late_ones),
		RECORDS_TEST(only_what_was_asked_for_is_believed),
		RECORDS_TEST(one_that_does_not_read_costs_no_time),
	};
	return cmocka_run_group_tests_name("records_commands", tests, NULL, NULL);
}
