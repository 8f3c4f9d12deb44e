/* SPDX-License-Identifier: Apache-2.0 */
/* respite: when a helper that has ended is started again: at once, and where it ends again and again after a pause that
 * grows. Pure. */
#ifndef SUPERVISOR_CORE_RESPITE_H
#define SUPERVISOR_CORE_RESPITE_H

#include "base/base.h"

#define RESPITE_FIRST_USEC (2 * USEC_PER_SEC)
#define RESPITE_MAX_USEC (60 * USEC_PER_SEC)

/* Zeroed: nothing has ended yet. */
struct respite {
	int64_t started_usec; /* the last start, or attempt at one */
	int64_t pause_usec;   /* before the next */
};

/* It has ended, or could not be started. Returns how long to wait: 0 at first, and once more after it ran for RESPITE_MAX_USEC. */
int64_t respite_after_end(struct respite *respite, int64_t now_usec);

/* It is started now. */
void respite_begin(struct respite *respite, int64_t now_usec);

#endif
