/* SPDX-License-Identifier: Apache-2.0 */
/* records_packet: see records_packet.h. The sender is hostile: any count of bytes and descriptors may come. */
#include "supervisor/edge/records_packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Of kernel 6.5; Debian 12's headers do not have them. */
#define SO_PASSPIDFD 76
#define SCM_PIDFD 4

#define DISPOSE_DEPTH_MAX 8   /* sockets within the queues of sockets */
#define DISPOSE_MAX 4096      /* descriptors, for one that came; what a worker stacks higher is closed as it is */
#define DISCARD_BYTES 4096
#define EMPTY_PACKETS_MAX 512 /* more than a queue holds */

/* The private socket is an AF_UNIX stream socket. */
static bool is_stream_socket(int fd)
{
	int type = 0, domain = 0;
	socklen_t size = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return false;
	size = sizeof(domain);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && type == SOCK_STREAM && domain == AF_UNIX;
}

static void take_control(struct records_packet *packet, struct msghdr *message)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL; at = CMSG_NXTHDR(message, at)) {
		if (at->cmsg_level != SOL_SOCKET)
			continue;
		if (at->cmsg_type == SCM_CREDENTIALS && at->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
			struct ucred credentials;
			memcpy(&credentials, CMSG_DATA(at), sizeof(credentials));
			packet->pid = credentials.pid;
			packet->uid = credentials.uid;
			packet->has_credentials = true;
		} else if (at->cmsg_type == SCM_PIDFD && at->cmsg_len == CMSG_LEN(sizeof(int))) {
			memcpy(&packet->pid_fd, CMSG_DATA(at), sizeof(int));
		} else if (at->cmsg_type == SCM_RIGHTS) {
			size_t bytes = at->cmsg_len - CMSG_LEN(0);
			size_t room = sizeof(packet->fds) - packet->fd_count * sizeof(int);
			assert(bytes <= room);
			memcpy(packet->fds + packet->fd_count, CMSG_DATA(at), bytes);
			packet->fd_count += bytes / sizeof(int);
		}
	}
	packet->cut = (message->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
}

int records_packet_receive_into(int fd, void *buffer, size_t size, struct records_packet *ret)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ret->fds))];
	} control;
	struct iovec bytes = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control),
	};
	ret->pid = 0;
	ret->uid = UINT32_MAX;
	ret->pid_fd = -1;
	ret->has_credentials = false;
	ret->fd_count = 0;
	ret->length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (ret->length < 0)
		return -1;
	take_control(ret, &message);
	return 0;
}

void records_packet_want_pid_fds(int fd)
{
	const int yes = 1;
	setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &yes, sizeof(yes));
}

int records_packet_receive(int fd, struct records_packet *ret)
{
	return records_packet_receive_into(fd, ret->bytes, sizeof(ret->bytes), ret);
}

static void dispose(int fd, int depth, size_t *closed);

/* Takes one piece out of a socket's queue. Returns what receiving does. */
static int discard(int fd, int depth, struct records_packet *packet, size_t *closed)
{
	unsigned char scratch[DISCARD_BYTES];
	int result = records_packet_receive_into(fd, scratch, sizeof(scratch), packet);
	for (size_t i = 0; result == 0 && i < packet->fd_count; i++)
		dispose(packet->fds[i], depth + 1, closed);
	return result;
}

/* What a socket that is shut down holds: connections that nobody took, and packets. Only for a stream nothing is the
 * end; elsewhere it may be an empty packet before others. */
static void empty(int fd, int depth, size_t *closed)
{
	struct records_packet packet;
	int type = 0;
	socklen_t size = sizeof(type);
	if (depth >= DISPOSE_DEPTH_MAX || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return;
	int most = type == SOCK_STREAM ? 1 : EMPTY_PACKETS_MAX;
	for (int next; *closed < DISPOSE_MAX && (next = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0;)
		dispose(next, depth + 1, closed);
	for (int ends = 0; *closed < DISPOSE_MAX && ends < most;) {
		if (discard(fd, depth, &packet, closed) < 0)
			return;
		ends = packet.length == 0 && packet.fd_count == 0 ? ends + 1 : 0;
	}
}

/* The worker may hold the socket too: shut down, nothing can be put into its queue any more. connect() to nowhere ends a
 * TCP connection at once, so that close() has nothing to wait for. */
static void dispose(int fd, int depth, size_t *closed)
{
	const struct linger off = { 0 };
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	int domain = 0;
	socklen_t size = sizeof(domain);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0) {
		shutdown(fd, SHUT_RDWR);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
		if (domain == AF_UNIX)
			empty(fd, depth, closed);
		else
			connect(fd, &nowhere, sizeof(nowhere));
	}
	close(fd);
	(*closed)++;
}

size_t records_packet_dispose(int fd)
{
	size_t closed = 0;
	if (fd >= 0)
		dispose(fd, 0, &closed);
	return closed;
}

ssize_t records_packet_discard(int fd)
{
	struct records_packet packet;
	size_t closed = 0;
	if (discard(fd, 0, &packet, &closed) < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	ssize_t cost = packet.length + (ssize_t)(packet.fd_count + closed) * HEAPWARD_RECORD_BYTES;
	return cost > 0 ? cost : -1;
}

bool records_packet_is_hello(const struct records_packet *packet, struct heap_record *ret)
{
	if (packet->length != HEAPWARD_RECORD_BYTES || packet->cut || !packet->has_credentials || packet->fd_count > 1)
		return false;
	if (heap_record_decode(packet->bytes, ret) < 0 || ret->kind != HEAPWARD_HELLO)
		return false;
	if (packet->fd_count == 0)
		return true;
	return (ret->flags & HEAPWARD_MAIN_ISOLATE) != 0 && is_stream_socket(packet->fds[0]);
}
