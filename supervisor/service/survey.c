/* SPDX-License-Identifier: Apache-2.0 */
/* survey: what the walls of a policy come to on this machine, before anything is started: what Landlock closes beyond what is meant, what it
 * has to leave open, what is to be hidden and is not there, and whether the worker comes to where it works. For the plan to say. */
#include "supervisor/service/fencing.h"

#include "supervisor/edge/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A list in words; what has no room is left out, and said so. */
struct words_text {
	char *text;
	size_t size;
};

static void add_word(const struct words_text *list, const char *word)
{
	size_t length = strlen(list->text);
	if (length + strlen(word) + 8 < list->size)
		snprintf(list->text + length, list->size - length, "%s%s", length > 0 ? ", " : "", word);
	else if (length == 0)
		snprintf(list->text, list->size, "%.*s...", (int)list->size - 12, word);
	else if (list->text[length - 1] != '.')
		snprintf(list->text + length, list->size - length, ", ...");
}

static bool has_word(const struct words_text *list, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = list->text; (at = strstr(at, word)) != NULL; at++)
		if ((at == list->text || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
			return true;
	return false;
}

/* Whether the worker could, were there no wall. */
static bool can_be_written(const char *path, const struct user *user)
{
	return user_can_write(user->uid == geteuid() ? NULL : user, path);
}

/* The same of what is not there yet: the supervisor makes it, as its own, where its user may. */
static bool will_be_written(const char *path, const struct user *user)
{
	char nearest[PATH_MAX];
	snprintf(nearest, sizeof(nearest), "%s", path);
	while (faccessat(AT_FDCWD, nearest, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT && nearest[1] != '\0') {
		if (user->uid != geteuid())
			return false;
		char *slash = strrchr(nearest, '/');
		slash[slash == nearest ? 1 : 0] = '\0';
	}
	return can_be_written(nearest, user);
}

/* The directories above a wall that are walked around for it. */
static void add_closed(const struct launch *launch, const char *path, const struct user *user, const struct words_text *closed)
{
	char directory[PATH_MAX];
	snprintf(directory, sizeof(directory), "%s", path);
	for (char *slash; directory[1] != '\0' && (slash = strrchr(directory, '/')) != NULL;) {
		slash[slash == directory ? 1 : 0] = '\0';
		if (fence_left(launch, directory) == LAUNCH_READ_WRITE && can_be_written(directory, user) && !has_word(closed, directory))
			add_word(closed, directory);
	}
}

/* `launch` has real paths from here on; what is not there has none. */
static void make_real(struct launch *launch, char (*room)[PATH_MAX])
{
	size_t kept = 0;
	for (size_t i = 0; i < launch->path_count; i++) {
		struct launch_path *path = &launch->paths[i];
		if (realpath(path->path, room[kept]) == NULL)
			continue;
		launch->paths[kept] = (struct launch_path){ path->access, path->optional, room[kept] };
		kept++;
	}
	launch->path_count = kept;
}

static void find_closed(const struct launch *launch, const struct user *user, struct host_fence *ret)
{
	const struct words_text closed = { ret->closed, sizeof(ret->closed) };
	for (size_t i = 0; i < launch->path_count; i++)
		if (launch->paths[i].access < LAUNCH_READ_WRITE)
			add_closed(launch, launch->paths[i].path, user, &closed);
}

/* Which are there from the first start on. */
static void add_secrets(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
			const struct user *user, const struct launch *launch, struct host_fence *ret)
{
	const struct words_text closed = { ret->closed, sizeof(ret->closed) };
	for (size_t i = 0; i < places->ours_count; i++) {
		const struct fence_place *place = &places->ours[i];
		if (place->kind == FENCE_SECRET && !fence_leaves_open(policy, fence, places, place))
			add_closed(launch, place->path, user, &closed);
	}
}

static void find_open(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *places,
		      const struct user *user, struct host_fence *ret)
{
	const struct words_text open = { ret->open, sizeof(ret->open) };
	for (size_t i = 0; i < places->ours_count; i++) {
		const struct fence_place *place = &places->ours[i];
		if (fence_leaves_open(policy, fence, places, place) && will_be_written(place->path, user) && !has_word(&open, place->path))
			add_word(&open, place->path);
	}
}

static void find_absent(const struct policy *policy, struct host_fence *ret)
{
	const struct words_text absent = { ret->absent, sizeof(ret->absent) };
	for (size_t i = 0; i < policy->sandbox.hidden.count; i++)
		if (faccessat(AT_FDCWD, policy->sandbox.hidden.list[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
		    (errno == ENOENT || errno == ENOTDIR))
			add_word(&absent, policy->sandbox.hidden.list[i]);
}

static void look_at_walls(struct fencing *fencing, struct launch *launch, const struct policy *policy, const struct plan_fence *fence,
			  const char *policy_file, struct host_fence *ret)
{
	cleanup_free char (*room)[PATH_MAX] = calloc(LAUNCH_PATHS_MAX, PATH_MAX);
	struct policy_syscalls_files lists;
	struct failure ignored; /* then the start is refused */
	struct user user = { .uid = geteuid() };
	if (room == NULL || (policy->sandbox.user != NULL && user_find(&user, policy->sandbox.user, &ignored) < 0))
		return;
	(void)fencing_find_lists(policy, &lists, &ignored);
	fencing_find(fencing, policy, fence, policy_file, &lists);
	policy_syscalls_files_finish(&lists);
	fence_fill(policy, fence, &fencing->places, launch);
	make_real(launch, room);
	if (fence->protect != PROTECT_SYSTEM_NONE)
		add_secrets(policy, fence, &fencing->places, &user, launch, ret);
	find_closed(launch, &user, ret);
	find_open(policy, fence, &fencing->places, &user, ret);
}

/* By mounts only root's home is closed to new entries, and / that nobody but root could write anyway. */
static void note_roots_home(const struct policy *policy, const struct plan_fence *fence, struct host_fence *ret)
{
	const char *home = getenv("HOME"), *directory = policy->service.directory;
	char here[PATH_MAX];
	if (directory == NULL)
		directory = getcwd(here, sizeof(here));
	if (fence->root && fence->protect == PROTECT_SYSTEM_FULL && home != NULL && strcmp(home, "/root") == 0 &&
	    (directory == NULL || strcmp(directory, home) != 0))
		snprintf(ret->closed, sizeof(ret->closed), "%s (HOME)", home);
}

void fencing_survey(const struct policy *policy, const struct plan_fence *fence, const char *policy_file, struct host_fence *ret)
{
	ret->closed[0] = ret->open[0] = ret->absent[0] = '\0';
	ret->others_left_out = false;
	cleanup_free struct fencing *fencing = calloc(1, sizeof(*fencing));
	cleanup_free struct launch *launch = calloc(1, sizeof(*launch));
	if (!fence->wanted || fencing == NULL || launch == NULL)
		return;
	find_absent(policy, ret);
	if (fence->by_mounts && fence->protect != PROTECT_SYSTEM_NONE)
		ret->others_left_out = fencing_leaves_others_out(fencing);
	if (fence->by_mounts)
		note_roots_home(policy, fence, ret);
	if (fence->by_landlock)
		look_at_walls(fencing, launch, policy, fence, policy_file, ret);
}

/* Whether `path` is `directory`, or below it; as they are named, or as they are. */
static bool is_in(const char *path, const char *directory)
{
	char real[PATH_MAX];
	size_t length = realpath(directory, real) == NULL ? 0 : strlen(real);
	return length > 0 && strncmp(path, real, length) == 0 && (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* The longest of them decides. */
static size_t cover(const char *path, const struct words *directories, const char **ret_by)
{
	size_t longest = 0;
	for (size_t i = 0; i < directories->count; i++)
		if (is_in(path, directories->list[i]) && strlen(directories->list[i]) > longest) {
			longest = strlen(directories->list[i]);
			*ret_by = directories->list[i];
		}
	return longest;
}

void fencing_reach(const struct policy *policy, char *text, size_t size)
{
	const char *by = "", *opened = "";
	struct user user;
	struct failure ignored; /* then the start is refused */
	cleanup_free char *directory = realpath(policy->service.directory == NULL ? "." : policy->service.directory, NULL);
	text[0] = '\0';
	if (directory == NULL)
		return;
	size_t hidden = cover(directory, &policy->sandbox.hidden, &by);
	if (hidden > cover(directory, &policy->sandbox.read_write, &opened) && hidden > cover(directory, &policy->sandbox.read_only, &opened))
		snprintf(text, size, "sandbox.hidden: %.80s covers the working directory %.150s: name that in sandbox.read_only, or no program "
			 "is found there", by, directory);
	else if (policy->sandbox.user != NULL && geteuid() == 0 && user_find(&user, policy->sandbox.user, &ignored) == 0 &&
		 !user_can_enter(&user, directory))
		snprintf(text, size, "sandbox.user: %.60s cannot enter the working directory %.150s, so that no program is found there: give it "
			 "the right (chmod, chown; every directory above it as well), or move it", policy->sandbox.user, directory);
}
