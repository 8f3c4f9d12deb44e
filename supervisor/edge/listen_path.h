/* SPDX-License-Identifier: Apache-2.0 */
/* listen_path: the paths of UNIX sockets, each a folder that is held open and a name in it: whether anybody accepts there,
 * and its removal. Also linked into the keeper, so nothing here allocates or formats. */
#ifndef SUPERVISOR_EDGE_LISTEN_PATH_H
#define SUPERVISOR_EDGE_LISTEN_PATH_H

#include "base/base.h"

enum listen_path {
	LISTEN_PATH_FREE,    /* nothing is there */
	LISTEN_PATH_STALE,   /* a socket that nobody listens on */
	LISTEN_PATH_IN_USE,  /* somebody listens on it, or may: the answer was neither yes nor no */
	LISTEN_PATH_FOREIGN, /* something that is no socket, or that cannot be looked at: errno says why, 0: no socket */
};

/* The folder of an absolute path, wherever that leads now (O_PATH, CLOEXEC); -1 with errno. `path` is shorter than
 * LISTEN_PATH_MAX. */
int listen_path_folder(const char *path);

/* The name in that folder: a part of `path`. */
const char *listen_path_name(const char *path);

/* Binds a UNIX socket to a name in the folder, wherever its path leads by now: the socket's own name, which others see, becomes
 * "/proc/self/fd/7/web.sock". -1 with errno; ENAMETOOLONG: the name has no room behind that. */
int listen_path_bind(int socket_fd, int folder_fd, const char *name);

/* Looks, by connecting without waiting. */
enum listen_path listen_path_look(int folder_fd, const char *name);

/* Removes the socket with this device and inode if nobody listens on it; anything else stays. */
void listen_path_remove_stale(int folder_fd, const char *name, uint64_t dev, uint64_t ino);

#endif
