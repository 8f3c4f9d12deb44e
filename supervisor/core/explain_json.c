/* SPDX-License-Identifier: Apache-2.0 */
/* explain_json: a plan as the JSON that scripts read; see explain.h. Keys never vanish; unknown and none are null. */
#include "supervisor/core/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"

/* Length of the UTF-8 sequence at `at`, 0 where it is none. Overlong forms and surrogates pass: they harm nobody here. */
static size_t utf8_length(const unsigned char *at)
{
	size_t length = *at < 0x80 ? 1 : *at >= 0xc2 && *at < 0xe0 ? 2 : *at >= 0xe0 && *at < 0xf0 ? 3 :
			*at >= 0xf0 && *at < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* A JSON string of any bytes: what is no UTF-8 becomes '?'. NULL where memory is out. */
static struct json_object *text_of(const char *bytes)
{
	cleanup_free char *copy = strdup(bytes);
	if (copy == NULL)
		return NULL;
	for (unsigned char *at = (unsigned char *)copy; *at != '\0';) {
		size_t length = utf8_length(at);
		if (length == 0)
			*at = '?';
		at += length == 0 ? 1 : length;
	}
	return json_object_new_string(copy);
}

static struct json_object *value_of(enum plan_unit unit, uint64_t value)
{
	char seconds[32];
	if (value == SIZE_NONE || value == SIZE_UNKNOWN)
		return NULL;
	if (unit != UNIT_USEC)
		return json_object_new_uint64(value);
	snprintf(seconds, sizeof(seconds), "%" PRIu64 ".%03" PRIu64, value / 1000000, value % 1000000 / 1000);
	return json_object_new_double_s((double)value / 1e6, seconds);
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
	json_object_object_add(object, "name", text_of(input->name));
	json_object_object_add(object, "value", value_of(input->unit, input->value));
	json_object_object_add(object, "unit", json_object_new_string(unit_name(input->unit)));
	json_object_object_add(object, "from", text_of(input->from));
	return object;
}

static struct json_object *number_of(const struct plan *plan, enum plan_number_id id)
{
	const struct plan_number *number = &plan->numbers[id];
	struct json_object *object = json_object_new_object(), *inputs = json_object_new_array();
	for (size_t i = 0; i < number->input_count; i++)
		json_object_array_add(inputs, input_of(&number->inputs[i]));
	json_object_object_add(object, "name", json_object_new_string(plan_number_name(id)));
	json_object_object_add(object, "value", value_of(number->unit, number->value));
	json_object_object_add(object, "unit", json_object_new_string(unit_name(number->unit)));
	json_object_object_add(object, "rule", text_of(number->rule));
	json_object_object_add(object, "inputs", inputs);
	return object;
}

static struct json_object *remarks_of(const struct plan *plan, bool refusals)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < plan->remark_count; i++) {
		if (plan->remarks[i].refusal == refusals)
			json_object_array_add(array, text_of(plan->remarks[i].text));
	}
	return array;
}

static struct json_object *node_of(const struct host_runtime *runtime)
{
	struct json_object *object = json_object_new_object();
	char version[48];
	snprintf(version, sizeof(version), "%d.%d.%d", runtime->major, runtime->minor, runtime->patch);
	json_object_object_add(object, "path", runtime->found ? text_of(runtime->path) : NULL);
	json_object_object_add(object, "version", runtime->major != 0 ? text_of(version) : NULL);
	json_object_object_add(object, "problem", runtime->problem[0] != '\0' ? text_of(runtime->problem) : NULL);
	return object;
}

static struct json_object *cgroup_of(const struct plan *plan, const struct host *host)
{
	struct json_object *object = json_object_new_object();
	const char *base = host->level_count > 0 ? host->levels[0].path : NULL;
	json_object_object_add(object, "version", json_object_new_string(cgroup_version_name(host->cgroup_version)));
	json_object_object_add(object, "base", base != NULL ? text_of(base) : NULL);
	json_object_object_add(object, "writable", json_object_new_boolean(host->cgroup_writable));
	json_object_object_add(object, "enforced", json_object_new_boolean(plan->enforced));
	json_object_object_add(object, "problem", host->cgroup_problem[0] != '\0' ? text_of(host->cgroup_problem) : NULL);
	return object;
}

static struct json_object *sandbox_of(const struct policy *policy)
{
	struct json_object *object = json_object_new_object();
	const char *user = policy->sandbox.user, *capabilities = policy->sandbox.capabilities;
	if (capabilities == NULL)
		capabilities = "unchanged";
	json_object_object_add(object, "user", user != NULL ? text_of(user) : NULL);
	json_object_object_add(object, "capabilities", text_of(capabilities[0] != '\0' ? capabilities : "none"));
	json_object_object_add(object, "syscalls",
			       json_object_new_string(policy->sandbox.syscalls == SYSCALLS_COMPAT ? "compat" : "none"));
	json_object_object_add(object, "no_new_privs", json_object_new_boolean(true));
	return object;
}

static struct json_object *node_options_of(const struct plan *plan, const struct host *host)
{
	char options[2 * HOST_OPTIONS_MAX];
	const char *gap = plan->node_options[0] != '\0' && host->node_options[0] != '\0' ? " " : "";
	if (!plan->manages_heap)
		return host->node_options[0] != '\0' ? text_of(host->node_options) : NULL;
	snprintf(options, sizeof(options), "%s%s%s", plan->node_options, gap, host->node_options);
	return options[0] != '\0' ? text_of(options) : NULL;
}

char *explain_json(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name)
{
	struct json_object *object = json_object_new_object(), *numbers = json_object_new_array();
	if (object == NULL || numbers == NULL)
		return NULL;
	for (unsigned id = 0; id < PLAN_NUMBER_COUNT; id++)
		json_object_array_add(numbers, number_of(plan, (enum plan_number_id)id));
	json_object_object_add(object, "schema", json_object_new_int(1));
	json_object_object_add(object, "name", text_of(name));
	json_object_object_add(object, "startable", json_object_new_boolean(plan_is_startable(plan)));
	json_object_object_add(object, "bare", json_object_new_boolean(plan->bare));
	json_object_object_add(object, "numbers", numbers);
	json_object_object_add(object, "warnings", remarks_of(plan, false));
	json_object_object_add(object, "refusals", remarks_of(plan, true));
	json_object_object_add(object, "node_options", node_options_of(plan, host));
	json_object_object_add(object, "node", node_of(&host->runtime));
	json_object_object_add(object, "cgroup", cgroup_of(plan, host));
	json_object_object_add(object, "sandbox", sandbox_of(policy));
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	char *copy = text != NULL ? strdup(text) : NULL;
	json_object_put(object);
	return copy;
}
