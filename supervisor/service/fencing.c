/* SPDX-License-Identifier: Apache-2.0 */
/* fencing: the walls of one launch: where what is to be kept from the worker stands now. What is made of it is core/fence.c. */
#include "supervisor/service/fencing.h"

#include "base/path.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_files.h"
#include "supervisor/service/internal.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Without "." and "..", and absolute: what it would be, if there were no links on the way. */
static void make_plain(const char *path, char ret[static PATH_MAX])
{
	size_t length = 0;
	if (path[0] != '/' && getcwd(ret, PATH_MAX) != NULL)
		length = strcmp(ret, "/") == 0 ? 0 : strlen(ret);
	for (const char *name = path; *name != '\0';) {
		size_t count = strcspn(name, "/");
		if (count == 2 && strncmp(name, "..", 2) == 0)
			while (length > 0 && ret[--length] != '/')
				continue;
		else if (count > 0 && !(count == 1 && name[0] == '.') && length + count + 2 < PATH_MAX)
			length += (size_t)snprintf(ret + length, PATH_MAX - length, "/%.*s", (int)count, name);
		name += count + (name[count] == '/');
	}
	strcpy(ret + length, length == 0 ? "/" : "");
}

/* Both "" where there is no such thing. Where it cannot be looked for, heapward-child closes what can be reached of the way to it. */
static void find_path(const char *path, struct fencing_path *ret)
{
	ret->real[0] = ret->named[0] = '\0';
	if (path == NULL || path[0] == '\0')
		return;
	make_plain(path, ret->named);
	if (realpath(path, ret->real) != NULL)
		return;
	snprintf(ret->real, sizeof(ret->real), "%s", errno == ENOENT || errno == ENOTDIR ? "" : ret->named);
}

static void add(struct fencing *fencing, enum fence_kind kind, const char *path)
{
	struct fence_places *places = &fencing->places;
	assert(places->ours_count < FENCE_OURS_MAX);
	struct fencing_path *found = &fencing->ours[places->ours_count];
	find_path(path, found);
	if ((kind == FENCE_SECRET || kind == FENCE_HOME) && found->real[0] == '\0')
		strcpy(found->real, found->named); /* it is made before anything is launched, or by heapward-child */
	places->ours[places->ours_count++] = (struct fence_place){ .kind = kind, .path = found->real, .named = found->named };
}

/* A folder that is not there cannot be kept from anybody: where the worker could make it, we make it first. By Landlock that it cannot is
 * the same wall as the policy's own. */
static void add_drop_ins(struct fencing *fencing, const struct plan_fence *fence, const char *policy_file)
{
	struct policy_drop_in drop_in;
	struct failure ignored; /* a name that is too long: then there is none */
	char named[PATH_MAX];
	if (policy_file == NULL || policy_file[0] == '\0' || policy_drop_in_find(&drop_in, policy_file, "", &ignored) < 0)
		return;
	make_plain(drop_in.directory, named);
	bool ours = fence->by_mounts && fence->protect != PROTECT_SYSTEM_NONE;
	bool system = path_is_below(named, "/etc") || path_is_below(named, "/usr");
	if (ours && !system && (fence->root || fence->user_namespace || path_is_below(named, fencing->directory.real)))
		(void)mkdir(named, 0755);
	add(fencing, FENCE_SETTING, named);
}

