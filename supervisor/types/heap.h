/* SPDX-License-Identifier: Apache-2.0 */
/* heap: what the supervisor keeps of a worker's heap and memory: the last samples, and a short series for `why`. */
#ifndef SUPERVISOR_TYPES_HEAP_H
#define SUPERVISOR_TYPES_HEAP_H

#include "base/base.h"

#define HEAP_SERIES_MAX 64

/* One heap record that says something of sizes, as the supervisor keeps it. */
struct heap_sample {
	int64_t at_usec;
	uint64_t used_bytes, total_bytes, limit_bytes, external_bytes;
	uint64_t available_bytes;     /* V8's total_available_size: not limit - used later in life */
	uint64_t after_full_gc_bytes; /* used after the last full collection; SIZE_UNKNOWN before the first */
	uint64_t pause_usec;          /* in collections since the sample before */
	bool full;                    /* the last of them was a full one: used_bytes is what was live then */
};

/* One process and isolate that said hello through the door. */
struct reporter {
	int32_t pid;       /* by the kernel's word (SCM_CREDENTIALS), in our PID namespace */
	int32_t claimed_pid; /* as its records name it, in its own PID namespace */
	uint64_t isolate;
	bool main_isolate;            /* false: a worker thread's heap, whose end is not its process's */
	bool launcher;                /* npm, npx, yarn, pnpm; does not count as a server */
	bool takes_commands;          /* reads what comes down its private socket */
	char runtime[16], version[32]; /* printable ASCII */
	uint32_t source, problem;     /* enum heapward_record_source, heapward_record_problem; names: wire/record.h */
	/* Limits in effect, SIZE_UNKNOWN where not said. V8 tells old space only at the limit. */
	uint64_t heap_size_limit_bytes, semi_space_bytes, old_space_bytes;
	uint64_t available_bytes;     /* V8's total_available_size at its hello */
	int64_t hello_usec;
	bool near_limit;          /* its near-heap-limit callback ran */
	int64_t near_limit_usec;  /* when its last one came */
	uint64_t granted_bytes;   /* headroom in all */
	bool said_bye;            /* left in order: exit() ran, with bye_status; or its worker thread ended */
	int32_t bye_status;
	uint64_t dropped;         /* records that it could not send, by its own word */
	bool closed;              /* its process has ended, by the kernel's word; a worker thread: its bye, too */
	int64_t closed_usec;
	bool unseen;              /* it was gone before its hello was read: the kernel vouches for nothing but its pid */
	bool end_known;           /* how it ended is known as well: newer kernels tell of others' children */
	int32_t end_code, end_status; /* as of waitid: CLD_EXITED and a code, CLD_KILLED or CLD_DUMPED and a signal */
	bool told;                /* its death was told as child.death: it is no evidence of another */
	uint32_t serves;          /* held sockets that it listens on: bit 0 is the first of the policy */
	bool told_to_drain;       /* the command was sent */
	uint64_t asked_old_space_bytes; /* told to take this old space while it runs; 0: none */
	uint32_t limit_state;     /* its answer: enum heapward_record_limit_state; 0: none yet */
	int64_t heartbeat_usec;   /* the last one came then, by loop_now_awake_usec(); 0: none has */
	int64_t heartbeat_slept_usec; /* how long the machine had slept until then */
	int64_t collected_usec;   /* in collections since then, by its own word */
	bool drained;             /* by its own word: no connection open on a held socket */
	struct heap_sample last;
};

/* A sample of the worker's group. SIZE_UNKNOWN for what the kernel does not tell. */
struct memory_sample {
	uint64_t current_bytes, peak_bytes, max_bytes, swap_bytes;
	uint32_t tasks;
};

#endif
