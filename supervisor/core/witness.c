/* SPDX-License-Identifier: Apache-2.0 */
/* witness: heap records weighed by the kernel's word. Each question walks the reporters once. */
#include "supervisor/core/witness.h"

#include "base/units.h"
#include "heapward/record.h"

#include <signal.h>
#include <sys/wait.h>

/* V8 takes 40 to 150 ms from its last near-limit callback to the end, and 1 to 4 s where headroom was granted; a
 * wrapper such as npm outlives its node by less than this. */
#define NEAR_THE_END_USEC (30 * USEC_PER_SEC)

/* A thread's bye comes before its heap is taken down, and V8 can still die in that: seen 60 ms later; behind a wrapper the
 * end of the main process comes later still. */
#define TAKE_DOWN_USEC (5 * USEC_PER_SEC)

bool witness_main_ended_by(const struct evidence *evidence, int signal)
{
	return evidence->exited && evidence->wait_code != CLD_EXITED && evidence->wait_status == signal;
}

bool witness_is_main(const struct evidence *evidence, const struct reporter *reporter)
{
	return reporter->pid > 0 && reporter->pid == evidence->main_pid;
}

static bool is_server(const struct reporter *reporter)
{
	return reporter->main_isolate && !reporter->launcher;
}

int witness_exit_code(int code, int status)
{
	return code == CLD_EXITED ? status : SHELL_SIGNAL + status;
}

static bool ended_first(const struct evidence *evidence, const struct reporter *reporter)
{
	return reporter->closed && (evidence->killed_usec == 0 || reporter->closed_usec <= evidence->killed_usec);
}

/* Whether this process ended as V8 ends at its limit. The kernel tells of the main process always, of others where it is
 * new enough. A bye says that exit() ran, but anybody in the worker can write one in another's name: it counts where
 * the kernel has told nothing. */
static bool end_fits(const struct evidence *evidence, const struct reporter *reporter)
{
	if (witness_is_main(evidence, reporter))
		return witness_main_ended_by(evidence, SIGABRT);
	if (!ended_first(evidence, reporter))
		return false;
	return reporter->end_known ? witness_exit_code(reporter->end_code, reporter->end_status) == SHELL_SIGNAL + SIGABRT :
				     !reporter->said_bye;
}

static bool near_its_end(const struct evidence *evidence, const struct reporter *reporter)
{
	return reporter->near_limit && is_server(reporter) && !reporter->told &&
	       evidence->ended_usec - reporter->near_limit_usec <= NEAR_THE_END_USEC;
}

const struct reporter *witness_near_limit(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++)
		if (near_its_end(evidence, &evidence->reporters[i]))
			return &evidence->reporters[i];
	return NULL;
}

const struct reporter *witness_of_limit(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++)
		if (near_its_end(evidence, &evidence->reporters[i]) && end_fits(evidence, &evidence->reporters[i]))
			return &evidence->reporters[i];
	return NULL;
}

static bool process_end_fits(const struct evidence *evidence, int32_t pid)
{
	for (size_t i = 0; i < evidence->reporter_count; i++) {
		const struct reporter *reporter = &evidence->reporters[i];
		if (reporter->main_isolate && reporter->pid == pid)
			return end_fits(evidence, reporter) && !reporter->told;
	}
	return false;
}

const struct reporter *witness_in_a_thread(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++) {
		const struct reporter *reporter = &evidence->reporters[i];
		if (!reporter->main_isolate && reporter->closed &&
		    evidence->ended_usec - reporter->closed_usec <= TAKE_DOWN_USEC &&
		    process_end_fits(evidence, reporter->pid))
			return reporter;
	}
	return NULL;
}

/* Whether this reporter would have told of a near limit: the timer cannot, nor an agent whose callback is not V8's. */
static bool sees_the_limit(const struct reporter *reporter)
{
	return reporter->main_isolate && reporter->source != HEAPWARD_SOURCE_TIMER &&
	       reporter->source != HEAPWARD_SOURCE_NONE && reporter->problem != HEAPWARD_PROBLEM_SNAPSHOT;
}

bool witness_any(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++)
		if (!evidence->reporters[i].launcher && sees_the_limit(&evidence->reporters[i]))
			return true;
	return false;
}

/* The main process, where it reports for itself: then it is no wrapper, and its wait status is the server's own. */
static const struct reporter *main_reporter(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++)
		if (is_server(&evidence->reporters[i]) && witness_is_main(evidence, &evidence->reporters[i]))
			return &evidence->reporters[i];
	return NULL;
}

bool witness_would_have_told(const struct evidence *evidence)
{
	const struct reporter *main_one = main_reporter(evidence);
	if (evidence->records_lost || witness_near_limit(evidence) != NULL)
		return false;
	if (witness_main_ended_by(evidence, SIGABRT))
		return main_one != NULL && sees_the_limit(main_one);
	return witness_any(evidence);
}

const struct reporter *witness_blind(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++)
		if (is_server(&evidence->reporters[i]) && !sees_the_limit(&evidence->reporters[i]))
			return &evidence->reporters[i];
	return NULL;
}

bool witness_of_kill(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->reporter_count; i++) {
		const struct reporter *reporter = &evidence->reporters[i];
		bool killed = reporter->end_known ?
				      witness_exit_code(reporter->end_code, reporter->end_status) == SHELL_SIGNAL + SIGKILL :
				      !reporter->said_bye;
		if (killed && evidence->ended_usec - reporter->closed_usec <= TAKE_DOWN_USEC &&
		    ended_first(evidence, reporter) && !witness_is_main(evidence, reporter) && !reporter->launcher &&
		    !reporter->told)
			return true;
	}
	return evidence->wait_status == SHELL_SIGNAL + SIGKILL && main_reporter(evidence) == NULL;
}

uint64_t witness_limit(const struct reporter *reporter)
{
	bool planned = reporter->old_space_bytes != SIZE_UNKNOWN && reporter->old_space_bytes > 0;
	return planned ? reporter->old_space_bytes : reporter->last.limit_bytes;
}

bool witness_had_the_memory(const struct evidence *evidence, const struct reporter *reporter)
{
	uint64_t peak = evidence->memory.peak_bytes, claimed = witness_limit(reporter);
	if (claimed == SIZE_UNKNOWN || claimed < reporter->last.used_bytes)
		claimed = reporter->last.used_bytes;
	return peak == SIZE_UNKNOWN || peak == 0 || peak >= claimed / 2;
}
