/* SPDX-License-Identifier: Apache-2.0 */
/* sink: see sink.h. Knows nothing of what the bytes mean but where a line ends. */
#include "supervisor/edge/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void writable(struct source *source, uint32_t events);

/* Opening anew gives a description of our own, so that O_NONBLOCK is not set under the shell that shares ours. */
static int open_anew(int fd)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void choose_manner(struct sink *sink, int fd)
{
	struct stat stat;
	sink->source.fd = fd;
	sink->borrowed = true;
	sink->manner = SINK_POLL;
	if (fstat(fd, &stat) < 0)
		return;
	if (S_ISREG(stat.st_mode)) {
		sink->manner = SINK_FILE;
	} else if (S_ISSOCK(stat.st_mode)) {
		sink->manner = SINK_SOCKET;
	} else {
		int own = open_anew(fd);
		if (own >= 0) {
			sink->source.fd = own;
			sink->borrowed = false;
			sink->manner = SINK_OWN;
		}
	}
}

int sink_init(struct sink *sink, struct loop *loop, int fd, struct failure *why)
{
	*sink = (struct sink){ .loop = loop, .last = '\n' };
	sink->source = (struct source){ .fd = -1, .ready = writable, .owner = sink };
	sink->pending = malloc(SINK_PENDING_MAX);
	if (sink->pending == NULL)
		return failed(why, ENOMEM, "stderr buffer");
	choose_manner(sink, fd);
	return 0;
}

static ssize_t write_polled(int fd, const void *bytes, size_t count)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	if (poll(&poll_fd, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, count < PIPE_BUF ? count : PIPE_BUF);
}

static ssize_t write_once(const struct sink *sink, const void *bytes, size_t count)
{
	switch (sink->manner) {
	case SINK_SOCKET:
		return send(sink->source.fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
	case SINK_POLL:
		return write_polled(sink->source.fd, bytes, count);
	case SINK_FILE:
	case SINK_OWN:
	default:
		return write(sink->source.fd, bytes, count);
	}
}

/* How many of the bytes the sink took before it would have made us wait. A sink that is broken (closed pipe, full
 * disk) takes everything and keeps nothing: there is nobody left to lose it to. */
static size_t write_some(struct sink *sink, const unsigned char *bytes, size_t count)
{
	size_t done = 0;
	while (done < count) {
		ssize_t wrote = write_once(sink, bytes + done, count - done);
		if (wrote > 0) {
			done += (size_t)wrote;
		} else if (wrote < 0 && errno == EAGAIN) {
			break;
		} else if (wrote < 0 && errno != EINTR) {
			sink->dropped_bytes += count - done;
			return count;
		}
	}
	return done;
}

static void tell_flow(struct sink *sink, bool blocked)
{
	if (sink->flow != NULL)
		sink->flow(sink, blocked);
}

static void block(struct sink *sink, int64_t now_usec)
{
	struct failure ignored; /* what epoll cannot watch is tried again at the next tick */
	sink->blocked = true;
	sink->blocked_since_usec = now_usec;
	(void)loop_add(sink->loop, &sink->source, EPOLLOUT, &ignored);
	tell_flow(sink, true);
}

static void unblock(struct sink *sink)
{
	uint64_t dropped = sink->dropped_now;
	bool was_dropping = sink->dropping;
	loop_remove(sink->loop, &sink->source);
	sink->blocked = sink->dropping = false;
	sink->dropped_now = 0;
	if (!was_dropping)
		tell_flow(sink, false);
	if (dropped > 0 && sink->resumed != NULL)
		sink->resumed(sink, dropped);
}

static void drop(struct sink *sink, size_t count)
{
	sink->dropped_bytes += count;
	sink->dropped_now += count;
}

/* Holds what fits; the rest is dropped. */
static void hold(struct sink *sink, const unsigned char *bytes, size_t count)
{
	size_t room = SINK_PENDING_MAX - sink->pending_length;
	size_t held = count < room ? count : room;
	memcpy(sink->pending + sink->pending_length, bytes, held);
	sink->pending_length += held;
	if (held < count)
		drop(sink, count - held);
}

static void flush(struct sink *sink)
{
	sink->pending_at += write_some(sink, sink->pending + sink->pending_at, sink->pending_length - sink->pending_at);
	if (sink->pending_at == sink->pending_length)
		sink->pending_at = sink->pending_length = 0;
}

static void writable(struct source *source, uint32_t events UNUSED)
{
	struct sink *sink = source->owner;
	flush(sink);
	if (sink->pending_length == 0)
		unblock(sink);
}

void sink_write(struct sink *sink, const void *bytes, size_t count, int64_t now_usec)
{
	if (count == 0)
		return;
	if (sink->dropping) {
		drop(sink, count);
		return;
	}
	size_t done = sink->pending_length > 0 ? 0 : write_some(sink, bytes, count);
	sink->last = ((const char *)bytes)[count - 1];
	if (done == count)
		return;
	hold(sink, (const unsigned char *)bytes + done, count - done);
	if (!sink->blocked)
		block(sink, now_usec);
}

void sink_line(struct sink *sink, const char *line, size_t length, int64_t now_usec)
{
	if (!sink->dropping && sink->last != '\n')
		sink_write(sink, "\n", 1, now_usec);
	sink_write(sink, line, length, now_usec);
}

int64_t sink_deadline(const struct sink *sink)
{
	if (!sink->blocked || sink->dropping)
		return USEC_NEVER;
	return sink->blocked_since_usec + SINK_PATIENCE_USEC;
}

/* Bytes held that end a line already begun stay, so that what follows starts at a line's start. */
static void give_up(struct sink *sink)
{
	const unsigned char *held = sink->pending + sink->pending_at;
	size_t length = sink->pending_length - sink->pending_at;
	const unsigned char *end = memchr(held, '\n', length);
	size_t kept = end == NULL ? 0 : (size_t)(end - held) + 1;
	drop(sink, length - kept);
	memmove(sink->pending, held, kept);
	sink->pending_at = 0;
	sink->pending_length = kept;
	sink->last = kept > 0 ? '\n' : 'x';
	sink->dropping = true;
	tell_flow(sink, false);
}

void sink_tick(struct sink *sink, int64_t now_usec)
{
	if (sink->blocked)
		writable(&sink->source, 0);
	if (sink_deadline(sink) <= now_usec)
		give_up(sink);
}

void sink_finish(struct sink *sink)
{
	if (sink->pending == NULL)
		return;
	if (sink->blocked)
		loop_remove(sink->loop, &sink->source);
	if (sink->pending_length > 0) {
		struct pollfd poll_fd = { .fd = sink->source.fd, .events = POLLOUT };
		if (poll(&poll_fd, 1, (int)(SINK_PATIENCE_USEC / USEC_PER_MSEC)) == 1)
			flush(sink);
	}
	if (!sink->borrowed)
		cleanup_close(&sink->source.fd);
	free(TAKE_POINTER(sink->pending));
}
