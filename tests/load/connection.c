/* SPDX-License-Identifier: Apache-2.0 */
/* connection: see connection.h. */
#include "tests/load/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void connection_drop(struct connection *connection)
{
	if (connection->state != CONNECTION_FREE)
		close(connection->fd);
	connection->state = CONNECTION_FREE;
	connection->fd = -1;
}

static enum outcome give_up(struct connection *connection, enum outcome outcome)
{
	connection_drop(connection);
	return outcome;
}

static void write_request(struct connection *connection, const struct target *target)
{
	connection->request_length = (size_t)snprintf(connection->request, sizeof(connection->request),
						      "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n",
						      target->path, connection->keep_alive ? "keep-alive" : "close");
	connection->sent = connection->length = 0;
}

/* Sends what is left of the request. */
static enum outcome send_request(struct connection *connection)
{
	while (connection->sent < connection->request_length) {
		ssize_t count = send(connection->fd, connection->request + connection->sent,
				     connection->request_length - connection->sent, MSG_NOSIGNAL);
		if (count < 0 && (errno == EAGAIN || errno == EINTR))
			return OUTCOME_PENDING;
		if (count < 0)
			return give_up(connection, OUTCOME_RESET);
		connection->sent += (size_t)count;
	}
	return OUTCOME_PENDING;
}

enum outcome connection_open(struct connection *connection, const struct target *target, bool keep_alive,
			     int64_t due_usec)
{
	const int on = 1;
	connection->fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return OUTCOME_REFUSED;
	if (connection->response == NULL)
		connection->response = malloc(CONNECTION_BYTES_MAX + 1);
	assert(connection->response != NULL);
	connection->state = CONNECTION_CONNECTING;
	connection->keep_alive = keep_alive;
	connection->due_usec = due_usec;
	connection->requests = 1;
	write_request(connection, target);
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(connection->fd, (const struct sockaddr *)&target->address, target->length) < 0 &&
	    errno != EINPROGRESS && errno != EAGAIN)
		return give_up(connection, OUTCOME_REFUSED);
	return OUTCOME_PENDING;
}

enum outcome connection_again(struct connection *connection, const struct target *target, int64_t due_usec)
{
	connection->state = CONNECTION_BUSY;
	connection->due_usec = due_usec;
	connection->requests++;
	write_request(connection, target);
	return send_request(connection);
}

static enum outcome finish_connect(struct connection *connection)
{
	int error = 0;
	socklen_t length = sizeof(error);
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error != 0)
		return give_up(connection, error == ECONNREFUSED || error == ENOENT ? OUTCOME_REFUSED : OUTCOME_RESET);
	connection->state = CONNECTION_BUSY;
	return send_request(connection);
}

/* The value of a header, NULL where it is not there. */
static const char *header(const char *head, const char *name)
{
	size_t length = strlen(name);
	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
		line += 2;
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " ");
	}
	return NULL;
}

/* Puts chunks together in place. Returns the body's length, -1 while the last chunk has not come. */
static ssize_t join_chunks(char *body, const char *end)
{
	size_t length = 0;
	for (char *at = body; at < end;) {
		char *text;
		size_t size = strtoul(at, &text, 16);
		if (text == at || text + 2 > end || (size_t)(end - text) < size + 4)
			return -1;
		if (size == 0)
			return (ssize_t)length;
		memmove(body + length, text + 2, size);
		length += size;
		at = text + 2 + size + 2;
	}
	return -1;
}

static bool body_is_right(const struct target *target, const char *body, size_t length)
{
	return target->body == NULL || (strlen(target->body) == length && memcmp(target->body, body, length) == 0);
}

/* Joining chunks changes the buffer, so they are looked at only when their end is there. */
static bool ends_in_last_chunk(const struct connection *connection)
{
	return connection->length >= 5 && memcmp(connection->response + connection->length - 5, "0\r\n\r\n", 5) == 0;
}

static int64_t idle_until(const char *head, int64_t now_usec)
{
	const char *text = header(head, "keep-alive");
	const char *timeout = text == NULL ? NULL : strstr(text, "timeout=");
	return timeout == NULL ? INT64_MAX : now_usec + (strtol(timeout + 8, NULL, 10) - 1) * USEC_PER_SEC;
}

/* What the bytes so far amount to. */
static enum outcome judge(struct connection *connection, const struct target *target, int64_t now_usec)
{
	char *head = connection->response, *body = strstr(head, "\r\n\r\n");
	if (body == NULL)
		return OUTCOME_PENDING;
	body += 4;
	const char *length_text = header(head, "content-length"), *close_text = header(head, "connection");
	ssize_t length = (ssize_t)(connection->length - (size_t)(body - head));
	if (length_text != NULL && strtol(length_text, NULL, 10) > length)
		return OUTCOME_PENDING;
	if (length_text == NULL && !ends_in_last_chunk(connection))
		return OUTCOME_PENDING;
	bool stays = connection->keep_alive && (close_text == NULL || strncasecmp(close_text, "close", 5) != 0);
	if (length_text == NULL)
		length = join_chunks(body, head + connection->length);
	if (strncmp(head, "HTTP/1.1 2", 10) != 0)
		return give_up(connection, OUTCOME_STATUS);
	if (length < 0 || !body_is_right(target, body, (size_t)length))
		return give_up(connection, OUTCOME_BODY);
	connection->idle_until_usec = idle_until(head, now_usec);
	if (stays)
		connection->state = CONNECTION_IDLE;
	else
		connection_drop(connection);
	return OUTCOME_OK;
}

static enum outcome read_response(struct connection *connection, const struct target *target, int64_t now_usec)
{
	for (;;) {
		size_t room = CONNECTION_BYTES_MAX - connection->length;
		ssize_t count = read(connection->fd, connection->response + connection->length, room);
		if (count < 0 && (errno == EAGAIN || errno == EINTR))
			return OUTCOME_PENDING;
		if (count <= 0)
			return give_up(connection, room == 0 ? OUTCOME_BODY : OUTCOME_RESET);
		connection->length += (size_t)count;
		connection->response[connection->length] = '\0';
		enum outcome outcome = judge(connection, target, now_usec);
		if (outcome != OUTCOME_PENDING)
			return outcome;
	}
}

enum outcome connection_ready(struct connection *connection, const struct target *target, int64_t now_usec)
{
	enum outcome outcome = OUTCOME_PENDING;
	if (connection->state == CONNECTION_IDLE) {
		connection_drop(connection); /* only its end, or words that nobody asked for, can wake it */
		return OUTCOME_PENDING;
	}
	if (connection->state == CONNECTION_CONNECTING)
		outcome = finish_connect(connection);
	else if (connection->sent < connection->request_length)
		outcome = send_request(connection);
	if (outcome != OUTCOME_PENDING || connection->state != CONNECTION_BUSY)
		return outcome;
	return read_response(connection, target, now_usec);
}
