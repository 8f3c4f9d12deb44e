/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record: any bytes as the stream of heap records, in pieces of any size: what is taken is a record again, and the
 * pieces make no difference. */
#include "supervisor/wire/record.h"

#include <string.h>

static size_t feed(const uint8_t *data, size_t size, size_t piece, unsigned char *ret_last)
{
	struct heap_record_stream stream = { 0 };
	struct heap_record record, again;
	size_t records = 0;
	while (size > 0) {
		size_t count = piece < size ? piece : size;
		size -= count;
		while (heap_record_stream_next(&stream, &data, &count, &record)) {
			heap_record_encode(&record, ret_last);
			int result = heap_record_decode(ret_last, &again);
			assert(result == 0 && again.kind == record.kind);
			records++;
		}
		assert(count == 0);
	}
	return records;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char whole[HEAPWARD_RECORD_BYTES] = { 0 }, pieces[HEAPWARD_RECORD_BYTES] = { 0 };
	size_t piece = size > 0 ? data[0] % 200 + 1 : 1;
	size_t one = feed(data, size, size > 0 ? size : 1, whole), other = feed(data, size, piece, pieces);
	assert(one == other);
	assert(memcmp(whole, pieces, sizeof(whole)) == 0);
	return 0;
}
