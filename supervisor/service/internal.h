/* SPDX-License-Identifier: Apache-2.0 */
/* internal: the structs that the files of service/ share. Each file's part is named above its functions. */
#ifndef SUPERVISOR_SERVICE_INTERNAL_H
#define SUPERVISOR_SERVICE_INTERNAL_H

#include "supervisor/core/decide.h"
#include "supervisor/core/early.h"
#include "supervisor/core/fatal.h"
#include "supervisor/core/respite.h"
#include "supervisor/core/shield.h"
#include "supervisor/core/syscall_list.h"
#include "supervisor/core/violation.h"
#include "supervisor/edge/control_socket.h"
#include "supervisor/edge/keeper.h"
#include "supervisor/edge/kernel_log.h"
#include "supervisor/edge/listen_socket.h"
#include "supervisor/edge/loop.h"
#include "supervisor/edge/notify.h"
#include "supervisor/edge/output.h"
#include "supervisor/edge/policy_syscalls.h"
#include "supervisor/edge/ready_http.h"
#include "supervisor/edge/ready_notify.h"
#include "supervisor/edge/records.h"
#include "supervisor/edge/sink.h"
#include "supervisor/edge/spawn.h"
#include "supervisor/edge/state_dir.h"
#include "supervisor/edge/user.h"
#include "supervisor/types/death.h"
#include "supervisor/types/notice.h"
#include "supervisor/types/status.h"
#include "supervisor/service/service.h"

#define EVENTS_MAX 512                           /* a wake-up has at most 32 sources of at most two events each, and each
						    worker its deadlines */
#define GROUP_POLL_USEC (10 * USEC_PER_MSEC)     /* between two looks at a killed group that is not empty yet */
#define MEMORY_POLL_USEC (USEC_PER_SEC)          /* between two looks at the free memory, memory.check: wait */

/* The world's side of one worker: what decide() calls by its id. */
struct worker_run {
	uint32_t id; /* 0: free */
	uint32_t instance;
	char place;  /* a or b: of the two that an instance may have at once, in its group's name */
	struct service *service;
	struct spawned child;      /* pid 0: not started */
	struct source exit, report, oom;
	struct cgroup group;
	bool has_group, exited, killing, waiting_for_memory, agent_loaded;
	int wait_code, wait_status;
	bool we_killed;            /* our SIGKILL came before the end of the main process */
	int64_t killed_usec;       /* when it was first sent, 0: not yet */
	int64_t launched_usec, ended_usec, poll_usec; /* poll_usec: USEC_NEVER, or when to look again */
	int64_t child_look_usec;   /* when to look for dead children, USEC_NEVER: nothing points to one */
	int64_t ready_look_usec;   /* ready.when: a port: when to look again; USEC_NEVER: no more */
	bool elsewhere_looked;     /* whether it listens where nobody asks: looked at once */
	struct ready_http http;
	struct ready_notify notify;
	char ready_answer[80];     /* over HTTP, the last one; "" */
	bool said_ready, stranger_said; /* READY=1, by a process of the worker; by another */
	int64_t crumb_usec;        /* when to look at memory for a breadcrumb again */
	uint64_t child_deaths;     /* told */
	int64_t heard_usec;        /* since when the worker's own news are counted, and how many it had a line for: */
	unsigned heard_count;
	bool doubts_said;
	uint64_t pauses_seen;      /* of the records, at the watchdog's last look */
	int64_t event_loop_usec;   /* watchdog.event_loop, as it was at the launch */
	int64_t watch_usec;        /* when to look after heartbeats, USEC_NEVER: once one has come */
	bool is_stuck;             /* by the last look */
	struct stuck stuck;        /* the last time that it was */
	struct output output;
	struct records records;
	bool has_output, has_records;
	uint64_t old_space_bytes, young_bytes, heap_size_limit_bytes; /* planned when it was launched */
	uint64_t old_space_before_bytes; /* what it had before the last set */
	struct fatal_scanner fatal;
	struct launch_failure launch;
	struct memory_counters before;
	struct memory_sample memory; /* the last one that could be read */
	struct kernel_log kernel_log;
	struct kernel_oom kernel;  /* what it has told so far */
	struct verdict verdict;
	char agent_problem[256];
	bool watched;              /* it has been ready: how near it is to its limits is watched */
	struct early_heap early[RECORDS_REPORTERS_MAX]; /* of the reporter with the same index */
	struct early_memory early_memory;
	struct source usage;       /* tells once that memory is used up to memory.replace_at */
	struct early_limits limits; /* of the plan that it was launched from, and what was set since: a reload is for the next one */
	bool manages_heap, replaces; /* the same */
	enum violation violation;  /* sandbox.violation, as it was at the launch */
	struct notify listener;    /* the listener of its system-call filter */
	struct violations violations;
	struct violation_list list; /* what its list says of calls, as it was at the launch */
	struct denied_call denied; /* what it was killed for */
	bool unheard;              /* its filter has no listener */
	bool filter_silent;        /* it has a filter, and its child has not told of the listener yet */
	bool exec_denied;          /* the command's own execve was denied */
	uint64_t usage_high_bytes; /* what memory.high is set back to then */
	int64_t memory_look_usec;  /* the last look */
	char warning[sizeof(((struct early_warning *)NULL)->text)]; /* the last one */
};

