/* SPDX-License-Identifier: Apache-2.0 */
/* network: sockets that no server needs, and what only the network's administrator may. Nothing is sent. See probe.h. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* `number`: domain, type and protocol, eight bits each. */
ACT(open_socket)
{
	return tried(socket((int)(number >> 16), (int)(number >> 8 & 0xff) | SOCK_CLOEXEC, (int)(number & 0xff)));
}

ACT(low_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(81), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? ABSENT : tried_past(bind(fd, (struct sockaddr *)&address, sizeof(address)), EADDRINUSE);
}

static int set_option(int level, int option)
{
	const int value = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? ABSENT : tried(setsockopt(fd, level, option, &value, sizeof(value)));
}

ACT(mark_packets)
{
	return set_option(SOL_SOCKET, SO_MARK);
}

ACT(force_buffer)
{
	return set_option(SOL_SOCKET, SO_RCVBUFFORCE);
}

ACT(transparent)
{
	return set_option(IPPROTO_IP, IP_TRANSPARENT);
}

/* As they are. */
ACT(interface_flags)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return ABSENT;
	return tried(ioctl(fd, SIOCSIFFLAGS, &request));
}

/* Gone again when it is closed. */
ACT(tunnel)
{
	struct ifreq request = { .ifr_name = "hwprobe%d", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : tried(ioctl(fd, TUNSETIFF, &request));
}

unsigned abstract_address(struct sockaddr_un *ret, pid_t pid)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int length = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "heapward-probe-%d", pid);
	return (unsigned)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* Has no file whose permissions could forbid it. */
ACT(abstract_socket)
{
	struct sockaddr_un address;
	unsigned length = abstract_address(&address, at->pids[number]);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? ABSENT : tried(connect(fd, (struct sockaddr *)&address, length));
}

/* Who listens there does what it is told. */
ACT(connect_to)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", text);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? ABSENT : tried(connect(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* Says to a local service that it is the supervisor. */
ACT(forge_identity)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_CREDENTIALS } };
	struct iovec part = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	const struct ucred forged = { .pid = at->pids[SUPERVISOR], .uid = getuid(), .gid = getgid() };
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) < 0)
		return ABSENT;
	memcpy(CMSG_DATA(&control.header), &forged, sizeof(forged));
	return tried(sendmsg(ends[0], &message, 0));
}
