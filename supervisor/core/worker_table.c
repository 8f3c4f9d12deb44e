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
	const struct rules *rules = &step->state->rules;
	step->worker->state = WORKER_STARTING;
	step->worker->launched_usec = step->now_usec;
	if (rules->ready_within_usec != USEC_NEVER)
		step->worker->deadline_usec = usec_after(step->now_usec, rules->ready_within_usec);
}

static void became_ready(struct step *step)
{
	char took[UNITS_TEXT_MAX];
	int64_t took_usec = step->now_usec - step->worker->launched_usec;
	step->worker->state = WORKER_READY;
	step->worker->ready_usec = step->now_usec;
	step->worker->deadline_usec = USEC_NEVER;
	if (took_usec < USEC_PER_MSEC) /* ready.when: started */
		step_tell(step, NOTICE_READY, "ready");
	else
		step_tell(step, NOTICE_READY, "ready after %s", units_format_time(took, took_usec));
	step_slot_of(step, SLOT_EVENT_CURRENT_READY, SLOT_EVENT_SPARE_READY);
}

/* A worker that is ready is the current one: a spare that becomes ready is that from then on. */
static void near_limit(struct step *step)
{
	if (step->state->rules.near_limit == RULE_NEAR_LIMIT_REPORT)
		return;
	step->worker->urgent = step->worker->urgent || !step->can_wait;
	step_slot(step, SLOT_EVENT_NEAR_LIMIT);
}

/* Said again and again while it lasts: the slot hears it once. */
static void stuck(struct step *step)
{
	if (step->worker->stuck)
		return;
	step->worker->stuck = true;
	step_slot(step, SLOT_EVENT_STUCK);
}

static void turns_again(struct step *step)
{
	step->worker->stuck = false;
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

/* STARTING has one deadline: that of ready.within. */
static void not_ready_in_time(struct step *step)
{
	step->worker->not_ready = true;
	ask_to_stop(step);
}

/* A worker whose event loop stands still would not hear it. */
static void drain(struct step *step)
{
	if (step->worker->stuck) {
		ask_to_stop(step);
		return;
	}
	step->worker->state = WORKER_DRAINING;
	step->worker->deadline_usec = usec_after(step->now_usec, step->state->rules.drain_timeout_usec);
	step_act(step, ACTION_DRAIN);
}

/* What it has not finished by now it never will. */
static void stuck_draining(struct step *step)
{
	step->worker->stuck = true;
	ask_to_stop(step);
}

static void drain_timed_out(struct step *step)
{
	char timeout[UNITS_TEXT_MAX];
	step_tell(step, NOTICE_WARNING, "still has connections after %s (drain.timeout): asking it to stop",
		  units_format_time(timeout, step->state->rules.drain_timeout_usec));
	ask_to_stop(step);
}

/* In order or not: nobody has sent it a signal, and the verdict has to know. */
static void left_draining(struct step *step)
{
	step->worker->left_draining = true;
	end_group(step);
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
	step_slot_of(step, SLOT_EVENT_CURRENT_GONE, SLOT_EVENT_SPARE_GONE);
}

rule *const worker_table[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = {
	[WORKER_LAUNCHING] = {
		[WORKER_EVENT_LAUNCHED] = launched,
		[WORKER_EVENT_LAUNCH_FAILED] = end_group,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = ignored,
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = ignored,
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = end_group, /* no program yet that could */
		[WORKER_EVENT_END] = end_group, /* there is no program yet that could be asked */
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_STARTING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = became_ready,
		[WORKER_EVENT_EXITED] = end_group,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = not_ready_in_time,
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = ignored, /* ready.within ends it */
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = ask_to_stop, /* it has not served yet */
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
		[WORKER_EVENT_NEAR_LIMIT] = near_limit,
		[WORKER_EVENT_STUCK] = stuck,
		[WORKER_EVENT_TURNS] = turns_again,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = drain,
		[WORKER_EVENT_END] = ask_to_stop,
		[WORKER_EVENT_KILL] = end_group,
	},
	[WORKER_DRAINING] = {
		[WORKER_EVENT_LAUNCHED] = ignored,
		[WORKER_EVENT_LAUNCH_FAILED] = ignored,
		[WORKER_EVENT_READY] = ignored,
		[WORKER_EVENT_EXITED] = left_draining,
		[WORKER_EVENT_GONE] = gone,
		[WORKER_EVENT_DEADLINE] = drain_timed_out,
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = stuck_draining,
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ask_to_stop,
		[WORKER_EVENT_DRAIN] = ignored,
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
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = ignored,
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = ignored,
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
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = ignored,
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = ignored,
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
		[WORKER_EVENT_NEAR_LIMIT] = ignored,
		[WORKER_EVENT_STUCK] = ignored,
		[WORKER_EVENT_TURNS] = ignored,
		[WORKER_EVENT_DRAINED] = ignored,
		[WORKER_EVENT_DRAIN] = ignored,
		[WORKER_EVENT_END] = ignored,
		[WORKER_EVENT_KILL] = ignored,
	},
};
