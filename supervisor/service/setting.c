/* SPDX-License-Identifier: Apache-2.0 */
/* setting: `heapward set`: memory.max and old space of a service that runs. First everything that could refuse is
 * asked, then the drop-in, then the kernel; only when all of that has gone well does the service's own policy change,
 * and V8 is told. What V8 makes of it comes back as an event. */
#include "supervisor/service/setting_internal.h"

#include "base/units.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/raise.h"
#include "supervisor/edge/host_probe.h"

#include <stdarg.h>
#include <string.h>

#define BYTES(value) plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, value)

int setting_refuse(struct setting *setting, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(setting->refusal, sizeof(setting->refusal), format, args);
	va_end(args);
	return -1;
}

static bool lives(const struct worker_run *run)
{
	return run->id != 0 && !run->exited && !run->killing;
}

static int read_request(struct setting *setting, const char *argument)
{
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	const char *settings = strchr(argument, '\n');
	if (errors == NULL || settings == NULL)
		return setting_refuse(setting, errors == NULL ? "memory is out" : "nothing to set");
	setting->save = strncmp(argument, CONTROL_SET_SAVE "\n", strlen(CONTROL_SET_SAVE) + 1) == 0;
	if (relimit_read(settings + 1, &setting->wish, errors) == 0)
		return 0;
	return setting_refuse(setting, "%s", errors->list[0].text);
}

/* Why the old space of a worker that lives cannot be changed, "" where it can. */
static void look_at_reporters(const struct worker_run *run, struct setting *setting)
{
	size_t takes = 0, servers = run->has_records ? records_servers(&run->records, &takes) : 0;
	if (!setting->now.setup->plan->manages_heap)
		return;
	if (!run->agent_loaded)
		snprintf(setting->cannot, sizeof(setting->cannot), "the agent is not loaded: %.200s",
			 run->service->agent_problem);
	else if (takes < servers)
		snprintf(setting->cannot, sizeof(setting->cannot), "%zu of %zu processes cannot be told (heapward status %s "
			 "says why)", servers - takes, servers, setting->now.setup->name);
	for (size_t i = 0; run->has_records && i < run->records.reporter_count; i++) {
		const struct reporter *reporter = &run->records.reporters[i];
		uint64_t live = reporter->last.at_usec == 0 ? SIZE_UNKNOWN : reporter->last.after_full_gc_bytes;
		if (reporter->main_isolate && !reporter->launcher && !reporter->closed && live < SIZE_UNKNOWN &&
		    (setting->figures.live_bytes == SIZE_UNKNOWN || live > setting->figures.live_bytes))
			setting->figures.live_bytes = live;
	}
}

static void look_at_workers(struct service *service, struct setting *setting)
{
	struct relimit_figures *figures = &setting->figures;
	*figures = (struct relimit_figures){ SIZE_UNKNOWN, SIZE_UNKNOWN, setting->cannot };
	for (size_t i = 0; i < service->run_count; i++) {
		const struct worker_run *run = &service->runs[i];
		if (!lives(run))
			continue;
		uint64_t kept = run->has_group ? cgroup_read_kept(&run->group) : SIZE_UNKNOWN;
		if (kept < SIZE_UNKNOWN && (figures->in_use_bytes == SIZE_UNKNOWN || kept > figures->in_use_bytes))
			figures->in_use_bytes = kept;
		look_at_reporters(run, setting);
	}
}

/* A reloaded policy that waits for the next start was loaded before this: it is changed as well. */
static int plan_anew(struct service *service, struct setting *setting, struct setting_of *of,
		     struct service_setup *setup)
{
	of->setup = setup;
	if (setup == NULL)
		return 0;
	of->policy = *setup->policy;
	of->relimit = setup->relimit;
	host_probe_memory(setup->host);
	cgroup_tree_describe(&service->tree, setup->host);
	return relimit_plan(&setting->wish, setup->plan, setup->host, setup->command, &of->policy, &of->relimit, &of->plan,
			    setting->refusal, sizeof(setting->refusal));
}

