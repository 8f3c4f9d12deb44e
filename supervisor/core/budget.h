/* SPDX-License-Identifier: Apache-2.0 */
/* budget: deaths within a window, and the delay before the next start. Pure. */
#ifndef SUPERVISOR_CORE_BUDGET_H
#define SUPERVISOR_CORE_BUDGET_H

#include "supervisor/types/state.h"

void budget_clear(struct budget *budget);
void budget_add(struct budget *budget, int64_t now_usec);

/* Deaths at or after now - within. A clock that stood still or jumped back counts every death it would lose. */
uint32_t budget_used(const struct budget *budget, int64_t now_usec, int64_t within_usec);

/* backoff_from * factor^step, at most backoff_up_to. */
int64_t backoff_delay(const struct rules *rules, uint32_t step);

#endif
