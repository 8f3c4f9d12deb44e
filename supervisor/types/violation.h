/* SPDX-License-Identifier: Apache-2.0 */
/* violation: the calls of one worker that its list of system calls does not allow, counted. */
#ifndef SUPERVISOR_TYPES_VIOLATION_H
#define SUPERVISOR_TYPES_VIOLATION_H

#include "base/base.h"

#define VIOLATION_CALLS_MAX 400     /* different calls that are told apart: more than have a name, so that none of those is crowded out */
#define VIOLATION_ARGUMENTS 6
#define VIOLATION_CALL_MAX 160      /* a call with its arguments in words */

/* NAMED: of this architecture, with a name. What has none counts together, and so does what enters the kernel as another
 * architecture: who tries their numbers in turn names one call, not a thousand. */
enum violation_sort { VIOLATION_NAMED, VIOLATION_NAMELESS, VIOLATION_X32, VIOLATION_FOREIGN };

struct violation_call {
	char name[40];         /* "" until the owner has filled it in */
	char comm[16];         /* of who did it, the last time that it was told; "" where it is not known */
	enum violation_sort sort;
	int32_t number, pid;   /* the number: of what counts together, as of comm */
	uint64_t arguments[VIOLATION_ARGUMENTS]; /* as of comm */
	uint64_t count, told;  /* told: the count when it was */
	bool shielded;         /* as of comm: it would have harmed the supervisor (core/shield.c) */
	bool held;             /* the last one was denied, whatever sandbox.violation says of the others */
};

struct violations {
	struct violation_call calls[VIOLATION_CALLS_MAX + 1]; /* the last one counts what is beyond */
	size_t call_count;
	uint64_t total;
	int64_t free_usec; /* when the answers so far are paid for */
};

#endif
