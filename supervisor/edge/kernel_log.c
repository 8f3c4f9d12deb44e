/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_log: one read() is one record. The parsing is core/kernel_oom. */
#include "supervisor/edge/kernel_log.h"
#include "supervisor/core/kernel_oom.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define RECORD_BYTES_MAX 8192     /* the kernel's own bound of one record; a smaller buffer gives EINVAL */
#define RECORDS_MAX (256 * 1024)  /* of one call: a log that grows as fast as we read must not hold us */
#define INITIAL_CGROUP_NAMESPACE 0xEFFFFFFBU /* PROC_CGROUP_INIT_INO of the kernel: the same everywhere */

/* Group paths in the log are the initial namespace's. Elsewhere two containers may have the same path as we see it. */
static bool sees_whole_paths(void)
{
	struct stat namespace;
	return stat("/proc/self/ns/cgroup", &namespace) == 0 && namespace.st_ino == INITIAL_CGROUP_NAMESPACE;
}

void kernel_log_open(struct kernel_log *ret)
{
	cleanup_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ret->fd = -1;
	if (fd >= 0 && sees_whole_paths() && lseek(fd, 0, SEEK_END) >= 0)
		ret->fd = TAKE_FD(fd);
}

void kernel_log_read(const struct kernel_log *log, const char *group, struct kernel_oom *oom)
{
	char record[RECORD_BYTES_MAX + 1];
	oom->readable = log->fd >= 0;
	for (int i = 0; log->fd >= 0 && i < RECORDS_MAX; i++) {
		ssize_t length = read(log->fd, record, RECORD_BYTES_MAX);
		if (length < 0 && (errno == EPIPE || errno == EINTR)) /* EPIPE: overwritten, go on with the oldest there is */
			continue;
		if (length <= 0)
			return;
		record[length] = '\0';
		kernel_oom_feed(oom, record, group);
	}
}

void kernel_log_close(struct kernel_log *log)
{
	cleanup_close(&log->fd);
	log->fd = -1;
}
