/* SPDX-License-Identifier: Apache-2.0 */
/* records: the receiving ends of one worker's heap-record pipe and door. Hostile bytes come in, reporters with the
 * kernel's word for their pid and their end come out; bad records are counted and dropped. What a worker can reach here
 * is bounded: the table, one window's work, the bytes on a private socket. (A worker with CAP_SYS_ADMIN can send
 * another's pid; it can still only get its own restart.) */
#ifndef SUPERVISOR_EDGE_RECORDS_H
#define SUPERVISOR_EDGE_RECORDS_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"
#include "supervisor/types/heap.h"
#include "supervisor/wire/record.h"

#define RECORDS_REPORTERS_MAX 64 /* processes and worker threads of one worker that report */
#define RECORDS_PIPE_FD 200      /* numbers in the worker; 200 and up with a gap below (mechanisms.md) */
#define RECORDS_DOOR_FD 201
#define RECORDS_LISTEN_FD 202 /* of the first held socket; at most HEAPWARD_LISTEN_MAX */

/* Room for records_variable: numbers, and a UNIX path of which every byte is escaped, for each held socket. */
#define RECORDS_VARIABLE_MAX (256 + HEAPWARD_LISTEN_MAX * 416)

/* A worker that makes more work than this in a window is not heard until the window is over: it loses records, and we no
 * time. Work is counted in bytes of the pipe; a hello and a descriptor cost more than their bytes. 64 heaps that collect
 * as fast as they can stay far below. */
#define RECORDS_WINDOW_USEC (100 * USEC_PER_MSEC)
#define RECORDS_WINDOW_BYTES (256 * 1024)
#define RECORDS_HELLO_BYTES 1024 /* one that opens a socket, a pidfd, a file of /proc */

struct records_private {
	struct source socket; /* a reporter's private socket, -1: none */
	struct source end;    /* pidfd of its process, -1: there was none to be had, the socket's end has to do */
	struct records *records;
	size_t reporter;
	bool gone;              /* it had ended before its hello was read: closed once the pipe has been read, too */
	uint64_t ignored_bytes; /* nobody has anything to say on the socket yet */
};

/* A held socket as the worker is told of it. */
struct records_listen {
	int fd;           /* ours */
	const char *name; /* as in the policy: "tcp:3000", "unix:/run/web.sock" */
};

struct records {
	struct loop *loop;
	struct source pipe, door;         /* our receiving ends */
	int worker_pipe_fd, worker_door_fd; /* the worker's ends, until it is launched */
	struct heap_record_stream stream;
	struct reporter reporters[RECORDS_REPORTERS_MAX];
	struct records_private privates[RECORDS_REPORTERS_MAX];
	size_t reporter_count;
	struct heap_sample series[HEAP_SERIES_MAX]; /* of series_of, oldest first, over its whole life */
	size_t series_count;
	size_t series_of;                 /* index of the reporter; valid where series_count > 0 */
	uint64_t external_peak_bytes;     /* the most that one server's heap held outside */
	uint64_t good, bad, unknown;      /* records; unknown: of nobody who said hello */
	uint64_t forged, replayed, refused; /* hellos in another's name, once more, and beyond the table */
	uint64_t pauses;                  /* windows that were too full */
	bool lost;                        /* of what could be evidence, some was not heard or not believed */
	int64_t window_usec;              /* when the window began */
	uint64_t window_bytes;            /* work since */
	bool paused, has_gone;
	bool pipe_ended, door_ended;      /* every writer has closed it */
	uint32_t serves;                  /* held sockets that some reporter listens on, as a bit each */
	char foreign[sizeof(((struct heapward_record_listening *)0)->name)]; /* the first socket that it listens on
						 without us holding it, "tcp:9464"; "": none */
	uint64_t old_space_bytes;         /* that every reporter is told to take while it runs; 0: none */
	bool draining, last, drained;     /* told to, as the last one; and all who were told have done so: it was called back */
	void (*hello)(struct records *records, const struct reporter *reporter);      /* a reporter was added */
	void (*near_limit)(struct records *records, const struct reporter *reporter,
			   uint64_t newly_granted_bytes);
	void (*ended)(struct records *records, const struct reporter *reporter);      /* its process has gone */
	void (*sampled)(struct records *records, const struct reporter *reporter);    /* heap figures have come: its last */
	void (*heartbeat)(struct records *records, const struct reporter *reporter);  /* its event loop turns */
	/* A server listens. `held` is 1 and up for a held socket; the name is printable ASCII without spaces. */
	void (*listening)(struct records *records, const struct reporter *reporter,
			  const struct heapward_record_listening *listening);
	/* An answer to records_send_old_space has come, or an old space that waited was taken. */
	void (*limit)(struct records *records, const struct reporter *reporter, const struct heapward_record_limit *limit);
	/* Once after records_send_drain: each one who was told has no connection open, or is gone. */
	void (*drained_all)(struct records *records);
	void (*doubted)(struct records *records);                                     /* a count other than good rose */
	void *owner;
};

/* Makes pipe and door and watches our ends. Callbacks may be NULL; set them and `owner` after it. On failure nothing
 * is left open. */
int records_init(struct records *ret, struct loop *loop, struct failure *why);

/* Closes the worker's ends in this process, once it has been launched. */
void records_launched(struct records *records);

/* Reads what is there now, without waiting, and sees who has ended: before a death is judged. How they ended is known
 * only once their parents have heard of it: at the last call, when nobody of the worker lives. */
void records_drain(struct records *records);

/* When a worker that sent too much is heard again, USEC_NEVER where none is paused; records_tick does so. */
int64_t records_deadline(const struct records *records);
void records_tick(struct records *records, int64_t now_usec);

/* Safe on a zeroed struct and after a failed records_init. */
void records_finish(struct records *records);

/* "HEAPWARD_AGENT=..." for the worker's environment: descriptor numbers with dev:ino, headroom, how often a heartbeat is
 * wanted (0: never), held sockets (the first one is RECORDS_LISTEN_FD in the worker, and so on). Only before
 * records_launched; `size` is at least RECORDS_VARIABLE_MAX. */
void records_variable(const struct records *records, uint64_t headroom_bytes, uint64_t heartbeat_msec,
		      const struct records_listen *listen, size_t listen_count, char *text, size_t size);

/* Tells every reporter that takes commands to drain (`last`: what waits in the held sockets' queues first, for nobody
 * follows), and those that say hello from now on. Returns how many living
 * ones have been told; 0: nobody can be, and drained_all will not be called. Never waits: one whose socket is full is left
 * out. A second call tells those that were left out. */
size_t records_send_drain(struct records *records, bool last);

/* Tells every reporter that takes commands to take this old space, and those that say hello from now on. Returns how
 * many living ones have been told. Never waits: one whose socket is full is left out. */
size_t records_send_old_space(struct records *records, uint64_t old_space_bytes);

/* How many servers (main isolates, no launchers) live, and how many of them take commands. */
size_t records_servers(const struct records *records, size_t *ret_takes_commands);

/* The reporter whose heap matters most (servers before launchers, the living before the gone, near-limit first, then
 * the largest share of its limit), NULL where there is none. */
const struct reporter *records_principal(const struct records *records);

#endif
