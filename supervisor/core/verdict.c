/* SPDX-License-Identifier: Apache-2.0 */
/* verdict: an ordered list of questions; the first one that the evidence answers names the verdict. */
#include "supervisor/core/verdict.h"

#include "base/failure.h"
#include "base/units.h"
#include "supervisor/core/names.h"
#include "supervisor/core/watchdog.h"
#include "supervisor/core/whose_limit.h"
#include "supervisor/core/witness.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(struct verdict *verdict, const char *format, ...) PRINTF_LIKE(2, 3);

static void add(struct verdict *verdict, const char *format, ...)
{
	va_list args;
	if (verdict->evidence_count == VERDICT_EVIDENCE_MAX)
		return;
	va_start(args, format);
	vsnprintf(verdict->evidence[verdict->evidence_count++], sizeof(verdict->evidence[0]), format, args);
	va_end(args);
}

static void set(struct verdict *verdict, enum verdict_kind kind, bool certain, const char *format, ...)
	PRINTF_LIKE(4, 5);

static void set(struct verdict *verdict, enum verdict_kind kind, bool certain, const char *format, ...)
{
	va_list args;
	verdict->kind = kind;
	verdict->certain = certain;
	va_start(args, format);
	vsnprintf(verdict->text, sizeof(verdict->text), format, args);
	va_end(args);
}

static void add_wait_status(const struct evidence *evidence, struct verdict *verdict)
{
	if (!evidence->exited)
		add(verdict, "wait status: none, the main process was never started");
	else if (evidence->wait_code == CLD_EXITED)
		add(verdict, "wait status: exit %d", evidence->wait_status);
	else
		add(verdict, "wait status: %s%s", signal_name(evidence->wait_status),
		    evidence->wait_code == CLD_DUMPED ? ", core dumped" : "");
}

static void add_heap(const struct evidence *evidence, struct verdict *verdict)
{
	char used[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX], before[UNITS_TEXT_MAX];
	const struct reporter *ended = witness_of_limit(evidence);
	const struct reporter *reporter = ended != NULL ? ended : witness_near_limit(evidence);
	if (reporter != NULL)
		add(verdict, "heap record: near the limit %s before the end, used %s of %s (pid %d)%s",
		    units_format_time(before, evidence->ended_usec - reporter->near_limit_usec),
		    units_format_size(used, reporter->last.used_bytes),
		    units_format_size(limit, reporter->last.limit_bytes), reporter->pid,
		    ended != NULL ? "" : ", but it did not end there");
	else if (witness_any(evidence) && evidence->records_lost)
		add(verdict, "heap records: none of a near limit, but some were lost or not believed");
	else if (witness_any(evidence))
		add(verdict, "heap records: V8 did not come near its limit");
	else if (witness_blind(evidence) != NULL)
		add(verdict, "heap records: they cannot show a limit that comes near; last used %s of %s",
		    units_format_size(used, witness_blind(evidence)->last.used_bytes),
		    units_format_size(limit, witness_blind(evidence)->last.limit_bytes));
	else if (evidence->agent_expected)
		add(verdict, "heap records: no process reported");
}

static void add_counters(const struct evidence *evidence, struct verdict *verdict)
{
	const struct memory_counters *after = &evidence->after, *before = &evidence->before;
	if (!after->known || !before->known || after->level_count == 0 || before->level_count == 0)
		return;
	add(verdict, "cgroup: oom_kill +%llu in the worker's own group",
	    (unsigned long long)(after->levels[0].oom_kill - before->levels[0].oom_kill));
}

/* What kept an event loop from turning, as far as could be seen from outside. */
static void add_stuck(const struct stuck *stuck, struct verdict *verdict)
{
	char words[160], text[UNITS_TEXT_MAX], tracer[40] = "";
	if (!stuck->seen)
		return;
	watchdog_text(stuck, words, sizeof(words));
	add(verdict, "watchdog: %s", words);
	if (stuck->tracer_pid != 0)
		snprintf(tracer, sizeof(tracer), "; pid %d traces it", stuck->tracer_pid);
	add(verdict, "then: %s%s", watchdog_state_text(stuck->state), tracer);
	if (stuck->collected_usec > 0)
		add(verdict, "heap records: in collections for %s of that time", units_format_time(text, stuck->collected_usec));
	if (stuck->slept_usec > USEC_PER_SEC)
		add(verdict, "the machine slept for %s meanwhile, which does not count",
		    units_format_time(text, stuck->slept_usec));
}

