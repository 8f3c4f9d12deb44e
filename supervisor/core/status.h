/* SPDX-License-Identifier: Apache-2.0 */
/* status: struct status as the JSON object of one service, with the names that scripts rely on. */
#ifndef SUPERVISOR_CORE_STATUS_H
#define SUPERVISOR_CORE_STATUS_H

#include "supervisor/types/status.h"

/* malloc'ed, NUL-terminated, one line; NULL only where memory is out. */
char *status_json(const struct status *status);

/* One service in full for people, 80 columns, from the JSON of status_json. malloc'ed; NULL where the text is no status
 * of ours or memory is out. */
char *status_text(const char *json, int64_t now_realtime_usec);

/* The status of a service that nobody supervises now: state "stopped", everything else unknown. */
void status_of_stopped(struct status *ret, const char *name);

/* An instance without a worker: everything but its state is unknown. */
void status_no_worker(struct status_instance *ret, uint32_t number, const char *state);

#endif
