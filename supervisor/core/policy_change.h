/* SPDX-License-Identifier: Apache-2.0 */
/* policy_change: which keys of a policy that a worker was launched from have another value now. The others take effect
 * while it runs. */
#ifndef SUPERVISOR_CORE_POLICY_CHANGE_H
#define SUPERVISOR_CORE_POLICY_CHANGE_H

#include "supervisor/types/policy.h"

/* How many keys differ that only a new worker can take; their paths into `text`: "memory.max, heap.old_space". */
size_t policy_change_for_worker(const struct policy *before, const struct policy *after, char *text, size_t size);

#endif
