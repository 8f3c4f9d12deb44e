/* SPDX-License-Identifier: Apache-2.0 */
/* children: a process of the worker that dies while its main process lives on is no death of the service, but news with a
 * verdict of its own: child.death. What was told so is taken out of the evidence of the death that may come later. */
#include "supervisor/core/names.h"
#include "supervisor/core/verdict.h"
#include "supervisor/edge/process_look.h"
#include "supervisor/service/internal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A wrapper (sh, npm) leaves within this time of its server's end: what died was the server itself then. */
#define GRACE_USEC (5 * USEC_PER_SEC)

void children_suspect(struct worker_run *run)
{
	if (run->child_look_usec == USEC_NEVER)
		run->child_look_usec = loop_now_usec() + GRACE_USEC;
}

static bool ended_near_limit(const struct reporter *reporter)
{
	return reporter->main_isolate && !reporter->launcher && reporter->near_limit && reporter->closed &&
	       !reporter->said_bye && !reporter->told;
}

void children_reporter_ended(struct worker_run *run, const struct reporter *reporter)
{
	if (ended_near_limit(reporter))
		children_suspect(run);
}

/* The facts, but for the wait status: that went to the child's own parent. */
static size_t facts_of(const struct verdict *verdict, const char *facts[static VERDICT_EVIDENCE_MAX])
{
	size_t count = 0;
	for (size_t i = 0; i < verdict->evidence_count; i++)
		if (strncmp(verdict->evidence[i], "wait status:", 12) != 0)
			facts[count++] = verdict->evidence[i];
	return count;
}

static void tell_child(struct worker_run *run, const struct verdict *verdict, int32_t pid, uint64_t count)
{
	struct notice notice = tell_notice(run->service, NOTICE_CHILD_DEATH, run);
	char which[48] = "a child process", more[32] = "";
	const char *facts[VERDICT_EVIDENCE_MAX];
	if (pid > 0)
		snprintf(which, sizeof(which), "child process %d", pid);
	if (count > 1)
		snprintf(more, sizeof(more), " and %llu more", (unsigned long long)(count - 1));
	snprintf(notice.message, sizeof(notice.message), "%s%s: %s%s; the server lives on", which, more, verdict->text,
		 verdict->certain ? "" : " (not certain)");
	tell_add_text(&notice, "verdict", verdict_name(verdict->kind));
	tell_add_truth(&notice, "certain", verdict->certain);
	tell_add_number(&notice, "child_pid", pid);
	tell_add_number(&notice, "count", (int64_t)count);
	tell_add_lines(&notice, "evidence", facts, facts_of(verdict, facts));
	tell(run->service, &notice);
	run->child_deaths += count;
}

/* As if the victim had been the main process: the same questions, the same certainty. */
static void look_for_oom_kill(struct worker_run *run)
{
	struct evidence evidence = {
		.exited = true,
		.wait_code = CLD_KILLED,
		.wait_status = SIGKILL,
		.before = run->before,
		.ended_usec = loop_now_usec(),
	};
	struct verdict verdict;
	char path[256];
	if (!run->has_group)
		return;
	cgroup_read_counters(&run->group, &evidence.after);
	if (evidence.after.levels[0].oom_kill <= run->before.levels[0].oom_kill)
		return;
	cgroup_path(&run->group, path, sizeof(path));
	kernel_log_read(&run->kernel_log, path, &run->kernel);
	evidence.kernel = run->kernel;
	verdict_judge(&evidence, &verdict);
	tell_child(run, &verdict, run->kernel.found ? run->kernel.pid : 0,
		   evidence.after.levels[0].oom_kill - run->before.levels[0].oom_kill);
	run->before = evidence.after;
	run->kernel = (struct kernel_oom){ .readable = run->kernel.readable };
}

/* Its wait status went to its own parent: where the kernel does not tell it to others, record and fatal line have to do. */
static void look_at_reporter(struct worker_run *run, struct reporter *reporter)
{
	struct evidence evidence = {
		.exited = true,
		.wait_code = reporter->end_known ? reporter->end_code : CLD_EXITED,
		.wait_status = reporter->end_known ? reporter->end_status : 128 + SIGABRT,
		.fatal = run->fatal.found,
		.reporters = reporter,
		.reporter_count = 1,
		.records_lost = run->records.lost,
		.ended_usec = reporter->closed_usec,
	};
	struct verdict verdict;
	if (run->has_group)
		cgroup_read_memory(&run->group, &run->memory);
	evidence.memory = run->memory;
	verdict_judge(&evidence, &verdict);
	if (verdict.kind == VERDICT_HEAP_LIMIT)
		tell_child(run, &verdict, reporter->pid, 1);
	reporter->told = true;
}

static void look_for_heap_limits(struct worker_run *run)
{
	bool found = false;
	if (run->has_records)
		records_drain(&run->records);
	for (size_t i = 0; run->has_records && i < run->records.reporter_count; i++) {
		struct reporter *reporter = &run->records.reporters[i];
		if (!ended_near_limit(reporter) || reporter->pid == run->child.pid)
			continue;
		look_at_reporter(run, reporter);
		found = true;
	}
	if (found)
		fatal_scanner_init(&run->fatal);
}

static bool is_dying(int32_t pid)
{
	struct process_look look = process_look(pid);
	return look.ending && !look.gone; /* a zombie is its parent's affair */
}

/* A victim with much memory, on a machine that is short of it, can take longer to die than a wrapper to leave. */
static bool somebody_is_dying(const struct worker_run *run)
{
	return process_look(run->child.pid).gone || is_dying(run->child.pid) || cgroup_any(&run->group, is_dying);
}

void children_look(struct worker_run *run)
{
	run->child_look_usec = USEC_NEVER;
	if (run->killing || run->exited || run->child.pid <= 0)
		return;
	if (somebody_is_dying(run)) {
		children_suspect(run);
		return;
	}
	look_for_oom_kill(run);
	look_for_heap_limits(run);
}
