/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_sweep: walks a tree of groups by directory descriptors. A worker that runs as root may make groups below its
 * own while we walk, so nothing here trusts a listing: every step may fail, and the callers come again. */
#include "supervisor/edge/cgroup_sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

int cgroup_sweep_open(int directory_fd, const char *name)
{
	return openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int cgroup_sweep_write(int directory_fd, const char *name, const char *text)
{
	cleanup_fd int fd = openat(directory_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* Calls `each` for every group directly below; stops where it returns false. */
static void for_each_child(int directory_fd, bool (*each)(int directory_fd, const char *name, void *context),
			   void *context)
{
	_Alignas(struct dirent64) char buffer[1024]; /* small: one for each level of the walk is on the stack */
	ssize_t length;
	if (lseek(directory_fd, 0, SEEK_SET) < 0)
		return;
	while ((length = getdents64(directory_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			struct dirent64 *entry = (struct dirent64 *)(buffer + at);
			at += entry->d_reclen;
			if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0 && !each(directory_fd, entry->d_name, context))
				return;
		}
	}
}

/* Calls `each` for every pid in the group's cgroup.procs, 0 for one that our PID namespace does not show; stops where
 * it returns false. */
static void for_each_process(int directory_fd, bool (*each)(int32_t pid, void *context), void *context)
{
	cleanup_fd int fd = openat(directory_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char buffer[1024];
	ssize_t length;
	int32_t pid = 0;
	if (fd < 0)
		return;
	while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < length; i++) {
			if (buffer[i] >= '0' && buffer[i] <= '9') {
				pid = pid * 10 + (buffer[i] - '0');
				continue;
			}
			if (!each(pid, context))
				return;
			pid = 0;
		}
	}
}

struct walk {
	bool (*process)(int32_t pid, void *context);
	void *context;
	int depth;
};

static bool walk_child(int directory_fd, const char *name, void *context);

/* Calls walk->process for every process in the group and below it. */
static void walk_processes(int directory_fd, const struct walk *walk)
{
	for_each_process(directory_fd, walk->process, walk->context);
	if (walk->depth < CGROUP_SWEEP_DEPTH_MAX)
		for_each_child(directory_fd, walk_child, (void *)walk);
}

static bool walk_child(int directory_fd, const char *name, void *context)
{
	struct walk below = *(const struct walk *)context;
	cleanup_fd int fd = cgroup_sweep_open(directory_fd, name);
	below.depth++;
	if (fd >= 0)
		walk_processes(fd, &below);
	return true;
}

static bool kill_process(int32_t pid, void *context UNUSED)
{
	/* 0 is a process of another PID namespace, and kill(0) would be our own group. */
	if (pid > 0 && pid != getpid())
		kill(pid, SIGKILL);
	return true;
}

void cgroup_sweep_signal(int directory_fd)
{
	struct walk walk = { .process = kill_process };
	walk_processes(directory_fd, &walk);
}

void cgroup_sweep_kill(int directory_fd)
{
	if (cgroup_sweep_write(directory_fd, "cgroup.kill", "1") == 0)
		return;
	cgroup_sweep_write(directory_fd, "pids.max", "0");
	cgroup_sweep_signal(directory_fd);
}

struct found {
	bool any;
	int32_t pid;
};

static bool note_process(int32_t pid, void *context)
{
	struct found *found = context;
	if (pid == getpid())
		return true;
	*found = (struct found){ .any = true, .pid = pid };
	return false;
}

bool cgroup_sweep_holds(int directory_fd, int32_t *ret_pid)
{
	struct found found = { 0 };
	struct walk walk = { .process = note_process, .context = &found };
	walk_processes(directory_fd, &walk);
	if (ret_pid != NULL)
		*ret_pid = found.pid;
	return found.any;
}

static bool find_process(int32_t pid, void *context)
{
	struct found *found = context;
	found->any = found->any || pid == found->pid;
	return !found->any;
}

bool cgroup_sweep_has(int directory_fd, int32_t pid)
{
	struct found found = { .pid = pid };
	struct walk walk = { .process = find_process, .context = &found };
	walk_processes(directory_fd, &walk);
	return pid > 0 && found.any;
}

struct question {
	bool (*is_it)(int32_t pid);
	bool found;
};

static bool ask(int32_t pid, void *context)
{
	struct question *question = context;
	question->found = pid > 0 && question->is_it(pid);
	return !question->found;
}

bool cgroup_sweep_any(int directory_fd, bool (*is_it)(int32_t pid))
{
	struct question question = { .is_it = is_it };
	struct walk walk = { .process = ask, .context = &question };
	walk_processes(directory_fd, &walk);
	return question.found;
}

static int remove_below(int parent_fd, const char *name, int depth);

static bool remove_child(int directory_fd, const char *name, void *context)
{
	int depth = *(const int *)context;
	if (depth < CGROUP_SWEEP_DEPTH_MAX)
		remove_below(directory_fd, name, depth + 1);
	return true;
}

static int remove_below(int parent_fd, const char *name, int depth)
{
	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	cleanup_fd int fd = cgroup_sweep_open(parent_fd, name);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	for_each_child(fd, remove_child, &depth);
	return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -1;
}

int cgroup_sweep_remove(int parent_fd, const char *name)
{
	return remove_below(parent_fd, name, 0);
}
