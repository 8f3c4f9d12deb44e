/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_control: any bytes are a request, the beginning of one, or nonsense; a request says the same when it is encoded
 * again, and no beginning of it was refused. */
#include "supervisor/wire/control.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_request(const uint8_t *data, size_t size)
{
	unsigned char bytes[CONTROL_REQUEST_BYTES_MAX];
	struct control_request request, beginning;
	ssize_t used = control_request_decode(data, size, &request);
	assert(used >= -1 && used <= (ssize_t)size);
	if (used <= 0)
		return;
	assert(used <= CONTROL_REQUEST_BYTES_MAX && request.command < CONTROL_COMMAND_COUNT);
	size_t length = control_request_encode(&request, bytes, sizeof(bytes));
	assert(length == (size_t)used && memcmp(bytes, data, length) == 0);
	for (size_t cut = 0; cut < length; cut++)
		assert(control_request_decode(data, cut, &beginning) == 0);
}

static void fuzz_reply(const uint8_t *data, size_t size)
{
	unsigned char bytes[CONTROL_REPLY_HEADER_BYTES];
	enum control_result result;
	size_t length;
	struct failure why;
	if (size < sizeof(bytes) || control_reply_header_decode(data, &result, &length, &why) < 0)
		return;
	assert(length <= CONTROL_REPLY_MAX && result <= CONTROL_NOT_READY);
	control_reply_header_encode(result, length, bytes);
	assert(memcmp(bytes, data, sizeof(bytes)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_request(data, size);
	fuzz_reply(data, size);
	return 0;
}
