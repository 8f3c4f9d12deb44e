/* SPDX-License-Identifier: Apache-2.0 */
/* relimit: memory.max and old space changed while the service runs (`heapward set`): what is asked for, the plan that
 * follows, what refuses it, and the drop-in that keeps it. Pure. */
#ifndef SUPERVISOR_CORE_RELIMIT_H
#define SUPERVISOR_CORE_RELIMIT_H

#include "supervisor/core/policy_error.h"
#include "supervisor/types/heap.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/relimit.h"

#define RELIMIT_SOURCE "heapward set"     /* of errors */
#define RELIMIT_DROP_IN "50-set.yaml"     /* in NAME.policy.d/ */
#define RELIMIT_DROP_IN_MAX 512

/* Reads "memory.max=600M\nheap.old_space=400M", one setting a line. 0, or -1 with the errors added: what the key table
 * refuses, and every key but these two. */
int relimit_read(const char *settings, struct relimit_wish *ret, struct policy_errors *errors);

/* What of `over` is asked for replaces what `wish` has. */
void relimit_merge(struct relimit_wish *wish, const struct relimit_wish *over);

/* Lays the wish over `policy` (a copy, whose texts are borrowed) and plans anew by it. What raises have come to is a
 * limit like another from then on: a key that is not named keeps it. *relimit goes on from what earlier sets have changed.
 * Returns 0, or -1 where the new plan refuses: `refusal` says why. */
int relimit_plan(const struct relimit_wish *wish, const struct plan *from, const struct host *host, char *const *command,
		 struct policy *policy, struct relimit *relimit, struct plan *ret, char *refusal, size_t size);

/* The change of a worker that runs: 0, or -1 where it would kill, starve or overcommit; `refusal` says so with the
 * numbers. `host` was read anew before the call. */
int relimit_check(const struct relimit_wish *wish, const struct plan *from, const struct plan *to,
		  const struct policy *policy, const struct host *host, const struct relimit_figures *figures,
		  char *refusal, size_t size);

/* The old space that V8 has now: its heap size limit without the young generation and without headroom that was granted;
 * SIZE_UNKNOWN where one of them is. And whether it is what this reporter was told to take. */
uint64_t relimit_in_effect(const struct reporter *reporter, uint64_t young_bytes);
bool relimit_is_taken(const struct reporter *reporter, uint64_t young_bytes);

/* The wish as a policy text, and back: -1 with an error added where the text is none, or holds other keys. */
void relimit_drop_in(const struct relimit_wish *wish, char text[static RELIMIT_DROP_IN_MAX]);
int relimit_drop_in_read(const char *file, const char *text, size_t length, struct relimit_wish *ret,
			 struct policy_errors *errors);

/* Notes that the drop-in has what the wish names, and no more than that; and what was set by name and is in none, as
 * "memory.max, heap.old_space"; "": nothing. */
void relimit_saved(struct relimit *relimit, const struct relimit_wish *wish);
const char *relimit_unsaved(const struct relimit *relimit);

/* True where a loaded policy has what the wish asks for. */
bool relimit_holds(const struct relimit_wish *wish, const struct policy *policy);

#endif
