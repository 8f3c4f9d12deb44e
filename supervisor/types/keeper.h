/* SPDX-License-Identifier: Apache-2.0 */
/* keeper: what the supervisor tells its keeper. The job goes through the pipe once, then messages of a fixed size. Both
 * ends come from one build, so the bytes are the structs themselves; the version catches a mixed installation. */
#ifndef SUPERVISOR_TYPES_KEEPER_H
#define SUPERVISOR_TYPES_KEEPER_H

#include "base/base.h"
#include "supervisor/types/listen.h"

#include <limits.h>

#define KEEPER_VERSION 4
#define KEEPER_DIRECTORIES_MAX 4 /* one a hierarchy */
#define KEEPER_FILES_MAX 4
#define KEEPER_FILE_NAME_MAX 64
#define KEEPER_SESSIONS_MAX 20 /* more than there can be workers at once */
#define KEEPER_SUPERVISOR_LEAF "supervisor" /* in the service's v2 group: where supervisor and keeper stand */

/* The service's directory in one hierarchy: everything in it is killed, then it is removed with all below it. */
struct keeper_directory {
	int base_fd;        /* the directory that holds it; -1 in an unused entry */
	char name[48];      /* "heapward-web" */
	char base_name[48]; /* of BASE itself where BASE is ours to remove too, once it is empty; else "" */
};

/* A held UNIX socket: removed where its path still has this inode and nobody accepts there. */
struct keeper_socket {
	char path[LISTEN_PATH_MAX]; /* "" in an unused entry */
	uint64_t dev, ino;          /* ino 0: not made yet */
};

struct keeper_job {
	uint32_t version;
	struct keeper_directory directories[KEEPER_DIRECTORIES_MAX]; /* in the order of killing: v1 pids first */
	uint32_t directory_count;
	bool stands_inside;  /* v2, delegated: we stand in name/supervisor and must move to BASE before it can go */
	int lock_fd;         /* held until all is gone, so that the name stays taken until then; -1: none */
	int runtime_fd;      /* directory whose `files` are unlinked last; -1: none */
	char files[KEEPER_FILES_MAX][KEEPER_FILE_NAME_MAX]; /* "" in unused entries */
	char runtime_name[48]; /* of that directory in the one that holds it: removed after its files; "": stays */
	struct keeper_socket sockets[LISTEN_MAX];
	uint64_t capabilities; /* what it is to keep, bits by number */
	int32_t sessions[KEEPER_SESSIONS_MAX]; /* 0 in unused entries; killed only where directory_count is 0 */
};

_Static_assert(sizeof(struct keeper_job) <= PIPE_BUF, "the job goes through the pipe in one piece");

enum keeper_message_kind {
	KEEPER_ADD_SESSION,  /* value: a worker's session, to be killed where there are no groups */
	KEEPER_DROP_SESSION, /* value: a session that is gone; its number may come back as somebody else's */
	KEEPER_OWN_SOCKET,   /* value: which of the job's sockets has been made anew, with which inode */
	KEEPER_DISMISS,      /* orderly end: leave at once, kill and remove nothing */
};

struct keeper_message {
	uint32_t kind;
	int32_t value;
	uint64_t dev, ino;
};

/* Descriptor numbers in heapward-keeper at its start; those of the job follow. */
enum { KEEPER_PIPE_FD = 3, KEEPER_FIRST_FD = 4 };

/* An empty job: nothing to kill, nothing to remove. */
static inline void keeper_job_init(struct keeper_job *job)
{
	*job = (struct keeper_job){ .version = KEEPER_VERSION, .capabilities = UINT64_MAX, .lock_fd = -1, .runtime_fd = -1 };
	for (size_t i = 0; i < KEEPER_DIRECTORIES_MAX; i++)
		job->directories[i].base_fd = -1;
}

#endif
