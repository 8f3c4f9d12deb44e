/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the pure function from policy and host to numbers, each with its rule and inputs. Its parts: plan_flags.c (the
 * user's own V8 options), plan_memory.c (caps), plan_heap.c (old space), plan_line.c (the line at the start). */
#ifndef SUPERVISOR_CORE_PLAN_H
#define SUPERVISOR_CORE_PLAN_H

#include "base/failure.h"
#include "base/units.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/state.h"

/* Below this `auto` refuses: a Node with less collects more than it serves. */
#define PLAN_OLD_SPACE_FLOOR_BYTES (64 * MIB)
/* Off-heap part of the reserve: V8 and libuv themselves, code, stacks, the growth behind the limit. */
#define PLAN_OFF_HEAP_MIN_BYTES (128 * MIB)
/* A killed group that is still not empty after this is reported, and killed again. */
#define PLAN_KILL_TIMEOUT_USEC (2 * USEC_PER_SEC)

/* Resolves. Without a policy file and without memory.max (plan->bare) old space is only ever lowered. Never fails:
 * refusals are remarks. `command` is the effective argv (the command line's, else the policy's), NULL or empty: none. */
void plan_resolve(const struct policy *policy, const struct host *host, char *const *command, struct plan *ret);

/* True where no remark is a refusal. */
bool plan_is_startable(const struct plan *plan);

/* Free memory now against plan->numbers[PLAN_MEMORY_NEED], over all levels and the host; read both anew before the call.
 * True where there is enough or the need is unknown; else `text` says "need 560 MiB (peak of 12 runs), have 312 MiB
 * (MemAvailable)". */
bool plan_memory_fits(const struct plan *plan, const struct host *host, char *text, size_t size);

/* The same for any `need_bytes`; `what` names it in the text. */
bool plan_memory_has(const struct host *host, uint64_t need_bytes, const char *what, char *text, size_t size);

/* The one line printed at the start: "container 512 MiB, old space 288 MiB (Node alone: 256), restarts 5 in 10min; see
 * heapward explain -n web". */
void plan_start_line(const struct plan *plan, const struct policy *policy, const char *name, char *text, size_t size);

/* The part of policy and plan that decide() works by. */
void plan_rules(const struct plan *plan, const struct policy *policy, struct rules *ret);

/* A planned value for people: whole MiB are exact ("1100 MiB", never "1 GiB"). Returns buffer. */
const char *plan_value_text(char buffer[static UNITS_TEXT_MAX], enum plan_unit unit, uint64_t value);

#endif
