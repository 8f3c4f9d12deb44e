/* SPDX-License-Identifier: Apache-2.0 */
/* decide_unit: what the tests of the state tables share: rules, events in one line, decisions as one line of text. */
#ifndef TESTS_UNIT_DECIDE_UNIT_H
#define TESTS_UNIT_DECIDE_UNIT_H

#include "supervisor/core/decide.h"
#include "supervisor/core/names.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define DECISION_TEXT_MAX 512
#define SEC USEC_PER_SEC

/* The defaults of product.md. */
_Static_assert(VERDICT_COUNT == 12, "a verdict more, a NO_BUDGET more");
#define NO_BUDGET { UINT32_MAX, 0 }
static const struct rules standard_rules UNUSED = {
	.instances = 1,
	.when = RULE_WHEN_FAILURE,
	.backoff_from_usec = 100 * USEC_PER_MSEC, .backoff_up_to_usec = 30 * SEC, .backoff_factor = 2,
	.budget_deaths = 5, .budget_within_usec = 600 * SEC,
	.by_verdict = { NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET, NO_BUDGET,
			NO_BUDGET, NO_BUDGET, NO_BUDGET },
	.ready_within_usec = USEC_NEVER, .hold_for_usec = USEC_NEVER,
	.healthy_after_usec = 30 * SEC,
	.stop_signal = SIGTERM, .stop_timeout_usec = 10 * SEC, .kill_timeout_usec = 5 * SEC,
};

/* The same with held sockets: service.listen is set, everything else left to its default. */
static inline struct rules listening_rules(void)
{
	struct rules rules = standard_rules;
	rules.near_limit = RULE_NEAR_LIMIT_REPLACE;
	rules.drains = rules.replaces = true;
	rules.drain_timeout_usec = 30 * SEC;
	rules.ready_within_usec = 90 * SEC;
	rules.hold_for_usec = 5 * SEC;
	return rules;
}

static const struct verdict verdict_crash UNUSED = {
	.kind = VERDICT_EXIT, .certain = true, .number = 1, .exit_status = 1, .text = "exit 1"
};
static const struct verdict verdict_clean UNUSED = { .kind = VERDICT_EXIT, .certain = true, .text = "exit 0" };
static const struct verdict verdict_heap UNUSED = {
	.kind = VERDICT_HEAP_LIMIT, .certain = true, .exit_status = 134, .text = "fatal heap-limit error"
};
static const struct verdict verdict_stopped UNUSED = {
	.kind = VERDICT_STOPPED, .certain = true, .exit_status = 143, .text = "stopped on request"
};
static const struct verdict verdict_replaced UNUSED = {
	.kind = VERDICT_REPLACED, .certain = true, .exit_status = 143, .text = "replaced on request"
};
static const struct verdict verdict_not_ready UNUSED = {
	.kind = VERDICT_NOT_READY, .certain = true, .exit_status = 143, .text = "not ready within ready.within: tcp:9000 does not accept"
};
static const struct verdict verdict_watchdog UNUSED = {
	.kind = VERDICT_WATCHDOG, .certain = true, .exit_status = 143, .text = "its event loop was stuck"
};
static const struct verdict verdict_not_found UNUSED = {
	.kind = VERDICT_EXEC, .certain = true, .number = 2, .subject = "exec", .text = "exec: node: No such file or directory"
};

static inline void add_action_text(const struct service_state *state, const struct action *action, char *text)
{
	size_t length = strlen(text);
	char *end = text + length;
	size_t left = DECISION_TEXT_MAX - length;
	const char *comma = length > 0 ? ", " : "";
	switch (action->kind) {
	case ACTION_SIGNAL:
		snprintf(end, left, "%s%s to %u", comma, signal_name(action->signal), action->worker);
		break;
	case ACTION_NOTICE:
		snprintf(end, left, "%s(%s)", comma, notice_name(action->notice));
		break;
	case ACTION_FINISH:
		snprintf(end, left, "%sfinish %d", comma, state->exit_status);
		break;
	case ACTION_LISTEN:
	case ACTION_LAST_CALL:
	case ACTION_UNLISTEN:
		snprintf(end, left, "%s%s", comma, action_name(action->kind));
		break;
	case ACTION_LAUNCH:
	case ACTION_KILL:
	case ACTION_KEEP_DEATH:
	case ACTION_RAISE:
	case ACTION_CHECK_ROOM:
	case ACTION_DRAIN:
	case ACTION_COUNT:
	default:
		snprintf(end, left, "%s%s %u", comma, action_name(action->kind), action->worker);
		break;
	}
}

/* "SIGTERM to 1, (warning), kill 1": actions in order, notices in parentheses; "" where nothing is to be done. */
static inline const char *decision_text(const struct service_state *state, const struct decision *decision,
					char text[static DECISION_TEXT_MAX])
{
	text[0] = '\0';
	for (size_t i = 0; i < decision->action_count; i++)
		add_action_text(state, &decision->actions[i], text);
	return text;
}

static inline struct event event_of_worker(enum worker_event kind, uint32_t worker, const struct verdict *verdict)
{
	return (struct event){ .about_worker = true, .worker_event = kind, .worker = worker, .verdict = verdict };
}

static inline struct event event_of_slot(enum slot_event kind)
{
	return (struct event){ .slot_event = kind };
}

#endif
