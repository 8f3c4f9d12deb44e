/* SPDX-License-Identifier: Apache-2.0 */
/* warning: a worker that serves is watched from when it is ready: its heaps by their records, its memory by the
 * kernel's word and, while records come, by a look now and then. No timer runs for it but for the second look of two.
 * What core/early makes of it is told as heap.warn, and decide() hears that the worker is near its limit. */
#include "supervisor/core/early.h"
#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define LEAK_KNOWN_USEC (24 * 3600 * USEC_PER_SEC) /* since the last worker that was near its heap limit */

static bool serves(const struct worker_run *run)
{
	const struct worker *worker = service_state_worker(&run->service->state, run->id);
	return worker != NULL && worker->state == WORKER_READY;
}

void warning_of_leak(struct service *service)
{
	service->leak_seen_usec = loop_now_usec();
}

void warning_forget(struct service *service)
{
	service->leak_seen_usec = 0;
}

/* Young space is what it was launched with, whatever was set since. Where there can be no second worker a replacement
 * costs its clients more than collections do, and is not to come more often. */
static void find_limits(const struct worker_run *run, struct early_limits *ret)
{
	const struct service *service = run->service;
	*ret = run->limits;
	if (run->young_bytes < SIZE_UNKNOWN)
		ret->semi_space_bytes = run->young_bytes / 3;
	bool known = service->leak_seen_usec > 0 && loop_now_usec() - service->leak_seen_usec < LEAK_KNOWN_USEC;
	ret->leaks = known && run->replaces;
}

void warning_launch(struct worker_run *run)
{
	const struct service_setup *setup = run->service->setup;
	plan_early_limits(setup->plan, setup->policy, &run->limits);
	run->manages_heap = setup->plan->manages_heap;
	run->replaces = plan_replaces(setup->policy);
	run->usage_high_bytes = setup->plan->numbers[PLAN_MEMORY_HIGH].value;
}

void warning_set(struct worker_run *run)
{
	const struct plan_number *numbers = run->service->setup->plan->numbers;
	run->limits.replace_at_bytes = numbers[PLAN_REPLACE_AT].value;
	run->limits.memory_limit_bytes = numbers[PLAN_MEMORY_LIMIT].value;
}

/* What a worker took from its exec until it was ready is what the spare will take. */
static void learn_start(struct worker_run *run)
{
	struct service *service = run->service;
	const struct worker *worker = service_state_worker(&service->state, run->id);
	struct state_figures *figures = &service->figures;
	if (plan_ready(service->setup->policy).kind == READY_STARTED)
		return;
	figures->start_usec = service->setup->host->start_usec =
		early_learn_start(figures->start_usec, worker->ready_usec - worker->launched_usec);
	plan_learn_start(service->setup->plan, service->setup->policy, figures->start_usec);
	run->limits.lead_usec = plan_lead_usec(service->setup->plan);
}

/* V8 tells only the sum of old and young space; a worker's own flags may differ from the plan. */
static uint64_t old_space_in_effect(const struct worker_run *run, const struct reporter *reporter)
{
	uint64_t limit_bytes = reporter->heap_size_limit_bytes, young_bytes = run->young_bytes;
	if (reporter->asked_old_space_bytes > 0 && reporter->limit_state != HEAPWARD_LIMIT_REFUSED)
		return reporter->asked_old_space_bytes; /* V8 takes it before it calls its limit near */
	if (limit_bytes == SIZE_UNKNOWN || young_bytes >= SIZE_UNKNOWN || young_bytes >= limit_bytes)
		return limit_bytes;
	return limit_bytes - young_bytes;
}

static void add_numbers(struct notice *notice, const struct early_warning *warning)
{
	tell_add_text(notice, "trigger", early_trigger_name(warning->trigger));
	tell_add_size(notice, "used_bytes", warning->used_bytes);
	tell_add_size(notice, "live_bytes", warning->live_bytes);
	tell_add_size(notice, "old_space_bytes", warning->old_space_bytes);
	tell_add_time(notice, "seconds_to_limit", warning->usec_to_limit);
	tell_add_size(notice, "growth_bytes_per_minute", warning->growth_bytes);
	tell_add_size(notice, "gc_percent", warning->gc_percent == PERCENT_NONE ? SIZE_UNKNOWN : warning->gc_percent);
	tell_add_size(notice, "memory_bytes", warning->memory_bytes);
	tell_add_size(notice, "memory_limit_bytes", warning->memory_limit_bytes);
}

static void tell_warned(struct worker_run *run, const struct early_warning *warning, int32_t pid)
{
	struct notice notice = tell_notice(run->service, NOTICE_HEAP_WARN, run);
	notice.pid = pid;
	snprintf(notice.message, sizeof(notice.message), "%s", warning->text);
	add_numbers(&notice, warning);
	tell(run->service, &notice);
}

