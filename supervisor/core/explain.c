/* SPDX-License-Identifier: Apache-2.0 */
/* explain: the text for people; see explain.h. The JSON is in explain_json.c. */
#include "supervisor/core/explain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/core/fence.h"
#include "supervisor/core/names.h"
#include "supervisor/core/notice.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/raise.h"
#include "supervisor/core/readiness.h"
#include "supervisor/core/score.h"

#define PARAGRAPH_MAX 8192

/* Numbers */

static bool joins_word(char byte)
{
	return isalnum((unsigned char)byte) || byte == '.' || byte == '_' || byte == '-';
}

/* The place where `rule` calls the input by its whole name, NULL where it does not. */
static const char *find_name(const char *rule, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = strstr(rule, name); at != NULL && length > 0; at = strstr(at + 1, name)) {
		if ((at == rule || !joins_word(at[-1])) && !joins_word(at[length]))
			return at;
	}
	return NULL;
}

static void print(char *text, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);

static void print(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + length, size - length, format, args);
	va_end(args);
}

/* " 512 MiB (web.yaml:12)"; a default needs no origin beside its value. */
static void print_input(char *text, size_t size, const struct plan_input *input, bool with_value)
{
	char value[UNITS_TEXT_MAX];
	if (with_value)
		print(text, size, " %s", plan_value_text(value, input->unit, input->value));
	if (input->from[0] != '\0' && (!with_value || strcmp(input->from, "default") != 0))
		print(text, size, " (%s)", input->from);
}

/* The rule with value and origin behind each input that it names; true in `named` for those. */
static void print_rule(char *text, size_t size, const struct plan_number *number, bool *named)
{
	const char *rule = number->rule;
	while (*rule != '\0') {
		const struct plan_input *next = NULL;
		const char *next_at = NULL;
		for (size_t i = 0; i < number->input_count; i++) {
			const char *at = named[i] ? NULL : find_name(rule, number->inputs[i].name);
			if (at != NULL && (next_at == NULL || at < next_at))
				next = &number->inputs[i], next_at = at;
		}
		if (next == NULL)
			break;
		size_t length = (size_t)(next_at - rule) + strlen(next->name);
		bool alone = length == strlen(number->rule) && next->value == number->value;
		print(text, size, "%.*s", (int)length, rule);
		print_input(text, size, next, !alone);
		named[next - number->inputs] = true;
		rule += length;
	}
	print(text, size, "%s", rule);
}

void explain_number(const struct plan *plan, enum plan_number_id id, char *text, size_t size)
{
	const struct plan_number *number = &plan->numbers[id];
	bool named[PLAN_INPUTS_MAX] = { false };
	char value[UNITS_TEXT_MAX];
	snprintf(text, size, "%s", plan_number_name(id));
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '_')
			*at = id == PLAN_SEMI_SPACE || id == PLAN_OFF_HEAP ? '-' : ' ';
	}
	if (number->value != SIZE_UNKNOWN)
		print(text, size, " %s", plan_value_text(value, number->unit, number->value));
	print(text, size, " = ");
	print_rule(text, size, number, named);
	for (size_t i = 0; i < number->input_count; i++) {
		if (named[i])
			continue;
		print(text, size, "; %s", number->inputs[i].name);
		print_input(text, size, &number->inputs[i], true);
	}
}

static void add_numbers(struct prose *text, const struct plan *plan, const char *title, enum plan_number_id first,
			enum plan_number_id last)
{
	prose_title(text, title);
	for (unsigned id = first; id <= last; id++) {
		char paragraph[PARAGRAPH_MAX];
		/* What follows from an old space that Node chooses by itself is not known here: one line says so. */
		if (plan->numbers[id].value == SIZE_UNKNOWN && id > PLAN_OLD_SPACE && id <= PLAN_HEAP_SIZE_LIMIT)
			continue;
		explain_number(plan, (enum plan_number_id)id, paragraph, sizeof(paragraph));
		prose_item(text, "%s", paragraph);
	}
}

