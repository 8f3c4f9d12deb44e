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
#define LAUNCH_PATHS_MAX 512
#define LAUNCH_PORTS_MAX 128
#define LAUNCH_BYTES_MAX (4 * 1024 * 1024)
#define LAUNCH_FILTER_FIRM 1u  /* with SECCOMP_RET_USER_NOTIF: not even where `unheard` lets calls pass */

/* Descriptor numbers in heapward-child at its start. */
enum { LAUNCH_RECORD_FD = 3, LAUNCH_REPORT_FD = 4, LAUNCH_FIRST_FD = 5 };

/* The steps, in the order of mechanisms.md. A failed one names itself in the failure that the user reads. */
#define LAUNCH_STEPS(X) \
	X(RECORD, "launch record") X(CGROUP, "cgroup") X(SESSION, "session") X(OOM_SCORE, "oom_score_adj") \
	X(LIMITS, "limits") X(NAMESPACES, "namespaces") X(MOUNTS, "mounts") X(SECUREBITS, "securebits") \
	X(BOUNDING, "bounding set") X(GROUPS, "groups") X(GID, "gid") X(UID, "uid") \
	X(CAPABILITIES, "capabilities") X(DEATH_SIGNAL, "death signal") X(NO_NEW_PRIVS, "no_new_privs") \
	X(LANDLOCK, "landlock") \
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

/* What is left of a path and all below it, the nearest one counts; "/" is read and write where it is not named. A greater value
 * leaves more. */
enum launch_access { LAUNCH_HIDDEN, LAUNCH_READ_ONLY, LAUNCH_READ_WRITE, LAUNCH_PRIVATE, LAUNCH_ACCESS_COUNT };

struct launch_path {
	enum launch_access access; /* LAUNCH_PRIVATE: an empty directory of the worker's own (mounts only) */
	bool optional;             /* it need not be there */
	char *path;                /* relative: from the directory that the child starts in; symbolic links are followed */
};

/* TCP ports that Landlock leaves to the worker. */
struct launch_port {
	uint32_t port;
	uint32_t bind; /* 1: to bind, 0: to connect to */
};

/* The walls around files, processes and network. */
enum {
	LAUNCH_BY_MOUNTS = 1 << 0,     /* the paths by mounts; needs CLONE_NEWNS */
	LAUNCH_BY_LANDLOCK = 1 << 1,   /* the paths by Landlock */
	LAUNCH_OWN_DEV = 1 << 2,       /* mounts: a small /dev */
	LAUNCH_OWN_PROC = 1 << 3,      /* mounts: a /proc of what the worker may look into */
	LAUNCH_GUARD_DEVICES = 1 << 4, /* disks and the kernel's log are nothing to it, though its user owns them */
	LAUNCH_LIMIT_CONNECT = 1 << 5, /* Landlock: to the listed ports only */
	LAUNCH_LIMIT_BIND = 1 << 6,
	LAUNCH_OWN_SIGNALS = 1 << 7,   /* Landlock: signals to its own tree only */
	LAUNCH_MAKE_CACHES = 1 << 8,   /* what npm and others would make in $HOME is made before that is closed */
	LAUNCH_OWN_SOCKETS = 1 << 9,   /* Landlock: abstract sockets of its own tree only */
	LAUNCH_OWN_SHM = 1 << 10,      /* mounts: the small /dev has a shm of its own */
	LAUNCH_CLOSE_TOP = 1 << 11,    /* mounts: "/" itself takes no new entries; what is in it stays as it is */
	LAUNCH_FENCE_FLAGS = (1 << 12) - 1
};

struct launch_fence {
	uint32_t namespaces;   /* CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET; 0: none of its own */
	uint32_t landlock_abi; /* what it may be used for at most; 0: no Landlock */
	uint32_t flags;
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
	struct launch_fence fence;
	struct launch_path paths[LAUNCH_PATHS_MAX];
	size_t path_count;
	struct launch_port ports[LAUNCH_PORTS_MAX];
	size_t port_count;
	char **reach;           /* NULL: exec. Else the target of each act of types/reach.h, in their order, "" where there is none:
				 * they are tried instead, and the report tells, with error 0 and a byte for each */
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
