/* SPDX-License-Identifier: Apache-2.0 */
/* test_records: pipe and door as an honest worker uses them, and one that errs. */
#include "tests/unit/records_unit.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "supervisor/edge/records_packet.h"

static void an_honest_worker_is_heard(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), gc = gc_of(ME, 1, 50 * MIB);
	send_hello(records, &hello, -1);
	send_record(records, &gc);
	records_drain(records);
	assert_int_equal(fixture->hellos, 1);
	assert_int_equal(records->reporter_count, 1);
	const struct reporter *reporter = records_principal(records);
	assert_int_equal(reporter->pid, getpid());
	assert_int_equal(reporter->claimed_pid, getpid());
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
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), gc = gc_of(ME, 1, 50 * MIB);
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, ME, 1);
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
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), near = record_of(HEAPWARD_NEAR_LIMIT, ME, 1);
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
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), gc = gc_of(ME + 1, 1, 1), other = gc_of(ME, 2, 1);
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
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), gc = gc_of(ME, 1, 5);
	char garbage[1000];
	memset(garbage, 'x', sizeof(garbage));
	assert_int_equal(send(records->worker_door_fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	assert_int_equal(send(records->worker_door_fd, "", 1, 0), 1);
	assert_int_equal(write(records->worker_pipe_fd, garbage, sizeof(garbage)), sizeof(garbage));
	send_hello(records, &hello, -1);
	send_record(records, &gc);
	records_drain(records);
	assert_true(records->bad >= 3);
	assert_true(records->lost);
	assert_int_equal(records->reporters[0].last.used_bytes, 5);
}

static void only_a_stream_socket_may_come_with_a_hello(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), thread = record_of(HEAPWARD_HELLO, ME, 2);
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

static void a_hello_is_whole_and_vouched_for(void **state UNUSED)
{
	static const struct {
		const char *what;
		ssize_t length;
		bool cut, has_credentials;
		size_t fd_count;
		bool taken;
	} rows[] = {
		{ "as it should be", HEAPWARD_RECORD_BYTES, false, true, 0, true },
		{ "a byte short", HEAPWARD_RECORD_BYTES - 1, false, true, 0, false },
		{ "a byte long", HEAPWARD_RECORD_BYTES + 1, false, true, 0, false },
		{ "descriptors were cut off", HEAPWARD_RECORD_BYTES, true, true, 0, false },
		{ "nobody vouches for the pid", HEAPWARD_RECORD_BYTES, false, false, 0, false },
		{ "two descriptors", HEAPWARD_RECORD_BYTES, false, true, 2, false },
	};
	const struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), gc = gc_of(ME, 1, 5);
	struct records_packet packet = { .pid = (int32_t)ME, .fds = { -1, -1 } };
	struct heap_record ret;
	heap_record_encode(&hello, packet.bytes);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		packet.length = rows[i].length;
		packet.cut = rows[i].cut;
		packet.has_credentials = rows[i].has_credentials;
		packet.fd_count = rows[i].fd_count;
		if (records_packet_is_hello(&packet, &ret) != rows[i].taken)
			fail_msg("%s: taken %d", rows[i].what, !rows[i].taken);
	}
	packet = (struct records_packet){ .length = HEAPWARD_RECORD_BYTES, .has_credentials = true };
	heap_record_encode(&gc, packet.bytes);
	assert_false(records_packet_is_hello(&packet, &ret));
}

/* A child of ours that says hello and what its heap uses, and lives until it is killed. */
static pid_t report_from_a_child(struct records *records, uint64_t used_bytes)
{
	size_t before = records->reporter_count;
	pid_t child = fork();
	if (child == 0) {
		struct heap_record hello = record_of(HEAPWARD_HELLO, (uint32_t)getpid(), 1);
		struct heap_record gc = gc_of((uint32_t)getpid(), 1, used_bytes);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_hello(records, &hello, -1);
		send_record(records, &gc);
		pause();
	}
	for (int i = 0; i < 1000 && (records->reporter_count == before || records->reporters[before].last.at_usec == 0); i++) {
		records_drain(records);
		usleep(5000);
	}
	return child;
}

/* A sender that is gone cannot be looked at any more: then what is known of the living one has to do. */
static void nobody_takes_a_living_ones_place_and_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1);
	int status;
	send_hello(records, &hello, -1);
	records_drain(records);
	pid_t child = fork();
	if (child == 0) {
		send_hello(records, &hello, -1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	records_drain(records);
	assert_int_equal(records->reporter_count, 1);
	assert_int_equal(records->reporters[0].pid, getpid());
	assert_int_equal(records->forged, 1);
}

static void a_series_stays_with_one_server(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	pid_t first = report_from_a_child(records, 10), second = report_from_a_child(records, 20); /* of the same rank */
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, (uint32_t)second, 1);
	assert_int_equal(records->reporter_count, 2);
	assert_int_equal(records->series_count, 1);
	assert_int_equal(records->series[0].used_bytes, 10);
	near.near_limit.heap.used_bytes = 30; /* now it is the one to look at */
	send_record(records, &near);
	records_drain(records);
	assert_int_equal(records->series_count, 1);
	assert_int_equal(records->series[0].used_bytes, 30);
	end_child(first);
	end_child(second);
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
	records_variable(&fixture->records, 48 * MIB, 0, NULL, 0, text, sizeof(text));
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
	records_variable(&fixture->records, 1, 10000, listen, 2, text, sizeof(text));
	assert_int_equal(fstat(fixture->records.worker_door_fd, &about), 0);
	snprintf(wanted, sizeof(wanted), ";headroom=1;heartbeat=10000;listen=202:%ju:%ju:tcp:[::1]:3000;listen=203:%ju:%ju:"
		 "unix:/run/a%%20b%%3B%%25.sock", (uintmax_t)about.st_dev, (uintmax_t)about.st_ino,
		 (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
	assert_contains(text, wanted);
	memset(path, ' ', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (size_t i = 0; i < HEAPWARD_LISTEN_MAX; i++)
		listen[i].name = path;
	records_variable(&fixture->records, UINT64_MAX, UINT32_MAX, listen, HEAPWARD_LISTEN_MAX, text, sizeof(text));
	assert_contains(text, ";listen=217:");
}

static void who_listens_on_what_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), held = record_of(HEAPWARD_LISTENING, ME, 1);
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
		RECORDS_TEST(a_hello_is_whole_and_vouched_for),
		RECORDS_TEST(nobody_takes_a_living_ones_place_and_is_gone),
		RECORDS_TEST(a_series_stays_with_one_server),
		RECORDS_TEST(a_flood_is_not_heard_until_its_window_is_over),
		RECORDS_TEST(the_loop_rests_when_all_writers_are_gone),
		RECORDS_TEST(the_variable_names_what_the_worker_gets),
		RECORDS_TEST(a_held_socket_has_its_place_and_its_name_in_the_variable),
		RECORDS_TEST(who_listens_on_what_is_known),
	};
	return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}