/* The rest */

static void add_raises(struct prose *text, const struct policy *policy, const struct host *host)
{
	char one[160], at[32];
	if (policy->heap.at_limit != AT_LIMIT_RAISE)
		return;
	prose_title(text, "Raises (heap.at_limit: raise)");
	prose_item(text, "up to %s; %zu so far, kept until the policy's limits change",
		   plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, policy->heap.raise_up_to_bytes),
		   host->raises.count);
	for (size_t i = 0; i < host->raises.count; i++)
		prose_item(text, "%s: %s", notice_time(at, host->raises.list[i].at_realtime_usec),
			   raise_text(&host->raises.list[i], one, sizeof(one)));
}

static void add_budgets(struct prose *text, const struct policy *policy)
{
	char within[UNITS_TEXT_MAX];
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		const struct verdict_budget *budget = &policy->restart.by_verdict[kind];
		if (verdict_counts(kind) && budget->deaths != POLICY_INHERIT)
			prose_item(text, "deaths by %s: %" PRIu32 " in %s, whatever budget deaths says", verdict_name(kind),
				   budget->deaths, units_format_time(within, budget->within_usec));
	}
}

static void add_addresses(struct prose *text, const struct plan *plan, const struct policy *policy)
{
	const struct listen_addresses *listen = &policy->service.listen;
	bool by_fds = plan_hands_over_listen_fds(plan);
	for (size_t i = 0; i < listen->count; i++)
		prose_item(text, "%s%s: descriptor %d of the worker, %s", listen->list[i].text,
			   listen->list[i].kind == LISTEN_TCP && listen->list[i].host[0] == '\0' ? " (IPv4 and IPv6)" : "",
			   (by_fds ? LISTEN_FDS_FIRST : LISTEN_WORKER_FD) + (int)i,
			   by_fds ? "named by LISTEN_FDS" : "given to its server by the agent");
}

static void add_ready(struct prose *text, const struct policy *policy)
{
	struct ready_when ready = plan_ready(policy);
	static const char *const does[] = {
		[READY_LISTENING] = "listens", [READY_STARTED] = "is started", [READY_NOTIFY] = "sends READY=1 to NOTIFY_SOCKET",
		[READY_TCP] = "accepts on ", [READY_HTTP] = "answers with 200 to 399 on "
	};
	char from[160], name[READY_PATH_MAX + 16] = "";
	plan_key_origin(policy, KEY_READY_WHEN, from, sizeof(from));
	if (ready.kind == READY_TCP || ready.kind == READY_HTTP)
		readiness_name(&ready, name, sizeof(name));
	prose_item(text, "ready: once it %s%s (%s)", does[ready.kind], name, from);
}

/* What is done near the heap limit, as far as the policy alone decides it. */
static void add_near_limit(struct prose *text, const struct policy *policy)
{
	char from[160];
	const char *what = "report it";
	plan_key_origin(policy, KEY_HEAP_NEAR_LIMIT, from, sizeof(from));
	if (plan_near_limit(policy) == NEAR_LIMIT_RESTART)
		what = plan_drains(policy) ? "drain the worker, then start the next" : "stop the worker, then start the next";
	else if (plan_near_limit(policy) == NEAR_LIMIT_REPLACE)
		what = plan_replaces(policy) ? "start a second worker, drain the first once that is ready"
					     : "drain the worker, then start the next (there is to be no second one)";
	prose_item(text, "near the heap limit: %s (%s)", what, from);
}

static void add_early(struct prose *text, const struct plan *plan)
{
	if (plan->manages_heap || plan->numbers[PLAN_REPLACE_AT].value != SIZE_NONE)
		add_numbers(text, plan, "Near a limit, before V8 or the kernel says so",
			    plan->manages_heap ? PLAN_LEAD : PLAN_REPLACE_AT, PLAN_REPLACE_AT);
}