/* A heap that is forecast to be full has V8's own callback, and its headroom, still before it; memory has the kernel. */
static void warn(struct worker_run *run, const struct early_warning *warning, int32_t pid)
{
	if (tell_may(run))
		tell_warned(run, warning, pid);
	if (warning->trigger != EARLY_MEMORY)
		warning_of_leak(run->service);
	memcpy(run->warning, warning->text, sizeof(run->warning));
	service_push(run->service, (struct event){ .about_worker = true,
						   .worker_event = WORKER_EVENT_NEAR_LIMIT,
						   .worker = run->id,
						   .text = run->warning,
						   .can_wait = warning->trigger != EARLY_MEMORY });
}

/* Usage has come to where it was to be told. */
static void usage_came(struct source *source, uint32_t events UNUSED)
{
	struct worker_run *run = source->owner;
	warning_end(run);
	early_memory_told(&run->early_memory, loop_now_usec());
	warning_look(run);
}

/* Where usage is above already, for file cache is counted there too, the next records are the occasion to look. */
static void watch_usage(struct worker_run *run, uint64_t at_bytes)
{
	struct failure ignored;
	uint32_t events;
	if (run->usage.fd >= 0)
		return;
	run->usage.ready = usage_came;
	run->usage.owner = run;
	run->usage.fd = cgroup_watch_usage(&run->group, at_bytes, &events, &ignored);
	if (run->usage.fd >= 0 && loop_add(&run->service->loop, &run->usage, events, &ignored) < 0)
		warning_end(run);
}

void warning_look(struct worker_run *run)
{
	struct early_limits limits;
	struct early_warning warning;
	int64_t now_usec = loop_now_usec();
	run->memory_look_usec = now_usec;
	if (!run->has_group || !serves(run))
		return;
	find_limits(run, &limits);
	bool watched = limits.replace_at_bytes < SIZE_UNKNOWN;
	uint64_t bytes = watched ? cgroup_read_kept(&run->group) : SIZE_UNKNOWN;
	if (early_memory_look(&run->early_memory, &limits, bytes, now_usec, &warning))
		warn(run, &warning, run->child.pid);
	if (watched && early_memory_wants_word(&run->early_memory, now_usec))
		watch_usage(run, limits.replace_at_bytes);
}

void warning_occasion(struct worker_run *run)
{
	if (loop_now_usec() - run->memory_look_usec >= EARLY_LOOK_USEC)
		warning_look(run);
}

int64_t warning_deadline(const struct worker_run *run)
{
	return serves(run) ? early_memory_deadline(&run->early_memory) : USEC_NEVER;
}

/* Without a readiness of its own the worker is "ready" at its exec, and its boot would be a trend. */
void warning_begin(struct worker_run *run)
{
	const struct policy *policy = run->service->setup->policy;
	int64_t from_usec = loop_now_usec();
	if (!serves(run) || run->watched)
		return;
	run->watched = true;
	learn_start(run);
	if (plan_ready(policy).kind == READY_STARTED)
		from_usec += policy->restart.healthy_after_usec;
	for (size_t i = 0; i < ARRAY_LEN(run->early); i++)
		early_heap_begin(&run->early[i], from_usec);
	early_memory_begin(&run->early_memory);
	warning_look(run);
}

void warning_end(struct worker_run *run)
{
	loop_remove(&run->service->loop, &run->usage);
	cgroup_unwatch_usage(&run->group, &run->usage.fd, run->usage_high_bytes);
}

void warning_said_hello(struct worker_run *run, const struct reporter *reporter)
{
	struct early_heap *heap = &run->early[reporter - run->records.reporters];
	int64_t now_usec = loop_now_usec();
	early_heap_begin(heap, heap->since_usec > now_usec ? heap->since_usec : now_usec);
}

void warning_sampled(struct worker_run *run, const struct reporter *reporter)
{
	struct early_heap *heap = &run->early[reporter - run->records.reporters];
	struct early_limits limits;
	struct early_warning warning;
	if (!serves(run))
		return;
	find_limits(run, &limits);
	if (run->manages_heap && reporter->main_isolate && !reporter->launcher &&
	    early_heap_look(heap, &limits, old_space_in_effect(run, reporter), &reporter->last, &warning))
		warn(run, &warning, reporter->pid);
	warning_occasion(run);
}

int64_t warning_usec_to_limit(const struct worker_run *run, const struct reporter *reporter)
{
	if (!serves(run) || !run->manages_heap)
		return USEC_NEVER;
	return early_usec_to_limit(&run->early[reporter - run->records.reporters], old_space_in_effect(run, reporter),
				   loop_now_usec());
}
