/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json: a plan as the JSON that scripts read; see explain.h. Keys never vanish; unknown and none are null. */
#include "supervisor/core/explain.h"
#include "supervisor/core/explain_sandbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "supervisor/core/fence.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/readiness.h"

static struct json_object *value_of(enum plan_unit unit, uint64_t value)
{
	if (unit != UNIT_USEC || value == SIZE_NONE || value == SIZE_UNKNOWN)
		return json_size(value);
	return json_seconds((int64_t)value);
}

static const char *unit_name(enum plan_unit unit)
{
	static const char *const names[] = {
		[UNIT_BYTES] = "bytes", [UNIT_USEC] = "seconds", [UNIT_COUNT] = "count", [UNIT_PERCENT] = "percent"
	};
	return names[unit];
}

static struct json_object *input_of(const struct plan_input *input)
{
	struct json_object *object = json_object_new_object();
	json_put(object, "name", json_text(input->name));
	json_put(object, "value", value_of(input->unit, input->value));
	json_put(object, "unit", json_object_new_string(unit_name(input->unit)));
	json_put(object, "from", json_text(input->from));
	return object;
}

static struct json_object *number_of(const struct plan *plan, enum plan_number_id id)
{
	const struct plan_number *number = &plan->numbers[id];
	struct json_object *object = json_object_new_object(), *inputs = json_object_new_array();
	for (size_t i = 0; i < number->input_count; i++)
		json_object_array_add(inputs, input_of(&number->inputs[i]));
	json_put(object, "name", json_object_new_string(plan_number_name(id)));
	json_put(object, "value", value_of(number->unit, number->value));
	json_put(object, "unit", json_object_new_string(unit_name(number->unit)));
	json_put(object, "rule", json_text(number->rule));
	json_put(object, "inputs", inputs);
	return object;
}

static struct json_object *remarks_of(const struct plan *plan, bool refusals)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < plan->remark_count; i++) {
		if (plan->remarks[i].refusal == refusals)
			json_object_array_add(array, json_text(plan->remarks[i].text));
	}
	return array;
}

static struct json_object *node_of(const struct host_runtime *runtime)
{
	struct json_object *object = json_object_new_object();
	char version[48];
	snprintf(version, sizeof(version), "%d.%d.%d", runtime->major, runtime->minor, runtime->patch);
	json_put(object, "path", runtime->found ? json_text(runtime->path) : NULL);
	json_put(object, "version", runtime->major != 0 ? json_text(version) : NULL);
	json_put(object, "problem", runtime->problem[0] != '\0' ? json_text(runtime->problem) : NULL);
	return object;
}

static struct json_object *cgroup_of(const struct plan *plan, const struct host *host)
{
	struct json_object *object = json_object_new_object();
	const char *base = host->level_count > 0 ? host->levels[0].path : NULL;
	json_put(object, "version", json_object_new_string(cgroup_version_name(host->cgroup_version)));
	json_put(object, "base", base != NULL ? json_text(base) : NULL);
	json_put(object, "writable", json_object_new_boolean(host->cgroup_writable));
	json_put(object, "enforced", json_object_new_boolean(plan->enforced));
	json_put(object, "problem", host->cgroup_problem[0] != '\0' ? json_text(host->cgroup_problem) : NULL);
	return object;
}

static struct json_object *sockets_of(const struct plan *plan, const struct policy *policy)
{
	struct json_object *array = json_object_new_array();
	bool by_fds = plan_hands_over_listen_fds(plan);
	for (size_t i = 0; i < policy->service.listen.count; i++) {
		struct json_object *object = json_object_new_object();
		json_put(object, "address", json_text(policy->service.listen.list[i].text));
		json_put(object, "descriptor", json_number((int)i + (by_fds ? LISTEN_FDS_FIRST : LISTEN_WORKER_FD)));
		json_put(object, "handed_over", json_object_new_string(by_fds ? "listen_fds" : "agent"));
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *replacement_of(const struct policy *policy)
{
	static const char *const near_limits[] = {
		[NEAR_LIMIT_REPLACE] = "replace", [NEAR_LIMIT_RESTART] = "restart", [NEAR_LIMIT_REPORT] = "report"
	};
	struct json_object *object = json_object_new_object();
	struct ready_when ready = plan_ready(policy);
	char name[READY_PATH_MAX + 16];
	json_put(object, "near_limit", json_object_new_string(near_limits[plan_near_limit(policy)]));
	json_put(object, "second_worker", json_object_new_boolean(plan_replaces(policy)));
	json_put(object, "drains", json_object_new_boolean(plan_drains(policy)));
	json_put(object, "ready", json_object_new_string(readiness_name(&ready, name, sizeof(name))));
	return object;
}

static struct json_object *sandbox_of(const struct plan_fence *fence, const struct policy *policy)
{
	char line[FENCE_TEXT_MAX];
	struct json_object *object = json_object_new_object();
	const char *user = policy->sandbox.user, *capabilities = policy->sandbox.capabilities;
	if (capabilities == NULL)
		capabilities = "unchanged";
	json_put(object, "user", user != NULL ? json_text(user) : NULL);
	json_put(object, "capabilities", json_text(capabilities[0] != '\0' ? capabilities : "none"));
	json_put(object, "syscalls",
		 json_text(policy_syscalls(policy)));
	json_put(object, "violation", json_text(policy_violation_name(policy->sandbox.violation)));
	json_put(object, "no_new_privs", json_object_new_boolean(true));
	fence_files_text(fence, line);
	json_put(object, "files", json_text(line));
	fence_network_text(policy, fence, line);
	json_put(object, "network", json_text(line));
	json_put(object, "landlock_abi", fence->landlock_abi > 0 ? json_number((int64_t)fence->landlock_abi) : NULL);
	return object;
}

static struct json_object *node_options_of(const struct plan *plan, const struct host *host)
{
	char options[2 * HOST_OPTIONS_MAX];
	const char *gap = plan->node_options[0] != '\0' && host->node_options[0] != '\0' ? " " : "";
	if (!plan->manages_heap)
		return host->node_options[0] != '\0' ? json_text(host->node_options) : NULL;
	snprintf(options, sizeof(options), "%s%s%s", plan->node_options, gap, host->node_options);
	return options[0] != '\0' ? json_text(options) : NULL;
}

char *explain_json(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name)
{
	struct json_object *object = json_object_new_object(), *numbers = json_object_new_array();
	if (object == NULL || numbers == NULL)
		return NULL;
	for (unsigned id = 0; id < PLAN_NUMBER_COUNT; id++)
		json_object_array_add(numbers, number_of(plan, (enum plan_number_id)id));
	json_put(object, "schema", json_object_new_int(1));
	json_put(object, "name", json_text(name));
	json_put(object, "startable", json_object_new_boolean(plan_is_startable(plan)));
	json_put(object, "bare", json_object_new_boolean(plan->bare));
	json_put(object, "numbers", numbers);
	json_put(object, "warnings", remarks_of(plan, false));
	json_put(object, "refusals", remarks_of(plan, true));
	json_put(object, "node_options", node_options_of(plan, host));
	json_put(object, "node", node_of(&host->runtime));
	json_put(object, "cgroup", cgroup_of(plan, host));
	json_put(object, "sockets", sockets_of(plan, policy));
	json_put(object, "replacement", replacement_of(policy));
	json_put(object, "sandbox", sandbox_of(&plan->fence, policy));
	json_put(object, "confinement", explain_confinement(plan, policy, host));
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *copy = text != NULL ? strdup(text) : NULL;
	json_object_put(object);
	return copy;
}
