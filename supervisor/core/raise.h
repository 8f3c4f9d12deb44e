/* SPDX-License-Identifier: Apache-2.0 */
/* raise: how far old space goes up after a fatal heap-limit error, and the record of it that outlives the supervisor.
 * Pure. */
#ifndef SUPERVISOR_CORE_RAISE_H
#define SUPERVISOR_CORE_RAISE_H

#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"
#include "supervisor/types/raise.h"

/* The limits of a policy in one line. Raises belong to it: where it differs, they are given back. */
void raise_policy(const struct policy *policy, char text[static RAISE_POLICY_MAX]);

/* The next raise by `plan` (which has the earlier ones in it) and the free memory in `host`, read anew before the call.
 * `in_effect_bytes` is the old space that V8 itself told, SIZE_UNKNOWN where it did not. Returns 0, or -1 where there is
 * none: `refusal` says why, with the numbers. *ret has everything but its time. */
int raise_next(const struct plan *plan, const struct policy *policy, const struct host *host, uint64_t in_effect_bytes,
	       struct raise *ret, char *refusal, size_t size);

/* Writes why a limit is not moved, and returns -1: of raises, and of core/relimit.c. */
int raise_refuse(char *refusal, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

void raises_add(struct raises *raises, const struct raise *raise);

/* The last one, which has what all of them came to; one of zero bytes where there is none. */
const struct raise *raises_last(const struct raises *raises);

/* The record as JSON (malloc'ed, one line; NULL where memory is out), and back: -1 where it is none of ours. */
char *raises_json(const struct raises *raises);
int raises_parse(const char *json, struct raises *ret);

/* "64 MiB -> 96 MiB", with memory.max where it goes along. Returns text. */
const char *raise_text(const struct raise *raise, char *text, size_t size);

#endif
