/* SPDX-License-Identifier: Apache-2.0 */
/* verdict: why a worker died, and the evidence it is decided from. Every death gets exactly one. */
#ifndef SUPERVISOR_TYPES_VERDICT_H
#define SUPERVISOR_TYPES_VERDICT_H

#include "base/base.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/host.h"

/* X(id, "name", counts as a death in the restart budget) */
#define VERDICTS(X) \
	X(HEAP_LIMIT, "heap-limit", true) X(OOM_KILL, "oom-kill", true) X(OOM_KILL_HOST, "oom-kill-host", true) \
	X(SECCOMP, "seccomp", true) X(STOPPED, "stopped", false) X(REPLACED, "replaced", false) \
	X(EXIT, "exit", true) X(SIGNAL, "signal", true) X(EXEC, "exec", true) X(UNKNOWN_KILL, "unknown-kill", true) \
	X(NOT_READY, "not-ready", true) X(WATCHDOG, "watchdog", true)

enum verdict_kind {
#define X(id, name, counts) VERDICT_##id,
	VERDICTS(X)
#undef X
	VERDICT_COUNT
};

/* Counters of one cgroup level, read at launch and again after death through descriptors held open. */
struct level_counters {
	char path[256];
	uint64_t max_bytes;
	bool has_oom;       /* v2: memory.events.local is there; v1 has no oom counter */
	uint64_t oom;       /* v2 memory.events.local oom: this level's own limit was hit */
	uint64_t oom_kill;  /* v2: victims in this level or below, of any OOM; v1: in this very level only */
	bool has_failcnt;
	uint64_t failcnt;   /* v1, memory and memory+swap: 0 delta excludes the level, anything else proves nothing */
};

struct memory_counters {
	struct level_counters levels[HOST_LEVELS_MAX]; /* [0] the worker's own group, then its ancestors */
	size_t level_count;
	bool known;             /* there is a group to read */
	bool whole;             /* v2: the levels go up to the host's root, and none of them is out of sight */
	bool has_vmstat;
	uint64_t vmstat_oom_kill; /* /proc/vmstat oom_kill: victims on the whole host */
};

/* A kernel log line about an OOM kill inside the worker's group, where /dev/kmsg is readable. */
struct kernel_oom {
	bool readable;          /* /dev/kmsg was read from launch to death; else that nothing was found says nothing */
	bool found;
	bool host;              /* constraint=CONSTRAINT_NONE: no cgroup's limit */
	char memcg[256];        /* oom_memcg= : whose limit */
	int32_t pid;            /* victim */
	char line[512];
};

enum fatal_kind { FATAL_NONE, FATAL_HEAP_LIMIT /* FATAL ERROR: ... JavaScript heap out of memory */,
		  FATAL_OTHER /* another FATAL ERROR or # Fatal line */ };

/* What the stderr scanner found at the start of a line. */
struct fatal_line {
	enum fatal_kind kind;
	int64_t at_usec;
	char text[256];
};

/* Why an end was asked for: by an operator's stop or restart, by a replacement before a limit is reached, or by the
 * watchdog. */
enum asked { ASKED_NOTHING, ASKED_STOP, ASKED_RESTART, ASKED_REPLACE, ASKED_WATCHDOG };

/* A process whose event loop stood still for too long, as it was when that was noticed. */
struct stuck {
	bool seen;
	int32_t pid;
	int64_t allowed_usec, silent_usec; /* watchdog.event_loop; since its last heartbeat, while the machine was awake */
	int64_t slept_usec;                /* and that it slept in the same time */
	int64_t collected_usec;            /* of silent_usec, in V8's collections by its own word */
	char state;                        /* of its main thread, as in /proc/PID/stat; 0: not known */
	int32_t tracer_pid;                /* 0: nobody traces it */
};

/* A step of the launch that failed: where, errno, and what it was about. */
struct launch_failure {
	bool failed;
	char step[24];
	int error;
	char text[256]; /* "node: No such file or directory" */
};

/* A call that the system-call filter denies, and that ended the worker (sandbox.violation: kill). */
struct denied_call {
	bool killed;
	int32_t pid;
	char call[40], comm[16]; /* comm: "" where it is not known */
	char shown[160];         /* the call with its arguments */
};

struct evidence {
	struct launch_failure launch;
	bool exited;        /* wait status is known */
	int wait_code;      /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
	int wait_status;    /* exit code or signal */
	enum asked asked;   /* we asked for this end before it happened */
	bool not_ready;     /* we ended it because it was not ready within ready.within */
	char missing[160];  /* what of its readiness then was: "tcp:9000 does not accept"; "": not known */
	bool was_stuck;     /* its event loop stood still when we asked for its end, or while it drained */
	struct stuck stuck; /* the last time that it did */
	bool left_draining; /* it ended while it drained, before any signal of ours: only exit 0 is what was asked for */
	bool we_killed;     /* we sent SIGKILL to the group before the main process had exited */
	struct fatal_line fatal;
	const struct reporter *reporters; /* borrowed */
	size_t reporter_count;
	int32_t main_pid;    /* 0: never started */
	int64_t killed_usec; /* when we began to kill its group: who ended later proves nothing. 0: not yet */
	bool records_lost;   /* some were not heard or not believed: what no record says proves nothing */
	bool agent_expected; /* the agent was loaded into the worker's environment */
	struct memory_counters before, after;
	struct memory_sample memory;      /* last sample; after the death where the group was still there */
	struct kernel_oom kernel;
	struct denied_call denied; /* what it was killed for */
	bool filter_kills;         /* the filter itself ends who makes such a call: nobody can listen */
	int64_t launched_usec, ended_usec;
};

struct verdict {
	enum verdict_kind kind;
	bool certain;
	int number;                  /* exit code or signal; errno of exec */
	char subject[256];           /* oom-kill: the group's path; seccomp: the call; exec: the step */
	uint64_t limit_bytes;        /* the limit that was hit, SIZE_UNKNOWN where there is none */
	int exit_status;             /* the main process's own: exit code, or 128 + signal */
	char text[256];              /* one line for people: "fatal heap-limit error: old space 288 MiB reached" */
#define VERDICT_EVIDENCE_MAX 10
	char evidence[VERDICT_EVIDENCE_MAX][256]; /* the facts it rests on, one line each */
	size_t evidence_count;
};

#endif
