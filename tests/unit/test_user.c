/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as root: it becomes other users in short-lived children. */
#include "tests/unit/unit.h"
#include "supervisor/edge/user.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static void names_and_numbers_are_found(void **state UNUSED)
{
	static const struct {
		const char *name;
		int result;
		uint32_t uid;
	} rows[] = {
		{ "root", 0, 0 }, { "0", 0, 0 }, { "nobody", 0, 65534 }, { "65534", 0, 65534 },
		{ "no-such-user-here", -1, 0 }, { "4123456789", -1, 0 }, { "", -1, 0 }, { "0x0", -1, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct user user = { 0 };
		struct failure why;
		assert_int_equal(user_find(&user, rows[i].name, &why), rows[i].result);
		assert_int_equal(user.uid, rows[i].uid);
		if (rows[i].result < 0)
			assert_contains(why.text, "no such user");
		else
			assert_true(user.gid_count >= 1);
	}
}

static void a_file_behind_a_closed_directory_cannot_be_read(void **state UNUSED)
{
	char directory[] = "/var/tmp/heapward-user-XXXXXX", file[64];
	struct user nobody;
	struct failure why;
	assert_int_equal(user_find(&nobody, "nobody", &why), 0);
	assert_non_null(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/agent", directory);
	int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	chmod(directory, 0700);
	bool closed = user_can_read(&nobody, file) || user_can_enter(&nobody, directory);
	chmod(directory, 0755);
	bool open = user_can_read(&nobody, file) && user_can_enter(&nobody, directory);
	bool ours = user_can_read(NULL, file);
	unlink(file);
	rmdir(directory);
	assert_false(closed);
	assert_true(open);
	assert_true(ours);
	assert_false(user_can_read(NULL, file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers_are_found),
		cmocka_unit_test(a_file_behind_a_closed_directory_cannot_be_read),
	};
	return cmocka_run_group_tests_name("user", tests, NULL, NULL);
}
