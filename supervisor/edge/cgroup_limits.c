/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_limits: one worker's limits as v1 and v2 spell them. A memory limit that the kernel does not take is a fault;
 * what this kernel does not have at all is a remark, one line with what follows from it. */
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/cgroup_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CPU_PERIOD_USEC 100000
#define PAGE_BYTES_MAX (64 * KIB) /* the kernel rounds a limit down to whole pages */

void cgroup_remark(struct cgroup *cgroup, const char *format, ...)
{
	va_list args;
	if (cgroup->remark_count >= ARRAY_LEN(cgroup->remarks))
		return;
	va_start(args, format);
	vsnprintf(cgroup->remarks[cgroup->remark_count++], sizeof(cgroup->remarks[0]), format, args);
	va_end(args);
}

static bool has_file(int directory_fd, const char *name)
{
	return faccessat(directory_fd, name, F_OK, 0) == 0;
}

/* Sets a limit and believes only what the kernel reads back. */
static int set_bytes(int directory_fd, const char *name, uint64_t bytes, struct failure *why)
{
	uint64_t read_back;
	if (cgroup_write_number(directory_fd, name, bytes) != 0)
		return failed(why, errno, "set %s to %" PRIu64, name, bytes);
	if (!cgroup_read_number(directory_fd, name, &read_back))
		return failed(why, errno, "read back %s", name);
	if (read_back > bytes || bytes - read_back >= PAGE_BYTES_MAX)
		return failed(why, 0, "set %s to %" PRIu64 ": the kernel made it %" PRIu64, name, bytes, read_back);
	return 0;
}

static bool host_has_swap(void)
{
	uint64_t kib = 0;
	return !cgroup_read_keyed(AT_FDCWD, "/proc/meminfo", "SwapTotal:", &kib) || kib > 0;
}

static void remark_no_swap_accounting(struct cgroup *cgroup)
{
	if (host_has_swap())
		cgroup_remark(cgroup, "memory.swap: this kernel does not account swap (swapaccount=1 turns it on): "
				      "a worker at memory.max may go on in swap");
}

/* v1 limits memory and swap together, and only after memory alone. */
static int set_memory_v1(struct cgroup *cgroup, const struct cgroup_limits *limits, struct failure *why)
{
	int fd = cgroup->directory_fd[0];
	cgroup_sweep_write(fd, "memory.use_hierarchy", "1"); /* before 5.11 not the default: groups below would escape */
	if (limits->memory_high_bytes != SIZE_NONE)
		cgroup_remark(cgroup, "memory.high: cgroup v1 has none; only memory.max holds");
	if (limits->memory_max_bytes == SIZE_NONE) {
		if (limits->memory_swap_bytes != SIZE_NONE)
			cgroup_remark(cgroup, "memory.swap: cgroup v1 limits it only together with memory.max");
		return 0;
	}
	if (set_bytes(fd, "memory.limit_in_bytes", limits->memory_max_bytes, why) != 0)
		return -1;
	if (limits->memory_swap_bytes == SIZE_NONE)
		return 0;
	if (has_file(fd, "memory.memsw.limit_in_bytes"))
		return set_bytes(fd, "memory.memsw.limit_in_bytes", limits->memory_max_bytes + limits->memory_swap_bytes, why);
	remark_no_swap_accounting(cgroup);
	return 0;
}

static int set_memory_v2(struct cgroup *cgroup, const struct cgroup_limits *limits, struct failure *why)
{
	int fd = cgroup->directory_fd[0];
	if (limits->memory_high_bytes != SIZE_NONE &&
	    set_bytes(fd, "memory.high", limits->memory_high_bytes, why) != 0)
		return -1;
	if (limits->memory_max_bytes != SIZE_NONE && set_bytes(fd, "memory.max", limits->memory_max_bytes, why) != 0)
		return -1;
	if (limits->memory_swap_bytes == SIZE_NONE)
		return 0;
	if (has_file(fd, "memory.swap.max"))
		return set_bytes(fd, "memory.swap.max", limits->memory_swap_bytes, why);
	remark_no_swap_accounting(cgroup);
	return 0;
}

/* v1's word for "no limit" is -1, v2's is max. */
static int change_bytes(struct cgroup *cgroup, const char *name, uint64_t bytes, struct failure *why)
{
	int fd = cgroup->directory_fd[0];
	if (bytes != SIZE_NONE)
		return set_bytes(fd, name, bytes, why);
	bool v2 = cgroup->service->tree->version == CGROUP_V2;
	return cgroup_sweep_write(fd, name, v2 ? "max" : "-1") == 0 ? 0 : failed(why, errno, "set %s to no limit", name);
}

