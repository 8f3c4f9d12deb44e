/* SPDX-License-Identifier: Apache-2.0 */
/* test_launch: the launch record as bytes: whole ones come back, what is cut, too long, too many or not terminated does not. */
#include "tests/unit/unit.h"

#include "supervisor/wire/launch.h"

#include <stdio.h>

#define PREFIX_BYTES (8 + 8 + sizeof(HEAPWARD_VERSION)) /* header, then the field that carries the version */

/* A record that is put together by hand, field by field. */
struct record {
	unsigned char bytes[512 * 1024];
	size_t length;
};

enum { VERSION, ARGUMENT, VARIABLE, DIRECTORY, GROUP, KEEP, LIMIT, OOM_SCORE, USER, GID, CAPABILITIES, PARENT, FILTER,
       LISTEN_FDS, LISTENER, FENCE, PATH, PORT, REACH };

static char *arguments[] = { "node", "", "server.js", "with space\n", NULL };
static char *variables[] = { "PATH=/bin", "EMPTY=", NULL };
static unsigned char filter_bytes[] = { 6, 0, 0, 0, 0, 0, 0xff, 0x7f };

static const struct launch full = {
	.argv = arguments,
	.environment = variables,
	.directory = "/srv/web",
	.groups = { 5, 6 },
	.group_count = 2,
	.keep = { { 7, 3 }, { 8, 4 } },
	.keep_count = 2,
	.limits = { { 7, 1024, UINT64_MAX } },
	.limit_count = 1,
	.oom_score_add = 200,
	.set_user = true,
	.uid = 65534,
	.gid = UINT32_MAX - 1,
	.gids = { 1, 2, 3 },
	.gid_count = 3,
	.capabilities = "cap_net_bind_service",
	.parent_pid = 4711,
	.listen_fds = 2,
	.fence = { .namespaces = 0x20000, .landlock_abi = 7, .flags = LAUNCH_FENCE_FLAGS },
	.paths = { { LAUNCH_HIDDEN, false, "/s" }, { LAUNCH_READ_ONLY, true, "/e" }, { LAUNCH_READ_WRITE, true, "/w" }, { LAUNCH_PRIVATE, false, "/t" } },
	.path_count = 4,
	.ports = { { 443, 0 }, { 65535, 1 } },
	.port_count = 2,
	.filter = filter_bytes,
	.filter_bytes = sizeof(filter_bytes),
	.set_listener = true,
	.unheard = 0x50001,
};

static void encode(const struct launch *launch, unsigned char **ret, size_t *ret_length)
{
	struct failure why;
	if (launch_encode(launch, ret, ret_length, &why) != 0)
		fail_msg("%s", why.text);
}

static void assert_lists_equal(char *const *left, char *const *right)
{
	size_t i = 0;
	for (; right[i] != NULL; i++) {
		assert_non_null(left[i]);
		assert_string_equal(left[i], right[i]);
	}
	assert_null(left[i]);
}

/* memcmp of elements that have no holes; an empty list has nothing to compare. */
static void assert_elements_equal(const void *left, const void *right, size_t size)
{
	if (size > 0)
		assert_memory_equal(left, right, size);
}

static void assert_text_equal(const char *left, const char *right)
{
	if (right == NULL)
		assert_null(left);
	else
		assert_string_equal(left, right);
}

