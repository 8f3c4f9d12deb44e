/* SPDX-License-Identifier: Apache-2.0 */
/* capability: what the supervisor's processes may still do after set-up: one table, a row for each capability that one of
 * them needs, with why and when. What is not in it is given up. */
#ifndef SUPERVISOR_CORE_CAPABILITY_H
#define SUPERVISOR_CORE_CAPABILITY_H

#include "supervisor/types/host.h"
#include "supervisor/types/policy.h"

#define CAPABILITY_TEXT_MAX 1024

/* Who holds it: the supervisor while it runs, and at its end (until then it cannot use it), its keeper, or heapward-child on its way
 * to becoming the worker. */
enum capability_holder { HOLDER_SUPERVISOR, HOLDER_LEAVING, HOLDER_KEEPER, HOLDER_CHILD, HOLDER_COUNT };

struct capability_row {
	unsigned number;  /* CAP_* */
	unsigned holders; /* bits 1 << HOLDER_* */
	bool (*needed)(const struct policy *policy, const struct host *host);
	const char *why;  /* "signals to a worker of another user" */
	const char *when; /* "as root" */
};

/* The table; the last row has no `needed`. */
extern const struct capability_row capability_rows[];

/* Sets of capabilities are bits by number. All of them, as far as this version knows names. */
#define CAPABILITY_ALL UINT64_MAX

/* What that process needs under this policy. */
uint64_t capability_needed(enum capability_holder holder, const struct policy *policy, const struct host *host);

/* True for a row that the supervisor itself keeps under this policy, if only for its end. */
bool capability_is_supervisors(const struct capability_row *row, const struct policy *policy, const struct host *host);

/* What the worker is to have: all where sandbox.capabilities is unchanged, else what it names. */
uint64_t capability_of_worker(const struct policy *policy);

/* What must stay within reach of whatever is executed later: child, keeper, worker, and the supervisor itself. */
uint64_t capability_reach(const struct policy *policy, const struct host *host);

/* "cap_kill, cap_setuid", "none", or "all"; numbers without a name as "cap_60". Returns text. */
const char *capability_text(uint64_t set, char text[static CAPABILITY_TEXT_MAX]);

#endif
