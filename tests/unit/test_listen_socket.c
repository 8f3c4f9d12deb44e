/* SPDX-License-Identifier: Apache-2.0 */
/* test_listen_socket: held sockets on this machine's kernel: clients wait while nobody accepts, are refused once nobody
 * listens, and are served again afterwards; paths are guarded. Runs as root. */
#include "tests/unit/listen_unit.h"

#include "supervisor/edge/listen_path.h"

#include <sched.h>

#define NOBODY 65534u

/* What a worker does with its own copy of a held socket: accepts one client and says a word. */
static void serve_one(int listening_fd, const char *word)
{
	cleanup_fd int own = fcntl(listening_fd, F_DUPFD_CLOEXEC, 0);
	wait_readable(own, "a client");
	cleanup_fd int connection = accept4(own, NULL, NULL, SOCK_CLOEXEC);
	assert_true(connection >= 0);
	assert_int_equal(write(connection, word, strlen(word)), strlen(word));
}

/* Each form of address, with a host that a client finds it by. */
static const struct {
	const char *format, *client;
} forms[] = {
	{ "tcp:", "127.0.0.1" }, { "tcp:", "::1" },	   { "tcp:127.0.0.1:", "127.0.0.1" },
	{ "tcp:[::1]:", "::1" }, { "unix:/web.sock", "" },
};

static void a_client_waits_in_the_queue_until_a_worker_accepts(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		make_held(fixture, forms[i].format);
		const struct listen_socket *held = &fixture->sockets.list[0];
		cleanup_fd int client = -1;
		assert_int_equal(connect_to(&held->address, forms[i].client, &client), 0);
		serve_one(held->fd, "first");
		assert_client_reads(client, "first");
		listen_sockets_finish(&fixture->sockets);
	}
}

static void without_listening_clients_are_refused_and_with_it_served_again(void **state)
{
	struct fixture *fixture = *state;
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		make_held(fixture, forms[i].format);
		const struct listen_socket *held = &fixture->sockets.list[0];
		for (int round = 0; round < 3; round++) {
			cleanup_fd int waiting = -1, refused = -1, served = -1;
			char byte;
			assert_int_equal(connect_to(&held->address, forms[i].client, &waiting), 0);
			listen_sockets_unlisten(&fixture->sockets);
			/* Who waited in the queue is told at once, and who comes later is not let in. */
			wait_readable(waiting, "the end of who waited");
			assert_true(read(waiting, &byte, 1) <= 0);
			assert_int_equal(connect_to(&held->address, forms[i].client, &refused), ECONNREFUSED);
			listen_sockets_unlisten(&fixture->sockets);
			if (listen_sockets_listen(&fixture->sockets, &why) < 0)
				fail_msg("%s: %s", forms[i].format, why.text);
			assert_int_equal(connect_to(&held->address, forms[i].client, &served), 0);
			serve_one(held->fd, "again");
			assert_client_reads(served, "again");
		}
		listen_sockets_finish(&fixture->sockets);
	}
}

/* A client that begins now, without waiting for it. */
static int begin_connecting(const struct listen_address *address, const char *host, int *ret_fd)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(address->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	bool is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
	if (address->kind == LISTEN_UNIX)
		return connect_to(address, host, ret_fd);
	*ret_fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(*ret_fd >= 0);
	if (!is_v4)
		assert_int_equal(inet_pton(AF_INET6, host, &v6.sin6_addr), 1);
	const void *name = is_v4 ? (const void *)&v4 : &v6;
	return connect(*ret_fd, name, is_v4 ? sizeof(v4) : sizeof(v6)) == 0 ? 0 : errno;
}

