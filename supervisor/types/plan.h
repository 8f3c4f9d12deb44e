/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the policy resolved to numbers on this machine. No bare number: each carries its rule and its inputs, and
 * `explain` prints the same struct that the worker is launched from. */
#ifndef SUPERVISOR_TYPES_PLAN_H
#define SUPERVISOR_TYPES_PLAN_H

#include "base/base.h"
#include "supervisor/types/host.h"
#include "supervisor/types/policy.h"

#define PLAN_INPUTS_MAX 12
#define PLAN_REMARKS_MAX 16

enum plan_unit { UNIT_BYTES, UNIT_USEC, UNIT_COUNT, UNIT_PERCENT };

/* An input whose name stands in the rule is printed there, with value and origin; the others behind the rule. */
struct plan_input {
	char name[48];
	enum plan_unit unit;
	uint64_t value;
	char from[160]; /* "web.yaml:12", "default", "/system.slice/web.service memory.max", "NODE_OPTIONS" */
};

struct plan_number {
	enum plan_unit unit;
	uint64_t value;   /* SIZE_NONE: not limited, not set; SIZE_UNKNOWN: nobody here decides it (rule says who does) */
	char rule[200];   /* "memory.max - reserve - headroom" */
	struct plan_input inputs[PLAN_INPUTS_MAX];
	size_t input_count;
};

/* X(id, "name in JSON; printed with spaces for underscores")
 * MEMORY_LIMIT is the smallest of memory.max, memory.high and ANCESTOR_LIMIT: what old space is planned from.
 * NODE_ALONE is the old space that Node would choose without heapward.
 * LISTEN_BACKLOG to DRAIN_TIMEOUT are SIZE_NONE without held sockets; SPARE_NEED also where there is to be no spare.
 * LEAD, LIVE_MAX and GC_TIME are of each managed heap, REPLACE_AT is of the worker; SIZE_NONE where not watched.
 * OLD_SPACE, SEMI_SPACE, YOUNG, OFF_HEAP, RESERVE and HEAP_SIZE_LIMIT are of one process. They are SIZE_UNKNOWN where
 * Node's own choice stands: then no flag is set and there is nothing to compare a hello record with. */
#define PLAN_NUMBERS(X) \
	X(MEMORY_MAX, "memory_max") X(MEMORY_HIGH, "memory_high") X(MEMORY_SWAP, "memory_swap") \
	X(ANCESTOR_LIMIT, "ancestor_limit") X(MEMORY_LIMIT, "memory_limit") X(MEMORY_NEED, "memory_need") \
	X(NODE_ALONE, "node_alone") X(OLD_SPACE, "old_space") X(SEMI_SPACE, "semi_space") \
	X(YOUNG, "young_generation") X(OFF_HEAP, "off_heap") X(RESERVE, "reserve") X(HEADROOM, "headroom") \
	X(HEAP_SIZE_LIMIT, "heap_size_limit") X(PROCESSES, "processes") \
	X(TASKS, "tasks") X(FILES, "files") X(CPU, "cpu") \
	X(BACKOFF_FROM, "backoff_from") X(BACKOFF_UP_TO, "backoff_up_to") X(BUDGET_DEATHS, "budget_deaths") \
	X(BUDGET_WITHIN, "budget_within") X(HEALTHY_AFTER, "healthy_after") X(STOP_TIMEOUT, "stop_timeout") \
	X(LISTEN_BACKLOG, "listen_backlog") X(QUEUE_TIME, "queue_time") X(HOLD_FOR, "hold_for") \
	X(SPARE_NEED, "spare_need") X(DRAIN_TIMEOUT, "drain_timeout") X(READY_WITHIN, "ready_within") \
	X(LEAD, "lead") X(LIVE_MAX, "live_max") X(GC_TIME, "gc_time") X(REPLACE_AT, "replace_at") \
	X(HEARTBEAT, "heartbeat") X(INSTANCES, "instances") X(INSTANCES_NEED, "instances_need")

enum plan_number_id {
#define X(id, name) PLAN_##id,
	PLAN_NUMBERS(X)
#undef X
	PLAN_NUMBER_COUNT
};

/* A remark for the user: a warning (the start goes on) or a refusal (it does not). One line each, with the remedy. */
struct plan_remark {
	bool refusal;
	char text[512];
};

/* The walls around files, processes and network, and what makes them here. What they are made of is core/fence.c. */
struct plan_fence {
	enum protect_system protect; /* never PROTECT_SYSTEM_AUTO */
	bool wanted;            /* the policy asks for any wall, or a policy file brings the default */
	bool by_mounts;         /* paths: by mounts, else by Landlock, else not at all */
	bool by_landlock;
	bool user_namespace;    /* mounts and network are made in one */
	bool network_namespace; /* sandbox.network: none by it */
	bool own_tmp, own_dev, own_proc;
	bool own_shm;           /* own_dev: with a /dev/shm of its own */
	bool few_devices;       /* by Landlock: it can open the harmless ones of /dev only */
	bool proc_read_only;
	bool own_signals;       /* it signals its own tree only */
	bool own_sockets;       /* and connects to abstract sockets of its own tree only */
	bool limit_connect, limit_bind; /* TCP ports */
	bool root;              /* the worker's user is root, which owns much */
	uint32_t landlock_abi;  /* 0: not used */
	char open[256];         /* places of ours that are not kept from the worker, "" */
	char missing[256];      /* what was asked for, and cannot be had here, "" */
};

struct plan {
	struct plan_number numbers[PLAN_NUMBER_COUNT];
	struct plan_remark remarks[PLAN_REMARKS_MAX];
	size_t remark_count;
	bool bare;              /* no policy file and no memory.max: only what a correct program cannot notice */
	bool manages_heap;      /* heap.runtime is node and a Node was found or may come behind a launcher */
	bool adopted_old_space; /* the user's own flag is kept; ours is not added */
	bool enforced;          /* a limit holds: memory_max by our group or an ancestor at or below it; without
				   memory_max: an ancestor has one */
	bool exit_when_exhausted;
	char unreached[384];    /* why the worker will not find its working directory, "" */
	bool agent_needs_read;  /* the permission model: on Node 20 a preload that it may not read ends the program */
	struct plan_fence fence;
	/* Options that the supervisor puts before the user's own NODE_OPTIONS: "--max-old-space-size=288 ...". The
	 * agent's --require is added at launch, when its path is known to be reachable. "" where none. */
	char node_options[HOST_OPTIONS_MAX];
};

#endif
