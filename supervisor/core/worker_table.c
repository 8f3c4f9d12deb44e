/* SPDX-License-Identifier: Apache-2.0 */
/* worker_table: the life of one worker. The table at the end is the specification; each rule is one cell's meaning. */
#include "supervisor/core/decide_internal.h"

#include "base/units.h"
#include "supervisor/core/names.h"

static void kill_until(struct step *step)
{
	step_act(step, ACTION_KILL);
	step->worker->deadline_usec = usec_after(step->now_usec, step->state->rules.kill_timeout_usec);
}

static void launched(struct step *step)
{
	step->worker->state = WORKER_STARTING;
	step->worker->launched_usec = step->now_usec;
}

static void became_ready(struct step *step)
{
	char took[UNITS_TEXT_MAX];
	int64_t took_usec = step->now_usec - step->worker->launched_usec;
	step->worker->state = WORKER_READY;
	if (took_usec < USEC_PER_MSEC) /* ready.when: started */
		step_tell(step, NOTICE_READY, "ready");
	else
		step_tell(step, NOTICE_READY, "ready after %s", units_format_time(took, took_usec));
	step_slot(step, SLOT_EVENT_CURRENT_READY);
}

/* The main process has ended, or will by itself: nothing of its group may outlive it. */
static void end_group(struct step *step)
{
	step->worker->state = WORKER_ENDING;
	kill_until(step);
}

static void ask_to_stop(struct step *step)
{
	struct worker *worker = step->worker;
	worker->state = WORKER_STOPPING;
	worker->deadline_usec = usec_after(step->now_usec, step->state->rules.stop_timeout_usec);
	step_act(step, ACTION_SIGNAL)->signal = step->state->rules.stop_signal;
}

static void stop_timed_out(struct step *step)
{
	char timeout[UNITS_TEXT_MAX];
	step_tell(step, NOTICE_WARNING, "still there %s after %s (stop.timeout): killing its whole group",
		  units_format_time(timeout, step->state->rules.stop_timeout_usec),
		  signal_name(step->state->rules.stop_signal));
	end_group(step);
}

/* What SIGKILL does not end waits in the kernel (a hung disk or network file system): said, and tried again. */
static void kill_timed_out(struct step *step)
{
	char timeout[UNITS_TEXT_MAX];
	step_tell(step, NOTICE_WARNING, "its group still holds processes %s after SIGKILL; killing again",
		  units_format_time(timeout, step->state->rules.kill_timeout_usec));
	kill_until(step);
}

static void gone(struct step *step)
{
	struct worker *worker = step->worker;
	assert(step->verdict != NULL);
	worker->state = WORKER_GONE;
	worker->deadline_usec = USEC_NEVER;
	step_slot(step, SLOT_EVENT_CURRENT_GONE);
}

rule *const worker_table[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
	[WORKER_LAUNCHING] = {
		[WORKER_EVENT_LAUNCHED] = launched,
		[WORKER_EVENT_LAUNCH_FAILED] = end_group,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = ignored,
		[WORKER_EVENT_END] = end_group, /* there is no program yet that could be asked */
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_STARTING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = became_ready,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = ignored,
		[WORKER_EVENT_END] = ask_to_stop,
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_READY] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = ignored,
		[WORKER_EVENT_END] = ask_to_stop,
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_DRAINING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = ask_to_stop,
		[WORKER_EVENT_END] = ask_to_stop,
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_STOPPING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = end_group,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = stop_timed_out,
		[WORKER_EVENT_END] = ignored,
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_ENDING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = ignored,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = kill_timed_out,
		[WORKER_EVENT_END] = ignored,
		[WORKER_EVENT_KILL] = ignored,
	},
	[WORKER_GONE] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = ignored,
		[WORKER_EVENT_GONE] = ignored,
		[WORKER_EVENT_DEADLINE] = ignored,
		[WORKER_EVENT_END] = ignored,
		[WORKER_EVENT_KILL] = ignored,
	},
};