static void after_the_last_call_only_who_waits_is_let_in(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		make_held(fixture, forms[i].format);
		const struct listen_socket *held = &fixture->sockets.list[0];
		cleanup_fd int waiting = -1, late = -1;
		bool is_path = held->address.kind == LISTEN_UNIX;
		assert_int_equal(connect_to(&held->address, forms[i].client, &waiting), 0);
		listen_sockets_last_call(&fixture->sockets);
		/* On loopback a handshake is over when connect() returns, unless nobody answers it. */
		assert_int_equal(begin_connecting(&held->address, forms[i].client, &late), is_path ? ENOENT : EINPROGRESS);
		serve_one(held->fd, "last");
		assert_client_reads(waiting, "last");
		struct pollfd answer = { .fd = late, .events = POLLOUT };
		if (!is_path)
			assert_int_equal(poll(&answer, 1, 0), 0);
		listen_sockets_unlisten(&fixture->sockets);
		listen_sockets_finish(&fixture->sockets);
	}
}

static void a_tcp_socket_stays_the_same_descriptor_and_inode(void **state)
{
	struct fixture *fixture = *state;
	struct stat before, after;
	struct failure why;
	make_held(fixture, "tcp:");
	int fd = fixture->sockets.list[0].fd;
	assert_int_equal(fstat(fd, &before), 0);
	listen_sockets_unlisten(&fixture->sockets);
	assert_int_equal(listen_sockets_listen(&fixture->sockets, &why), 0);
	assert_int_equal(fixture->sockets.list[0].fd, fd);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

static void an_address_of_one_family_is_deaf_to_the_other(void **state)
{
	struct fixture *fixture = *state;
	cleanup_fd int client = -1;
	make_held(fixture, "tcp:[::1]:");
	assert_int_equal(connect_to(&fixture->sockets.list[0].address, "127.0.0.1", &client), ECONNREFUSED);
}

static void the_queue_is_as_long_as_the_kernel_allows(void **state)
{
	struct fixture *fixture = *state;
	char wanted[64], line[256] = "", command[160];
	make_held(fixture, "tcp:127.0.0.1:");
	snprintf(command, sizeof(command), "ss -Hltn 'sport = :%u' | awk '{print $3}'",
		 fixture->sockets.list[0].address.port);
	FILE *file = popen(command, "r");
	assert_non_null(fgets(line, sizeof(line), file));
	pclose(file);
	file = fopen("/proc/sys/net/core/somaxconn", "r");
	assert_non_null(fgets(wanted, sizeof(wanted), file));
	fclose(file);
	assert_string_equal(line, wanted);
}

static void a_port_that_another_has_is_refused_and_nothing_is_left(void **state)
{
	struct fixture *fixture = *state;
	struct listen_sockets second;
	struct listen_addresses list = { 0 };
	struct failure why;
	make_held(fixture, "tcp:127.0.0.1:");
	add_address(fixture, "unix:/first.sock", &list);
	list.list[list.count++] = fixture->sockets.list[0].address;
	assert_int_equal(listen_sockets_make(&second, &list, UINT32_MAX, UINT32_MAX, &why), -1);
	assert_contains(why.text, "listen tcp:127.0.0.1:");
	assert_contains(why.text, "Address already in use; another program has the port");
	assert_int_equal(why.error, EADDRINUSE);
	assert_int_equal(second.count, 0);
	assert_int_equal(access(list.list[0].path, F_OK), -1);
}

static void a_port_taken_while_nobody_listened_is_told_and_none_listens(void **state)
{
	struct fixture *fixture = *state;
	struct listen_sockets thief;
	struct listen_addresses list = { .count = 1 };
	struct failure why;
	cleanup_fd int client = -1;
	make_held(fixture, "tcp:127.0.0.1:");
	list.list[0] = fixture->sockets.list[0].address;
	listen_sockets_unlisten(&fixture->sockets);
	assert_int_equal(listen_sockets_make(&thief, &list, UINT32_MAX, UINT32_MAX, &why), 0);
	assert_int_equal(listen_sockets_listen(&thief, &why), 0);
	assert_int_equal(listen_sockets_listen(&fixture->sockets, &why), -1);
	assert_contains(why.text, "Address already in use");
	assert_false(fixture->sockets.listening);
	listen_sockets_finish(&thief);
	assert_int_equal(listen_sockets_listen(&fixture->sockets, &why), 0);
	assert_int_equal(connect_to(&list.list[0], "127.0.0.1", &client), 0);
}

/* A namespace of its own has the kernel's default for unprivileged ports, whatever this machine has. */
static void a_port_below_1024_needs_a_right(void **state UNUSED)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct listen_sockets sockets;
		struct listen_addresses list = { .count = 1 };
		struct failure why = { 0 };
		bool dropped = unshare(CLONE_NEWNET) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
			       setresuid(NOBODY, NOBODY, NOBODY) == 0;
		int result = listen_address_parse("tcp:80", &list.list[0], &why);
		result = result < 0 ? 0 : listen_sockets_make(&sockets, &list, UINT32_MAX, UINT32_MAX, &why);
		bool told = strcmp(why.text, "listen tcp:80: Permission denied; ports below 1024 need root or "
					     "CAP_NET_BIND_SERVICE") == 0;
		_exit(!dropped ? 2 : result == -1 && told ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_unix_socket_has_its_mode_and_owner_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077 };
	struct fixture *fixture = *state;
	struct failure why;
	struct stat status;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		struct listen_addresses list = { 0 };
		add_address(fixture, "unix:/web.sock", &list);
		mode_t before = umask(masks[i]);
		int result = listen_sockets_make(&fixture->sockets, &list, 1234, 5678, &why);
		assert_int_equal(umask(before), masks[i]);
		assert_int_equal(result, 0);
		assert_int_equal(stat(list.list[0].path, &status), 0);
		assert_int_equal(status.st_mode & 07777, 0660);
		assert_int_equal(status.st_uid, 1234);
		assert_int_equal(status.st_gid, 5678);
		/* Once with the socket open, once closed again, once never listened on: the path goes with each. */
		assert_int_equal(i < 2 ? listen_sockets_listen(&fixture->sockets, &why) : 0, 0);
		if (i == 1)
			listen_sockets_unlisten(&fixture->sockets);
		listen_sockets_finish(&fixture->sockets);
		assert_int_equal(access(list.list[0].path, F_OK), -1);
	}
}

