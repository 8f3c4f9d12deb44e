/* SPDX-License-Identifier: Apache-2.0 */
/* output: the worker's stderr on its way through: unchanged and at speed to our own stderr, its last 64 KiB kept in a
 * ring, every byte past the fatal-line scanner. A sink that takes nothing for a second loses lines, never the ring. */
#ifndef SUPERVISOR_EDGE_OUTPUT_H
#define SUPERVISOR_EDGE_OUTPUT_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"

#define OUTPUT_RING_BYTES (64 * 1024)

struct output {
	struct loop *loop;
	struct source pipe, sink; /* sink is watched only while it is full */
	int worker_fd;            /* the worker's end, until it is launched */
	unsigned char ring[OUTPUT_RING_BYTES];
	uint64_t total_bytes, dropped_bytes;
	unsigned char *pending;   /* read, not yet taken by the sink */
	size_t pending_length, pending_at;
	int64_t blocked_since_usec; /* 0: the sink takes bytes */
	bool at_line_start;       /* what the sink has got so far ends in a newline */
	void (*seen)(struct output *output, const void *bytes, size_t count); /* every byte, once, in order */
	void *owner;
};

int output_init(struct output *ret, struct loop *loop, int sink_fd, struct failure *why);
void output_launched(struct output *output);

/* Reads what is there now, without waiting. */
void output_drain(struct output *output);

/* When the blocked sink must be given up, USEC_NEVER where it is not blocked; output_tick does so. */
int64_t output_deadline(const struct output *output);
void output_tick(struct output *output, int64_t now_usec);

/* Copies the ring's bytes, oldest first, into `buffer` of OUTPUT_RING_BYTES; returns how many. */
size_t output_tail(const struct output *output, unsigned char *buffer);
void output_finish(struct output *output);

#endif
