/* SPDX-License-Identifier: Apache-2.0 */
/* control_socket: the supervisor's ear for `status`, `stop` and the others. Peers are checked by SO_PEERCRED and
 * SO_PEERPIDFD, requests are bounded in size, number and time; a slow client never stalls the loop. Where places are short, who has
 * been there longest without a complete request leaves. */
#ifndef SUPERVISOR_EDGE_CONTROL_SOCKET_H
#define SUPERVISOR_EDGE_CONTROL_SOCKET_H

#include "base/failure.h"
#include "supervisor/edge/control_peer.h"
#include "supervisor/edge/loop.h"
#include "supervisor/types/control.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_INSIDERS_MAX 2 /* of them, from where nothing may be changed: a worker cannot keep the others out */

struct control_socket;

struct control_client {
	struct source source; /* fd -1: free */
	struct control_socket *socket;
	struct control_peer peer;
	bool inside; /* it may not change anything: most likely a worker's */
	unsigned char request[16 + CONTROL_ARGUMENT_MAX];
	size_t request_length;
	unsigned char *reply;
	size_t reply_length, reply_at;
	int64_t deadline_usec;
};

struct control_socket {
	struct loop *loop;
	struct source listener;
	struct control_client clients[CONTROL_CLIENTS_MAX];
	int spare_fd;         /* given up to turn a client away where no other descriptor is left */
	uint32_t looking_gid; /* group `heapward`, UINT32_MAX where there is none */
	/* Answers one request at once; must not block. reply->text is malloc'ed and taken over. */
	void (*answer)(struct control_socket *socket, const struct control_request *request,
		       struct control_reply *reply);
	/* Whether a peer with the right user may change something, which a worker, of that user too, may not. Asked before
	 * each command that does, and once of each client that comes. False: `why` says so in one line. */
	bool (*may_change)(struct control_socket *socket, const struct control_peer *peer, char *why, size_t size);
	void *owner;
};

/* Listens on `path` (a UNIX socket, 0600, or 0660 for group heapward). */
int control_socket_init(struct control_socket *ret, struct loop *loop, const char *path, struct failure *why);
int64_t control_socket_deadline(const struct control_socket *socket);
void control_socket_tick(struct control_socket *socket, int64_t now_usec);
void control_socket_finish(struct control_socket *socket);

/* The client's side, blocking, `timeout_usec` in all: asks and reads the reply (text malloc'ed). On failure
 * *ret is empty. */
int control_ask(const char *path, const struct control_request *request, int64_t timeout_usec,
		struct control_reply *ret, struct failure *why);

#endif