static void assert_comes_back(const struct launch *launch)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct launch back;
	struct failure why;
	encode(launch, &bytes, &length);
	if (launch_decode(bytes, length, &back, &why) != 0)
		fail_msg("%s", why.text);
	assert_lists_equal(back.argv, launch->argv);
	assert_lists_equal(back.environment, launch->environment);
	assert_text_equal(back.directory, launch->directory);
	assert_text_equal(back.capabilities, launch->capabilities);
	assert_int_equal(back.group_count, launch->group_count);
	assert_elements_equal(back.groups, launch->groups, launch->group_count * sizeof(launch->groups[0]));
	assert_int_equal(back.keep_count, launch->keep_count);
	assert_elements_equal(back.keep, launch->keep, launch->keep_count * sizeof(launch->keep[0]));
	assert_int_equal(back.limit_count, launch->limit_count);
	for (size_t i = 0; i < launch->limit_count; i++) {
		assert_int_equal(back.limits[i].resource, launch->limits[i].resource);
		assert_true(back.limits[i].soft == launch->limits[i].soft && back.limits[i].hard == launch->limits[i].hard);
	}
	assert_int_equal(back.oom_score_add, launch->oom_score_add);
	assert_int_equal(back.set_user, launch->set_user);
	assert_true(back.uid == launch->uid && back.gid == launch->gid);
	assert_int_equal(back.gid_count, launch->gid_count);
	assert_elements_equal(back.gids, launch->gids, launch->gid_count * sizeof(launch->gids[0]));
	assert_memory_equal(&back.fence, &launch->fence, sizeof(back.fence));
	assert_int_equal(back.path_count, launch->path_count);
	for (size_t i = 0; i < launch->path_count; i++) {
		assert_true(back.paths[i].access == launch->paths[i].access && back.paths[i].optional == launch->paths[i].optional);
		assert_string_equal(back.paths[i].path, launch->paths[i].path);
	}
	assert_int_equal(back.port_count, launch->port_count);
	assert_elements_equal(back.ports, launch->ports, launch->port_count * sizeof(launch->ports[0]));
	assert_int_equal(back.parent_pid, launch->parent_pid);
	assert_int_equal(back.listen_fds, launch->listen_fds);
	assert_int_equal(back.filter_bytes, launch->filter_bytes);
	assert_elements_equal(back.filter, launch->filter, launch->filter_bytes);
	assert_int_equal(back.set_listener, launch->set_listener);
	assert_int_equal(back.unheard, launch->unheard);
	launch_finish(&back);
}

static void a_full_record_comes_back_as_it_was(void **state UNUSED)
{
	assert_comes_back(&full);
}

static void a_bare_record_comes_back_with_its_optional_parts_absent(void **state UNUSED)
{
	char *command[] = { "true", NULL };
	char *none[] = { NULL };
	const struct launch bare = { .argv = command, .environment = none };
	assert_comes_back(&bare);
}

static void no_capabilities_and_unchanged_capabilities_are_not_the_same(void **state UNUSED)
{
	struct launch launch = full;
	launch.capabilities = "";
	assert_comes_back(&launch);
	launch.capabilities = NULL;
	assert_comes_back(&launch);
}

static void lists_come_back_at_their_bounds(void **state UNUSED)
{
	struct launch launch = full;
	launch.group_count = LAUNCH_GROUPS_MAX;
	launch.keep_count = LAUNCH_KEEP_MAX;
	launch.limit_count = LAUNCH_LIMITS_MAX;
	launch.gid_count = LAUNCH_GIDS_MAX;
	launch.port_count = LAUNCH_PORTS_MAX;
	for (launch.path_count = 0; launch.path_count < LAUNCH_PATHS_MAX; launch.path_count++)
		launch.paths[launch.path_count] = (struct launch_path){ LAUNCH_READ_ONLY, false, "/" };
	assert_comes_back(&launch);
}

static void any_number_of_words_comes_back(void **state UNUSED)
{
	static char *words[70];
	struct launch launch = full;
	for (size_t count = 1; count < ARRAY_LEN(words); count++) {
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			words[i] = i < count ? "word" : NULL;
		launch.argv = launch.environment = words;
		assert_comes_back(&launch);
	}
}

static void every_cut_record_is_refused(void **state UNUSED)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct launch back;
	struct failure why;
	encode(&full, &bytes, &length);
	for (size_t cut = 0; cut < length; cut++) {
		cleanup_free unsigned char *exact = malloc(cut + 1);
		memcpy(exact, bytes, cut);
		assert_int_equal(launch_decode(exact, cut, &back, &why), -1);
		assert_contains(why.text, "launch record");
		/* Also where the length in the header says that it is whole: what is left is a field that is cut, or a
		 * record with fewer fields. */
		uint32_t says = (uint32_t)cut;
		if (cut >= 8)
			memcpy(exact + 4, &says, sizeof(says));
		if (launch_decode(exact, cut, &back, &why) == 0)
			assert_true(cut > PREFIX_BYTES);
		launch_finish(&back);
	}
}

