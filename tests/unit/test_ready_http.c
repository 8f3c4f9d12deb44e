/* SPDX-License-Identifier: Apache-2.0 */
/* test_ready_http: a server by hand beside the client, in one loop: answers of all kinds, late ones, none. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "supervisor/edge/ready_http.h"

#define PATIENCE_USEC (20 * USEC_PER_SEC)

struct fixture {
	struct loop loop;
	struct ready_http http;
	int listening_fd;
	uint16_t port;
	int answers, status;
	char problem[128];
};

static void answered(struct ready_http *http, int status, const char *problem)
{
	struct fixture *fixture = http->owner;
	fixture->answers++;
	fixture->status = status;
	snprintf(fixture->problem, sizeof(fixture->problem), "%s", problem);
}

static int listen_on(int family, uint16_t *ret_port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	bool is_v6 = family == AF_INET6;
	socklen_t size = is_v6 ? sizeof(v6) : sizeof(v4);
	struct sockaddr *name = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, name, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, name, &size), 0);
	*ret_port = ntohs(is_v6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

static void ask(struct fixture *fixture, const char *host, uint16_t port, const char *path)
{
	ready_http_init(&fixture->http, &fixture->loop, host, port, path);
	fixture->http.answered = answered;
	fixture->http.owner = fixture;
	fixture->answers = 0;
	ready_http_ask(&fixture->http);
}

static void turn(struct fixture *fixture)
{
	struct failure why;
	assert_int_equal(loop_wait(&fixture->loop, loop_now_usec() + 5 * USEC_PER_MSEC, &why), 0);
}

static void wait_answer(struct fixture *fixture)
{
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; fixture->answers == 0; turn(fixture))
		assert_true(loop_now_usec() < end);
	assert_int_equal(fixture->answers, 1);
	assert_false(ready_http_is_asking(&fixture->http));
}

/* Takes the connection and reads the whole request into `text`. */
static int take_request(struct fixture *fixture, char *text, size_t size)
{
	struct pollfd ready = { .fd = fixture->listening_fd, .events = POLLIN };
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; poll(&ready, 1, 0) != 1; turn(fixture))
		assert_true(loop_now_usec() < end);
	int fd = accept4(fixture->listening_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(fd >= 0);
	size_t length = 0;
	text[0] = '\0';
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; strstr(text, "\r\n\r\n") == NULL; turn(fixture)) {
		ssize_t count = read(fd, text + length, size - 1 - length);
		length += count > 0 ? (size_t)count : 0;
		text[length] = '\0';
		assert_true(loop_now_usec() < end);
	}
	return fd;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	fixture = (struct fixture){ 0 };
	assert_int_equal(loop_init(&fixture.loop, &why), 0);
	fixture.listening_fd = listen_on(AF_INET, &fixture.port);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	ready_http_cancel(&fixture->http);
	ready_http_cancel(&fixture->http);
	close(fixture->listening_fd);
	loop_finish(&fixture->loop);
	return 0;
}

static void the_status_is_heard_in_whatever_pieces_it_comes(void **state)
{
	static const struct {
		const char *first, *second;
		int status;
		const char *problem;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, "" },
		{ "HTTP/1.0 204 No Content\r\n\r\n", "", 204, "" },
		{ "HTTP/1.1 5", "03 Service Unavailable\r\n\r\n", 503, "" },
		{ "HTTP/1.1 301 Moved to somewhere that is quite far away\r\n", "", 301, "" },
		{ "HTTP/1.1 200\r\n\r\n", "", 200, "" },
		{ "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "", 0, "the answer is not HTTP" },
		{ "HTTP/1.1 2000 OK\r\n\r\n", "", 0, "the answer is not HTTP" },
		{ "HTTP/2.0 200 OK\r\n\r\n", "", 0, "the answer is not HTTP" },
		{ "HTTP/1.1 099 OK\r\n\r\n", "", 0, "the answer is not HTTP" },
		{ "", "", 0, "closed without an answer" },
		{ "HTTP/1.1 2", "", 0, "closed without an answer" },
	};
	struct fixture *fixture = *state;
	char request[1024];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask(fixture, "", fixture->port, "/health?x=1");
		assert_true(ready_http_is_asking(&fixture->http));
		int fd = take_request(fixture, request, sizeof(request));
		assert_int_equal(strncmp(request, "GET /health?x=1 HTTP/1.1\r\nHost: localhost:", 42), 0);
		assert_contains(request, "\r\nConnection: close\r\n");
		assert_int_equal(send(fd, rows[i].first, strlen(rows[i].first), 0), strlen(rows[i].first));
		turn(fixture);
		if (rows[i].second[0] != '\0')
			assert_int_equal(fixture->answers, 0);
		send(fd, rows[i].second, strlen(rows[i].second), MSG_NOSIGNAL);
		close(fd);
		wait_answer(fixture);
		assert_int_equal(fixture->status, rows[i].status);
		assert_string_equal(fixture->problem, rows[i].problem);
	}
}

static void a_server_on_ipv6_alone_is_found(void **state)
{
	struct fixture *fixture = *state;
	char request[1024];
	close(fixture->listening_fd);
	fixture->listening_fd = listen_on(AF_INET6, &fixture->port);
	ask(fixture, "", fixture->port, "/");
	int fd = take_request(fixture, request, sizeof(request));
	assert_int_equal(send(fd, "HTTP/1.1 200 OK\r\n", 17, 0), 17);
	wait_answer(fixture);
	assert_int_equal(fixture->status, 200);
	close(fd);
	ask(fixture, "::1", fixture->port, "/");
	close(take_request(fixture, request, sizeof(request)));
	wait_answer(fixture);
}

static void where_nobody_listens_that_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	socklen_t size = sizeof(name);
	cleanup_fd int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound on both, so that nobody else is */
	assert_int_equal(bind(fd, (struct sockaddr *)&name, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	uint16_t port = ntohs(name.sin6_port);
	ask(fixture, "", port, "/");
	wait_answer(fixture);
	assert_int_equal(fixture->status, 0);
	assert_string_equal(fixture->problem, "nobody listens");
	ask(fixture, "127.0.0.1", port, "/");
	wait_answer(fixture);
	assert_string_equal(fixture->problem, "nobody listens");
}

static void one_that_never_answers_costs_nothing_and_is_given_up(void **state)
{
	struct fixture *fixture = *state;
	char request[1024];
	ask(fixture, "", fixture->port, "/");
	int fd = take_request(fixture, request, sizeof(request));
	for (int i = 0; i < 10; i++)
		turn(fixture);
	assert_int_equal(fixture->answers, 0);
	ready_http_cancel(&fixture->http);
	assert_false(ready_http_is_asking(&fixture->http));
	assert_int_equal(fixture->answers, 0);
	close(fd);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(the_status_is_heard_in_whatever_pieces_it_comes),
		HTTP_TEST(a_server_on_ipv6_alone_is_found),
		HTTP_TEST(where_nobody_listens_that_is_said),
		HTTP_TEST(one_that_never_answers_costs_nothing_and_is_given_up),
	};
	return cmocka_run_group_tests_name("ready_http", tests, NULL, NULL);
}
