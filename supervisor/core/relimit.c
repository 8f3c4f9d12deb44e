/* SPDX-License-Identifier: Apache-2.0 */
/* relimit: see relimit.h. A set is two keys of the policy and the plan that follows from them, so that `explain`, the
 * next launch and a raise see nothing but a policy. */
#include "supervisor/core/relimit.h"

#include "base/units.h"
#include "heapward/record.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_change.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/raise.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)

/* What it takes instead, as of the key itself. */
static const char *way_to(enum policy_key key)
{
	if (key == KEY_SERVICE_NAME || key == KEY_SERVICE_LISTEN || key == KEY_SERVICE_INSTANCES)
		return "takes a new start; edit the policy, then heapward stop and heapward run";
	if (key == POLICY_KEY_COUNT || policy_change_takes_worker(key))
		return "takes a restart; edit the policy, then heapward reload and heapward restart";
	return "is not set here; edit the policy, then heapward reload, which takes it at once";
}

/* Adds the error where the key is none that can be set; an unknown one is the parser's to explain. */
static bool is_not_ours(const char *setting, struct policy_errors *errors)
{
	char path[POLICY_PATH_MAX];
	snprintf(path, sizeof(path), "%.*s", (int)strcspn(setting, "="), setting);
	enum policy_key key = policy_key_find(path);
	bool variable = strncmp(path, "service.environment.set.", 24) == 0;
	if (key == KEY_MEMORY_MAX || key == KEY_HEAP_OLD_SPACE || (key == POLICY_KEY_COUNT && !variable))
		return false;
	policy_errors_add_file(errors, RELIMIT_SOURCE, false, "%s %s", path, way_to(key));
	return true;
}

static void take(struct relimit_wish *wish, const struct policy *policy)
{
	wish->has_memory_max = policy->origins[KEY_MEMORY_MAX].file[0] != '\0';
	wish->has_old_space = policy->origins[KEY_HEAP_OLD_SPACE].file[0] != '\0';
	wish->memory_max_bytes = policy->memory.max_bytes;
	wish->old_space = policy->heap.old_space;
}

int relimit_read(const char *settings, struct relimit_wish *ret, struct policy_errors *errors)
{
	struct policy policy;
	size_t refusals = errors->refusals;
	policy_init(&policy);
	for (const char *line = settings; *line != '\0'; line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		cleanup_free char *setting = strndup(line, length);
		line += length;
		if (setting != NULL && setting[0] != '\0' && !is_not_ours(setting, errors))
			(void)policy_apply_setting(&policy, RELIMIT_SOURCE, setting, errors);
	}
	take(ret, &policy);
	policy_finish(&policy);
	if (errors->refusals == refusals && !ret->has_memory_max && !ret->has_old_space)
		policy_errors_add_file(errors, RELIMIT_SOURCE, false, "nothing to set; write memory.max=SIZE or "
				       "heap.old_space=SIZE");
	return errors->refusals > refusals ? -1 : 0;
}

void relimit_merge(struct relimit_wish *wish, const struct relimit_wish *over)
{
	if (over->has_memory_max) {
		wish->has_memory_max = true;
		wish->memory_max_bytes = over->memory_max_bytes;
	}
	if (over->has_old_space) {
		wish->has_old_space = true;
		wish->old_space = over->old_space;
	}
}

/* The plan */

/* The end of a long origin says more than its beginning: the file's name, the line. */
static void copy_from(char to[static RELIMIT_FROM_MAX], const char *from)
{
	size_t length = strlen(from), room = RELIMIT_FROM_MAX - 1;
	if (length <= room)
		memcpy(to, from, length + 1);
	else
		snprintf(to, RELIMIT_FROM_MAX, "...%s", from + length - (room - 3));
}

/* What was planned before the first set of this policy. */
static void note_was(struct relimit_change *change, const struct policy *policy, const struct plan *plan,
		     enum plan_number_id id)
{
	char from[160] = "auto";
	bool is_old = id == PLAN_OLD_SPACE;
	if (change->changed)
		return;
	change->was_bytes = plan->numbers[id].value;
	if (!is_old && change->was_bytes == SIZE_NONE)
		snprintf(from, sizeof(from), "none");
	else if (is_old && change->was_bytes == SIZE_UNKNOWN && !plan->adopted_old_space)
		snprintf(from, sizeof(from), "Node's own choice");
	else if (is_old && plan->adopted_old_space)
		snprintf(from, sizeof(from), "%.159s", plan->numbers[id].rule);
	else if (!is_old || policy->heap.old_space.kind != OLD_SPACE_AUTO)
		plan_key_origin(policy, is_old ? KEY_HEAP_OLD_SPACE : KEY_MEMORY_MAX, from, sizeof(from));
	copy_from(change->was_from, from);
}

