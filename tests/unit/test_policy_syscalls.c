/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_syscalls: lists as files: shipped ones by name, a user's own by path, what they include, and who is believed. */
#include "tests/unit/filter_unit.h"

#include "supervisor/core/policy.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct syscall_list list;
static struct policy_errors errors;

static int make_folder(void **state UNUSED)
{
	snprintf(folder, sizeof(folder), "/tmp/heapward-lists.XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int remove_folder(void **state UNUSED)
{
	unlink(path_of("a.list"));
	unlink(path_of("b.list"));
	return rmdir(folder);
}

static void write_list(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int load(const char *name, const struct policy *policy)
{
	char shipped[PATH_MAX];
	struct failure why;
	struct syscall_names names = filter_names();
	memset(&list, 0, sizeof(list));
	memset(&errors, 0, sizeof(errors));
	assert_int_equal(libexec_path("syscalls", shipped, sizeof(shipped), &why), 0);
	return policy_syscalls_load(&list, name, policy, shipped, &names, &errors);
}

static bool allows(const char *name)
{
	struct syscall_names names = filter_names();
	return syscall_list_allows(&list, names.number(&names, name));
}

static void a_list_of_ones_own_adds_to_what_it_includes(void **state UNUSED)
{
	write_list("a.list", "include server\ninclude ./b.list\n");
	write_list("b.list", "include ./a.list\nptrace\n"); /* in a ring: each is read once */
	assert_int_equal(load(path_of("a.list"), NULL), 0);
	assert_true(allows("ptrace") && allows("read") && allows("shmget") && !allows("mount"));
}

/* Whoever can write one of them writes the filter. */
static void all_files_of_a_list_are_found(void **state UNUSED)
{
	char shipped[PATH_MAX];
	struct failure why;
	struct policy_syscalls_files files;
	struct syscall_names names = filter_names();
	bool seen[4] = { false };
	static const char *const wanted[] = { "/a.list", "/./b.list", "/server.list", "/strict.list" };
	assert_int_equal(libexec_path("syscalls", shipped, sizeof(shipped), &why), 0);
	write_list("a.list", "include server\ninclude ./b.list\n");
	write_list("b.list", "ptrace\n");
	assert_int_equal(policy_syscalls_find(&files, path_of("a.list"), shipped, &names, &why), 0);
	assert_int_equal(files.count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < files.count; i++)
		for (size_t j = 0; j < ARRAY_LEN(wanted); j++)
			seen[j] |= strstr(files.list[i], wanted[j]) != NULL;
	policy_syscalls_files_finish(&files);
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
	write_list("b.list", "no such call\n");
	assert_int_equal(policy_syscalls_find(&files, path_of("a.list"), shipped, &names, &why), -1);
	assert_int_equal(files.count, ARRAY_LEN(wanted));
	policy_syscalls_files_finish(&files);
}

static void what_is_not_there_is_told_where_it_is_asked_for(void **state UNUSED)
{
	struct policy policy;
	write_list("a.list", "# mine\ninclude servr\ninclude ./none.list\n");
	assert_int_equal(load(path_of("a.list"), NULL), -1);
	assert_int_equal(errors.count, 2);
	assert_string_equal(errors.list[0].text, "no list \"servr\"; did you mean \"server\"?");
	assert_int_equal(errors.list[0].line, 2);
	assert_int_equal(errors.list[0].column, 9);
	assert_string_equal(errors.list[1].text, "no list \"./none.list\"");
	policy_init(&policy);
	snprintf(policy.origins[KEY_SANDBOX_SYSCALLS].file, sizeof(policy.origins[0].file), "web.yaml");
	policy.origins[KEY_SANDBOX_SYSCALLS].line = 7;
	assert_int_equal(load("/no/such.list", &policy), -1);
	assert_string_equal(errors.list[0].file, "web.yaml");
	assert_int_equal(errors.list[0].line, 7);
	assert_string_equal(errors.list[0].text, "sandbox.syscalls: no list \"/no/such.list\"");
	policy_finish(&policy);
}

/* Runs as root: whose file it is, and who may write it, is judged as of a policy. */
static void a_list_that_others_can_write_is_not_believed(void **state UNUSED)
{
	assert_int_equal(geteuid(), 0);
	write_list("a.list", "read\n");
	assert_int_equal(load(path_of("a.list"), NULL), 0);
	assert_int_equal(chmod(path_of("a.list"), 0666), 0);
	assert_int_equal(load(path_of("a.list"), NULL), -1);
	assert_contains(errors.list[0].text, "can be written by others");
	assert_int_equal(chmod(path_of("a.list"), 0644), 0);
	assert_int_equal(chown(path_of("a.list"), 65534, 65534), 0);
	assert_int_equal(load(path_of("a.list"), NULL), -1);
	assert_contains(errors.list[0].text, "belongs to another user");
	write_list("b.list", "include ./a.list\n"); /* nor where another includes it */
	assert_int_equal(load(path_of("b.list"), NULL), -1);
	assert_int_equal(errors.list[0].line, 1);
}

static void the_default_list_follows_the_policy_file(void **state UNUSED)
{
	struct policy policy;
	struct policy_errors *ignored = &errors;
	policy_init(&policy);
	assert_string_equal(policy_syscalls(&policy), "compat");
	policy.from_file = true;
	assert_string_equal(policy_syscalls(&policy), "server");
	assert_int_equal(policy_apply_setting(&policy, "--set", "sandbox.syscalls=strict", ignored), 0);
	assert_string_equal(policy_syscalls(&policy), "strict");
	assert_true(policy_filters(&policy));
	assert_int_equal(policy_apply_setting(&policy, "--set", "sandbox.syscalls=none", ignored), 0);
	assert_false(policy_filters(&policy));
	assert_int_equal(policy_apply_text(&policy, "/etc/web.yaml", "version: 1\nsandbox: {syscalls: ./my.list}\n", 42, ignored), 0);
	assert_string_equal(policy_syscalls(&policy), "/etc/./my.list");
	policy_finish(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_of_ones_own_adds_to_what_it_includes),
		cmocka_unit_test(all_files_of_a_list_are_found),
		cmocka_unit_test(what_is_not_there_is_told_where_it_is_asked_for),
		cmocka_unit_test(a_list_that_others_can_write_is_not_believed),
		cmocka_unit_test(the_default_list_follows_the_policy_file),
	};
	return cmocka_run_group_tests_name("policy_syscalls", tests, make_folder, remove_folder);
}
