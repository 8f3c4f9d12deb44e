/* SPDX-License-Identifier: Apache-2.0 */
/* records_packet: see records_packet.h. The sender is hostile: any count of bytes and descriptors may come. */
#include "supervisor/edge/records_packet.h"

#include <string.h>
#include <sys/socket.h>

/* Only AF_UNIX stream sockets: closing some others can wait for their peer. */
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
			packet->has_credentials = true;
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

int records_packet_receive(int fd, struct records_packet *ret)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(ret->fds))];
	} control;
	struct iovec bytes = { .iov_base = ret->bytes, .iov_len = sizeof(ret->bytes) };
	struct msghdr message = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control),
	};
	ret->pid = 0;
	ret->has_credentials = false;
	ret->fd_count = 0;
	ret->length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (ret->length < 0)
		return -1;
	take_control(ret, &message);
	return 0;
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
