/* SPDX-License-Identifier: Apache-2.0 */
/* records_internal: what the files of edge/records*.c share. records.c reads and bounds; records_table.c knows who
 * reports and takes what it says; records_ends.c watches sockets and processes until they end. */
#ifndef SUPERVISOR_EDGE_RECORDS_INTERNAL_H
#define SUPERVISOR_EDGE_RECORDS_INTERNAL_H

#include "supervisor/edge/records.h"
#include "supervisor/edge/records_packet.h"

/* records.c: counts work that a worker has made, and stops hearing it where that is too much. */
void records_charge(struct records *records, uint64_t bytes);

/* records.c: takes what door and pipe hold now, for about `most` bytes of work. */
void records_read(struct records *records, size_t most);

/* records_table.c */
void records_take(struct records *records, const struct heap_record *record); /* of the pipe */
void records_take_hello(struct records *records, const struct heap_record *record, const struct records_packet *packet);
void records_doubt(struct records *records, uint64_t *counter, uint64_t more);
void records_mark_ended(struct records *records, size_t index); /* its process has, and all was read */

/* records_ends.c: of reporter `index`. Watching takes over the descriptors (-1: none). */
void records_watch(struct records *records, size_t index, int private_fd, int pid_fd);
void records_unwatch(struct records *records, size_t index);
void records_pause_ends(struct records *records);
void records_resume_ends(struct records *records);
void records_see_ends(const struct records *records, int32_t ret_pids[static RECORDS_REPORTERS_MAX]); /* 0: lives */
void records_take_ends(struct records *records, const int32_t pids[static RECORDS_REPORTERS_MAX]);
void records_close_gone(struct records *records);

#endif