/* What the supervisor has given up, for good: a policy that is reloaded may not need it. */
struct protection {
	uint64_t had;        /* capabilities that there were, in the bounding set */
	uint64_t own, later, reach; /* what is left: its own, its own at the end, and of what it executes */
	uint64_t calls;      /* of self_filter_call, which its own filter denies, and so its workers' */
};

/* What a worker could get at, tried once a policy. */
struct trial {
	const struct service_setup *of; /* the policy that was tried; NULL: none yet */
	struct spawned child;
	struct source report;           /* fd -1: none is under way */
	bool tried;
	uint32_t open;                  /* bits of enum reach_act */
	char problem[160];              /* why it could not be tried; "" */
};

/* What of the budget is on disk: where this is the same, the rest is. */
struct budget_mark {
	uint32_t newest, count, counting, backoff_step;
};

/* sandbox.syscalls as the kernel runs it; NULL: none. */
struct filter_bytes {
	unsigned char *bytes;
	size_t length;
	struct shield shield; /* what of it is never let through */
	struct policy_syscalls_files files; /* the lists that it is made of, where they are the user's own */
	struct violation_list list; /* what the list that it is made of says */
};

struct service {
	struct service_setup *setup;      /* of the current worker */
	struct service_setup *next_setup; /* of the next launch, after a reload; NULL: the same */
	struct rules next_rules;          /* of a reload under way */
	bool plan_again;                  /* a raise has changed what the plan comes from */
	char raise_refused[256];          /* why the last raise was not made; "" */
	struct cgroup_tree tree;
	struct loop loop;
	struct service_state state;
	struct worker_run *runs;          /* one an instance, one spare for all, and one that has just gone */
	size_t run_count;
	struct event events[EVENTS_MAX];
	size_t event_first, event_count;
	struct sink sink;
	struct source signals;
	struct source keeper_end;
	struct keeper keeper;
	struct cgroup_service groups;
	struct listen_sockets sockets;    /* of the first policy: a reload cannot change them */
	char no_room[256];                /* why there is no second worker: the last answer */
	bool started;                     /* its first worker could be launched */
	bool keeper_knows_groups;
	uint64_t adopting_since;          /* who is older and our child was left to us before we began */
	struct respite keeper_respite;
	int64_t keeper_again_usec;        /* when to start one again, USEC_NEVER: it runs */
	bool has_groups, events_as_json, overcommit_said, crumb_kept, unheard_said;
	struct state_dir dir;
	struct control_socket control;
	bool has_control;
	int child_program_fd, keeper_program_fd;
	char agent_path[STATE_DIR_PATH_MAX];
	char agent_problem[256];
	struct filter_bytes filter, next_filter; /* of the current worker's policy, of a reloaded one's */
	struct user user, next_user;
	struct protection protection;
	struct trial trial;
	struct state_figures figures;
	int64_t leak_seen_usec;    /* when a worker was near its heap limit, last; 0: not yet */
	struct budget_mark budget_kept;
	int64_t started_usec, state_since_usec;
	const char *state_name;
	char *last_death;          /* summary JSON; NULL: none */
	char failed_why[256];
	char last_line[256];       /* the verdict that `run` ends with */
	char last_said[256];       /* the last event line that was text; "" where it was JSON */
	int64_t next_event_error_usec;
};

/* service.c */
void service_push(struct service *service, struct event event);
void service_push_worker(struct service *service, enum worker_event event, const struct worker_run *run);
void service_push_order(struct service *service, enum slot_event event); /* to all instances */
struct worker_run *service_run_of(struct service *service, uint32_t worker); /* NULL: gone */
struct worker_run *service_run_serving(struct service *service, uint32_t instance); /* or to serve; NULL: none */

