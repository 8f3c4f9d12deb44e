/* SPDX-License-Identifier: Apache-2.0 */
/* state_forget: what is kept of a service that does not run, removed. The name is held meanwhile, so that none begins. */
#include "supervisor/core/policy.h"
#include "supervisor/edge/state_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

/* Every file of the directory. A directory that somebody made there stays, and keeps ours from being removed. */
static void remove_files(int directory_fd)
{
	struct dirent *entry;
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		cleanup_close(&fd);
		return;
	}
	while ((entry = readdir(directory)) != NULL)
		(void)unlinkat(directory_fd, entry->d_name, 0); /* a directory stays */
	closedir(directory);
}

static int remove_state(const char *path, int state_fd, struct failure *why)
{
	cleanup_fd int deaths = openat(state_fd, "deaths", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (deaths >= 0)
		remove_files(deaths);
	if (deaths >= 0 && unlinkat(state_fd, "deaths", AT_REMOVEDIR) < 0)
		return failed(why, errno, "remove %s/deaths", path);
	remove_files(state_fd);
	return rmdir(path) == 0 ? 0 : failed(why, errno, "remove %s", path);
}

int state_forget(const struct state_roots *roots, const char *name, struct failure *why)
{
	char path[STATE_DIR_PATH_MAX];
	struct state_service service;
	struct state_dir dir;
	assert(policy_name_valid(name)); /* "..", say, would remove others' */
	snprintf(path, sizeof(path), "%.450s/%s", roots->state, name);
	state_look(roots, name, &service);
	if (service.running)
		return failed(why, 0, "it runs (supervisor pid %d); heapward stop %s ends it", service.pid, name);
	cleanup_fd int state_fd = roots->state[0] == '\0' ? failed(why, ENOENT, "no state directory")
							  : state_open_directory(path, false, why);
	if (state_fd < 0 && why->error == ENOENT)
		return failed(why, 0, "nothing is kept of a service of that name");
	cleanup_fd int held = state_fd < 0 ? -1 : state_hold(state_fd, LOCK_EX, why);
	if (state_fd >= 0 && held < 0 && why->error != EWOULDBLOCK)
		return failed_in(why, "%s", path);
	if (state_fd >= 0 && held < 0)
		return failed(why, 0, "it runs, under a supervisor that is not seen from here (another XDG_RUNTIME_DIR, or another container)");
	if (state_fd < 0 || state_dir_take_name(&dir, roots, name, why) < 0)
		return -1;
	int result = remove_state(path, state_fd, why);
	state_dir_release(&dir);
	return result;
}
