/* SPDX-License-Identifier: Apache-2.0 */
/* asker: see asker.h. */
#include "supervisor/core/asker.h"

#include <stdio.h>
#include <string.h>

#define SERVICE_GROUP "/heapward-"
#define WORKER_GROUP "/worker-"

#define REMEDY "a worker may look at services, not change them; ask from a shell outside of it"

/* The end of the path's component that begins with the slash at `at`. */
static const char *component_end(const char *at)
{
	return at + 1 + strcspn(at + 1, "/\n");
}

/* The first worker's group in the line's path at or behind `at`: its end, or NULL. */
static const char *find_worker(const char *at)
{
	for (; *at == '/'; at = component_end(at)) {
		const char *next = component_end(at);
		if (strncmp(at, SERVICE_GROUP, strlen(SERVICE_GROUP)) == 0 &&
		    strncmp(next, WORKER_GROUP, strlen(WORKER_GROUP)) == 0)
			return component_end(next);
	}
	return NULL;
}

/* Whether one of the supervisor's lines, "ID:CONTROLLERS:PATH" as these are, begins with them and ends there or goes on below. */
static bool stands_in(const char *lines, const char *line, size_t length)
{
	for (; *lines != '\0'; lines += strcspn(lines, "\n"), lines += *lines == '\n')
		if (strncmp(lines, line, length) == 0 && strchr("/\n", lines[length]) != NULL)
			return true;
	return false;
}

struct asker_group asker_worker_group(const char *cgroups, const char *supervisor_cgroups)
{
	for (const char *line = cgroups; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *path = line + strcspn(line, "/\n");
		for (const char *end = find_worker(path); end != NULL; end = find_worker(end))
			if (!stands_in(supervisor_cgroups, line, (size_t)(end - line)))
				return (struct asker_group){ path, (size_t)(end - path) };
	}
	return (struct asker_group){ cgroups, 0 };
}

static bool is_among(const int32_t *numbers, size_t count, int32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* Said of who stands where it may not; "" where nothing speaks against it. */
static void find_worker_of(const struct process_place *asker, const struct asker_workers *workers, char *why, size_t size)
{
	struct asker_group group = asker_worker_group(asker->cgroups, workers->supervisor_cgroups);
	if (group.length > 0)
		snprintf(why, size, "not allowed: process %d is in a worker's cgroup (%.*s): " REMEDY, asker->pid,
			 (int)(group.length < 256 ? group.length : 256), group.at);
	else if (is_among(asker->parents, asker->parent_count, workers->supervisor_pid))
		snprintf(why, size, "not allowed: process %d was started by this service's worker: " REMEDY, asker->pid);
	else if (asker->session > 0 && is_among(workers->sessions, workers->session_count, asker->session))
		snprintf(why, size, "not allowed: process %d is in the session of this service's worker: " REMEDY, asker->pid);
}

/* What is missing to be sure; NULL: nothing. Who is in no group of a worker's is outside, where all of them are in groups. */
static const char *find_doubt(const struct process_place *asker, const struct asker_workers *workers)
{
	bool has_cgroups = workers->have_groups || workers->supervisor_cgroups[0] != '\0'; /* the kernel */
	if (has_cgroups && asker->cgroups[0] == '\0')
		return "/proc does not show its cgroup";
	if (!workers->have_groups && (asker->session == 0 || !asker->parents_known))
		return "workers have no cgroup of their own here, and /proc does not show who has started it";
	return NULL;
}

bool asker_may_change(const struct process_place *asker, const struct asker_workers *workers, char *why, size_t size)
{
	why[0] = '\0';
	if (asker->pid <= 0)
		snprintf(why, size, "not allowed: who asks is in another PID namespace and cannot be told from a worker; "
			 "ask from where the supervisor runs (in a container: docker exec, kubectl exec)");
	else if (asker->ended)
		snprintf(why, size, "not allowed: process %d has ended since it asked, and cannot be told from a worker; "
			 "ask again and wait for the answer", asker->pid);
	else
		find_worker_of(asker, workers, why, size);
	if (why[0] != '\0')
		return false;
	const char *doubt = find_doubt(asker, workers);
	if (doubt != NULL)
		snprintf(why, size, "not allowed: process %d cannot be told from a worker: %s; ask as root, or mount /proc "
			 "without hidepid", asker->pid, doubt);
	return doubt == NULL;
}
