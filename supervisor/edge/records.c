/* SPDX-License-Identifier: Apache-2.0 */
/* records: see records.h. Knows descriptors and the order in which they are read (the door before the pipe: a hello
 * before the records that it vouches for); must not know what the numbers mean for the service. */
#include "supervisor/edge/records.h"

#include "supervisor/core/reporters.h"
#include "supervisor/edge/records_commands.h"
#include "supervisor/edge/records_packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PIPE_BYTES (256 * 1024)         /* asked of the kernel; it may say less */
#define READ_BYTES (16 * 1024)          /* of the pipe, in one wake-up */
#define HELLOS_PER_WAKE_UP 512          /* more than a socket's buffer holds */
#define DRAIN_BYTES_MAX (4 * 1024 * 1024) /* more than pipe and door hold; a flood must not keep a death waiting */
#define PRIVATE_BYTES_MAX (64 * 1024)   /* ignored on a private socket; then only its end is waited for */

static void private_ready(struct source *source, uint32_t events);

static void close_source(struct records *records, struct source *source)
{
	if (source->fd < 0)
		return;
	loop_remove(records->loop, source);
	close(source->fd);
	source->fd = -1;
}

/* Samples are dated by their sender, which knows better when a batch is late; but only within what we know. */
static int64_t believable_time(int64_t claimed_usec, int64_t earliest_usec, int64_t now_usec)
{
	return claimed_usec < earliest_usec || claimed_usec > now_usec ? now_usec : claimed_usec;
}

static uint64_t size_or_unknown(uint64_t bytes)
{
	return bytes == 0 ? SIZE_UNKNOWN : bytes;
}

static void fill_reporter(struct reporter *reporter, const struct heap_record *record, int32_t pid, int64_t now_usec)
{
	*reporter = (struct reporter){
		.pid = pid,
		.claimed_pid = (int32_t)record->pid,
		.isolate = record->isolate,
		.main_isolate = (record->flags & HEAPWARD_MAIN_ISOLATE) != 0,
		.launcher = (record->flags & HEAPWARD_LAUNCHER) != 0,
		.takes_commands = (record->flags & HEAPWARD_TAKES_COMMANDS) != 0,
		.source = record->hello.source,
		.problem = record->hello.problem,
		.heap_size_limit_bytes = size_or_unknown(record->hello.heap_size_limit_bytes),
		.semi_space_bytes = size_or_unknown(record->hello.semi_space_bytes),
		.old_space_bytes = size_or_unknown(record->hello.old_space_bytes),
		.available_bytes = size_or_unknown(record->hello.available_bytes),
		.hello_usec = now_usec,
		.last = { .after_full_gc_bytes = SIZE_UNKNOWN },
	};
	snprintf(reporter->runtime, sizeof(reporter->runtime), "%s", record->hello.runtime);
	snprintf(reporter->version, sizeof(reporter->version), "%s", record->hello.version);
}

/* A series tells of one heap. It stays with its reporter until one of a higher rank reports: two servers side by side
 * must not tear it to pieces. */
static void add_to_series(struct records *records, size_t index)
{
	const struct reporter *reporter = &records->reporters[index];
	if (records->series_count > 0 && records->series_of != index) {
		if (reporter_rank(reporter) <= reporter_rank(&records->reporters[records->series_of]))
			return;
		records->series_count = 0;
	}
	records->series_of = index;
	heap_series_add(records->series, &records->series_count, &reporter->last);
}

/* `gc`: of the collections before it, NULL where it tells of none. */
static void take_heap(struct records *records, size_t index, const struct heap_record *record,
		      const struct heapward_record_heap *heap, const struct heapward_record_gc *gc)
{
	bool full = gc != NULL && gc->collection == HEAPWARD_COLLECTION_FULL;
	struct heap_sample *last = &records->reporters[index].last;
	int64_t earliest = last->at_usec > 0 ? last->at_usec : records->reporters[index].hello_usec;
	*last = (struct heap_sample){
		.at_usec = believable_time(record->at_usec, earliest, loop_now_usec()),
		.used_bytes = heap->used_bytes,
		.total_bytes = heap->total_bytes,
		.limit_bytes = heap->limit_bytes,
		.external_bytes = heap->external_bytes,
		.available_bytes = heap->available_bytes,
		.after_full_gc_bytes = full ? heap->used_bytes : last->after_full_gc_bytes,
		.pause_usec = gc == NULL ? 0 : gc->pause_usec,
		.full = full,
	};
	if (!records->reporters[index].launcher && heap->external_bytes > records->external_peak_bytes)
		records->external_peak_bytes = heap->external_bytes;
	add_to_series(records, index);
	if (records->sampled != NULL)
		records->sampled(records, &records->reporters[index]);
}

