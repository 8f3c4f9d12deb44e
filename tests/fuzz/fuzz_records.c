/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_records: any bytes through pipe and door of a worker. The first byte of each piece says which, and its length. */
#include "supervisor/edge/records.h"

#include <sys/socket.h>

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
		ssize_t sent = door ? send(records.worker_door_fd, data + 1, length, MSG_DONTWAIT | MSG_NOSIGNAL) :
				      write(records.worker_pipe_fd, data + 1, length);
		(void)sent;
		records_drain(&records);
		(void)records_send_drain(&records);
		data += length + 1;
		size -= length + 1;
	}
	assert(records.reporter_count <= RECORDS_REPORTERS_MAX && records.series_count <= HEAP_SERIES_MAX);
	(void)records_principal(&records);
	records_finish(&records);
	loop_finish(&loop);
	return 0;
}
