/* SPDX-License-Identifier: Apache-2.0 */
/* listen_unit: what the tests of held sockets share: a fixture with a directory and sockets, ports that are free, clients. */
#ifndef TESTS_UNIT_LISTEN_UNIT_H
#define TESTS_UNIT_LISTEN_UNIT_H

#include "tests/unit/spawn_unit.h"

#include "supervisor/core/listen_address.h"
#include "supervisor/edge/listen_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PORTS_TRIED 50

/* A directory for paths, gone with the test, and sockets that are finished with it. */
struct fixture {
	char directory[64];
	struct listen_sockets sockets;
};

static inline int set_up(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .directory = "/tmp/heapward-listen-XXXXXX" };
	assert_non_null(mkdtemp(fixture.directory));
	*state = &fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];
	listen_sockets_finish(&fixture->sockets);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->directory);
	return system(command);
}

/* A port that nobody has at this moment, on any address. */
static inline unsigned free_port(void)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6 };
	socklen_t length = sizeof(name);
	cleanup_fd int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	return ntohs(name.sin6_port);
}

/* "unix:%s/x.sock" with the fixture's directory, else with a port that is free. */
static inline void add_address(const struct fixture *fixture, const char *format, struct listen_addresses *list)
{
	char text[LISTEN_TEXT_MAX];
	struct failure why;
	if (strncmp(format, "unix:", 5) == 0)
		snprintf(text, sizeof(text), "unix:%s%s", fixture->directory, format + 5);
	else
		snprintf(text, sizeof(text), "%s%u", format, free_port());
	if (listen_address_parse(text, &list->list[list->count++], &why) < 0)
		fail_msg("%s", why.text);
}

static inline int try_make(struct fixture *fixture, const char *format, struct failure *why)
{
	struct listen_addresses list = { 0 };
	add_address(fixture, format, &list);
	return listen_sockets_make(&fixture->sockets, &list, UINT32_MAX, UINT32_MAX, why);
}

/* Another test of this machine may take a port between our look and our bind. */
static inline void make_held(struct fixture *fixture, const char *format)
{
	struct failure why;
	for (int i = 0; i < PORTS_TRIED; i++) {
		if (try_make(fixture, format, &why) == 0 && listen_sockets_listen(&fixture->sockets, &why) == 0)
			return;
		listen_sockets_finish(&fixture->sockets);
		if (why.error != EADDRINUSE)
			break;
	}
	fail_msg("%s", why.text);
}

/* 0, or the errno of connecting; *ret_fd is the client. */
static inline int connect_to(const struct listen_address *address, const char *tcp_host, int *ret_fd)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(address->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	struct sockaddr *name = (struct sockaddr *)&path;
	socklen_t length = sizeof(path);
	memcpy(path.sun_path, address->path, sizeof(path.sun_path));
	if (address->kind == LISTEN_TCP && inet_pton(AF_INET, tcp_host, &v4.sin_addr) == 1) {
		name = (struct sockaddr *)&v4;
		length = sizeof(v4);
	} else if (address->kind == LISTEN_TCP) {
		assert_int_equal(inet_pton(AF_INET6, tcp_host, &v6.sin6_addr), 1);
		name = (struct sockaddr *)&v6;
		length = sizeof(v6);
	}
	*ret_fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(*ret_fd >= 0);
	return connect(*ret_fd, name, length) == 0 ? 0 : errno;
}

static inline void assert_client_reads(int client, const char *wanted)
{
	char text[64] = "";
	size_t length = 0;
	ssize_t count = 1;
	while (count > 0 && length < sizeof(text) - 1) {
		wait_readable(client, wanted);
		count = read(client, text + length, sizeof(text) - 1 - length);
		length += count > 0 ? (size_t)count : 0;
	}
	assert_string_equal(text, wanted);
}

#define LISTEN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
