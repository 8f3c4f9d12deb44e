/* SPDX-License-Identifier: Apache-2.0 */
/* report: answers to the control socket, from the service as it stands now. */
#include "supervisor/core/budget.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/names.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/status.h"
#include "supervisor/core/fence.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>

static void fill_source(struct service *service, const struct worker_run *run, struct status_instance *instance)
{
	const struct reporter *principal = run->has_records ? records_principal(&run->records) : NULL;
	const char *problem = "";
	if (principal != NULL) {
		instance->heap.source = heap_record_source_name(principal->source);
		problem = heap_record_problem_text(principal->problem);
	} else if (!service->setup->plan->manages_heap) {
		problem = "heap.runtime: none";
	} else if (!run->agent_loaded) {
		problem = service->agent_problem;
	} else {
		problem = "no process has reported";
	}
	snprintf(instance->heap.source_problem, sizeof(instance->heap.source_problem), "%s", problem);
}

static void fill_counts(const struct records *records, struct status_instance *instance)
{
	instance->heap.reporters = (uint32_t)records->reporter_count;
	instance->heap.records = records->good;
	instance->heap.bad_records = records->bad;
	instance->heap.unknown_records = records->unknown;
	instance->heap.forged_hellos = records->forged;
	instance->heap.replayed_hellos = records->replayed;
	instance->heap.refused_hellos = records->refused;
	instance->heap.pauses = records->pauses;
}

static void fill_heap(struct service *service, const struct worker_run *run, struct status_instance *instance)
{
	const struct plan *plan = service->setup->plan;
	const struct reporter *principal = run->has_records ? records_principal(&run->records) : NULL;
	instance->heap.old_space_bytes = plan->manages_heap ? plan->numbers[PLAN_OLD_SPACE].value : SIZE_UNKNOWN;
	fill_source(service, run, instance);
	if (!run->has_records)
		return;
	fill_counts(&run->records, instance);
	if (principal == NULL)
		return;
	instance->heap.limit_bytes = principal->heap_size_limit_bytes;
	if (principal->last.at_usec == 0)
		return;
	instance->heap.used_bytes = principal->last.used_bytes;
	instance->heap.available_bytes = principal->last.available_bytes;
	instance->heap.after_full_gc_bytes = principal->last.after_full_gc_bytes;
	instance->heap.external_bytes = principal->last.external_bytes;
	instance->heap.limit_bytes = principal->last.limit_bytes;
	instance->heap.age_usec = loop_now_usec() - principal->last.at_usec;
	instance->heap.usec_to_limit = warning_usec_to_limit(run, principal);
}

static void fill_instance(struct service *service, uint32_t number, struct status_instance *instance)
{
	const struct worker_run *run = service_run_serving(service, number);
	const struct slot *slot = &service->state.slots[number];
	status_no_worker(instance, number, slot_name(slot));
	if (run == NULL || run->child.pid <= 0)
		return;
	const struct worker_run *second = service_run_of(service, slot->spare.id);
	instance->replacement_pid = second == NULL ? 0 : second->child.pid;
	instance->pid = run->child.pid;
	instance->child_deaths = run->child_deaths;
	instance->violations = &run->violations;
	instance->unheard = run->unheard;
	instance->uptime_usec = loop_now_usec() - run->launched_usec;
	fill_heap(service, run, instance);
	watching_fill(run, instance);
	if (run->has_group)
		cgroup_read_memory(&run->group, &instance->memory);
}

static void fill_slots(struct service *service, struct status *status)
{
	int64_t now_usec = loop_now_usec();
	status->restarts.next_in_usec = -1;
	status->instance_count = service->state.slot_count;
	for (uint32_t i = 0; i < service->state.slot_count; i++) {
		const struct slot *slot = &service->state.slots[i];
		int64_t next_usec = slot->deadline_usec - now_usec;
		fill_instance(service, i, &status->instances[i]);
		status->restarts.total += slot->launches > 0 ? slot->launches - 1 : 0;
		if (slot->state == SLOT_BACKOFF && (status->restarts.next_in_usec < 0 || next_usec < status->restarts.next_in_usec))
			status->restarts.next_in_usec = next_usec;
		if (slot->state == SLOT_FAILED)
			status->failed_why = service->failed_why;
	}
}