static void a_record_with_bytes_behind_it_is_refused(void **state UNUSED)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct launch back;
	struct failure why;
	encode(&full, &bytes, &length);
	bytes = realloc(bytes, length + 1);
	bytes[length] = 0;
	assert_int_equal(launch_decode(bytes, length + 1, &back, &why), -1);
}

static void put(struct record *record, const void *bytes, size_t length)
{
	assert_true(record->length + length <= sizeof(record->bytes));
	if (length > 0)
		memcpy(record->bytes + record->length, bytes, length);
	record->length += length;
}

static void put_field(struct record *record, uint32_t tag, uint32_t said_length, const void *bytes, size_t length)
{
	put(record, &tag, sizeof(tag));
	put(record, &said_length, sizeof(said_length));
	put(record, bytes, length);
}

static void put_text(struct record *record, uint32_t tag, const char *text)
{
	put_field(record, tag, (uint32_t)strlen(text) + 1, text, strlen(text) + 1);
}

static struct record *start(void)
{
	static struct record record;
	static const uint32_t header[2] = { 0x6c647068u, 0 };
	record.length = 0;
	put(&record, header, sizeof(header));
	return &record;
}

static struct record *start_with_version(void)
{
	struct record *record = start();
	put_text(record, VERSION, HEAPWARD_VERSION);
	return record;
}

static int decode(struct record *record, struct launch *ret, struct failure *why)
{
	uint32_t length = (uint32_t)record->length;
	cleanup_free unsigned char *exact = malloc(record->length);
	memcpy(record->bytes + 4, &length, sizeof(length));
	memcpy(exact, record->bytes, record->length);
	return launch_decode(exact, record->length, ret, why);
}

static void assert_refused(struct record *record, const char *reason)
{
	struct launch back;
	struct failure why = { 0 };
	if (decode(record, &back, &why) == 0)
		fail_msg("taken, but should be refused with \"%s\"", reason);
	assert_contains(why.text, reason);
	assert_null(back.argv); /* nothing is left to release */
	assert_null(back.environment);
}

static void a_record_of_another_version_is_refused(void **state UNUSED)
{
	struct record *record = start();
	put_text(record, VERSION, "0.0.0-other");
	put_text(record, ARGUMENT, "true");
	assert_refused(record, "made by version 0.0.0-other, this is " HEAPWARD_VERSION);
	record = start();
	put_text(record, ARGUMENT, "true");
	put_text(record, VERSION, HEAPWARD_VERSION);
	assert_refused(record, "does not begin with a version");
	assert_refused(start(), "no command");
}

static void another_magic_or_length_is_refused(void **state UNUSED)
{
	static const struct {
		size_t at;
		unsigned char flip;
	} rows[] = { { 0, 1 }, { 3, 0x80 }, { 4, 1 }, { 7, 0x80 } };
	struct launch back;
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_free unsigned char *bytes = NULL;
		size_t length;
		encode(&full, &bytes, &length);
		bytes[rows[i].at] ^= rows[i].flip;
		assert_int_equal(launch_decode(bytes, length, &back, &why), -1);
		assert_contains(why.text, "not one, or cut off");
	}
}

static void a_text_that_is_not_terminated_is_refused(void **state UNUSED)
{
	static const uint32_t tags[] = { VERSION, ARGUMENT, VARIABLE, DIRECTORY, CAPABILITIES, PATH };
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct record *record = i == 0 ? start() : start_with_version();
		put_field(record, tags[i], 3, "abc", 3);
		assert_refused(record, "a text is not terminated");
		record = i == 0 ? start() : start_with_version();
		put_field(record, tags[i], 0, "", 0);
		assert_refused(record, "a text is not terminated");
		record = i == 0 ? start() : start_with_version();
		put_field(record, tags[i], 4, "a\0b", 4); /* two texts in one field */
		assert_refused(record, "a text is not terminated");
	}
}

