/* SPDX-License-Identifier: Apache-2.0 */
/* readiness: what is missing of the readiness that a policy asks for, in words for the verdict not-ready. Pure. */
#ifndef SUPERVISOR_CORE_READINESS_H
#define SUPERVISOR_CORE_READINESS_H

#include "supervisor/types/policy.h"

/* What has been seen of one worker. */
struct readiness {
	struct ready_when when;              /* never READY_AUTO */
	const struct listen_addresses *held; /* of the service; borrowed */
	uint32_t serves;                     /* held sockets that it listens on: bit 0 is the first */
	const char *foreign;                 /* the first socket that it listens on and nobody holds; "": none */
	bool reports;                        /* a server of it has said hello */
	uint64_t messages;                   /* of notify: that have come, without READY=1 */
	const char *answer;                  /* of http: what became of the last request, "503"; "": none was made */
};

/* "listening", "started", "notify", "tcp:9000", "http:8080/health". Returns `text`. */
const char *readiness_name(const struct ready_when *when, char *text, size_t size);

/* Whether it listens on every held socket, and there is one. */
bool readiness_listens(const struct readiness *seen);

/* "listens on tcp:3000 but not on unix:/run/web.sock", "tcp:9000 does not accept". */
void readiness_missing(const struct readiness *seen, char *text, size_t size);

#endif
