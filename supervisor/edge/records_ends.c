/* SPDX-License-Identifier: Apache-2.0 */
/* records_ends: the private sockets of reporters, on which nobody says anything yet, and the ends of their processes by
 * pidfd: a socket is closed by anybody who holds it, a process ends only once. */
#include "supervisor/edge/records_internal.h"

#include "supervisor/edge/records_commands.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PRIVATE_BYTES_MAX (64 * 1024) /* ignored on a private socket; then only its end is waited for */

/* linux/pidfd.h of kernel 6.15, which Debian 12's headers do not have. */
struct pidfd_exit_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t status; /* as of wait() */
};
#define PIDFD_EXIT_INFO _IOWR(0xff, 11, struct pidfd_exit_info)
#define PIDFD_EXIT_INFO_STATUS 8

static void close_socket(struct records *records, struct records_private *private)
{
	if (private->socket.fd < 0)
		return;
	loop_remove(records->loop, &private->socket);
	records_packet_dispose(TAKE_FD(private->socket.fd));
}

/* What the process wrote before its end is still in the door and the pipe. */
static void end(struct records *records, size_t index)
{
	records_read(records, RECORDS_WINDOW_BYTES);
	records_mark_ended(records, index);
}

/* Reads and forgets what the socket says. Where no pidfd could be had, its end is the process's. */
static void socket_ready(struct source *source, uint32_t events UNUSED)
{
	struct failure why;
	struct records_private *private = source->owner;
	struct records *records = private->records;
	ssize_t cost = records_packet_discard(source->fd);
	if (cost == 0)
		return;
	if (cost < 0) {
		close_socket(records, private);
		if (private->end.fd < 0)
			end(records, private->reporter);
		records_check_drained(records);
		return;
	}
	private->ignored_bytes += (uint64_t)cost;
	records_charge(records, (uint64_t)cost);
	if (private->ignored_bytes < PRIVATE_BYTES_MAX || records->paused)
		return;
	/* It talks too much: only its end counts from here. */
	if (loop_change(records->loop, source, EPOLLRDHUP, &why) < 0)
		close_socket(records, private);
}

static void end_came(struct source *source, uint32_t events UNUSED)
{
	struct records_private *private = source->owner;
	loop_remove(private->records->loop, source);
	end(private->records, private->reporter);
}

static void add(struct records *records, struct source *source, uint32_t events)
{
	struct failure why;
	if (source->fd >= 0 && loop_add(records->loop, source, events, &why) < 0)
		records_packet_dispose(TAKE_FD(source->fd));
}

static uint32_t socket_events(const struct records_private *private)
{
	return private->ignored_bytes < PRIVATE_BYTES_MAX ? EPOLLIN | EPOLLRDHUP : EPOLLRDHUP;
}

/* A pidfd stays open, unwatched, after the end: how it ended is asked last. */
static bool waits_for_end(const struct records *records, size_t index)
{
	return records->privates[index].end.fd >= 0 && !records->reporters[index].closed;
}

void records_watch(struct records *records, size_t index, int private_fd, int pid_fd)
{
	int32_t pid = records->reporters[index].pid;
	errno = 0;
	if (pid_fd < 0 && pid > 0)
		pid_fd = pidfd_open(pid, 0);
	struct records_private *private = &records->privates[index];
	*private = (struct records_private){
		.socket = { .fd = private_fd, .ready = socket_ready, .owner = private },
		.end = { .fd = pid_fd, .ready = end_came, .owner = private },
		.records = records,
		.reporter = index,
	};
	private->gone = pid_fd < 0 && errno == ESRCH;
	records->has_gone |= private->gone;
	records->reporters[index].unseen = private->gone;
	if (records->paused)
		return;
	add(records, &private->socket, socket_events(private));
	add(records, &private->end, EPOLLIN);
}

void records_close_gone(struct records *records)
{
	if (!records->has_gone)
		return;
	records->has_gone = false;
	for (size_t i = 0; i < records->reporter_count; i++) {
		if (!records->privates[i].gone)
			continue;
		records->privates[i].gone = false;
		close_socket(records, &records->privates[i]);
		records_mark_ended(records, i);
	}
}

void records_unwatch(struct records *records, size_t index)
{
	struct records_private *private = &records->privates[index];
	close_socket(records, private);
	loop_remove(records->loop, &private->end);
	cleanup_close(&private->end.fd);
	private->end.fd = -1;
}

void records_pause_ends(struct records *records)
{
	for (size_t i = 0; i < records->reporter_count; i++) {
		loop_remove(records->loop, &records->privates[i].socket);
		loop_remove(records->loop, &records->privates[i].end);
	}
}

void records_resume_ends(struct records *records)
{
	for (size_t i = 0; i < records->reporter_count; i++) {
		struct records_private *private = &records->privates[i];
		add(records, &private->socket, socket_events(private));
		if (waits_for_end(records, i))
			add(records, &private->end, EPOLLIN);
	}
}

/* Only of one whose own parent has heard of it; older kernels do not know the question. */
static void learn_end(const struct records_private *private, struct reporter *reporter)
{
	struct pidfd_exit_info info = { .mask = PIDFD_EXIT_INFO_STATUS };
	if (private->end.fd < 0 || reporter->end_known || ioctl(private->end.fd, PIDFD_EXIT_INFO, &info) < 0 ||
	    (info.mask & PIDFD_EXIT_INFO_STATUS) == 0)
		return;
	reporter->end_known = true;
	reporter->end_code = WIFEXITED(info.status) ? CLD_EXITED : CLD_KILLED;
	reporter->end_status = WIFEXITED(info.status) ? WEXITSTATUS(info.status) : WTERMSIG(info.status);
}

void records_see_ends(const struct records *records, int32_t ret_pids[static RECORDS_REPORTERS_MAX])
{
	for (size_t i = 0; i < RECORDS_REPORTERS_MAX; i++) {
		struct pollfd process = { .fd = records->privates[i].end.fd, .events = POLLIN };
		bool waits = i < records->reporter_count && waits_for_end(records, i);
		ret_pids[i] = waits && poll(&process, 1, 0) == 1 ? records->reporters[i].pid : 0;
	}
}

void records_take_ends(struct records *records, const int32_t pids[static RECORDS_REPORTERS_MAX])
{
	for (size_t i = 0; i < records->reporter_count; i++) {
		struct reporter *reporter = &records->reporters[i];
		if (pids[i] != 0 && pids[i] == reporter->pid && !reporter->closed) {
			loop_remove(records->loop, &records->privates[i].end);
			records_mark_ended(records, i);
		}
		learn_end(&records->privates[i], reporter);
	}
}
