/* SPDX-License-Identifier: Apache-2.0 */
/* test_control: requests and replies as bytes: whole ones come back, cut ones are waited for, and what can never become a
 * request is told apart from what is still on its way. */
#include "tests/unit/unit.h"

#include "supervisor/wire/control.h"

#define HEADER_BYTES 16

static const uint32_t good[4] = { 0x6c637068u, 1, CONTROL_STATUS, 3 };

static size_t encode(enum control_command command, const char *argument, unsigned char *buffer)
{
	struct control_request request = { .command = command };
	strcpy(request.argument, argument);
	return control_request_encode(&request, buffer, CONTROL_REQUEST_BYTES_MAX);
}

static ssize_t decode(const unsigned char *bytes, size_t length, struct control_request *ret)
{
	cleanup_free unsigned char *exact = malloc(length + 1);
	memcpy(exact, bytes, length);
	return control_request_decode(exact, length, ret);
}

static void every_command_comes_back_with_its_argument(void **state UNUSED)
{
	static const char *const arguments[] = { "", "all", "bytes \xff\x01 and spaces" };
	unsigned char buffer[CONTROL_REQUEST_BYTES_MAX];
	struct control_request back;
	for (int command = 0; command < CONTROL_COMMAND_COUNT; command++) {
		for (size_t i = 0; i < ARRAY_LEN(arguments); i++) {
			size_t length = encode((enum control_command)command, arguments[i], buffer);
			assert_int_equal(decode(buffer, length, &back), length);
			assert_int_equal(back.command, command);
			assert_string_equal(back.argument, arguments[i]);
		}
	}
}

static void the_longest_argument_fits_the_buffers(void **state UNUSED)
{
	unsigned char buffer[CONTROL_REQUEST_BYTES_MAX];
	char longest[CONTROL_ARGUMENT_MAX];
	struct control_request back;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	size_t length = encode(CONTROL_OUTPUT, longest, buffer);
	assert_int_equal(length, HEADER_BYTES + CONTROL_ARGUMENT_MAX - 1);
	assert_int_equal(decode(buffer, length, &back), length);
	assert_string_equal(back.argument, longest);
}

static void a_cut_request_is_waited_for(void **state UNUSED)
{
	unsigned char buffer[CONTROL_REQUEST_BYTES_MAX];
	struct control_request back;
	size_t length = encode(CONTROL_STOP, "now", buffer);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(decode(buffer, cut, &back), 0);
}

static void what_stands_behind_a_request_is_not_consumed(void **state UNUSED)
{
	unsigned char buffer[CONTROL_REQUEST_BYTES_MAX];
	struct control_request back;
	size_t length = encode(CONTROL_STOP, "now", buffer);
	memset(buffer + length, 0xff, 10);
	assert_int_equal(decode(buffer, length + 10, &back), length);
	assert_string_equal(back.argument, "now");
}

static void what_can_never_become_a_request_is_refused(void **state UNUSED)
{
	static const struct {
		uint32_t header[4];
		const char *body;
		ssize_t result;
	} rows[] = {
		{ { 0x6c637068u, 1, CONTROL_STATUS, 3 }, "abc", HEADER_BYTES + 3 },
		{ { 0x6c637069u, 1, CONTROL_STATUS, 3 }, "abc", -1 },
		{ { 0, 0, 0, 0 }, "abc", -1 },
		{ { 0x6c637068u, 0, CONTROL_STATUS, 3 }, "abc", -1 },
		{ { 0x6c637068u, 2, CONTROL_STATUS, 3 }, "abc", -1 },
		{ { 0x6c637068u, 1, CONTROL_COMMAND_COUNT, 3 }, "abc", -1 },
		{ { 0x6c637068u, 1, UINT32_MAX, 3 }, "abc", -1 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, CONTROL_ARGUMENT_MAX - 1 }, "abc", 0 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, CONTROL_ARGUMENT_MAX }, "abc", -1 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, UINT32_MAX }, "abc", -1 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, UINT32_MAX - 15 }, "abc", -1 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, 3 }, "a\0c", -1 },
		{ { 0x6c637068u, 1, CONTROL_STATUS, 3 }, "\0\0\0", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned char bytes[HEADER_BYTES + 3];
		struct control_request back;
		memcpy(bytes, rows[i].header, HEADER_BYTES);
		memcpy(bytes + HEADER_BYTES, rows[i].body, 3);
		ssize_t result = decode(bytes, sizeof(bytes), &back);
		if (result != rows[i].result)
			fail_msg("row %zu: %zd", i, result);
	}
}

/* A client that sends nonsense byte by byte should not be waited for longer than it takes to know. */
static void nonsense_is_refused_once_the_header_is_whole(void **state UNUSED)
{
	struct control_request back;
	uint32_t header[4];
	for (size_t word = 0; word < 4; word++) {
		memcpy(header, good, sizeof(header));
		header[word] = 0xdeadbeefu;
		assert_int_equal(decode((unsigned char *)header, sizeof(header), &back), -1);
	}
}

static void a_reply_header_comes_back(void **state UNUSED)
{
	static const size_t lengths[] = { 0, 1, 70000, CONTROL_REPLY_MAX };
	unsigned char buffer[CONTROL_REPLY_HEADER_BYTES];
	enum control_result result;
	struct failure why;
	for (int said = CONTROL_OK; said <= CONTROL_NOT_READY; said++) {
		for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
			size_t length;
			control_reply_header_encode((enum control_result)said, lengths[i], buffer);
			assert_int_equal(control_reply_header_decode(buffer, &result, &length, &why), 0);
			assert_int_equal(result, said);
			assert_int_equal(length, lengths[i]);
		}
	}
}

static void a_reply_that_makes_no_sense_is_told(void **state UNUSED)
{
	static const struct {
		uint32_t header[4];
		const char *text;
	} rows[] = {
		{ { 0, 1, CONTROL_OK, 0 }, "another version" },
		{ { 0x6c637068u, 2, CONTROL_OK, 0 }, "another version" },
		{ { 0x6c637068u, 1, CONTROL_NOT_READY + 1, 0 }, "makes no sense" },
		{ { 0x6c637068u, 1, UINT32_MAX, 0 }, "makes no sense" },
		{ { 0x6c637068u, 1, CONTROL_OK, CONTROL_REPLY_MAX + 1 }, "makes no sense" },
		{ { 0x6c637068u, 1, CONTROL_OK, UINT32_MAX }, "makes no sense" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum control_result result;
		size_t length;
		struct failure why;
		assert_int_equal(control_reply_header_decode((const unsigned char *)rows[i].header, &result, &length, &why), -1);
		assert_contains(why.text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_comes_back_with_its_argument),
		cmocka_unit_test(the_longest_argument_fits_the_buffers),
		cmocka_unit_test(a_cut_request_is_waited_for),
		cmocka_unit_test(what_stands_behind_a_request_is_not_consumed),
		cmocka_unit_test(what_can_never_become_a_request_is_refused),
		cmocka_unit_test(nonsense_is_refused_once_the_header_is_whole),
		cmocka_unit_test(a_reply_header_comes_back),
		cmocka_unit_test(a_reply_that_makes_no_sense_is_told),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
