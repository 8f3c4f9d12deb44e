/* SPDX-License-Identifier: Apache-2.0 */
/* service: the queue, decide, dispatch. See service.h. */
#include "supervisor/service/service.h"

#include "supervisor/core/death.h"
#include "supervisor/core/names.h"
#include "supervisor/core/plan.h"
#include "supervisor/core/notice.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

/* The same news of the same worker, not heard yet: NULL where there is none. */
static struct event *find_queued(struct service *service, const struct event *event)
{
	for (size_t i = 0; event->about_worker && i < service->event_count; i++) {
		struct event *queued = &service->events[(service->event_first + i) % EVENTS_MAX];
		if (queued->about_worker && queued->worker_event == event->worker_event && queued->worker == event->worker)
			return queued;
	}
	return NULL;
}

/* Said twice before it is heard is said once, however often a worker's records say it: the queue has an end. */
void service_push(struct service *service, struct event event)
{
	struct event *queued = find_queued(service, &event);
	if (queued != NULL) {
		queued->can_wait = queued->can_wait && event.can_wait;
		return;
	}
	assert(service->event_count < EVENTS_MAX);
	service->events[(service->event_first + service->event_count++) % EVENTS_MAX] = event;
}

void service_push_worker(struct service *service, enum worker_event event, const struct worker_run *run)
{
	service_push(service, (struct event){ .about_worker = true,
					      .worker_event = event,
					      .worker = run->id,
					      .verdict = event == WORKER_EVENT_GONE ? &run->verdict : NULL });
}

void service_push_order(struct service *service, enum slot_event event)
{
	service_push(service, (struct event){ .slot_event = event });
}

struct worker_run *service_run_of(struct service *service, uint32_t worker)
{
	for (size_t i = 0; i < service->run_count; i++)
		if (worker != 0 && service->runs[i].id == worker)
			return &service->runs[i];
	return NULL;
}

struct worker_run *service_run_serving(struct service *service, uint32_t instance)
{
	return service_run_of(service, service->state.slots[instance].current.id);
}

static void release_run(struct worker_run *run)
{
	struct failure ignored; /* a keeper that has ended is started anew, and knows no session */
	if (!run->has_group && run->child.pid > 0)
		(void)keeper_drop_session(&run->service->keeper, run->child.pid, &ignored);
	sources_unwatch_worker(run);
	ready_finish(run);
	if (run->has_output)
		output_finish(&run->output);
	if (run->has_records)
		records_finish(&run->records);
	run->has_output = run->has_records = false; /* the sink speaks to every run that has one */
	kernel_log_close(&run->kernel_log);
	cgroup_finish(&run->group);
	run->id = 0;
}

static void note_state(struct service *service)
{
	const char *name = service_state_name(&service->state);
	if (service->state_name != NULL && strcmp(name, service->state_name) == 0)
		return;
	service->state_name = name;
	service->state_since_usec = loop_now_usec();
}

static void handle(struct service *service, const struct event *event)
{
	struct decision decision;
	struct worker_run *run = event->about_worker ? service_run_of(service, event->worker) : NULL;
	if (run != NULL && event->worker_event == WORKER_EVENT_GONE)
		guard_end_strays(run); /* before there is another worker */
	decide(&service->state, event, loop_now_usec(), &decision);
	acts_do(service, &decision);
	budgets_note(service);
	note_state(service);
	if (run != NULL && event->worker_event == WORKER_EVENT_READY) {
		warning_begin(run);
		reach_begin(run);
	}
	if (run != NULL && event->worker_event == WORKER_EVENT_GONE) {
		snprintf(service->last_line, sizeof(service->last_line), "%s", run->verdict.text);
		release_run(run);
	}
}

static void handle_all(struct service *service)
{
	while (service->event_count > 0 && !service->state.finished) {
		struct event event = service->events[service->event_first];
		service->event_first = (service->event_first + 1) % EVENTS_MAX;
		service->event_count--;
		handle(service, &event);
	}
}