static void add_facts(const struct evidence *evidence, struct verdict *verdict)
{
	if (evidence->launch.failed) {
		add(verdict, "launch: the step \"%s\" failed with errno %d", evidence->launch.step, evidence->launch.error);
		return;
	}
	add_wait_status(evidence, verdict);
	if (evidence->fatal.kind != FATAL_NONE)
		add(verdict, "stderr: %s", evidence->fatal.text);
	add_stuck(&evidence->stuck, verdict);
	add_heap(evidence, verdict);
	add_counters(evidence, verdict);
	if (evidence->kernel.found)
		add(verdict, "kernel log: %.230s", evidence->kernel.line);
}

static bool judge_exec(const struct evidence *evidence, struct verdict *verdict)
{
	const struct launch_failure *launch = &evidence->launch;
	struct failure why;
	if (!launch->failed)
		return false;
	verdict->number = launch->error;
	snprintf(verdict->subject, sizeof(verdict->subject), "%s", launch->step);
	failed(&why, launch->error, "%s: %.150s", launch->step, launch->text);
	set(verdict, VERDICT_EXEC, true, "%.255s", why.text);
	return true;
}

/* What drains has been sent no signal yet: if it does not leave in order, it has died of something else. */
static bool left_otherwise(const struct evidence *evidence)
{
	bool said_zero = evidence->exited && evidence->wait_code == CLD_EXITED && evidence->wait_status == 0;
	bool heap_limit = evidence->fatal.kind == FATAL_HEAP_LIMIT && witness_of_limit(evidence) != NULL;
	return evidence->left_draining && (!said_zero || heap_limit);
}

/* If its event loop turned again before its end, it has been replaced in order. */
static void judge_stuck(const struct evidence *evidence, const char *how, struct verdict *verdict)
{
	char silent[UNITS_TEXT_MAX];
	if (evidence->was_stuck)
		set(verdict, VERDICT_WATCHDOG, !evidence->records_lost,
		    "its event loop was stuck for more than %s (watchdog.event_loop)%s",
		    units_format_time(silent, evidence->stuck.allowed_usec), how);
	if (evidence->was_stuck && evidence->records_lost)
		add(verdict, "not certain: records were lost or not believed, heartbeats may be among them");
	if (!evidence->was_stuck)
		set(verdict, VERDICT_REPLACED, true, "replaced because its event loop had been stuck%s", how);
}

/* What was asked for stays what it is; but whoever tunes a limit wants to hear that it was hit on the way out. */
static const char *how_it_left(const struct evidence *evidence)
{
	struct whose_limit whose;
	if (evidence->we_killed)
		return ", killed after stop.timeout";
	if (witness_main_ended_by(evidence, SIGKILL) && whose_limit_find(evidence, &whose))
		return whose.certain ? ", but OOM-killed before it had left" :
				       ", but killed before it had left, as far as can be seen by the kernel";
	if (evidence->fatal.kind == FATAL_HEAP_LIMIT && witness_of_limit(evidence) != NULL)
		return ", but V8 reached its heap limit before it had left";
	return "";
}

static bool judge_asked(const struct evidence *evidence, struct verdict *verdict)
{
	const char *how = how_it_left(evidence);
	if (evidence->asked == ASKED_NOTHING || left_otherwise(evidence))
		return false;
	if (evidence->asked == ASKED_STOP)
		set(verdict, VERDICT_STOPPED, true, "stopped on request%s", how);
	else if (evidence->asked == ASKED_WATCHDOG)
		judge_stuck(evidence, how, verdict);
	else
		set(verdict, VERDICT_REPLACED, true, "replaced %s%s",
		    evidence->asked == ASKED_RESTART ? "on request" : "before it reached a limit", how);
	return true;
}

static bool judge_not_ready(const struct evidence *evidence, struct verdict *verdict)
{
	if (!evidence->not_ready)
		return false;
	set(verdict, VERDICT_NOT_READY, true, "not ready within ready.within: %s%s",
	    evidence->missing[0] == '\0' ? "ended" : evidence->missing,
	    evidence->we_killed ? "; killed after stop.timeout" : "");
	return true;
}

