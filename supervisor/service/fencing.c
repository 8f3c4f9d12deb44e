/* SPDX-License-Identifier: Apache-2.0 */
/* fencing: the walls of one launch: where what is to be kept from the worker stands now. What is made of it is core/fence.c. */
#include "supervisor/service/fencing.h"

#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_files.h"
#include "supervisor/service/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* "" where there is no such thing. */
static void find_real(const char *path, char ret[static PATH_MAX])
{
	if (path == NULL || path[0] == '\0' || realpath(path, ret) == NULL)
		ret[0] = '\0';
}

static bool is_within(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/';
}

/* A folder that is not there cannot be kept from anybody: where the worker may make it, we make it first. */
static void find_drop_ins(struct fencing *fencing, const struct plan_fence *fence)
{
	struct policy_drop_in drop_in;
	struct failure ignored; /* a name that is too long: then there is none */
	if (fencing->policy_file[0] == '\0' || policy_drop_in_find(&drop_in, fencing->policy_file, "", &ignored) < 0)
		return;
	bool system = is_within(fencing->policy_file, "/etc") || is_within(fencing->policy_file, "/usr");
	if (fence->by_mounts && ((fence->root && !system) || is_within(fencing->policy_file, fencing->directory)))
		(void)mkdir(drop_in.directory, 0755);
	find_real(drop_in.directory, fencing->drop_ins);
}

/* The same for root's keys, which open the machine to whoever adds one. */
static void make_root_keys(const struct plan_fence *fence)
{
	if (fence->root && fence->by_mounts && fence->protect != PROTECT_SYSTEM_NONE)
		(void)mkdir("/root/.ssh", 0700);
}

static void find_agent(struct fencing *fencing, const char *agent_path)
{
	find_real(agent_path, fencing->agent);
	char *slash = strrchr(fencing->agent, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* A worker that changes them is what the next one is started by. */
static void find_programs(struct fencing *fencing)
{
	static const char *const names[] = { "heapward-child", "heapward-keeper" };
	struct failure ignored; /* a program that is not there is not found by others either */
	char path[PATH_MAX];
	_Static_assert(ARRAY_LEN(names) + 1 == FENCE_PROGRAMS, "and this one");
	find_real("/proc/self/exe", fencing->programs[ARRAY_LEN(names)]);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (libexec_path(names[i], path, sizeof(path), &ignored) < 0)
			path[0] = '\0';
		find_real(path, fencing->programs[i]);
	}
}

static void find_processes(struct fencing *fencing, pid_t keeper)
{
	snprintf(fencing->processes[0], sizeof(fencing->processes[0]), "/proc/%d", (int)getpid());
	fencing->processes[1][0] = '\0';
	if (keeper > 0)
		snprintf(fencing->processes[1], sizeof(fencing->processes[1]), "/proc/%d", (int)keeper);
}

void fencing_fill(struct fencing *fencing, const struct service *service, struct launch *launch)
{
	const struct service_setup *setup = service->setup;
	const struct plan_fence *fence = &setup->plan->fence;
	const char *directory = setup->policy->service.directory;
	if (!fence->wanted)
		return;
	state_roots_find(&fencing->roots);
	find_real(directory == NULL ? "." : directory, fencing->directory);
	find_real(setup->policy_file, fencing->policy_file);
	find_real(setup->policy->service.environment_file, fencing->environment_file);
	fencing->drop_ins[0] = '\0';
	find_drop_ins(fencing, fence);
	make_root_keys(fence);
	find_agent(fencing, service->agent_path);
	find_programs(fencing);
	find_processes(fencing, service->keeper.pid);
	struct fence_places places = {
		.runtime_root = fencing->roots.runtime,
		.state_root = fencing->roots.state,
		.policy_file = fencing->policy_file,
		.drop_ins = fencing->drop_ins,
		.environment_file = fencing->environment_file,
		.agent_directory = fencing->agent,
		.directory = fencing->directory,
	};
	for (size_t i = 0; i < FENCE_PROGRAMS; i++)
		places.programs[i] = fencing->programs[i];
	for (size_t i = 0; i < FENCE_PROCESSES; i++)
		places.processes[i] = fencing->processes[i];
	fence_fill(setup->policy, fence, &places, launch);
	/* In a user namespace of its own it would have them all. */
	if (fence->user_namespace)
		launch->capabilities = (char *)"";
}
