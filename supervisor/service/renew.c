/* SPDX-License-Identifier: Apache-2.0 */
/* renew: what changes the plan of the next launch: a reloaded policy, and old space raised after a fatal heap-limit
 * error. A worker that lives is never touched from here. */
#include "supervisor/core/plan.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_change.h"
#include "supervisor/core/raise.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/host_probe.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_syscalls.h"
#include "supervisor/service/fencing.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int renew_find_user(const struct service_setup *setup, struct user *ret, struct failure *why)
{
	return setup->policy->sandbox.user == NULL ? 0 : user_find(ret, setup->policy->sandbox.user, why);
}

void filter_bytes_finish(struct filter_bytes *filter)
{
	free(filter->bytes);
	policy_syscalls_files_finish(&filter->files);
	*filter = (struct filter_bytes){ 0 };
}

/* What the command line has found right can have changed since. */
int renew_list(const struct service_setup *setup, struct syscall_list *ret, const struct syscall_names *names, struct failure *why)
{
	char folder[PATH_MAX], text[1024];
	if (libexec_path("syscalls", folder, sizeof(folder), why) < 0)
		return -1;
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (errors == NULL)
		return failed(why, ENOMEM, "sandbox.syscalls");
	if (policy_syscalls_load(ret, policy_syscalls(setup->policy), setup->policy, folder, names, errors) == 0)
		return 0;
	policy_error_format(&errors->list[0], text, sizeof(text));
	return failed(why, 0, "%.*s", (int)strcspn(text, "\n"), text);
}

static int build_filter(const struct service_setup *setup, struct filter_bytes *ret, const struct syscall_names *names,
			struct failure *why)
{
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return failed(why, ENOMEM, "sandbox.syscalls");
	if (renew_list(setup, list, names, why) < 0)
		return -1;
	violation_list_note(&ret->list, policy_syscalls(setup->policy), list);
	if (shield_add(list, &ret->shield) < 0)
		return failed(why, 0, "sandbox.syscalls: too many rules");
	if (filter_build(list, names->architecture, SECCOMP_RET_USER_NOTIF, &ret->bytes, &ret->length, why) < 0)
		return -1;
	return fencing_find_lists(setup->policy, &ret->files, why);
}

/* Once for a policy: every launch from it loads the same bytes. */
int renew_filter(const struct service *service, const struct service_setup *setup, struct filter_bytes *ret, struct failure *why)
{
	struct syscall_names names = filter_names();
	struct filter_bytes filter = { 0 };
	if (protection_shield(service, setup, &names, &filter.shield, why) < 0)
		return -1;
	if (setup->learning != NULL ? learning_filter(setup->learning, &filter, why) < 0
				    : policy_filters(setup->policy) && build_filter(setup, &filter, &names, why) < 0) {
		filter_bytes_finish(&filter);
		return -1;
	}
	filter_bytes_finish(ret);
	*ret = filter;
	return 0;
}

/* Who is alive keeps a filter that names the one before. */
void renew_filters(struct service *service)
{
	struct failure why;
	if (renew_filter(service, service->setup, &service->filter, &why) < 0 ||
	    (service->next_setup != NULL && renew_filter(service, service->next_setup, &service->next_filter, &why) < 0))
		tell_warning(service, "the next worker's filter does not keep it from the new keeper: %s", why.text);
}

static void tell_renewed(struct service *service, int kind, const char *format, ...) PRINTF_LIKE(3, 4);

static void tell_renewed(struct service *service, int kind, const char *format, ...)
{
	struct notice notice = tell_notice(service, kind, NULL);
	va_list args;
	va_start(args, format);
	vsnprintf(notice.message, sizeof(notice.message), format, args);
	va_end(args);
	tell(service, &notice);
}

/* What only the running service knows of a new policy; complains and returns -1 where it cannot be. */
static int check_setup(struct service *service, const struct service_setup *setup, FILE *complaints)
{
	struct failure why;
	char text[400];
	if (strcmp(setup->name, service->setup->name) != 0)
		fprintf(complaints, "heapward: %s: service.name is now %s; a name cannot change while it runs\n",
			service->setup->name, setup->name);
	else if (!holding_may_become(service, setup->policy))
		fprintf(complaints, "heapward: %s: service.listen cannot change while it runs; stop it, then run it again\n",
			service->setup->name);
	else if (setup->policy->service.instances != service->state.slot_count)
		fprintf(complaints, "heapward: %s: service.instances cannot change while it runs (%u now); stop it, then run it "
			"again\n", service->setup->name, service->state.slot_count);
	else if (!protection_may_become(service, setup, text, sizeof(text)))
		fprintf(complaints, "heapward: %s: %s; stop it, then run it again\n", service->setup->name, text);
	else if (renew_find_user(setup, &service->next_user, &why) < 0 || renew_filter(service, setup, &service->next_filter, &why) < 0)
		fprintf(complaints, "heapward: %s: %s\n", setup->name, why.text);
	else
		return 0;
	return -1;
}

static struct service_setup *read_again(struct service *service, FILE *complaints)
{
	struct service_setup *setup = service->setup->renew(service->setup, complaints);
	if (setup == NULL || check_setup(service, setup, complaints) == 0)
		return setup;
	setup->release(setup);
	return NULL;
}