static int check(struct service *service, struct setting *setting)
{
	const struct setting_of *now = &setting->now;
	uint64_t max = now->plan.numbers[PLAN_MEMORY_MAX].value;
	if (!service->has_groups && max != now->setup->plan->numbers[PLAN_MEMORY_MAX].value)
		return setting_refuse(setting, "memory.max: no cgroup of its own here%s%s",
				      service->tree.problem[0] != '\0' ? ": " : "", service->tree.problem);
	return relimit_check(&setting->wish, now->setup->plan, &now->plan, &now->policy, now->setup->host,
			     &setting->figures, setting->refusal, sizeof(setting->refusal));
}

static int set_group(struct worker_run *run, const struct plan *plan, struct failure *why)
{
	if (!lives(run) || !run->has_group)
		return 0;
	return cgroup_set_memory(&run->group, plan->numbers[PLAN_MEMORY_MAX].value,
				 plan->numbers[PLAN_MEMORY_SWAP].value, why);
}

/* All groups or none. */
static int set_groups(struct service *service, struct setting *setting)
{
	const struct plan *before = setting->now.setup->plan;
	struct failure why, ignored;
	if (before->numbers[PLAN_MEMORY_MAX].value == setting->now.plan.numbers[PLAN_MEMORY_MAX].value)
		return 0;
	for (size_t i = 0; i < service->run_count; i++) {
		if (set_group(&service->runs[i], &setting->now.plan, &why) == 0)
			continue;
		while (i-- > 0)
			(void)set_group(&service->runs[i], before, &ignored);
		return setting_refuse(setting, "%s", why.text);
	}
	return 0;
}

/* From here on nothing refuses. */
static void take_over(struct setting_of *of)
{
	struct policy *policy = of->setup == NULL ? NULL : of->setup->policy;
	if (policy == NULL)
		return;
	policy->memory.max_bytes = of->policy.memory.max_bytes;
	policy->heap.old_space = of->policy.heap.old_space;
	policy->origins[KEY_MEMORY_MAX] = of->policy.origins[KEY_MEMORY_MAX];
	policy->origins[KEY_HEAP_OLD_SPACE] = of->policy.origins[KEY_HEAP_OLD_SPACE];
	*of->setup->plan = of->plan;
	of->setup->relimit = of->relimit;
	of->setup->host->raises = (struct raises){ 0 };
	raise_policy(policy, of->setup->host->raises.policy);
}

static void tell_memory_max(struct service *service, const struct setting *setting, uint64_t from, uint64_t to)
{
	struct notice notice = tell_notice(service, NOTICE_LIMIT_SET, NULL);
	snprintf(notice.message, sizeof(notice.message), "memory.max %s -> %s", BYTES(from), BYTES(to));
	tell_add_text(&notice, "limit", "memory.max");
	tell_add_size(&notice, "from_bytes", from);
	tell_add_size(&notice, "to_bytes", to);
	tell_add_truth(&notice, "in_effect", true);
	tell_add_truth(&notice, "saved", setting->save);
	tell(service, &notice);
}

/* Returns how many processes were told. */
static size_t tell_processes(struct service *service, uint64_t old_bytes)
{
	size_t told = 0;
	for (size_t i = 0; i < service->run_count; i++) {
		struct worker_run *run = &service->runs[i];
		if (!lives(run) || !run->has_records || !run->agent_loaded)
			continue;
		run->old_space_before_bytes = run->records.old_space_bytes > 0 ? run->records.old_space_bytes
									      : run->old_space_bytes;
		told += records_send_old_space(&run->records, old_bytes);
	}
	return told;
}

/* What is watched follows the limits. */
static void watch_again(struct service *service)
{
	for (size_t i = 0; i < service->run_count; i++) {
		if (!lives(&service->runs[i]))
			continue;
		warning_set(&service->runs[i]);
		if (!service->runs[i].watched)
			continue;
		warning_end(&service->runs[i]);
		warning_look(&service->runs[i]);
	}
}