/* A kill by the kernel takes main process or members; counters tell of it, the wait status alone never does. */
static bool judge_oom_kill(const struct evidence *evidence, struct verdict *verdict)
{
	struct whose_limit whose;
	char size[UNITS_TEXT_MAX];
	bool main_killed = witness_main_ended_by(evidence, SIGKILL) && !evidence->we_killed;
	if (!whose_limit_find(evidence, &whose) || witness_main_ended_by(evidence, SIGABRT))
		return false;
	bool behind_wrapper = evidence->exited && evidence->wait_code == CLD_EXITED && evidence->wait_status != 0;
	if (!main_killed && !behind_wrapper)
		return false;
	bool certain = whose.certain && (main_killed || witness_of_kill(evidence));
	snprintf(verdict->subject, sizeof(verdict->subject), "%s", whose.path);
	verdict->limit_bytes = whose.limit_bytes;
	bool own = evidence->after.level_count > 0 && strcmp(whose.path, evidence->after.levels[0].path) == 0;
	if (whose.host)
		set(verdict, VERDICT_OOM_KILL_HOST, certain, "OOM-killed: the host%s ran out of memory",
		    whose.certain ? "" : ", or a group out of sight,");
	else if (own)
		set(verdict, VERDICT_OOM_KILL, certain, "OOM-killed: the worker's own group reached memory.max %s",
		    units_format_size(size, whose.limit_bytes));
	else
		set(verdict, VERDICT_OOM_KILL, certain, "OOM-killed: group %.150s reached its limit of %s", whose.path,
		    units_format_size(size, whose.limit_bytes));
	if (whose.doubt[0] != '\0')
		add(verdict, "whose limit: %s", whose.doubt);
	return true;
}

/* The supervisor itself has seen the call, and has killed for it. */
static bool judge_denied(const struct evidence *evidence, struct verdict *verdict)
{
	const struct denied_call *denied = &evidence->denied;
	const char *comm = denied->comm[0] == '\0' ? "a process" : denied->comm;
	if (!denied->killed)
		return false;
	snprintf(verdict->subject, sizeof(verdict->subject), "%s", denied->call);
	set(verdict, VERDICT_SECCOMP, true, "seccomp: %s by %s, pid %d, which its list of system calls does not allow",
	    denied->shown, comm, denied->pid);
	add(verdict, "notification: %s called %s (pid %d); sandbox.violation: kill", comm, denied->shown, denied->pid);
	return true;
}

static bool judge_seccomp(const struct evidence *evidence, struct verdict *verdict)
{
	if (!witness_main_ended_by(evidence, SIGSYS))
		return false;
	set(verdict, VERDICT_SECCOMP, false, "seccomp violation: a denied system call ended the worker (SIGSYS)");
	if (evidence->filter_kills)
		add(verdict, "not certain: nobody can listen here, so the call is not known; and anybody can send SIGSYS");
	else
		add(verdict, "not certain: heapward's own filter answers with an errno, and anybody can send SIGSYS");
	return true;
}

static const char *heap_limit_text(const struct evidence *evidence, char *text, size_t size)
{
	char limit[UNITS_TEXT_MAX], granted[UNITS_TEXT_MAX];
	const struct reporter *reporter = witness_of_limit(evidence);
	if (reporter == NULL) {
		snprintf(text, size, "fatal heap-limit error: V8 reached its heap limit");
		return text;
	}
	bool planned = reporter->old_space_bytes != SIZE_UNKNOWN && reporter->old_space_bytes > 0;
	snprintf(text, size, "fatal heap-limit error: %s of %s reached%s%s", planned ? "old space" : "V8's heap limit",
		 units_format_size(limit, witness_limit(reporter)),
		 planned && reporter->granted_bytes > 0 ? ", and the headroom granted there: " : "",
		 planned && reporter->granted_bytes > 0 ? units_format_size(granted, reporter->granted_bytes) : "");
	return text;
}

/* A worker's main thread that does not report, or one of its worker threads: there only the fatal line tells. */
static bool judge_heap_limit_by_line(const struct evidence *evidence, struct verdict *verdict)
{
	char text[256];
	const struct reporter *thread = witness_in_a_thread(evidence);
	if (evidence->fatal.kind != FATAL_HEAP_LIMIT)
		return false;
	if (thread != NULL) {
		verdict->limit_bytes = thread->last.limit_bytes;
		set(verdict, VERDICT_HEAP_LIMIT, false, "fatal heap-limit error: in a worker thread, as far as can be seen");
		add(verdict, "not certain: V8 tells of a worker thread's limit only by its line on stderr");
		return true;
	}
	if (witness_would_have_told(evidence) ||
	    (!witness_main_ended_by(evidence, SIGABRT) && evidence->wait_status != SHELL_SIGNAL + SIGABRT))
		return false;
	set(verdict, VERDICT_HEAP_LIMIT, false, "%s", heap_limit_text(evidence, text, sizeof(text)));
	add(verdict, "not certain: no heap records bear out the fatal line");
	return true;
}

