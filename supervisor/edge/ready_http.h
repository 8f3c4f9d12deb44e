/* SPDX-License-Identifier: Apache-2.0 */
/* ready_http: asks for one path over HTTP and hears the status of the answer, for ready.when: http:. Never waits: each step
 * is taken when the kernel says that it can be. Reads no more than the first line. */
#ifndef SUPERVISOR_EDGE_READY_HTTP_H
#define SUPERVISOR_EDGE_READY_HTTP_H

#include "base/base.h"
#include "supervisor/edge/loop.h"

#define READY_HTTP_TIMEOUT_USEC (2 * USEC_PER_SEC) /* of one request; the caller takes care of it */
#define READY_HTTP_REQUEST_MAX 384

struct ready_http {
	struct loop *loop;
	struct source source;       /* fd -1: nothing is asked now */
	char host[46], path[128];
	uint16_t port;
	bool v6;                    /* the second try, on ::1 */
	char request[READY_HTTP_REQUEST_MAX];
	size_t length, sent;
	char line[32];              /* of the answer, so far */
	size_t got;
	/* The status, 100 to 999; 0: no HTTP answer, and `problem` says why in words. Nothing is asked any more then. */
	void (*answered)(struct ready_http *http, int status, const char *problem);
	void *owner;
};

/* Nothing is asked yet. `host` is an address, "": 127.0.0.1, and ::1 where that refuses. Set `answered` and `owner`. */
void ready_http_init(struct ready_http *ret, struct loop *loop, const char *host, uint16_t port, const char *path);

/* Asks. `answered` is called from the loop, or at once where that is known at once. Not while it is asking. */
void ready_http_ask(struct ready_http *http);
bool ready_http_is_asking(const struct ready_http *http);

/* Gives up what is asked, without a word. Safe on a zeroed struct and where nothing is asked. */
void ready_http_cancel(struct ready_http *http);

/* The status of "HTTP/1.1 200 OK", 0 where the line is not HTTP's. */
int ready_http_status(const char *line);

#endif
