/* SPDX-License-Identifier: Apache-2.0 */
/* records_table: who reports, and what its records change. A hello has the kernel's word for who sent it; a record of the
 * pipe may be any process's of the worker, and counts for what it claims to be only. */
#include "supervisor/edge/records_internal.h"

#include "supervisor/core/reporters.h"
#include "supervisor/edge/records_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void records_doubt(struct records *records, uint64_t *counter, uint64_t more)
{
	*counter += more;
	if (more > 0 && records->doubted != NULL)
		records->doubted(records);
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

static void take_heartbeat(struct records *records, struct reporter *reporter)
{
	reporter_beats(reporter, loop_now_awake_usec(), loop_now_usec());
	if (records->heartbeat != NULL)
		records->heartbeat(records, reporter);
}

static void mark_closed(struct reporter *reporter)
{
	if (reporter->closed)
		return;
	reporter->closed = true;
	reporter->closed_usec = loop_now_usec();
}

/* A worker thread has nothing else to tell its end; a process's is the kernel's business, where it can be asked. */
static void take_bye(struct records *records, size_t index, const struct heap_record *record)
{
	struct reporter *reporter = &records->reporters[index];
	reporter->said_bye = true;
	reporter->bye_status = record->bye.status;
	if (!reporter->main_isolate || (records->privates[index].end.fd < 0 && records->privates[index].socket.fd < 0))
		mark_closed(reporter);
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

void records_take(struct records *records, const struct heap_record *record)
{
	size_t index = reporters_find(records->reporters, records->reporter_count, (int32_t)record->pid,
				      record->isolate);
	if (record->kind == HEAPWARD_HELLO) {
		records_doubt(records, &records->bad, 1);
		return;
	}
	if (index == records->reporter_count) {
		records_doubt(records, &records->unknown, 1);
		return;
	}
	records->good++;
	if (record->kind == HEAPWARD_GC) {
		records->reporters[index].dropped = record->gc.dropped;
		reporter_collected(&records->reporters[index], record->gc.pause_usec);
		take_heap(records, index, record, &record->gc.heap, &record->gc);
	} else if (record->kind == HEAPWARD_NEAR_LIMIT) {
		take_near_limit(records, index, record);
	} else if (record->kind == HEAPWARD_LISTENING) {
		take_listening(records, &records->reporters[index], &record->listening);
	} else if (record->kind == HEAPWARD_LIMIT) {
		records_take_limit(records, &records->reporters[index], &record->limit);
	} else if (record->kind == HEAPWARD_HEARTBEAT) {
		take_heartbeat(records, &records->reporters[index]);
	} else if (record->kind == HEAPWARD_DRAINED) {
		records->reporters[index].drained = true;
		records_check_drained(records);
	} else if (record->kind == HEAPWARD_BYE) {
		take_bye(records, index, record);
		records_check_drained(records);
	}
}

/* Its worker threads go with it. */
void records_mark_ended(struct records *records, size_t index)
{
	int32_t pid = records->reporters[index].pid;
	mark_closed(&records->reporters[index]);
	for (size_t i = 0; i < records->reporter_count; i++) {
		if (pid != 0 && records->reporters[i].pid == pid && !records->reporters[i].main_isolate)
			mark_closed(&records->reporters[i]);
	}
	if (records->reporters[index].main_isolate && records->ended != NULL)
		records->ended(records, &records->reporters[index]);
	records_check_drained(records);
}

/* The sender's pid as it sees itself, behind the last tab of "NSpid:\t31\t7"; 0 where the process is gone. */
static int32_t own_pid_of(int32_t pid)
{
	char path[40], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	char *at = strstr(text, "\nNSpid:");
	if (at == NULL)
		return 0;
	*strchrnul(at + 1, '\n') = '\0';
	return (int32_t)strtol(strrchr(at, '\t') + 1, NULL, 10);
}

static bool is_forged(const struct heap_record *record, int32_t pid)
{
	int32_t own_pid = pid > 0 ? own_pid_of(pid) : 0;
	return own_pid > 0 && own_pid != (int32_t)record->pid;
}

/* The heap of this process, or of this very isolate, that reports already; reporter_count: none. A process has one main
 * isolate: a second one is a replay, or what it has become by exec(). */
static size_t find_again(const struct records *records, const struct heap_record *record, int32_t pid)
{
	size_t index = reporters_find(records->reporters, records->reporter_count, (int32_t)record->pid,
				      record->isolate);
	if (index < records->reporter_count || (record->flags & HEAPWARD_MAIN_ISOLATE) == 0 || pid == 0)
		return index;
	for (index = 0; index < records->reporter_count; index++) {
		const struct reporter *reporter = &records->reporters[index];
		if (reporter->pid == pid && reporter->main_isolate && !reporter->closed)
			break;
	}
	return index;
}

/* Where the hello's reporter goes; RECORDS_REPORTERS_MAX where it is not to be taken. Whoever is written over takes its
 * evidence along. */
static size_t place_for(struct records *records, const struct heap_record *record, int32_t pid)
{
	size_t index = find_again(records, record, pid);
	if (index < records->reporter_count) {
		/* Somebody else's name, while that one lives. */
		if (records->reporters[index].pid != pid) {
			records_doubt(records, &records->forged, 1);
			return RECORDS_REPORTERS_MAX;
		}
		records_doubt(records, &records->replayed, 1);
	} else {
		index = reporters_place(records->reporters, records->reporter_count, RECORDS_REPORTERS_MAX,
					(record->flags & HEAPWARD_MAIN_ISOLATE) != 0);
	}
	if (index == RECORDS_REPORTERS_MAX) {
		records->lost = true;
		records_doubt(records, &records->refused, 1);
	} else if (index < records->reporter_count && records->reporters[index].near_limit) {
		records->lost = true;
	}
	return index;
}

void records_take_hello(struct records *records, const struct heap_record *record, const struct records_packet *packet)
{
	size_t index = RECORDS_REPORTERS_MAX;
	int32_t pid = packet->pid;
	int private_fd = packet->fd_count == 1 ? packet->fds[0] : -1;
	if (is_forged(record, pid))
		records_doubt(records, &records->forged, 1);
	else
		index = place_for(records, record, pid);
	if (index == RECORDS_REPORTERS_MAX) {
		records_packet_dispose(private_fd);
		records_packet_dispose(packet->pid_fd);
		return;
	}
	if (index == records->reporter_count)
		records->reporter_count++;
	else
		records_unwatch(records, index);
	if (records->series_of == index)
		records->series_count = 0;
	records->good++;
	fill_reporter(&records->reporters[index], record, pid, loop_now_usec());
	records_watch(records, index, private_fd, packet->pid_fd);
	records_tell_late(records, index);
	if (records->hello != NULL)
		records->hello(records, &records->reporters[index]);
}
