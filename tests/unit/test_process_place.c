/* SPDX-License-Identifier: Apache-2.0 */
/* test_process_place: where children of our own stand, and lines of /proc as a process with a wicked name would have them. */
#include "tests/unit/unit.h"

#include "supervisor/edge/process_place.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void a_line_is_read_whatever_the_process_is_called(void **state UNUSED)
{
	static const struct {
		const char *line;
		bool good;
		int32_t parent, session;
		uint64_t start;
	} rows[] = {
		{ "7 (sh) S 5 7 6 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12345 100 200", true, 5, 6, 12345 },
		{ "7 (a) S 1 1 1 (b) R 50 7 60 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 99999999999 100 200", true, 50, 60, 99999999999 },
		{ "7 () S 9 9 9 9)) D 0 0 0 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 1 100 200", true, 0, 0, 1 },
		{ "7 (sh) S 5 7 6 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0", false, 0, 0, 0 },
		{ "7 (sh", false, 0, 0, 0 },
		{ "", false, 0, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct process_kin kin = { 0 };
		bool good = process_place_parse(rows[i].line, &kin);
		if (good != rows[i].good)
			fail_msg("row %zu", i);
		if (!good)
			continue;
		assert_int_equal(kin.parent, rows[i].parent);
		assert_int_equal(kin.session, rows[i].session);
		assert_int_equal(kin.start_ticks, rows[i].start);
	}
}

/* A child in a session of its own, named `name`, and its child; *ret_child is the latter. Closing the pipe ends both. */
static pid_t start_two(const char *name, int ends[2], pid_t *ret_child)
{
	int told[2];
	char byte;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(told), 0);
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		prctl(PR_SET_NAME, name);
		pid_t child = fork();
		if (child > 0 && write(told[1], &child, sizeof(child)) != sizeof(child))
			_exit(1);
		close(ends[1]);
		close(told[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ends[0]);
	close(told[1]);
	assert_int_equal(read(told[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
	close(told[0]);
	return pid;
}

static void parents_session_and_groups_of_a_child_are_found(void **state UNUSED)
{
	static struct process_place found, own;
	int ends[2];
	pid_t child, pid = start_two("a) S 1 1 1", ends, &child);
	process_place(getpid(), &own);
	process_place(child, &found);
	close(ends[1]);
	waitpid(pid, NULL, 0);
	assert_true(own.parents_known && found.parents_known);
	assert_int_equal(found.pid, child);
	assert_int_equal(found.session, pid);
	assert_int_equal(found.parents[0], pid);
	assert_int_equal(found.parents[1], getpid());
	assert_int_equal(found.parents[2], getppid());
	assert_int_equal(found.parent_count, own.parent_count + 2);
	assert_string_equal(found.cgroups, own.cgroups);
}

static void of_who_is_not_there_nothing_is_known(void **state UNUSED)
{
	static struct process_place found;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	const int32_t nobody[] = { pid, 0, -1 };
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
		process_place(nobody[i], &found);
		assert_string_equal(found.cgroups, "");
		assert_int_equal(found.session, 0);
		assert_int_equal(found.parent_count, 0);
		assert_false(found.parents_known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_whatever_the_process_is_called),
		cmocka_unit_test(parents_session_and_groups_of_a_child_are_found),
		cmocka_unit_test(of_who_is_not_there_nothing_is_known),
	};
	return cmocka_run_group_tests_name("process_place", tests, NULL, NULL);
}