static void take_near_limit(struct records *records, size_t index, const struct heap_record *record)
{
	struct reporter *reporter = &records->reporters[index];
	/* The first one names the limit that was planned; later ones include what was granted. */
	if (!reporter->near_limit)
		reporter->old_space_bytes = size_or_unknown(record->near_limit.old_space_bytes);
	reporter->near_limit = true;
	reporter->near_limit_usec = loop_now_usec();
	if (record->near_limit.granted_bytes <= HEAP_RECORD_SIZE_MAX - reporter->granted_bytes)
		reporter->granted_bytes += record->near_limit.granted_bytes;
	reporter->dropped = record->near_limit.dropped;
	take_heap(records, index, record, &record->near_limit.heap, NULL);
	if (records->near_limit != NULL)
		records->near_limit(records, reporter, record->near_limit.granted_bytes);
}

static void mark_closed(struct reporter *reporter)
{
	if (reporter->closed)
		return;
	reporter->closed = true;
	reporter->closed_usec = loop_now_usec();
}

static void take_bye(struct reporter *reporter, const struct heap_record *record)
{
	reporter->said_bye = true;
	reporter->bye_status = record->bye.status;
	if (!reporter->main_isolate || reporter->source == HEAPWARD_SOURCE_TIMER)
		mark_closed(reporter); /* no socket of its own will tell */
}

static void take_listening(struct records *records, struct reporter *reporter,
			   const struct heapward_record_listening *listening)
{
	if (listening->held > 0)
		reporter->serves |= 1u << (listening->held - 1);
	else if (records->foreign[0] == '\0')
		snprintf(records->foreign, sizeof(records->foreign), "%s", listening->name);
	records->serves |= reporter->serves;
	if (records->listening != NULL)
		records->listening(records, reporter, listening);
}

/* A record of the pipe. Its writer may be any process of the worker: it counts for what it claims to be only. */
static void take_record(struct records *records, const struct heap_record *record)
{
	size_t index = reporters_find(records->reporters, records->reporter_count, (int32_t)record->pid,
				      record->isolate);
	if (record->kind == HEAPWARD_HELLO) {
		records->bad++;
		return;
	}
	if (index == records->reporter_count || records->reporters[index].closed) {
		records->unknown++;
		return;
	}
	records->good++;
	if (record->kind == HEAPWARD_GC) {
		records->reporters[index].dropped = record->gc.dropped;
		take_heap(records, index, record, &record->gc.heap, &record->gc);
	} else if (record->kind == HEAPWARD_NEAR_LIMIT) {
		take_near_limit(records, index, record);
	} else if (record->kind == HEAPWARD_LISTENING) {
		take_listening(records, &records->reporters[index], &record->listening);
	} else if (record->kind == HEAPWARD_DRAINED) {
		records->reporters[index].drained = true;
		records_check_drained(records);
	} else if (record->kind == HEAPWARD_BYE) {
		take_bye(&records->reporters[index], record);
		records_check_drained(records);
	}
}

static void take_bytes(struct records *records, const unsigned char *bytes, size_t count)
{
	struct heap_record record;
	uint64_t bad = records->stream.bad_records;
	while (heap_record_stream_next(&records->stream, &bytes, &count, &record))
		take_record(records, &record);
	records->bad += records->stream.bad_records - bad;
}

/* Returns the bytes read, 0 where there is nothing now (or ever: *ret_ended). */
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

/* The whole process is gone, and its worker threads with it. */
static void mark_process_closed(struct records *records, size_t index)
{
	int32_t pid = records->reporters[index].pid;
	mark_closed(&records->reporters[index]);
	for (size_t i = 0; i < records->reporter_count; i++) {
		if (pid != 0 && records->reporters[i].pid == pid && !records->reporters[i].main_isolate)
			mark_closed(&records->reporters[i]);
	}
	if (records->ended != NULL)
		records->ended(records, &records->reporters[index]);
	records_check_drained(records);
}

/* Where the hello's reporter goes; RECORDS_REPORTERS_MAX where it is not to be taken. */
static size_t place_for(struct records *records, const struct heap_record *record, int32_t pid)
{
	size_t index = reporters_find(records->reporters, records->reporter_count, (int32_t)record->pid,
				      record->isolate);
	if (index < records->reporter_count) {
		/* Somebody else's name, while that one lives. */
		if (records->reporters[index].pid != pid && !records->reporters[index].closed) {
			records->bad++;
			return RECORDS_REPORTERS_MAX;
		}
		return index;
	}
	index = reporters_place(records->reporters, records->reporter_count, RECORDS_REPORTERS_MAX);
	if (index == RECORDS_REPORTERS_MAX)
		records->refused++;
	return index;
}

static void watch_private(struct records *records, size_t index, int fd)
{
	struct failure why;
	struct records_private *private = &records->privates[index];
	*private = (struct records_private){
		.source = { .fd = fd, .ready = private_ready, .owner = private },
		.records = records,
		.reporter = index,
	};
	if (fd >= 0 && loop_add(records->loop, &private->source, EPOLLIN | EPOLLRDHUP, &why) < 0) {
		close(fd);
		private->source.fd = -1;
	}
}

