/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_files: files and folders as root must judge them. The folder of the test is root's own. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/core/policy_words.h"
#include "supervisor/edge/policy_files.h"

struct fixture {
	char directory[64];
	struct policy policy;
	struct policy_errors errors;
};

static const char *path_of(const struct fixture *fixture, const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	return path;
}

static void put(const struct fixture *fixture, const char *name, const char *text)
{
	FILE *file = fopen(path_of(fixture, name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path_of(fixture, name), 0644), 0);
}

static int set_up(void **state)
{
	static struct fixture fixture;
	memset(&fixture, 0, sizeof(fixture));
	/* Not /tmp: that is a folder that others can write. */
	strcpy(fixture.directory, geteuid() == 0 ? "/run/heapward-test-XXXXXX" : "/tmp/heapward-test-XXXXXX");
	assert_non_null(mkdtemp(fixture.directory));
	assert_int_equal(chmod(fixture.directory, 0755), 0);
	policy_init(&fixture.policy);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];
	policy_finish(&fixture->policy);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
	return system(command);
}

static int load(struct fixture *fixture, const char *name)
{
	memset(&fixture->errors, 0, sizeof(fixture->errors));
	return policy_files_load(&fixture->policy, path_of(fixture, name), &fixture->errors);
}

static void refused(struct fixture *fixture, const char *name, const char *part)
{
	assert_int_equal(load(fixture, name), -1);
	assert_true(fixture->errors.count > 0);
	assert_contains(fixture->errors.list[0].text, part);
}

static void drop_ins_are_read_in_order_over_the_file(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "web.yaml", "version: 1\nstop: {timeout: 1s}\nmemory: {max: 1G}\n");
	assert_int_equal(mkdir(path_of(fixture, "web.policy.d"), 0755), 0);
	put(fixture, "web.policy.d/20.yaml", "version: 1\nstop: {timeout: 3s}\n");
	put(fixture, "web.policy.d/10.yaml", "version: 1\nstop: {timeout: 2s, signal: SIGINT}\n");
	put(fixture, "web.policy.d/.hidden.yaml", "wrong");
	put(fixture, "web.policy.d/notes.txt", "wrong");
	assert_int_equal(load(fixture, "web.yaml"), 0);
	assert_int_equal(fixture->policy.stop.timeout_usec, 3 * USEC_PER_SEC);
	assert_int_equal(fixture->policy.stop.signal, 2);
	assert_true(fixture->policy.memory.max_bytes == (uint64_t)1 << 30);
	assert_contains(fixture->policy.origins[KEY_STOP_TIMEOUT].file, "20.yaml");
}

static void every_files_errors_are_told_in_one_run(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "web.yaml", "version: 1\nwrong: 1\n");
	assert_int_equal(mkdir(path_of(fixture, "web.policy.d"), 0755), 0);
	put(fixture, "web.policy.d/10.yaml", "version: 1\nalso: 1\n");
	assert_int_equal(load(fixture, "web.yaml"), -1);
	assert_int_equal(fixture->errors.refusals, 2);
}

static void what_is_no_file_is_refused_and_never_waited_for(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(mkfifo(path_of(fixture, "fifo.yaml"), 0600), 0);
	assert_int_equal(mkdir(path_of(fixture, "folder.yaml"), 0700), 0);
	refused(fixture, "none.yaml", "No such file");
	refused(fixture, "fifo.yaml", "no regular file");
	refused(fixture, "folder.yaml", "no regular file");
}

/* Returns 0 where each of its own user's is refused with what opens it. */
static int be_a_user_whose_policy_is_shut(struct fixture *fixture)
{
	if (setresgid(1234, 1234, 1234) < 0 || setresuid(1234, 1234, 1234) < 0)
		return 2;
	put(fixture, "web.yaml", "version: 1\n");
	if (mkdir(path_of(fixture, "web.policy.d"), 0) < 0)
		return 3;
	if (load(fixture, "web.yaml") == 0 || strstr(fixture->errors.list[0].text, "by its mode, 0000; chmod u+rX ") == NULL)
		return 4;
	if (rmdir(path_of(fixture, "web.policy.d")) < 0 || chmod(path_of(fixture, "web.yaml"), 0) < 0)
		return 5;
	return load(fixture, "web.yaml") < 0 && strstr(fixture->errors.list[0].text, "/web.yaml (a worker") != NULL ? 0 : 6;
}

