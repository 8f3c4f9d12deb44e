/* SPDX-License-Identifier: Apache-2.0 */
/* test_listen_folder: folders that root may make a service's socket in, and those that it may not, with what is wrong. */
#include "tests/unit/unit.h"

#include "supervisor/edge/listen_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SERVICE 1234u
#define OTHER 5678u

static char top[64]; /* below /tmp, which is root's and sticky */

static int set_up(void **state UNUSED)
{
	snprintf(top, sizeof(top), "/tmp/heapward-folder-XXXXXX");
	return mkdtemp(top) == NULL ? -1 : chmod(top, 0755);
}

static int tear_down(void **state UNUSED)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static const char *path_of(const char *name)
{
	static char path[2][128];
	static size_t next;
	char *at = path[next++ % 2];
	snprintf(at, sizeof(path[0]), "%s%s", top, name);
	return at;
}

static void make(const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	assert_int_equal(mkdir(path_of(name), 0700), 0);
	assert_int_equal(chown(path_of(name), uid, gid), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static void make_link(const char *name, const char *to, uint32_t uid)
{
	assert_int_equal(symlink(to, path_of(name)), 0);
	assert_int_equal(lchown(path_of(name), uid, uid), 0);
}

static int open_as(const char *name, bool own, bool *ret_stays, struct failure *why)
{
	return listen_folder_open(path_of(name), own ? SERVICE : UINT32_MAX, own ? SERVICE : UINT32_MAX, ret_stays, why);
}

static void make_all(void)
{
	make("/root", 0755, 0, 0);
	make("/open", 0777, 0, 0);
	make("/sticky", 01777, 0, 0);
	make("/group", 0775, 0, OTHER);
	make("/own", 0755, SERVICE, SERVICE);
	make("/own/run", 0775, SERVICE, SERVICE);
	make("/own/roots", 0755, 0, 0);
	make("/other", 0755, OTHER, OTHER);
	make_link("/link", "root", 0);
	make_link("/link-own", path_of("/own"), 0);
	make_link("/link-other", "root", OTHER);
	make_link("/own/link", path_of("/root"), SERVICE);
	make_link("/own/roots-link", path_of("/root"), 0);
	make_link("/through", "own/link", 0);
	make_link("/loop", "loop", 0);
}

static void what_others_could_change_is_refused_as_root(void **state UNUSED)
{
	static const struct {
		const char *path;
		bool own;          /* of a service with its own user */
		const char *words; /* "": opened */
		const char *leads; /* where to */
		bool stays;        /* that cannot be changed by others */
	} rows[] = {
		{ "/root/a.sock", false, "", "/root", true },
		{ "/root/a.sock", true, "", "/root", true },
		{ "/root//a.sock", true, "", "/root", true },
		{ "/own/../root/a.sock", true, "", "/root", false },
		{ "/sticky/a.sock", true, "", "/sticky", true },
		{ "/open/a.sock", true, "its folder can be written by everybody; chmod o-w it", NULL, false },
		{ "/group/a.sock", true, "its folder can be written by gid 5678, not the service's group; chmod g-w it", NULL, false },
		{ "/own/a.sock", true, "", "/own", false },
		{ "/own/run/a.sock", true, "", "/own/run", false },
		{ "/own/roots/a.sock", true, "", "/own/roots", false },
		{ "/own/a.sock", false, "its folder belongs to uid 1234, neither root nor the service's user (sandbox.user)", NULL, false },
		{ "/other/a.sock", true, "its folder belongs to uid 5678, neither root nor", NULL, false },
		{ "/link/a.sock", true, "", "/root", true },
		{ "/link-own/a.sock", true, "", "/own", false },
		{ "/link-other/a.sock", true, "link-other on its way is a symbolic link that others than root can change", NULL, false },
		{ "/own/link/a.sock", true, "link on its way is a symbolic link that others than root can change", NULL, false },
		{ "/own/roots-link/a.sock", true, "roots-link on its way is a symbolic link", NULL, false }, /* for it can be exchanged */
		{ "/through/a.sock", true, "link on its way is a symbolic link", NULL, false },
		{ "/loop/a.sock", true, "loop: Too many levels of symbolic links", NULL, false },
		{ "/missing/a.sock", true, "missing: No such file or directory; its directory must be there", NULL, false },
	};
	make_all();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure why = { 0 };
		struct stat found, wanted;
		bool stays;
		cleanup_fd int fd = open_as(rows[i].path, rows[i].own, &stays, &why);
		if ((fd >= 0) != (rows[i].words[0] == '\0'))
			fail_msg("row %zu: %s", i, why.text);
		if (fd < 0) {
			assert_contains(why.text, rows[i].words);
			continue;
		}
		if (stays != rows[i].stays)
			fail_msg("row %zu: stays %d", i, stays);
		assert_int_equal(fstat(fd, &found), 0);
		assert_int_equal(stat(path_of(rows[i].leads), &wanted), 0);
		assert_int_equal(found.st_ino, wanted.st_ino);
	}
}

static void an_ordinary_user_follows_where_it_may_go(void **state UNUSED)
{
	int status;
	make_all();
	pid_t pid = fork();
	if (pid == 0) {
		struct failure why;
		bool stays;
		if (setresgid(SERVICE, SERVICE, SERVICE) < 0 || setresuid(SERVICE, SERVICE, SERVICE) < 0)
			_exit(2);
		bool opened = open_as("/own/link/a.sock", false, &stays, &why) >= 0 && stays &&
			      open_as("/open/a.sock", false, &stays, &why) >= 0;
		bool missing = open_as("/missing/a.sock", false, &stays, &why) < 0 &&
			       strcmp(why.text, "No such file or directory; its directory must be there") == 0;
		_exit(opened && missing ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_others_could_change_is_refused_as_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_ordinary_user_follows_where_it_may_go, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("listen_folder", tests, NULL, NULL);
}
