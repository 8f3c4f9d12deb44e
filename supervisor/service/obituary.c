/* SPDX-License-Identifier: Apache-2.0 */
/* obituary: one end of a worker, put together for the disk and for `status`. */
#include "supervisor/core/death.h"
#include "supervisor/core/verdict.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>

static void fill_heap(struct worker_run *run, struct death *death)
{
	const struct plan *plan = run->service->setup->plan;
	death->old_space_bytes = plan->manages_heap ? plan->numbers[PLAN_OLD_SPACE].value : SIZE_UNKNOWN;
	death->semi_space_bytes = plan->manages_heap ? plan->numbers[PLAN_SEMI_SPACE].value : SIZE_UNKNOWN;
	if (!run->has_records)
		return;
	const struct reporter *principal = records_principal(&run->records);
	if (principal != NULL)
		death->heap = principal->last;
	death->series = run->records.series;
	death->series_count = run->records.series_count;
}

static void fill_stderr(struct worker_run *run, struct death *death, unsigned char *tail)
{
	if (!run->has_output)
		return;
	death->stderr_tail = tail;
	death->stderr_length = output_tail(&run->output, tail);
	death->stderr_cut_bytes = run->output.total_bytes - death->stderr_length;
}

static void fill_captured(struct worker_run *run, struct death *death)
{
	size_t captured = 0, skipped = 0;
	bool reported = run->has_records && run->records.reporter_count > 0;
	if (death->stderr_length > 0)
		death->captured[captured++] = "stderr tail";
	if (death->series_count > 0)
		death->captured[captured++] = "heap series";
	else if (run->service->setup->plan->manages_heap && !run->launch.failed)
		death->skipped[skipped++] = reported	      ? "heap series: no collection was reported" :
					    run->agent_loaded ? "heap series: no process reported" :
								"heap series: the agent was not loaded";
	if (run->has_group && run->kernel_log.fd < 0)
		death->skipped[skipped++] = "kernel log: not readable";
	if (!run->has_group)
		death->skipped[skipped++] = "memory counters: no cgroup of its own";
}

static void join_command(char *const *command, char *text, size_t size)
{
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; command[i] != NULL && length < size; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i == 0 ? "" : " ", command[i]);
}

static void fill(struct worker_run *run, struct death *death, const char *action, unsigned char *tail)
{
	const struct service_setup *setup = run->service->setup;
	*death = (struct death){
		.instance = (int)run->instance,
		.instances = (int)run->service->state.slot_count,
		.pid = run->child.pid,
		.number = run->service->dir.next_death,
		.at_realtime_usec = loop_now_realtime_usec(),
		.uptime_usec = (run->exited ? run->ended_usec : loop_now_usec()) - run->launched_usec,
		.verdict = run->verdict,
		.memory = run->memory,
		.ended_usec = run->exited ? run->ended_usec : loop_now_usec(),
	};
	snprintf(death->service, sizeof(death->service), "%s", setup->name);
	snprintf(death->action, sizeof(death->action), "%s", action);
	snprintf(death->policy_file, sizeof(death->policy_file), "%s", setup->policy_file);
	join_command(setup->command, death->command, sizeof(death->command));
	if (run->has_group)
		cgroup_path(&run->group, death->cgroup, sizeof(death->cgroup));
	fill_heap(run, death);
	fill_stderr(run, death, tail);
	fill_captured(run, death);
	death_advise(death, setup->plan);
}

void obituary_put(struct service *service, const struct death *death)
{
	struct failure why;
	cleanup_free char *json = death_json(death);
	if (json == NULL || state_dir_keep_death(&service->dir, death->number, json, &why) < 0)
		tell_warning(service, "death %llu is not kept: %s", (unsigned long long)death->number,
			     json == NULL ? "out of memory" : why.text);
	service->dir.next_death = death->number + 1;
	free(service->last_death);
	service->last_death = death_summary_json(death);
}

void obituary_keep(struct worker_run *run, const char *action)
{
	struct death death;
	cleanup_free unsigned char *tail = malloc(OUTPUT_RING_BYTES);
	if (tail == NULL)
		return;
	fill(run, &death, action, tail);
	obituary_put(run->service, &death);
	breadcrumbs_forget(run->service);
}
