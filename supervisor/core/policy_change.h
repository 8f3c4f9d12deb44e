/* SPDX-License-Identifier: Apache-2.0 */
/* policy_change: which keys of a policy that a worker was launched from have another value now. The others take effect
 * while it runs. */
#ifndef SUPERVISOR_CORE_POLICY_CHANGE_H
#define SUPERVISOR_CORE_POLICY_CHANGE_H

#include "supervisor/types/policy.h"
#include "supervisor/types/policy_keys.h"

/* How many keys differ that only a new worker can take; their paths into `text`: "memory.max, heap.old_space". */
size_t policy_change_for_worker(const struct policy *before, const struct policy *after, char *text, size_t size);

/* Only a new worker can take another value of the key. */
bool policy_change_takes_worker(enum policy_key key);

#endif
