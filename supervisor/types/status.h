/* SPDX-License-Identifier: Apache-2.0 */
/* status: one service as it stands now: the supervisor fills it, core/status.c makes the JSON that scripts read.
 * SIZE_UNKNOWN and -1 print as null: unknown is null, keys never vanish. */
#ifndef SUPERVISOR_TYPES_STATUS_H
#define SUPERVISOR_TYPES_STATUS_H

#include "base/base.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/state.h"
#include "supervisor/types/verdict.h"
#include "supervisor/types/violation.h"

/* A limit that `heapward set` has changed, or that follows one. */
struct status_set {
	const char *key;         /* "memory.max" */
	uint64_t bytes, was_bytes;
	const char *was_from;    /* "web.yaml:12" */
	bool asked, saved;
	bool in_effect;          /* in every process and group that runs */
	uint64_t in_effect_bytes; /* what is instead, where one process tells; SIZE_UNKNOWN */
};

struct status_instance {
	int instance;
	const char *state;
	int32_t pid;             /* 0: none */
	int32_t replacement_pid; /* 0: none */
	int64_t uptime_usec;     /* -1: no worker */
	uint64_t child_deaths;   /* of this worker, told as child.death */
	const struct violations *violations; /* NULL: no worker */
	bool unheard;            /* they are not reported: its filter has no listener */
	struct {
		uint64_t used_bytes, old_space_bytes, limit_bytes, available_bytes, after_full_gc_bytes, external_bytes;
		int64_t usec_to_limit;   /* USEC_NEVER: no forecast, or never */
		int64_t age_usec;        /* of these figures; -1 where there are none */
		const char *source;      /* "agent", "library", "none"; and why not, in source_problem */
		char source_problem[160];
		uint32_t reporters;      /* processes and isolates that report */
		uint64_t records, bad_records, unknown_records;
		uint64_t forged_hellos, replayed_hellos, refused_hellos;
		uint64_t pauses;         /* times that the worker was not heard for a while, for it sent too much */
	} heap;
	struct {
		int64_t event_loop_usec;  /* watchdog.event_loop of this worker; -1: it is not watched */
		int64_t silent_usec;      /* since the last heartbeat of the server that is silent for longest; -1: none has come */
		bool stuck;
	} watchdog;
	struct memory_sample memory;
};

struct status {
	char name[POLICY_NAME_MAX];
	const char *state;
	int64_t state_since_usec; /* how long in this state */
	int64_t uptime_usec;      /* of the supervisor */
	int32_t supervisor_pid;
	const char *version;
	char policy_file[256];    /* "" where there is none */
	char command[256];
	char cgroup[256];         /* path of the service's group, "" where there is none */
	const char *cgroup_version; /* "v1", "v2", "hybrid", "none" */
	char limited_by[256];     /* which group's limit counts: ours or an ancestor's path */
	struct status_instance instances[INSTANCES_MAX];
	size_t instance_count;
	struct {
		uint64_t total;           /* launches after the first */
		uint64_t by_verdict[VERDICT_COUNT];
		int32_t budget_left;
		int32_t budget_deaths;
		int64_t budget_within_usec;
		int64_t next_in_usec;     /* -1: none scheduled */
		struct {
			int32_t deaths, left;  /* -1: no budget of its own */
			int64_t within_usec;
		} by_verdict_budget[VERDICT_COUNT];
	} restarts;
	struct {
		const char *syscalls;     /* "compat", "none", or a path */
		const char *violation;    /* "errno", "kill", "audit" */
		const char *user;
		const char *capabilities; /* "none", "unchanged", or names */
		bool no_new_privs;
		const char *missing;         /* walls that cannot be had here, "" */
		const char *files, *network; /* "system and heapward's own read-only (mounts)", "full" */
		uint32_t landlock_abi;       /* 0: no domain */
	} sandbox;
	struct {
		uint64_t effective;       /* capabilities of the supervisor itself, bits by number */
		uint64_t later;           /* and those that it can raise at the end, for what is left to do then */
		bool filtered, dumpable;
		bool separate_uid;        /* of the worker */
		bool tried;               /* what a worker can get at: */
		uint32_t open;            /* bits of enum reach_act */
		char problem[160];        /* why it was not tried, "" */
	} protection;
	const struct raises *raises;      /* NULL: heap.at_limit is not raise */
	uint64_t raise_up_to_bytes;
	const char *raise_refused;        /* why the last raise was not made, "" */
	struct status_set set[2];
	size_t set_count;
	bool reload_pending;              /* a reloaded policy waits for the next start */
	const char *failed_why;       /* "" unless failed */
	const char *last_death_json;  /* NULL: none; the summary of the last death as stored */
};

#endif
