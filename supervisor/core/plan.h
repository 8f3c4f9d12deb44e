/* SPDX-License-Identifier: Apache-2.0 */
/* plan: the pure function from policy and host to numbers, each with its rule and inputs. Its parts: plan_flags.c (the
 * user's own V8 options), plan_memory.c (caps), plan_heap.c (old space), plan_line.c (the line at the start). */
#ifndef SUPERVISOR_CORE_PLAN_H
#define SUPERVISOR_CORE_PLAN_H

#include "base/failure.h"
#include "base/units.h"
#include "supervisor/types/early.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/state.h"

/* Below this `auto` refuses: a Node with less collects more than it serves. A cap of 256 MiB leaves 56. */
#define PLAN_OLD_SPACE_FLOOR_BYTES (48 * MIB)
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

/* The same for so many workers that start side by side, none of which uses anything yet. */
bool plan_start_fits(const struct plan *plan, const struct host *host, uint32_t workers, char *text, size_t size);

/* The same for any `need_bytes`; `what` names it in the text. */
bool plan_memory_has(const struct host *host, uint64_t need_bytes, const char *what, char *text, size_t size);

/* Room for the second worker of a replacement now, over all levels and the host; read both anew before the call. Where not,
 * `text` says why, with the numbers: also where there is to be no second worker at all. */
bool plan_spare_fits(const struct plan *plan, const struct host *host, char *text, size_t size);

/* What follows from the policy alone about held sockets and replacements (plan_replace.c). */
enum near_limit plan_near_limit(const struct policy *policy);  /* never NEAR_LIMIT_AUTO */
struct ready_when plan_ready(const struct policy *policy);     /* never READY_AUTO */
bool plan_drains(const struct policy *policy);                 /* there are held sockets */
bool plan_replaces(const struct policy *policy);               /* and two workers may stand side by side */
bool plan_keeps_spare(const struct policy *policy);            /* and room for both is planned from the start */
uint32_t plan_workers(const struct policy *policy);            /* that share what the groups above allow */

/* What counts as near a limit, as the plan has it (it does not know of leaks); and the plan's lead once more, after a start has been measured
 * (plan_early.c). */
void plan_early_limits(const struct plan *plan, const struct policy *policy, struct early_limits *ret);
void plan_learn_start(struct plan *plan, const struct policy *policy, int64_t start_usec);
int64_t plan_lead_usec(const struct plan *plan); /* 0: no forecast */

/* True where the policy asks for any wall around files, processes and network, its defaults included (plan_fence.c). */
bool plan_wants_fence(const struct policy *policy);

/* True where the command gets its held sockets as LISTEN_FDS: no agent of ours could give them to its server. */
bool plan_hands_over_listen_fds(const struct plan *plan);

/* The one line printed at the start: "container 512 MiB, old space 288 MiB (Node alone: 256), restarts 5 in 10min; see
 * heapward explain -n web". */
void plan_start_line(const struct plan *plan, const struct policy *policy, const char *name, char *text, size_t size);

/* The part of policy and plan that decide() works by. */
void plan_rules(const struct plan *plan, const struct policy *policy, struct rules *ret);

/* Where a key was set: "web.yaml:12", "--set", "default". */
void plan_key_origin(const struct policy *policy, enum policy_key key, char *text, size_t size);

/* A planned value for people: whole MiB are exact ("1100 MiB", never "1 GiB"). Returns buffer. */
const char *plan_value_text(char buffer[static UNITS_TEXT_MAX], enum plan_unit unit, uint64_t value);

#endif
