/* SPDX-License-Identifier: Apache-2.0 */
/* records: see records.h. Knows descriptors, the order in which they are read (the door before the pipe: a hello before
 * the records that it vouches for) and how much of it we do for a worker; must not know what the numbers mean for the
 * service. */
#include "supervisor/edge/records.h"

#include "supervisor/core/reporters.h"
#include "supervisor/edge/records_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PIPE_BYTES (256 * 1024)         /* asked of the kernel; it may say less */
#define READ_BYTES (16 * 1024)          /* of the pipe, at once */
#define DRAIN_BYTES_MAX (4 * 1024 * 1024) /* more than pipe and door hold; a flood must not keep a death waiting */

static void close_source(struct records *records, struct source *source)
{
	if (source->fd < 0)
		return;
	loop_remove(records->loop, source);
	records_packet_dispose(TAKE_FD(source->fd)); /* the door may still hold descriptors */
}

static void stop_hearing(struct records *records)
{
	records->paused = true;
	records->lost = true;
	if (!records->pipe_ended)
		loop_remove(records->loop, &records->pipe);
	if (!records->door_ended)
		loop_remove(records->loop, &records->door);
	records_pause_ends(records);
	records_doubt(records, &records->pauses, 1);
}

void records_charge(struct records *records, uint64_t bytes)
{
	int64_t now = loop_now_usec();
	if (now - records->window_usec >= RECORDS_WINDOW_USEC) {
		records->window_usec = now;
		records->window_bytes = 0;
	}
	records->window_bytes += bytes;
	if (records->window_bytes >= RECORDS_WINDOW_BYTES && !records->paused)
		stop_hearing(records);
}

static void take_bytes(struct records *records, const unsigned char *bytes, size_t count)
{
	struct heap_record record;
	uint64_t bad = records->stream.bad_records;
	while (heap_record_stream_next(&records->stream, &bytes, &count, &record))
		records_take(records, &record);
	if (records->stream.bad_records == bad)
		return;
	records->lost = true; /* what is no record may have been half of one */
	records_doubt(records, &records->bad, records->stream.bad_records - bad);
}

/* Returns the bytes read, 0 where there is nothing now (or ever: pipe_ended). */
static size_t read_pipe(struct records *records)
{
	unsigned char bytes[READ_BYTES];
	if (records->pipe.fd < 0 || records->pipe_ended)
		return 0;
	ssize_t count = read(records->pipe.fd, bytes, sizeof(bytes));
	if (count < 0)
		return 0;
	if (count == 0) {
		/* Its readiness would never end. */
		loop_remove(records->loop, &records->pipe);
		records->pipe_ended = true;
	}
	take_bytes(records, bytes, (size_t)count);
	return (size_t)count;
}

/* Returns what the packet cost. */
static size_t take_packet(struct records *records, struct records_packet *packet)
{
	struct heap_record record;
	size_t closed = 0;
	if (records_packet_is_hello(packet, &record)) {
		records_take_hello(records, &record, packet);
		return RECORDS_HELLO_BYTES;
	}
	records_doubt(records, &records->bad, 1);
	for (size_t i = 0; i < packet->fd_count; i++)
		closed += records_packet_dispose(packet->fds[i]);
	records_packet_dispose(packet->pid_fd);
	return (1 + packet->fd_count + closed) * HEAPWARD_RECORD_BYTES;
}

/* Returns what was read cost, 0 where there is nothing now (or ever: door_ended). */
static size_t read_door(struct records *records, size_t most)
{
	struct records_packet packet;
	size_t cost = 0;
	if (records->door.fd < 0 || records->door_ended)
		return 0;
	while (cost < most && records_packet_receive(records->door.fd, &packet) == 0) {
		if (packet.length == 0 && !packet.has_credentials) {
			records_packet_dispose(packet.pid_fd);
			loop_remove(records->loop, &records->door);
			records->door_ended = true;
			break;
		}
		cost += take_packet(records, &packet);
	}
	return cost;
}

