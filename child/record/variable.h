/* SPDX-License-Identifier: Apache-2.0 */
/* variable: the value of HEAPWARD_AGENT: which descriptors lead to the supervisor, how to know them again, and what
 * this process may add to its heap limit. Pure. */
#ifndef CHILD_RECORD_VARIABLE_H
#define CHILD_RECORD_VARIABLE_H

#include "base/base.h"
#include "heapward/record.h"

#define VARIABLE_TEXT_MAX (256 + HEAPWARD_LISTEN_MAX * 416)

/* A descriptor, and the st_dev and st_ino that it must have. */
struct variable_descriptor {
	int fd;
	uint64_t dev, ino;
};

struct variable {
	struct variable_descriptor records, door;
	uint64_t headroom_bytes;
	uint64_t heartbeat_msec;    /* 0: none are wanted */
	bool heartbeat_for_cluster; /* only of a cluster's workers */
	size_t listen_count; /* held sockets; which ones is read by who serves them */
};

/* Reads exactly "1;records=FD:DEV:INO;door=FD:DEV:INO;headroom=BYTES", and behind it ";heartbeat=MSEC" or
 * ";heartbeat=MSEC:cluster", and any ";listen=FD:DEV:INO:NAME".
 * Returns 0, or -1 for any other text. */
int variable_parse(const char *text, struct variable *ret);

#endif