/* "set while running; was 512 MiB (web.yaml:12)" */
static void set_origin(struct policy *policy, enum policy_key key, const struct relimit_change *change)
{
	struct origin *origin = &policy->origins[key];
	*origin = (struct origin){ 0 };
	if (change->was_bytes >= SIZE_UNKNOWN)
		snprintf(origin->file, sizeof(origin->file), "set while running; was %.80s", change->was_from);
	else
		snprintf(origin->file, sizeof(origin->file), "set while running; was %s (%.80s)", BYTES(change->was_bytes),
			 change->was_from);
}

/* What raises have come to stays for a key that is not named; from then on they begin anew. */
static void keep_raises(const struct relimit_wish *wish, const struct plan *from, const struct raises *raises,
			struct policy *policy)
{
	static const struct origin raised = { .file = "raised before heapward set" };
	const struct raise *last = raises_last(raises);
	if (policy->heap.at_limit != AT_LIMIT_RAISE || raises->count == 0)
		return;
	if (!wish->has_memory_max && from->numbers[PLAN_MEMORY_MAX].value != policy->memory.max_bytes) {
		policy->memory.max_bytes = from->numbers[PLAN_MEMORY_MAX].value;
		policy->origins[KEY_MEMORY_MAX] = raised;
	}
	if (!wish->has_old_space && from->numbers[PLAN_OLD_SPACE].value == last->to_bytes) {
		policy->heap.old_space = (struct old_space){ .kind = OLD_SPACE_BYTES, .bytes = last->to_bytes };
		policy->origins[KEY_HEAP_OLD_SPACE] = raised;
	}
}

static void lay(const struct relimit_wish *wish, const struct relimit *relimit, struct policy *policy)
{
	if (wish->has_memory_max) {
		policy->memory.max_bytes = wish->memory_max_bytes;
		set_origin(policy, KEY_MEMORY_MAX, &relimit->memory_max);
	}
	if (wish->has_old_space) {
		policy->heap.old_space = wish->old_space;
		set_origin(policy, KEY_HEAP_OLD_SPACE, &relimit->old_space);
	}
}

static void mark(struct relimit_change *change, bool asked, uint64_t from_bytes, uint64_t to_bytes)
{
	change->asked = change->asked || asked;
	change->saved = change->saved && !asked;
	change->changed = change->changed || asked || from_bytes != to_bytes;
}

static int check_policy(const struct policy *policy, char *refusal, size_t size)
{
	struct policy_errors errors = { .count = 0 };
	size_t at = 0;
	if (policy_check(policy, &errors) == 0)
		return 0;
	while (errors.list[at].warning)
		at++;
	return raise_refuse(refusal, size, "%s", errors.list[at].text);
}

static int check_plan(const struct relimit_wish *wish, const struct plan *plan, char *refusal, size_t size)
{
	if (wish->has_old_space && !plan->manages_heap)
		return raise_refuse(refusal, size, "there is no old space to set: %s", plan->numbers[PLAN_OLD_SPACE].rule);
	for (size_t i = 0; i < plan->remark_count; i++)
		if (plan->remarks[i].refusal)
			return raise_refuse(refusal, size, "%s", plan->remarks[i].text);
	return 0;
}

/* What all processes need beside each other by the plan, with this old space. 0: not known, or not ours to say. */
static uint64_t need(const struct plan *plan, const struct policy *policy, uint64_t old)
{
	uint64_t reserve = plan->numbers[PLAN_RESERVE].value;
	if (!plan->manages_heap || old >= SIZE_UNKNOWN || reserve >= SIZE_UNKNOWN)
		return 0;
	return policy->heap.processes * (old + reserve + plan->numbers[PLAN_HEADROOM].value);
}

static uint64_t shortfall(uint64_t need_bytes, uint64_t limit_bytes)
{
	return limit_bytes < need_bytes ? need_bytes - limit_bytes : 0;
}

/* An old space that cannot be changed while it runs stays, and has to fit as it is. What did not fit before may stay
 * so, but not become worse. */
