/* SPDX-License-Identifier: Apache-2.0 */
/* session: the processes of one session, for hosts without a cgroup to kill. Weaker than a group: a process that leaves
 * its session is not found. */
#ifndef SUPERVISOR_EDGE_SESSION_H
#define SUPERVISOR_EDGE_SESSION_H

#include "base/base.h"

/* SIGKILLs every process of the session and returns how many living (not zombie) ones it found. */
unsigned session_kill(int32_t session);

#endif
