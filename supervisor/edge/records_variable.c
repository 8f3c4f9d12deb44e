/* SPDX-License-Identifier: Apache-2.0 */
/* records_variable: HEAPWARD_AGENT, by which a worker finds its way back to us (heapward/record.h has the format). */
#include "supervisor/edge/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct text {
	char *at, *end;
};

static void put_descriptor(struct text *text, const char *key, int fd, int worker_fd)
{
	struct stat about;
	int error = fstat(fd, &about);
	assert(error == 0);
	int length = snprintf(text->at, (size_t)(text->end - text->at), "%s=%d:%ju:%ju", key, worker_fd,
			      (uintmax_t)about.st_dev, (uintmax_t)about.st_ino);
	assert(length > 0 && length < text->end - text->at);
	text->at += length;
}

static bool goes_unescaped(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       strchr("-._~/:[]", byte) != NULL;
}

static void put_name(struct text *text, const char *name)
{
	assert(text->end - text->at > (ptrdiff_t)(3 * strlen(name) + 1));
	*text->at++ = ':';
	for (; *name != '\0'; name++) {
		if (goes_unescaped(*name))
			*text->at++ = *name;
		else
			text->at += snprintf(text->at, 4, "%%%02X", (unsigned)(unsigned char)*name);
	}
	*text->at = '\0';
}

void records_variable(const struct records *records, uint64_t headroom_bytes, uint64_t heartbeat_msec,
		      const struct records_listen *listen, size_t listen_count, char *text, size_t size)
{
	struct text to = { text, text + size };
	assert(size >= RECORDS_VARIABLE_MAX && listen_count <= HEAPWARD_LISTEN_MAX);
	put_descriptor(&to, HEAPWARD_RECORD_VARIABLE "=1;records", records->worker_pipe_fd, RECORDS_PIPE_FD);
	put_descriptor(&to, ";door", records->worker_door_fd, RECORDS_DOOR_FD);
	to.at += snprintf(to.at, (size_t)(to.end - to.at), ";headroom=%" PRIu64, headroom_bytes);
	if (heartbeat_msec > 0)
		to.at += snprintf(to.at, (size_t)(to.end - to.at), ";heartbeat=%" PRIu64, heartbeat_msec);
	for (size_t i = 0; i < listen_count; i++) {
		put_descriptor(&to, ";listen", listen[i].fd, RECORDS_LISTEN_FD + (int)i);
		put_name(&to, listen[i].name);
	}
}
