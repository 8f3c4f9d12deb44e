/* SPDX-License-Identifier: Apache-2.0 */
/* records_packet: one packet of the door taken apart: its bytes, the kernel's word for who sent it, the descriptors
 * that came with it. Internal to edge/records*.c. */
#ifndef SUPERVISOR_EDGE_RECORDS_PACKET_H
#define SUPERVISOR_EDGE_RECORDS_PACKET_H

#include "supervisor/wire/record.h"

#define RECORDS_PACKET_FDS_MAX 4

struct records_packet {
	unsigned char bytes[HEAPWARD_RECORD_BYTES + 1]; /* one more, to see that it is longer */
	ssize_t length;
	int32_t pid;  /* by the kernel; 0: from outside our PID namespace, or there was no packet but the end */
	bool has_credentials, cut;
	int fds[RECORDS_PACKET_FDS_MAX];
	size_t fd_count;
};

/* Returns 0, or -1 where nothing is there now. The end of the door reads as an empty packet without credentials. The
 * descriptors belong to the caller. */
int records_packet_receive(int fd, struct records_packet *ret);

/* True for a whole hello, decoded into *ret, with the one descriptor that its kind has: a main isolate at most one, an
 * AF_UNIX stream socket; a worker thread none. */
bool records_packet_is_hello(const struct records_packet *packet, struct heap_record *ret);

#endif