/* Raises rest on the limits of the policy: with others they are given back. */
static void give_back(struct service *service, const struct service_setup *setup)
{
	const struct raises *raises = &service->setup->host->raises;
	struct failure ignored; /* the record names its policy: it counts for nothing any more */
	if (raises->count == 0 || strcmp(raises->policy, setup->host->raises.policy) == 0)
		return;
	(void)state_dir_write_raises(&service->dir, &setup->host->raises, &ignored);
	tell_renewed(service, NOTICE_POLICY_RELOADED, "the policy's limits have changed: %zu raise%s of old space given back",
		     raises->count, raises->count == 1 ? "" : "s");
}

static void accept(struct service *service, struct service_setup *setup)
{
	char line[400], changed[160];
	/* Behind held sockets it costs no request, so what only a new worker can take does not wait for one. */
	bool replace = policy_change_for_worker(service->setup->policy, setup->policy, changed, sizeof(changed)) > 0 &&
		       plan_drains(setup->policy) && service_state_is_ready(&service->state);
	give_back(service, setup);
	if (service->next_setup != NULL)
		service->next_setup->release(service->next_setup);
	service->next_setup = setup;
	plan_start_line(setup->plan, setup->policy, setup->name, line, sizeof(line));
	if (replace)
		tell_renewed(service, NOTICE_POLICY_RELOADED, "policy read again; a new worker takes %s: %s", changed, line);
	else
		tell_renewed(service, NOTICE_POLICY_RELOADED, "policy read again; from the next start: %s", line);
	plan_rules(setup->plan, setup->policy, &service->next_rules);
	warning_forget(service);
	service_push(service, (struct event){ .slot_event = SLOT_EVENT_RELOADED, .rules = &service->next_rules });
	if (replace)
		service_push_order(service, SLOT_EVENT_RESTART);
}

int renew_policy(struct service *service, char **ret_text)
{
	size_t length = 0;
	FILE *complaints = open_memstream(ret_text, &length);
	if (complaints == NULL)
		return -1;
	struct service_setup *setup = read_again(service, complaints);
	fclose(complaints);
	if (setup == NULL) {
		tell_renewed(service, NOTICE_POLICY_REJECTED, "policy not taken, nothing changes: %.*s",
			     (int)strcspn(*ret_text, "\n"), *ret_text);
		return -1;
	}
	accept(service, setup);
	return 0;
}

/* The old space that V8 itself told at its limit. */
static uint64_t old_space_in_effect(const struct worker_run *run)
{
	const struct reporter *principal = run->has_records ? records_principal(&run->records) : NULL;
	return principal == NULL ? SIZE_UNKNOWN : principal->old_space_bytes;
}

static void refuse_raise(struct service *service, const char *refusal)
{
	snprintf(service->raise_refused, sizeof(service->raise_refused), "%s", refusal);
	tell_renewed(service, NOTICE_LIMIT_RAISE_REFUSED, "old space is not raised: %s", refusal);
}

static void make_raise(struct service *service, const struct service_setup *setup, struct raise *raise)
{
	struct failure why;
	char text[160];
	raise->at_realtime_usec = loop_now_realtime_usec();
	raises_add(&setup->host->raises, raise);
	service->plan_again = true;
	service->raise_refused[0] = '\0';
	struct notice notice = tell_notice(service, NOTICE_LIMIT_RAISE, NULL);
	snprintf(notice.message, sizeof(notice.message), "%s (heap.at_limit: raise)",
		 raise_text(raise, text, sizeof(text)));
	tell_add_size(&notice, "from_bytes", raise->from_bytes);
	tell_add_size(&notice, "to_bytes", raise->to_bytes);
	tell_add_size(&notice, "memory_max_bytes", raise->memory_max_bytes);
	tell(service, &notice);
	if (state_dir_write_raises(&service->dir, &setup->host->raises, &why) < 0)
		tell_warning(service, "the raise is not kept on disk: %s", why.text);
}

/* By the setup of the next launch: a policy that was reloaded in between says how far. */
void renew_raise(struct worker_run *run)
{
	struct service *service = run->service;
	const struct service_setup *setup = service->next_setup != NULL ? service->next_setup : service->setup;
	struct raise raise;
	char refusal[256];
	host_probe_memory(setup->host);
	cgroup_tree_describe(&service->tree, setup->host);
	if (raise_next(setup->plan, setup->policy, setup->host, old_space_in_effect(run), &raise, refusal,
		       sizeof(refusal)) < 0)
		refuse_raise(service, refusal);
	else
		make_raise(service, setup, &raise);
}

static void take_next(struct service *service)
{
	service->setup->release(service->setup);
	service->setup = TAKE_POINTER(service->next_setup);
	service->user = service->next_user;
	service->trial.of = NULL; /* what a worker can get at is another matter now */
	filter_bytes_finish(&service->filter);
	service->filter = service->next_filter;
	service->next_filter = (struct filter_bytes){ 0 };
	for (size_t i = 0; i < service->setup->plan->remark_count; i++)
		tell_warning(service, "%s", service->setup->plan->remarks[i].text);
}

void renew_take(struct service *service)
{
	const struct service_setup *setup;
	if (service->next_setup != NULL)
		take_next(service);
	setup = service->setup;
	if (service->plan_again)
		plan_resolve(setup->policy, setup->host, setup->command, setup->plan);
	service->plan_again = false;
	setup->host->start_usec = service->figures.start_usec;
	plan_learn_start(setup->plan, setup->policy, service->figures.start_usec);
}
