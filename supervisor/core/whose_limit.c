/* SPDX-License-Identifier: Apache-2.0 */
/* whose_limit: see whose_limit.h. v2 tells by memory.events.local; v1 has no such counter: there the kernel's log
 * decides, and failcnt can only exclude a level. */
#include "supervisor/core/whose_limit.h"

#include <stdio.h>
#include <string.h>

struct levels {
	const struct level_counters *before, *after;
	size_t count;
};

static bool has_victims(const struct evidence *evidence)
{
	const struct memory_counters *before = &evidence->before, *after = &evidence->after;
	return before->known && after->known && before->level_count > 0 && after->level_count > 0 &&
	       after->levels[0].oom_kill > before->levels[0].oom_kill;
}

static void name(struct whose_limit *ret, const struct level_counters *level)
{
	snprintf(ret->path, sizeof(ret->path), "%s", level->path);
	ret->limit_bytes = level->max_bytes;
}

static bool by_kernel_log(const struct evidence *evidence, const struct levels *levels, struct whose_limit *ret)
{
	if (!evidence->kernel.found)
		return false;
	ret->certain = true;
	ret->host = evidence->kernel.host;
	if (ret->host)
		return true;
	snprintf(ret->path, sizeof(ret->path), "%s", evidence->kernel.memcg);
	for (size_t i = 0; i < levels->count; i++)
		if (strcmp(levels->after[i].path, evidence->kernel.memcg) == 0)
			ret->limit_bytes = levels->after[i].max_bytes;
	return true;
}

/* No level that is seen reached its limit, and somebody in the group was killed. */
static void by_host_counter(const struct evidence *evidence, const struct levels *levels, struct whose_limit *ret)
{
	const char *top = levels->after[levels->count - 1].path;
	ret->host = evidence->after.has_vmstat && evidence->after.vmstat_oom_kill > evidence->before.vmstat_oom_kill;
	ret->certain = ret->host && evidence->after.whole;
	if (!ret->host) {
		name(ret, &levels->after[0]);
		snprintf(ret->doubt, sizeof(ret->doubt), "no level that can be read counted an oom");
	} else if (!ret->certain) {
		snprintf(ret->doubt, sizeof(ret->doubt), "no group up to %.60s reached its limit, and those above it are out of "
			 "sight", top);
	}
}

/* An ancestor's limit may have been hit for somebody else since the launch, whose kill is then counted there as well. */
static bool others_were_killed(const struct levels *levels, size_t i)
{
	uint64_t own = levels->after[0].oom_kill - levels->before[0].oom_kill;
	return levels->after[i].oom_kill - levels->before[i].oom_kill > own;
}

static bool by_local_events(const struct evidence *evidence, const struct levels *levels, struct whose_limit *ret)
{
	if (!levels->after[0].has_oom)
		return false;
	ret->certain = true;
	for (size_t i = 0; i < levels->count; i++) {
		if (!levels->after[i].has_oom || levels->after[i].oom <= levels->before[i].oom)
			continue;
		if (i > 0 && by_kernel_log(evidence, levels, ret))
			return true;
		name(ret, &levels->after[i]);
		ret->certain = i == 0 || !others_were_killed(levels, i);
		if (!ret->certain)
			snprintf(ret->doubt, sizeof(ret->doubt), "others below that group were OOM-killed since the launch, too");
		return true;
	}
	if (evidence->after.whole || !by_kernel_log(evidence, levels, ret))
		by_host_counter(evidence, levels, ret);
	return true;
}

/* Some v1 kernels (6.18) never count: a failcnt of 0 at a level that was filled up says so. */
static bool failcnt_counts(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->after[i].has_failcnt && levels->after[i].failcnt > 0)
			return true;
	return false;
}

/* A level whose limit is above that of a group around it: usage stops there first. */
static bool out_of_reach(const struct levels *levels, size_t i)
{
	for (size_t above = i + 1; above < levels->count; above++)
		if (levels->after[above].max_bytes < levels->after[i].max_bytes)
			return true;
	return false;
}

/* The nearest level with a limit that nothing excludes; never certain. The kernel's log says nothing of a kill that follows
 * ten others within five seconds, on the whole host (mm/oom_kill.c, oom_rs). */
static void by_exclusion(const struct evidence *evidence, const struct levels *levels, struct whose_limit *ret)
{
	const char *log = evidence->kernel.readable ? "leaves this kill out" : "was not read";
	bool counts = failcnt_counts(levels);
	size_t candidates = 0;
	for (size_t i = 0; i < levels->count; i++) {
		const struct level_counters *after = &levels->after[i];
		bool excluded = counts ? after->has_failcnt && after->failcnt == levels->before[i].failcnt
				       : after->max_bytes >= SIZE_UNKNOWN || out_of_reach(levels, i);
		if (excluded)
			continue;
		if (candidates++ == 0)
			name(ret, after);
	}
	ret->host = candidates == 0;
	ret->certain = false;
	if (counts)
		snprintf(ret->doubt, sizeof(ret->doubt), "failcnt rose at %zu level(s), which proves nothing; the kernel's "
			 "log %s", candidates, log);
	else
		snprintf(ret->doubt, sizeof(ret->doubt), "no failcnt is counted here, and the kernel's log %s: %zu "
			 "level(s) have a limit in reach", log, candidates);
}

bool whose_limit_find(const struct evidence *evidence, struct whose_limit *ret)
{
	struct levels levels = { evidence->before.levels, evidence->after.levels, evidence->before.level_count };
	*ret = (struct whose_limit){ .limit_bytes = SIZE_UNKNOWN };
	if (!has_victims(evidence))
		return false;
	if (evidence->after.level_count < levels.count)
		levels.count = evidence->after.level_count;
	if (!by_local_events(evidence, &levels, ret) && !by_kernel_log(evidence, &levels, ret))
		by_exclusion(evidence, &levels, ret);
	return true;
}
