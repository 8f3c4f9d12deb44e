/* SPDX-License-Identifier: Apache-2.0 */
/* violation: the calls of one worker that its list of system calls does not allow, counted. */
#ifndef SUPERVISOR_TYPES_VIOLATION_H
#define SUPERVISOR_TYPES_VIOLATION_H

#include "base/base.h"

#define VIOLATION_CALLS_MAX 80      /* different calls that are told apart; the others count together */
#define VIOLATION_ARGUMENTS 6
#define VIOLATION_CALL_MAX 160      /* a call with its arguments in words */

struct violation_call {
	char name[40];         /* "" until the owner has filled it in */
	char comm[16];         /* of who did it, the last time that it was told; "" where it is not known */
	uint32_t architecture;
	int32_t number, pid;
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