/* Leaves a bound socket at the path; it listens where its descriptor is returned. */
static int leave_socket(const char *path, bool listens)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	if (listens)
		assert_int_equal(listen(fd, 1), 0);
	else
		close(TAKE_FD(fd));
	return fd;
}

static enum listen_path look_at(const char *path)
{
	cleanup_fd int folder_fd = listen_path_folder(path);
	assert_true(folder_fd >= 0);
	return listen_path_look(folder_fd, listen_path_name(path));
}

/* With the inode that is there, so that only what it is protects it. */
static void try_to_remove(const char *path)
{
	struct stat status;
	cleanup_fd int folder_fd = listen_path_folder(path);
	assert_int_equal(lstat(path, &status), 0);
	listen_path_remove_stale(folder_fd, listen_path_name(path), status.st_dev, status.st_ino);
}

static void a_stale_path_is_taken_over_and_one_in_use_is_not(void **state)
{
	struct fixture *fixture = *state;
	struct failure why;
	char path[128];
	snprintf(path, sizeof(path), "%s/web.sock", fixture->directory);
	assert_int_equal(look_at(path), LISTEN_PATH_FREE);
	leave_socket(path, false);
	assert_int_equal(look_at(path), LISTEN_PATH_STALE);
	assert_int_equal(try_make(fixture, "unix:/web.sock", &why), 0);
	listen_sockets_finish(&fixture->sockets);
	int owner = leave_socket(path, true);
	assert_int_equal(look_at(path), LISTEN_PATH_IN_USE);
	assert_int_equal(try_make(fixture, "unix:/web.sock", &why), -1);
	assert_contains(why.text, "Address already in use; somebody accepts on it");
	try_to_remove(path);
	assert_int_equal(access(path, F_OK), 0);
	close(owner);
}

