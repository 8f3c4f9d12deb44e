/* SPDX-License-Identifier: Apache-2.0 */
/* records: the receiving ends of one worker's heap-record pipe and door. Hostile bytes come in, reporters with the
 * kernel's word for their pid come out; bad records are counted and dropped. */
#ifndef SUPERVISOR_EDGE_RECORDS_H
#define SUPERVISOR_EDGE_RECORDS_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"
#include "supervisor/types/heap.h"

#define RECORDS_REPORTERS_MAX 64 /* private sockets of one worker */
#define RECORDS_PIPE_FD 200      /* numbers in the worker; 200 and up with a gap below (mechanisms.md) */
#define RECORDS_DOOR_FD 201

struct records_private {
	struct source source; /* a reporter's private socket; its end of file is the kernel's word that it is gone */
	struct records *records;
	size_t reporter;
};

struct records {
	struct loop *loop;
	struct source pipe, door;         /* our receiving ends */
	int worker_pipe_fd, worker_door_fd; /* the worker's ends, until it is launched */
	struct reporter reporters[RECORDS_REPORTERS_MAX];
	struct records_private privates[RECORDS_REPORTERS_MAX];
	size_t reporter_count;
	struct heap_sample series[HEAP_SERIES_MAX]; /* a ring over the worker's life, thinned as it grows */
	size_t series_count;
	uint64_t good, bad, refused;      /* records; refused: hellos beyond the table */
	void (*hello)(struct records *records, const struct reporter *reporter);      /* a reporter was added */
	void (*near_limit)(struct records *records, const struct reporter *reporter);
	void *owner;
};

/* Makes pipe and door and watches our ends. Callbacks may be NULL. */
int records_init(struct records *ret, struct loop *loop, struct failure *why);

/* Closes the worker's ends in this process, once it has been launched. */
void records_launched(struct records *records);

/* Reads what is there now, without waiting: before a death is judged. */
void records_drain(struct records *records);
void records_finish(struct records *records);

/* "HEAPWARD_AGENT=..." for the worker's environment: descriptor numbers with dev:ino, headroom. */
void records_variable(const struct records *records, uint64_t headroom_bytes, char *text, size_t size);

/* The reporter whose heap matters most (largest share of its limit, near-limit first), NULL where there is none. */
const struct reporter *records_principal(const struct records *records);

#endif