/* sources.c: readiness -> event */
int sources_watch_signals(struct service *service, struct failure *why);
int sources_watch_worker(struct worker_run *run, struct failure *why);
void sources_attach_output(struct worker_run *run);
void sources_attach_records(struct worker_run *run);
void sources_unwatch_worker(struct worker_run *run);
void sources_attach_sink(struct service *service);

/* budgets.c: the restart budget, from supervisor to supervisor */
void budgets_restore(struct service *service); /* what one that was killed has left */
void budgets_note(struct service *service);    /* after each decision */

/* guard.c: groups, and the keeper that removes what a killed supervisor leaves */
void guard_prepare(struct service *service);
int guard_begin(struct service *service, struct failure *why);       /* the keeper, once the name is ours */
int guard_make_groups(struct service *service, struct failure *why); /* and a keeper that knows them */
void guard_end_strays(const struct worker_run *run); /* where there are no groups: who has left the session of a worker that is gone */
void guard_look(struct service *service);                            /* the time for another keeper has come */
void guard_finish(struct service *service, bool abandoned);

/* acts.c: one function an action */
void acts_do(struct service *service, const struct decision *decision);

/* launch.c */
void launch_worker(struct service *service, uint32_t instance, uint32_t worker);
/* heapward-child in a worker's place, but for its group and descriptors, which tries to reach those targets. */
void launch_tell_dropped(struct service *service); /* variables that a server may miss */
int launch_trial(struct worker_run *run, char **targets, struct spawned *ret, struct failure *why);
void launch_continue(struct worker_run *run); /* memory.check: wait, looked at again */

/* holding.c: held sockets, room for a second worker */
int holding_start(struct service *service, struct failure *why); /* after the keeper, which knows the paths by the policy */
bool holding_may_become(const struct service *service, const struct policy *policy); /* by a reload */
size_t holding_records(const struct service *service, struct records_listen ret[static LISTEN_MAX]);
bool holding_can_serve(const struct worker_run *run); /* somebody gives the sockets to its server */
int holding_listen(struct service *service, struct failure *why); /* before each launch, too */
void holding_check_room(struct service *service, uint32_t instance); /* pushes the answer */
void holding_drain(struct worker_run *run);    /* DRAINED comes later, or at once where nobody can be told */

/* ready.c: is it ready? */
int ready_prepare(struct worker_run *run, struct failure *why); /* before its environment is made */
void ready_launched(struct worker_run *run);  /* exec has happened: ready now, or how to see that it is */
void ready_look(struct worker_run *run);      /* at the port of ready.when */
void ready_listening(struct worker_run *run); /* a reporter has told of a listener */
void ready_missing(const struct worker_run *run, char *text, size_t size); /* of its readiness; as it was if nothing is */
void ready_finish(struct worker_run *run);

/* watching.c: the watchdog of event loops */
void watching_launched(struct worker_run *run);
void watching_look(struct worker_run *run); /* its time has come */
void watching_fill(const struct worker_run *run, struct status_instance *instance);
void watching_heard(struct worker_run *run, const struct reporter *reporter); /* a heartbeat */

/* renew.c: reload, raise, and the plan of the next launch */
int renew_policy(struct service *service, char **ret_text); /* 0: taken; -1: refused; the text says all, malloc'ed */
void renew_raise(struct worker_run *run);                   /* after a fatal heap-limit error */
void renew_take(struct service *service);                   /* before a launch */
int renew_find_user(const struct service_setup *setup, struct user *ret, struct failure *why);
int renew_filter(const struct service *service, const struct service_setup *setup, struct filter_bytes *ret,
		 struct failure *why); /* replaces *ret */
void renew_filters(struct service *service); /* the keeper is another one */
int renew_list(const struct service_setup *setup, struct syscall_list *ret, const struct syscall_names *names, struct failure *why);
void filter_bytes_finish(struct filter_bytes *filter);

/* setting.c: `heapward set` */
int setting_change(struct service *service, const char *argument, char **ret_text); /* 0: taken, -1: refused; malloc'ed */
size_t setting_fill(struct service *service, struct status_set ret[static 2]); /* what is set now, for status */
void setting_answered(struct worker_run *run, const struct reporter *reporter, const struct heapward_record_limit *limit);

/* violating.c: calls that the system-call filter does not allow */
uint32_t violating_unheard(enum violation violation); /* what the filter does with them where nobody can listen: SECCOMP_RET_* */
void violating_listen(struct worker_run *run, int listener_fd); /* takes the descriptor over */
void violating_unheard_of(struct worker_run *run, int error);
void violating_tell_rest(struct worker_run *run); /* counts that have grown since they were told */
void violating_finish(struct worker_run *run); /* safe where there was no listener */

