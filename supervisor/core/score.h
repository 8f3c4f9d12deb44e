/* SPDX-License-Identifier: Apache-2.0 */
/* score: how a worker will be confined, held against a named checklist, in the manner of `systemd-analyze security`: each item
 * has points, what a weaker choice costs, and the remedy. It judges the policy on this machine; what comes of it in the end is
 * for `heapward status`. */
#ifndef SUPERVISOR_CORE_SCORE_H
#define SUPERVISOR_CORE_SCORE_H

#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

#define SCORE_ITEMS_MAX 32
#define SCORE_DETAIL_MAX 128

struct score_item {
	const char *id;    /* stable, for scripts: "system_calls" */
	const char *title; /* "system calls" */
	unsigned points, of;
	const char *does;  /* what the policy does */
	char detail[SCORE_DETAIL_MAX]; /* goes on behind it; "" where there is none */
	const char *cost, *remedy;     /* "" where nothing is missing */
};

struct score {
	struct score_item items[SCORE_ITEMS_MAX];
	size_t count;
	unsigned points, of;
};

void score_resolve(const struct plan *plan, const struct policy *policy, const struct host *host, struct score *ret);

/* True for a user that programs share which have nothing to do with each other: "nobody" protects nobody from nobody. */
bool score_user_is_shared(const char *user);

#endif
