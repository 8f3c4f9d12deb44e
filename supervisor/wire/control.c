/* SPDX-License-Identifier: Apache-2.0 */
/* control: a 16-byte header (magic, version, command or result, length of the body), little-endian as the machine. */
#include "supervisor/wire/control.h"

#include <string.h>

#define CONTROL_MAGIC 0x6c637068u /* "hpcl" */
#define CONTROL_VERSION 1u

struct header {
	uint32_t magic, version, what, length;
};

_Static_assert(sizeof(struct header) == CONTROL_REPLY_HEADER_BYTES, "the header has no holes");

size_t control_request_encode(const struct control_request *request, unsigned char *buffer, size_t size)
{
	size_t length = strlen(request->argument);
	struct header header = { CONTROL_MAGIC, CONTROL_VERSION, (uint32_t)request->command, (uint32_t)length };
	assert(size >= sizeof(header) + length);
	memcpy(buffer, &header, sizeof(header));
	memcpy(buffer + sizeof(header), request->argument, length);
	return sizeof(header) + length;
}

ssize_t control_request_decode(const unsigned char *bytes, size_t length, struct control_request *ret)
{
	struct header header;
	if (length < sizeof(header))
		return 0;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != CONTROL_MAGIC || header.version != CONTROL_VERSION ||
	    header.what >= CONTROL_COMMAND_COUNT || header.length >= CONTROL_ARGUMENT_MAX)
		return -1;
	if (length < sizeof(header) + header.length)
		return 0;
	if (memchr(bytes + sizeof(header), '\0', header.length) != NULL)
		return -1;
	ret->command = (enum control_command)header.what;
	memcpy(ret->argument, bytes + sizeof(header), header.length);
	ret->argument[header.length] = '\0';
	return (ssize_t)(sizeof(header) + header.length);
}

void control_reply_header_encode(enum control_result result, size_t body_length,
				 unsigned char buffer[static CONTROL_REPLY_HEADER_BYTES])
{
	struct header header = { CONTROL_MAGIC, CONTROL_VERSION, (uint32_t)result, (uint32_t)body_length };
	assert(body_length <= CONTROL_REPLY_MAX);
	memcpy(buffer, &header, sizeof(header));
}

int control_reply_header_decode(const unsigned char buffer[static CONTROL_REPLY_HEADER_BYTES],
				enum control_result *ret_result, size_t *ret_body_length, struct failure *why)
{
	struct header header;
	memcpy(&header, buffer, sizeof(header));
	if (header.magic != CONTROL_MAGIC || header.version != CONTROL_VERSION)
		return failed(why, 0, "the supervisor speaks another version of heapward");
	if (header.what > CONTROL_NOT_READY || header.length > CONTROL_REPLY_MAX)
		return failed(why, 0, "the supervisor's reply makes no sense");
	*ret_result = (enum control_result)header.what;
	*ret_body_length = header.length;
	return 0;
}
