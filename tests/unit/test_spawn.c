/* SPDX-License-Identifier: Apache-2.0 */
/* test_spawn: real programs started by a real heapward-child: exec is seen, a failed step names itself, and the worker has
 * the descriptors, directory and environment that it should, and no others. */
#include "tests/unit/spawn_unit.h"

#include <sys/resource.h>

#define FDS_LOOKED_AT 1024

/* Workers: this program again, behind exec. They say what they see on stderr and leave without exit handlers. */

static void say_descriptors(void)
{
	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(STDERR_FILENO, "%d ", fd);
}

/* Writes its own number into every kept descriptor. */
static void write_into_kept(void)
{
	for (int fd = 3; fd < FDS_LOOKED_AT; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			dprintf(fd, "%d", fd);
}

static int open_descriptors(void)
{
	int count = 0;
	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* A directory of files to execute, gone with the test. */
struct fixture {
	char directory[64];
};

static void make_file(const struct fixture *fixture, const char *name, const char *text, mode_t mode)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static const char *const files[] = { "plain", "no-interpreter", "noise", "first/tool", "second/tool", "second/only" };

static int set_up(void **state)
{
	static struct fixture fixture;
	char path[256];
	fixture = (struct fixture){ .directory = "/tmp/heapward-spawn-XXXXXX" };
	assert_non_null(mkdtemp(fixture.directory));
	snprintf(path, sizeof(path), "%s/first", fixture.directory);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/second", fixture.directory);
	assert_int_equal(mkdir(path, 0755), 0);
	make_file(&fixture, "plain", "#!/bin/sh\n", 0644);
	make_file(&fixture, "no-interpreter", "#! /no/such/interpreter -x\n", 0755);
	make_file(&fixture, "noise", "this is no program\n", 0755);
	make_file(&fixture, "first/tool", "#!/bin/sh\necho first >&2\n", 0644);
	make_file(&fixture, "second/tool", "#!/bin/sh\necho second >&2\n", 0755);
	make_file(&fixture, "second/only", "#!/bin/sh\n", 0644);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	const struct fixture *fixture = *state;
	char path[256];
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->directory, files[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/first", fixture->directory);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/second", fixture->directory);
	rmdir(path);
	return rmdir(fixture->directory);
}

static void a_program_that_was_executed_is_end_of_file(void **state UNUSED)
{
	char *argv[] = { "sh", "-c", "echo \"$0 $1\" >&2; exit 7", "zero", "one", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	run(&launch, &ran);
	assert_false(ran.step_failed);
	assert_true(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 7);
	assert_string_equal(ran.output, "zero one\n");
}

static void before_exec_there_is_nothing_to_read_yet(void **state UNUSED)
{
	char *argv[] = { "true", NULL };
	struct launch launch = launch_of(argv);
	struct launch_report report;
	struct spawned child;
	struct failure why;
	struct ran ran;
	char bytes[4096] = { 0 };
	int full[2];
	/* The child stays in its first step for as long as nobody reads the pipe that stands for a group. */
	assert_int_equal(pipe2(full, O_CLOEXEC), 0);
	assert_true(fcntl(full[1], F_SETPIPE_SZ, sizeof(bytes)) > 0);
	assert_int_equal(write(full[1], bytes, sizeof(bytes)), sizeof(bytes));
	launch.groups[launch.group_count++] = full[1];
	start(&child, &launch, -1);
	int listener, result = spawn_read_report(child.report_fd, &report, &listener, &why);
	int error = why.error;
	assert_int_equal(read(full[0], bytes, sizeof(bytes)), sizeof(bytes));
	read_report(&child, &ran);
	reap_child(&child, &ran.status);
	assert_int_equal(result, -1);
	assert_int_equal(error, EAGAIN);
	assert_false(ran.step_failed);
	assert_int_equal(ran.status, 0);
	assert_int_equal(read(full[0], bytes, sizeof(bytes)), 1);
	assert_int_equal(bytes[0], '0');
	close(full[0]);
	close(full[1]);
}

static void what_cannot_be_executed_is_told_with_its_reason(void **state)
{
	const struct fixture *fixture = *state;
	static const struct {
		const char *command; /* '@' is the fixture's directory */
		int error, status;
		const char *text;
	} rows[] = {
		{ "heapward-no-such-program", ENOENT, 127, "heapward-no-such-program" },
		{ "/no/such/program", ENOENT, 127, "/no/such/program" },
		{ "@/plain/below", ENOTDIR, 126, "/plain/below" },
		{ "@/plain", EACCES, 126, "/plain" },
		{ "only", EACCES, 126, "only" },
		{ "@", EISDIR, 126, "/tmp/heapward-spawn" },
		{ "first", ENOENT, 127, "first" }, /* a directory in PATH is no program */
		{ "@/no-interpreter", ENOENT, 127, "/no-interpreter: its interpreter /no/such/interpreter" },
		{ "no-interpreter", ENOENT, 127, "/no-interpreter: its interpreter /no/such/interpreter" },
		{ "@/noise", ENOEXEC, 126, "/noise" },
		{ "", ENOENT, 127, "an empty command" },
	};
	char path[512];
	char *environment[] = { path, NULL };
	snprintf(path, sizeof(path), "PATH=%s/first:/no/such/directory:%s/plain:%s/second:%s", fixture->directory,
		 fixture->directory, fixture->directory, fixture->directory);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char command[256];
		char *argv[] = { command, "argument", NULL };
		struct launch launch = launch_of(argv);
		struct ran ran;
		bool local = rows[i].command[0] == '@';
		snprintf(command, sizeof(command), "%s%s", local ? fixture->directory : "", rows[i].command + local);
		launch.environment = environment;
		run(&launch, &ran);
		if (!ran.step_failed || ran.report.step != LAUNCH_STEP_EXEC || ran.report.error != rows[i].error)
			fail_msg("%s: failed %d, step %d, %s", command, ran.step_failed, (int)ran.report.step,
				 strerror(ran.report.error));
		assert_contains(ran.report.text, rows[i].text);
		assert_true(WIFEXITED(ran.status));
		assert_int_equal(WEXITSTATUS(ran.status), rows[i].status);
	}
}

static void a_command_is_looked_up_as_a_shell_does(void **state)
{
	const struct fixture *fixture = *state;
	static const struct {
		const char *path; /* '@': <directory>/first:<directory>/second */
		const char *directory, *output;
	} rows[] = {
		{ "PATH=@", NULL, "second\n" }, /* the one that may not be executed is passed over */
		{ "PATH=", "second", "second\n" }, /* an empty element is the working directory */
		{ "PATH=/no/such:", "second", "second\n" },
		{ "PATH=:/no/such", "second", "second\n" },
	};
	char *argv[] = { "tool", NULL };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[512], directory[256];
		char *environment[] = { "PATHOLOGICAL=/no", path, NULL };
		struct launch launch = launch_of(argv);
		struct ran ran;
		snprintf(path, sizeof(path), "%s", rows[i].path);
		if (strcmp(path, "PATH=@") == 0)
			snprintf(path, sizeof(path), "PATH=%s/first:%s/second", fixture->directory, fixture->directory);
		snprintf(directory, sizeof(directory), "%s/%s", fixture->directory, "second");
		launch.directory = rows[i].directory == NULL ? NULL : directory;
		launch.environment = environment;
		run_well(&launch, &ran);
		assert_string_equal(ran.output, rows[i].output);
	}
	char *shell[] = { "sh", "-c", ":", NULL };
	char *none[] = { NULL };
	struct launch launch = launch_of(shell);
	struct ran ran;
	launch.environment = none; /* no PATH at all: the default one */
	run_well(&launch, &ran);
}

static void a_directory_that_has_gone_is_told(void **state)
{
	const struct fixture *fixture = *state;
	char file[256];
	char *argv[] = { "true", NULL };
	snprintf(file, sizeof(file), "%s/plain", fixture->directory);
	const struct {
		char *directory;
		int error;
	} rows[] = { { "/no/such/directory", ENOENT }, { file, ENOTDIR }, { "", ENOENT } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct launch launch = launch_of(argv);
		struct ran ran;
		launch.directory = rows[i].directory;
		run(&launch, &ran);
		assert_true(ran.step_failed);
		assert_int_equal(ran.report.step, LAUNCH_STEP_DIRECTORY);
		assert_int_equal(ran.report.error, rows[i].error);
		assert_string_equal(ran.report.text, rows[i].directory);
	}
}

static void the_worker_has_its_directory_and_only_its_environment(void **state UNUSED)
{
	char *argv[] = { "/usr/bin/env", "sh", "-c", "pwd >&2; tr '\\0' '\\n' </proc/$$/environ >&2", NULL };
	char *environment[] = { "PATH=/usr/bin:/bin", "EMPTY=", "TWO=a b", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	launch.directory = "/usr";
	launch.environment = environment;
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "/usr\nPATH=/usr/bin:/bin\nEMPTY=\nTWO=a b\n");
}

static void only_the_standard_and_the_kept_descriptors_are_open(void **state UNUSED)
{
	struct ran ran;
	struct launch launch = launch_self("descriptors");
	int leaked[8];
	for (size_t i = 0; i < ARRAY_LEN(leaked); i++)
		leaked[i] = open("/dev/null", O_RDONLY); /* on purpose without O_CLOEXEC */
	int far = fcntl(leaked[0], F_DUPFD, 600);
	assert_true(far >= 600);
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "0 1 2 ");
	launch.keep[0] = (struct launch_descriptor){ leaked[3], 3 };
	launch.keep[1] = (struct launch_descriptor){ leaked[2], 200 };
	launch.keep[2] = (struct launch_descriptor){ far, 201 };
	launch.keep_count = 3;
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "0 1 2 3 200 201 ");
	for (size_t i = 0; i < ARRAY_LEN(leaked); i++)
		close(leaked[i]);
	close(far);
}

