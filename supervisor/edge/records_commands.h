/* SPDX-License-Identifier: Apache-2.0 */
/* records_commands: what goes down the private sockets, and who has answered. Internal to edge/records*.c. */
#ifndef SUPERVISOR_EDGE_RECORDS_COMMANDS_H
#define SUPERVISOR_EDGE_RECORDS_COMMANDS_H

#include "supervisor/edge/records.h"

/* Tells this reporter what the others were told before it came. */
void records_tell_late(struct records *records, size_t index);

/* What a reporter says of the old space that it was told to take. */
void records_take_limit(struct records *records, struct reporter *reporter, const struct heapward_record_limit *limit);

/* Calls drained_all, once, where nobody is left to wait for. After each word or end of a reporter. */
void records_check_drained(struct records *records);

#endif