/* Nothing to say where a policy asks for none of it. */
static void add_sockets(struct prose *text, const struct plan *plan, const struct policy *policy)
{
	bool held = plan_drains(policy);
	if (!held && policy->ready.when.kind == READY_AUTO && policy->heap.near_limit == NEAR_LIMIT_AUTO)
		return;
	add_numbers(text, plan, held ? "Held sockets and replacement" : "Readiness and replacement",
		    held ? PLAN_LISTEN_BACKLOG : PLAN_READY_WITHIN, PLAN_READY_WITHIN);
	add_addresses(text, plan, policy);
	add_ready(text, policy);
	if (plan->manages_heap)
		add_near_limit(text, policy);
}

static void add_command(struct prose *text, const struct policy *policy)
{
	char command[1024] = "";
	for (size_t i = 0; i < policy->service.command.count; i++)
		print(command, sizeof(command), "%s%s", i > 0 ? " " : "", policy->service.command.list[i]);
	if (command[0] != '\0')
		prose_item(text, "command: %s", command);
}

static void add_worker(struct prose *text, const struct plan *plan, const struct policy *policy,
		       const struct host *host)
{
	const struct host_runtime *runtime = &host->runtime;
	prose_title(text, "Worker");
	add_command(text, policy);
	if (runtime->found && runtime->major != 0)
		prose_item(text, "Node: %d.%d.%d, %s", runtime->major, runtime->minor, runtime->patch, runtime->path);
	else
		prose_item(text, "Node: %s%s%s", runtime->found ? runtime->path : "none",
			   runtime->problem[0] != '\0' ? ": " : "", runtime->problem);
	if (plan->manages_heap)
		prose_item(text, "NODE_OPTIONS: --require AGENT %s%s%s", plan->node_options,
			   plan->node_options[0] != '\0' ? " " : "", host->node_options);
	prose_item(text, "cgroup: %s, %s %s", cgroup_version_name(host->cgroup_version),
		   host->cgroup_writable ? "the worker gets a group of its own below"
					 : "no group of its own: the worker stays in",
		   host->level_count > 0 ? host->levels[0].path : "ours");
	if (!host->cgroup_writable && host->cgroup_problem[0] != '\0')
		prose_item(text, "cgroup problem: %s", host->cgroup_problem);
}

static void add_syscalls(struct prose *text, const struct policy *policy)
{
	static const char *const then[] = {
		[VIOLATION_ERRNO] = "any other call fails with EPERM, and is reported",
		[VIOLATION_KILL] = "any other call ends the worker, and is reported",
		[VIOLATION_AUDIT] = "any other call passes, and is reported",
	};
	const char *list = policy_syscalls(policy);
	if (!policy_filters(policy))
		prose_item(text, "system calls: none: no filter");
	else
		prose_item(text, "system calls: %s; %s", list, then[policy->sandbox.violation]);
}

static void add_list(struct prose *text, const char *what, const struct words *words)
{
	char list[1024] = "";
	for (size_t i = 0; i < words->count; i++)
		print(list, sizeof(list), "%s%s", i > 0 ? ", " : "", words->list[i]);
	if (words->count > 0)
		prose_item(text, "%s: %s", what, list);
}

static void add_size(struct prose *text, const char *what, uint64_t bytes)
{
	if (bytes != SIZE_NONE)
		prose_item(text, "%s: %s", what, plan_value_text((char[UNITS_TEXT_MAX]){ 0 }, UNIT_BYTES, bytes));
}

