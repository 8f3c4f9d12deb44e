/* SPDX-License-Identifier: Apache-2.0 */
/* host_probe_fence: which walls this kernel lets us make. Settings, security modules and containers all have a word in it,
 * so nothing is concluded: it is tried, in a child that then ends. */
#include "supervisor/edge/host_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { CREATE_RULESET = 444, RULESET_VERSION = 1 };
enum { CAN_MOUNT = 1, CAN_NETWORK = 2 }; /* bits of the child's exit status */

static bool write_file(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* As heapward-child will do it. */
static bool enter_user_namespace(void)
{
	char map[48];
	uid_t uid = geteuid();
	if (unshare(CLONE_NEWUSER) < 0)
		return false;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", map);
}

/* All calls that heapward-child makes for it: a security module may forbid some, and older kernels know not all. */
static bool can_bind(const char *path)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	cleanup_fd int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return fd >= 0 && move_mount(fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0 &&
	       mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof(attributes)) == 0;
}

static bool can_mount(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0 && can_bind("/proc/sys") &&
	       mount("tmpfs", "/proc", "tmpfs", MS_RDONLY, "size=4k") == 0;
}

static void try_walls(bool in_user_namespace) __attribute__((noreturn));

static void try_walls(bool in_user_namespace)
{
	int status = 0;
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else its own map is not ours to write */
	if (in_user_namespace && !enter_user_namespace())
		_exit(0);
	if (unshare(CLONE_NEWNET) == 0)
		status |= CAN_NETWORK;
	if (can_mount())
		status |= CAN_MOUNT;
	_exit(status);
}

/* What a child could do; 0 where there can be none. */
static int ask_child(bool in_user_namespace)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		try_walls(in_user_namespace);
	if (child < 0)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void probe(struct host_fence *ret)
{
	long abi = syscall(CREATE_RULESET, NULL, (size_t)0, RULESET_VERSION);
	int can = ask_child(false);
	*ret = (struct host_fence){ .landlock_abi = abi > 0 ? (uint32_t)abi : 0,
				    .mounts = (can & CAN_MOUNT) != 0,
				    .network = (can & CAN_NETWORK) != 0 };
	if (ret->mounts && ret->network)
		return;
	snprintf(ret->problem, sizeof(ret->problem), "%s",
		 geteuid() == 0 ? "without CAP_SYS_ADMIN, or before Linux 5.12" : "only root may make them");
	/* Root's own number alone would be mapped there: to root a user namespace takes more away than it gives. */
	if (geteuid() != 0)
		ret->user = ask_child(true) == (CAN_MOUNT | CAN_NETWORK);
}

/* Once: by the time of a reload the supervisor has given up what heapward-child still has. */
void host_probe_fence(struct host_fence *ret)
{
	static struct host_fence found;
	static bool probed;
	if (!probed)
		probe(&found);
	probed = true;
	*ret = found;
}
