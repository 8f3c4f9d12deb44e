/* SPDX-License-Identifier: Apache-2.0 */
/* hostile: a worker that knows the protocol and means ill. Its arguments are acts, done in order:
 *   hello          says hello as itself, an honest one; its private socket stays open
 *   near           a record that its heap is near its limit
 *   nears          a thousand of them, as fast as they can be read
 *   alarms         four thousand full collections, of which each fourth one ends what the three before it warn of
 *   line           prints V8's fatal line
 *   unheard        closes its private socket and lives on
 *   garbage        half records, packets and sockets full of what is none, descriptors that make close() wait
 *   forge          hellos and records in others' names
 *   replay         the same hello a hundred times
 *   isolates       hellos of ten thousand worker threads
 *   flood-pipe, flood-door, flood-sockets, flood-lives
 *                  by a child, until it is stopped: records, packets with descriptors, hellos whose sockets talk,
 *                  processes that say hello and end
 *   flood          all of them at once
 *   crowd=PATH     by a child: 40 connections to the socket at PATH, on which nothing is sent, always
 *   shut           closes pipe and door
 *   pause          half a second
 *   steady         prints "steady" and lives until SIGTERM
 *   exit=N, signal=N */
#include "supervisor/wire/record.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define PIPE_FD 200 /* as in HEAPWARD_AGENT; a worker that means well looks there */
#define DOOR_FD 201
#define LIFE_MAX_SEC 600
#define PACKET_FDS 200
#define CROWD 40

static int private_fd = -1; /* our end */

static void pause_msec(long msec)
{
	const struct timespec pause = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

static struct heap_record record_of(enum heapward_record_kind kind, uint32_t pid, uint64_t isolate)
{
	struct heap_record record = { .kind = kind, .flags = HEAPWARD_MAIN_ISOLATE, .pid = pid, .isolate = isolate };
	const struct heapward_record_heap heap = { .used_bytes = 63 * MIB, .total_bytes = 64 * MIB, .limit_bytes = 64 * MIB };
	if (kind == HEAPWARD_HELLO) {
		strcpy(record.hello.runtime, "node");
		strcpy(record.hello.version, "20.0.0");
		record.hello.source = HEAPWARD_SOURCE_AGENT;
		record.hello.heap_size_limit_bytes = 64 * MIB;
	}
	record.near_limit = (struct heapward_record_near_limit){ .old_space_bytes = 64 * MIB, .heap = heap };
	return record;
}

/* A packet through the door or a private socket, with descriptors. */
static void send_with(int to, const void *bytes, size_t size, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(PACKET_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (count > 0) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	while (sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == ETOOMANYREFS))
		pause_msec(1);
}

static void send_hello(const struct heap_record *hello, int fd)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	heap_record_encode(hello, bytes);
	send_with(DOOR_FD, bytes, sizeof(bytes), &fd, fd >= 0 ? 1 : 0);
}

static void send_record(const struct heap_record *record, size_t size)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	heap_record_encode(record, bytes);
	while (write(PIPE_FD, bytes, size) < 0 && errno == EAGAIN)
		pause_msec(1);
}

static void say_hello(void)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, (uint32_t)getpid(), 1);
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		_exit(90);
	private_fd = ends[0];
	send_hello(&hello, ends[1]);
	close(ends[1]);
}

static void come_near(void)
{
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, (uint32_t)getpid(), 1);
	send_record(&near, HEAPWARD_RECORD_BYTES);
}

static void come_near_often(void)
{
	for (int i = 0; i < 1000; i++)
		come_near();
}

static void raise_alarms(void)
{
	struct heap_record record = record_of(HEAPWARD_GC, (uint32_t)getpid(), 1);
	for (int i = 0; i < 4000; i++) {
		record.gc = (struct heapward_record_gc){ .collection = HEAPWARD_COLLECTION_FULL, .collections = 1 };
		record.gc.heap.used_bytes = i % 4 == 0 ? MIB : 64 * MIB;
		record.gc.heap.total_bytes = record.gc.heap.limit_bytes = 64 * MIB;
		send_record(&record, HEAPWARD_RECORD_BYTES);
	}
}

/* Its peer reads nothing: whoever closes it last waits, if he lets himself be made to. */
static int lingering_socket(void)
{
	static const char bytes[65536];
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger linger = { .l_onoff = 1, .l_linger = 60 };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
	    connect(fd, (struct sockaddr *)&address, size) < 0 || accept(listener, NULL, NULL) < 0)
		_exit(91);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return fd;
}

static void send_garbage(void)
{
	static const char many[] = "HWRCHWRCHWRC and what is no record at all";
	struct heap_record near = record_of(HEAPWARD_NEAR_LIMIT, (uint32_t)getpid(), 1);
	send_record(&near, HEAPWARD_RECORD_BYTES / 2);
	send_with(DOOR_FD, many, sizeof(many), NULL, 0);
	for (int i = 0; i < 4; i++)
		if (write(PIPE_FD, many, sizeof(many)) < 0 || (private_fd >= 0 && write(private_fd, many, sizeof(many)) < 0))
			_exit(92);
	for (int i = 0; i < 2; i++) {
		int fd = lingering_socket();
		send_with(i == 0 || private_fd < 0 ? DOOR_FD : private_fd, "x", 1, &fd, 1);
		close(fd);
	}
}

static void forge(void)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, (uint32_t)getppid(), 1), nobody = record_of(HEAPWARD_BYE, 1, 1);
	nobody.bye = (struct heapward_record_bye){ HEAPWARD_LEAVING_EXIT, 0 };
	for (int i = 0; i < 10; i++) {
		send_hello(&hello, -1);
		send_record(&nobody, HEAPWARD_RECORD_BYTES);
	}
}