static void add_fence(struct prose *text, const struct plan_fence *fence, const struct policy *policy)
{
	char line[FENCE_TEXT_MAX];
	fence_files_text(fence, line);
	prose_item(text, "files: %s", line);
	add_list(text, "read and write", &policy->sandbox.read_write);
	add_list(text, "read-only", &policy->sandbox.read_only);
	add_list(text, "hidden", &policy->sandbox.hidden);
	fence_network_text(policy, fence, line);
	prose_item(text, "network: %s", line);
	if (fence->landlock_abi > 0)
		prose_item(text, "other processes: %s (Landlock ABI %" PRIu32 ")",
			   fence->own_signals ? "neither looked into nor sent signals" : "not looked into", fence->landlock_abi);
	if (fence->own_signals)
		prose_item(text, "abstract sockets: %s", fence->own_sockets ? "of its own tree only"
			   : policy->sandbox.abstract_sockets == ABSTRACT_SOCKETS_FULL ? "all"
			   : "all, for ready.when: notify is one");
	add_list(text, "inherited variables kept, with PATH", &policy->service.environment_keep);
	add_list(text, "inherited variables dropped", &policy->service.environment_drop);
	add_size(text, "core dumps up to", policy->limits.core_bytes);
	add_size(text, "locked memory up to", policy->limits.locked_bytes);
}

static void add_sandbox(struct prose *text, const struct plan_fence *fence, const struct policy *policy,
			const struct host *host)
{
	const char *capabilities = policy->sandbox.capabilities;
	prose_title(text, "Sandbox");
	if (policy->sandbox.user != NULL)
		prose_item(text, "user: %s", policy->sandbox.user);
	else
		prose_item(text, "user: unchanged (%s%suid %" PRIu32 ")", host->user, host->user[0] != '\0' ? ", " : "",
			   host->uid);
	if (capabilities == NULL)
		prose_item(text, "capabilities: unchanged");
	else
		prose_item(text, "capabilities: %s", capabilities[0] != '\0' ? capabilities : "none");
	add_syscalls(text, policy);
	prose_item(text, "no_new_privs: on");
	add_fence(text, fence, policy);
}

static void add_score(struct prose *text, const struct plan *plan, const struct policy *policy, const struct host *host)
{
	struct score score;
	score_resolve(plan, policy, host, &score);
	prose_item(text, "confinement: %u of %u points; heapward explain --sandbox says what each weaker choice costs", score.points,
		   score.of);
}

static void add_remarks(struct prose *text, const struct plan *plan)
{
	if (plan->remark_count == 0)
		return;
	prose_title(text,
		    plan_is_startable(plan) ? "Warnings" : "Warnings and refusals: heapward run will not start this");
	for (size_t i = 0; i < plan->remark_count; i++)
		prose_item(text, "%s: %s", plan->remarks[i].refusal ? "refused" : "warning", plan->remarks[i].text);
}

char *explain_text(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name)
{
	struct prose text = { 0 };
	char title[128];
	snprintf(title, sizeof(title), "Plan of %s%s", name,
		 plan->bare ? " (no policy: old space is only ever lowered)" : "");
	prose_title(&text, title);
	add_numbers(&text, plan, "Memory", PLAN_MEMORY_MAX, PLAN_MEMORY_NEED);
	if (policy->service.instances > 1)
		add_numbers(&text, plan, "Instances, each with the memory above", PLAN_INSTANCES, PLAN_INSTANCES_NEED);
	add_numbers(&text, plan, "Heap, of each process", PLAN_NODE_ALONE, PLAN_PROCESSES);
	add_raises(&text, policy, host);
	add_numbers(&text, plan, "Limits", PLAN_TASKS, PLAN_CPU);
	add_numbers(&text, plan, "Restart and stop", PLAN_BACKOFF_FROM, PLAN_STOP_TIMEOUT);
	add_budgets(&text, policy);
	prose_item(&text, "restarts used up: %s", plan->exit_when_exhausted ? "exit" : "hold (state failed)");
	add_early(&text, plan);
	add_sockets(&text, plan, policy);
	if (plan->numbers[PLAN_HEARTBEAT].value != SIZE_NONE)
		add_numbers(&text, plan, "Watchdog of each server's event loop", PLAN_HEARTBEAT, PLAN_HEARTBEAT);
	add_worker(&text, plan, policy, host);
	add_sandbox(&text, &plan->fence, policy, host);
	add_score(&text, plan, policy, host);
	add_remarks(&text, plan);
	return prose_take(&text);
}
