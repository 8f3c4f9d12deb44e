/* SPDX-License-Identifier: Apache-2.0 */
/* names: the words of the vocabulary tables. Each returns a static string, never NULL; an unknown value is a bug. */
#ifndef SUPERVISOR_CORE_NAMES_H
#define SUPERVISOR_CORE_NAMES_H

#include "supervisor/types/action.h"
#include "supervisor/types/control.h"
#include "supervisor/types/early.h"
#include "supervisor/types/event.h"
#include "supervisor/types/launch.h"
#include "supervisor/types/notice.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/reach.h"
#include "supervisor/types/state.h"
#include "supervisor/types/verdict.h"

const char *verdict_name(enum verdict_kind kind);
bool verdict_counts(enum verdict_kind kind); /* as a death in the restart budget */
const char *worker_state_name(enum worker_state state);
const char *slot_state_name(enum slot_state state);
const char *worker_event_name(enum worker_event event);
const char *slot_event_name(enum slot_event event);
const char *action_name(enum action_kind kind);
const char *notice_name(enum notice_kind kind);
const char *early_trigger_name(enum early_trigger trigger); /* its policy key */
const char *plan_number_name(enum plan_number_id id);
const char *control_command_name(enum control_command command);
const char *launch_step_name(enum launch_step step);
const char *reach_name(enum reach_act act); /* for scripts */
const char *reach_text(enum reach_act act); /* "end the supervisor by a signal" */
const char *cgroup_version_name(enum cgroup_version version);

/* "SIGTERM" for 15, "a real-time signal" for 64. */
const char *signal_name(int signal);

#endif
