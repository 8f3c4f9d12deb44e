/* SPDX-License-Identifier: Apache-2.0 */
/* session: kills a worker's session, for hosts where no group can be made. Second best: a process that calls setsid()
 * itself leaves it, and is found again only once it has no parent left but us. The keeper is linked with it too: no allocation, no stdio. */
#ifndef SUPERVISOR_EDGE_SESSION_H
#define SUPERVISOR_EDGE_SESSION_H

#include "base/base.h"

/* Sends `signal` (0: only counts) to every process of the sessions (each > 1; 0 is skipped), zombies and the caller
 * excepted. Returns how many there were, SIZE_MAX where /proc cannot be read. */
size_t session_signal(const int32_t *sessions, size_t count, int signal);

/* From now on who loses its parent below us is our child. `ret_since`: this moment, as /proc counts it. */
int session_adopt(uint64_t *ret_since);

/* The same for our children that were started at `since` or later, but for those of `known`, and for those that are known not to come
 * from a worker: every worker has no_new_privs, and what it starts cannot be rid of it. */
size_t session_signal_adopted(const int32_t *known, size_t count, uint64_t since, int signal);

/* The session in the text of /proc/PID/stat; 0 for a zombie and for what is no such text. */
int32_t session_of_stat(const char *text);

#endif
