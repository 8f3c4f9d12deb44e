/* SPDX-License-Identifier: Apache-2.0 */
/* test_records_ends: who has ended, by the kernel's word, and who reports in whose name: hellos in another's name, once
 * more, ten thousand of them, and descriptors that would make close() wait. */
#include "tests/unit/records_unit.h"

#include <netinet/in.h>
#include <sys/un.h>

static bool first_is_closed(const struct fixture *fixture)
{
	return fixture->records.reporter_count > 0 && fixture->records.reporters[0].closed;
}

/* A process that says hello as itself, a thread of it too, then a record, and ends in its way when it is told to. */
static pid_t start_reporter(struct fixture *fixture, int *ret_go_fd, void (*end)(void))
{
	struct records *records = &fixture->records;
	int go[2], ends[2];
	char byte;
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), thread = record_of(HEAPWARD_HELLO, ME, 2);
		struct heap_record gc = gc_of(ME, 1, 9);
		alarm(20);
		close(go[1]);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
		thread.flags = 0;
		send_hello(records, &hello, ends[0]);
		send_hello(records, &thread, -1);
		close(ends[0]);
		close(ends[1]); /* which says nothing: its end does */
		(void)!read(go[0], &byte, 1);
		send_record(records, &gc); /* still in the pipe when the end comes */
		end();
	}
	close(go[0]);
	*ret_go_fd = go[1];
	return pid;
}

static bool two_report(const struct fixture *fixture)
{
	return fixture->records.reporter_count == 2;
}

static void leave_with_3(void)
{
	_exit(3);
}

static void the_end_of_a_process_is_the_kernels_word_and_takes_its_threads(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	int go_fd, status;
	pid_t pid = start_reporter(fixture, &go_fd, leave_with_3);
	wait_for(fixture, two_report);
	for (int i = 0; i < 10; i++) { /* its socket's end is heard by now */
		struct failure why;
		assert_int_equal(loop_wait(&fixture->loop, loop_now_usec() + 5 * USEC_PER_MSEC, &why), 0);
	}
	assert_false(records->reporters[0].closed || records->reporters[1].closed);
	close(go_fd);
	wait_for(fixture, first_is_closed);
	assert_int_equal(records->reporters[0].last.used_bytes, 9);
	assert_true(records->reporters[1].closed);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	records_drain(records);
	if (records->reporters[0].end_known) { /* kernel 6.15 and later */
		assert_int_equal(records->reporters[0].end_code, CLD_EXITED);
		assert_int_equal(records->reporters[0].end_status, 3);
	}
}

static void who_has_ended_is_seen_without_the_loop(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	int go_fd, status;
	pid_t pid = start_reporter(fixture, &go_fd, abort);
	wait_for(fixture, two_report);
	close(go_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	records_drain(records);
	assert_true(records->reporters[0].closed && records->reporters[1].closed);
	assert_int_equal(records->reporters[0].last.used_bytes, 9);
	if (records->reporters[0].end_known)
		assert_int_equal(records->reporters[0].end_status, SIGABRT);
}

/* It said hello, ended and was waited for before anybody read its hello. */
static void who_was_gone_before_its_hello_was_read_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	int go_fd, status;
	pid_t pid = start_reporter(fixture, &go_fd, abort);
	close(go_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	records_drain(records);
	assert_int_equal(records->reporter_count, 2);
	assert_true(records->reporters[0].closed && records->reporters[1].closed);
	assert_int_equal(records->reporters[0].last.used_bytes, 9);
}

static void what_comes_after_the_end_is_nobodys_and_its_name_is_free(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), bye = record_of(HEAPWARD_BYE, ME, 1), gc = gc_of(ME, 1, 7);
	hello.flags = bye.flags = gc.flags = 0;
	send_hello(records, &hello, -1);
	records_drain(records);
	send_record(records, &bye);
	send_record(records, &gc);
	records_drain(records);
	assert_true(records->reporters[0].closed);
	assert_int_equal(records->unknown, 1);
	send_hello(records, &hello, -1);
	records_drain(records);
	send_record(records, &gc);
	records_drain(records);
	assert_int_equal(records->reporter_count, 2); /* what is known of the first is not written over */
	assert_int_equal(records->reporters[1].last.used_bytes, 7);
	assert_int_equal(records->reporters[0].last.used_bytes, 0);
}

static void a_replayed_hello_is_counted_and_takes_no_second_place(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), other = record_of(HEAPWARD_HELLO, ME, 2);
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, ME, 2);
	send_hello(records, &hello, -1);
	send_hello(records, &hello, -1);
	send_hello(records, &other, -1); /* a process has one main isolate */
	records_drain(records);
	assert_int_equal(records->reporter_count, 1);
	assert_int_equal(records->replayed, 2);
	assert_false(records->lost);
	send_record(records, &near);
	records_drain(records);
	send_hello(records, &other, -1);
	records_drain(records);
	assert_true(records->lost); /* evidence was written over */
}

