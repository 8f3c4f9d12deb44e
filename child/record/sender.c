/* SPDX-License-Identifier: Apache-2.0 */
/* sender: libheapward-record, see heapward/record_sender.h. A guest in somebody's process: it owns one socket and its
 * own memory, never waits, and judges a descriptor by fstat before every use, because the host may have closed it and
 * opened a file of its own under that number. */
#include "heapward/record_sender.h"

#include "child/record/variable.h"
#include "supervisor/wire/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

/* The private socket stays out of the way of programs that count on low descriptor numbers. */
#define PRIVATE_FD_MIN 218 /* behind pipe, door and held sockets */

struct heapward_record_sender {
	struct variable to;
	struct heap_record hello;
	int32_t pid;
	bool hello_said;
	bool broken;    /* the supervisor is gone, or the pipe is not ours any more */
	int private_fd; /* ours, open for life; -1: a worker thread, or there could be none */
	int offered_fd; /* the other end, until the hello is said */
	uint64_t dropped;
};

static bool descriptor_is_ours(const struct variable_descriptor *descriptor, mode_t type)
{
	struct stat at;
	return fstat(descriptor->fd, &at) == 0 && (at.st_mode & S_IFMT) == type && at.st_dev == descriptor->dev &&
	       at.st_ino == descriptor->ino;
}

static int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

/* write() that gives EPIPE but no SIGPIPE, whatever the host does with that signal. */
static ssize_t write_quietly(int fd, const void *bytes, size_t count)
{
	sigset_t pipe_signal, mask, pending;
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &mask);
	sigemptyset(&pending);
	/* Only a blocked SIGPIPE can be pending from before; that one is the host's, and stays. */
	if (sigismember(&mask, SIGPIPE) == 1)
		sigpending(&pending);
	ssize_t written = write(fd, bytes, count);
	int error = errno;
	if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0)
		sigtimedwait(&pipe_signal, NULL, &(struct timespec){ 0, 0 });
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	errno = error;
	return written;
}

/* Moves an end of the private pair up; where the limit on open files is too low for that, it stays. */
static int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);
	if (moved < 0)
		return fd;
	close(fd);
	return moved;
}

static void make_private(struct heapward_record_sender *sender)
{
	int pair[2];
	/* A worker thread shares its process's descriptors: the main isolate's socket speaks for all of them. */
	if ((sender->hello.flags & HEAPWARD_MAIN_ISOLATE) == 0)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	sender->private_fd = move_up(pair[0]);
	sender->offered_fd = pair[1];
}

static ssize_t send_hello(const struct heapward_record_sender *sender, const unsigned char *bytes)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec text = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = HEAPWARD_RECORD_BYTES };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	if (sender->offered_fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &sender->offered_fd, sizeof(int));
	}
	return sendmsg(sender->to.door.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Says hello unless it was said; true once it is. A full door is tried again before the next record. */
static bool say_hello(struct heapward_record_sender *sender)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	if (sender->hello_said)
		return true;
	if (!descriptor_is_ours(&sender->to.door, S_IFSOCK))
		return false;
	heap_record_encode(&sender->hello, bytes);
	if (send_hello(sender, bytes) != HEAPWARD_RECORD_BYTES) {
		sender->broken = errno == EPIPE || errno == ECONNRESET;
		return false;
	}
	cleanup_close(&sender->offered_fd);
	sender->offered_fd = -1;
	sender->hello_said = true;
	return true;
}

/* Pipe and door are there, are ours, and the pipe cannot make anybody wait. */
static int check_descriptors(const struct variable *to)
{
	if (!descriptor_is_ours(&to->records, S_IFIFO) || !descriptor_is_ours(&to->door, S_IFSOCK) ||
	    (fcntl(to->records.fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE)) != (O_NONBLOCK | O_WRONLY)) {
		errno = EBADF;
		return -1;
	}
	return 0;
}

/* Texts must be plain on the wire: what is not becomes '_', and nothing becomes "-". */
static void copy_plain(char *to, size_t size, const char *from)
{
	size_t length = 0;
	for (; from != NULL && from[length] != '\0' && length < size - 1; length++)
		to[length] = from[length] > ' ' && from[length] <= '~' ? from[length] : '_';
	if (length == 0)
		to[length++] = '-';
	memset(to + length, 0, size - length);
}

static void fill_hello(struct heap_record *hello, const struct heapward_record_identity *identity)
{
	*hello = (struct heap_record){
		.kind = HEAPWARD_HELLO,
		.flags = identity->flags,
		.pid = (uint32_t)getpid(),
		.isolate = identity->isolate,
		.at_usec = now_usec(),
		.hello = {
			.heap_size_limit_bytes = identity->heap_size_limit_bytes,
			.old_space_bytes = identity->old_space_bytes,
			.semi_space_bytes = identity->semi_space_bytes,
			.available_bytes = identity->available_bytes,
			.source = identity->source,
			.problem = identity->problem,
		},
	};
	copy_plain(hello->hello.runtime, sizeof(hello->hello.runtime), identity->runtime);
	copy_plain(hello->hello.version, sizeof(hello->hello.version), identity->version);
}

