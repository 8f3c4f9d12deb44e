/* SPDX-License-Identifier: Apache-2.0 */
/* output: the worker's stderr as it comes: every byte is handed on once, in order, and the last 64 KiB are kept in a
 * ring. Where the bytes go and what they mean is the caller's business. */
#ifndef SUPERVISOR_EDGE_OUTPUT_H
#define SUPERVISOR_EDGE_OUTPUT_H

#include "base/failure.h"
#include "supervisor/edge/loop.h"

#define OUTPUT_RING_BYTES (64 * 1024)

struct output {
	struct loop *loop;
	struct source pipe;
	int worker_fd; /* the worker's end, until it is launched */
	bool paused;
	unsigned char ring[OUTPUT_RING_BYTES];
	uint64_t total_bytes;
	void (*seen)(struct output *output, const void *bytes, size_t count);
	void *owner;
};

/* Makes the pipe and watches our end. */
int output_init(struct output *ret, struct loop *loop, struct failure *why);

/* Closes the worker's end in this process, once it has been launched. */
void output_launched(struct output *output);

/* Stops and goes on reading; while paused the pipe fills and the worker waits. */
void output_pause(struct output *output, bool paused);

/* Reads what is there now, without waiting, at most OUTPUT_DRAIN_MAX bytes: somebody may be writing without end. */
#define OUTPUT_DRAIN_MAX (4 * 1024 * 1024)
void output_drain(struct output *output);

/* Copies the ring's bytes, oldest first; returns how many. */
size_t output_tail(const struct output *output, unsigned char buffer[static OUTPUT_RING_BYTES]);
void output_finish(struct output *output);

#endif
