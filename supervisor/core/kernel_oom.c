/* SPDX-License-Identifier: Apache-2.0 */
/* kernel_oom: two lines of mm/oom_kill.c, as 4.19 to 6.18 write them. The parts with free text (cpuset, task) are
 * skipped by anchoring on the group path that we know, and by reading pid and uid from the end. */
#include "supervisor/core/kernel_oom.h"

#include <stdio.h>
#include <string.h>

/* The text behind "PRIORITY,SEQUENCE,TIME,FLAGS;", without continuation lines; NULL where there is none. */
static const char *message_of(const char *record)
{
	const char *semicolon = strchr(record, ';');
	return semicolon == NULL ? NULL : semicolon + 1;
}

/* "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT". Whoever may write to /dev/kmsg is no kernel: such lines have a facility above the
 * priority's three bits, whatever the writer asks for. */
static bool is_the_kernels(const char *record)
{
	return record[0] >= '0' && record[0] <= '7' && record[1] == ',';
}

static const char *behind(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static void copy_line(char *to, size_t size, const char *message)
{
	snprintf(to, size, "%.*s", (int)strcspn(message, "\n"), message);
}

static const char *find_last(const char *text, const char *part)
{
	const char *last = NULL;
	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
		last = at;
	return last;
}

static int32_t parse_pid(const char *digits)
{
	int64_t pid = 0;
	for (; *digits >= '0' && *digits <= '9' && pid <= INT32_MAX; digits++)
		pid = pid * 10 + (*digits - '0');
	return pid <= INT32_MAX ? (int32_t)pid : 0;
}

/* ",task_memcg=GROUP,task=" or a group below: points at the mark, NULL where the victim is somebody else's. */
static const char *find_task_memcg(const char *text, const char *group)
{
	static const char mark[] = ",task_memcg=";
	size_t length = strlen(group);
	for (const char *at = strstr(text, mark); at != NULL; at = strstr(at + 1, mark)) {
		const char *path = at + sizeof(mark) - 1;
		if (strncmp(path, group, length) == 0 && (path[length] == ',' || path[length] == '/'))
			return at;
	}
	return NULL;
}

/* "oom-kill:constraint=C,nodemask=..,cpuset=..,mems_allowed=..,oom_memcg=PATH,task_memcg=PATH,task=T,pid=P,uid=U", with
 * "global_oom" in place of oom_memcg where the host itself was out of memory. */
static bool feed_constraint(struct kernel_oom *oom, const char *message, const char *group)
{
	static const char memcg_mark[] = ",oom_memcg=";
	const char *text = behind(message, "oom-kill:constraint=");
	const char *task = text == NULL ? NULL : find_task_memcg(text, group);
	const char *pid = task == NULL ? NULL : find_last(task, ",pid=");
	if (pid == NULL)
		return false;
	struct kernel_oom found = { .found = true, .readable = oom->readable, .pid = parse_pid(pid + strlen(",pid=")) };
	const char *memcg = strstr(text, memcg_mark);
	if (memcg != NULL && memcg < task) {
		memcg += sizeof(memcg_mark) - 1;
		snprintf(found.memcg, sizeof(found.memcg), "%.*s", (int)(task - memcg), memcg);
	} else {
		found.host = true;
	}
	copy_line(found.line, sizeof(found.line), message);
	*oom = found;
	return true;
}

/* "Memory cgroup out of memory: Killed process 14618 (eat) total-vm:..." says nothing of the group, but has the sizes. */
static bool feed_killed(struct kernel_oom *oom, const char *message)
{
	const char *rest = behind(message, "Memory cgroup out of memory: Killed process ");
	if (rest == NULL)
		rest = behind(message, "Out of memory: Killed process ");
	if (rest == NULL || !oom->found || parse_pid(rest) != oom->pid)
		return false;
	copy_line(oom->line, sizeof(oom->line), message);
	return true;
}

bool kernel_oom_feed(struct kernel_oom *oom, const char *record, const char *group)
{
	const char *message = message_of(record);
	if (message == NULL || !is_the_kernels(record) || group[0] != '/')
		return false;
	return feed_constraint(oom, message, group) || feed_killed(oom, message);
}
