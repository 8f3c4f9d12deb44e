/* SPDX-License-Identifier: Apache-2.0 */
/* listen_socket: the held sockets of one service: made once, listened on while a worker is expected, dead to clients while
 * none is, and handed to each worker as they are. Knows nothing of workers; never accepts. */
#ifndef SUPERVISOR_EDGE_LISTEN_SOCKET_H
#define SUPERVISOR_EDGE_LISTEN_SOCKET_H

#include "base/failure.h"
#include "supervisor/types/keeper.h"
#include "supervisor/types/launch.h"
#include "supervisor/types/listen.h"

#define LISTEN_UNIX_MODE 0660 /* of a UNIX socket, whatever the umask: its owner and its group may connect */

struct listen_socket {
	struct listen_address address;
	int fd;			     /* bound; -1: none. Of a UNIX socket another one after each unlisten and listen */
	int folder_fd;               /* that its path is in; -1: none */
	uint64_t path_dev, path_ino; /* of the UNIX socket's path that we made; path_ino 0: there is none */
};

struct listen_sockets {
	struct listen_socket list[LISTEN_MAX];
	size_t count;
	uint32_t owner_uid, owner_gid; /* of the UNIX sockets' paths; UINT32_MAX: unchanged */
	bool listening, last_call;
};

/* Makes and binds all of them, or none; they do not listen yet. Without addresses there is nothing to do, here and below.
 * UNIX sockets belong to `owner_uid` and `owner_gid` (the worker's user; UINT32_MAX: ours), a stale path is removed, one on
 * which somebody accepts is not; of the folder listen_folder.h says more. The failure reads "listen tcp:80: Permission denied; ports below 1024 need ...". */
int listen_sockets_make(struct listen_sockets *ret, const struct listen_addresses *addresses, uint32_t owner_uid,
			uint32_t owner_gid, struct failure *why);

/* Listens on all of them, with a backlog of net.core.somaxconn. Does nothing where they do so already. After a failure none
 * does. Call it before each launch and then take the descriptors. */
int listen_sockets_listen(struct listen_sockets *sockets, struct failure *why);

/* Ends that: clients are refused, those that wait in the queues are reset. Does nothing where none listens. No worker that
 * has them may be alive: it could not accept any more. */
void listen_sockets_unlisten(struct listen_sockets *sockets);

/* Lets no new client in, while those that wait in the queues can still be accepted: new ones get no answer to their SYN, or
 * find no path, until unlisten or finish refuses them. There is no way back. */
void listen_sockets_last_call(struct listen_sockets *sockets);

/* Closes all, and removes the UNIX sockets' paths where they are still ours. Safe on a zeroed struct and after itself. */
void listen_sockets_finish(struct listen_sockets *sockets);

/* Adds them to what a worker keeps, from LISTEN_WORKER_FD on, or, where `as_listen_fds`, from LISTEN_FDS_FIRST on with
 * launch->listen_fds set, for a command that speaks that protocol itself. */
void listen_sockets_hand_over(const struct listen_sockets *sockets, bool as_listen_fds, struct launch *launch);

/* Names the UNIX sockets' paths in the keeper's job: it removes them after a killed supervisor, where nobody accepts and they
 * are still those that the second one, or keeper_own_socket by the same index, has told it of. */
void listen_addresses_keeper_job(const struct listen_addresses *addresses, struct keeper_job *job);
void listen_sockets_keeper_job(const struct listen_sockets *sockets, struct keeper_job *job);

#endif
