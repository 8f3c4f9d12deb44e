/* SPDX-License-Identifier: Apache-2.0 */
/* plan: see plan.h. The order of the steps, the keys that need no rule of their own, and what decide() gets. */
#include "supervisor/core/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/plan_parts.h"

static void resolve_restart(struct planning *planning)
{
	const struct policy *policy = planning->policy;
	const struct {
		enum plan_number_id id;
		enum policy_key key;
		int64_t usec;
	} times[] = {
		{ PLAN_BACKOFF_FROM, KEY_RESTART_BACKOFF_FROM, policy->restart.backoff_from_usec },
		{ PLAN_BACKOFF_UP_TO, KEY_RESTART_BACKOFF_UP_TO, policy->restart.backoff_up_to_usec },
		{ PLAN_BUDGET_WITHIN, KEY_RESTART_BUDGET_WITHIN, policy->restart.budget_within_usec },
		{ PLAN_HEALTHY_AFTER, KEY_RESTART_HEALTHY_AFTER, policy->restart.healthy_after_usec },
		{ PLAN_STOP_TIMEOUT, KEY_STOP_TIMEOUT, policy->stop.timeout_usec },
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		plan_set_key(planning, times[i].id, UNIT_USEC, (uint64_t)times[i].usec, times[i].key);
	plan_set_key(planning, PLAN_BUDGET_DEATHS, UNIT_COUNT, policy->restart.budget_deaths, KEY_RESTART_BUDGET_DEATHS);
}

/* Two heartbeats may be late or lost before the third is missed. */
static void resolve_watchdog(struct planning *planning)
{
	uint64_t usec = (uint64_t)planning->policy->watchdog.event_loop_usec;
	struct plan_input input = { .name = "watchdog.event_loop", .unit = UNIT_USEC, .value = usec };
	if (usec == (uint64_t)USEC_NEVER) {
		plan_set(planning->plan, PLAN_HEARTBEAT, UNIT_USEC, SIZE_NONE, "watchdog.event_loop: never");
		return;
	}
	plan_key_origin(planning->policy, KEY_WATCHDOG_EVENT_LOOP, input.from, sizeof(input.from));
	plan_set(planning->plan, PLAN_HEARTBEAT, UNIT_USEC, usec / 3, "watchdog.event_loop / 3");
	plan_input(planning->plan, PLAN_HEARTBEAT, &input);
}

/* A held service in a container or under systemd would look alive to whoever could start it again: there we exit. */
static bool exit_when_exhausted(const struct policy *policy, const struct host *host)
{
	if (policy->restart.exhausted == EXHAUSTED_AUTO)
		return host->pid1 || host->under_systemd;
	return policy->restart.exhausted == EXHAUSTED_EXIT;
}

static bool is_own_user(const struct host *host, const char *user)
{
	char number[16];
	snprintf(number, sizeof(number), "%" PRIu32, host->uid);
	return strcmp(user, number) == 0 || (host->user[0] != '\0' && strcmp(user, host->user) == 0);
}

static void remark_user(struct planning *planning)
{
	const char *user = planning->policy->sandbox.user;
	char from[160];
	plan_key_origin(planning->policy, KEY_SANDBOX_USER, from, sizeof(from));
	if (user != NULL && planning->host->uid != 0 && !is_own_user(planning->host, user))
		plan_refuse(planning->plan, "sandbox.user %.60s (%s): only root can change the user; start heapward as "
			    "root, or remove the key", user, from);
	else if (user != NULL && planning->host->worker_user_problem[0] != '\0')
		plan_refuse(planning->plan, "sandbox.user (%s): %s", from, planning->host->worker_user_problem);
	if (planning->host->unreached[0] != '\0')
		plan_warn(planning->plan, "%s", planning->host->unreached);
	memcpy(planning->plan->unreached, planning->host->unreached, sizeof(planning->plan->unreached));
	if (user == NULL && planning->host->uid == 0 && !planning->plan->bare)
		plan_warn(planning->plan, "the worker runs as root; set sandbox.user to a user of its own");
}

static void remark_runtime(struct planning *planning)
{
	const struct host_runtime *runtime = &planning->host->runtime;
	if (!planning->plan->manages_heap || runtime->problem[0] == '\0')
		return;
	if (planning->runs_node || (!planning->plan->bare && runtime->major == 0))
		plan_warn(planning->plan, "Node's version is not known (%.200s): the plan takes 16 MiB as its semi-space, "
			  "and old space as on Node 20", runtime->problem);
}

void plan_resolve(const struct policy *policy, const struct host *host, char *const *command, struct plan *ret)
{
	struct planning planning = { .policy = policy, .host = host, .plan = ret };
	*ret = (struct plan){ .bare = !policy->from_file && policy->memory.max_bytes == SIZE_NONE,
			      .exit_when_exhausted = exit_when_exhausted(policy, host) };
	plan_flags_find(&planning, command);
	plan_memory_resolve(&planning);
	plan_heap_resolve(&planning);
	plan_memory_need(&planning);
	plan_replace_resolve(&planning);
	plan_early_resolve(&planning);
	plan_instances_resolve(&planning);
	resolve_restart(&planning);
	resolve_watchdog(&planning);
	remark_user(&planning);
	plan_fence_resolve(&planning);
	remark_runtime(&planning);
}

bool plan_is_startable(const struct plan *plan)
{
	for (size_t i = 0; i < plan->remark_count; i++) {
		if (plan->remarks[i].refusal)
			return false;
	}
	return true;
}

void plan_rules(const struct plan *plan, const struct policy *policy, struct rules *ret)
{
	*ret = (struct rules){
		.instances = policy->service.instances,
		.report_heap_limit = policy->heap.at_limit == AT_LIMIT_REPORT,
		.raise_heap_limit = policy->heap.at_limit == AT_LIMIT_RAISE,
		.exit_when_exhausted = plan->exit_when_exhausted,
		.backoff_from_usec = policy->restart.backoff_from_usec,
		.backoff_up_to_usec = policy->restart.backoff_up_to_usec,
		.backoff_factor = policy->restart.backoff_factor,
		.budget_deaths = policy->restart.budget_deaths,
		.budget_within_usec = policy->restart.budget_within_usec,
		.healthy_after_usec = policy->restart.healthy_after_usec,
		.stop_signal = policy->stop.signal,
		.stop_timeout_usec = policy->stop.timeout_usec,
		.kill_timeout_usec = PLAN_KILL_TIMEOUT_USEC,
	};
	plan_replace_rules(plan, policy, ret);
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		ret->by_verdict[kind].deaths = policy->restart.by_verdict[kind].deaths;
		ret->by_verdict[kind].within_usec = policy->restart.by_verdict[kind].within_usec;
	}
	switch (policy->restart.when) {
	case RESTART_WHEN_FAILURE:
		ret->when = RULE_WHEN_FAILURE;
		break;
	case RESTART_WHEN_ALWAYS:
		ret->when = RULE_WHEN_ALWAYS;
		break;
	case RESTART_WHEN_NEVER:
		ret->when = RULE_WHEN_NEVER;
		break;
	}
}
