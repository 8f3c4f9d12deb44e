/* SPDX-License-Identifier: Apache-2.0 */
/* control_peer: see control_peer.h. */
#include "supervisor/edge/control_peer.h"

#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int control_peer_open(int32_t pid)
{
	return pid > 0 ? pidfd_open(pid, 0) : -1;
}

static int find_pid_fd(int fd, int32_t pid)
{
	int pid_fd = -1;
	socklen_t length = sizeof(pid_fd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pid_fd, &length) == 0)
		return pid_fd;
	return errno == ENOPROTOOPT ? control_peer_open(pid) : -1;
}

bool control_peer_find(struct control_peer *ret, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return false;
	*ret = (struct control_peer){ .uid = peer.uid, .gid = peer.gid, .pid = peer.pid };
	ret->pid_fd = find_pid_fd(fd, peer.pid);
	return true;
}

bool control_peer_lives(const struct control_peer *peer)
{
	struct pollfd end = { .fd = peer->pid_fd, .events = POLLIN };
	return peer->pid_fd >= 0 && poll(&end, 1, 0) == 0;
}

void control_peer_forget(struct control_peer *peer)
{
	cleanup_close(&peer->pid_fd);
	peer->pid_fd = -1;
}