static void fill_restarts(struct service *service, struct status *status)
{
	const struct rules *rules = &service->state.rules;
	int64_t now_usec = loop_now_usec();
	memcpy(status->restarts.by_verdict, service->state.deaths_by_verdict, sizeof(status->restarts.by_verdict));
	status->restarts.budget_left = (int32_t)service_state_budget_left(&service->state, now_usec);
	status->restarts.budget_deaths = (int32_t)rules->budget_deaths;
	status->restarts.budget_within_usec = rules->budget_within_usec;
}

static void fill_budgets(struct service *service, struct status *status)
{
	const struct rules *rules = &service->state.rules;
	for (enum verdict_kind kind = 0; kind < VERDICT_COUNT; kind++) {
		uint32_t deaths = rules->by_verdict[kind].deaths;
		uint32_t used = budget_used_by(&service->state.budget, loop_now_usec(),
					       rules->by_verdict[kind].within_usec, kind);
		status->restarts.by_verdict_budget[kind].deaths = deaths == UINT32_MAX ? -1 : (int32_t)deaths;
		status->restarts.by_verdict_budget[kind].left = used > deaths ? 0 : (int32_t)(deaths - used);
		status->restarts.by_verdict_budget[kind].within_usec = rules->by_verdict[kind].within_usec;
	}
}

static void fill_raise(struct service *service, struct status *status)
{
	const struct policy *policy = service->setup->policy;
	if (policy->heap.at_limit != AT_LIMIT_RAISE)
		return;
	status->raises = &service->setup->host->raises;
	status->raise_up_to_bytes = policy->heap.raise_up_to_bytes;
	status->raise_refused = service->raise_refused;
}

static void fill_words(struct service *service, struct status *status)
{
	const struct service_setup *setup = service->setup;
	size_t length = 0;
	snprintf(status->name, sizeof(status->name), "%s", setup->name);
	snprintf(status->policy_file, sizeof(status->policy_file), "%s", setup->policy_file);
	for (size_t i = 0; setup->command[i] != NULL && length < sizeof(status->command); i++)
		length += (size_t)snprintf(status->command + length, sizeof(status->command) - length, "%s%s",
					   i == 0 ? "" : " ", setup->command[i]);
	snprintf(status->limited_by, sizeof(status->limited_by), "%s",
		 setup->plan->numbers[PLAN_MEMORY_MAX].input_count > 0
			 ? setup->plan->numbers[PLAN_MEMORY_MAX].inputs[0].from
			 : "");
	const struct worker_run *run = service_run_serving(service, 0);
	if (run != NULL && run->has_group)
		cgroup_path(&run->group, status->cgroup, sizeof(status->cgroup));
}

static void fill(struct service *service, struct status *status)
{
	const struct policy *policy = service->setup->policy;
	int64_t now_usec = loop_now_usec();
	*status = (struct status){
		.state = service->state_name,
		.state_since_usec = now_usec - service->state_since_usec,
		.uptime_usec = now_usec - service->started_usec,
		.supervisor_pid = getpid(),
		.version = HEAPWARD_VERSION,
		.reload_pending = service->next_setup != NULL,
		.cgroup_version = cgroup_version_name(service->tree.version),
		.failed_why = "",
		.last_death_json = service->last_death,
	};
	status->sandbox.syscalls = policy_syscalls(policy);
	status->sandbox.violation = policy_violation_name(policy->sandbox.violation);
	status->sandbox.user = policy->sandbox.user == NULL ? "unchanged" : policy->sandbox.user;
	status->sandbox.capabilities = policy->sandbox.capabilities == NULL	 ? "unchanged"
				       : policy->sandbox.capabilities[0] == '\0' ? "none"
										 : policy->sandbox.capabilities;
	status->sandbox.no_new_privs = true;
	protection_fill(service, status);
	reach_fill(service, status);
	fill_words(service, status);
	fill_slots(service, status);
	fill_restarts(service, status);
	fill_budgets(service, status);
	fill_raise(service, status);
	status->set_count = setting_fill(service, status->set);
}

static void reply_text(struct control_reply *reply, enum control_result result, char *text)
{
	reply->result = text == NULL ? CONTROL_REFUSED : result;
	reply->text = text;
	reply->length = text == NULL ? 0 : strlen(text);
}