/* Why the three witnesses do not make a certain verdict; NULL: they do. */
static const char *doubt_of(const struct evidence *evidence, const struct reporter *reporter)
{
	if (evidence->fatal.kind != FATAL_HEAP_LIMIT)
		return "not certain: the fatal line is missing on stderr";
	if (reporter->said_bye)
		return "not certain: a record says that it left in order, the kernel that it was aborted";
	if (reporter->unseen && !reporter->end_known && !witness_is_main(evidence, reporter))
		return "not certain: it was gone before it could be looked at";
	if (!witness_had_the_memory(evidence, reporter))
		return "not certain: the kernel never counted that much memory in the worker's group";
	return NULL;
}

/* Three witnesses: V8's own near-limit record from a process that then ended, the way that it ended, by the kernel's
 * word, and the fatal line. Record and text can be forged by the worker; each alone is no certain verdict, and no two
 * of them outweigh the kernel. */
static bool judge_heap_limit(const struct evidence *evidence, struct verdict *verdict)
{
	char text[256];
	const struct reporter *reporter = witness_of_limit(evidence);
	bool aborted = witness_main_ended_by(evidence, SIGABRT);
	bool line = evidence->fatal.kind == FATAL_HEAP_LIMIT;
	if (!aborted && !(evidence->exited && evidence->wait_code == CLD_EXITED))
		return false;
	if (reporter == NULL || (!aborted && !line))
		return judge_heap_limit_by_line(evidence, verdict);
	const char *doubt = doubt_of(evidence, reporter);
	verdict->limit_bytes = reporter->last.limit_bytes;
	set(verdict, VERDICT_HEAP_LIMIT, doubt == NULL, "%s", heap_limit_text(evidence, text, sizeof(text)));
	if (doubt != NULL)
		add(verdict, "%s", doubt);
	return true;
}

static bool judge_killed(const struct evidence *evidence, struct verdict *verdict)
{
	if (!witness_main_ended_by(evidence, SIGKILL))
		return false;
	verdict->number = SIGKILL;
	set(verdict, VERDICT_UNKNOWN_KILL, evidence->after.known && evidence->before.known && !evidence->kernel.found,
	    "killed by SIGKILL, not by heapward and not by the kernel's OOM killer");
	if (!evidence->after.known)
		add(verdict, "not certain: without a cgroup of its own an OOM kill cannot be told from another");
	else if (!verdict->certain)
		add(verdict, "not certain: the counters tell of no OOM kill, but something else does, or they were not read before");
	return true;
}

static bool judge_signal(const struct evidence *evidence, struct verdict *verdict)
{
	if (!evidence->exited || evidence->wait_code == CLD_EXITED)
		return false;
	verdict->number = evidence->wait_status;
	set(verdict, VERDICT_SIGNAL, true, "%s (signal %d)", signal_name(evidence->wait_status), evidence->wait_status);
	if (evidence->fatal.kind == FATAL_HEAP_LIMIT)
		add(verdict, "stderr shows V8's fatal line, but no heap record bears it out");
	return true;
}

static bool judge_exit(const struct evidence *evidence, struct verdict *verdict)
{
	verdict->number = evidence->wait_status;
	set(verdict, VERDICT_EXIT, evidence->exited, "exit %d", evidence->wait_status);
	if (evidence->wait_status > SHELL_SIGNAL && evidence->wait_status < SHELL_SIGNAL + 32)
		add(verdict, "exit %d is how a shell tells of %s, but anybody can exit with it", evidence->wait_status,
		    signal_name(evidence->wait_status - SHELL_SIGNAL));
	return true;
}

static int exit_status(const struct evidence *evidence)
{
	if (!evidence->exited)
		return 0;
	return witness_exit_code(evidence->wait_code, evidence->wait_status);
}

void verdict_judge(const struct evidence *evidence, struct verdict *ret)
{
	static bool (*const questions[])(const struct evidence *, struct verdict *) = {
		judge_exec, judge_asked, judge_not_ready, judge_denied, judge_oom_kill, judge_seccomp,
		judge_heap_limit, judge_killed, judge_signal, judge_exit,
	};
	*ret = (struct verdict){ .limit_bytes = SIZE_UNKNOWN, .exit_status = exit_status(evidence) };
	add_facts(evidence, ret);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (questions[i](evidence, ret))
			return;
}
