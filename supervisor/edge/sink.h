/* SPDX-License-Identifier: Apache-2.0 */
/* sink: our own stderr as a place to write to without ever waiting for it. What it does not take at once is held, up to
 * a bound; a sink that takes nothing for a second loses whole lines until it takes bytes again. */
#ifndef SUPERVISOR_EDGE_SINK_H
#define SUPERVISOR_EDGE_SINK_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"

#define SINK_PENDING_MAX (256 * 1024)
#define SINK_PATIENCE_USEC USEC_PER_SEC

/* How the descriptor is written without waiting and without touching flags that other processes share. */
enum sink_manner {
	SINK_FILE,   /* a regular file never makes one wait */
	SINK_OWN,    /* pipe or terminal, opened anew through /proc/self/fd: O_NONBLOCK is ours alone */
	SINK_SOCKET, /* MSG_DONTWAIT */
	SINK_POLL    /* none of these: poll, then at most PIPE_BUF bytes */
};

struct sink {
	struct loop *loop;
	struct source source; /* watched for EPOLLOUT only while blocked; fd is ours to close unless `borrowed` */
	enum sink_manner manner;
	bool borrowed, blocked, dropping;
	int64_t blocked_since_usec;
	unsigned char *pending;
	size_t pending_length, pending_at;
	char last;            /* last byte that the sink took, or holds for it; '\n' at the start */
	uint64_t dropped_bytes; /* in all */
	uint64_t dropped_now;   /* since the sink stopped taking bytes */
	void (*flow)(struct sink *sink, bool blocked);         /* stopped taking bytes, takes them again or was given up */
	void (*resumed)(struct sink *sink, uint64_t dropped);  /* takes bytes again after that many were dropped */
	void *owner;
};

/* Callbacks may be NULL; owner and callbacks are set by the caller after init. */
int sink_init(struct sink *ret, struct loop *loop, int fd, struct failure *why);

/* Writes bytes of the worker, unchanged. */
void sink_write(struct sink *sink, const void *bytes, size_t count, int64_t now_usec);

/* Writes a line of our own, after a newline where the worker's last line is unfinished. */
void sink_line(struct sink *sink, const char *line, size_t length, int64_t now_usec);

/* When a blocked sink is to be given up, USEC_NEVER where it is not blocked; sink_tick does it. */
int64_t sink_deadline(const struct sink *sink);
void sink_tick(struct sink *sink, int64_t now_usec);

/* Writes out what is held, waiting at most SINK_PATIENCE_USEC, and releases. Safe on a zeroed struct. */
void sink_finish(struct sink *sink);

#endif