struct heapward_record_sender *heapward_record_open_with(const char *variable,
							 const struct heapward_record_identity *identity)
{
	struct variable to;
	if (variable == NULL || variable_parse(variable, &to) < 0) {
		errno = variable == NULL ? ENOENT : EINVAL;
		return NULL;
	}
	if (check_descriptors(&to) < 0)
		return NULL;
	struct heapward_record_sender *sender = calloc(1, sizeof(*sender));
	if (sender == NULL)
		return NULL;
	sender->to = to;
	sender->pid = getpid();
	sender->private_fd = sender->offered_fd = -1;
	fill_hello(&sender->hello, identity);
	make_private(sender);
	say_hello(sender);
	return sender;
}

struct heapward_record_sender *heapward_record_open(const struct heapward_record_identity *identity)
{
	return heapward_record_open_with(getenv(HEAPWARD_RECORD_VARIABLE), identity);
}

void heapward_record_close(struct heapward_record_sender *sender)
{
	if (sender == NULL)
		return;
	cleanup_close(&sender->private_fd);
	cleanup_close(&sender->offered_fd);
	free(sender);
}

uint64_t heapward_record_headroom_bytes(const struct heapward_record_sender *sender)
{
	return sender == NULL ? 0 : sender->to.headroom_bytes;
}

uint64_t heapward_record_heartbeat_msec(const struct heapward_record_sender *sender)
{
	return sender == NULL || sender->to.heartbeat_for_cluster ? 0 : sender->to.heartbeat_msec;
}

uint64_t heapward_record_dropped(const struct heapward_record_sender *sender)
{
	return sender == NULL ? 0 : sender->dropped;
}

/* A forked child holds its parent's sender, but is another process: it must open its own. */
static int write_record(struct heapward_record_sender *sender, const struct heap_record *record)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	if (sender->broken || getpid() != sender->pid || !say_hello(sender))
		return -1;
	if (!descriptor_is_ours(&sender->to.records, S_IFIFO)) {
		sender->broken = true;
		return -1;
	}
	heap_record_encode(record, bytes);
	ssize_t written = write_quietly(sender->to.records.fd, bytes, sizeof(bytes));
	if (written < 0 && errno == EPIPE)
		sender->broken = true;
	return written == (ssize_t)sizeof(bytes) ? 0 : -1;
}

static int send_record(struct heapward_record_sender *sender, struct heap_record *record)
{
	int error = errno;
	record->flags = sender->hello.flags;
	record->pid = sender->hello.pid;
	record->isolate = sender->hello.isolate;
	record->at_usec = now_usec();
	int result = write_record(sender, record);
	if (result < 0)
		sender->dropped++;
	errno = error;
	return result;
}

int heapward_record_send_gc(struct heapward_record_sender *sender, const struct heapward_record_gc *gc)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = HEAPWARD_GC, .gc = *gc };
	record.gc.dropped = sender->dropped;
	return send_record(sender, &record);
}

int heapward_record_send_near_limit(struct heapward_record_sender *sender,
				    const struct heapward_record_near_limit *near_limit)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = HEAPWARD_NEAR_LIMIT, .near_limit = *near_limit };
	record.near_limit.dropped = sender->dropped;
	return send_record(sender, &record);
}

int heapward_record_commands_fd(const struct heapward_record_sender *sender)
{
	return sender == NULL ? -1 : sender->private_fd;
}

int heapward_record_send_listening(struct heapward_record_sender *sender,
				   const struct heapward_record_listening *listening)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = HEAPWARD_LISTENING, .listening = *listening };
	copy_plain(record.listening.name, sizeof(record.listening.name), listening->name);
	return send_record(sender, &record);
}

/* A record without a body. */
static int send_word(struct heapward_record_sender *sender, enum heapward_record_kind kind)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = kind };
	return send_record(sender, &record);
}

int heapward_record_send_limit(struct heapward_record_sender *sender, const struct heapward_record_limit *limit)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = HEAPWARD_LIMIT, .limit = *limit };
	return send_record(sender, &record);
}

int heapward_record_send_heartbeat(struct heapward_record_sender *sender)
{
	return send_word(sender, HEAPWARD_HEARTBEAT);
}

int heapward_record_send_drained(struct heapward_record_sender *sender)
{
	return send_word(sender, HEAPWARD_DRAINED);
}

int heapward_record_send_bye(struct heapward_record_sender *sender, enum heapward_record_leaving leaving, int status)
{
	if (sender == NULL)
		return -1;
	struct heap_record record = { .kind = HEAPWARD_BYE, .bye = { .leaving = leaving, .status = status } };
	return send_record(sender, &record);
}
