/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the pure function from policy and host to numbers, each with its rule and inputs. */
#ifndef SUPERVISOR_CORE_PLAN_H
#define SUPERVISOR_CORE_PLAN_H

#include "base/failure.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/state.h"

/* Resolves. `has_policy` false is the bare `run`: old space only ever lowered. Never fails: refusals are remarks.
 * `command` is the effective argv (the command line's, else the policy's). */
void plan_resolve(const struct policy *policy, const struct host *host, char *const *command, struct plan *ret);

/* True where no remark is a refusal. */
bool plan_is_startable(const struct plan *plan);

/* Free memory now against plan->numbers[PLAN_MEMORY_NEED], over all levels and the host. True where there is enough;
 * else `text` says "need 560 MiB (peak of 12 runs), have 312 MiB (MemAvailable)". */
bool plan_memory_fits(const struct plan *plan, const struct host *host, char *text, size_t size);

/* The one line printed at the start: "container 512 MiB, old space 288 MiB (Node alone: 256), restarts 5 in 10min; see
 * heapward explain -n web". */
void plan_start_line(const struct plan *plan, const struct policy *policy, const char *name, char *text, size_t size);

/* The part of policy and plan that decide() works by. */
void plan_rules(const struct plan *plan, const struct policy *policy, struct rules *ret);

#endif
