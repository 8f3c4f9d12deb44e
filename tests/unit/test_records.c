/* SPDX-License-Identifier: Apache-2.0 */
/* test_records: pipe and door as a hostile worker and an honest one use them. The sender is our own process, or a child
 * that holds only the worker's ends. */
#include "tests/unit/records_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct heap_record gc_of(uint32_t pid, uint64_t isolate, uint64_t used_bytes)
{
	struct heap_record record = record_of(HEAPWARD_GC, pid, isolate);
	record.gc.heap.used_bytes = used_bytes;
	return record;
}

static void an_honest_worker_is_heard(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), gc = gc_of(77, 1, 50 * MIB);
	send_hello(records, &hello, -1);
	send_record(records, &gc);
	records_drain(records);
	assert_int_equal(fixture->hellos, 1);
	assert_int_equal(records->reporter_count, 1);
	const struct reporter *reporter = records_principal(records);
	assert_int_equal(reporter->pid, getpid()); /* the kernel's word, not the record's */
	assert_int_equal(reporter->claimed_pid, 77);
	assert_string_equal(reporter->version, "20.1.0");
	assert_int_equal(reporter->heap_size_limit_bytes, 112 * MIB);
	assert_true(reporter->old_space_bytes == SIZE_UNKNOWN);
	assert_int_equal(reporter->last.used_bytes, 50 * MIB);
	assert_int_equal(reporter->last.after_full_gc_bytes, 50 * MIB);
	assert_int_equal(records->series_count, 1);
	assert_int_equal(records->good, 2);
}

static void a_sample_tells_of_its_collections(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), gc = gc_of(77, 1, 50 * MIB);
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, 77, 1);
	send_hello(records, &hello, -1);
	gc.gc.pause_usec = 1500;
	send_record(records, &gc);
	records_drain(records);
	assert_true(fixture->sample.full);
	assert_int_equal(fixture->sample.pause_usec, 1500);
	gc.gc.collection = HEAPWARD_COLLECTION_YOUNG;
	gc.gc.heap.used_bytes = 55 * MIB;
	send_record(records, &gc);
	records_drain(records);
	assert_false(fixture->sample.full);
	assert_int_equal(fixture->sample.used_bytes, 55 * MIB);
	assert_int_equal(fixture->sample.after_full_gc_bytes, 50 * MIB);
	send_record(records, &near);
	records_drain(records);
	assert_false(fixture->sample.full);
	assert_int_equal(fixture->sample.pause_usec, 0);
}

static void near_the_limit_the_first_record_names_the_plan_and_grants_add_up(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), near = record_of(HEAPWARD_NEAR_LIMIT, 77, 1);
	near.near_limit = (struct heapward_record_near_limit){ .old_space_bytes = 64 * MIB, .granted_bytes = 48 * MIB };
	send_hello(records, &hello, -1);
	send_record(records, &near);
	near.near_limit = (struct heapward_record_near_limit){ .old_space_bytes = 112 * MIB };
	send_record(records, &near);
	records_drain(records);
	assert_int_equal(fixture->near_limits, 2);
	assert_int_equal(fixture->granted_bytes, 48 * MIB);
	assert_int_equal(records->reporters[0].old_space_bytes, 64 * MIB);
	assert_int_equal(records->reporters[0].granted_bytes, 48 * MIB);
	assert_true(records->reporters[0].near_limit);
}

static void who_never_said_hello_is_not_heard(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), gc = gc_of(78, 1, 1), other = gc_of(77, 2, 1);
	send_record(records, &gc);
	send_hello(records, &hello, -1);
	send_record(records, &other);
	send_record(records, &hello); /* a hello through the pipe has no kernel's word */
	records_drain(records);
	assert_int_equal(records->unknown, 2);
	assert_int_equal(records->bad, 1);
	assert_int_equal(records->reporters[0].last.used_bytes, 0);
}

