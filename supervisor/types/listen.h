/* SPDX-License-Identifier: Apache-2.0 */
/* listen: addresses of held sockets, as service.listen names them. A worker's server finds its socket by the port or the
 * path alone, so each stands once in a list. */
#ifndef SUPERVISOR_TYPES_LISTEN_H
#define SUPERVISOR_TYPES_LISTEN_H

#include "base/base.h"

#define LISTEN_MAX 16       /* held sockets of one service */
#define LISTEN_HOST_MAX 46  /* INET6_ADDRSTRLEN */
#define LISTEN_PATH_MAX 108 /* sun_path, with the closing NUL */
#define LISTEN_TEXT_MAX 128 /* "unix:" and a path, "tcp:[host]:port" */

/* Numbers of the held sockets in the worker, in the order of the list: behind the pipe and the door of the records, with
 * a gap below (mechanisms.md). A program that knows LISTEN_FDS has them from LISTEN_FDS_FIRST on instead. */
enum { LISTEN_WORKER_FD = 202, LISTEN_FDS_FIRST = 3 };

enum listen_kind { LISTEN_TCP, LISTEN_UNIX };

struct listen_address {
	enum listen_kind kind;
	uint16_t port;              /* of LISTEN_TCP */
	bool v6;                    /* `host` is an IPv6 address */
	char host[LISTEN_HOST_MAX]; /* "": all of them, IPv4 and IPv6 in one socket */
	char path[LISTEN_PATH_MAX]; /* of LISTEN_UNIX, absolute */
	char text[LISTEN_TEXT_MAX]; /* "tcp:[::1]:3000", "unix:/run/web.sock": for people and the agent */
};

struct listen_addresses {
	struct listen_address list[LISTEN_MAX];
	size_t count;
};

#endif
