/* SPDX-License-Identifier: Apache-2.0 */
/* respite: see respite.h. */
#include "supervisor/core/respite.h"

int64_t respite_after_end(struct respite *respite, int64_t now_usec)
{
	if (now_usec - respite->started_usec >= RESPITE_MAX_USEC)
		respite->pause_usec = 0;
	int64_t pause_usec = respite->pause_usec;
	int64_t next_usec = pause_usec == 0 ? RESPITE_FIRST_USEC : 2 * pause_usec;
	respite->pause_usec = next_usec < RESPITE_MAX_USEC ? next_usec : RESPITE_MAX_USEC;
	return pause_usec;
}

void respite_begin(struct respite *respite, int64_t now_usec)
{
	respite->started_usec = now_usec;
}