static void a_length_beyond_the_record_is_refused(void **state UNUSED)
{
	static const uint32_t lengths[] = { 6, 7, 0x7fffffff, 0x80000000u, UINT32_MAX - 7, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct record *record = start_with_version();
		put_field(record, ARGUMENT, lengths[i], "true", 5);
		assert_refused(record, "a field is longer than the record");
	}
	struct record *record = start_with_version();
	put(record, "1234567", 7);
	assert_refused(record, "cut off");
}

static void an_unknown_field_is_refused(void **state UNUSED)
{
	static const uint32_t tags[] = { REACH + 1, 255, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct record *record = start_with_version();
		put_text(record, tags[i], "x");
		assert_refused(record, "unknown field");
	}
}

static void a_path_or_a_wall_that_is_not_known_is_refused(void **state UNUSED)
{
	static const char *const paths[] = { "", "r", "x/etc", "/etc", "\377/etc" };
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct record *record = start_with_version();
		put_text(record, PATH, "H/srv");
		put_text(record, PATH, paths[i]);
		assert_refused(record, "a path says not");
	}
	const struct launch_fence fence = { .flags = LAUNCH_FENCE_FLAGS + 1 };
	struct record *record = start_with_version();
	put_field(record, FENCE, sizeof(fence), &fence, sizeof(fence));
	assert_refused(record, "an unknown wall");
}

static void a_value_of_another_size_is_refused(void **state UNUSED)
{
	static const struct {
		uint32_t tag;
		size_t size;
	} rows[] = { { GROUP, 4 }, { KEEP, 8 }, { LIMIT, 24 }, { GID, 4 }, { OOM_SCORE, 4 }, { USER, 8 }, { PARENT, 4 },
		     { LISTEN_FDS, 4 }, { LISTENER, 4 }, { FENCE, 12 }, { PORT, 8 } };
	static const unsigned char zero[32];
	struct launch back;
	struct failure why;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t size = 0; size < sizeof(zero); size++) {
			struct record *record = start_with_version();
			put_text(record, ARGUMENT, "true");
			put_field(record, rows[i].tag, (uint32_t)size, zero, size);
			if ((decode(record, &back, &why) == 0) != (size == rows[i].size))
				fail_msg("field %u of %zu bytes", rows[i].tag, size);
			launch_finish(&back);
		}
	}
	struct record *record = start_with_version();
	put_field(record, FILTER, 0, "", 0);
	assert_refused(record, "filter");
}

static void lists_beyond_their_bounds_are_refused(void **state UNUSED)
{
	static const struct {
		uint32_t tag;
		size_t size, max;
	} rows[] = {
		{ GROUP, 4, LAUNCH_GROUPS_MAX },
		{ KEEP, 8, LAUNCH_KEEP_MAX },
		{ LIMIT, 24, LAUNCH_LIMITS_MAX },
		{ GID, 4, LAUNCH_GIDS_MAX },
		{ PORT, 8, LAUNCH_PORTS_MAX },
	};
	static const unsigned char zero[24], many[4] = { LISTEN_MAX + 1 };
	struct record *sockets = start_with_version();
	put_field(sockets, LISTEN_FDS, sizeof(many), many, sizeof(many));
	assert_refused(sockets, "more than 16 held sockets");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record *record = start_with_version();
		for (size_t count = 0; count <= rows[i].max; count++)
			put_field(record, rows[i].tag, (uint32_t)rows[i].size, zero, rows[i].size);
		assert_refused(record, "a list is too long");
	}
	sockets = start_with_version();
	for (size_t count = 0; count <= LAUNCH_PATHS_MAX; count++)
		put_text(sockets, PATH, "r/etc");
	assert_refused(sockets, "more than 512 paths");
}

