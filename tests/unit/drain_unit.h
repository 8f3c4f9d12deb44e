/* SPDX-License-Identifier: Apache-2.0 */
/* drain_unit: for test_drain, what a supervisor does about held sockets, by hand: it makes one, starts workers on it and
 * clients beside them, and hears both. */
#ifndef TESTS_UNIT_DRAIN_UNIT_H
#define TESTS_UNIT_DRAIN_UNIT_H

#include "tests/unit/unit.h"

#include "supervisor/edge/libexec.h"
#include "supervisor/edge/records.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PATIENCE_USEC (60 * USEC_PER_SEC)
#define LIFE_MAX_SEC 100

struct process {
	pid_t pid;
	int in_fd, out_fd;
	char output[4096]; /* stdout and stderr */
	size_t length;
	int status;
};

struct worker {
	struct process process;
	struct records records;
	bool drained;
	uint64_t collections; /* records of a heap that came */
};

static struct loop loop;

/* The held socket in use, and both that there are. */
static struct {
	int fd, tcp_fd, unix_fd;
	char name[256], place[128], path[100], port[8];
} held;

static inline void serve_path(bool is_path)
{
	held.fd = is_path ? held.unix_fd : held.tcp_fd;
	snprintf(held.place, sizeof(held.place), "%s", is_path ? held.path : held.port);
	snprintf(held.name, sizeof(held.name), "%s:%s", is_path ? "unix" : "tcp", held.place);
}

static inline int hold_sockets(void **state UNUSED)
{
	struct failure why;
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(address);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_init(&loop, &why), 0);
	held.tcp_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(held.tcp_fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(held.tcp_fd, (struct sockaddr *)&address, &size), 0);
	snprintf(held.port, sizeof(held.port), "%d", ntohs(address.sin6_port));
	held.unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(held.path, sizeof(held.path), "/tmp/heapward test %d.sock", (int)getpid());
	snprintf(path.sun_path, sizeof(path.sun_path), "%s", held.path);
	assert_int_equal(bind(held.unix_fd, (struct sockaddr *)&path, sizeof(path)), 0);
	assert_int_equal(listen(held.tcp_fd, 4096) | listen(held.unix_fd, 4096), 0);
	serve_path(false);
	return 0;
}

static inline int give_sockets_up(void **state UNUSED)
{
	close(held.tcp_fd);
	close(held.unix_fd);
	unlink(held.path);
	loop_finish(&loop);
	return 0;
}

static inline void hear(struct process *process)
{
	ssize_t count;
	while ((count = read(process->out_fd, process->output + process->length,
			     sizeof(process->output) - 1 - process->length)) > 0)
		process->length += (size_t)count;
	process->output[process->length] = '\0';
}

static inline void wait_a_little(void)
{
	struct failure why;
	assert_int_equal(loop_wait(&loop, loop_now_usec() + 5 * USEC_PER_MSEC, &why), 0);
}

static inline void wait_output(struct process *process, const char *text)
{
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; strstr(process->output, text) == NULL; hear(process)) {
		if (loop_now_usec() > end)
			fail_msg("\"%s\" is not in: %s", text, process->output);
		wait_a_little();
	}
}

/* Returns in the child only. */
static inline bool start_process(struct process *ret)
{
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	*ret = (struct process){ .in_fd = in[1], .out_fd = out[0], .pid = fork() };
	assert_true(ret->pid >= 0);
	if (ret->pid == 0) {
		alarm(LIFE_MAX_SEC);
		dup2(in[0], 0), dup2(out[1], 1), dup2(out[1], 2);
		return true;
	}
	fcntl(ret->out_fd, F_SETFL, O_NONBLOCK);
	close(in[0]);
	close(out[1]);
	return false;
}

static inline void start_client(struct process *ret, const char *kind, const char *url)
{
	if (!start_process(ret))
		return;
	unsetenv("NODE_OPTIONS");
	execlp("node", "node", TESTS_SOURCE "/agent/client.js", kind, held.place, url, (char *)NULL);
	_exit(122);
}

