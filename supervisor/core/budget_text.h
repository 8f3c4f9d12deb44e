/* SPDX-License-Identifier: Apache-2.0 */
/* budget_text: the deaths of the restart budget as lines of text, so that they outlive a supervisor that is killed. Times
 * are calendar times on disk and the supervisor's clock in memory. Pure. */
#ifndef SUPERVISOR_CORE_BUDGET_TEXT_H
#define SUPERVISOR_CORE_BUDGET_TEXT_H

#include "supervisor/types/state.h"

/* malloc'ed; NULL where memory is out. */
char *budget_text(const struct slot *slot, int64_t now_usec, int64_t now_realtime_usec);

/* Puts deaths and back-off step into a slot that has none. A death that the calendar has in the future (it was set
 * back) counts as of now. Stops at the first line that is none of ours; returns the deaths taken. */
uint32_t budget_parse(const char *text, int64_t now_usec, int64_t now_realtime_usec, struct slot *slot);

#endif