static void a_policy_that_is_shut_is_told_with_its_remedy(void **state)
{
	struct fixture *fixture = *state;
	int status;
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(fixture->directory, 1234, 1234), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(be_a_user_whose_policy_is_shut(fixture));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_file_over_64_kib_is_refused(void **state)
{
	struct fixture *fixture = *state;
	put(fixture, "web.yaml", "version: 1\n");
	assert_int_equal(truncate(path_of(fixture, "web.yaml"), 64 * 1024 + 1), 0);
	refused(fixture, "web.yaml", "at most 64 KiB");
}

static void as_root_what_others_can_write_is_refused(void **state)
{
	struct fixture *fixture = *state;
	if (geteuid() != 0)
		return; /* only root has more than others to lose */
	put(fixture, "web.yaml", "version: 1\n");
	assert_int_equal(load(fixture, "web.yaml"), 0);
	assert_int_equal(chmod(path_of(fixture, "web.yaml"), 0664), 0);
	refused(fixture, "web.yaml", "can be written by others");
	assert_int_equal(chmod(path_of(fixture, "web.yaml"), 0644), 0);
	assert_int_equal(chown(path_of(fixture, "web.yaml"), 65534, 0), 0);
	refused(fixture, "web.yaml", "belongs to another user");
	assert_int_equal(chown(path_of(fixture, "web.yaml"), 0, 0), 0);
	assert_int_equal(chmod(fixture->directory, 01777), 0); /* sticky or not: others can put files here */
	refused(fixture, "web.yaml", "can be written by others");
	assert_int_equal(chmod(fixture->directory, 0755), 0);
}

static void as_root_a_link_out_of_a_strangers_folder_is_refused(void **state)
{
	struct fixture *fixture = *state;
	char target[256];
	if (geteuid() != 0)
		return;
	put(fixture, "web.yaml", "version: 1\n");
	snprintf(target, sizeof(target), "%s", path_of(fixture, "web.yaml"));
	assert_int_equal(mkdir(path_of(fixture, "open"), 0777), 0);
	assert_int_equal(chmod(path_of(fixture, "open"), 0777), 0);
	assert_int_equal(symlink(target, path_of(fixture, "open/web.yaml")), 0);
	refused(fixture, "open/web.yaml", "can be written by others");
	assert_int_equal(symlink(target, path_of(fixture, "link.yaml")), 0);
	assert_int_equal(load(fixture, "link.yaml"), 0);
}

static void an_environment_file_is_lines_of_variables(void **state)
{
	struct fixture *fixture = *state;
	struct failure why;
	struct words words = { 0 };
	put(fixture, "web.env", "# comment\nA=1\n\nB=\"two words\"\r\nA=3\n");
	assert_int_equal(policy_files_read_environment(path_of(fixture, "web.env"), &words, &why), 0);
	assert_int_equal(words.count, 2);
	assert_string_equal(words.list[0], "A=3");
	assert_string_equal(words.list[1], "B=two words");
	words_finish(&words);
	put(fixture, "web.env", "A=1\nno variable\n");
	assert_int_equal(policy_files_read_environment(path_of(fixture, "web.env"), &words, &why), -1);
	assert_contains(why.text, "web.env");
	assert_contains(why.text, "line 2");
	words_finish(&words);
}

#define FILES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void a_drop_in_is_written_whole_and_read_back(void **state)
{
	struct fixture *fixture = *state;
	struct policy_drop_in drop_in;
	struct failure why;
	struct stat status;
	size_t length;
	put(fixture, "web.yaml", "version: 1\nmemory: {max: 1G}\n");
	assert_int_equal(policy_drop_in_find(&drop_in, path_of(fixture, "web.yaml"), "50-set.yaml", &why), 0);
	assert_null(policy_drop_in_read(&drop_in, &length, &why));
	assert_int_equal(why.error, ENOENT);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\nmemory: {max: 512M}\n", &why), 0);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\nmemory: {max: 256M}\n", &why), 0);
	assert_int_equal(stat(path_of(fixture, "web.policy.d/50-set.yaml"), &status), 0);
	assert_int_equal(status.st_mode & 07777, geteuid() == 0 ? 0644 : 0600);
	assert_int_equal(load(fixture, "web.yaml"), 0);
	assert_int_equal(fixture->policy.memory.max_bytes, 256 * MIB);
	cleanup_free char *text = policy_drop_in_read(&drop_in, &length, &why);
	assert_string_equal(text, "version: 1\nmemory: {max: 256M}\n");
	assert_int_equal(length, strlen(text));
	assert_int_equal(policy_drop_in_remove(&drop_in, &why), 0);
	assert_int_equal(policy_drop_in_remove(&drop_in, &why), 0);
	assert_int_equal(stat(path_of(fixture, "web.policy.d"), &status), -1);
}

