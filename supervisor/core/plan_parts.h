/* SPDX-License-Identifier: Apache-2.0 */
/* plan_parts: what the files plan*.c share: numbers with rule and inputs, remarks, and the state of one resolution.
 * Private to them. */
#ifndef SUPERVISOR_CORE_PLAN_PARTS_H
#define SUPERVISOR_CORE_PLAN_PARTS_H

#include "supervisor/core/plan.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

/* One of the user's own V8 options. */
struct node_flag {
	bool given;
	uint64_t value; /* bytes; of percent: hundredths of a percent */
	const char *from; /* "NODE_OPTIONS" or "command line" */
	char text[64];  /* as written: "--max-old-space-size=64" */
};

struct node_flags {
	struct node_flag old_space, semi_space, heap_size, percent;
	bool snapshot_near_limit;
	const char *snapshot_from;
	bool permission; /* --permission, or --experimental-permission */
};

/* One resolution under way. */
struct planning {
	const struct policy *policy;
	const struct host *host;
	struct plan *plan;
	struct plan_input limit;  /* MEMORY_LIMIT as an input; value SIZE_NONE where nothing limits */
	bool limit_is_ours;       /* it is the policy's own memory.max */
	bool runs_node;           /* the command is node itself, not a launcher */
	struct node_flags flags;
};

/* Sets value, unit and rule, and drops the inputs that were there. */
void plan_set(struct plan *plan, enum plan_number_id id, enum plan_unit unit, uint64_t value, const char *rule, ...)
	PRINTF_LIKE(5, 6);

/* Adds an input; `from` may be "". The name is how the rule calls it. */
void plan_input(struct plan *plan, enum plan_number_id id, const struct plan_input *input);
void plan_input_bytes(struct plan *plan, enum plan_number_id id, const char *name, uint64_t value, const char *from);

/* Sets a number that is a policy key as it stands. */
void plan_set_key(struct planning *planning, enum plan_number_id id, enum plan_unit unit, uint64_t value,
		  enum policy_key key);

/* "memory.max" */
const char *plan_key_name(enum policy_key key);

/* Remarks. Beyond PLAN_REMARKS_MAX a warning is dropped, a refusal takes the last place. */
void plan_warn(struct plan *plan, const char *format, ...) PRINTF_LIKE(2, 3);
void plan_refuse(struct plan *plan, const char *format, ...) PRINTF_LIKE(2, 3);

/* The steps of plan_resolve, in this order. */
void plan_flags_find(struct planning *planning, char *const *command);
void plan_memory_resolve(struct planning *planning);
void plan_heap_resolve(struct planning *planning);
void plan_memory_need(struct planning *planning);
void plan_replace_rules(const struct plan *plan, const struct policy *policy, struct rules *ret);
void plan_replace_resolve(struct planning *planning);
void plan_early_resolve(struct planning *planning);
void plan_instances_resolve(struct planning *planning);
void plan_fence_resolve(struct planning *planning); /* plan_fence.c */

#endif
