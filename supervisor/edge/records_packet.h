/* SPDX-License-Identifier: Apache-2.0 */
/* records_packet: one packet of the door taken apart: its bytes, the kernel's word for who sent it, the descriptors
 * that came with it; and how to be rid of those. Internal to edge/records*.c. */
#ifndef SUPERVISOR_EDGE_RECORDS_PACKET_H
#define SUPERVISOR_EDGE_RECORDS_PACKET_H

#include "supervisor/wire/record.h"

/* As many as one packet can bring (the kernel's SCM_MAX_FD): what finds no room is closed by the kernel, in our time and
 * without our care. */
#define RECORDS_PACKET_FDS_MAX 253

struct records_packet {
	unsigned char bytes[HEAPWARD_RECORD_BYTES + 1]; /* one more, to see that it is longer */
	ssize_t length;
	uint32_t uid; /* by the kernel; UINT32_MAX: not known */
	int32_t pid;  /* by the kernel; 0: from outside our PID namespace, or there was no packet but the end */
	int pid_fd;   /* pidfd of the same, where SO_PASSPIDFD asks for it (kernel 6.5); -1: none */
	bool has_credentials, cut;
	int fds[RECORDS_PACKET_FDS_MAX];
	size_t fd_count;
};

/* Has the kernel send a pidfd with each packet, where it can: of processes that are gone, too (6.16). */
void records_packet_want_pid_fds(int fd);

/* Returns 0, or -1 where nothing is there now. The end of the door reads as an empty packet without credentials. The
 * descriptors belong to the caller. */
int records_packet_receive(int fd, struct records_packet *ret);

/* The same for packets of another size and another socket that has SO_PASSCRED: the bytes go into `buffer`. */
int records_packet_receive_into(int fd, void *buffer, size_t size, struct records_packet *ret);

/* True for a whole hello, decoded into *ret, with the one descriptor that its kind has: a main isolate at most one, an
 * AF_UNIX stream socket; a worker thread none. */
bool records_packet_is_hello(const struct records_packet *packet, struct heap_record *ret);

/* Closes a descriptor that came from a worker, and what lies in its queue if it is a socket. A plain close() can wait for
 * as long as the worker likes (SO_LINGER). Returns how many descriptors were closed. */
size_t records_packet_dispose(int fd);

/* Reads and forgets one piece of what a socket holds, and disposes of its descriptors. Returns what it cost, in bytes, 0
 * where nothing is there now, -1 at its end. */
ssize_t records_packet_discard(int fd);

#endif