static inline void let_go_on(struct process *process)
{
	assert_int_equal(write(process->in_fd, "x", 1), 1);
	close(process->in_fd);
}

static inline void wait_end(struct process *process)
{
	int64_t end = loop_now_usec() + PATIENCE_USEC;
	while (waitpid(process->pid, &process->status, WNOHANG) == 0) {
		if (loop_now_usec() > end)
			fail_msg("pid %d does not end: %s", (int)process->pid, process->output);
		wait_a_little();
		hear(process);
	}
	hear(process);
	close(process->out_fd);
}

static inline void on_drained(struct records *records)
{
	((struct worker *)records->owner)->drained = true;
}

static inline void on_sampled(struct records *records, const struct reporter *reporter UNUSED)
{
	((struct worker *)records->owner)->collections++;
}

static inline void __attribute__((noreturn)) become_worker(const struct records *records, const char *options,
							   const char *kind)
{
	char path[4096], all[8192], variable[RECORDS_VARIABLE_MAX];
	const struct records_listen listen = { held.fd, held.name };
	struct failure why;
	if (libexec_path("agent.cjs", path, sizeof(path), &why) < 0)
		_exit(120);
	snprintf(all, sizeof(all), "--require \"%s\" %s", path, options);
	setenv("NODE_OPTIONS", all, 1);
	records_variable(records, 0, 0, &listen, 1, variable, sizeof(variable));
	putenv(variable);
	if (dup2(records->worker_pipe_fd, RECORDS_PIPE_FD) < 0 || dup2(records->worker_door_fd, RECORDS_DOOR_FD) < 0 ||
	    dup2(held.fd, RECORDS_LISTEN_FD) < 0)
		_exit(121);
	execlp("node", "node", TESTS_SOURCE "/agent/server.js", kind, held.place, (char *)NULL);
	_exit(122);
}

static inline void start_worker(struct worker *ret, const char *options, const char *kind)
{
	struct failure why;
	*ret = (struct worker){ 0 };
	assert_int_equal(records_init(&ret->records, &loop, &why), 0);
	ret->records.owner = ret;
	ret->records.drained_all = on_drained;
	ret->records.sampled = on_sampled;
	if (start_process(&ret->process))
		become_worker(&ret->records, options, kind);
	records_launched(&ret->records);
}

static inline void wait_serving(struct worker *worker)
{
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; worker->records.serves == 0; hear(&worker->process)) {
		if (loop_now_usec() > end)
			fail_msg("it does not listen: %s", worker->process.output);
		wait_a_little();
	}
}

/* Until so many of its heaps have said hello: each of a cluster's workers does so a while after it serves. */
static inline void wait_reporters(struct worker *worker, size_t wanted)
{
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; worker->records.reporter_count < wanted; hear(&worker->process)) {
		if (loop_now_usec() > end)
			fail_msg("%zu of %zu have said hello: %s", worker->records.reporter_count, wanted, worker->process.output);
		wait_a_little();
	}
}

/* What comes meanwhile is heard. */
static inline void pass_msec(int msec)
{
	for (int64_t end = loop_now_usec() + msec * USEC_PER_MSEC; loop_now_usec() < end;)
		wait_a_little();
}

static inline void drain(struct worker *worker)
{
	assert_true(records_send_drain(&worker->records, false) > 0);
}

static inline bool is_drained_within_msec(struct worker *worker, int msec)
{
	int64_t end = loop_now_usec() + msec * USEC_PER_MSEC;
	while (!worker->drained && loop_now_usec() < end)
		wait_a_little();
	return worker->drained;
}

static inline void wait_drained(struct worker *worker)
{
	if (!is_drained_within_msec(worker, PATIENCE_USEC / USEC_PER_MSEC))
		fail_msg("it does not drain: %s", worker->process.output);
}

static inline void end_worker(struct worker *worker)
{
	kill(worker->process.pid, SIGTERM);
	wait_end(&worker->process);
	close(worker->process.in_fd);
	records_finish(&worker->records);
}

#endif
