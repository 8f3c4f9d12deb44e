/* SPDX-License-Identifier: Apache-2.0 */
/* records_commands: see records_commands.h. The reader is hostile: it may not read, and it may lie about what it did,
 * so nothing here waits and nothing is believed but that it said so. */
#include "supervisor/edge/records_commands.h"

#include <sys/socket.h>

static bool can_be_told(const struct records *records, size_t index)
{
	const struct reporter *reporter = &records->reporters[index];
	return records->privates[index].socket.fd >= 0 && reporter->takes_commands && !reporter->launcher &&
	       !reporter->closed;
}

static void tell_to_drain(struct records *records, size_t index)
{
	unsigned char bytes[HEAPWARD_COMMAND_BYTES];
	if (!can_be_told(records, index) || records->reporters[index].told_to_drain)
		return;
	heap_command_encode(HEAPWARD_DRAIN, records->last ? HEAPWARD_DRAIN_LAST : 0, bytes);
	/* So few bytes go whole or not at all. */
	ssize_t sent = send(records->privates[index].socket.fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
	records->reporters[index].told_to_drain = sent == (ssize_t)sizeof(bytes);
}

/* A worker thread is told by its main isolate, and answers for itself. Whoever has shut its ear is not waited for. */
static bool is_waited_for(const struct records *records, size_t index)
{
	const struct reporter *reporter = &records->reporters[index];
	if (reporter->main_isolate && records->privates[index].socket.fd < 0)
		return false;
	bool told = reporter->told_to_drain || (!reporter->main_isolate && reporter->serves != 0);
	return told && !reporter->drained && !reporter->closed;
}

void records_check_drained(struct records *records)
{
	bool anybody = false;
	if (!records->draining || records->drained)
		return;
	for (size_t i = 0; i < records->reporter_count; i++) {
		anybody = anybody || records->reporters[i].told_to_drain;
		if (is_waited_for(records, i))
			return;
	}
	if (!anybody)
		return;
	records->drained = true;
	if (records->drained_all != NULL)
		records->drained_all(records);
}

void records_tell_late(struct records *records, size_t index)
{
	if (records->draining)
		tell_to_drain(records, index);
}

size_t records_send_drain(struct records *records, bool last)
{
	size_t told = 0;
	records->last = last;
	records->draining = true;
	for (size_t i = 0; i < records->reporter_count; i++) {
		tell_to_drain(records, i);
		told += records->reporters[i].told_to_drain && !records->reporters[i].closed;
	}
	return told;
}
