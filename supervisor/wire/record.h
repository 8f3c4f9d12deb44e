/* SPDX-License-Identifier: Apache-2.0 */
/* record: heap records (include/heapward/record.h) <-> bytes, a decoder for the hostile stream that they come in, and
 * commands -> bytes.
 * Lengths are checked before meaning, meaning before use. Pure. */
#ifndef SUPERVISOR_WIRE_RECORD_H
#define SUPERVISOR_WIRE_RECORD_H

#include "base/base.h"
#include "heapward/record.h"

/* Any larger size in a record is a lie. */
#define HEAP_RECORD_SIZE_MAX ((uint64_t)1 << 60)

/* A record in the machine's own byte order; of the bodies, the one of its kind counts. Sizes as on the wire: 0 where
 * they are not known. */
struct heap_record {
	enum heapward_record_kind kind;
	uint32_t flags, pid;
	uint64_t isolate;
	int64_t at_usec;
	struct heapward_record_hello hello;
	struct heapward_record_gc gc;
	struct heapward_record_near_limit near_limit;
	struct heapward_record_listening listening;
	struct heapward_record_bye bye;
};

void heap_record_encode(const struct heap_record *record, unsigned char bytes[static HEAPWARD_RECORD_BYTES]);

/* Returns 0, or -1 where the bytes are no record: then *ret is not to be used. */
int heap_record_decode(const unsigned char bytes[static HEAPWARD_RECORD_BYTES], struct heap_record *ret);

void heap_command_encode(enum heapward_command_kind kind, uint64_t value,
			 unsigned char bytes[static HEAPWARD_COMMAND_BYTES]);

/* The decoder of a stream. Zeroed is its beginning; it allocates nothing. */
struct heap_record_stream {
	unsigned char bytes[HEAPWARD_RECORD_BYTES]; /* the start of a record, `length` of it so far */
	size_t length;
	bool lost;            /* what came last was no record: looking for the next magic */
	uint64_t bad_records; /* refused: each whole one, and each run of bytes that holds no magic */
	uint64_t bad_bytes;   /* skipped in all */
};

/* Takes bytes from *bytes (moving it and *count on) until a record is whole: true, and it is in *ret. False: all bytes
 * are taken. Call until false. */
bool heap_record_stream_next(struct heap_record_stream *stream, const unsigned char **bytes, size_t *count,
			     struct heap_record *ret);

/* For people: "agent", "library", "none"; and what the problem means, "" for none. Unknown numbers are bugs: decode has
 * refused them. */
const char *heap_record_source_name(uint32_t source);
const char *heap_record_problem_text(uint32_t problem);

#endif
