/* SPDX-License-Identifier: Apache-2.0 */
/* output: see output.h. */
#include "supervisor/edge/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define CHUNK_BYTES (64 * 1024)
#define PIPE_BYTES (256 * 1024) /* fewer wake-ups for a talkative worker; the kernel may refuse, which is no fault */

static void keep(struct output *output, const unsigned char *bytes, size_t count)
{
	if (count > OUTPUT_RING_BYTES) {
		output->total_bytes += count - OUTPUT_RING_BYTES;
		bytes += count - OUTPUT_RING_BYTES;
		count = OUTPUT_RING_BYTES;
	}
	size_t at = output->total_bytes % OUTPUT_RING_BYTES;
	size_t first = count < OUTPUT_RING_BYTES - at ? count : OUTPUT_RING_BYTES - at;
	memcpy(output->ring + at, bytes, first);
	memcpy(output->ring, bytes + first, count - first);
	output->total_bytes += count;
}

/* One read. Returns the bytes read; 0 where nothing is there now; -1 where the pipe is at its end. */
static ssize_t take(struct output *output)
{
	unsigned char chunk[CHUNK_BYTES];
	ssize_t count = read(output->pipe.fd, chunk, sizeof(chunk));
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (count == 0)
		return -1;
	keep(output, chunk, (size_t)count);
	output->seen(output, chunk, (size_t)count);
	return count;
}

/* Everybody who could write has gone: there is nothing to be woken for any more. */
static void close_pipe(struct output *output)
{
	if (output->pipe.fd < 0)
		return;
	loop_remove(output->loop, &output->pipe);
	close(TAKE_FD(output->pipe.fd));
}

static void readable(struct source *source, uint32_t events UNUSED)
{
	struct output *output = source->owner;
	if (take(output) < 0)
		close_pipe(output);
}

int output_init(struct output *output, struct loop *loop, struct failure *why)
{
	int ends[2];
	*output = (struct output){ .loop = loop, .worker_fd = -1 };
	output->pipe = (struct source){ .fd = -1, .ready = readable, .owner = output };
	if (pipe2(ends, O_CLOEXEC) < 0)
		return failed(why, errno, "pipe for stderr");
	output->pipe.fd = ends[0];
	output->worker_fd = ends[1];
	/* Only our end: the worker's must block, or its writes would fail where a terminal's would not. */
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return failed(why, errno, "pipe for stderr: O_NONBLOCK");
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	return loop_add(loop, &output->pipe, EPOLLIN, why);
}

void output_launched(struct output *output)
{
	cleanup_close(&output->worker_fd);
	output->worker_fd = -1;
}

void output_pause(struct output *output, bool paused)
{
	struct failure ignored; /* changing the events of a watched descriptor cannot fail for want of anything */
	if (output->pipe.fd < 0 || output->paused == paused)
		return;
	output->paused = paused;
	/* Without EPOLLIN the end of the pipe would still be reported, again and again: not watched at all. */
	if (paused)
		loop_remove(output->loop, &output->pipe);
	else
		(void)loop_add(output->loop, &output->pipe, EPOLLIN, &ignored);
}

void output_drain(struct output *output)
{
	for (size_t drained = 0; output->pipe.fd >= 0 && drained < OUTPUT_DRAIN_MAX;) {
		ssize_t count = take(output);
		if (count < 0)
			close_pipe(output);
		if (count <= 0)
			return;
		drained += (size_t)count;
	}
}

size_t output_tail(const struct output *output, unsigned char buffer[static OUTPUT_RING_BYTES])
{
	if (output->total_bytes <= OUTPUT_RING_BYTES) {
		memcpy(buffer, output->ring, (size_t)output->total_bytes);
		return (size_t)output->total_bytes;
	}
	size_t at = output->total_bytes % OUTPUT_RING_BYTES;
	memcpy(buffer, output->ring + at, OUTPUT_RING_BYTES - at);
	memcpy(buffer + OUTPUT_RING_BYTES - at, output->ring, at);
	return OUTPUT_RING_BYTES;
}

void output_finish(struct output *output)
{
	output_launched(output);
	close_pipe(output);
}
