/* SPDX-License-Identifier: Apache-2.0 */
/* ready_http: see ready_http.h. */
#include "supervisor/edge/ready_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

int ready_http_status(const char *line)
{
	static const char start[] = "HTTP/1.";
	int status = 0;
	if (strncmp(line, start, strlen(start)) != 0)
		return 0;
	line += strlen(start);
	if (line[0] < '0' || line[0] > '9' || line[1] != ' ')
		return 0;
	for (int i = 2; i < 5; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
		status = status * 10 + (line[i] - '0');
	}
	return status >= 100 && (line[5] == ' ' || line[5] == '\r' || line[5] == '\n') ? status : 0;
}

void ready_http_cancel(struct ready_http *http)
{
	if (http->loop == NULL || http->source.fd < 0)
		return;
	loop_remove(http->loop, &http->source);
	close(TAKE_FD(http->source.fd));
}

bool ready_http_is_asking(const struct ready_http *http)
{
	return http->loop != NULL && http->source.fd >= 0;
}

static void end(struct ready_http *http, int status, const char *problem)
{
	ready_http_cancel(http);
	http->answered(http, status, problem);
}

static void connect_now(struct ready_http *http);

/* A server may listen on IPv6 only. */
static void refused(struct ready_http *http, int error)
{
	if (http->host[0] == '\0' && !http->v6) {
		ready_http_cancel(http);
		http->v6 = true;
		connect_now(http);
		return;
	}
	bool nobody = error == ECONNREFUSED || (http->v6 && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL));
	end(http, 0, nobody ? "nobody listens" : strerror(error));
}

static void send_request(struct ready_http *http)
{
	struct failure why;
	ssize_t sent = send(http->source.fd, http->request + http->sent, http->length - http->sent, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		end(http, 0, strerror(errno));
		return;
	}
	http->sent += sent > 0 ? (size_t)sent : 0;
	if (http->sent == http->length && loop_change(http->loop, &http->source, EPOLLIN, &why) < 0)
		end(http, 0, why.text);
}

static void read_answer(struct ready_http *http)
{
	ssize_t got = read(http->source.fd, http->line + http->got, sizeof(http->line) - 1 - http->got);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end(http, 0, got == 0 ? "closed without an answer" : strerror(errno));
		return;
	}
	http->got += (size_t)got;
	http->line[http->got] = '\0';
	if (strchr(http->line, '\n') == NULL && http->got < sizeof(http->line) - 1)
		return;
	int status = ready_http_status(http->line);
	end(http, status, status == 0 ? "the answer is not HTTP" : "");
}

static void ready(struct source *source, uint32_t events)
{
	struct ready_http *http = source->owner;
	int error = 0;
	socklen_t size = sizeof(error);
	if (http->sent == http->length) {
		read_answer(http);
		return;
	}
	if (http->sent == 0 && getsockopt(source->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0)
		refused(http, error);
	else if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		send_request(http);
}

/* Returns 0, or the errno of what is known at once. */
static int begin_connecting(struct ready_http *http)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(http->port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(http->port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool is_v6 = http->v6;
	if (http->host[0] != '\0' && inet_pton(AF_INET, http->host, &v4.sin_addr) != 1)
		is_v6 = inet_pton(AF_INET6, http->host, &v6.sin6_addr) == 1;
	http->source.fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (http->source.fd < 0)
		return errno;
	const struct sockaddr *name = is_v6 ? (const struct sockaddr *)&v6 : (const struct sockaddr *)&v4;
	if (connect(http->source.fd, name, is_v6 ? sizeof(v6) : sizeof(v4)) == 0 || errno == EINPROGRESS)
		return 0;
	return errno;
}

static void connect_now(struct ready_http *http)
{
	struct failure why;
	http->sent = http->got = 0;
	int error = begin_connecting(http);
	if (error == 0 && loop_add(http->loop, &http->source, EPOLLOUT, &why) == 0)
		return;
	cleanup_close(&http->source.fd);
	http->source.fd = -1;
	refused(http, error != 0 ? error : why.error);
}

void ready_http_init(struct ready_http *ret, struct loop *loop, const char *host, uint16_t port, const char *path)
{
	*ret = (struct ready_http){ .loop = loop, .port = port, .source = { .fd = -1, .ready = ready, .owner = ret } };
	snprintf(ret->host, sizeof(ret->host), "%s", host);
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	int length = snprintf(ret->request, sizeof(ret->request),
			      "GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: heapward\r\nConnection: close\r\n\r\n",
			      ret->path, port);
	assert(length > 0 && (size_t)length < sizeof(ret->request));
	ret->length = (size_t)length;
}

void ready_http_ask(struct ready_http *http)
{
	assert(!ready_http_is_asking(http));
	http->v6 = false;
	connect_now(http);
}
