/* SPDX-License-Identifier: Apache-2.0 */
/* ending: from SIGKILL to the verdict. The group is killed again and looked at again until it is empty; only then are
 * counters read, the group removed and the death judged. */
#include "supervisor/core/verdict.h"
#include "supervisor/service/internal.h"
#include "supervisor/edge/session.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

bool ending_reap(struct worker_run *run)
{
	siginfo_t info = { 0 };
	if (run->exited || run->child.pid <= 0)
		return run->exited;
	if (waitid(P_PIDFD, (id_t)run->child.pid_fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return false;
	run->exited = true;
	run->ended_usec = loop_now_usec();
	run->wait_code = info.si_code;
	run->wait_status = info.si_status;
	return true;
}

void ending_signal(struct worker_run *run, int signal)
{
	if (run->child.pid > 0 && !run->exited)
		syscall(SYS_pidfd_send_signal, run->child.pid_fd, signal, NULL, 0);
}

static bool others_live(const struct worker_run *run)
{
	if (run->has_group)
		return !cgroup_is_empty(&run->group);
	return run->child.pid > 0 && session_signal(&run->child.pid, 1, SIGKILL) > 0;
}

void ending_kill(struct worker_run *run)
{
	if (!ending_reap(run) && run->child.pid > 0)
		run->we_killed = true;
	if (run->killed_usec == 0)
		run->killed_usec = loop_now_usec();
	run->killing = true;
	run->waiting_for_memory = false;
	if (run->has_group)
		cgroup_kill(&run->group);
	ending_signal(run, SIGKILL);
	ending_look(run);
}

static void gather(struct worker_run *run, struct evidence *evidence)
{
	const struct worker *worker = service_state_worker(&run->service->state, run->id);
	*evidence = (struct evidence){
		.launch = run->launch,
		.exited = run->exited,
		.wait_code = run->wait_code,
		.wait_status = run->wait_status,
		.asked = worker == NULL ? ASKED_NOTHING : worker->asked,
		.not_ready = worker != NULL && worker->not_ready,
		.was_stuck = worker != NULL && worker->stuck,
		.stuck = run->stuck,
		.left_draining = worker != NULL && worker->left_draining,
		.we_killed = run->we_killed,
		.agent_expected = run->agent_loaded,
		.denied = run->denied,
		.filter_kills = run->unheard && run->violation == VIOLATION_KILL,
		.main_pid = run->child.pid,
		.killed_usec = run->killed_usec,
		.before = run->before,
		.launched_usec = run->launched_usec,
		.ended_usec = run->exited ? run->ended_usec : loop_now_usec(),
	};
	if (evidence->not_ready)
		ready_missing(run, evidence->missing, sizeof(evidence->missing));
	if (run->has_output) {
		output_drain(&run->output);
		fatal_scanner_finish(&run->fatal, evidence->ended_usec);
		evidence->fatal = run->fatal.found;
	}
	if (run->has_records) {
		records_drain(&run->records);
		evidence->reporters = run->records.reporters;
		evidence->reporter_count = run->records.reporter_count;
		evidence->records_lost = run->records.lost;
	}
	if (run->has_group) {
		cgroup_read_counters(&run->group, &evidence->after);
		cgroup_read_memory(&run->group, &run->memory);
		char path[256];
		cgroup_path(&run->group, path, sizeof(path));
		kernel_log_read(&run->kernel_log, path, &run->kernel);
		evidence->kernel = run->kernel;
	}
	evidence->memory = run->memory;
}

static void remember_figures(struct worker_run *run)
{
	struct state_figures *figures = &run->service->figures;
	struct failure ignored; /* the next start then plans without this run */
	uint64_t peak = run->memory.peak_bytes;
	if (run->launch.failed)
		return;
	if (peak != SIZE_UNKNOWN)
		figures->peak_runs++;
	if (peak != SIZE_UNKNOWN && (figures->peak_bytes == SIZE_UNKNOWN || figures->peak_bytes < peak))
		figures->peak_bytes = peak;
	/* What a leak had at its end is not what the service needs. */
	const struct worker *worker = service_state_worker(&run->service->state, run->id);
	bool near_limit = worker != NULL && worker->asked == ASKED_REPLACE;
	bool in_order = run->verdict.kind == VERDICT_STOPPED || run->verdict.kind == VERDICT_EXIT ||
			(run->verdict.kind == VERDICT_REPLACED && !near_limit);
	/* A record can name any size; the kernel counted what was really there. */
	uint64_t buffers = run->has_records && peak != SIZE_UNKNOWN ? run->records.external_peak_bytes : 0;
	buffers = buffers < peak ? buffers : peak;
	if (in_order && figures->buffers_bytes < buffers)
		figures->buffers_bytes = buffers;
	(void)state_dir_write_figures(&run->service->dir, figures, &ignored);
}

void ending_look(struct worker_run *run)
{
	struct evidence evidence;
	struct failure why;
	if (!run->killing)
		return;
	if ((run->child.pid > 0 && !ending_reap(run)) || others_live(run)) {
		if (run->has_group)
			cgroup_kill(&run->group);
		run->poll_usec = loop_now_usec() + GROUP_POLL_USEC;
		return;
	}
	gather(run, &evidence);
	if (run->has_group && cgroup_remove(&run->group, &why) < 0) {
		run->poll_usec = loop_now_usec() + GROUP_POLL_USEC;
		return;
	}
	run->killing = false;
	run->poll_usec = USEC_NEVER;
	verdict_judge(&evidence, &run->verdict);
	remember_figures(run);
	service_push_worker(run->service, WORKER_EVENT_GONE, run);
}