static int64_t min_usec(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_deadline(const struct service *service)
{
	struct event ignored;
	int64_t deadline = min_usec(service_state_deadline(&service->state, &ignored), service->keeper_again_usec);
	deadline = min_usec(deadline, sink_deadline(&service->sink));
	if (service->has_control)
		deadline = min_usec(deadline, control_socket_deadline(&service->control));
	for (size_t i = 0; i < service->run_count; i++) {
		const struct worker_run *run = &service->runs[i];
		if (run->id != 0)
			deadline = min_usec(min_usec(min_usec(deadline, min_usec(run->ready_look_usec, run->watch_usec)),
						     warning_deadline(run)),
					    min_usec(min_usec(run->poll_usec, run->child_look_usec), notify_deadline(&run->listener)));
		if (run->has_records)
			deadline = min_usec(deadline, records_deadline(&run->records));
	}
	return deadline;
}

static void poll_run(struct worker_run *run)
{
	run->poll_usec = USEC_NEVER;
	if (run->waiting_for_memory)
		launch_continue(run);
	else
		ending_look(run);
}

/* Everything whose time has come. */
static void tick(struct service *service)
{
	int64_t now_usec = loop_now_usec();
	struct event event;
	sink_tick(&service->sink, now_usec);
	if (service->has_control)
		control_socket_tick(&service->control, now_usec);
	if (service->keeper_again_usec <= now_usec)
		guard_look(service);
	for (size_t i = 0; i < service->run_count; i++) {
		struct worker_run *run = &service->runs[i];
		if (run->has_records)
			records_tick(&run->records, now_usec);
		if (run->id != 0 && run->poll_usec <= now_usec)
			poll_run(run);
		if (run->id != 0 && run->child_look_usec <= now_usec)
			children_look(run);
		if (run->id != 0 && run->ready_look_usec <= now_usec)
			ready_look(run);
		if (run->id != 0 && warning_deadline(run) <= now_usec)
			warning_look(run);
		if (run->id != 0 && run->watch_usec <= now_usec)
			watching_look(run);
		if (run->id != 0)
			notify_tick(&run->listener, now_usec);
	}
	if (service_state_deadline(&service->state, &event) <= now_usec)
		service_push(service, event);
}

static int supervise(struct service *service, struct failure *why)
{
	service_push_order(service, SLOT_EVENT_START);
	handle_all(service);
	while (!service->state.finished) {
		if (loop_wait(&service->loop, next_deadline(service), why) < 0)
			return -1;
		tick(service);
		handle_all(service);
	}
	return 0;
}

static int start_programs(struct service *service, struct failure *why)
{
	service->child_program_fd = libexec_open("heapward-child", why);
	service->keeper_program_fd = service->child_program_fd < 0 ? -1 : libexec_open("heapward-keeper", why);
	if (service->keeper_program_fd < 0)
		return -1;
	if (libexec_path("agent.cjs", service->agent_path, sizeof(service->agent_path), why) < 0) {
		service->agent_path[0] = '\0';
		snprintf(service->agent_problem, sizeof(service->agent_problem), "%.255s", why->text);
	}
	return 0;
}

static void start_control(struct service *service)
{
	struct failure why;
	char path[STATE_DIR_PATH_MAX + 16];
	snprintf(path, sizeof(path), "%s/control", service->dir.runtime_path);
	if (service->dir.runtime_path[0] == '\0' ||
	    control_socket_init(&service->control, &service->loop, path, &why) < 0) {
		tell_warning(service, "no control socket: heapward status and stop cannot reach this service: %s",
			     service->dir.runtime_path[0] == '\0' ? service->dir.problem : why.text);
		return;
	}
	service->control.owner = service;
	service->control.answer = report_answer;
	service->control.may_change = asking_may_change;
	service->has_control = true;
}

static void tell_start(struct service *service)
{
	const struct service_setup *setup = service->setup;
	struct notice notice = tell_notice(service, NOTICE_START, NULL);
	plan_start_line(setup->plan, setup->policy, setup->name, notice.message, sizeof(notice.message));
	tell_add_size(&notice, "memory_max_bytes", setup->plan->numbers[PLAN_MEMORY_MAX].value);
	tell_add_size(&notice, "old_space_bytes", setup->plan->numbers[PLAN_OLD_SPACE].value);
	tell(service, &notice);
	for (size_t i = 0; i < setup->plan->remark_count; i++)
		tell_warning(service, "%s", setup->plan->remarks[i].text);
	launch_tell_dropped(service);
	if (service->dir.problem[0] != '\0')
		tell_warning(service, "%s", service->dir.problem);
	breadcrumbs_say_where(service);
}

/* The history goes on where the supervisor before this one left it. */
static void recall_last_death(struct service *service, const struct state_roots *roots)
{
	struct failure ignored; /* there was none */
	cleanup_free char *json = NULL;
	if (state_read_death(roots, service->setup->name, 1, &json, &ignored) == 0)
		service->last_death = death_summary_of(json);
}

static int start_service(struct service *service, struct failure *why)
{
	const struct service_setup *setup = service->setup;
	struct state_roots roots;
	state_roots_find(&roots);
	if (start_programs(service, why) < 0 || sources_watch_signals(service, why) < 0)
		return -1;
	protection_filter(service);
	guard_prepare(service);
	/* From here on there are things that a killed supervisor would leave behind. */
	if (state_dir_take_name(&service->dir, &roots, setup->name, why) < 0 || guard_begin(service, why) < 0)
		return -1;
	state_dir_open_state(&service->dir, &roots);
	state_dir_read_figures(&roots, setup->name, &service->figures);
	recall_last_death(service, &roots);
	budgets_restore(service);
	breadcrumbs_read(service);
	if (renew_find_user(setup, &service->user, why) < 0)
		return -1;
	if (holding_start(service, why) < 0)
		return -1;
	tell_start(service);
	if (guard_make_groups(service, why) < 0 || renew_filter(service, setup, &service->filter, why) < 0)
		return -1;
	start_control(service);
	protection_begin(service);
	service->started = true;
	return 0;
}

static void finish_service(struct service *service)
{
	bool abandoned = false;
	for (size_t i = 0; i < service->run_count; i++) {
		if (service->runs[i].id == 0)
			continue;
		abandoned = true;
		release_run(&service->runs[i]);
	}
	if (service->has_control)
		control_socket_finish(&service->control);
	reach_finish(service);
	guard_finish(service, abandoned);
	listen_sockets_finish(&service->sockets);
	cleanup_close(&service->signals.fd);
	cleanup_close(&service->child_program_fd);
	cleanup_close(&service->keeper_program_fd);
	filter_bytes_finish(&service->filter);
	filter_bytes_finish(&service->next_filter);
	free(service->last_death);
	service->setup->release(service->setup);
	if (service->next_setup != NULL)
		service->next_setup->release(service->next_setup);
}

/* Whatever the form of the events: the last line on stderr is the verdict, as text. It may have just been said. */
static void say_last(struct service *service, const char *text)
{
	if (strcmp(service->last_said, text) == 0)
		return;
	struct notice notice = tell_notice(service, NOTICE_STOP, NULL);
	char line[1024];
	snprintf(notice.message, sizeof(notice.message), "%s", text);
	size_t length = notice_text(&notice, line, sizeof(line));
	sink_line(&service->sink, line, length, loop_now_usec());
}

static bool events_as_json(enum log_events events)
{
	return events == LOG_EVENTS_JSON || (events == LOG_EVENTS_AUTO && !isatty(STDERR_FILENO));
}

/* Not worth a failure: without it services that died together start together. */
static uint64_t random_seed(void)
{
	uint64_t seed = 0;
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	return seed;
}

static void init_service(struct service *service, struct service_setup *setup)
{
	struct rules rules;
	service->setup = setup;
	service->tree = *setup->tree;
	service->dir = (struct state_dir){ .runtime_fd = -1, .state_fd = -1, .lock_fd = -1, .events_fd = -1 };
	service->signals.fd = service->keeper_end.fd = -1;
	service->child_program_fd = service->keeper_program_fd = -1;
	service->keeper = (struct keeper){ .pid_fd = -1, .pipe_fd = -1 };
	service->keeper_again_usec = USEC_NEVER;
	service->trial.report.fd = -1;
	service->events_as_json = events_as_json(setup->policy->log.events);
	service->started_usec = loop_now_usec();
	plan_rules(setup->plan, setup->policy, &rules);
	service_state_init(&service->state, &rules);
	service->state.random = random_seed();
	note_state(service);
}

static int run_service(struct service *service, struct failure *why)
{
	if (start_service(service, why) < 0 || supervise(service, why) < 0) {
		snprintf(service->last_line, sizeof(service->last_line), "%.255s", why->text);
		return 125;
	}
	return service->state.exit_status;
}

int service_run(struct service_setup *setup)
{
	struct failure why;
	size_t run_count = setup->policy->service.instances + 2;
	cleanup_free struct service *service = calloc(1, sizeof(*service));
	cleanup_free struct worker_run *runs = calloc(run_count, sizeof(*runs));
	if (service == NULL || runs == NULL) {
		setup->release(setup);
		return 125;
	}
	service->runs = runs;
	service->run_count = run_count;
	init_service(service, setup);
	if (loop_init(&service->loop, &why) < 0 || sink_init(&service->sink, &service->loop, STDERR_FILENO, &why) < 0) {
		dprintf(STDERR_FILENO, "heapward: %s: %s\n", setup->name, why.text);
		setup->release(setup);
		return 125;
	}
	sources_attach_sink(service);
	int status = run_service(service, &why);
	say_last(service, service->last_line);
	finish_service(service);
	sink_finish(&service->sink);
	loop_finish(&service->loop);
	return status;
}
