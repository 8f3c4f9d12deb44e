/* SPDX-License-Identifier: Apache-2.0 */
/* reach: what of the supervisor a worker could get at, tried by heapward-child in a worker's place: the steps of a launch, and these
 * acts instead of the command. */
#ifndef SUPERVISOR_TYPES_REACH_H
#define SUPERVISOR_TYPES_REACH_H

#include "base/base.h"

/* X(id, "name in JSON", "what a worker can do where it is open")
 * The target is a path, from SIGNAL on the supervisor's pid, and of KEEPER the keeper's. */
#define REACH_ACTS(X) \
	X(STATE_READ, "state_read", "read what is kept of the service") \
	X(STATE_WRITE, "state_write", "change what is kept of the service") \
	X(RUNTIME_WRITE, "runtime_write", "put another control socket in place") \
	X(CONTROL, "control", "ask the control socket (to look: changes are refused to workers)") \
	X(POLICY_WRITE, "policy_write", "change the policy file") \
	X(PROGRAM_WRITE, "program_write", "change heapward's own programs") \
	X(CGROUP_WRITE, "cgroup_write", "change its own limits, or leave its cgroup") \
	X(SIGNAL, "signal", "end the supervisor by a signal") \
	X(PIDFD, "pidfd", "end the supervisor by a signal through a pidfd (of /proc, or a socket)") \
	X(OWNER, "owner", "have the kernel end the supervisor by a signal for a descriptor") \
	X(MEMORY, "memory", "read and change the supervisor's memory") \
	X(KEEPER, "keeper", "end the keeper, and the supervisor's end then leaves workers behind")

enum reach_act {
#define X(id, name, does) REACH_##id,
	REACH_ACTS(X)
#undef X
	REACH_COUNT
};

/* In the report of a child that has tried: a byte for each act. */
enum { REACH_CLOSED = '0', REACH_OPEN = '1', REACH_UNTRIED = '-' };

#endif
