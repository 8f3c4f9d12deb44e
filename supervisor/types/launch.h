/* SPDX-License-Identifier: Apache-2.0 */
/* launch: everything heapward-child needs to become the worker. The supervisor fills it, wire/launch.c makes bytes of
 * it, the child reads it from an inherited descriptor and runs its steps in order. */
#ifndef SUPERVISOR_TYPES_LAUNCH_H
#define SUPERVISOR_TYPES_LAUNCH_H

#include "base/base.h"
#include "supervisor/types/listen.h"

#define LAUNCH_GROUPS_MAX 16   /* cgroup.procs files to enter: one a hierarchy */
#define LAUNCH_KEEP_MAX (2 + LISTEN_MAX) /* descriptors that the worker keeps: pipe, door, held sockets */
#define LAUNCH_LIMITS_MAX 8
#define LAUNCH_GIDS_MAX 64
#define LAUNCH_BYTES_MAX (4 * 1024 * 1024)

/* Descriptor numbers in heapward-child at its start. */
enum { LAUNCH_RECORD_FD = 3, LAUNCH_REPORT_FD = 4, LAUNCH_FIRST_FD = 5 };

/* The steps, in the order of mechanisms.md. A failed one names itself in the failure that the user reads. */
#define LAUNCH_STEPS(X) \
	X(RECORD, "launch record") X(CGROUP, "cgroup") X(SESSION, "session") X(OOM_SCORE, "oom_score_adj") \
	X(LIMITS, "limits") X(BOUNDING, "bounding set") X(GROUPS, "groups") X(GID, "gid") X(UID, "uid") \
	X(CAPABILITIES, "capabilities") X(DEATH_SIGNAL, "death signal") X(NO_NEW_PRIVS, "no_new_privs") \
	X(DIRECTORY, "directory") X(DESCRIPTORS, "descriptors") X(SECCOMP, "seccomp") X(EXEC, "exec")

enum launch_step {
#define X(id, name) LAUNCH_STEP_##id,
	LAUNCH_STEPS(X)
#undef X
	LAUNCH_STEP_COUNT
};

/* `from` is a descriptor at the child's start (LAUNCH_FIRST_FD and up), `to` its number in the worker. */
struct launch_descriptor {
	int from, to;
};

struct launch_limit {
	int resource; /* RLIMIT_* */
	uint64_t soft, hard;
};

struct launch {
	char **argv;            /* NULL-terminated; argv[0] is looked up in PATH of `environment` unless it has a slash */
	char **environment;     /* NULL-terminated, complete */
	char *directory;        /* NULL: unchanged */
	int groups[LAUNCH_GROUPS_MAX]; /* descriptors (at the child's start) of cgroup.procs files to write "0" to */
	size_t group_count;
	struct launch_descriptor keep[LAUNCH_KEEP_MAX];
	size_t keep_count;
	uint32_t listen_fds;    /* 0: none; else LISTEN_FDS, with LISTEN_PID, which only the child knows: those are kept
				 * from LISTEN_FDS_FIRST on */
	struct launch_limit limits[LAUNCH_LIMITS_MAX];
	size_t limit_count;
	int oom_score_add;      /* added to the supervisor's own oom_score_adj, capped at 1000 */
	bool set_user;
	uint32_t uid, gid, gids[LAUNCH_GIDS_MAX];
	size_t gid_count;
	char *capabilities;     /* NULL: unchanged; "": none; else "cap_a,cap_b": kept as ambient, bounding set cut to it */
	int32_t parent_pid;     /* of the supervisor, for the check behind PR_SET_PDEATHSIG; 0: as PID 1 sees it */
	unsigned char *filter;  /* raw struct sock_filter array, NULL: none */
	size_t filter_bytes;
	bool set_listener;      /* the filter has SECCOMP_RET_USER_NOTIF: its listener comes back with a report */
	uint32_t unheard;       /* SECCOMP_RET_* that stands in its place where there can be no listener */
};

enum launch_report_kind {
	LAUNCH_REPORT_FAILED,      /* the step failed */
	LAUNCH_REPORT_LISTENER,    /* no failure: the filter is loaded, and its listener comes with this packet */
	LAUNCH_REPORT_NO_LISTENER, /* no failure: it is loaded without one, and error says why */
	LAUNCH_REPORT_KINDS
};

/* What comes back on the report socket: a packet about the listener, where one was asked for, and one when a step fails. End
 * of file means exec has happened, unless the child has exited before it. */
struct launch_report {
	enum launch_report_kind kind;
	enum launch_step step;
	int error;      /* errno, 0 where there is none */
	char text[200]; /* what it was about: "node", "/srv/web" */
};

#endif