static void replay(void)
{
	struct heap_record hello = record_of(HEAPWARD_HELLO, (uint32_t)getpid(), 1);
	for (int i = 0; i < 100; i++)
		send_hello(&hello, -1);
}

static void be_many(void)
{
	for (uint64_t isolate = 2; isolate < 10002; isolate++) {
		struct heap_record hello = record_of(HEAPWARD_HELLO, (uint32_t)getpid(), isolate);
		hello.flags = 0;
		send_hello(&hello, -1);
	}
}

/* One of each kind that says something, in the main process's name. */
static struct heap_record any_record(size_t i)
{
	static const enum heapward_record_kind kinds[] = { HEAPWARD_NEAR_LIMIT, HEAPWARD_GC, HEAPWARD_LISTENING,
							   HEAPWARD_HEARTBEAT, HEAPWARD_DRAINED, HEAPWARD_LIMIT };
	struct heap_record record = record_of(kinds[i % ARRAY_LEN(kinds)], (uint32_t)getppid(), 1);
	if (record.kind == HEAPWARD_NEAR_LIMIT)
		record.near_limit.granted_bytes = 1;
	record.gc = (struct heapward_record_gc){ .collection = HEAPWARD_COLLECTION_FULL, .collections = 1,
						 .heap = record.near_limit.heap };
	strcpy(record.listening.name, "tcp:9464");
	return record;
}

/* Records that are each worth a line, an event or a look at the memory, and bytes that look like records until their end. */
static void flood_pipe(void)
{
	unsigned char bytes[32 * HEAPWARD_RECORD_BYTES];
	for (size_t i = 0; i < 30; i++) {
		struct heap_record record = any_record(i);
		heap_record_encode(&record, bytes + i * HEAPWARD_RECORD_BYTES);
	}
	for (size_t i = 30 * HEAPWARD_RECORD_BYTES; i < sizeof(bytes); i += 4)
		memcpy(bytes + i, "HWRC", 4);
	for (;;)
		if (write(PIPE_FD, bytes, sizeof(bytes)) < 0)
			pause_msec(1);
}

static void flood_door(void)
{
	int fds[PACKET_FDS];
	for (size_t i = 0; i < PACKET_FDS; i++)
		fds[i] = STDIN_FILENO;
	for (;;)
		send_with(DOOR_FD, fds, sizeof(fds), fds, PACKET_FDS);
}

static void flood_sockets(void)
{
	static const char bytes[65536];
	for (;;) {
		say_hello();
		(void)!send(private_fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		close(private_fd);
	}
}

/* A new process, a hello of its own, and an end, again and again. One at a time: many would flood the machine, not the
 * supervisor. */
static void flood_lives(void)
{
	for (;;) {
		pid_t pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			say_hello();
			come_near();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void by_a_child(void (*flood)(void))
{
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flood();
}

static void start_flood(const char *kind)
{
	static const struct {
		const char *kind;
		void (*flood)(void);
	} floods[] = { { "-pipe", flood_pipe }, { "-door", flood_door }, { "-sockets", flood_sockets }, { "-lives", flood_lives } };
	for (size_t i = 0; i < ARRAY_LEN(floods); i++)
		if (*kind == '\0' || strcmp(kind, floods[i].kind) == 0)
			by_a_child(floods[i].flood);
}

static int stay(void)
{
	const struct timespec life = { .tv_sec = LIFE_MAX_SEC };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("steady");
	fflush(stdout);
	sigtimedwait(&set, NULL, &life);
	return 0;
}

static void end_by_signal(int number)
{
	const struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	signal(number, SIG_DFL);
	raise(number);
}

/* Who is dropped comes again. */
static void crowd_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fds[CROWD] = { 0 };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0;; i++) {
		if (fds[i % CROWD] > 0)
			close(fds[i % CROWD]);
		fds[i % CROWD] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fds[i % CROWD], (struct sockaddr *)&address, sizeof(address));
		if (i >= CROWD)
			pause_msec(5);
	}
}

static void shut(void)
{
	close(PIPE_FD);
	close(DOOR_FD);
}

static void print_line(void)
{
	fputs("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n", stderr);
}

static void stop_listening(void)
{
	close(private_fd);
	private_fd = -1;
}

static void pause_half(void)
{
	pause_msec(500);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *word;
		void (*act)(void);
	} acts[] = {
		{ "hello", say_hello }, { "near", come_near }, { "nears", come_near_often },
		{ "alarms", raise_alarms },
		{ "line", print_line }, { "unheard", stop_listening },
		{ "garbage", send_garbage }, { "forge", forge }, { "replay", replay }, { "isolates", be_many },
		{ "shut", shut }, { "pause", pause_half },
	};
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "steady") == 0)
			return stay();
		if (strncmp(argv[i], "flood", 5) == 0)
			start_flood(argv[i] + 5);
		if (strncmp(argv[i], "crowd=", 6) == 0)
			crowd_at(argv[i] + 6);
		if (strncmp(argv[i], "exit=", 5) == 0)
			_exit((int)strtol(argv[i] + 5, NULL, 10));
		if (strncmp(argv[i], "signal=", 7) == 0)
			end_by_signal((int)strtol(argv[i] + 7, NULL, 10));
		for (size_t j = 0; j < ARRAY_LEN(acts); j++)
			if (strcmp(argv[i], acts[j].word) == 0)
				acts[j].act();
	}
	return 0;
}
