/* SPDX-License-Identifier: Apache-2.0 */
/* connection: one client connection of the load: connects, sends a request, reads its response, and is then idle or gone.
 * Never retries; what went wrong has a name. Plain HTTP/1.1 with Content-Length or chunks, as Node's servers answer. */
#ifndef TESTS_LOAD_CONNECTION_H
#define TESTS_LOAD_CONNECTION_H

#include "base/base.h"

#include <stddef.h>
#include <sys/socket.h>

#define CONNECTION_BYTES_MAX (256 * 1024) /* of a response; a longer one is a wrong one */

/* X(id, "name"): a request's end. */
#define OUTCOMES(X) \
	X(OK, "ok") X(REFUSED, "refused") X(RESET, "reset") X(TIMEOUT, "timeout") X(STATUS, "status") X(BODY, "body")

enum outcome {
#define X(id, name) OUTCOME_##id,
	OUTCOMES(X)
#undef X
	OUTCOME_COUNT,
	OUTCOME_PENDING
};

struct target {
	struct sockaddr_storage address;
	socklen_t length;
	const char *path;   /* of the request */
	const char *body;   /* that must come back; NULL: any */
};

enum connection_state { CONNECTION_FREE, CONNECTION_CONNECTING, CONNECTION_BUSY, CONNECTION_IDLE };

struct connection {
	enum connection_state state;
	int fd;
	bool keep_alive;         /* it asked to stay */
	int64_t idle_until_usec; /* a second before the end that the server told (Keep-Alive: timeout=5), as a polite
				    client leaves; INT64_MAX: it told none */
	int64_t due_usec;        /* when the request under way was to be sent; latency counts from here */
	uint64_t requests;       /* so far */
	size_t sent, length;     /* of the request; bytes of the response so far */
	char request[512];
	size_t request_length;
	char *response;          /* CONNECTION_BYTES_MAX, made once */
};

/* Connects and sends a request; the outcome comes later, or is returned at once where it cannot even be tried. */
enum outcome connection_open(struct connection *connection, const struct target *target, bool keep_alive,
			     int64_t due_usec);

/* Sends another request on an idle connection, before its idle_until_usec. */
enum outcome connection_again(struct connection *connection, const struct target *target, int64_t due_usec);

/* The socket can be read or written. PENDING while the response is not whole. After any other outcome the connection is
 * idle (kept) or free. An idle one whose server has closed it becomes free, and PENDING is returned: no request is lost. */
enum outcome connection_ready(struct connection *connection, const struct target *target, int64_t now_usec);

/* Closes it, whatever it does. */
void connection_drop(struct connection *connection);

#endif
