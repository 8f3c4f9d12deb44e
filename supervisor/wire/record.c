/* SPDX-License-Identifier: Apache-2.0 */
/* record: see record.h. Knows the layout of include/heapward/record.h and what a believable value is; must not know
 * who sends or what a record leads to. */
#include "supervisor/wire/record.h"

#include <endian.h>
#include <string.h>

#define RECORD_FLAGS (HEAPWARD_MAIN_ISOLATE | HEAPWARD_LAUNCHER | HEAPWARD_TAKES_COMMANDS)

static void swap_heap(const struct heapward_record_heap *from, struct heapward_record_heap *to)
{
	*to = (struct heapward_record_heap){
		.used_bytes = le64toh(from->used_bytes),
		.total_bytes = le64toh(from->total_bytes),
		.limit_bytes = le64toh(from->limit_bytes),
		.external_bytes = le64toh(from->external_bytes),
		.malloced_bytes = le64toh(from->malloced_bytes),
		.available_bytes = le64toh(from->available_bytes),
	};
}

/* Each swap_* goes both ways: little-endian to our own order, and back. */
static void swap_hello(const struct heapward_record_hello *from, struct heapward_record_hello *to)
{
	*to = *from;
	to->heap_size_limit_bytes = le64toh(from->heap_size_limit_bytes);
	to->old_space_bytes = le64toh(from->old_space_bytes);
	to->semi_space_bytes = le64toh(from->semi_space_bytes);
	to->available_bytes = le64toh(from->available_bytes);
	to->source = le32toh(from->source);
	to->problem = le32toh(from->problem);
}

static void swap_gc(const struct heapward_record_gc *from, struct heapward_record_gc *to)
{
	to->collection = le32toh(from->collection);
	to->collections = le32toh(from->collections);
	to->pause_usec = le64toh(from->pause_usec);
	to->dropped = le64toh(from->dropped);
	swap_heap(&from->heap, &to->heap);
}

static void swap_near_limit(const struct heapward_record_near_limit *from, struct heapward_record_near_limit *to)
{
	to->old_space_bytes = le64toh(from->old_space_bytes);
	to->granted_bytes = le64toh(from->granted_bytes);
	to->dropped = le64toh(from->dropped);
	swap_heap(&from->heap, &to->heap);
}

static void swap_listening(const struct heapward_record_listening *from, struct heapward_record_listening *to)
{
	*to = *from;
	to->held = le32toh(from->held);
	to->port = le32toh(from->port);
}

static void swap_bye(const struct heapward_record_bye *from, struct heapward_record_bye *to)
{
	to->leaving = le32toh(from->leaving);
	to->status = (int32_t)le32toh((uint32_t)from->status);
}

void heap_record_encode(const struct heap_record *record, unsigned char bytes[static HEAPWARD_RECORD_BYTES])
{
	struct heapward_record wire;
	memset(&wire, 0, sizeof(wire));
	wire.magic = htole32(HEAPWARD_RECORD_MAGIC);
	wire.version = htole16(HEAPWARD_RECORD_VERSION);
	wire.size = htole16(HEAPWARD_RECORD_BYTES);
	wire.kind = htole16((uint16_t)record->kind);
	wire.flags = htole16((uint16_t)record->flags);
	wire.pid = htole32(record->pid);
	wire.isolate = htole64(record->isolate);
	wire.at_usec = htole64((uint64_t)record->at_usec);
	if (record->kind == HEAPWARD_HELLO)
		swap_hello(&record->hello, &wire.body.hello);
	else if (record->kind == HEAPWARD_GC)
		swap_gc(&record->gc, &wire.body.gc);
	else if (record->kind == HEAPWARD_NEAR_LIMIT)
		swap_near_limit(&record->near_limit, &wire.body.near_limit);
	else if (record->kind == HEAPWARD_LISTENING)
		swap_listening(&record->listening, &wire.body.listening);
	else if (record->kind == HEAPWARD_BYE)
		swap_bye(&record->bye, &wire.body.bye);
	memcpy(bytes, &wire, sizeof(wire));
}

