/* SPDX-License-Identifier: Apache-2.0 */
/* test_records_commands: who is told to drain, and when all of them have. Our own process is the worker. */
#include "tests/unit/records_unit.h"

/* A reporter with a private socket that takes commands; returns its end. */
static int say_hello_with_socket(struct records *records, uint32_t pid, unsigned flags)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, pid, 1);
	int ends[2];
	hello.flags |= flags;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	send_hello(records, &hello, ends[0]);
	close(ends[0]);
	records_drain(records);
	return ends[1];
}

static void assert_is_told_to_drain(int fd)
{
	unsigned char bytes[2 * HEAPWARD_COMMAND_BYTES], wanted[HEAPWARD_COMMAND_BYTES];
	heap_command_encode(HEAPWARD_DRAIN, wanted);
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
	int first = say_hello_with_socket(records, 77, HEAPWARD_TAKES_COMMANDS);
	int second = say_hello_with_socket(records, 78, HEAPWARD_TAKES_COMMANDS);
	int launcher = say_hello_with_socket(records, 79, HEAPWARD_TAKES_COMMANDS | HEAPWARD_LAUNCHER);
	int deaf = say_hello_with_socket(records, 80, 0);
	assert_int_equal(records_send_drain(records), 2);
	assert_int_equal(records_send_drain(records), 2);
	assert_is_told_to_drain(first);
	assert_is_told_to_drain(second);
	assert_int_equal(read(launcher, &byte, 1), -1);
	assert_int_equal(read(deaf, &byte, 1), -1);
	say_drained(records, 77, 1);
	say_drained(records, 80, 1); /* was not asked */
	assert_int_equal(fixture->drains, 0);
	say_drained(records, 78, 1);
	say_drained(records, 78, 1);
	assert_int_equal(fixture->drains, 1);
	close(first), close(second), close(launcher), close(deaf);
}

static bool drained_was_called(const struct fixture *fixture)
{
	return fixture->drains == 1;
}

static void one_that_is_gone_is_not_waited_for_and_one_that_comes_late_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	assert_int_equal(records_send_drain(records), 0);
	int first = say_hello_with_socket(records, 77, HEAPWARD_TAKES_COMMANDS);
	int second = say_hello_with_socket(records, 78, HEAPWARD_TAKES_COMMANDS);
	assert_is_told_to_drain(first);
	say_drained(records, 77, 1);
	assert_int_equal(fixture->drains, 0);
	close(second);
	wait_for(fixture, drained_was_called);
	close(first);
}

static void a_worker_thread_that_serves_answers_for_itself(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 2), listening = record_of(HEAPWARD_LISTENING, 77, 2);
	int process = say_hello_with_socket(records, 77, HEAPWARD_TAKES_COMMANDS);
	hello.flags = listening.flags = 0;
	listening.listening.held = 1;
	send_hello(records, &hello, -1);
	send_record(records, &listening);
	records_drain(records);
	assert_int_equal(records_send_drain(records), 1);
	say_drained(records, 77, 1);
	assert_int_equal(fixture->drains, 0);
	say_drained(records, 77, 2);
	assert_int_equal(fixture->drains, 1);
	close(process);
}

static void one_that_does_not_read_costs_no_time(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	static const char zeros[4096];
	int end = say_hello_with_socket(records, 77, HEAPWARD_TAKES_COMMANDS);
	while (send(records->privates[0].source.fd, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(records_send_drain(records), 0);
	close(end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(all_who_take_commands_are_told_to_drain_once),
		RECORDS_TEST(one_that_is_gone_is_not_waited_for_and_one_that_comes_late_is_told),
		RECORDS_TEST(a_worker_thread_that_serves_answers_for_itself),
		RECORDS_TEST(one_that_does_not_read_costs_no_time),
	};
	return cmocka_run_group_tests_name("records_commands", tests, NULL, NULL);
}
