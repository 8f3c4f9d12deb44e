/* SPDX-License-Identifier: Apache-2.0 */
/* ready_port: see ready_port.h. */
#include "supervisor/edge/ready_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static bool accepts(const struct sockaddr *name, socklen_t length)
{
	int error = 0;
	socklen_t size = sizeof(error);
	cleanup_fd int fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	if (connect(fd, name, length) == 0)
		return true;
	/* A full queue answers nothing yet: it is asked again. */
	struct pollfd answer = { .fd = fd, .events = POLLOUT };
	return errno == EINPROGRESS && poll(&answer, 1, 0) == 1 &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool ready_port_accepts(uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	return accepts((struct sockaddr *)&v4, sizeof(v4)) || accepts((struct sockaddr *)&v6, sizeof(v6));
}