/* A text that may be shown to people: ends within `size`, and holds nothing but printable ASCII without spaces. */
static bool text_is_plain(const char *text, size_t size)
{
	size_t length = strnlen(text, size);
	for (size_t i = 0; i < length; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return length > 0 && length < size;
}

static bool heap_is_believable(const struct heapward_record_heap *heap)
{
	return heap->used_bytes <= HEAP_RECORD_SIZE_MAX && heap->total_bytes <= HEAP_RECORD_SIZE_MAX &&
	       heap->limit_bytes <= HEAP_RECORD_SIZE_MAX && heap->external_bytes <= HEAP_RECORD_SIZE_MAX &&
	       heap->malloced_bytes <= HEAP_RECORD_SIZE_MAX && heap->available_bytes <= HEAP_RECORD_SIZE_MAX;
}

static bool hello_is_believable(const struct heapward_record_hello *hello)
{
	return text_is_plain(hello->runtime, sizeof(hello->runtime)) &&
	       text_is_plain(hello->version, sizeof(hello->version)) &&
	       hello->heap_size_limit_bytes <= HEAP_RECORD_SIZE_MAX && hello->old_space_bytes <= HEAP_RECORD_SIZE_MAX &&
	       hello->semi_space_bytes <= HEAP_RECORD_SIZE_MAX && hello->available_bytes <= HEAP_RECORD_SIZE_MAX &&
	       hello->source <= HEAPWARD_SOURCE_TIMER && hello->problem <= HEAPWARD_PROBLEM_LOAD;
}

static bool gc_is_believable(const struct heapward_record_gc *gc)
{
	bool collected = gc->collection == HEAPWARD_COLLECTION_YOUNG || gc->collection == HEAPWARD_COLLECTION_FULL;
	bool looked = gc->collection == HEAPWARD_COLLECTION_NONE && gc->collections == 0;
	return ((collected && gc->collections > 0) || looked) && gc->pause_usec <= INT64_MAX && heap_is_believable(&gc->heap);
}

static bool near_limit_is_believable(const struct heapward_record_near_limit *near_limit)
{
	return near_limit->old_space_bytes <= HEAP_RECORD_SIZE_MAX &&
	       near_limit->granted_bytes <= HEAP_RECORD_SIZE_MAX && heap_is_believable(&near_limit->heap);
}

static bool listening_is_believable(const struct heapward_record_listening *listening)
{
	return text_is_plain(listening->name, sizeof(listening->name)) && listening->held <= HEAPWARD_LISTEN_MAX &&
	       listening->port <= UINT16_MAX;
}

static int decode_body(const struct heapward_record *wire, struct heap_record *ret)
{
	switch (ret->kind) {
	case HEAPWARD_HELLO:
		swap_hello(&wire->body.hello, &ret->hello);
		return hello_is_believable(&ret->hello) ? 0 : -1;
	case HEAPWARD_GC:
		swap_gc(&wire->body.gc, &ret->gc);
		return gc_is_believable(&ret->gc) ? 0 : -1;
	case HEAPWARD_NEAR_LIMIT:
		swap_near_limit(&wire->body.near_limit, &ret->near_limit);
		return near_limit_is_believable(&ret->near_limit) ? 0 : -1;
	case HEAPWARD_BYE:
		swap_bye(&wire->body.bye, &ret->bye);
		return ret->bye.leaving == HEAPWARD_LEAVING_EXIT || ret->bye.leaving == HEAPWARD_LEAVING_THREAD ? 0 : -1;
	case HEAPWARD_LISTENING:
		swap_listening(&wire->body.listening, &ret->listening);
		return listening_is_believable(&ret->listening) ? 0 : -1;
	case HEAPWARD_READY:
	case HEAPWARD_HEARTBEAT:
	case HEAPWARD_DRAINED:
	case HEAPWARD_PROFILE_READY:
		return 0;
	}
	return -1;
}

int heap_record_decode(const unsigned char bytes[static HEAPWARD_RECORD_BYTES], struct heap_record *ret)
{
	struct heapward_record wire;
	memcpy(&wire, bytes, sizeof(wire));
	uint16_t kind = le16toh(wire.kind), flags = le16toh(wire.flags);
	if (le32toh(wire.magic) != HEAPWARD_RECORD_MAGIC || le16toh(wire.version) != HEAPWARD_RECORD_VERSION ||
	    le16toh(wire.size) != HEAPWARD_RECORD_BYTES)
		return -1;
	if (kind < HEAPWARD_HELLO || kind > HEAPWARD_BYE || (flags & ~RECORD_FLAGS) != 0)
		return -1;
	if (le32toh(wire.pid) == 0 || le32toh(wire.pid) > INT32_MAX || le64toh(wire.at_usec) > INT64_MAX)
		return -1;
	*ret = (struct heap_record){
		.kind = (enum heapward_record_kind)kind,
		.flags = flags,
		.pid = le32toh(wire.pid),
		.isolate = le64toh(wire.isolate),
		.at_usec = (int64_t)le64toh(wire.at_usec),
	};
	return decode_body(&wire, ret);
}

void heap_command_encode(enum heapward_command_kind kind, uint64_t value,
			 unsigned char bytes[static HEAPWARD_COMMAND_BYTES])
{
	struct heapward_command wire;
	memset(&wire, 0, sizeof(wire));
	wire.magic = htole32(HEAPWARD_COMMAND_MAGIC);
	wire.version = htole16(HEAPWARD_COMMAND_VERSION);
	wire.size = htole16(HEAPWARD_COMMAND_BYTES);
	wire.kind = htole16((uint16_t)kind);
	wire.value = htole64(value);
	memcpy(bytes, &wire, sizeof(wire));
}

/* How many of the bytes at hand must go so that what is left may be the start of a record. */
static size_t bytes_before_magic(const unsigned char *bytes, size_t length)
{
	const uint32_t magic = htole32(HEAPWARD_RECORD_MAGIC);
	for (size_t i = 0; i < length; i++) {
		size_t part = length - i < sizeof(magic) ? length - i : sizeof(magic);
		if (memcmp(bytes + i, &magic, part) == 0)
			return i;
	}
	return length;
}

static void stream_skip(struct heap_record_stream *stream, size_t count)
{
	if (count == 0)
		return;
	stream->length -= count;
	memmove(stream->bytes, stream->bytes + count, stream->length);
	stream->bad_bytes += count;
	if (!stream->lost)
		stream->bad_records++;
	stream->lost = true;
}

static void stream_take(struct heap_record_stream *stream, const unsigned char **bytes, size_t *count)
{
	size_t wanted = sizeof(stream->bytes) - stream->length;
	size_t part = *count < wanted ? *count : wanted;
	memcpy(stream->bytes + stream->length, *bytes, part);
	stream->length += part;
	*bytes += part;
	*count -= part;
}

bool heap_record_stream_next(struct heap_record_stream *stream, const unsigned char **bytes, size_t *count,
			     struct heap_record *ret)
{
	while (*count > 0) {
		stream_take(stream, bytes, count);
		stream_skip(stream, bytes_before_magic(stream->bytes, stream->length));
		if (stream->length < sizeof(stream->bytes))
			continue;
		if (heap_record_decode(stream->bytes, ret) == 0) {
			stream->length = 0;
			stream->lost = false;
			return true;
		}
		/* A false magic may hide a true one within these bytes: only its first byte goes. */
		stream->lost = false;
		stream_skip(stream, 1);
		stream_skip(stream, bytes_before_magic(stream->bytes, stream->length));
	}
	return false;
}

const char *heap_record_source_name(uint32_t source)
{
	static const char *const names[] = { "none", "agent", "library", "timer" };
	assert(source < ARRAY_LEN(names));
	return names[source];
}

const char *heap_record_problem_text(uint32_t problem)
{
	static const char *const texts[] = {
		[HEAPWARD_PROBLEM_NONE] = "",
		[HEAPWARD_PROBLEM_SYMBOL] = "this V8 lacks a function that the agent calls",
		[HEAPWARD_PROBLEM_NUMBERS] = "the agent read other numbers than v8.getHeapStatistics()",
		[HEAPWARD_PROBLEM_SNAPSHOT] = "no near-limit records: --heapsnapshot-near-heap-limit is set",
		[HEAPWARD_PROBLEM_ADDONS] = ("Node may not load addons here (--no-addons, or permissions without "
					    "--allow-addons)"),
		[HEAPWARD_PROBLEM_LOAD] = "the agent could not be loaded (another libc or architecture)",
	};
	assert(problem < ARRAY_LEN(texts));
	return texts[problem];
}
