/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "supervisor/wire/record.h"

static struct heap_record sample(enum heapward_record_kind kind)
{
	const struct heapward_record_heap heap = { 10, 20, 30, 40, 50, 60 };
	struct heap_record record = { .kind = kind, .flags = HEAPWARD_MAIN_ISOLATE, .pid = 4711, .isolate = 99, .at_usec = 123 };
	if (kind == HEAPWARD_HELLO) {
		strcpy(record.hello.runtime, "node");
		strcpy(record.hello.version, "20.20.2");
		record.hello.heap_size_limit_bytes = 1000;
		record.hello.old_space_bytes = 800;
		record.hello.source = HEAPWARD_SOURCE_AGENT;
	}
	if (kind == HEAPWARD_GC)
		record.gc = (struct heapward_record_gc){ HEAPWARD_COLLECTION_FULL, 3, 1500, heap, 2 };
	if (kind == HEAPWARD_NEAR_LIMIT)
		record.near_limit = (struct heapward_record_near_limit){ 800, 48, heap, 1 };
	if (kind == HEAPWARD_LISTENING)
		record.listening = (struct heapward_record_listening){ 2, 3000, "tcp:127.0.0.1:3000" };
	if (kind == HEAPWARD_LIMIT)
		record.limit = (struct heapward_record_limit){ 800, 48, 1000, HEAPWARD_LIMIT_WAITS };
	if (kind == HEAPWARD_BYE)
		record.bye = (struct heapward_record_bye){ HEAPWARD_LEAVING_EXIT, -7 };
	return record;
}

static void every_kind_comes_back_as_it_was_sent(void **state UNUSED)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES], again[HEAPWARD_RECORD_BYTES];
	for (int kind = HEAPWARD_HELLO; kind <= HEAPWARD_LIMIT; kind++) {
		struct heap_record record = sample((enum heapward_record_kind)kind), ret;
		heap_record_encode(&record, bytes);
		assert_int_equal(heap_record_decode(bytes, &ret), 0);
		assert_int_equal(ret.kind, kind);
		assert_true(ret.pid == 4711 && ret.isolate == 99 && ret.at_usec == 123 && ret.flags == HEAPWARD_MAIN_ISOLATE);
		heap_record_encode(&ret, again);
		assert_memory_equal(bytes, again, sizeof(bytes));
	}
}

static void numbers_are_little_endian_at_the_offsets_of_the_header(void **state UNUSED)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	struct heap_record record = sample(HEAPWARD_GC);
	heap_record_encode(&record, bytes);
	assert_memory_equal(bytes, "HWRC", 4);
	assert_int_equal(bytes[4] | bytes[5] << 8, HEAPWARD_RECORD_VERSION);
	assert_int_equal(bytes[6] | bytes[7] << 8, HEAPWARD_RECORD_BYTES);
	assert_int_equal(bytes[8], HEAPWARD_GC);
	assert_int_equal(bytes[12] | bytes[13] << 8, 4711);
	assert_int_equal(bytes[32], HEAPWARD_COLLECTION_FULL);
	assert_int_equal(bytes[40] | bytes[41] << 8, 1500);
	assert_int_equal(bytes[48], 10);
	assert_int_equal(bytes[96], 2);
}

