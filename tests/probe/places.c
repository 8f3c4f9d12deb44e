/* SPDX-License-Identifier: Apache-2.0 */
/* places: mounts, roots and namespaces. What is mounted is on a directory of the act's own, and taken down. See probe.h. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPEN_TREE_CLONE_FLAG 1

ACT(mount_memory)
{
	char path[64];
	if (own_directory(path, sizeof(path)) < 0)
		return ABSENT;
	int result = tried(mount("probe", path, text, MS_NOSUID | MS_NODEV, NULL));
	if (result == THROUGH)
		umount2(path, MNT_DETACH);
	return result;
}

/* Makes what was read-only writable again: its own directory, bound over itself. */
ACT(mount_again)
{
	char path[64];
	if (own_directory(path, sizeof(path)) < 0)
		return ABSENT;
	if (mount(path, path, NULL, MS_BIND, NULL) < 0)
		return errno;
	int result = tried(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	umount2(path, MNT_DETACH);
	return result;
}

/* The right is asked for before the kernel sees that nothing is mounted there. */
ACT(unmount)
{
	char path[64];
	return own_directory(path, sizeof(path)) < 0 ? ABSENT : tried_past(umount2(path, MNT_DETACH), EINVAL);
}

ACT(pivot)
{
	char path[64];
	if (own_directory(path, sizeof(path)) < 0)
		return ABSENT;
	/* Not a mount (EINVAL), or the root's own (EBUSY): both are seen only by who may. */
	int result = tried_past(syscall(SYS_pivot_root, path, path), EINVAL);
	return result == EBUSY ? THROUGH : result;
}

ACT(change_root)
{
	char path[64];
	return own_directory(path, sizeof(path)) < 0 ? ABSENT : tried(chroot(path));
}

/* Past the permissions of every directory above it. */
ACT(open_handle)
{
	union {
		struct file_handle handle;
		char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} own = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;
	if (name_to_handle_at(AT_FDCWD, ".", &own.handle, &mount_id, 0) < 0)
		return errno;
	int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return tried(open_by_handle_at(directory, &own.handle, O_RDONLY | O_CLOEXEC));
}

ACT(open_mount)
{
	return tried(syscall(SYS_fsopen, "tmpfs", 1));
}

/* Made by hand, where fsopen is not the one that is refused. */
ACT(mount_context)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", 1);
	const int create = 6;
	if (context < 0)
		context = open("/dev/null", O_RDONLY | O_CLOEXEC);
	else
		syscall(SYS_fsconfig, context, create, NULL, NULL, 0);
	return tried(syscall(SYS_fsmount, context, 1, 0));
}

ACT(pick_mount)
{
	return tried(syscall(SYS_fspick, AT_FDCWD, "/", 1));
}

ACT(copy_tree)
{
	return tried(syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE_FLAG | O_CLOEXEC));
}

/* From nowhere; the right is asked for first. */
ACT(move_tree)
{
	return tried_past(syscall(SYS_move_mount, AT_FDCWD, "probe-none", AT_FDCWD, ".", 0), ENOENT);
}

ACT(mount_attributes)
{
	struct {
		uint64_t set, clear, propagation, userns_fd;
	} attributes = { .set = 2 };
	char path[64];
	if (own_directory(path, sizeof(path)) < 0)
		return ABSENT;
	return tried_past(syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof(attributes)), EINVAL);
}

ACT(unshare_one)
{
	return tried(unshare((int)number));
}

/* A child in new namespaces, which ends at once. */
static int reap(long pid)
{
	if (pid == 0)
		_exit(0);
	int error = errno;
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	errno = error;
	return tried(pid);
}

ACT(clone_one)
{
	return reap(syscall(SYS_clone, number | SIGCHLD, NULL, NULL, NULL, NULL));
}

ACT(clone3_one)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
	} arguments = { .flags = (uint64_t)number, .exit_signal = SIGCHLD };
	return reap(syscall(SYS_clone3, &arguments, sizeof(arguments)));
}

static int join(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? errno : tried(setns(fd, 0));
}

ACT(join_own)
{
	return join("/proc/self/ns/uts");
}

ACT(join_init)
{
	return join("/proc/1/ns/mnt");
}

ACT(join_process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", at->pids[number], text);
	return join(path);
}