static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* Also where another has been put in its place since. */
static void add_self(struct fencing *fencing)
{
	static const char gone[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t count = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t length = count < 0 ? 0 : (size_t)count, end = strlen(gone);
	path[length] = '\0';
	if (length > end && strcmp(path + length - end, gone) == 0)
		path[length - end] = '\0';
	add(fencing, FENCE_PROGRAM, path);
}

/* A worker that changes them is what the next one, or whoever asks heapward, is started by. With the folders that they are in: a file that is
 * read-only can still be led past. heapward itself may stand among other programs. */
static void add_programs(struct fencing *fencing)
{
	static const struct {
		const char *name;
		bool folder;
	} rows[] = { { "heapward-child", true }, { "heapward-keeper", true }, { "agent.cjs", true }, { "syscalls", false },
		     { "heapward-status", false } };
	struct failure ignored; /* a program that is not there is not found by others either */
	char path[PATH_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (libexec_path(rows[i].name, path, sizeof(path), &ignored) < 0)
			continue;
		if (rows[i].folder)
			cut_last(path);
		add(fencing, FENCE_PROGRAM, path);
	}
	add_self(fencing);
}

/* An ordinary user's worker writes with his rights; what it leaves here runs without walls when he logs in. Root's own is core/fence.c's. */
static void add_home(struct fencing *fencing)
{
	static const char *const names[] = { ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile",
					     ".zshenv", ".zshrc", ".zprofile", ".ssh", ".gitconfig", ".local/bin", ".config/git",
					     ".config/fish", ".config/systemd", ".config/autostart", ".config/environment.d",
					     ".local/share/systemd", ".local/share/applications",
					     ".local/share/autostart" };
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	if (geteuid() == 0 || home == NULL || home[0] != '/')
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", home, names[i]) < sizeof(path))
			add(fencing, FENCE_HOME, path);
}

static bool is_known(const struct fencing *fencing, const char *path)
{
	for (size_t i = 0; i < fencing->places.ours_count; i++)
		if (strcmp(fencing->ours[i].real, path) == 0)
			return true;
	return false;
}

/* Lines of one service; false: there are more than there is room for. */
static bool add_others_of(struct fencing *fencing, char *lines, size_t *room)
{
	struct stat stat;
	char *rest;
	for (char *path = strtok_r(lines, "\n", &rest); path != NULL; path = strtok_r(NULL, "\n", &rest)) {
		if (path[0] != '/' || is_known(fencing, path) || lstat(path, &stat) < 0)
			continue;
		if (*room == 0)
			return false;
		add(fencing, FENCE_OTHERS, path);
		--*room;
	}
	return true;
}

/* What the services whose state is kept here were last set up by: root's worker could rewrite it, and be run by it without walls. By
 * Landlock their folders would take no new entries: there it is left to the user's own order. */
static void add_others(struct fencing *fencing, const struct state_roots *roots)
{
	size_t room = FENCE_OTHERS_MAX;
	cleanup_free struct state_service *services = calloc(STATE_SERVICES_MAX, sizeof(*services));
	size_t count = services == NULL ? 0 : state_list(roots, services);
	for (size_t i = 0; i < count; i++) {
		cleanup_free char *lines = state_read_settings(roots, services[i].name);
		if (lines != NULL && !add_others_of(fencing, lines, &room))
			fencing->others_left_out = true;
	}
}

bool fencing_leaves_others_out(struct fencing *room)
{
	struct state_roots roots;
	state_roots_find(&roots);
	add_others(room, &roots);
	return room->others_left_out;
}

/* Sockets of root's that have a part of chance in their names; others' directories in /tmp may be links by the time that they are closed. */
static void add_orders(struct fencing *fencing, const char *pattern, size_t *room)
{
	glob_t found;
	struct stat stat;
	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc && *room > 0; i++)
		if (lstat(found.gl_pathv[i], &stat) == 0 && stat.st_uid == 0 && !S_ISLNK(stat.st_mode)) {
			add(fencing, FENCE_ORDERS, found.gl_pathv[i]);
			--*room;
		}
	globfree(&found);
}

static void add_all_orders(struct fencing *fencing)
{
	static const char *const patterns[] = { "/tmp/tmux-*", "/tmp/ssh-*", "/run/systemd/io.systemd.*", "/run/systemd/*/io.systemd.M*" };
	size_t room = FENCE_ORDERS_MAX;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		add_orders(fencing, patterns[i], &room);
}

