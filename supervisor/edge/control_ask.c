/* SPDX-License-Identifier: Apache-2.0 */
/* control_ask: the client's side of the control socket. */
#include "supervisor/edge/control_socket.h"

#include "supervisor/wire/control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

static int wait_for(int fd, short events, int64_t until_usec, struct failure *why)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	for (;;) {
		int64_t left_usec = until_usec - loop_now_usec();
		int count = left_usec <= 0 ? 0 : poll(&poll_fd, 1, (int)(left_usec / USEC_PER_MSEC) + 1);
		if (count > 0)
			return 0;
		if (count == 0)
			return failed(why, ETIMEDOUT, "the supervisor does not answer");
		if (errno != EINTR)
			return failed(why, errno, "poll");
	}
}

static int receive(int fd, unsigned char *buffer, size_t length, int64_t until_usec, struct failure *why)
{
	for (size_t got = 0; got < length;) {
		if (wait_for(fd, POLLIN, until_usec, why) < 0)
			return -1;
		ssize_t count = recv(fd, buffer + got, length - got, 0);
		if (count == 0)
			return failed(why, 0, "the supervisor closed the connection");
		if (count < 0 && errno != EINTR)
			return failed(why, errno, "receive");
		got += count > 0 ? (size_t)count : 0;
	}
	return 0;
}

/* Connecting and sending wait too, where a stuck supervisor no longer accepts. */
static int bound_waiting(int fd, int64_t timeout_usec, struct failure *why)
{
	int64_t usec = timeout_usec > 0 ? timeout_usec : 1; /* 0 would be for ever */
	struct timeval patience = { .tv_sec = usec / USEC_PER_SEC, .tv_usec = usec % USEC_PER_SEC };
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return failed(why, errno, "SO_SNDTIMEO");
	return 0;
}

static int fault(int error, const char *step, const char *path, struct failure *why)
{
	if (error == EAGAIN)
		return failed(why, ETIMEDOUT, "the supervisor does not answer");
	if (error == EACCES)
		return failed(why, error, "%s %s (it answers root, who runs the service, and, to look, the group heapward: try sudo)", step,
			      path);
	return failed(why, error, "%s %s", step, path);
}

static int connect_to(const char *path, int64_t timeout_usec, struct failure *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return failed(why, ENAMETOOLONG, "%s", path);
	memcpy(address.sun_path, path, strlen(path));
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(why, errno, "socket");
	if (bound_waiting(fd, timeout_usec, why) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fault(errno, "connect", path, why);
	return TAKE_FD(fd);
}

int control_ask(const char *path, const struct control_request *request, int64_t timeout_usec,
		struct control_reply *ret, struct failure *why)
{
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX], header[CONTROL_REPLY_HEADER_BYTES];
	int64_t until_usec = loop_now_usec() + timeout_usec;
	enum control_result result;
	size_t text_length;
	*ret = (struct control_reply){ 0 };
	cleanup_fd int fd = connect_to(path, timeout_usec, why);
	if (fd < 0)
		return -1;
	size_t length = control_request_encode(request, bytes, sizeof(bytes));
	if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
		return fault(errno, "send to", path, why);
	if (receive(fd, header, sizeof(header), until_usec, why) < 0 ||
	    control_reply_header_decode(header, &result, &text_length, why) < 0)
		return -1;
	cleanup_free char *text = calloc(1, text_length + 1);
	if (text == NULL)
		return failed(why, ENOMEM, "reply");
	if (receive(fd, (unsigned char *)text, text_length, until_usec, why) < 0)
		return -1;
	*ret = (struct control_reply){ .result = result, .text = TAKE_POINTER(text), .length = text_length };
	return 0;
}
