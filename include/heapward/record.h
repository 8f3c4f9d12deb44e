/* SPDX-License-Identifier: Apache-2.0 */
/* heapward/record.h: the heap record, the one message that a worker sends to its supervisor, and the command, the one
 * that it gets. Every record is HEAPWARD_RECORD_BYTES long, little-endian, and one write(): records of several writers
 * never mix (PIPE_BUF).
 *
 * The worker finds  HEAPWARD_AGENT=1;records=FD:DEV:INO;door=FD:DEV:INO;headroom=BYTES  in its environment. A number
 * counts only while fstat() gives that st_dev and st_ino: in a grandchild it may be another file. The *door* (a
 * SOCK_SEQPACKET socket) takes hellos and nothing else: the kernel adds the sender's pid. A main isolate (a whole
 * process) sends one end of a SOCK_STREAM pair with its hello (SCM_RIGHTS), keeps the other, CLOEXEC, for life: its end
 * is how the supervisor learns that the process is gone. A worker thread's hello carries no descriptor. All other
 * records go into the *pipe*, which does not block: EAGAIN means drop the record and count it. The supervisor takes
 * only records whose pid and isolate said hello. headroom is what the worker may add to its limit, once, at the limit.
 *
 * Each held socket follows in the variable as  ;listen=FD:DEV:INO:NAME  with NAME as in the policy (tcp:3000,
 * tcp:127.0.0.1:3000, unix:PATH), every byte but letters, digits and -._~/:[] as %XX. It listens already. Who serves it
 * accepts on a dup of it, never shuts it down, and says so (HEAPWARD_LISTENING).
 *
 * Where the supervisor watches event loops,  ;heartbeat=MSEC  stands before the first ;listen=: a server sends
 * HEAPWARD_HEARTBEAT so often from its event loop, from its first turn on; one that falls silent is stuck. It writes
 * ;heartbeat=MSEC:cluster  there for the processes that it starts: of these only a cluster's workers, and who listens on
 * a held socket, are servers too; others may work for as long as they like.
 *
 * Commands come down on the private socket of a reporter whose hello has HEAPWARD_TAKES_COMMANDS, each
 * HEAPWARD_COMMAND_BYTES long, little-endian. What is not understood is dropped.
 *
 * Senders write 0 into every byte that is not named here; receivers do not look at them. A size that is not known is 0.
 * C and C++; needs nothing but this header. heapward/record_sender.h does the sending for C programs. */
#ifndef HEAPWARD_RECORD_H
#define HEAPWARD_RECORD_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define HEAPWARD_RECORD_MAGIC 0x43525748u /* the bytes "HWRC" */
#define HEAPWARD_RECORD_VERSION 1
#define HEAPWARD_RECORD_BYTES 128
#define HEAPWARD_RECORD_VARIABLE "HEAPWARD_AGENT"
#define HEAPWARD_LISTEN_MAX 16 /* held sockets of a service */

#define HEAPWARD_COMMAND_MAGIC 0x43435748u /* the bytes "HWCC" */
#define HEAPWARD_COMMAND_VERSION 1
#define HEAPWARD_COMMAND_BYTES 24

enum heapward_record_kind {
	HEAPWARD_HELLO = 1, HEAPWARD_GC, HEAPWARD_NEAR_LIMIT, HEAPWARD_LISTENING, HEAPWARD_READY, HEAPWARD_HEARTBEAT,
	HEAPWARD_DRAINED, /* after the command HEAPWARD_DRAIN: no connection is open on a held socket */
	HEAPWARD_PROFILE_READY, HEAPWARD_BYE /* READY to PROFILE_READY have no body */,
	HEAPWARD_LIMIT /* answer to the command HEAPWARD_HEAP_LIMIT, and again when what waited has been taken */
};
enum heapward_record_flag {
	HEAPWARD_MAIN_ISOLATE = 1,  /* the heap whose death is the process's death; else a worker thread's */
	HEAPWARD_LAUNCHER = 2,      /* npm, npx, yarn, pnpm: only starts the server */
	HEAPWARD_TAKES_COMMANDS = 4 /* reads its private socket */
};
enum heapward_record_source {
	HEAPWARD_SOURCE_NONE, HEAPWARD_SOURCE_AGENT, HEAPWARD_SOURCE_LIBRARY,
	HEAPWARD_SOURCE_TIMER /* JavaScript, once a second while the event loop turns: no near-limit, no private socket */
};
enum heapward_record_problem { /* why no records (source NONE), or not all of them, will follow a hello */
	HEAPWARD_PROBLEM_NONE, HEAPWARD_PROBLEM_SYMBOL /* this V8 lacks a function that the agent calls */,
	HEAPWARD_PROBLEM_NUMBERS /* what it read is not what v8.getHeapStatistics() says */,
	HEAPWARD_PROBLEM_SNAPSHOT /* no near-limit: --heapsnapshot-near-heap-limit wants V8's callback for itself */,
	HEAPWARD_PROBLEM_ADDONS /* Node may not load addons here: --no-addons, or the permission model */,
	HEAPWARD_PROBLEM_LOAD /* the addon could not be loaded: another libc or architecture */
};
enum heapward_record_collection {
	HEAPWARD_COLLECTION_YOUNG = 1, HEAPWARD_COLLECTION_FULL,
	HEAPWARD_COLLECTION_NONE /* a look at the heap between collections; `collections` is 0 */
};
enum heapward_record_limit_state {
	HEAPWARD_LIMIT_TAKEN = 1, /* the runtime's limit is what was asked for */
	HEAPWARD_LIMIT_WAITS,     /* higher: until the heap comes to the limit that it has; lower: until so little is in use */
	HEAPWARD_LIMIT_REFUSED    /* this heap's limit cannot be changed while it runs */
};
enum heapward_record_leaving { HEAPWARD_LEAVING_EXIT = 1 /* exit(status) */, HEAPWARD_LEAVING_THREAD };

