/* SPDX-License-Identifier: Apache-2.0 */
/* test_records: pipe and door as a hostile worker and an honest one use them. The sender is our own process, or a child
 * that holds only the worker's ends. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "supervisor/edge/records.h"

struct fixture {
	struct loop loop;
	struct records records;
	unsigned hellos, near_limits;
	uint64_t granted_bytes;
};

static void said_hello(struct records *records, const struct reporter *reporter UNUSED)
{
	((struct fixture *)records->owner)->hellos++;
}

static void came_near(struct records *records, const struct reporter *reporter UNUSED, uint64_t newly_granted_bytes)
{
	struct fixture *fixture = records->owner;
	fixture->near_limits++;
	fixture->granted_bytes += newly_granted_bytes;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(loop_init(&fixture.loop, &why), 0);
	assert_int_equal(records_init(&fixture.records, &fixture.loop, &why), 0);
	fixture.records.owner = &fixture;
	fixture.records.hello = said_hello;
	fixture.records.near_limit = came_near;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	records_finish(&fixture->records);
	records_finish(&fixture->records);
	loop_finish(&fixture->loop);
	return 0;
}

static struct heap_record record_of(enum heapward_record_kind kind, uint32_t pid, uint64_t isolate)
{
	struct heap_record record = { .kind = kind, .flags = HEAPWARD_MAIN_ISOLATE, .pid = pid, .isolate = isolate };
	if (kind == HEAPWARD_HELLO) {
		strcpy(record.hello.runtime, "node");
		strcpy(record.hello.version, "20.1.0");
		record.hello.heap_size_limit_bytes = 112 * MIB;
		record.hello.source = HEAPWARD_SOURCE_AGENT;
	}
	if (kind == HEAPWARD_GC)
		record.gc = (struct heapward_record_gc){ .collection = HEAPWARD_COLLECTION_FULL, .collections = 1,
							 .heap = { .limit_bytes = 112 * MIB } };
	if (kind == HEAPWARD_BYE)
		record.bye = (struct heapward_record_bye){ HEAPWARD_LEAVING_EXIT, 3 };
	return record;
}

/* Says hello; `fd` (-1: none) goes along. */
static void send_hello(const struct records *records, const struct heap_record *record, int fd)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	heap_record_encode(record, bytes);
	if (fd >= 0) {
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		*header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
					    .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(records->worker_door_fd, &message, 0), sizeof(bytes));
}

static void send_record(const struct records *records, const struct heap_record *record)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	heap_record_encode(record, bytes);
	assert_int_equal(write(records->worker_pipe_fd, bytes, sizeof(bytes)), sizeof(bytes));
}

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

static void wait_for(struct fixture *fixture, bool (*is_so)(const struct fixture *))
{
	struct failure why;
	for (int i = 0; i < 200 && !is_so(fixture); i++)
		assert_int_equal(loop_wait(&fixture->loop, loop_now_usec() + 10 * USEC_PER_MSEC, &why), 0);
	assert_true(is_so(fixture));
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
	char text[256], wanted[64];
	struct stat about;
	records_variable(&fixture->records, 48 * MIB, text, sizeof(text));
	assert_int_equal(fstat(fixture->records.worker_pipe_fd, &about), 0);
	snprintf(wanted, sizeof(wanted), "HEAPWARD_AGENT=1;records=200:%ju:%ju;", (uintmax_t)about.st_dev,
		 (uintmax_t)about.st_ino);
	assert_contains(text, wanted);
	assert_contains(text, ";door=201:");
	assert_contains(text, ";headroom=50331648");
}

#define RECORDS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(an_honest_worker_is_heard),
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
	};
	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