/* Memory may never be above memory and swap together: going up that one goes first, going down it goes last. */
static int change_memory_v1(struct cgroup *cgroup, uint64_t max_bytes, uint64_t swap_bytes, struct failure *why)
{
	static const char memory[] = "memory.limit_in_bytes", both[] = "memory.memsw.limit_in_bytes";
	int fd = cgroup->directory_fd[0];
	uint64_t both_bytes = max_bytes == SIZE_NONE || swap_bytes == SIZE_NONE ? SIZE_NONE : max_bytes + swap_bytes;
	uint64_t before_bytes = cgroup_read_or_unknown(fd, memory);
	bool up = before_bytes != SIZE_UNKNOWN && before_bytes < max_bytes;
	if (!has_file(fd, both))
		return change_bytes(cgroup, memory, max_bytes, why);
	if (up && change_bytes(cgroup, both, both_bytes, why) < 0)
		return -1;
	if (change_bytes(cgroup, memory, max_bytes, why) < 0)
		return -1;
	if (up || change_bytes(cgroup, both, both_bytes, why) == 0)
		return 0;
	struct failure ignored; /* the first one tells more */
	(void)change_bytes(cgroup, memory, before_bytes, &ignored);
	return -1;
}

static int change_memory_v2(struct cgroup *cgroup, uint64_t max_bytes, uint64_t swap_bytes, struct failure *why)
{
	uint64_t kept_bytes = cgroup_read_kept(cgroup);
	if (kept_bytes != SIZE_UNKNOWN && kept_bytes > max_bytes)
		return failed(why, EBUSY, "set memory.max to %" PRIu64 ": %" PRIu64 " in use", max_bytes, kept_bytes);
	if (change_bytes(cgroup, "memory.max", max_bytes, why) < 0)
		return -1;
	return has_file(cgroup->directory_fd[0], "memory.swap.max")
		       ? change_bytes(cgroup, "memory.swap.max", swap_bytes, why) : 0;
}

int cgroup_set_memory(struct cgroup *cgroup, uint64_t max_bytes, uint64_t swap_bytes, struct failure *why)
{
	if (!cgroup->made)
		return failed(why, 0, "there is no group");
	return cgroup->service->tree->version == CGROUP_V2 ? change_memory_v2(cgroup, max_bytes, swap_bytes, why)
							   : change_memory_v1(cgroup, max_bytes, swap_bytes, why);
}

static int controller_fd(const struct cgroup *cgroup, const char *controller)
{
	int index = cgroup_hierarchy_of(cgroup->service->tree, controller);
	return index < 0 ? -1 : cgroup->directory_fd[index];
}

static int set_tasks(struct cgroup *cgroup, uint32_t tasks_max, struct failure *why)
{
	int fd = controller_fd(cgroup, "pids");
	if (tasks_max == UINT32_MAX)
		return 0;
	if (fd < 0 || !has_file(fd, "pids.max")) {
		cgroup_remark(cgroup, "limits.tasks: there is no pids controller here: not enforced");
		return 0;
	}
	if (cgroup_write_number(fd, "pids.max", tasks_max) != 0)
		return failed(why, errno, "set pids.max to %" PRIu32, tasks_max);
	return 0;
}

static int set_cpu(struct cgroup *cgroup, uint32_t percent, struct failure *why)
{
	int fd = controller_fd(cgroup, "cpu");
	bool v2 = cgroup->service->tree->version == CGROUP_V2;
	const char *name = v2 ? "cpu.max" : "cpu.cfs_quota_us";
	uint64_t quota_usec = (uint64_t)percent * CPU_PERIOD_USEC / 100;
	char text[64];
	if (percent == UINT32_MAX)
		return 0;
	if (fd < 0 || !has_file(fd, name)) {
		cgroup_remark(cgroup, "limits.cpu: there is no cpu controller here: not enforced");
		return 0;
	}
	if (!v2 && cgroup_write_number(fd, "cpu.cfs_period_us", CPU_PERIOD_USEC) != 0)
		return failed(why, errno, "set cpu.cfs_period_us to %d", CPU_PERIOD_USEC);
	snprintf(text, sizeof(text), v2 ? "%" PRIu64 " %d" : "%" PRIu64, quota_usec, CPU_PERIOD_USEC);
	if (cgroup_sweep_write(fd, name, text) != 0)
		return failed(why, errno, "set %s to %s", name, text);
	return 0;
}

int cgroup_set_limits(struct cgroup *cgroup, const struct cgroup_limits *limits, struct failure *why)
{
	bool v2 = cgroup->service->tree->version == CGROUP_V2;
	if ((v2 ? set_memory_v2(cgroup, limits, why) : set_memory_v1(cgroup, limits, why)) != 0)
		return -1;
	if (set_tasks(cgroup, limits->tasks_max, why) != 0)
		return -1;
	return set_cpu(cgroup, limits->cpu_percent, why);
}
