/* SPDX-License-Identifier: Apache-2.0 */
/* control_unit: a supervisor's ear in a process of its own, and ways to ask it. */
#ifndef TESTS_UNIT_CONTROL_UNIT_H
#define TESTS_UNIT_CONTROL_UNIT_H

#include "tests/unit/unit.h"

#include "supervisor/edge/control_socket.h"
#include "supervisor/wire/control.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LOOKING_GID 54321u
#define ASK_USEC (10 * USEC_PER_SEC)

struct fixture {
	char directory[64], path[100];
	pid_t server;
	int stop_fd; /* its closing ends the server */
	bool starved; /* the server can open nothing more */
};

/* The reply is the argument and who answers; "large" asks for the largest one, "huge" for one that is too large. */
static inline void answer(struct control_socket *socket UNUSED, const struct control_request *request,
		   struct control_reply *reply)
{
	bool large = strcmp(request->argument, "large") == 0, huge = strcmp(request->argument, "huge") == 0;
	if (large || huge) {
		reply->length = CONTROL_REPLY_MAX + (huge ? 1 : 0);
		reply->text = malloc(reply->length);
		memset(reply->text, 'x', reply->length);
		return;
	}
	if (strcmp(request->argument, "nothing") == 0)
		return;
	reply->result = request->command == CONTROL_READY ? CONTROL_NOT_READY : CONTROL_OK;
	reply->length = (size_t)asprintf(&reply->text, "%d:%s", (int)request->command, request->argument);
}

/* A session of one's own stands for a worker's, but for the test program, which may have one. */
static inline bool may_change(struct control_socket *socket UNUSED, const struct control_peer *peer, char *why, size_t size)
{
	bool own = getsid(peer->pid) == peer->pid && peer->pid != getppid(), lives = control_peer_lives(peer);
	snprintf(why, size, "not allowed: %s", lives ? "stands elsewhere" : "has ended");
	return lives && !own;
}

static inline void stop_ready(struct source *source, uint32_t events UNUSED)
{
	*(bool *)source->owner = true;
}

/* From now on this process has no number left for another descriptor. */
static inline void use_up_descriptors(void)
{
	const struct rlimit limit = { .rlim_cur = 256, .rlim_max = 256 };
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		_exit(4);
	while (dup(STDIN_FILENO) >= 0)
		;
}

/* As the service layer runs it, with its clock ahead by `ahead_usec`, so that patience ends while the test waits. */
static inline void serve(const struct fixture *fixture, int stop_fd, int ready_fd, int64_t ahead_usec)
{
	bool stopped = false;
	static struct control_socket socket;
	struct source stop = { .fd = stop_fd, .ready = stop_ready, .owner = &stopped };
	struct loop loop;
	struct failure why;
	if (loop_init(&loop, &why) < 0 || control_socket_init(&socket, &loop, fixture->path, &why) < 0 ||
	    loop_add(&loop, &stop, 1, &why) < 0)
		_exit(2);
	socket.answer = answer;
	socket.may_change = may_change;
	socket.looking_gid = LOOKING_GID;
	(void)chmod(fixture->path, 0666); /* so that the peer's credentials alone decide */
	close(ready_fd);
	if (fixture->starved)
		use_up_descriptors();
	while (!stopped) {
		int64_t deadline = control_socket_deadline(&socket);
		if (loop_wait(&loop, deadline == USEC_NEVER ? deadline : deadline - ahead_usec, &why) < 0)
			_exit(3);
		control_socket_tick(&socket, loop_now_usec() + ahead_usec);
	}
	control_socket_finish(&socket);
	control_socket_finish(&socket);
	loop_finish(&loop);
	_exit(0);
}

static inline void start_server(struct fixture *fixture, int64_t ahead_usec)
{
	int stop[2], ready[2];
	char byte;
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fixture->server = fork();
	if (fixture->server == 0) {
		close(stop[1]);
		close(ready[0]);
		serve(fixture, stop[0], ready[1], ahead_usec);
	}
	close(stop[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	fixture->stop_fd = stop[1];
}

static inline int stop_server(struct fixture *fixture)
{
	int status;
	close(fixture->stop_fd);
	assert_int_equal(waitpid(fixture->server, &status, 0), fixture->server);
	return status;
}

static inline int set_up_with(void **state, int64_t ahead_usec, bool starved)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .directory = "/tmp/heapward-control-XXXXXX", .starved = starved };
	assert_non_null(mkdtemp(fixture.directory));
	assert_int_equal(chmod(fixture.directory, 0755), 0);
	snprintf(fixture.path, sizeof(fixture.path), "%s/control", fixture.directory);
	start_server(&fixture, ahead_usec);
	*state = &fixture;
	return 0;
}

static inline int set_up(void **state)
{
	return set_up_with(state, 0, false);
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	int status = stop_server(fixture);
	unlink(fixture->path);
	return rmdir(fixture->directory) + status;
}

static inline int ask(const struct fixture *fixture, enum control_command command, const char *argument,
	       struct control_reply *ret, struct failure *why)
{
	struct control_request request = { .command = command };
	snprintf(request.argument, sizeof(request.argument), "%s", argument);
	return control_ask(fixture->path, &request, ASK_USEC, ret, why);
}

#endif
