/* SPDX-License-Identifier: Apache-2.0 */
/* names: see names.h. Every table is made from its X-macro, so that no word stands in two places. */
#include "supervisor/core/names.h"

#include <string.h>

static const char *pick(const char *const *names, size_t count, size_t at)
{
	assert(at < count);
	return names[at];
}

#define PICK(names, at) pick(names, ARRAY_LEN(names), (size_t)(at))

const char *verdict_name(enum verdict_kind kind)
{
#define X(id, name, counts) [VERDICT_##id] = name,
	static const char *const names[] = { VERDICTS(X) };
#undef X
	return PICK(names, kind);
}

bool verdict_counts(enum verdict_kind kind)
{
#define X(id, name, counts) [VERDICT_##id] = counts,
	static const bool table[] = { VERDICTS(X) };
#undef X
	assert((size_t)kind < ARRAY_LEN(table));
	return table[kind];
}

const char *worker_state_name(enum worker_state state)
{
#define X(id, name) [WORKER_##id] = name,
	static const char *const names[] = { WORKER_STATES(X) };
#undef X
	return PICK(names, state);
}

const char *slot_state_name(enum slot_state state)
{
#define X(id, name) [SLOT_##id] = name,
	static const char *const names[] = { SLOT_STATES(X) };
#undef X
	return PICK(names, state);
}

const char *worker_event_name(enum worker_event event)
{
#define X(id, name) [WORKER_EVENT_##id] = name,
	static const char *const names[] = { WORKER_EVENTS(X) };
#undef X
	return PICK(names, event);
}

const char *slot_event_name(enum slot_event event)
{
#define X(id, name) [SLOT_EVENT_##id] = name,
	static const char *const names[] = { SLOT_EVENTS(X) };
#undef X
	return PICK(names, event);
}

const char *action_name(enum action_kind kind)
{
#define X(id, name) [ACTION_##id] = name,
	static const char *const names[] = { ACTIONS(X) };
#undef X
	return PICK(names, kind);
}

const char *notice_name(enum notice_kind kind)
{
#define X(id, name) [NOTICE_##id] = name,
	static const char *const names[] = { NOTICES(X) };
#undef X
	return PICK(names, kind);
}

const char *early_trigger_name(enum early_trigger trigger)
{
#define X(id, key) [EARLY_##id] = key,
	static const char *const names[] = { EARLY_TRIGGER_LIST(X) };
#undef X
	return PICK(names, trigger);
}

const char *plan_number_name(enum plan_number_id id)
{
#define X(id, name) [PLAN_##id] = name,
	static const char *const names[] = { PLAN_NUMBERS(X) };
#undef X
	return PICK(names, id);
}

const char *control_command_name(enum control_command command)
{
#define X(id, name, changes) [CONTROL_##id] = name,
	static const char *const names[] = { CONTROL_COMMANDS(X) };
#undef X
	return PICK(names, command);
}

const char *launch_step_name(enum launch_step step)
{
#define X(id, name) [LAUNCH_STEP_##id] = name,
	static const char *const names[] = { LAUNCH_STEPS(X) };
#undef X
	return PICK(names, step);
}

const char *reach_name(enum reach_act act)
{
#define X(id, name, does) [REACH_##id] = name,
	static const char *const names[] = { REACH_ACTS(X) };
#undef X
	return PICK(names, act);
}

const char *reach_text(enum reach_act act)
{
#define X(id, name, does) [REACH_##id] = does,
	static const char *const texts[] = { REACH_ACTS(X) };
#undef X
	return PICK(texts, act);
}

const char *cgroup_version_name(enum cgroup_version version)
{
	static const char *const names[] = {
		[CGROUP_NONE] = "none", [CGROUP_V1] = "v1", [CGROUP_HYBRID] = "hybrid", [CGROUP_V2] = "v2"
	};
	return PICK(names, version);
}

const char *signal_name(int signal)
{
	static const char *const names[] = {
		"signal 0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
		"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD",
		"SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM",
		"SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"
	};
	if (signal < 0 || (size_t)signal >= ARRAY_LEN(names))
		return "a real-time signal";
	return names[signal];
}
