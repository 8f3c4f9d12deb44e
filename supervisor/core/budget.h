/* SPDX-License-Identifier: Apache-2.0 */
/* budget: deaths within a window, and the delay before the next start. Pure. */
#ifndef SUPERVISOR_CORE_BUDGET_H
#define SUPERVISOR_CORE_BUDGET_H

#include "supervisor/types/state.h"

void budget_clear(struct budget *budget);
void budget_add(struct budget *budget, int64_t now_usec, enum verdict_kind kind);

/* A healthy time: budget_used counts none of the deaths so far any more, budget_used_by still does. */
void budget_forgive(struct budget *budget);

/* Deaths at or after now - within that are not forgiven. A clock that stood still or jumped back counts every death it
 * would lose. */
uint32_t budget_used(const struct budget *budget, int64_t now_usec, int64_t within_usec);

/* The same of one verdict, forgiven or not. */
uint32_t budget_used_by(const struct budget *budget, int64_t now_usec, int64_t within_usec, enum verdict_kind kind);

/* backoff_from * factor^step, at most backoff_up_to. */
int64_t backoff_delay(const struct rules *rules, uint32_t step);

/* Up to a fifth less, by *random (xorshift64, moved on; 0: nothing less), so that services which died together do not
 * start together. */
int64_t backoff_jitter(int64_t delay_usec, uint64_t *random);

#endif
