/* SPDX-License-Identifier: Apache-2.0 */
/* records_unit: pipe and door of a worker, what a sender puts into them, and what has been called back. The sender is our
 * own process, or children: a hello counts only in the name of who sends it. */
#ifndef TESTS_UNIT_RECORDS_UNIT_H
#define TESTS_UNIT_RECORDS_UNIT_H

#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "supervisor/edge/records.h"

#define ME ((uint32_t)getpid())
#define CHILDREN_MAX 8

struct fixture {
	struct loop loop;
	struct records records;
	unsigned hellos, near_limits, listenings, drains, limits;
	uint64_t granted_bytes;
	pid_t children[CHILDREN_MAX];
	size_t child_count;
	struct heap_sample sample; /* the last one */
};

static inline void said_hello(struct records *records, const struct reporter *reporter UNUSED)
{
	((struct fixture *)records->owner)->hellos++;
}

static inline void came_near(struct records *records, const struct reporter *reporter UNUSED, uint64_t newly_granted_bytes)
{
	struct fixture *fixture = records->owner;
	fixture->near_limits++;
	fixture->granted_bytes += newly_granted_bytes;
}

static inline void listens(struct records *records, const struct reporter *reporter UNUSED,
		    const struct heapward_record_listening *listening UNUSED)
{
	((struct fixture *)records->owner)->listenings++;
}

static inline void drained_all(struct records *records)
{
	((struct fixture *)records->owner)->drains++;
}

static inline void sampled(struct records *records, const struct reporter *reporter)
{
	((struct fixture *)records->owner)->sample = reporter->last;
}

static inline void limit_answered(struct records *records, const struct reporter *reporter UNUSED,
				  const struct heapward_record_limit *limit UNUSED)
{
	((struct fixture *)records->owner)->limits++;
}

static inline int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(loop_init(&fixture.loop, &why), 0);
	assert_int_equal(records_init(&fixture.records, &fixture.loop, &why), 0);
	fixture.records.owner = &fixture;
	fixture.records.hello = said_hello;
	fixture.records.near_limit = came_near;
	fixture.records.listening = listens;
	fixture.records.drained_all = drained_all;
	fixture.records.sampled = sampled;
	fixture.records.limit = limit_answered;
	*state = &fixture;
	return 0;
}

static inline void end_child(pid_t pid)
{
	int status;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < fixture->child_count; i++)
		end_child(fixture->children[i]);
	records_finish(&fixture->records);
	records_finish(&fixture->records);
	loop_finish(&fixture->loop);
	return 0;
}

static inline struct heap_record record_of(enum heapward_record_kind kind, uint32_t pid, uint64_t isolate)
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
	if (kind == HEAPWARD_LISTENING)
		strcpy(record.listening.name, "tcp:3000");
	if (kind == HEAPWARD_BYE)
		record.bye = (struct heapward_record_bye){ HEAPWARD_LEAVING_EXIT, 3 };
	return record;
}

/* Says hello; `fd` (-1: none) goes along. */
static inline void send_hello(const struct records *records, const struct heap_record *record, int fd)
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

static inline void send_record(const struct records *records, const struct heap_record *record)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	heap_record_encode(record, bytes);
	assert_int_equal(write(records->worker_pipe_fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static inline struct heap_record gc_of(uint32_t pid, uint64_t isolate, uint64_t used_bytes)
{
	struct heap_record record = record_of(HEAPWARD_GC, pid, isolate);
	record.gc.heap.used_bytes = used_bytes;
	return record;
}

/* A process of its own that says this hello in its own name, and lives. Its records may be sent by us. */
static inline uint32_t say_hello_by_child(struct fixture *fixture, struct heap_record hello, int fd)
{
	int said[2];
	char byte;
	assert_int_equal(pipe2(said, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hello.pid = ME;
		send_hello(&fixture->records, &hello, fd);
		close_range(3, ~0U, 0);
		for (;;)
			pause();
	}
	close(said[1]);
	(void)!read(said[0], &byte, 1);
	close(said[0]);
	assert_true(fixture->child_count < CHILDREN_MAX);
	fixture->children[fixture->child_count++] = pid;
	return (uint32_t)pid;
}

static inline void wait_for(struct fixture *fixture, bool (*is_so)(const struct fixture *))
{
	struct failure why;
	for (int i = 0; i < 200 && !is_so(fixture); i++)
		assert_int_equal(loop_wait(&fixture->loop, loop_now_usec() + 10 * USEC_PER_MSEC, &why), 0);
	assert_true(is_so(fixture));
}

#define RECORDS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