static void garbage_is_counted_and_costs_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), gc = gc_of(77, 1, 5);
	char garbage[1000];
	memset(garbage, 'x', sizeof(garbage));
	assert_int_equal(send(records->worker_door_fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	assert_int_equal(send(records->worker_door_fd, "", 1, 0), 1);
	assert_int_equal(write(records->worker_pipe_fd, garbage, sizeof(garbage)), sizeof(garbage));
	send_hello(records, &hello, -1);
	send_record(records, &gc);
	records_drain(records);
	assert_true(records->bad >= 3);
	assert_int_equal(records->reporters[0].last.used_bytes, 5);
}

static void only_a_stream_socket_may_come_with_a_hello(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), thread = record_of(HEAPWARD_HELLO, 77, 2);
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	thread.flags = 0;
	send_hello(records, &hello, null_fd);
	send_hello(records, &thread, ends[0]); /* a worker thread has none */
	records_drain(records);
	assert_int_equal(fixture->hellos, 0);
	assert_int_equal(records->bad, 2);
	close(ends[0]);
	char byte;
	assert_int_equal(read(ends[1], &byte, 1), 0); /* what came along was closed */
	close(ends[1]);
	close(null_fd);
}

static bool first_is_closed(const struct fixture *fixture)
{
	return fixture->records.reporter_count > 0 && fixture->records.reporters[0].closed;
}

static void the_end_of_its_private_socket_is_the_end_of_a_process_and_its_threads(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), thread = record_of(HEAPWARD_HELLO, 77, 2);
	struct heap_record gc = gc_of(77, 1, 9);
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	thread.flags = 0;
	send_hello(records, &hello, ends[0]);
	send_hello(records, &thread, -1);
	close(ends[0]);
	records_drain(records);
	assert_false(records->reporters[0].closed);
	send_record(records, &gc); /* still in the pipe when the end comes */
	close(ends[1]);
	wait_for(fixture, first_is_closed);
	assert_int_equal(records->reporters[0].last.used_bytes, 9);
	assert_true(records->reporters[1].closed);
}