/* learning.c: `heapward learn` */
int learning_filter(const struct learning *learning, struct filter_bytes *ret, struct failure *why);
void learning_listen(struct worker_run *run, int listener_fd); /* takes the descriptor over */
void learning_launched(const struct worker_run *run);          /* exec has happened */
void learning_unheard_of(struct worker_run *run, int error);   /* stops the service */

/* children.c: deaths within the worker that its main process outlives */
void children_suspect(struct worker_run *run); /* the kernel may have killed */
void children_reporter_ended(struct worker_run *run, const struct reporter *reporter);
void children_look(struct worker_run *run);

/* warning.c: near a limit before V8 or the kernel says so */
void warning_launch(struct worker_run *run);   /* by the service's plan */
void warning_set(struct worker_run *run);      /* the limits of its memory, as the service's plan has them now */
void warning_begin(struct worker_run *run);    /* READY has been decided on: from now on, if it serves */
void warning_end(struct worker_run *run);      /* safe without a beginning */
void warning_said_hello(struct worker_run *run, const struct reporter *reporter);
void warning_sampled(struct worker_run *run, const struct reporter *reporter); /* a heap record has come */
void warning_occasion(struct worker_run *run); /* to look at its memory, if the last look was a while ago */
void warning_look(struct worker_run *run);
int64_t warning_deadline(const struct worker_run *run); /* when to look again, USEC_NEVER */
void warning_of_leak(struct service *service); /* a heap was near its limit: the next one is replaced earlier */
void warning_forget(struct service *service);  /* the next worker may be of another program, or have other limits */
int64_t warning_usec_to_limit(const struct worker_run *run, const struct reporter *reporter); /* USEC_NEVER: no forecast */

/* breadcrumbs.c: for a kernel that kills the supervisor too */
void breadcrumbs_note(struct worker_run *run);       /* at most one a second, where memory runs short */
void breadcrumbs_say_where(struct service *service); /* what is kept must outlive a container: said once, at the start */
void breadcrumbs_forget(struct service *service);
void breadcrumbs_read(struct service *service);      /* what the supervisor before this one left: a death, if anything */

/* ending.c: from SIGKILL to the verdict */
void ending_kill(struct worker_run *run);
bool ending_reap(struct worker_run *run);                    /* has the main process ended? keeps its wait status */
void ending_signal(struct worker_run *run, int signal);      /* to the main process, while it lives */
void ending_look(struct worker_run *run); /* is the group empty? then judge, remove, push GONE */

/* obituary.c: a death as it is kept */
void obituary_keep(struct worker_run *run, const char *action);
void obituary_put(struct service *service, const struct death *death); /* to disk and status, under its number */

/* protection.c: what the supervisor itself may do */
void protection_filter(struct service *service); /* before the keeper, which inherits it */
int protection_shield(const struct service *service, const struct service_setup *setup, const struct syscall_names *names,
		      struct shield *ret, struct failure *why); /* what would harm supervisor and keeper */
void protection_begin(struct service *service);  /* once all is set up */
void protection_end(struct service *service);    /* no worker is left */
void protection_last_call(struct service *service); /* of the held sockets: may take what is kept for the end */
bool protection_may_become(const struct service *service, const struct service_setup *setup, char *why, size_t size);
void protection_fill(const struct service *service, struct status *status);

/* reach.c: what a worker could get at, tried in its place */
void reach_begin(struct worker_run *run); /* it is ready; nothing where its policy was tried before */
void reach_fill(const struct service *service, struct status *status);
void reach_finish(struct service *service);

/* report.c: answers to the control socket */
void report_answer(struct control_socket *socket, const struct control_request *request, struct control_reply *reply);

/* asking.c: who may change something */
bool asking_may_change(struct control_socket *socket, const struct control_peer *peer, char *why, size_t size);

/* tell.c: event lines */
struct notice tell_notice(const struct service *service, int kind, const struct worker_run *run);
void tell_add_text(struct notice *notice, const char *name, const char *text);
void tell_add_number(struct notice *notice, const char *name, int64_t number);
void tell_add_size(struct notice *notice, const char *name, uint64_t bytes); /* none and unknown: null */
void tell_add_time(struct notice *notice, const char *name, int64_t usec); /* as seconds; never: null */
void tell_add_lines(struct notice *notice, const char *name, const char *const *lines, size_t count);
void tell_add_truth(struct notice *notice, const char *name, bool truth);
void tell(struct service *service, const struct notice *notice);
/* A line for a worker's own news: so many in so much time, a server's whole life; what a flood adds is only counted. */
bool tell_may(struct worker_run *run);
void tell_warning(struct service *service, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