/* Takes the hello and, with it, the private socket `fd` (-1: none). */
static void take_hello(struct records *records, const struct heap_record *record, int32_t pid, int fd)
{
	cleanup_fd int private_fd = fd;
	size_t index = place_for(records, record, pid);
	if (index == RECORDS_REPORTERS_MAX)
		return;
	if (index == records->reporter_count)
		records->reporter_count++;
	else
		close_source(records, &records->privates[index].source);
	if (records->series_of == index)
		records->series_count = 0;
	records->good++;
	fill_reporter(&records->reporters[index], record, pid, loop_now_usec());
	watch_private(records, index, TAKE_FD(private_fd));
	records_tell_late(records, index);
	if (records->hello != NULL)
		records->hello(records, &records->reporters[index]);
}

static void take_packet(struct records *records, struct records_packet *packet)
{
	struct heap_record record;
	if (records_packet_is_hello(packet, &record)) {
		take_hello(records, &record, packet->pid, packet->fd_count == 1 ? packet->fds[0] : -1);
		return;
	}
	records->bad++;
	for (size_t i = 0; i < packet->fd_count; i++)
		close(packet->fds[i]);
}

/* Returns the bytes that the packets count for, 0 where there is none now. */
static size_t read_door(struct records *records)
{
	struct records_packet packet;
	size_t taken = 0;
	if (records->door.fd < 0 || records->door_ended)
		return 0;
	while (taken < HELLOS_PER_WAKE_UP && records_packet_receive(records->door.fd, &packet) == 0) {
		if (packet.length == 0 && !packet.has_credentials) {
			loop_remove(records->loop, &records->door);
			records->door_ended = true;
			break;
		}
		take_packet(records, &packet);
		taken++;
	}
	return taken * HEAPWARD_RECORD_BYTES;
}

static void pause_if_flooded(struct records *records, size_t bytes)
{
	int64_t now = loop_now_usec();
	if (now - records->window_usec >= RECORDS_WINDOW_USEC) {
		records->window_usec = now;
		records->window_bytes = 0;
	}
	records->window_bytes += bytes;
	if (records->window_bytes < RECORDS_WINDOW_BYTES || records->paused)
		return;
	records->paused = true;
	if (!records->pipe_ended)
		loop_remove(records->loop, &records->pipe);
	if (!records->door_ended)
		loop_remove(records->loop, &records->door);
}

static void pipe_ready(struct source *source, uint32_t events UNUSED)
{
	struct records *records = source->owner;
	size_t bytes = read_door(records);
	pause_if_flooded(records, bytes + read_pipe(records));
}

static void door_ready(struct source *source, uint32_t events UNUSED)
{
	struct records *records = source->owner;
	pause_if_flooded(records, read_door(records));
}

/* Reads and forgets what a private socket says; true where there was something. */
static bool read_private(struct records_private *private)
{
	unsigned char bytes[4096];
	struct records *records = private->records;
	if (private->source.fd < 0)
		return false;
	/* MSG_DONTWAIT: the worker may hold this very socket too, and can clear its O_NONBLOCK. */
	ssize_t count = recv(private->source.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (count > 0) {
		private->ignored_bytes += (uint64_t)count;
		return true;
	}
	/* What it wrote before its end is still in the pipe. */
	read_door(records);
	for (size_t bytes_left = DRAIN_BYTES_MAX, got = 1; got > 0 && bytes_left > got; bytes_left -= got)
		got = read_pipe(records);
	close_source(records, &private->source);
	mark_process_closed(records, private->reporter);
	return false;
}

static void private_ready(struct source *source, uint32_t events UNUSED)
{
	struct failure why;
	struct records_private *private = source->owner;
	struct loop *loop = private->records->loop;
	if (!read_private(private) || private->ignored_bytes < PRIVATE_BYTES_MAX)
		return;
	/* It talks too much: only its end counts from here. */
	if (loop_change(loop, &private->source, EPOLLRDHUP, &why) < 0)
		close_source(private->records, &private->source);
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
	return loop_add(records->loop, &records->door, EPOLLIN, why);
}

int records_init(struct records *ret, struct loop *loop, struct failure *why)
{
	*ret = (struct records){
		.loop = loop,
		.pipe = { .fd = -1, .ready = pipe_ready, .owner = ret },
		.door = { .fd = -1, .ready = door_ready, .owner = ret },
		.worker_pipe_fd = -1,
		.worker_door_fd = -1,
	};
	for (size_t i = 0; i < RECORDS_REPORTERS_MAX; i++)
		ret->privates[i].source.fd = -1;
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
	for (size_t left = DRAIN_BYTES_MAX, got = 1; got > 0 && left > got; left -= got)
		got = read_door(records) + read_pipe(records);
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
}

void records_finish(struct records *records)
{
	if (records->loop == NULL)
		return;
	records_launched(records);
	close_source(records, &records->pipe);
	close_source(records, &records->door);
	for (size_t i = 0; i < RECORDS_REPORTERS_MAX; i++)
		close_source(records, &records->privates[i].source);
	records->loop = NULL;
}

const struct reporter *records_principal(const struct records *records)
{
	return reporters_principal(records->reporters, records->reporter_count);
}