/* As the start has it. */
#define OLD_SPACE(value) ((value) == SIZE_UNKNOWN ? "Node's own choice" : BYTES(value))

static void say_old_space(const struct setting *setting, uint64_t from, uint64_t to, size_t told, FILE *text)
{
	if (to >= SIZE_UNKNOWN)
		fprintf(text, "old space stays as it is until the next start, which leaves it to Node\n");
	else if (setting->cannot[0] != '\0')
		fprintf(text, "old space %s -> %s from the next start: %s\n", OLD_SPACE(from), BYTES(to), setting->cannot);
	else if (told == 0)
		fprintf(text, "old space %s -> %s from the next start of a process\n", OLD_SPACE(from), BYTES(to));
	else
		fprintf(text, "old space %s -> %s: %zu process%s told; heapward status %s says what V8 has made of it\n",
			OLD_SPACE(from), BYTES(to), told, told == 1 ? "" : "es", setting->now.setup->name);
}

/* Commits, and says in `text` what has changed. */
static void commit(struct service *service, struct setting *setting, FILE *text)
{
	const struct plan_number *before = setting->now.setup->plan->numbers;
	uint64_t max_from = before[PLAN_MEMORY_MAX].value, old_from = before[PLAN_OLD_SPACE].value;
	uint64_t max = setting->now.plan.numbers[PLAN_MEMORY_MAX].value, old = setting->now.plan.numbers[PLAN_OLD_SPACE].value;
	take_over(&setting->now);
	take_over(&setting->next);
	service->plan_again = true;
	if (max != max_from) {
		tell_memory_max(service, setting, max_from, max);
		fprintf(text, "memory.max %s -> %s\n", BYTES(max_from), BYTES(max));
	}
	if (old != old_from) {
		bool tellable = old < SIZE_UNKNOWN && setting->cannot[0] == '\0';
		say_old_space(setting, old_from, old, tellable ? tell_processes(service, old) : 0, text);
	}
	if (max == max_from && old == old_from)
		fprintf(text, "nothing changes\n");
	watch_again(service);
	const char *unsaved = setting->save ? relimit_unsaved(&service->setup->relimit) : "";
	if (setting->save)
		fprintf(text, "saved in %s%s%s\n", setting->drop_in.file, setting->drop_in.taken_over[0] == '\0' ? "" : "; ",
			setting->drop_in.taken_over);
	if (unsaved[0] != '\0')
		fprintf(text, "not saved: %s, as set before without --save\n", unsaved);
}

static int make(struct service *service, struct setting *setting, const char *argument)
{
	if (read_request(setting, argument) < 0)
		return -1;
	if (plan_anew(service, setting, &setting->now, service->setup) < 0 ||
	    plan_anew(service, setting, &setting->next, service->next_setup) < 0)
		return -1;
	look_at_workers(service, setting);
	if (check(service, setting) < 0 || setting_save(service, setting) < 0)
		return -1;
	if (set_groups(service, setting) == 0)
		return 0;
	setting_save_undo(setting);
	return -1;
}

int setting_change(struct service *service, const char *argument, char **ret_text)
{
	size_t length = 0;
	cleanup_free struct setting *setting = calloc(1, sizeof(*setting));
	FILE *text = open_memstream(ret_text, &length);
	if (setting == NULL || text == NULL) {
		if (text != NULL)
			fclose(text);
		return -1;
	}
	int result = make(service, setting, argument);
	if (result == 0)
		commit(service, setting, text);
	else
		fputs(setting->refusal, text);
	setting_save_finish(setting);
	fclose(text);
	return result;
}

/* What V8 has made of it */