struct heapward_record_heap {
	uint64_t used_bytes, total_bytes, limit_bytes, external_bytes, malloced_bytes, available_bytes;
};
struct heapward_record_hello {
	char runtime[16], version[24]; /* "node", "20.20.2": printable ASCII without spaces, ends in a NUL */
	uint64_t heap_size_limit_bytes, old_space_bytes, semi_space_bytes, available_bytes; /* limits in effect */
	uint32_t source, problem;
};
struct heapward_record_gc { /* of `collections` that ended since the last record, `collection` is the last one's kind */
	uint32_t collection, collections;
	uint64_t pause_usec; /* of all of them */
	struct heapward_record_heap heap;
	uint64_t dropped; /* records that found the pipe full, since the hello */
};
struct heapward_record_near_limit {
	uint64_t old_space_bytes; /* the limit that was reached */
	uint64_t granted_bytes;   /* added to it now, 0: nothing */
	struct heapward_record_heap heap;
	uint64_t dropped;
};
struct heapward_record_listening { /* a server listens: on a held socket, or on one that no second worker could have */
	uint32_t held; /* the place of the held socket among the variable's listen=, from 1; 0: none of them */
	uint32_t port; /* TCP; 0: a path */
	char name[88]; /* what the program asked for, as the variable writes it; cut where it is longer; ends in a NUL */
};
struct heapward_record_limit {
	uint64_t old_space_bytes; /* asked for, without what was granted */
	uint64_t granted_bytes;   /* headroom granted before; it stays on top */
	uint64_t limit_bytes;     /* the heap size limit in effect now */
	uint32_t state;
};
struct heapward_record_bye {
	uint32_t leaving;
	int32_t status;
};
struct heapward_record {
	uint32_t magic;
	uint16_t version, size; /* HEAPWARD_RECORD_VERSION, HEAPWARD_RECORD_BYTES */
	uint16_t kind, flags;
	uint32_t pid;      /* the sender's, as it sees itself (it may be in a PID namespace) */
	uint64_t isolate;  /* any number that tells the heaps of one process apart, e.g. an address */
	uint64_t at_usec;  /* CLOCK_BOOTTIME */
	union {
		struct heapward_record_hello hello;
		struct heapward_record_gc gc;
		struct heapward_record_near_limit near_limit;
		struct heapward_record_listening listening;
		struct heapward_record_bye bye;
		struct heapward_record_limit limit;
		unsigned char bytes[96];
	} body;
};

enum heapward_command_kind {
	HEAPWARD_DRAIN = 1 /* accept no more on held sockets, finish what is open, then send HEAPWARD_DRAINED */,
	HEAPWARD_HEAP_LIMIT /* take `value` bytes as the limit of old space, then send HEAPWARD_LIMIT */
};
enum { HEAPWARD_DRAIN_LAST = 1 /* value: nobody follows, so accept first what waits in the queues */ };
struct heapward_command {
	uint32_t magic;
	uint16_t version, size; /* HEAPWARD_COMMAND_VERSION, HEAPWARD_COMMAND_BYTES */
	uint16_t kind;
	unsigned char zero[6];
	uint64_t value; /* of HEAPWARD_DRAIN: 0, or HEAPWARD_DRAIN_LAST; of HEAPWARD_HEAP_LIMIT: bytes */
};

static_assert(sizeof(struct heapward_record) == HEAPWARD_RECORD_BYTES, "a record has one size");
static_assert(offsetof(struct heapward_record, version) == 4 && offsetof(struct heapward_record, size) == 6 &&
	      offsetof(struct heapward_record, kind) == 8 && offsetof(struct heapward_record, flags) == 10 &&
	      offsetof(struct heapward_record, pid) == 12 && offsetof(struct heapward_record, isolate) == 16 &&
	      offsetof(struct heapward_record, at_usec) == 24 && offsetof(struct heapward_record, body) == 32, "header");
static_assert(offsetof(struct heapward_record_hello, version) == 16 && sizeof(struct heapward_record_hello) == 80 &&
	      offsetof(struct heapward_record_hello, heap_size_limit_bytes) == 40 &&
	      offsetof(struct heapward_record_hello, source) == 72, "hello");
static_assert(offsetof(struct heapward_record_gc, pause_usec) == 8 && offsetof(struct heapward_record_gc, heap) == 16 &&
	      offsetof(struct heapward_record_gc, dropped) == 64 && sizeof(struct heapward_record_gc) == 72, "gc");
static_assert(offsetof(struct heapward_record_near_limit, granted_bytes) == 8 &&
	      offsetof(struct heapward_record_near_limit, heap) == 16 &&
	      sizeof(struct heapward_record_near_limit) == 72, "near-limit");
static_assert(offsetof(struct heapward_record_listening, port) == 4 &&
	      offsetof(struct heapward_record_listening, name) == 8 &&
	      sizeof(struct heapward_record_listening) == 96, "listening");
static_assert(sizeof(struct heapward_command) == HEAPWARD_COMMAND_BYTES && offsetof(struct heapward_command, size) == 6 &&
	      offsetof(struct heapward_command, kind) == 8 && offsetof(struct heapward_command, value) == 16, "command");
static_assert(offsetof(struct heapward_record_limit, limit_bytes) == 16 &&
	      offsetof(struct heapward_record_limit, state) == 24 && sizeof(struct heapward_record_limit) == 32, "limit");
static_assert(sizeof(struct heapward_record_bye) == 8 && sizeof(struct heapward_record_heap) == 48, "bye, heap");

#endif
