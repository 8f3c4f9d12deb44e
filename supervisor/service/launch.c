/* SPDX-License-Identifier: Apache-2.0 */
/* launch: the action that starts a worker: free memory, group, pipes, environment, child. Whatever fails is the death's
 * evidence: a launch that failed ends like any other worker, by the same path. */
#include "supervisor/core/environment.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/printable.h"
#include "supervisor/edge/host_probe.h"
#include "supervisor/edge/policy_files.h"
#include "supervisor/service/fencing.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

extern char **environ;

/* A failure's text ends in the words of its errno, which the verdict adds again. */
static void copy_without_errno(const struct failure *why, char *text, size_t size)
{
	char words[128];
	snprintf(words, sizeof(words), ": %s", why->error == 0 ? "" : strerror(why->error));
	snprintf(text, size, "%.255s", why->text);
	size_t length = strlen(text), end = strlen(words);
	if (why->error != 0 && length > end && strcmp(text + length - end, words) == 0)
		text[length - end] = '\0';
}

static void fail_launch(struct worker_run *run, const char *step, const struct failure *why)
{
	run->launch.failed = true;
	run->launch.error = why->error;
	snprintf(run->launch.step, sizeof(run->launch.step), "%s", step);
	copy_without_errno(why, run->launch.text, sizeof(run->launch.text));
	service_push_worker(run->service, WORKER_EVENT_LAUNCH_FAILED, run);
}

/* Its group's name must not be that of the instance's other worker. */
static char free_place(const struct service *service, uint32_t instance)
{
	for (size_t i = 0; i < service->run_count; i++)
		if (service->runs[i].id != 0 && service->runs[i].instance == instance && service->runs[i].place == 'a')
			return 'b';
	return 'a';
}

static struct worker_run *take_run(struct service *service, uint32_t instance, uint32_t worker)
{
	char place = free_place(service, instance);
	for (size_t i = 0; i < service->run_count; i++) {
		struct worker_run *run = &service->runs[i];
		if (run->id != 0)
			continue;
		memset(run, 0, sizeof(*run));
		run->id = worker;
		run->instance = instance;
		run->place = place;
		run->service = service;
		run->launched_usec = loop_now_usec();
		run->poll_usec = run->child_look_usec = run->ready_look_usec = USEC_NEVER;
		run->watch_usec = run->event_loop_usec = USEC_NEVER;
		run->exit.fd = run->report.fd = run->oom.fd = run->usage.fd = -1;
		run->child.pid_fd = run->child.report_fd = -1;
		run->memory = (struct memory_sample){ SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, SIZE_UNKNOWN, 0 };
		cgroup_clear(&run->group);
		notify_clear(&run->listener);
		fatal_scanner_init(&run->fatal);
		run->kernel_log.fd = -1;
		return run;
	}
	assert(false && "a worker more than there can be");
	return NULL;
}

static void limits_of(const struct plan *plan, struct cgroup_limits *ret)
{
	const struct plan_number *numbers = plan->numbers;
	*ret = (struct cgroup_limits){
		.memory_max_bytes = numbers[PLAN_MEMORY_MAX].value,
		.memory_high_bytes = numbers[PLAN_MEMORY_HIGH].value,
		.memory_swap_bytes = numbers[PLAN_MEMORY_SWAP].value,
		.tasks_max = numbers[PLAN_TASKS].value == SIZE_NONE ? UINT32_MAX : (uint32_t)numbers[PLAN_TASKS].value,
		.cpu_percent = numbers[PLAN_CPU].value == SIZE_NONE ? UINT32_MAX : (uint32_t)numbers[PLAN_CPU].value,
	};
}

static int make_group(struct worker_run *run, struct failure *why)
{
	struct service *service = run->service;
	struct cgroup_limits limits;
	if (!service->has_groups)
		return 0;
	limits_of(service->setup->plan, &limits);
	char leaf[32];
	snprintf(leaf, sizeof(leaf), "worker-%u-%c", run->instance, run->place);
	if (cgroup_make(&run->group, &service->groups, leaf, &limits, why) < 0)
		return failed_in(why, "%s", leaf);
	run->has_group = true;
	if (service->state.slots[run->instance].launches <= 1 && run->instance == 0)
		for (size_t i = 0; i < run->group.remark_count; i++)
			tell_warning(service, "%s", run->group.remarks[i]);
	cgroup_read_counters(&run->group, &run->before);
	kernel_log_open(&run->kernel_log);
	return 0;
}

