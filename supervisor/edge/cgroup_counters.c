/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_counters: what the kernel counts of one worker's group and its ancestors, through descriptors opened when the
 * group was made, and the descriptor that wakes us when a count rises. */
#include "supervisor/edge/cgroup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static bool is_v2(const struct cgroup *cgroup)
{
	return cgroup->service != NULL && cgroup->service->tree->version == CGROUP_V2;
}

static uint64_t read_tasks(const struct cgroup *cgroup)
{
	int pids = cgroup_hierarchy_of(cgroup->service->tree, "pids");
	return pids < 0 ? SIZE_UNKNOWN : cgroup_read_or_unknown(cgroup->directory_fd[pids], "pids.current");
}

static void read_memory_v2(int fd, struct memory_sample *ret)
{
	ret->current_bytes = cgroup_read_or_unknown(fd, "memory.current");
	ret->peak_bytes = cgroup_read_or_unknown(fd, "memory.peak");
	ret->max_bytes = cgroup_read_or_unknown(fd, "memory.max");
	ret->swap_bytes = cgroup_read_or_unknown(fd, "memory.swap.current");
}

static void read_memory_v1(int fd, struct memory_sample *ret)
{
	uint64_t both = 0;
	ret->current_bytes = cgroup_read_or_unknown(fd, "memory.usage_in_bytes");
	ret->peak_bytes = cgroup_read_or_unknown(fd, "memory.max_usage_in_bytes");
	ret->max_bytes = cgroup_read_or_unknown(fd, "memory.limit_in_bytes");
	if (cgroup_read_number(fd, "memory.memsw.usage_in_bytes", &both) && ret->current_bytes != SIZE_UNKNOWN)
		ret->swap_bytes = both > ret->current_bytes ? both - ret->current_bytes : 0;
}

void cgroup_read_memory(const struct cgroup *cgroup, struct memory_sample *ret)
{
	*ret = (struct memory_sample){ SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, 0 };
	if (!cgroup->made)
		return;
	if (is_v2(cgroup))
		read_memory_v2(cgroup->directory_fd[0], ret);
	else
		read_memory_v1(cgroup->directory_fd[0], ret);
	uint64_t tasks = read_tasks(cgroup);
	ret->tasks = tasks == SIZE_UNKNOWN ? 0 : (uint32_t)tasks;
}

static void read_level_v2(int fd, struct level_counters *ret)
{
	if (!cgroup_read_number(fd, "memory.max", &ret->max_bytes))
		ret->max_bytes = SIZE_UNKNOWN;
	ret->has_oom = cgroup_read_keyed(fd, "memory.events.local", "oom", &ret->oom);
	cgroup_read_keyed(fd, "memory.events", "oom_kill", &ret->oom_kill);
}

static void read_level_v1(int fd, struct level_counters *ret)
{
	uint64_t memsw = 0;
	if (!cgroup_read_number(fd, "memory.limit_in_bytes", &ret->max_bytes))
		ret->max_bytes = SIZE_UNKNOWN;
	ret->has_failcnt = cgroup_read_number(fd, "memory.failcnt", &ret->failcnt);
	/* Memory and swap are charged first: where both limits are the same, only that counter ever rises. */
	if (ret->has_failcnt && cgroup_read_number(fd, "memory.memsw.failcnt", &memsw))
		ret->failcnt += memsw;
	cgroup_read_keyed(fd, "memory.oom_control", "oom_kill", &ret->oom_kill);
}

void cgroup_read_counters(const struct cgroup *cgroup, struct memory_counters *ret)
{
	*ret = (struct memory_counters){ .known = cgroup->made, .whole = cgroup->whole };
	for (size_t i = 0; cgroup->made && i < cgroup->level_count; i++) {
		struct level_counters *level = &ret->levels[ret->level_count++];
		memcpy(level->path, cgroup->level_path[i], sizeof(level->path));
		if (is_v2(cgroup))
			read_level_v2(cgroup->level_fd[i], level);
		else
			read_level_v1(cgroup->level_fd[i], level);
	}
	ret->has_vmstat = cgroup_read_keyed(AT_FDCWD, "/proc/vmstat", "oom_kill", &ret->vmstat_oom_kill);
}

