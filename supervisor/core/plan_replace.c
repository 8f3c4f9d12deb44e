/* SPDX-License-Identifier: Apache-2.0 */
/* plan_replace: held sockets and what a worker's replacement behind them needs: queue, readiness, room, time to drain. */
#include "supervisor/core/plan_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/plan.h"

/* What the queue is explained by; a busy small server, and the rate of our own load tests. */
#define STATED_RATE 200

enum near_limit plan_near_limit(const struct policy *policy)
{
	if (policy->heap.near_limit != NEAR_LIMIT_AUTO)
		return policy->heap.near_limit;
	return policy->service.listen.count > 0 && policy->heap.runtime == RUNTIME_NODE ? NEAR_LIMIT_REPLACE
											: NEAR_LIMIT_REPORT;
}

static struct ready_when with_first_port(const struct policy *policy)
{
	const struct listen_addresses *listen = &policy->service.listen;
	struct ready_when when = policy->ready.when;
	for (size_t i = 0; i < listen->count && when.port == 0; i++)
		when.port = listen->list[i].kind == LISTEN_TCP ? listen->list[i].port : 0;
	return when;
}

struct ready_when plan_ready(const struct policy *policy)
{
	bool told = policy->service.listen.count > 0 && policy->heap.runtime == RUNTIME_NODE;
	if (policy->ready.when.kind == READY_HTTP && policy->ready.when.port == 0)
		return with_first_port(policy);
	if (policy->ready.when.kind != READY_AUTO)
		return policy->ready.when;
	return (struct ready_when){ .kind = told ? READY_LISTENING : READY_STARTED };
}

bool plan_drains(const struct policy *policy)
{
	return policy->service.listen.count > 0;
}

bool plan_replaces(const struct policy *policy)
{
	return plan_drains(policy) && !policy->service.singleton && policy->memory.spare != SPARE_NEVER;
}

bool plan_keeps_spare(const struct policy *policy)
{
	return plan_replaces(policy) && policy->memory.spare == SPARE_KEEP;
}

uint32_t plan_workers(const struct policy *policy)
{
	return policy->service.instances + plan_keeps_spare(policy);
}

bool plan_hands_over_listen_fds(const struct plan *plan)
{
	return !plan->manages_heap;
}

static void resolve_queue(struct planning *planning)
{
	struct plan *plan = planning->plan;
	uint64_t backlog = planning->host->listen_backlog;
	struct plan_input input = { .name = "listen backlog", .unit = UNIT_COUNT, .value = backlog };
	if (backlog == 0) {
		plan_set(plan, PLAN_LISTEN_BACKLOG, UNIT_COUNT, SIZE_UNKNOWN,
			 "net.core.somaxconn, which cannot be read");
		plan_set(plan, PLAN_QUEUE_TIME, UNIT_USEC, SIZE_UNKNOWN, "listen backlog unknown");
		return;
	}
	plan_set(plan, PLAN_LISTEN_BACKLOG, UNIT_COUNT, backlog, "net.core.somaxconn, of each held socket");
	plan_set(plan, PLAN_QUEUE_TIME, UNIT_USEC, backlog * (uint64_t)USEC_PER_SEC / STATED_RATE,
		 "listen backlog / %d new connections a second", STATED_RATE);
	plan_input(plan, PLAN_QUEUE_TIME, &input);
}

static const char *no_spare(const struct policy *policy)
{
	if (policy->service.listen.count == 0)
		return "no second worker: no held sockets (service.listen)";
	return policy->service.singleton ? "no second worker: service.singleton: true"
					 : "no second worker: memory.spare: never";
}

/* As much as any start needs; what the first worker uses at that time is in use, not free. */
static void resolve_spare(struct planning *planning)
{
	struct plan *plan = planning->plan;
	const struct plan_number *need = &plan->numbers[PLAN_MEMORY_NEED];
	if (!plan_replaces(planning->policy)) {
		plan_set(plan, PLAN_SPARE_NEED, UNIT_BYTES, SIZE_NONE, "%s", no_spare(planning->policy));
		return;
	}
	struct plan_number spare = *need;
	plan->numbers[PLAN_SPARE_NEED] = spare;
	if (!plan_keeps_spare(planning->policy) || need->value >= SIZE_UNKNOWN)
		return;
	/* The first start wants room for both. */
	struct plan_number *both = &plan->numbers[PLAN_MEMORY_NEED];
	both->value *= 2;
	snprintf(both->rule, sizeof(both->rule), "2 x (%.150s), for memory.spare: keep", spare.rule);
}

void plan_replace_resolve(struct planning *planning)
{
	static const enum plan_number_id held[] = { PLAN_LISTEN_BACKLOG, PLAN_QUEUE_TIME, PLAN_HOLD_FOR,
						    PLAN_DRAIN_TIMEOUT };
	const struct policy *policy = planning->policy;
	struct plan *plan = planning->plan;
	if (plan_drains(policy)) {
		resolve_queue(planning);
		plan_set_key(planning, PLAN_HOLD_FOR, UNIT_USEC, (uint64_t)policy->service.hold_for_usec,
			     KEY_SERVICE_HOLD_FOR);
		plan_set_key(planning, PLAN_DRAIN_TIMEOUT, UNIT_USEC, (uint64_t)policy->drain.timeout_usec,
			     KEY_DRAIN_TIMEOUT);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(held); i++)
			plan_set(plan, held[i], i == 0 ? UNIT_COUNT : UNIT_USEC, SIZE_NONE,
				 "no held sockets (service.listen)");
	}
	resolve_spare(planning);
	if (plan_ready(policy).kind == READY_STARTED)
		plan_set(plan, PLAN_READY_WITHIN, UNIT_USEC, SIZE_NONE, "a worker is ready once it is started");
	else
		plan_set_key(planning, PLAN_READY_WITHIN, UNIT_USEC, (uint64_t)policy->ready.within_usec,
			     KEY_READY_WITHIN);
}

bool plan_spare_fits(const struct plan *plan, const struct host *host, char *text, size_t size)
{
	const struct plan_number *need = &plan->numbers[PLAN_SPARE_NEED];
	if (need->value != SIZE_NONE)
		return plan_memory_has(host, need->value, need->rule, text, size);
	snprintf(text, size, "%s", need->rule);
	return false;
}

void plan_replace_rules(const struct plan *plan, const struct policy *policy, struct rules *ret)
{
	uint64_t within_usec = plan->numbers[PLAN_READY_WITHIN].value;
	ret->near_limit = plan_near_limit(policy) == NEAR_LIMIT_REPLACE	  ? RULE_NEAR_LIMIT_REPLACE
			  : plan_near_limit(policy) == NEAR_LIMIT_RESTART ? RULE_NEAR_LIMIT_RESTART
									  : RULE_NEAR_LIMIT_REPORT;
	ret->drains = plan_drains(policy);
	ret->replaces = plan_replaces(policy);
	ret->drain_timeout_usec = policy->drain.timeout_usec;
	ret->ready_within_usec = within_usec == SIZE_NONE ? USEC_NEVER : (int64_t)within_usec;
	ret->hold_for_usec = policy->service.hold_for_usec;
}