/* An agent that the worker's user cannot read would end the program, not only itself ("Cannot find module"). */
static bool agent_is_reachable(struct worker_run *run)
{
	struct service *service = run->service;
	const struct user *user = service->setup->policy->sandbox.user == NULL ? NULL : &service->user;
	if (!service->setup->plan->manages_heap)
		return false;
	if (service->agent_path[0] == '\0')
		return false;
	if (user_can_read(user, service->agent_path))
		return true;
	snprintf(service->agent_problem, sizeof(service->agent_problem), "%.200s: not readable by the worker's user",
		 service->agent_path);
	return false;
}

static int read_environment_file(const struct policy *policy, struct words *ret, struct failure *why)
{
	if (policy->service.environment_file == NULL)
		return 0;
	return policy_files_read_environment(policy->service.environment_file, ret, why);
}

static int build_environment(struct worker_run *run, struct words *ret, struct failure *why)
{
	struct service *service = run->service;
	const struct policy *policy = service->setup->policy;
	const struct plan_number *numbers = service->setup->plan->numbers;
	char variable[RECORDS_VARIABLE_MAX], instance[40];
	cleanup(words_finish) struct words file = { 0 };
	struct records_listen listen[LISTEN_MAX];
	size_t listen_count = holding_records(service, listen);
	run->agent_loaded = agent_is_reachable(run);
	uint64_t heartbeat_usec = numbers[PLAN_HEARTBEAT].value;
	records_variable(&run->records, numbers[PLAN_HEADROOM].value,
			 heartbeat_usec == SIZE_NONE ? 0 : heartbeat_usec / USEC_PER_MSEC, listen, listen_count, variable,
			 sizeof(variable));
	if (!holding_can_serve(run))
		return failed(why, 0, "service.listen needs the agent: %s", service->agent_problem);
	if (read_environment_file(policy, &file, why) < 0)
		return -1;
	snprintf(instance, sizeof(instance), "HEAPWARD_INSTANCE=%u", run->instance);
	struct environment environment = {
		.inherited = environ,
		.keep = &policy->service.environment_keep,
		.drop = &policy->service.environment_drop,
		.file = &file,
		.set = &policy->service.environment_set,
		.node_options = service->setup->plan->node_options,
		.agent_path = run->agent_loaded ? service->agent_path : NULL,
		.agent_variable = variable,
		.instance_variable = instance,
		.notify_variable = run->notify.variable[0] == '\0' ? NULL : run->notify.variable,
		.agent_needs_read = service->setup->plan->agent_needs_read,
	};
	return environment_build(&environment, ret, why);
}

void launch_tell_dropped(struct service *service)
{
	const struct policy *policy = service->setup->policy;
	struct failure ignored; /* then no worker starts */
	char names[240], shown[sizeof(names)];
	cleanup(words_finish) struct words file = { 0 };
	(void)read_environment_file(policy, &file, &ignored);
	const struct environment environment = { .inherited = environ,
						 .keep = &policy->service.environment_keep,
						 .drop = &policy->service.environment_drop,
						 .file = &file,
						 .set = &policy->service.environment_set };
	size_t count = environment_dropped(&environment, names, sizeof(names));
	printable_copy(shown, sizeof(shown), names);
	if (count > 0)
		tell_warning(service, "%zu environment variable%s kept from the worker (service.environment): %s", count,
			     count == 1 ? " is" : "s are", shown);
}

static void fill_user(const struct service *service, struct launch *launch)
{
	const struct user *user = &service->user;
	if (service->setup->policy->sandbox.user == NULL)
		return;
	launch->set_user = true;
	launch->uid = user->uid;
	launch->gid = user->gid;
	launch->gid_count = user->gid_count;
	memcpy(launch->gids, user->gids, user->gid_count * sizeof(user->gids[0]));
}