/* Whatever numbers they have on the way, each kept descriptor arrives at its own. */
static void kept_descriptors_never_overwrite_each_other(void **state UNUSED)
{
	static const int numbers[][LAUNCH_KEEP_MAX] = {
		{ 3, 4, 5, 6, 7, 8, 9, 10 },
		{ 10, 9, 8, 7, 6, 5, 4, 3 },
		{ 6, 5, 4, 3, 12, 11, 10, 9 },
		{ 512, 511, 513, 64, 65, 66, 3, 4 },
	};
	for (size_t row = 0; row < ARRAY_LEN(numbers); row++) {
		struct launch launch = launch_self("kept");
		struct ran ran;
		int ends[LAUNCH_KEEP_MAX][2];
		for (size_t i = 0; i < LAUNCH_KEEP_MAX; i++) {
			assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
			launch.keep[i] = (struct launch_descriptor){ ends[i][1], numbers[row][i] };
		}
		launch.keep_count = LAUNCH_KEEP_MAX;
		run_well(&launch, &ran);
		for (size_t i = 0; i < LAUNCH_KEEP_MAX; i++) {
			char said[16];
			close(ends[i][1]);
			read_all(ends[i][0], said, sizeof(said));
			close(ends[i][0]);
			assert_int_equal(strtol(said, NULL, 10), numbers[row][i]);
		}
	}
}

