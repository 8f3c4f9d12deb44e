/* SPDX-License-Identifier: Apache-2.0 */
/* host_probe: reads what the plan needs to know of this machine into a struct host. The cgroup part is filled by
 * cgroup_tree_describe. */
#ifndef SUPERVISOR_EDGE_HOST_PROBE_H
#define SUPERVISOR_EDGE_HOST_PROBE_H

#include "base/failure.h"
#include "supervisor/types/host.h"
#include "supervisor/types/policy.h"

/* Memory, processors, uid, PID 1, systemd, NODE_OPTIONS and the Node that `command` will run. `environment` is what the
 * worker will see (for PATH and NODE_OPTIONS), `directory` where it will run (NULL: here). */
void host_probe(struct host *ret, char *const *command, char *const *environment, const char *directory);

/* What walls this kernel lets us make: tried in a short-lived child, the first time that it is asked. */
void host_probe_fence(struct host_fence *ret);

/* As root: a filter on a TCP socket of its own takes CAP_NET_ADMIN here. Tried in a short-lived child. */
bool host_probe_attach_takes_admin(void);

/* Reads MemAvailable and MemTotal again (for memory.check: wait). */
void host_probe_memory(struct host *host);

#endif