static void a_drop_in_keeps_its_mode_and_owner(void **state)
{
	static const mode_t modes[] = { 0600, 0640, 0444 };
	struct fixture *fixture = *state;
	struct policy_drop_in drop_in;
	struct failure why;
	struct stat status;
	mode_t before = umask(0);
	put(fixture, "web.yaml", "version: 1\n");
	assert_int_equal(policy_drop_in_find(&drop_in, path_of(fixture, "web.yaml"), "50-set.yaml", &why), 0);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\n", &why), 0);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		gid_t gid = geteuid() == 0 ? 1234 : getegid();
		assert_int_equal(chown(drop_in.file, (uid_t)-1, gid), 0);
		assert_int_equal(chmod(drop_in.file, modes[i]), 0);
		assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\nmemory: {max: 256M}\n", &why), 0);
		assert_int_equal(stat(drop_in.file, &status), 0);
		assert_int_equal(status.st_mode & 07777, modes[i]);
		assert_int_equal(status.st_gid, gid);
		assert_int_equal(status.st_size, strlen("version: 1\nmemory: {max: 256M}\n"));
	}
	umask(before);
}

static void a_drop_in_is_not_written_where_others_can_write(void **state)
{
	struct fixture *fixture = *state;
	struct policy_drop_in drop_in;
	struct failure why;
	put(fixture, "web.yaml", "version: 1\n");
	assert_int_equal(policy_drop_in_find(&drop_in, path_of(fixture, "web.yaml"), "50-set.yaml", &why), 0);
	assert_int_equal(symlink("/tmp", path_of(fixture, "web.policy.d")), 0);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\n", &why), -1);
	assert_int_equal(unlink(path_of(fixture, "web.policy.d")), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(mkdir(path_of(fixture, "web.policy.d"), 0755), 0);
	assert_int_equal(chmod(path_of(fixture, "web.policy.d"), 0777), 0);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\n", &why), -1);
	assert_contains(why.text, "can be written by others");
}

/* As the user, who owns the folder or does not. Returns 0 where the file was written. */
static int write_as_user(struct policy_drop_in *drop_in)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		struct failure why;
		if (setresgid(1234, 1234, 1234) < 0 || setresuid(1234, 1234, 1234) < 0)
			_exit(2);
		bool written = policy_drop_in_write(drop_in, "version: 1\n", &why) == 0;
		bool told = strcmp(drop_in->taken_over, "it belonged to uid 0, gid 0: now it is your own, mode 0600") == 0;
		_exit(!written ? why.error == EPERM || why.error == EACCES ? 1 : 3 : told ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_drop_in_of_root_becomes_the_users_in_his_own_folder(void **state)
{
	struct fixture *fixture = *state;
	struct policy_drop_in drop_in;
	struct failure why;
	struct stat status;
	if (geteuid() != 0)
		return;
	put(fixture, "web.yaml", "version: 1\n");
	assert_int_equal(policy_drop_in_find(&drop_in, path_of(fixture, "web.yaml"), "50-set.yaml", &why), 0);
	assert_int_equal(policy_drop_in_write(&drop_in, "version: 1\n", &why), 0);
	assert_int_equal(chown(drop_in.directory, 0, 1234) | chmod(drop_in.directory, 0775), 0);
	assert_int_equal(write_as_user(&drop_in), 1);
	assert_int_equal(chown(drop_in.directory, 1234, 1234) | chmod(drop_in.file, 0644), 0);
	assert_int_equal(write_as_user(&drop_in), 0);
	assert_int_equal(stat(drop_in.file, &status), 0);
	assert_int_equal(status.st_uid, 1234);
	assert_int_equal(status.st_mode & 07777, 0600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILES_TEST(drop_ins_are_read_in_order_over_the_file),
		FILES_TEST(every_files_errors_are_told_in_one_run),
		FILES_TEST(what_is_no_file_is_refused_and_never_waited_for),
		FILES_TEST(a_policy_that_is_shut_is_told_with_its_remedy),
		FILES_TEST(a_file_over_64_kib_is_refused),
		FILES_TEST(as_root_what_others_can_write_is_refused),
		FILES_TEST(as_root_a_link_out_of_a_strangers_folder_is_refused),
		FILES_TEST(an_environment_file_is_lines_of_variables),
		FILES_TEST(a_drop_in_is_written_whole_and_read_back),
		FILES_TEST(a_drop_in_keeps_its_mode_and_owner),
		FILES_TEST(a_drop_in_is_not_written_where_others_can_write),
		FILES_TEST(a_drop_in_of_root_becomes_the_users_in_his_own_folder),
	};
	return cmocka_run_group_tests_name("policy_files", tests, NULL, NULL);
}
