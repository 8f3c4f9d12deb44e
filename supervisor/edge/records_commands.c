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

/* So few bytes go whole or not at all. */
static bool send_command(struct records *records, size_t index, enum heapward_command_kind kind, uint64_t value)
{
	unsigned char bytes[HEAPWARD_COMMAND_BYTES];
	heap_command_encode(kind, value, bytes);
	return send(records->privates[index].socket.fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(bytes);
}

static void tell_to_drain(struct records *records, size_t index)
{
	uint64_t value = records->last ? HEAPWARD_DRAIN_LAST : 0;
	if (can_be_told(records, index) && !records->reporters[index].told_to_drain)
		records->reporters[index].told_to_drain = send_command(records, index, HEAPWARD_DRAIN, value);
}

static bool tell_old_space(struct records *records, size_t index)
{
	struct reporter *reporter = &records->reporters[index];
	if (!can_be_told(records, index) ||
	    !send_command(records, index, HEAPWARD_HEAP_LIMIT, records->old_space_bytes))
		return false;
	reporter->asked_old_space_bytes = records->old_space_bytes;
	reporter->limit_state = 0;
	return true;
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
	if (records->old_space_bytes > 0)
		(void)tell_old_space(records, index);
}

size_t records_send_old_space(struct records *records, uint64_t old_space_bytes)
{
	size_t told = 0;
	records->old_space_bytes = old_space_bytes;
	for (size_t i = 0; i < records->reporter_count; i++)
		told += tell_old_space(records, i);
	return told;
}

/* Only what was asked for: a worker cannot claim a limit that nobody gave. */
void records_take_limit(struct records *records, struct reporter *reporter, const struct heapward_record_limit *limit)
{
	if (reporter->asked_old_space_bytes == 0 || limit->old_space_bytes != reporter->asked_old_space_bytes)
		return;
	reporter->limit_state = limit->state;
	reporter->heap_size_limit_bytes = limit->limit_bytes == 0 ? SIZE_UNKNOWN : limit->limit_bytes;
	if (limit->state == HEAPWARD_LIMIT_TAKEN)
		reporter->old_space_bytes = limit->old_space_bytes;
	if (records->limit != NULL)
		records->limit(records, reporter, limit);
}

size_t records_servers(const struct records *records, size_t *ret_takes_commands)
{
	size_t servers = 0;
	*ret_takes_commands = 0;
	for (size_t i = 0; i < records->reporter_count; i++) {
		const struct reporter *reporter = &records->reporters[i];
		servers += reporter->main_isolate && !reporter->launcher && !reporter->closed;
		*ret_takes_commands += can_be_told(records, i);
	}
	return servers;
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
