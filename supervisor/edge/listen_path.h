/* SPDX-License-Identifier: Apache-2.0 */
/* listen_path: the paths of UNIX sockets: whether anybody accepts on one, and its removal. Also linked into the keeper, so
 * nothing here allocates or formats. */
#ifndef SUPERVISOR_EDGE_LISTEN_PATH_H
#define SUPERVISOR_EDGE_LISTEN_PATH_H

#include "base/base.h"

enum listen_path {
	LISTEN_PATH_FREE,    /* nothing is there */
	LISTEN_PATH_STALE,   /* a socket that nobody listens on */
	LISTEN_PATH_IN_USE,  /* somebody listens on it, or may: the answer was neither yes nor no */
	LISTEN_PATH_FOREIGN, /* something that is no socket, or that cannot be looked at: errno says why, 0: no socket */
};

/* Looks, by connecting without waiting. `path` is shorter than LISTEN_PATH_MAX. */
enum listen_path listen_path_look(const char *path);

/* Removes a socket that nobody listens on; anything else stays. True where nothing is there afterwards. */
bool listen_path_remove_stale(const char *path);

#endif