static void nobody_can_take_a_living_reporters_name(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1);
	int status;
	send_hello(records, &hello, -1);
	records_drain(records);
	pid_t pid = fork();
	if (pid == 0) {
		send_hello(records, &hello, -1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	records_drain(records);
	assert_int_equal(records->reporter_count, 1);
	assert_int_equal(records->reporters[0].pid, getpid());
	assert_int_equal(records->bad, 1);
}

static void a_full_table_refuses_and_counts(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	for (uint64_t isolate = 0; isolate < RECORDS_REPORTERS_MAX + 10; isolate++) {
		struct heap_record hello = record_of(HEAPWARD_HELLO, 77, isolate);
		send_hello(records, &hello, -1);
		records_drain(records);
	}
	assert_int_equal(records->reporter_count, RECORDS_REPORTERS_MAX);
	assert_int_equal(records->refused, 10);
}

static bool is_paused(const struct fixture *fixture)
{
	return fixture->records.paused;
}

static void a_flood_is_not_heard_until_its_window_is_over(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	int status;
	assert_true(records_deadline(records) == USEC_NEVER);
	pid_t pid = fork();
	if (pid == 0) {
		static unsigned char zeros[16384];
		alarm(20);
		for (;;)
			if (write(records->worker_pipe_fd, zeros, sizeof(zeros)) < 0 && errno != EAGAIN)
				_exit(0);
	}
	wait_for(fixture, is_paused);
	int64_t until = records_deadline(records);
	assert_true(until != USEC_NEVER);
	records_tick(records, until - 1);
	assert_true(records->paused);
	records_tick(records, until);
	assert_false(records->paused);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static bool has_ended(const struct fixture *fixture)
{
	return fixture->records.pipe_ended && fixture->records.door_ended;
}

static void the_loop_rests_when_all_writers_are_gone(void **state)
{
	struct fixture *fixture = *state;
	records_launched(&fixture->records);
	wait_for(fixture, has_ended);
	records_drain(&fixture->records);
}

static void the_variable_names_what_the_worker_gets(void **state)
{
	struct fixture *fixture = *state;
	char text[RECORDS_VARIABLE_MAX], wanted[64];
	struct stat about;
	records_variable(&fixture->records, 48 * MIB, NULL, 0, text, sizeof(text));
	assert_int_equal(fstat(fixture->records.worker_pipe_fd, &about), 0);
	snprintf(wanted, sizeof(wanted), "HEAPWARD_AGENT=1;records=200:%ju:%ju;", (uintmax_t)about.st_dev,
		 (uintmax_t)about.st_ino);
	assert_contains(text, wanted);
	assert_contains(text, ";door=201:");
	assert_contains(text, ";headroom=50331648");
}

static void a_held_socket_has_its_place_and_its_name_in_the_variable(void **state)
{
	struct fixture *fixture = *state;
	char text[RECORDS_VARIABLE_MAX], wanted[512], path[108];
	struct stat about;
	struct records_listen listen[HEAPWARD_LISTEN_MAX];
	for (size_t i = 0; i < HEAPWARD_LISTEN_MAX; i++)
		listen[i] = (struct records_listen){ fixture->records.worker_door_fd, "tcp:[::1]:3000" };
	listen[1].name = "unix:/run/a b;%.sock";
	records_variable(&fixture->records, 1, listen, 2, text, sizeof(text));
	assert_int_equal(fstat(fixture->records.worker_door_fd, &about), 0);
	snprintf(wanted, sizeof(wanted), ";headroom=1;listen=202:%ju:%ju:tcp:[::1]:3000;listen=203:%ju:%ju:"
		 "unix:/run/a%%20b%%3B%%25.sock", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino,
		 (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
	assert_contains(text, wanted);
	memset(path, ' ', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (size_t i = 0; i < HEAPWARD_LISTEN_MAX; i++)
		listen[i].name = path;
	records_variable(&fixture->records, UINT64_MAX, listen, HEAPWARD_LISTEN_MAX, text, sizeof(text));
	assert_contains(text, ";listen=217:");
}

static void who_listens_on_what_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, 77, 1), held = record_of(HEAPWARD_LISTENING, 77, 1);
	struct heap_record foreign = held;
	held.listening.held = 3;
	strcpy(foreign.listening.name, "tcp:9464");
	send_record(records, &held); /* before its hello it is nobody */
	records_drain(records);
	assert_int_equal(fixture->listenings, 0);
	send_hello(records, &hello, -1);
	send_record(records, &held);
	records_drain(records);
	assert_int_equal(records->serves, 1u << 2);
	assert_int_equal(records->reporters[0].serves, 1u << 2);
	assert_string_equal(records->foreign, "");
	send_record(records, &foreign);
	strcpy(foreign.listening.name, "tcp:9465");
	send_record(records, &foreign);
	records_drain(records);
	assert_int_equal(records->serves, 1u << 2);
	assert_string_equal(records->foreign, "tcp:9464");
	assert_int_equal(fixture->listenings, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(an_honest_worker_is_heard),
		RECORDS_TEST(a_sample_tells_of_its_collections),
		RECORDS_TEST(near_the_limit_the_first_record_names_the_plan_and_grants_add_up),
		RECORDS_TEST(who_never_said_hello_is_not_heard),
		RECORDS_TEST(garbage_is_counted_and_costs_nothing),
		RECORDS_TEST(only_a_stream_socket_may_come_with_a_hello),
		RECORDS_TEST(the_end_of_its_private_socket_is_the_end_of_a_process_and_its_threads),
		RECORDS_TEST(nobody_can_take_a_living_reporters_name),
		RECORDS_TEST(a_full_table_refuses_and_counts),
		RECORDS_TEST(a_flood_is_not_heard_until_its_window_is_over),
		RECORDS_TEST(the_loop_rests_when_all_writers_are_gone),
		RECORDS_TEST(the_variable_names_what_the_worker_gets),
		RECORDS_TEST(a_held_socket_has_its_place_and_its_name_in_the_variable),
		RECORDS_TEST(who_listens_on_what_is_known),
	};
	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