static void what_is_no_socket_stays_where_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct failure why;
	char file[128], link[128], path[128];
	snprintf(file, sizeof(file), "%s/file.sock", fixture->directory);
	snprintf(link, sizeof(link), "%s/link.sock", fixture->directory);
	snprintf(path, sizeof(path), "%s/stale.sock", fixture->directory);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	leave_socket(path, false);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(try_make(fixture, "unix:/file.sock", &why), -1);
	assert_contains(why.text, "something that is no socket is in its place; move it away");
	assert_int_equal(try_make(fixture, "unix:/link.sock", &why), -1);
	assert_contains(why.text, "no socket");
	assert_int_equal(try_make(fixture, "unix:/missing/x.sock", &why), -1);
	assert_contains(why.text, "No such file or directory; its directory must be there");
	try_to_remove(file);
	try_to_remove(link);
	assert_int_equal(access(file, F_OK) | access(link, F_OK) | access(path, F_OK), 0);
}

static void a_path_that_became_anothers_is_not_removed(void **state)
{
	struct fixture *fixture = *state;
	char path[LISTEN_PATH_MAX];
	make_held(fixture, "unix:/web.sock");
	memcpy(path, fixture->sockets.list[0].address.path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	/* An inode of its own: the kernel may give the number of the first one away again once it is closed. */
	int other = leave_socket(path, true);
	listen_sockets_finish(&fixture->sockets);
	assert_int_equal(access(path, F_OK), 0);
	close(other);
}

static void a_stale_socket_is_removed_by_its_inode_only(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	char path[128];
	snprintf(path, sizeof(path), "%s/web.sock", fixture->directory);
	cleanup_fd int folder_fd = listen_path_folder(path);
	leave_socket(path, false);
	assert_int_equal(stat(path, &status), 0);
	listen_path_remove_stale(folder_fd, "web.sock", status.st_dev, status.st_ino + 1);
	listen_path_remove_stale(folder_fd, "web.sock", status.st_dev + 1, status.st_ino);
	assert_int_equal(access(path, F_OK), 0);
	listen_path_remove_stale(folder_fd, "web.sock", status.st_dev, status.st_ino);
	assert_int_equal(access(path, F_OK), -1);
}

/* What a worker can do that owns the folder's folder: ours goes from where it was made, and what the path leads to stays. */
static void a_folder_that_was_moved_away_leads_to_nobody_elses_socket(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	char run[128], moved[128], other[128], in_moved[160], in_other[160];
	snprintf(run, sizeof(run), "%s/run", fixture->directory);
	snprintf(moved, sizeof(moved), "%s/moved", fixture->directory);
	snprintf(other, sizeof(other), "%s/other", fixture->directory);
	snprintf(in_moved, sizeof(in_moved), "%s/web.sock", moved);
	snprintf(in_other, sizeof(in_other), "%s/web.sock", other);
	assert_int_equal(mkdir(run, 0755) | mkdir(other, 0755), 0);
	make_held(fixture, "unix:/run/web.sock");
	assert_int_equal(rename(run, moved), 0);
	assert_int_equal(symlink(other, run), 0);
	/* The very same socket under the same name: not even its inode tells that the path leads elsewhere. */
	assert_int_equal(link(in_moved, in_other), 0);
	assert_int_equal(stat(in_other, &status), 0);
	assert_int_equal(status.st_ino, fixture->sockets.list[0].path_ino);
	listen_sockets_finish(&fixture->sockets);
	assert_int_equal(access(in_moved, F_OK), -1);
	assert_int_equal(access(in_other, F_OK), 0);
}

/* Between looking at a folder and binding in it its owner may put a link in its place. */
static void a_socket_is_bound_in_the_folder_that_was_looked_at(void **state)
{
	struct fixture *fixture = *state;
	char run[128], moved[128], in_run[160], in_moved[160], in_other[160], long_name[LISTEN_PATH_MAX] = "";
	snprintf(run, sizeof(run), "%s/run", fixture->directory);
	snprintf(in_run, sizeof(in_run), "%s/web.sock", run);
	snprintf(moved, sizeof(moved), "%s/moved", fixture->directory);
	snprintf(in_moved, sizeof(in_moved), "%s/web.sock", moved);
	snprintf(in_other, sizeof(in_other), "%s/web.sock", fixture->directory);
	assert_int_equal(mkdir(run, 0755), 0);
	cleanup_fd int folder_fd = listen_path_folder(in_run);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(rename(run, moved) | symlink(fixture->directory, run), 0);
	memset(long_name, 'x', sizeof(long_name) - 12);
	assert_int_equal(listen_path_bind(fd, folder_fd, long_name), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(listen_path_bind(fd, folder_fd, "web.sock"), 0);
	assert_int_equal(access(in_moved, F_OK), 0);
	assert_int_equal(access(in_other, F_OK), -1);
}

static void only_where_others_could_change_the_path_is_it_not_the_sockets_name(void **state)
{
	struct fixture *fixture = *state;
	for (int i = 0; i < 2; i++) {
		struct failure why;
		struct sockaddr_un name = { 0 };
		struct listen_addresses list = { 0 };
		socklen_t length = sizeof(name);
		assert_int_equal(chown(fixture->directory, i == 0 ? 0 : NOBODY, 0), 0);
		add_address(fixture, "unix:/web.sock", &list);
		if (listen_sockets_make(&fixture->sockets, &list, NOBODY, NOBODY, &why) < 0)
			fail_msg("%s", why.text);
		assert_int_equal(getsockname(fixture->sockets.list[0].fd, (struct sockaddr *)&name, &length), 0);
		assert_int_equal(strncmp(name.sun_path, "/proc/self/fd/", 14) == 0, i == 1);
		assert_int_equal(access(list.list[0].path, F_OK), 0);
		listen_sockets_finish(&fixture->sockets);
		assert_int_equal(access(list.list[0].path, F_OK), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LISTEN_TEST(a_client_waits_in_the_queue_until_a_worker_accepts),
		LISTEN_TEST(without_listening_clients_are_refused_and_with_it_served_again),
		LISTEN_TEST(after_the_last_call_only_who_waits_is_let_in),
		LISTEN_TEST(a_tcp_socket_stays_the_same_descriptor_and_inode),
		LISTEN_TEST(an_address_of_one_family_is_deaf_to_the_other),
		LISTEN_TEST(the_queue_is_as_long_as_the_kernel_allows),
		LISTEN_TEST(a_port_that_another_has_is_refused_and_nothing_is_left),
		LISTEN_TEST(a_port_taken_while_nobody_listened_is_told_and_none_listens),
		cmocka_unit_test(a_port_below_1024_needs_a_right),
		LISTEN_TEST(a_unix_socket_has_its_mode_and_owner_whatever_the_umask),
		LISTEN_TEST(a_stale_path_is_taken_over_and_one_in_use_is_not),
		LISTEN_TEST(what_is_no_socket_stays_where_it_is),
		LISTEN_TEST(a_path_that_became_anothers_is_not_removed),
		LISTEN_TEST(a_stale_socket_is_removed_by_its_inode_only),
		LISTEN_TEST(a_folder_that_was_moved_away_leads_to_nobody_elses_socket),
		LISTEN_TEST(a_socket_is_bound_in_the_folder_that_was_looked_at),
		LISTEN_TEST(only_where_others_could_change_the_path_is_it_not_the_sockets_name),
	};
	return cmocka_run_group_tests_name("listen_socket", tests, NULL, NULL);
}