void records_read(struct records *records, size_t most)
{
	for (size_t cost = 0, got = 1; got > 0 && cost < most; cost += got) {
		got = read_door(records, most - cost);
		got += read_pipe(records);
		records_charge(records, got);
	}
	records_close_gone(records);
}

/* The rest comes with the next wake-up, if it is still this window's. */
static void hear(struct source *source, uint32_t events UNUSED)
{
	struct records *records = source->owner;
	size_t cost = read_door(records, RECORDS_WINDOW_BYTES);
	records_charge(records, cost + read_pipe(records));
	if (records->has_gone)
		records_read(records, RECORDS_WINDOW_BYTES);
}

/* A pipe whose both ends never block: ours must not stall the loop, the worker's not a server at its heap limit. */
static int open_pipe(struct records *records, struct failure *why)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return failed(why, errno, "heap records: pipe");
	records->pipe.fd = ends[0];
	records->worker_pipe_fd = ends[1];
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* the kernel's default serves too, with more records dropped */
	return loop_add(records->loop, &records->pipe, EPOLLIN, why);
}

static int open_door(struct records *records, struct failure *why)
{
	int ends[2], yes = 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return failed(why, errno, "heap records: door");
	records->door.fd = ends[0];
	records->worker_door_fd = ends[1];
	if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0)
		return failed(why, errno, "heap records: door: SO_PASSCRED");
	records_packet_want_pid_fds(ends[0]);
	return loop_add(records->loop, &records->door, EPOLLIN, why);
}

int records_init(struct records *ret, struct loop *loop, struct failure *why)
{
	*ret = (struct records){
		.loop = loop,
		.pipe = { .fd = -1, .ready = hear, .owner = ret },
		.door = { .fd = -1, .ready = hear, .owner = ret },
		.worker_pipe_fd = -1,
		.worker_door_fd = -1,
	};
	for (size_t i = 0; i < RECORDS_REPORTERS_MAX; i++)
		ret->privates[i].socket.fd = ret->privates[i].end.fd = -1;
	if (open_pipe(ret, why) == 0 && open_door(ret, why) == 0)
		return 0;
	records_finish(ret);
	return -1;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void records_launched(struct records *records)
{
	close_end(&records->worker_pipe_fd);
	close_end(&records->worker_door_fd);
}

void records_drain(struct records *records)
{
	int32_t ended[RECORDS_REPORTERS_MAX];
	/* Once more for those whose hello was read just now. */
	for (int round = 0; round < 2; round++) {
		records_see_ends(records, ended);
		records_read(records, DRAIN_BYTES_MAX);
		records_take_ends(records, ended);
	}
}

int64_t records_deadline(const struct records *records)
{
	return records->paused ? records->window_usec + RECORDS_WINDOW_USEC : USEC_NEVER;
}

/* Where a source cannot be watched again, memory is out: it is given up, as if its writers had closed it. */
static void watch_again(struct records *records, struct source *source, bool *ended)
{
	struct failure why;
	if (!*ended && loop_add(records->loop, source, EPOLLIN, &why) < 0)
		*ended = true;
}

void records_tick(struct records *records, int64_t now_usec)
{
	if (now_usec < records_deadline(records))
		return;
	records->paused = false;
	records->window_usec = now_usec;
	records->window_bytes = 0;
	watch_again(records, &records->pipe, &records->pipe_ended);
	watch_again(records, &records->door, &records->door_ended);
	records_resume_ends(records);
}

void records_finish(struct records *records)
{
	if (records->loop == NULL)
		return;
	records_launched(records);
	close_source(records, &records->pipe);
	close_source(records, &records->door);
	for (size_t i = 0; i < RECORDS_REPORTERS_MAX; i++)
		records_unwatch(records, i);
	records->loop = NULL;
}

const struct reporter *records_principal(const struct records *records)
{
	return reporters_principal(records->reporters, records->reporter_count);
}
