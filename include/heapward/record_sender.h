/* SPDX-License-Identifier: Apache-2.0 */
/* heapward/record_sender.h: libheapward-record, which sends heap records (heapward/record.h) for any C or C++ program
 * that has a managed heap. No call blocks, prints, raises a signal or changes errno's meaning for the program: without
 * a supervisor, or with one that went away, they do nothing. One sender belongs to one heap and is not locked: its
 * calls must not overlap. The send functions may be called from a collector's callbacks and from signal handlers. */
#ifndef HEAPWARD_RECORD_SENDER_H
#define HEAPWARD_RECORD_SENDER_H

#include <heapward/record.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct heapward_record_sender;

/* Who is sending. Texts are copied, and cut where they are too long. */
struct heapward_record_identity {
	const char *runtime, *version;
	uint64_t isolate;
	unsigned flags;           /* enum heapward_record_flag */
	unsigned source, problem; /* enum heapward_record_source, heapward_record_problem */
	uint64_t heap_size_limit_bytes, old_space_bytes, semi_space_bytes, available_bytes; /* 0: not known */
};

/* Finds the supervisor through HEAPWARD_AGENT and says hello. Returns NULL, with errno, where there is none (ENOENT: no
 * variable; EINVAL: not one of ours; EBADF: its descriptors are not here) or no memory. A hello that finds the door full is said again before the next record.
 * heapward_record_close gives the sender back; the supervisor sees the end of a main isolate. NULL is fine. */
struct heapward_record_sender *heapward_record_open(const struct heapward_record_identity *identity);
void heapward_record_close(struct heapward_record_sender *sender);

/* The same for a program that holds the variable's value itself (NULL: there is none). */
struct heapward_record_sender *heapward_record_open_with(const char *variable,
							 const struct heapward_record_identity *identity);

/* What the supervisor lets this heap add to its limit, once, when it is reached. */
uint64_t heapward_record_headroom_bytes(const struct heapward_record_sender *sender);

/* How often to call heapward_record_send_heartbeat from the event loop; 0: nobody listens for heartbeats of this process. */
uint64_t heapward_record_heartbeat_msec(const struct heapward_record_sender *sender);

/* Records that were not sent: the pipe was full, or not ours any more. */
uint64_t heapward_record_dropped(const struct heapward_record_sender *sender);

/* Our end of the private socket, where commands (struct heapward_command) come down; -1: a worker thread has none. Who
 * sets HEAPWARD_TAKES_COMMANDS reads it, and leaves it open: its end is the end of the process. */
int heapward_record_commands_fd(const struct heapward_record_sender *sender);

/* The bodies are as in heapward/record.h, in the machine's own byte order; `dropped` is filled in. Each returns 0, or -1 where the record was dropped. A NULL sender drops. */
int heapward_record_send_gc(struct heapward_record_sender *sender, const struct heapward_record_gc *gc);
int heapward_record_send_near_limit(struct heapward_record_sender *sender,
				    const struct heapward_record_near_limit *near_limit);
int heapward_record_send_listening(struct heapward_record_sender *sender,
				   const struct heapward_record_listening *listening);
int heapward_record_send_heartbeat(struct heapward_record_sender *sender);
int heapward_record_send_drained(struct heapward_record_sender *sender);
int heapward_record_send_limit(struct heapward_record_sender *sender, const struct heapward_record_limit *limit);
int heapward_record_send_bye(struct heapward_record_sender *sender, enum heapward_record_leaving leaving, int status);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
