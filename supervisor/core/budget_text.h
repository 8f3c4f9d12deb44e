/* SPDX-License-Identifier: Apache-2.0 */
/* budget_text: the deaths of the restart budget as lines of text, so that they outlive a supervisor that is killed, and a
 * reboot. Times are calendar times on disk and the supervisor's clock in memory. Pure. */
#ifndef SUPERVISOR_CORE_BUDGET_TEXT_H
#define SUPERVISOR_CORE_BUDGET_TEXT_H

#include "supervisor/types/state.h"

#define BOOT_ID_MAX 40

/* Now, by both clocks, and which boot it is: within one boot the calendar may jump as it likes. */
struct budget_clock {
	int64_t usec, realtime_usec;
	char boot[BOOT_ID_MAX]; /* /proc/sys/kernel/random/boot_id; "": not known */
};

/* malloc'ed; NULL where memory is out. */
char *budget_text(const struct budget *budget, uint32_t backoff_step, const struct budget_clock *now);

/* Puts the deaths into a budget that has none, and tells the back-off step. A death of this boot keeps its age; of another's, the calendar
 * decides: what it has in the future (it was set back) counts as of now. Stops at the first line that is none of ours;
 * returns the deaths taken. */
uint32_t budget_parse(const char *text, const struct budget_clock *now, struct budget *budget, uint32_t *ret_backoff_step);

#endif
