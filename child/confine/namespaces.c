/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces: mounts and network of the worker's own; where we have no privilege for that, in a user namespace in which it
 * keeps its one number. What is mounted there is mounts.c. */
#include "child/confine/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int write_file(const char *path, const char *text, struct launch_report *report)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return confine_failed(report, errno, "%s: %s", path, text);
	return 0;
}

static int map_self(uid_t uid, gid_t gid, struct launch_report *report)
{
	char uids[48], gids[48];
	snprintf(uids, sizeof(uids), "%u %u 1", uid, uid);
	snprintf(gids, sizeof(gids), "%u %u 1", gid, gid);
	/* Without this nobody but root may map a group: else a group that takes rights away could be dropped. */
	if (write_file("/proc/self/setgroups", "deny", report) < 0)
		return -1;
	if (write_file("/proc/self/uid_map", uids, report) < 0)
		return -1;
	return write_file("/proc/self/gid_map", gids, report);
}

/* A new network namespace has a loopback that is down: servers that bind 127.0.0.1 for themselves want it up. */
static int raise_loopback(struct launch_report *report)
{
	struct ifreq request = { .ifr_name = "lo" };
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		return confine_failed(report, errno, "loopback");
	request.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? confine_failed(report, errno, "loopback up") : 0;
}

int confine_namespaces(const struct launch *launch, struct launch_report *report)
{
	uint32_t namespaces = launch->fence.namespaces;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (namespaces == 0)
		return 0;
	if (unshare((int)namespaces) < 0)
		return confine_failed(report, errno, "unshare %#x", namespaces);
	if ((namespaces & CLONE_NEWUSER) != 0 && map_self(uid, gid, report) < 0)
		return -1;
	return (namespaces & CLONE_NEWNET) != 0 ? raise_loopback(report) : 0;
}
