/* SPDX-License-Identifier: Apache-2.0 */
/* process_look: what a process does right now, as /proc tells anybody who may look. */
#ifndef SUPERVISOR_EDGE_PROCESS_LOOK_H
#define SUPERVISOR_EDGE_PROCESS_LOOK_H

#include "base/base.h"

struct process_look {
	bool gone;          /* there is no such process, or only its exit status is left */
	bool ending;        /* SIGKILL is on its way to it, or its memory is being taken down, which can take seconds */
	char state;         /* of its main thread: R, S, D, T, t; 0: not known */
	int32_t tracer_pid; /* 0: nobody traces it */
};

struct process_look process_look(int32_t pid);

/* The same from the text of /proc/PID/status. */
struct process_look process_look_parse(const char *status);

#endif