static void describe(const struct worker_run *run, const struct reporter *reporter,
		     const struct heapward_record_limit *limit, char *text, size_t size)
{
	uint64_t from = run->old_space_before_bytes, to = limit->old_space_bytes;
	uint64_t now = relimit_in_effect(reporter, run->young_bytes);
	if (relimit_is_taken(reporter, run->young_bytes))
		snprintf(text, size, "old space %s -> %s", OLD_SPACE(from), BYTES(to));
	else if (limit->state == HEAPWARD_LIMIT_REFUSED)
		snprintf(text, size, "old space %s -> %s: V8 does not ask us at its limit: from the next start", OLD_SPACE(from),
			 BYTES(to));
	else if ((now < SIZE_UNKNOWN ? now : from) > to)
		snprintf(text, size, "old space %s -> %s: more is in use; V8's limit goes down as far as it can, and again "
			 "after each full collection", OLD_SPACE(from), BYTES(to));
	else
		snprintf(text, size, "old space %s -> %s: V8 takes it when the heap comes to the limit that it has",
			 OLD_SPACE(from), BYTES(to));
}

void setting_answered(struct worker_run *run, const struct reporter *reporter,
		      const struct heapward_record_limit *limit)
{
	struct notice notice = tell_notice(run->service, NOTICE_LIMIT_SET, run);
	notice.pid = reporter->pid;
	describe(run, reporter, limit, notice.message, sizeof(notice.message));
	tell_add_text(&notice, "limit", "heap.old_space");
	tell_add_size(&notice, "from_bytes", run->old_space_before_bytes);
	tell_add_size(&notice, "to_bytes", limit->old_space_bytes);
	tell_add_size(&notice, "heap_size_limit_bytes", limit->limit_bytes);
	tell_add_truth(&notice, "in_effect", relimit_is_taken(reporter, run->young_bytes));
	tell(run->service, &notice);
}

/* False where a process has another old space than the set one; *ret_bytes is what it has. */
static bool run_has_old_space(const struct worker_run *run, uint64_t bytes, uint64_t *ret_bytes)
{
	bool has = true;
	for (size_t i = 0; run->has_records && i < run->records.reporter_count; i++) {
		const struct reporter *reporter = &run->records.reporters[i];
		if (!reporter->main_isolate || reporter->launcher || reporter->closed)
			continue;
		if (reporter->asked_old_space_bytes == bytes ? relimit_is_taken(reporter, run->young_bytes)
							     : run->old_space_bytes == bytes)
			continue;
		*ret_bytes = relimit_in_effect(reporter, run->young_bytes);
		has = false;
	}
	return has;
}

static void fill_old_space(struct service *service, struct status_set *set)
{
	for (size_t i = 0; i < service->run_count; i++)
		if (lives(&service->runs[i]) && !run_has_old_space(&service->runs[i], set->bytes, &set->in_effect_bytes))
			set->in_effect = false;
}

static void fill_one(const struct relimit_change *change, uint64_t bytes, const char *key, struct status_set *ret)
{
	*ret = (struct status_set){
		.key = key,
		.bytes = bytes,
		.was_bytes = change->was_bytes,
		.was_from = change->was_from,
		.asked = change->asked,
		.saved = change->saved,
		.in_effect = true, /* the kernel has taken it, or the set was refused */
		.in_effect_bytes = SIZE_UNKNOWN,
	};
}

size_t setting_fill(struct service *service, struct status_set ret[static 2])
{
	const struct relimit *relimit = &service->setup->relimit;
	const struct plan_number *numbers = service->setup->plan->numbers;
	size_t count = 0;
	if (relimit->memory_max.changed)
		fill_one(&relimit->memory_max, numbers[PLAN_MEMORY_MAX].value, "memory.max", &ret[count++]);
	if (!relimit->old_space.changed)
		return count;
	fill_one(&relimit->old_space, numbers[PLAN_OLD_SPACE].value, "heap.old_space", &ret[count]);
	fill_old_space(service, &ret[count++]);
	return count;
}
