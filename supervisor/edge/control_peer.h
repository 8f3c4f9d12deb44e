/* SPDX-License-Identifier: Apache-2.0 */
/* control_peer: who is at the other end of a connection to the control socket, by the kernel's word. */
#ifndef SUPERVISOR_EDGE_CONTROL_PEER_H
#define SUPERVISOR_EDGE_CONTROL_PEER_H

#include "base/base.h"

struct control_peer {
	uint32_t uid, gid; /* when it connected */
	int32_t pid;       /* in our PID namespace; 0: not in it */
	int pid_fd;        /* -1: it has ended, or there is no descriptor left */
};

/* False where the kernel does not tell. */
bool control_peer_find(struct control_peer *ret, int fd);

/* While it lives its number is no other process's: what /proc said of the number before this call was said of the peer. */
bool control_peer_lives(const struct control_peer *peer);

void control_peer_forget(struct control_peer *peer);

/* The pidfd by the number alone, as before kernel 6.5: of a process that may have come between the connection and this. */
int control_peer_open(int32_t pid);

#endif