/* The report's own number is a number like any other to the worker. */
static void a_failed_exec_is_told_also_where_a_kept_descriptor_takes_the_reports_number(void **state UNUSED)
{
	char *argv[] = { "/no/such/program", NULL };
	struct launch launch = launch_of(argv);
	struct ran ran;
	int ends[2];
	char said[300];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	launch.keep[0] = (struct launch_descriptor){ ends[1], LAUNCH_REPORT_FD };
	launch.keep_count = 1;
	run(&launch, &ran);
	close(ends[1]);
	read_all(ends[0], said, sizeof(said));
	close(ends[0]);
	assert_true(ran.step_failed);
	assert_int_equal(ran.report.step, LAUNCH_STEP_EXEC);
	assert_string_equal(said, "");
}

static void a_low_limit_of_files_does_not_stop_kept_descriptors(void **state UNUSED)
{
	struct launch launch = launch_self("descriptors");
	struct ran ran;
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	launch.limits[0] = (struct launch_limit){ RLIMIT_NOFILE, 256, 256 };
	launch.limit_count = 1;
	launch.keep[0] = (struct launch_descriptor){ null, 200 };
	launch.keep_count = 1;
	run_well(&launch, &ran);
	assert_string_equal(ran.output, "0 1 2 200 ");
}

