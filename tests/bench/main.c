/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-saturate: a closed loop on one server: so many kept-alive connections, each of which asks again as soon as it is
 * answered, for so long. Prints how many answers came a second. Exits 1 where a request failed.
 * usage: heapward-saturate CONNECTIONS SECONDS PORT     loopback only */
#include "tests/load/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256

struct saturate {
	struct target target;
	int epoll_fd;
	struct connection connections[CONNECTIONS_MAX];
	uint64_t answered, failed;
};

static int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

/* One that the server has closed, as Node does after so many requests or seconds, is opened anew. */
static void ask(struct saturate *saturate, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection };
	if (connection->state == CONNECTION_IDLE && connection_again(connection, &saturate->target, 0) == OUTCOME_PENDING)
		return;
	if (connection_open(connection, &saturate->target, true, 0) != OUTCOME_PENDING ||
	    epoll_ctl(saturate->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
		perror("heapward-saturate: connect");
		exit(1);
	}
}

static void hear(struct saturate *saturate)
{
	struct epoll_event events[CONNECTIONS_MAX];
	int ready = epoll_wait(saturate->epoll_fd, events, ARRAY_LEN(events), 100);
	for (int i = 0; i < ready; i++) {
		struct connection *connection = events[i].data.ptr;
		enum outcome outcome = connection_ready(connection, &saturate->target, now_usec());
		if (outcome == OUTCOME_PENDING && connection->state != CONNECTION_FREE)
			continue;
		saturate->answered += outcome == OUTCOME_OK ? 1 : 0;
		saturate->failed += outcome != OUTCOME_OK && outcome != OUTCOME_PENDING ? 1 : 0;
		ask(saturate, connection);
	}
}

int main(int argc, char **argv)
{
	static struct saturate saturate;
	long count = argc == 4 ? strtol(argv[1], NULL, 10) : 0, seconds = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	if (count < 1 || count > CONNECTIONS_MAX || seconds < 1 || seconds > 3600) {
		fputs("usage: heapward-saturate CONNECTIONS SECONDS PORT\n", stderr);
		return 2;
	}
	*(struct sockaddr_in *)&saturate.target.address =
		(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtol(argv[3], NULL, 10)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	saturate.target.length = sizeof(struct sockaddr_in);
	saturate.target.path = "/";
	saturate.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (long i = 0; i < count; i++)
		ask(&saturate, &saturate.connections[i]);
	int64_t began_usec = now_usec(), usec;
	while ((usec = now_usec() - began_usec) < seconds * USEC_PER_SEC)
		hear(&saturate);
	printf("%.1f\n", (double)saturate.answered * USEC_PER_SEC / (double)usec);
	return saturate.failed == 0 ? 0 : 1;
}
