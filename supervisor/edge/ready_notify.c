/* SPDX-License-Identifier: Apache-2.0 */
/* ready_notify: see ready_notify.h. The sender is hostile. It is read for as long as the worker lives, because a program
 * may go on to send its status, and would wait for a queue that nobody empties. */
#include "supervisor/edge/ready_notify.h"

#include "supervisor/edge/records_packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_BYTES 4096        /* systemd's own limit; a longer one is cut, and counts for nothing */
#define MESSAGES_PER_WAKE_UP 64

bool ready_notify_is_ready(const char *message, size_t length)
{
	static const char wanted[] = "READY=1";
	for (size_t at = 0; at < length;) {
		const char *end = memchr(message + at, '\n', length - at);
		size_t line = end == NULL ? length - at : (size_t)(end - message) - at;
		if (line == strlen(wanted) && memcmp(message + at, wanted, line) == 0)
			return true;
		at += line + 1;
	}
	return false;
}

static void shut(struct ready_notify *notify)
{
	if (notify->source.fd < 0)
		return;
	loop_remove(notify->loop, &notify->source);
	records_packet_dispose(TAKE_FD(notify->source.fd)); /* descriptors may lie in its queue */
}

/* False where there is nothing now. */
static bool take(struct ready_notify *notify)
{
	char message[MESSAGE_BYTES];
	struct records_packet packet;
	if (records_packet_receive_into(notify->source.fd, message, sizeof(message), &packet) < 0)
		return false;
	/* BARRIER=1 waits for the end of the descriptor that it sends. */
	for (size_t i = 0; i < packet.fd_count; i++)
		records_packet_dispose(packet.fds[i]);
	notify->messages++;
	notify->window_messages++;
	if (!packet.cut && packet.has_credentials && packet.length > 0 &&
	    ready_notify_is_ready(message, (size_t)packet.length) && notify->ready != NULL)
		notify->ready(notify, packet.pid, packet.uid);
	return true;
}

static void message_came(struct source *source, uint32_t events UNUSED)
{
	struct ready_notify *notify = source->owner;
	int64_t now_usec = loop_now_usec();
	if (now_usec - notify->window_usec >= READY_NOTIFY_WINDOW_USEC) {
		notify->window_usec = now_usec;
		notify->window_messages = 0;
	}
	for (int i = 0; i < MESSAGES_PER_WAKE_UP && take(notify); i++)
		;
	if (notify->window_messages < READY_NOTIFY_WINDOW_MESSAGES)
		return;
	notify->flooded = true;
	shut(notify);
}

/* The kernel finds a name that is free where none is given: five digits behind a NUL, which stands as '@' in the variable. */
static int bind_anywhere(struct ready_notify *notify, struct failure *why)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = sizeof(name.sun_family);
	int on = 1;
	if (bind(notify->source.fd, (struct sockaddr *)&name, length) < 0)
		return failed(why, errno, "NOTIFY_SOCKET: bind");
	length = sizeof(name);
	if (getsockname(notify->source.fd, (struct sockaddr *)&name, &length) < 0 ||
	    setsockopt(notify->source.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return failed(why, errno, "NOTIFY_SOCKET");
	int digits = (int)(length - offsetof(struct sockaddr_un, sun_path)) - 1;
	snprintf(notify->variable, sizeof(notify->variable), "NOTIFY_SOCKET=@%.*s", digits, name.sun_path + 1);
	return 0;
}

int ready_notify_init(struct ready_notify *ret, struct loop *loop, struct failure *why)
{
	*ret = (struct ready_notify){ .loop = loop, .source = { .ready = message_came, .owner = ret } };
	ret->source.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ret->source.fd < 0)
		return failed(why, errno, "NOTIFY_SOCKET: socket");
	if (bind_anywhere(ret, why) == 0 && loop_add(loop, &ret->source, EPOLLIN, why) == 0)
		return 0;
	ready_notify_finish(ret);
	return -1;
}

void ready_notify_finish(struct ready_notify *notify)
{
	if (notify->loop != NULL)
		shut(notify);
	notify->loop = NULL;
}
