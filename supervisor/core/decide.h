/* SPDX-License-Identifier: Apache-2.0 */
/* decide: the two state tables. The tables are the specification; every cell is written. Pure: values in, values out,
 * time is an argument. */
#ifndef SUPERVISOR_CORE_DECIDE_H
#define SUPERVISOR_CORE_DECIDE_H

#include "supervisor/types/action.h"
#include "supervisor/types/event.h"
#include "supervisor/types/state.h"

/* A service that has not started: slot stopped, no worker, no deaths. */
void service_state_init(struct service_state *state, const struct rules *rules);

/* Moves `state` by one event at `now_usec` and writes what is to be done, in order, to *ret (which it clears). An
 * event of a worker that is in no slot any more is ignored, and so is a deadline that has been moved meanwhile. */
void decide(struct service_state *state, const struct event *event, int64_t now_usec, struct decision *ret);

/* The earliest deadline in `state`, USEC_NEVER where there is none; *ret_event is the event to send when it passes. */
int64_t service_state_deadline(const struct service_state *state, struct event *ret_event);

/* The state of one instance that users read: starting, ready, replacing, draining, stopping, back-off, failed, stopped. Never NULL. */
const char *slot_name(const struct slot *slot);

/* The service's: the worst of its instances', failed first. */
const char *service_state_name(const struct service_state *state);

/* Whether any worker serves: also while it is being replaced, but not while its event loop stands still. */
bool service_state_is_ready(const struct service_state *state);

/* The worker with this id; NULL where no slot knows it, or not any more. Borrowed until the next decide(). */
const struct worker *service_state_worker(const struct service_state *state, uint32_t id);

/* Deaths that the budget still allows at `now_usec`. */
uint32_t service_state_budget_left(const struct service_state *state, int64_t now_usec);

#endif
