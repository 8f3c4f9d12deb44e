/* SPDX-License-Identifier: Apache-2.0 */
/* state_unit: what test_state_dir and test_state_files share: roots in a directory of the test's own, gone with the test. */
#ifndef TESTS_UNIT_STATE_UNIT_H
#define TESTS_UNIT_STATE_UNIT_H

#include "tests/unit/unit.h"

#include "supervisor/edge/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "web"

struct fixture {
	char directory[64];
	struct state_roots roots;
};

static inline int set_up(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .directory = "/tmp/heapward-state-XXXXXX" };
	assert_non_null(mkdtemp(fixture.directory));
	snprintf(fixture.roots.runtime, sizeof(fixture.roots.runtime), "%s/run/heapward", fixture.directory);
	snprintf(fixture.roots.state, sizeof(fixture.roots.state), "%s/lib/heapward", fixture.directory);
	*state = &fixture;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *about UNUSED, int type UNUSED, struct FTW *where UNUSED)
{
	return remove(path);
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	return nftw(fixture->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* "<root>/<below>" in one of four buffers. */
static inline const char *below(const char *root, const char *name)
{
	static char paths[4][STATE_DIR_PATH_MAX + 300];
	static size_t next;
	char *path = paths[next++ % ARRAY_LEN(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static inline void take(struct state_dir *dir, const struct fixture *fixture, const char *name)
{
	struct failure why;
	if (state_dir_take(dir, &fixture->roots, name, &why) != 0)
		fail_msg("%s", why.text);
	assert_string_equal(dir->problem, "");
}

/* Makes the directories of a service as a supervisor leaves them. */
static inline void leave_service(const struct fixture *fixture, const char *name)
{
	struct state_dir dir;
	take(&dir, fixture, name);
	state_dir_release(&dir);
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* The file's text in one static buffer; NULL where there is no file. */
static inline const char *read_text(const char *path)
{
	static char text[64 * 1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* Permission bits, -1 where there is nothing. */
static inline int mode_of(const char *path)
{
	struct stat about;
	return lstat(path, &about) == 0 ? (int)(about.st_mode & 07777) : -1;
}

static inline bool is_there(const char *path)
{
	return mode_of(path) >= 0;
}

#endif