/* One byte set to a value that no honest sender has there. */
static void a_byte_that_is_wrong_is_refused(void **state UNUSED)
{
	static const struct {
		enum heapward_record_kind kind;
		size_t at;
		unsigned char value;
		const char *what;
	} rows[] = {
		{ HEAPWARD_GC, 0, 'X', "magic" },
		{ HEAPWARD_GC, 4, 2, "version" },
		{ HEAPWARD_GC, 6, 127, "size" },
		{ HEAPWARD_GC, 8, 0, "kind 0" },
		{ HEAPWARD_GC, 8, HEAPWARD_LIMIT + 1, "kind beyond the last" },
		{ HEAPWARD_GC, 9, 1, "kind's high byte" },
		{ HEAPWARD_GC, 10, 8, "unknown flag" },
		{ HEAPWARD_GC, 32, 0, "no collection" },
		{ HEAPWARD_GC, 32, 3, "a look that counts collections" },
		{ HEAPWARD_GC, 32, 4, "unknown collection" },
		{ HEAPWARD_GC, 55, 0x20, "used beyond 2^60" },
		{ HEAPWARD_NEAR_LIMIT, 39, 0x20, "old space beyond 2^60" },
		{ HEAPWARD_NEAR_LIMIT, 47, 0x20, "grant beyond 2^60" },
		{ HEAPWARD_HELLO, 32, '\n', "runtime with a control byte" },
		{ HEAPWARD_HELLO, 48, 0x80, "version not ASCII" },
		{ HEAPWARD_HELLO, 104, 9, "unknown source" },
		{ HEAPWARD_HELLO, 108, 9, "unknown problem" },
		{ HEAPWARD_LISTENING, 32, HEAPWARD_LISTEN_MAX + 1, "held socket beyond the last" },
		{ HEAPWARD_LISTENING, 38, 1, "port beyond 65535" },
		{ HEAPWARD_LISTENING, 40, 0, "listening without a name" },
		{ HEAPWARD_LISTENING, 43, ' ', "name with a space" },
		{ HEAPWARD_BYE, 32, 9, "unknown leaving" },
		{ HEAPWARD_LIMIT, 39, 0x20, "old space asked for beyond 2^60" },
		{ HEAPWARD_LIMIT, 47, 0x20, "granted beyond 2^60" },
		{ HEAPWARD_LIMIT, 55, 0x20, "limit beyond 2^60" },
		{ HEAPWARD_LIMIT, 56, 0, "no state of a limit" },
		{ HEAPWARD_LIMIT, 56, HEAPWARD_LIMIT_REFUSED + 1, "unknown state of a limit" },
	};
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	struct heap_record ret;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heap_record record = sample(rows[i].kind);
		heap_record_encode(&record, bytes);
		assert_int_equal(heap_record_decode(bytes, &ret), 0);
		bytes[rows[i].at] = rows[i].value;
		if (heap_record_decode(bytes, &ret) == 0)
			fail_msg("%s is taken", rows[i].what);
	}
}

static void texts_must_end(void **state UNUSED)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	struct heap_record record = sample(HEAPWARD_HELLO), listening = sample(HEAPWARD_LISTENING), ret;
	heap_record_encode(&record, bytes);
	memset(bytes + 32, 'a', 16);
	assert_int_equal(heap_record_decode(bytes, &ret), -1);
	heap_record_encode(&record, bytes);
	memset(bytes + 48, '1', 24);
	assert_int_equal(heap_record_decode(bytes, &ret), -1);
	heap_record_encode(&listening, bytes);
	memset(bytes + 40, 'x', 88);
	assert_int_equal(heap_record_decode(bytes, &ret), -1);
}

static void a_listening_comes_back_as_it_was_sent(void **state UNUSED)
{
	unsigned char bytes[HEAPWARD_RECORD_BYTES];
	struct heap_record record = sample(HEAPWARD_LISTENING), ret;
	heap_record_encode(&record, bytes);
	assert_memory_equal(bytes + 32, "\2\0\0\0\xb8\x0b\0\0tcp:127.0.0.1:3000", 27);
	assert_int_equal(heap_record_decode(bytes, &ret), 0);
	assert_int_equal(ret.listening.held, 2);
	assert_int_equal(ret.listening.port, 3000);
	assert_string_equal(ret.listening.name, "tcp:127.0.0.1:3000");
}

static void a_command_is_its_magic_version_size_kind_and_value(void **state UNUSED)
{
	unsigned char bytes[HEAPWARD_COMMAND_BYTES];
	heap_command_encode(HEAPWARD_HEAP_LIMIT, 400 * MIB, bytes);
	assert_memory_equal(bytes, "HWCC\1\0\x18\0\2\0\0\0\0\0\0\0\0\0\0\x19\0\0\0\0", sizeof(bytes));
	heap_command_encode(HEAPWARD_DRAIN, 0, bytes);
	assert_memory_equal(bytes, "HWCC\1\0\x18\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", sizeof(bytes));
	heap_command_encode(HEAPWARD_DRAIN, HEAPWARD_DRAIN_LAST, bytes);
	assert_memory_equal(bytes, "HWCC\1\0\x18\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", sizeof(bytes));
}

/* Takes `count` bytes in pieces of `piece` and returns how many records came out. */
static size_t feed(struct heap_record_stream *stream, const unsigned char *bytes, size_t count, size_t piece)
{
	struct heap_record record;
	size_t records = 0;
	while (count > 0) {
		size_t left = piece < count ? piece : count;
		count -= left;
		while (heap_record_stream_next(stream, &bytes, &left, &record))
			records++;
		assert_int_equal(left, 0);
	}
	return records;
}