static void answer_status(struct service *service, struct control_reply *reply)
{
	struct status status;
	char files[FENCE_TEXT_MAX], network[FENCE_TEXT_MAX];
	fill(service, &status);
	fence_files_text(&service->setup->plan->fence, files);
	fence_network_text(service->setup->policy, &service->setup->plan->fence, network);
	status.sandbox.files = files;
	status.sandbox.network = network;
	status.sandbox.missing = service->setup->plan->fence.missing;
	status.sandbox.landlock_abi = service->setup->plan->fence.landlock_abi;
	reply_text(reply, CONTROL_OK, status_json(&status));
}

static void answer_ready(struct service *service, struct control_reply *reply)
{
	reply_text(reply, service_state_is_ready(&service->state) ? CONTROL_OK : CONTROL_NOT_READY, strdup(service->state_name));
}

/* Of several instances one after the other, as tail(1) does it. */
static size_t add_output(struct service *service, uint32_t instance, unsigned char *tail, char *text)
{
	const struct worker_run *run = service_run_serving(service, instance);
	size_t count = service->state.slot_count, most = CONTROL_REPLY_MAX / 2 / count, length = 0;
	if (run == NULL || !run->has_output)
		return 0;
	if (count > 1)
		length = (size_t)sprintf(text, "==> instance %u <==\n", instance);
	size_t bytes = output_tail(&run->output, tail), cut = bytes > most ? bytes - most : 0;
	memcpy(text + length, tail + cut, bytes - cut);
	return length + bytes - cut;
}

static void answer_output(struct service *service, struct control_reply *reply)
{
	uint32_t count = service->state.slot_count;
	cleanup_free unsigned char *tail = malloc(OUTPUT_RING_BYTES);
	reply->result = CONTROL_OK;
	reply->text = calloc(count, OUTPUT_RING_BYTES + 64);
	for (uint32_t i = 0; i < count && tail != NULL && reply->text != NULL; i++)
		reply->length += add_output(service, i, tail, reply->text + reply->length);
}

/* The plan that the worker was launched from, which no command line could name again. */
static void answer_explain(struct service *service, const char *form, struct control_reply *reply)
{
	const struct service_setup *setup = service->setup;
	reply_text(reply, CONTROL_OK, explain_as(form, setup->plan, setup->policy, setup->host, setup->name));
}

static void answer_by_event(struct service *service, enum slot_event event, struct control_reply *reply)
{
	service_push_order(service, event);
	reply_text(reply, CONTROL_OK, strdup(service->state_name));
}

static void answer_drain(struct service *service, struct control_reply *reply)
{
	if (service->state.rules.drains)
		answer_by_event(service, SLOT_EVENT_DRAIN, reply);
	else
		reply_text(reply, CONTROL_REFUSED,
			   strdup("it holds no sockets (service.listen), so its server cannot be told to drain; use stop"));
}

static void answer_reload(struct service *service, struct control_reply *reply)
{
	char *text = NULL;
	int result = renew_policy(service, &text);
	reply_text(reply, result == 0 ? CONTROL_OK : CONTROL_REFUSED, text);
}

static void answer_set(struct service *service, const char *argument, struct control_reply *reply)
{
	char *text = NULL;
	int result = setting_change(service, argument, &text);
	reply_text(reply, result == 0 ? CONTROL_OK : CONTROL_REFUSED, text);
}

void report_answer(struct control_socket *socket, const struct control_request *request, struct control_reply *reply)
{
	struct service *service = socket->owner;
	switch (request->command) {
	case CONTROL_STATUS:
		answer_status(service, reply);
		return;
	case CONTROL_READY:
		answer_ready(service, reply);
		return;
	case CONTROL_OUTPUT:
		answer_output(service, reply);
		return;
	case CONTROL_EXPLAIN:
		answer_explain(service, request->argument, reply);
		return;
	case CONTROL_STOP:
		answer_by_event(service, SLOT_EVENT_STOP, reply);
		return;
	case CONTROL_DRAIN:
		answer_drain(service, reply);
		return;
	case CONTROL_RESTART:
		warning_forget(service);
		answer_by_event(service, SLOT_EVENT_RESTART, reply);
		return;
	case CONTROL_RESET:
		answer_by_event(service, SLOT_EVENT_RESET, reply);
		return;
	case CONTROL_RELOAD:
		answer_reload(service, reply);
		return;
	case CONTROL_SET:
		answer_set(service, request->argument, reply);
		return;
	case CONTROL_COMMAND_COUNT:
	default:
		assert(false && "a command that wire/control.c let through");
	}
}
