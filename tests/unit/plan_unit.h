/* SPDX-License-Identifier: Apache-2.0 */
/* plan_unit: a policy at its defaults and a machine, both made by hand, for the tests of the plan. */
#ifndef TESTS_UNIT_PLAN_UNIT_H
#define TESTS_UNIT_PLAN_UNIT_H

#include <stdio.h>

#include "supervisor/core/listen_address.h"
#include "supervisor/core/plan.h"

/* The defaults of policy_keys.h. Owns nothing: do not finish it. */
static inline struct policy sample_policy(void)
{
	struct policy policy = {
		.memory = { .max_bytes = SIZE_NONE, .high_bytes = SIZE_NONE, .swap_bytes = 0,
			    .replace_at_percent = 90 },
		.heap = { .processes = 1, .headroom_bytes = 48 * MIB, .lead_usec = 2 * USEC_PER_SEC,
			  .live_max_percent = 95, .gc_time_percent = 50 },
		.restart = { .backoff_from_usec = 100 * USEC_PER_MSEC, .backoff_up_to_usec = 30 * USEC_PER_SEC,
			     .backoff_factor = 2, .budget_deaths = 5, .budget_within_usec = 600 * USEC_PER_SEC,
			     .healthy_after_usec = 30 * USEC_PER_SEC },
		.stop = { .signal = 15, .timeout_usec = 10 * USEC_PER_SEC },
		.drain = { .timeout_usec = 30 * USEC_PER_SEC },
		.ready = { .within_usec = 90 * USEC_PER_SEC },
		.watchdog = { .event_loop_usec = USEC_NEVER },
		.service = { .hold_for_usec = 5 * USEC_PER_SEC, .instances = 1 },
		.limits = { POLICY_INHERIT, POLICY_INHERIT, POLICY_INHERIT, SIZE_NONE, SIZE_NONE },
	};
	for (int kind = 0; kind < VERDICT_COUNT; kind++)
		policy.restart.by_verdict[kind].deaths = POLICY_INHERIT;
	return policy;
}

static inline void set_origin(struct policy *policy, enum policy_key key, const char *file, int line)
{
	snprintf(policy->origins[key].file, sizeof(policy->origins[key].file), "%s", file);
	policy->origins[key].line = line;
}

/* web.yaml with memory.max on line 12. */
static inline struct policy capped_policy(uint64_t max_bytes)
{
	struct policy policy = sample_policy();
	policy.from_file = true;
	policy.memory.max_bytes = max_bytes;
	set_origin(&policy, KEY_MEMORY_MAX, "web.yaml", 12);
	return policy;
}

/* An ordinary user's machine of 16 GiB with a delegated group, no limits, Node 20 in PATH. */
static inline struct host sample_host(void)
{
	struct host host = {
		.cgroup_version = CGROUP_V2, .cgroup_writable = true, .swap_accounting = true,
		.levels = { { "/user.slice/app.scope", SIZE_NONE, SIZE_NONE, 20 * MIB },
			    { "/user.slice", SIZE_NONE, SIZE_NONE, 900 * MIB }, { "/", SIZE_NONE, SIZE_NONE, SIZE_UNKNOWN } },
		.level_count = 3,
		.mem_total_bytes = 16 * GIB, .mem_available_bytes = 12 * GIB, .processors = 4, .listen_backlog = 4096,
		.runtime = { .found = true, .path = "/usr/bin/node", .major = 20, .minor = 20, .patch = 2 },
		.uid = 1000, .user = "dev", .fence = { .landlock_abi = 7, .user = true }, .peak_bytes = SIZE_UNKNOWN,
	};
	return host;
}

static inline struct host host_with_node(int major)
{
	struct host host = sample_host();
	host.runtime.major = major;
	return host;
}

/* A container: its own group, not writable, has the limit. */
static inline struct host container_host(uint64_t max_bytes)
{
	struct host host = sample_host();
	host.cgroup_writable = false;
	snprintf(host.cgroup_problem, sizeof(host.cgroup_problem), "/sys/fs/cgroup is read-only here");
	snprintf(host.levels[0].path, sizeof(host.levels[0].path), "/");
	host.levels[0].max_bytes = max_bytes;
	host.level_count = 1;
	host.pid1 = true;
	return host;
}

/* service.listen on line 7 of web.yaml. */
static inline void hold(struct policy *policy, const char *text)
{
	struct failure why;
	struct listen_addresses *listen = &policy->service.listen;
	int result = listen_address_parse(text, &listen->list[listen->count++], &why);
	assert(result == 0);
	(void)result;
	set_origin(policy, KEY_SERVICE_LISTEN, "web.yaml", 7);
}

static inline uint64_t number(const struct plan *plan, enum plan_number_id id)
{
	return plan->numbers[id].value;
}

static inline uint64_t mib(const struct plan *plan, enum plan_number_id id)
{
	return number(plan, id) < SIZE_UNKNOWN ? number(plan, id) / MIB : number(plan, id);
}

/* The first remark of that kind, "" where there is none. */
static inline const char *first_remark(const struct plan *plan, bool refusal)
{
	for (size_t i = 0; i < plan->remark_count; i++) {
		if (plan->remarks[i].refusal == refusal)
			return plan->remarks[i].text;
	}
	return "";
}

#endif