static void a_stream_may_be_cut_anywhere(void **state UNUSED)
{
	unsigned char bytes[5 * HEAPWARD_RECORD_BYTES];
	for (size_t i = 0; i < 5; i++) {
		struct heap_record record = sample(i % 2 == 0 ? HEAPWARD_GC : HEAPWARD_NEAR_LIMIT);
		heap_record_encode(&record, bytes + i * HEAPWARD_RECORD_BYTES);
	}
	for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
		struct heap_record_stream stream = { 0 };
		assert_int_equal(feed(&stream, bytes, sizeof(bytes), piece), 5);
		assert_int_equal(stream.bad_records, 0);
		assert_int_equal(stream.bad_bytes, 0);
	}
}

static void records_are_found_again_behind_garbage(void **state UNUSED)
{
	unsigned char bytes[3 * HEAPWARD_RECORD_BYTES + 100];
	struct heap_record record = sample(HEAPWARD_GC);
	heap_record_encode(&record, bytes);
	memset(bytes + HEAPWARD_RECORD_BYTES, 'H', 100); /* as a magic begins */
	heap_record_encode(&record, bytes + HEAPWARD_RECORD_BYTES + 100);
	heap_record_encode(&record, bytes + 2 * HEAPWARD_RECORD_BYTES + 100);
	for (size_t piece = 1; piece < 200; piece++) {
		struct heap_record_stream stream = { 0 };
		assert_int_equal(feed(&stream, bytes, sizeof(bytes), piece), 3);
		assert_int_equal(stream.bad_bytes, 100);
		assert_true(stream.bad_records >= 1);
	}
}

static void a_bad_record_costs_itself_only(void **state UNUSED)
{
	unsigned char bytes[3 * HEAPWARD_RECORD_BYTES];
	struct heap_record record = sample(HEAPWARD_GC);
	struct heap_record_stream stream = { 0 };
	for (size_t i = 0; i < 3; i++)
		heap_record_encode(&record, bytes + i * HEAPWARD_RECORD_BYTES);
	bytes[HEAPWARD_RECORD_BYTES + 32] = 77; /* a collection that is none */
	assert_int_equal(feed(&stream, bytes, sizeof(bytes), 50), 2);
	assert_int_equal(stream.bad_records, 1);
}

/* The first bytes of a record, then a whole one: what is found false must not take a true one along. */
static void a_record_that_was_cut_does_not_hide_the_next(void **state UNUSED)
{
	unsigned char whole[HEAPWARD_RECORD_BYTES], bytes[3 * HEAPWARD_RECORD_BYTES];
	struct heap_record record = sample(HEAPWARD_GC);
	heap_record_encode(&record, whole);
	for (size_t cut = 4; cut < HEAPWARD_RECORD_BYTES; cut++) {
		struct heap_record_stream stream = { 0 };
		memcpy(bytes, whole, cut);
		memcpy(bytes + cut, whole, sizeof(whole));
		memcpy(bytes + cut + sizeof(whole), whole, sizeof(whole));
		if (feed(&stream, bytes, cut + 2 * sizeof(whole), 50) != 2)
			fail_msg("behind %zu bytes of one that was cut", cut);
		assert_int_equal(stream.bad_bytes, cut);
	}
}

static void sources_and_problems_have_words(void **state UNUSED)
{
	assert_string_equal(heap_record_source_name(HEAPWARD_SOURCE_NONE), "none");
	assert_string_equal(heap_record_source_name(HEAPWARD_SOURCE_AGENT), "agent");
	assert_string_equal(heap_record_source_name(HEAPWARD_SOURCE_LIBRARY), "library");
	assert_string_equal(heap_record_source_name(HEAPWARD_SOURCE_TIMER), "timer");
	assert_string_equal(heap_record_problem_text(HEAPWARD_PROBLEM_NONE), "");
	for (uint32_t problem = HEAPWARD_PROBLEM_SYMBOL; problem <= HEAPWARD_PROBLEM_LOAD; problem++)
		assert_true(strlen(heap_record_problem_text(problem)) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_was_sent),
		cmocka_unit_test(numbers_are_little_endian_at_the_offsets_of_the_header),
		cmocka_unit_test(a_byte_that_is_wrong_is_refused),
		cmocka_unit_test(texts_must_end),
		cmocka_unit_test(a_listening_comes_back_as_it_was_sent),
		cmocka_unit_test(a_command_is_its_magic_version_size_kind_and_value),
		cmocka_unit_test(a_stream_may_be_cut_anywhere),
		cmocka_unit_test(records_are_found_again_behind_garbage),
		cmocka_unit_test(a_bad_record_costs_itself_only),
		cmocka_unit_test(a_record_that_was_cut_does_not_hide_the_next),
		cmocka_unit_test(sources_and_problems_have_words),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
