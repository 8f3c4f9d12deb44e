/* SPDX-License-Identifier: Apache-2.0 */
/* breadcrumbs: where the kernel may kill heapward together with its worker (memory.oom.group of a container), the last
 * look at the memory is kept on disk while it runs short. The next supervisor makes a death of it. No timer: heap
 * records are the occasion, and a heap that does not move needs no look. */
#include "supervisor/core/breadcrumb.h"
#include "supervisor/core/death.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>

/* A leak fills the last fifth of a limit in less than a second: a look costs little, a write is a file made anew. */
#define LOOK_USEC (100 * USEC_PER_MSEC)
#define WRITE_USEC USEC_PER_SEC

/* The worker's own group first, then all above. */
static size_t look(struct worker_run *run, struct host_level levels[static HOST_LEVELS_MAX + 1])
{
	struct host *host = run->service->setup->host;
	size_t count = 0;
	cgroup_tree_describe(&run->service->tree, host);
	if (run->has_group)
		cgroup_describe(&run->group, &levels[count++]);
	memcpy(&levels[count], host->levels, host->level_count * sizeof(levels[0]));
	return count + host->level_count;
}

static void write_crumb(struct worker_run *run, struct breadcrumb *crumb)
{
	struct service *service = run->service;
	const struct reporter *principal = records_principal(&run->records);
	struct failure ignored; /* a disk that cannot be written says so at every event */
	crumb->at_realtime_usec = loop_now_realtime_usec();
	crumb->started_realtime_usec = crumb->at_realtime_usec - (loop_now_usec() - run->launched_usec);
	crumb->pid = run->child.pid;
	crumb->heap_used_bytes = principal == NULL ? SIZE_UNKNOWN : principal->last.used_bytes;
	crumb->heap_limit_bytes = principal == NULL ? SIZE_UNKNOWN : principal->last.limit_bytes;
	cleanup_free char *json = breadcrumb_json(crumb);
	if (json != NULL && state_dir_write_breadcrumb(&service->dir, json, &ignored) == 0)
		service->crumb_kept = true;
}

void breadcrumbs_note(struct worker_run *run)
{
	struct host_level levels[HOST_LEVELS_MAX + 1];
	struct breadcrumb crumb = { 0 };
	int64_t now_usec = loop_now_usec();
	if (run->killing || run->exited || now_usec < run->crumb_usec)
		return;
	run->crumb_usec = now_usec + LOOK_USEC;
	if (!breadcrumb_needed(levels, look(run, levels), &crumb)) {
		breadcrumbs_forget(run->service);
		return;
	}
	write_crumb(run, &crumb);
	run->crumb_usec = now_usec + WRITE_USEC;
}

void breadcrumbs_say_where(struct service *service)
{
	const struct service_setup *setup = service->setup;
	if (setup->host->pid1 && setup->plan->numbers[PLAN_ANCESTOR_LIMIT].value != SIZE_NONE &&
	    state_dir_goes_with_root(&service->dir))
		tell_warning(service, "the kernel may kill this container whole: for the next start to tell of it, mount a volume "
			     "at %s, which now goes with the container", service->dir.state_path);
}

void breadcrumbs_forget(struct service *service)
{
	if (service->crumb_kept)
		state_dir_forget_breadcrumb(&service->dir);
	service->crumb_kept = false;
}

static void fill(const struct service *service, const struct breadcrumb *crumb, struct death *death)
{
	*death = (struct death){
		.instances = 1, /* which of them it was is not known */
		.pid = crumb->pid,
		.number = service->dir.next_death,
		.at_realtime_usec = crumb->at_realtime_usec,
		.uptime_usec = crumb->at_realtime_usec - crumb->started_realtime_usec,
		.old_space_bytes = SIZE_UNKNOWN,
		.semi_space_bytes = SIZE_UNKNOWN,
		.memory = { crumb->current_bytes, SIZE_UNKNOWN, crumb->limit_bytes, SIZE_UNKNOWN, 0 },
		.action = "this supervisor was started after it",
		.skipped = { "all but the breadcrumb: nobody lived to keep it" },
	};
	breadcrumb_judge(crumb, loop_now_realtime_usec(), &death->verdict);
	memcpy(death->service, service->setup->name, strlen(service->setup->name) + 1);
	memcpy(death->cgroup, crumb->group, sizeof(death->cgroup));
	death_advise(death, service->setup->plan);
}

void breadcrumbs_read(struct service *service)
{
	cleanup_free char *text = state_dir_read_breadcrumb(&service->dir);
	struct breadcrumb crumb;
	struct death death;
	service->crumb_kept = text != NULL;
	if (text != NULL && breadcrumb_parse(text, &crumb) == 0) {
		fill(service, &crumb, &death);
		obituary_put(service, &death);
		struct notice notice = tell_notice(service, NOTICE_DEATH, NULL);
		snprintf(notice.message, sizeof(notice.message), "found from the run before: %s (not certain)",
			 death.verdict.text);
		tell_add_text(&notice, "verdict", "oom-kill");
		tell_add_truth(&notice, "certain", false);
		tell(service, &notice);
	}
	breadcrumbs_forget(service);
}