static int check_fit(const struct plan *from, const struct plan *to, const struct policy *policy, bool stays,
		     char *refusal, size_t size)
{
	uint64_t was = from->numbers[PLAN_OLD_SPACE].value, limit = to->numbers[PLAN_MEMORY_LIMIT].value;
	uint64_t old = stays && was < SIZE_UNKNOWN ? was : to->numbers[PLAN_OLD_SPACE].value;
	uint64_t needed = need(to, policy, old);
	if (shortfall(needed, limit) <= shortfall(need(from, policy, was), from->numbers[PLAN_MEMORY_LIMIT].value))
		return 0;
	return raise_refuse(refusal, size, "old space %s needs %s%s (reserve %s, headroom %s), and the limit is %s", BYTES(old),
		      BYTES(needed), policy->heap.processes > 1 ? " in all processes" : "",
		      BYTES(to->numbers[PLAN_RESERVE].value), BYTES(to->numbers[PLAN_HEADROOM].value), BYTES(limit));
}

int relimit_plan(const struct relimit_wish *wish, const struct plan *from, const struct host *host,
		 char *const *command, struct policy *policy, struct relimit *relimit, struct plan *ret, char *refusal, size_t size)
{
	struct host settled = *host;
	uint64_t semi = from->numbers[PLAN_SEMI_SPACE].value;
	note_was(&relimit->memory_max, policy, from, PLAN_MEMORY_MAX);
	note_was(&relimit->old_space, policy, from, PLAN_OLD_SPACE);
	keep_raises(wish, from, &host->raises, policy);
	lay(wish, relimit, policy);
	settled.raises = (struct raises){ 0 };
	settled.semi_space_bytes = semi < SIZE_UNKNOWN ? semi : 0;
	plan_resolve(policy, &settled, command, ret);
	mark(&relimit->memory_max, wish->has_memory_max, from->numbers[PLAN_MEMORY_MAX].value,
	     ret->numbers[PLAN_MEMORY_MAX].value);
	mark(&relimit->old_space, wish->has_old_space, from->numbers[PLAN_OLD_SPACE].value,
	     ret->numbers[PLAN_OLD_SPACE].value);
	if (check_plan(wish, ret, refusal, size) < 0 || check_fit(from, ret, policy, false, refusal, size) < 0)
		return -1;
	return check_policy(policy, refusal, size);
}

/* The worker that runs */

/* How much more the worker may then take than it has. */
static int check_room(const struct plan *from, const struct plan *to, const struct policy *policy,
		      const struct host *host, uint64_t in_use, char *refusal, size_t size)
{
	uint64_t max = to->numbers[PLAN_MEMORY_MAX].value, old = to->numbers[PLAN_OLD_SPACE].value;
	uint64_t old_before = from->numbers[PLAN_OLD_SPACE].value;
	uint32_t instances = policy->service.instances;
	char what[160], room[200], each[40] = "";
	if (instances > 1)
		snprintf(each, sizeof(each), " for each of %" PRIu32 " instances", instances);
	if (max < SIZE_UNKNOWN && max > from->numbers[PLAN_MEMORY_MAX].value && in_use < SIZE_UNKNOWN) {
		snprintf(what, sizeof(what), "memory.max %s - in use %s%s", BYTES(max), BYTES(in_use / MIB * MIB), each);
		if (!plan_memory_has(host, instances * shortfall(max, in_use), what, room, sizeof(room)))
			return raise_refuse(refusal, size, "%s", room);
	}
	if (old < SIZE_UNKNOWN && old_before < SIZE_UNKNOWN && old > old_before) {
		snprintf(what, sizeof(what), "old space %s - %s before%s", BYTES(old), BYTES(old_before), each);
		uint64_t more = instances * policy->heap.processes * (old - old_before);
		if (!plan_memory_has(host, more, what, room, sizeof(room)))
			return raise_refuse(refusal, size, "%s", room);
	}
	return 0;
}

int relimit_check(const struct relimit_wish *wish, const struct plan *from, const struct plan *to,
		  const struct policy *policy, const struct host *host, const struct relimit_figures *figures,
		  char *refusal, size_t size)
{
	uint64_t max = to->numbers[PLAN_MEMORY_MAX].value, old = to->numbers[PLAN_OLD_SPACE].value;
	bool stays = figures->cannot[0] != '\0';
	if (wish->has_old_space && stays && old != from->numbers[PLAN_OLD_SPACE].value)
		return raise_refuse(refusal, size, "old space cannot be changed while it runs: %s", figures->cannot);
	if (max < from->numbers[PLAN_MEMORY_MAX].value && figures->in_use_bytes < SIZE_UNKNOWN && figures->in_use_bytes > max)
		return raise_refuse(refusal, size, "memory.max %s is below what is in use: %s", BYTES(max),
			      BYTES(figures->in_use_bytes / MIB * MIB));
	if (stays && check_fit(from, to, policy, true, refusal, size) < 0)
		return -1;
	if (!stays && old < from->numbers[PLAN_OLD_SPACE].value && figures->live_bytes < SIZE_UNKNOWN &&
	    figures->live_bytes > old)
		return raise_refuse(refusal, size, "old space %s is below what lives in it after a full collection: %s", BYTES(old),
			      BYTES(figures->live_bytes / MIB * MIB));
	return check_room(from, to, policy, host, figures->in_use_bytes, refusal, size);
}