static void find_processes(struct fencing *fencing, pid_t keeper)
{
	snprintf(fencing->processes[0], sizeof(fencing->processes[0]), "/proc/%d", (int)getpid());
	fencing->processes[1][0] = '\0';
	if (keeper > 0)
		snprintf(fencing->processes[1], sizeof(fencing->processes[1]), "/proc/%d", (int)keeper);
	for (size_t i = 0; i < FENCE_PROCESSES; i++)
		fencing->places.processes[i] = fencing->processes[i];
}

void fencing_find(struct fencing *fencing, const struct policy *policy, const struct plan_fence *fence, const char *policy_file,
		  const struct policy_syscalls_files *lists)
{
	struct state_roots roots;
	struct fence_places *places = &fencing->places;
	find_path(policy->service.directory == NULL ? "." : policy->service.directory, &fencing->directory);
	places->directory = fencing->directory.real;
	places->directory_named = fencing->directory.named;
	state_roots_find(&roots);
	add(fencing, FENCE_SECRET, roots.runtime);
	add(fencing, FENCE_SECRET, roots.state);
	add(fencing, FENCE_SETTING, policy_file);
	add_drop_ins(fencing, fence, policy_file);
	add(fencing, FENCE_SETTING, policy->service.environment_file);
	for (size_t i = 0; i < lists->count; i++)
		add(fencing, FENCE_SETTING, lists->list[i]);
	add_programs(fencing);
	if (fence->protect == PROTECT_SYSTEM_FULL)
		add_home(fencing);
	if (!fence->by_mounts || fence->protect == PROTECT_SYSTEM_NONE)
		return;
	add_others(fencing, &roots);
	if (fence->root)
		add_all_orders(fencing);
}

/* A path that is more than a line is left out. */
static void remember(const struct fencing *fencing, const struct service *service)
{
	struct failure ignored; /* then others' walls are without it; the directory's problem has been said */
	cleanup_free char *lines = NULL;
	size_t size;
	FILE *text = open_memstream(&lines, &size);
	if (text == NULL)
		return;
	for (size_t i = 0; i < fencing->places.ours_count; i++) {
		const struct fence_place *place = &fencing->places.ours[i];
		if (place->kind == FENCE_SETTING && place->path[0] == '/' && strchr(place->path, '\n') == NULL)
			fprintf(text, "%s\n", place->path);
	}
	if (fclose(text) == 0)
		(void)state_dir_write_settings(&service->dir, lines, &ignored);
}

int fencing_find_lists(const struct policy *policy, struct policy_syscalls_files *ret, struct failure *why)
{
	struct syscall_names names = filter_names();
	const char *name = policy_syscalls(policy);
	char folder[PATH_MAX];
	ret->count = 0;
	if (!policy_filters(policy) || strchr(name, '/') == NULL)
		return 0;
	if (libexec_path("syscalls", folder, sizeof(folder), why) < 0)
		return -1;
	return policy_syscalls_find(ret, name, folder, &names, why);
}

void fencing_fill(struct fencing *fencing, const struct service *service, struct launch *launch)
{
	const struct service_setup *setup = service->setup;
	const struct plan_fence *fence = &setup->plan->fence;
	fencing_find(fencing, setup->policy, fence, setup->policy_file, &service->filter.files);
	remember(fencing, service);
	if (!fence->wanted)
		return;
	if (setup->learning != NULL && fence->protect != PROTECT_SYSTEM_NONE)
		add(fencing, FENCE_SETTING, setup->learning->file);
	if (service->agent_path[0] != '\0' && realpath(service->agent_path, fencing->agent) != NULL)
		cut_last(fencing->agent);
	fencing->places.agent_directory = fencing->agent;
	find_processes(fencing, service->keeper.pid);
	fence_fill(setup->policy, fence, &fencing->places, launch);
	/* In a user namespace of its own it would have them all. */
	if (fence->user_namespace)
		launch->capabilities = (char *)"";
}