static void the_supervisor_keeps_two_descriptors_of_a_child_and_both_close_on_exec(void **state UNUSED)
{
	char *argv[] = { "true", NULL };
	struct launch launch = launch_of(argv);
	struct spawned child;
	struct ran ran;
	int before = open_descriptors();
	start(&child, &launch, STDERR_FILENO);
	assert_int_equal(open_descriptors(), before + 2);
	assert_true((fcntl(child.pid_fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(child.report_fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(child.report_fd, F_GETFL) & O_NONBLOCK) != 0);
	read_report(&child, &ran);
	reap_child(&child, &ran.status);
	assert_int_equal(open_descriptors(), before);
}

static void what_cannot_be_started_leaves_no_descriptor_behind(void **state UNUSED)
{
	cleanup_free char *large = malloc(LAUNCH_BYTES_MAX);
	char *too_large[] = { large, NULL };
	char *argv[] = { "true", NULL };
	struct launch launch = launch_of(argv);
	struct spawned child;
	struct failure why;
	cleanup_fd int program = child_program();
	int before = open_descriptors();
	memset(large, 'x', LAUNCH_BYTES_MAX - 1);
	large[LAUNCH_BYTES_MAX - 1] = '\0';
	launch.argv = too_large;
	assert_int_equal(spawn_child(&child, program, &launch, -1, &why), -1);
	assert_contains(why.text, "exceed 4 MiB");
	launch = launch_of(argv);
	launch.keep[launch.keep_count++] = (struct launch_descriptor){ 900, 3 }; /* not open */
	assert_int_equal(spawn_child(&child, program, &launch, -1, &why), -1);
	assert_contains(why.text, "descriptor 900");
	launch = launch_of(argv);
	assert_int_equal(spawn_child(&child, -1, &launch, -1, &why), -1);
	assert_int_equal(spawn_child(&child, program, &launch, 900, &why), -1);
	assert_int_equal(child.pid_fd, -1);
	assert_int_equal(child.report_fd, -1);
	assert_int_equal(open_descriptors(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_child_program_that_cannot_run_is_a_failed_step(void **state UNUSED)
{
	char *argv[] = { "true", NULL };
	struct launch launch = launch_of(argv);
	struct spawned child;
	struct failure why;
	struct ran ran;
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(spawn_child(&child, null, &launch, -1, &why), 0);
	read_report(&child, &ran);
	reap_child(&child, &ran.status);
	assert_true(ran.step_failed);
	assert_int_equal(ran.report.step, LAUNCH_STEP_RECORD);
	assert_int_equal(ran.report.error, EACCES);
	assert_string_equal(ran.report.text, "heapward-child");
	assert_int_equal(WEXITSTATUS(ran.status), 126);
}

/* Without 0, 1 and 2 the worker's first files would become them. */
static void a_supervisor_without_standard_descriptors_still_gives_them(void **state UNUSED)
{
	struct launch launch = launch_self("descriptors");
	int ends[2], status;
	char said[64];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(ends[0] > 2 && ends[1] > 2);
	pid_t pid = fork();
	if (pid == 0) {
		struct spawned child;
		struct failure why;
		cleanup_fd int program = child_program();
		launch.parent_pid = getpid();
		close(0), close(1), close(2);
		int child_status = spawn_child(&child, program, &launch, ends[1], &why);
		if (child_status == 0)
			waitpid(child.pid, &child_status, 0);
		_exit(child_status == 0 ? 0 : 1);
	}
	close(ends[1]);
	read_all(ends[0], said, sizeof(said));
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_string_equal(said, "0 1 2 ");
}

static void our_programs_are_found_beside_a_binary_in_its_build_tree(void **state UNUSED)
{
	char path[512], small[8];
	struct failure why;
	assert_int_equal(libexec_path("heapward-child", path, sizeof(path), &why), 0);
	assert_contains(path, "/child/confine/heapward-child");
	assert_int_equal(path[0], '/');
	assert_int_equal(libexec_path("heapward-child", small, sizeof(small), &why), -1);
	assert_int_equal(why.error, ENAMETOOLONG);
	cleanup_fd int fd = child_program();
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

/* heapward-child without a record or a report socket, as a curious user starts it. */
static void the_child_started_by_hand_says_126_and_does_nothing(void **state UNUSED)
{
	char path[512];
	struct failure why;
	int status;
	assert_int_equal(libexec_path("heapward-child", path, sizeof(path), &why), 0);
	for (int with_report = 0; with_report < 2; with_report++) {
		pid_t pid = fork();
		if (pid == 0) {
			close(LAUNCH_RECORD_FD);
			close(LAUNCH_REPORT_FD);
			if (with_report)
				dup2(STDIN_FILENO, LAUNCH_REPORT_FD);
			execl(path, "heapward-child", (char *)NULL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), 126);
	}
}

static int be_worker(const char *name)
{
	if (strcmp(name, "descriptors") == 0)
		say_descriptors();
	else if (strcmp(name, "kept") == 0)
		write_into_kept();
	else
		_exit(1);
	_exit(0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_was_executed_is_end_of_file),
		cmocka_unit_test(before_exec_there_is_nothing_to_read_yet),
		cmocka_unit_test(what_cannot_be_executed_is_told_with_its_reason),
		cmocka_unit_test(a_command_is_looked_up_as_a_shell_does),
		cmocka_unit_test(a_directory_that_has_gone_is_told),
		cmocka_unit_test(the_worker_has_its_directory_and_only_its_environment),
		cmocka_unit_test(only_the_standard_and_the_kept_descriptors_are_open),
		cmocka_unit_test(kept_descriptors_never_overwrite_each_other),
		cmocka_unit_test(a_failed_exec_is_told_also_where_a_kept_descriptor_takes_the_reports_number),
		cmocka_unit_test(a_low_limit_of_files_does_not_stop_kept_descriptors),
		cmocka_unit_test(the_supervisor_keeps_two_descriptors_of_a_child_and_both_close_on_exec),
		cmocka_unit_test(what_cannot_be_started_leaves_no_descriptor_behind),
		cmocka_unit_test(a_child_program_that_cannot_run_is_a_failed_step),
		cmocka_unit_test(a_supervisor_without_standard_descriptors_still_gives_them),
		cmocka_unit_test(our_programs_are_found_beside_a_binary_in_its_build_tree),
		cmocka_unit_test(the_child_started_by_hand_says_126_and_does_nothing),
	};
	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return be_worker(argv[2]);
	return cmocka_run_group_tests_name("spawn", tests, set_up, tear_down);
}