uint64_t relimit_in_effect(const struct reporter *reporter, uint64_t young_bytes)
{
	uint64_t limit = reporter->heap_size_limit_bytes, rest = young_bytes + reporter->granted_bytes;
	return limit >= SIZE_UNKNOWN || young_bytes >= SIZE_UNKNOWN || limit < rest ? SIZE_UNKNOWN : limit - rest;
}

bool relimit_is_taken(const struct reporter *reporter, uint64_t young_bytes)
{
	return reporter->limit_state == HEAPWARD_LIMIT_TAKEN ||
	       (reporter->limit_state == HEAPWARD_LIMIT_WAITS &&
		relimit_in_effect(reporter, young_bytes) == reporter->asked_old_space_bytes);
}

/* The drop-in */

static void print(char *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void print(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, RELIMIT_DROP_IN_MAX - length, format, args);
	va_end(args);
}

static void print_size(char *text, const char *key, uint64_t bytes)
{
	if (bytes == SIZE_NONE)
		print(text, "  %s: none\n", key);
	else
		print(text, "  %s: %" PRIu64 "%s\n", key, bytes % MIB == 0 ? bytes / MIB : bytes / KIB,
		      bytes % MIB == 0 ? "M" : "K");
}

void relimit_drop_in(const struct relimit_wish *wish, char text[static RELIMIT_DROP_IN_MAX])
{
	text[0] = '\0';
	print(text, "# Written by heapward set --save, which writes it anew. Without this file the policy counts again.\n"
	      "version: %d\n", POLICY_VERSION);
	if (wish->has_memory_max) {
		print(text, "memory:\n");
		print_size(text, "max", wish->memory_max_bytes);
	}
	if (!wish->has_old_space)
		return;
	print(text, "heap:\n");
	if (wish->old_space.kind == OLD_SPACE_BYTES)
		print_size(text, "old_space", wish->old_space.bytes);
	else if (wish->old_space.kind == OLD_SPACE_PERCENT)
		print(text, "  old_space: %" PRIu32 "%% of memory.max\n", wish->old_space.percent);
	else
		print(text, "  old_space: auto\n");
}

int relimit_drop_in_read(const char *file, const char *text, size_t length, struct relimit_wish *ret,
			 struct policy_errors *errors)
{
	struct policy policy;
	policy_init(&policy);
	int result = policy_apply_text(&policy, file, text, length, errors);
	for (enum policy_key key = 0; key < POLICY_KEY_COUNT; key++) {
		if (policy.origins[key].file[0] == '\0' || key == KEY_MEMORY_MAX || key == KEY_HEAP_OLD_SPACE)
			continue;
		char path[POLICY_PATH_MAX];
		policy_key_path(key, path);
		policy_errors_add_key(errors, &policy, key, false, "%s: this file is for heapward set --save alone; move the "
				      "key to another one", path);
		result = -1;
	}
	take(ret, &policy);
	policy_finish(&policy);
	return result;
}

void relimit_saved(struct relimit *relimit, const struct relimit_wish *wish)
{
	relimit->memory_max.saved = relimit->memory_max.saved || wish->has_memory_max;
	relimit->old_space.saved = relimit->old_space.saved || wish->has_old_space;
}

const char *relimit_unsaved(const struct relimit *relimit)
{
	bool max = relimit->memory_max.asked && !relimit->memory_max.saved;
	bool old = relimit->old_space.asked && !relimit->old_space.saved;
	return max && old ? "memory.max, heap.old_space" : max ? "memory.max" : old ? "heap.old_space" : "";
}

bool relimit_holds(const struct relimit_wish *wish, const struct policy *policy)
{
	const struct old_space *wanted = &wish->old_space, *loaded = &policy->heap.old_space;
	if (wish->has_memory_max && wish->memory_max_bytes != policy->memory.max_bytes)
		return false;
	return !wish->has_old_space ||
	       (wanted->kind == loaded->kind && wanted->bytes == loaded->bytes && wanted->percent == loaded->percent);
}