/* v1's figures with total_ are of the group and those below it, v2's always are. */
uint64_t cgroup_read_kept_of(int directory_fd, bool v2, bool hot)
{
	static const char *const given_back[2][3] = {
		{ "total_inactive_file", "total_active_file", NULL },
		{ "inactive_file", "active_file", "slab_reclaimable" },
	};
	uint64_t usage, part;
	if (!cgroup_read_number(directory_fd, v2 ? "memory.current" : "memory.usage_in_bytes", &usage))
		return SIZE_UNKNOWN;
	for (size_t i = 0; i < (hot ? ARRAY_LEN(given_back[0]) : 1); i++) {
		const char *key = given_back[v2][i];
		if (key != NULL && cgroup_read_keyed(directory_fd, "memory.stat", key, &part))
			usage -= part < usage ? part : usage;
	}
	return usage;
}

uint64_t cgroup_read_kept(const struct cgroup *cgroup)
{
	return cgroup->made ? cgroup_read_kept_of(cgroup->directory_fd[0], is_v2(cgroup), true) : SIZE_UNKNOWN;
}

static int watch_v2(int directory_fd, struct failure *why)
{
	int fd = openat(directory_fd, "memory.events", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "open memory.events");
	cgroup_oom_heard(fd); /* a file never read counts as changed */
	return fd;
}

/* v1's event control: an eventfd that hears of `file`; `argument` is "" or a number. */
static int watch_v1(int directory_fd, const char *file, const char *argument, struct failure *why)
{
	char text[64];
	cleanup_fd int watch_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cleanup_fd int file_fd = openat(directory_fd, file, O_RDONLY | O_CLOEXEC);
	cleanup_fd int control_fd = openat(directory_fd, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
	if (watch_fd < 0 || file_fd < 0 || control_fd < 0)
		return failed(why, errno, "watch %s", file);
	int length = snprintf(text, sizeof(text), "%d %d %s", watch_fd, file_fd, argument);
	if (write(control_fd, text, (size_t)length) < 0)
		return failed(why, errno, "write cgroup.event_control");
	return TAKE_FD(watch_fd);
}

int cgroup_watch_oom(const struct cgroup *cgroup, uint32_t *ret_events, struct failure *why)
{
	if (!cgroup->made)
		return failed(why, 0, "there is no group to watch");
	*ret_events = is_v2(cgroup) ? EPOLLPRI : EPOLLIN;
	return is_v2(cgroup) ? watch_v2(cgroup->directory_fd[0], why)
			     : watch_v1(cgroup->directory_fd[0], "memory.oom_control", "", why);
}

void cgroup_oom_heard(int watch_fd)
{
	char text[1024]; /* memory.events from its start, or the eventfd's eight bytes, which cannot be sought */
	lseek(watch_fd, 0, SEEK_SET);
	while (read(watch_fd, text, sizeof(text)) == (ssize_t)sizeof(text))
		;
}

/* Before the limit is reached v2 tells of memory.high alone: PSI and memory.events come with the first failed charge. */
static int watch_usage_v2(int directory_fd, uint64_t bytes, struct failure *why)
{
	cleanup_fd int fd = watch_v2(directory_fd, why);
	if (fd < 0)
		return -1;
	if (cgroup_write_number(directory_fd, "memory.high", bytes) != 0)
		return failed(why, errno, "set memory.high");
	return TAKE_FD(fd);
}

int cgroup_watch_usage(const struct cgroup *cgroup, uint64_t bytes, uint32_t *ret_events, struct failure *why)
{
	struct memory_sample memory;
	char number[32];
	cgroup_read_memory(cgroup, &memory);
	if (memory.current_bytes == SIZE_UNKNOWN)
		return failed(why, 0, "there is no group to watch");
	if (memory.current_bytes >= bytes)
		return failed(why, 0, "usage is there already");
	*ret_events = is_v2(cgroup) ? EPOLLPRI : EPOLLIN;
	if (is_v2(cgroup))
		return watch_usage_v2(cgroup->directory_fd[0], bytes, why);
	snprintf(number, sizeof(number), "%" PRIu64, bytes);
	return watch_v1(cgroup->directory_fd[0], "memory.usage_in_bytes", number, why);
}

void cgroup_unwatch_usage(const struct cgroup *cgroup, int *watch_fd, uint64_t high_bytes)
{
	if (*watch_fd < 0)
		return;
	if (cgroup->made && is_v2(cgroup))
		(void)cgroup_write_number(cgroup->directory_fd[0], "memory.high", high_bytes);
	close(TAKE_FD(*watch_fd));
}
