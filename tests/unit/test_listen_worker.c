/* SPDX-License-Identifier: Apache-2.0 */
/* test_listen_worker: held sockets in a worker behind a real exec: at their numbers, listening, with LISTEN_FDS and
 * LISTEN_PID where the command is to find them by these. */
#include "tests/unit/listen_unit.h"

static void launch_with(struct fixture *fixture, bool as_listen_fds, char *worker, struct ran *ret)
{
	struct launch launch = launch_self(worker);
	static char *environment[] = { "PATH=/usr/bin:/bin", "LISTEN_FDS=9", "LISTEN_PID=1",
				       "LISTEN_FDNAMES=x",   "A=1",	     NULL };
	launch.environment = environment;
	listen_sockets_hand_over(&fixture->sockets, as_listen_fds, &launch);
	run_well(&launch, ret);
}

static void make_two(struct fixture *fixture)
{
	struct listen_addresses list = { 0 };
	struct failure why;
	for (int i = 0; i < PORTS_TRIED; i++) {
		list.count = 0;
		add_address(fixture, "tcp:", &list);
		add_address(fixture, "unix:/web.sock", &list);
		if (listen_sockets_make(&fixture->sockets, &list, UINT32_MAX, UINT32_MAX, &why) == 0 &&
		    listen_sockets_listen(&fixture->sockets, &why) == 0)
			return;
		listen_sockets_finish(&fixture->sockets);
	}
	fail_msg("%s", why.text);
}

static void a_worker_serves_who_waited_before_it_was_there(void **state)
{
	static const struct {
		bool as_listen_fds;
		char *worker;
	} rows[] = { { false, "serve" }, { true, "serve-listen-fds" } };
	struct fixture *fixture = *state;
	struct ran ran;
	make_two(fixture);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_fd int tcp = -1, path = -1;
		assert_int_equal(connect_to(&fixture->sockets.list[0].address, "::1", &tcp), 0);
		assert_int_equal(connect_to(&fixture->sockets.list[1].address, "", &path), 0);
		launch_with(fixture, rows[i].as_listen_fds, rows[i].worker, &ran);
		assert_string_equal(ran.output, "");
		assert_client_reads(tcp, "0");
		assert_client_reads(path, "1");
	}
}

static void every_held_socket_that_there_can_be_is_handed_over(void **state)
{
	struct fixture *fixture = *state;
	struct listen_addresses list = { 0 };
	struct failure why;
	struct ran ran;
	char name[32];
	for (int i = 0; i < LISTEN_MAX; i++) {
		snprintf(name, sizeof(name), "unix:/%d.sock", i);
		add_address(fixture, name, &list);
	}
	assert_int_equal(listen_sockets_make(&fixture->sockets, &list, UINT32_MAX, UINT32_MAX, &why), 0);
	assert_int_equal(listen_sockets_listen(&fixture->sockets, &why), 0);
	for (int as_listen_fds = 0; as_listen_fds < 2; as_listen_fds++) {
		struct launch launch = launch_self("listening");
		/* Beside the pipe and the door. */
		cleanup_fd int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
		launch.keep[launch.keep_count++] = (struct launch_descriptor){ one, 200 };
		launch.keep[launch.keep_count++] = (struct launch_descriptor){ one, 201 };
		listen_sockets_hand_over(&fixture->sockets, as_listen_fds != 0, &launch);
		run_well(&launch, &ran);
		snprintf(name, sizeof(name), "%d from %d", LISTEN_MAX, as_listen_fds ? 3 : 202);
		assert_string_equal(ran.output, name);
	}
}

/* Workers: this program again. */

static int accept_one(int fd, const char *word)
{
	int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	return connection >= 0 && write(connection, word, strlen(word)) == (ssize_t)strlen(word) ? 0 : 1;
}

/* What sd_listen_fds(3) looks at; other variables are as they were. */
static bool is_told_of_two(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID"), *other = getenv("A");
	return fds != NULL && strcmp(fds, "2") == 0 && pid != NULL && strtol(pid, NULL, 10) == getpid() &&
	       getenv("LISTEN_FDNAMES") == NULL && other != NULL && strcmp(other, "1") == 0;
}

static int count_listening(void)
{
	int first = -1, count = 0, on;
	for (int fd = 3; fd < 1024; fd++) {
		socklen_t length = sizeof(on);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &length) < 0 || !on)
			continue;
		first = first < 0 ? fd : first;
		count++;
	}
	dprintf(STDERR_FILENO, "%d from %d", count, first);
	return 0;
}

static int be_worker(const char *name)
{
	if (strcmp(name, "serve") == 0)
		return accept_one(LISTEN_WORKER_FD, "0") | accept_one(LISTEN_WORKER_FD + 1, "1");
	if (strcmp(name, "serve-listen-fds") == 0)
		return is_told_of_two() ? accept_one(3, "0") | accept_one(4, "1") : 2;
	return strcmp(name, "listening") == 0 ? count_listening() : 3;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(a_worker_serves_who_waited_before_it_was_there),
		LISTEN_TEST(every_held_socket_that_there_can_be_is_handed_over),
	};
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return be_worker(argv[2]);
	return cmocka_run_group_tests_name("listen_worker", tests, NULL, NULL);
}