static void a_field_that_may_stand_once_is_refused_twice(void **state UNUSED)
{
	static const struct {
		uint32_t tag;
		const char *bytes;
		size_t length;
	} rows[] = {
		{ VERSION, HEAPWARD_VERSION, sizeof(HEAPWARD_VERSION) },
		{ DIRECTORY, "/", 2 },
		{ CAPABILITIES, "", 1 },
		{ OOM_SCORE, "\1\0\0", 4 },
		{ USER, "\1\0\0\0\1\0\0", 8 },
		{ PARENT, "\1\0\0", 4 },
		{ FILTER, "12345678", 8 },
		{ LISTEN_FDS, "\1\0\0", 4 },
		{ LISTENER, "\1\0\0", 4 },
		{ FENCE, "\0\0\0\0\0\0\0\0\0\0\0", 12 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct record *record = start_with_version();
		put_text(record, ARGUMENT, "true");
		put_field(record, rows[i].tag, (uint32_t)rows[i].length, rows[i].bytes, rows[i].length);
		put_field(record, rows[i].tag, (uint32_t)rows[i].length, rows[i].bytes, rows[i].length);
		assert_refused(record, "twice");
	}
}

static void a_record_without_a_command_is_refused(void **state UNUSED)
{
	struct record *record = start_with_version();
	put_text(record, VARIABLE, "A=B");
	assert_refused(record, "no command");
}

static void more_words_than_the_bound_are_refused(void **state UNUSED)
{
	cleanup_free char **words = calloc(65536 + 2, sizeof(*words));
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct launch launch = { .argv = words, .environment = variables }, back;
	struct failure why;
	for (size_t i = 0; i <= 65536; i++)
		words[i] = "x";
	if (launch_encode(&launch, &bytes, &length, &why) == 0)
		assert_int_equal(launch_decode(bytes, length, &back, &why), -1);
	assert_contains(why.text, "more than 65536 words");
}

static void a_record_beyond_its_bytes_is_refused_by_both_ends(void **state UNUSED)
{
	cleanup_free char *large = malloc(LAUNCH_BYTES_MAX + 2);
	char *command[] = { large, NULL };
	struct launch launch = { .argv = command, .environment = variables }, back;
	static const size_t sizes[] = { LAUNCH_BYTES_MAX - 16, LAUNCH_BYTES_MAX, LAUNCH_BYTES_MAX + 1 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		cleanup_free unsigned char *bytes = NULL;
		size_t length;
		struct failure why;
		memset(large, 'x', sizes[i]);
		large[sizes[i]] = '\0';
		assert_int_equal(launch_encode(&launch, &bytes, &length, &why), -1);
		assert_string_equal(why.text, "command and environment exceed 4 MiB");
		assert_null(bytes);
	}
	struct failure why;
	assert_int_equal(launch_decode((unsigned char *)large, LAUNCH_BYTES_MAX + 1, &back, &why), -1);
	assert_int_equal(launch_decode((unsigned char *)large, 0, &back, &why), -1);
	assert_int_equal(launch_decode((unsigned char *)large, 7, &back, &why), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_record_comes_back_as_it_was),
		cmocka_unit_test(a_bare_record_comes_back_with_its_optional_parts_absent),
		cmocka_unit_test(no_capabilities_and_unchanged_capabilities_are_not_the_same),
		cmocka_unit_test(lists_come_back_at_their_bounds),
		cmocka_unit_test(any_number_of_words_comes_back),
		cmocka_unit_test(every_cut_record_is_refused),
		cmocka_unit_test(a_record_with_bytes_behind_it_is_refused),
		cmocka_unit_test(a_record_of_another_version_is_refused),
		cmocka_unit_test(another_magic_or_length_is_refused),
		cmocka_unit_test(a_text_that_is_not_terminated_is_refused),
		cmocka_unit_test(a_length_beyond_the_record_is_refused),
		cmocka_unit_test(an_unknown_field_is_refused),
		cmocka_unit_test(a_path_or_a_wall_that_is_not_known_is_refused),
		cmocka_unit_test(a_value_of_another_size_is_refused),
		cmocka_unit_test(lists_beyond_their_bounds_are_refused),
		cmocka_unit_test(a_field_that_may_stand_once_is_refused_twice),
		cmocka_unit_test(a_record_without_a_command_is_refused),
		cmocka_unit_test(more_words_than_the_bound_are_refused),
		cmocka_unit_test(a_record_beyond_its_bytes_is_refused_by_both_ends),
	};
	return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