static void nobody_can_speak_in_anothers_name(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1), nobody = record_of(HEAPWARD_HELLO, 1, 1);
	int go[2], status;
	send_hello(records, &hello, -1);
	records_drain(records);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		close(go[1]);
		send_hello(records, &hello, -1);
		send_hello(records, &nobody, -1);
		(void)!read(go[0], &status, 1);
		_exit(0);
	}
	for (int i = 0; i < 200 && records->forged < 2; i++) {
		records_drain(records);
		usleep(5000);
	}
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(go[0]);
	assert_int_equal(records->reporter_count, 1);
	assert_int_equal(records->reporters[0].pid, getpid());
	assert_int_equal(records->forged, 2);
}

static struct heap_record thread_hello(uint64_t isolate)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, isolate);
	hello.flags = 0;
	return hello;
}

static void ten_thousand_isolates_fill_the_table_and_keep_no_process_out(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	for (uint64_t isolate = 0; isolate < 10000; isolate++) {
		struct heap_record hello = thread_hello(isolate);
		send_hello(records, &hello, -1);
		records_drain(records);
	}
	assert_int_equal(records->reporter_count, RECORDS_REPORTERS_MAX);
	assert_int_equal(records->refused, 10000 - RECORDS_REPORTERS_MAX);
	assert_true(records->lost);
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 20000), gc = gc_of(ME, 20000, 5);
	send_hello(records, &hello, -1);
	send_record(records, &gc);
	records_drain(records);
	assert_int_equal(records->refused, 10000 - RECORDS_REPORTERS_MAX);
	assert_int_equal(records_principal(records)->last.used_bytes, 5);
}

/* A TCP connection whose peer reads nothing, with data on its way: close() waits for SO_LINGER's time. */
static int lingering_socket(int *ret_peer)
{
	static const char bytes[65536];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 30 };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	*ret_peer = accept(listener, NULL, NULL);
	close(listener);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	return fd;
}

static void send_with(int to, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec part = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &message, MSG_NOSIGNAL), 1);
}

/* As a packet of its own, in the queue of a socket that came, in that of one that waits to be taken, and behind an empty
 * packet: nobody may keep the supervisor waiting in close(). */
static void no_descriptor_of_a_worker_keeps_us_waiting(void **state)
{
	struct fixture *fixture = *state;
	struct records *records = &fixture->records;
	struct sockaddr_un nowhere = { .sun_family = AF_UNIX };
	int peers[4], ends[2], packets[2];
	struct heap_record hello = record_of(HEAPWARD_HELLO, ME, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, packets), 0);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(nowhere);
	assert_int_equal(bind(listener, (struct sockaddr *)&nowhere, sizeof(sa_family_t)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&nowhere, &size), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&nowhere, size), 0);
	int lingering[4];
	for (size_t i = 0; i < ARRAY_LEN(lingering); i++)
		lingering[i] = lingering_socket(&peers[i]);
	send_with(records->worker_door_fd, lingering[0]);
	send_with(ends[0], lingering[1]);
	send_hello(records, &hello, ends[1]);
	send_with(client, lingering[2]);
	send_with(records->worker_door_fd, listener);
	assert_int_equal(send(packets[0], "", 0, 0), 0);
	send_with(packets[0], lingering[3]);
	send_with(records->worker_door_fd, packets[1]);
	const int all[] = { lingering[0], lingering[1], lingering[2], lingering[3], ends[1], listener, client, packets[0],
			    packets[1] };
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		close(all[i]); /* none is the last one's: they are on their way */
	int64_t before_usec = loop_now_usec();
	records_drain(records);
	records_finish(records);
	assert_true(loop_now_usec() - before_usec < 10 * USEC_PER_SEC); /* any of them: 30 s */
	close(ends[0]);
	for (size_t i = 0; i < ARRAY_LEN(peers); i++)
		close(peers[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORDS_TEST(the_end_of_a_process_is_the_kernels_word_and_takes_its_threads),
		RECORDS_TEST(who_has_ended_is_seen_without_the_loop),
		RECORDS_TEST(who_was_gone_before_its_hello_was_read_is_gone),
		RECORDS_TEST(what_comes_after_the_end_is_nobodys_and_its_name_is_free),
		RECORDS_TEST(a_replayed_hello_is_counted_and_takes_no_second_place),
		RECORDS_TEST(nobody_can_speak_in_anothers_name),
		RECORDS_TEST(ten_thousand_isolates_fill_the_table_and_keep_no_process_out),
		RECORDS_TEST(no_descriptor_of_a_worker_keeps_us_waiting),
	};
	return cmocka_run_group_tests_name("records_ends", tests, NULL, NULL);
}
