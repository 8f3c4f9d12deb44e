/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_records: any bytes through pipe and door of a worker. The first byte of each piece says which, and its length. A
 * piece of a record's length names us as its sender, or every hello would be refused as forged. */
#include "supervisor/edge/records.h"

#include <string.h>
#include <sys/socket.h>

#define PIECE_MAX 256 /* more than 0x7f * 2 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loop loop;
	struct failure why;
	static struct records records;
	if (loop_init(&loop, &why) < 0 || records_init(&records, &loop, &why) < 0)
		return 0;
	while (size > 1) {
		size_t length = data[0] & 0x7f ? (size_t)(data[0] & 0x7f) * 2 : HEAPWARD_RECORD_BYTES;
		length = length < size - 1 ? length : size - 1;
		bool door = (data[0] & 0x80) != 0;
		unsigned char piece[PIECE_MAX];
		uint32_t pid = (uint32_t)getpid();
		memcpy(piece, data + 1, length);
		if (length == HEAPWARD_RECORD_BYTES)
			memcpy(piece + offsetof(struct heapward_record, pid), &pid, sizeof(pid));
		ssize_t sent = door ? send(records.worker_door_fd, piece, length, MSG_DONTWAIT | MSG_NOSIGNAL) :
				      write(records.worker_pipe_fd, piece, length);
		(void)sent;
		records_drain(&records);
		(void)records_send_drain(&records, false);
		(void)records_send_old_space(&records, 64 * MIB);
		data += length + 1;
		size -= length + 1;
	}
	assert(records.reporter_count <= RECORDS_REPORTERS_MAX && records.series_count <= HEAP_SERIES_MAX);
	(void)records_principal(&records);
	records_finish(&records);
	loop_finish(&loop);
	return 0;
}