static void fill_limits(const struct service_setup *setup, struct launch *launch)
{
	const struct launch_limit limits[] = {
		{ RLIMIT_NOFILE, setup->plan->numbers[PLAN_FILES].value, 0 },
		{ RLIMIT_CORE, setup->policy->limits.core_bytes, 0 },
		{ RLIMIT_MEMLOCK, setup->policy->limits.locked_bytes, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		if (limits[i].soft != SIZE_NONE)
			launch->limits[launch->limit_count++] =
				(struct launch_limit){ limits[i].resource, limits[i].soft, limits[i].soft };
}

/* `trial`: the targets of one that is only to try; NULL: a worker. */
static int spawn(struct worker_run *run, struct words *environment, int *procs, size_t procs_count, char **trial,
		 struct spawned *ret, struct failure *why)
{
	struct service *service = run->service;
	const struct policy *policy = service->setup->policy;
	cleanup_free struct fencing *fencing = calloc(1, sizeof(*fencing)); /* its paths are too many for a stack */
	if (fencing == NULL)
		return failed(why, ENOMEM, "paths");
	struct launch launch = {
		.argv = service->setup->command,
		.environment = environment->list,
		.directory = policy->service.directory,
		.oom_score_add = 100,
		.capabilities = policy->sandbox.capabilities,
		.parent_pid = getpid(),
		.filter = service->filter.bytes,
		.filter_bytes = service->filter.length,
		.set_listener = service->filter.bytes != NULL,
		.unheard = violating_unheard(service->setup->learning != NULL ? VIOLATION_KILL : policy->sandbox.violation),
		.keep = { { run->records.worker_pipe_fd, RECORDS_PIPE_FD },
			  { run->records.worker_door_fd, RECORDS_DOOR_FD } },
		.keep_count = 2,
		.group_count = procs_count,
	};
	memcpy(launch.groups, procs, procs_count * sizeof(procs[0]));
	listen_sockets_hand_over(&service->sockets, plan_hands_over_listen_fds(service->setup->plan), &launch);
	fill_user(service, &launch);
	fill_limits(service->setup, &launch);
	fencing_fill(fencing, service, &launch);
	launch.reach = trial;
	if (trial != NULL)
		launch.keep_count = launch.listen_fds = launch.set_listener = 0; /* what is denied is denied by nobody */
	/* What ends beside the worker says nothing among its lines. */
	cleanup_fd int unseen_fd = trial != NULL ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
	return spawn_child(ret, service->child_program_fd, &launch, trial != NULL ? unseen_fd : run->output.worker_fd, why);
}

int launch_trial(struct worker_run *run, char **targets, struct spawned *ret, struct failure *why)
{
	int no_procs[1] = { -1 };
	char *no_environment[] = { NULL };
	struct words environment = { no_environment, 0 };
	return spawn(run, &environment, no_procs, 0, targets, ret, why);
}

static void note_plan(struct worker_run *run)
{
	const struct plan_number *numbers = run->service->setup->plan->numbers;
	run->old_space_bytes = run->old_space_before_bytes = numbers[PLAN_OLD_SPACE].value;
	run->young_bytes = numbers[PLAN_YOUNG].value;
	run->heap_size_limit_bytes = numbers[PLAN_HEAP_SIZE_LIMIT].value;
	warning_launch(run);
}

static int start_child(struct worker_run *run, struct failure *why)
{
	int procs[CGROUP_HIERARCHIES_MAX];
	int count = 0;
	cleanup(words_finish) struct words environment = { 0 };
	if (build_environment(run, &environment, why) < 0)
		return failed_in(why, "environment");
	if (run->has_group)
		count = cgroup_open_procs(&run->group, procs, why);
	if (count < 0)
		return failed_in(why, "cgroup");
	int result = spawn(run, &environment, procs, (size_t)count, NULL, &run->child, why);
	for (int i = 0; i < count; i++)
		close(procs[i]);
	if (result < 0)
		return failed_in(why, "spawn");
	note_plan(run);
	run->violation = run->service->setup->policy->sandbox.violation;
	run->list = run->service->filter.list;
	run->filter_silent = run->service->filter.bytes != NULL;
	output_launched(&run->output);
	records_launched(&run->records);
	return 0;
}

static int make_pipes(struct worker_run *run, struct failure *why)
{
	struct loop *loop = &run->service->loop;
	if (output_init(&run->output, loop, why) < 0)
		return -1;
	run->has_output = true;
	sources_attach_output(run);
	if (records_init(&run->records, loop, why) < 0)
		return -1;
	run->has_records = true;
	sources_attach_records(run);
	return ready_prepare(run, why);
}

/* The first launch of an instance is told by the start line of the service. */
static void tell_launch(struct worker_run *run)
{
	struct service *service = run->service;
	struct notice notice = tell_notice(service, NOTICE_START, run);
	uint64_t launches = service->state.slots[run->instance].launches;
	if (launches <= 1)
		return;
	snprintf(notice.message, sizeof(notice.message), "start number %llu", (unsigned long long)launches);
	tell(service, &notice);
}

static void start(struct worker_run *run)
{
	struct service *service = run->service;
	struct failure why;
	tell_launch(run);
	if (holding_listen(service, &why) < 0)
		fail_launch(run, "listen", &why);
	else if (make_group(run, &why) < 0)
		fail_launch(run, "cgroup", &why);
	else if (make_pipes(run, &why) < 0)
		fail_launch(run, "descriptors", &why);
	else if (start_child(run, &why) < 0)
		fail_launch(run, "launch", &why);
	else if (sources_watch_worker(run, &why) < 0)
		fail_launch(run, "launch", &why);
	else if (!run->has_group && service->keeper.pid > 0 && /* else the next one is told all */
		 keeper_add_session(&service->keeper, run->child.pid, &why) < 0)
		tell_warning(service, "keeper: %s", why.text);
}

/* Instances that have not been launched yet, and want their memory beside this one's. */
static uint32_t others_to_come(const struct worker_run *run)
{
	const struct service_state *state = &run->service->state;
	bool first = state->slots[run->instance].launches <= 1;
	return first ? state->slot_count - 1 - run->instance : 0;
}

/* True where the launch may go on now. */
static bool memory_is_there(struct worker_run *run)
{
	const struct service_setup *setup = run->service->setup;
	struct failure why;
	char text[256];
	if (run->id == run->service->state.slots[run->instance].spare.id)
		return true; /* CHECK_ROOM was answered for it */
	host_probe_memory(setup->host);
	cgroup_tree_describe(&run->service->tree, setup->host);
	if (plan_start_fits(setup->plan, setup->host, 1 + others_to_come(run), text, sizeof(text)))
		return true;
	if (setup->policy->memory.check == MEMORY_CHECK_REFUSE) {
		failed(&why, 0, "%s; memory.check: refuse", text);
		fail_launch(run, "memory", &why);
		return false;
	}
	bool waits = setup->policy->memory.check == MEMORY_CHECK_WAIT;
	if (!run->waiting_for_memory) {
		struct notice notice = tell_notice(run->service, waits ? NOTICE_MEMORY_WAIT : NOTICE_WARNING, run);
		snprintf(notice.message, sizeof(notice.message), "too little free memory%s: %s",
			 waits ? ", waiting for it" : "", text);
		tell(run->service, &notice);
	}
	run->waiting_for_memory = waits;
	run->poll_usec = waits ? loop_now_usec() + MEMORY_POLL_USEC : USEC_NEVER;
	return !waits;
}

void launch_continue(struct worker_run *run)
{
	if (!memory_is_there(run))
		return;
	run->waiting_for_memory = false;
	run->poll_usec = USEC_NEVER;
	run->launched_usec = loop_now_usec();
	start(run);
}

void launch_worker(struct service *service, uint32_t instance, uint32_t worker)
{
	renew_take(service);
	launch_continue(take_run(service, instance, worker));
}
