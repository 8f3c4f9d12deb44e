/* SPDX-License-Identifier: Apache-2.0 */
/* user: see user.h. */
#include "supervisor/edge/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/wait.h>

static int find_groups(struct user *user, const char *name, struct failure *why)
{
	gid_t gids[USER_GROUPS_MAX];
	int count = USER_GROUPS_MAX;
	if (getgrouplist(name, user->gid, gids, &count) < 0)
		return failed(why, 0, "user %s: in more than %d groups", name, USER_GROUPS_MAX);
	for (int i = 0; i < count; i++)
		user->gids[i] = gids[i];
	user->gid_count = (size_t)count;
	return 0;
}

static struct passwd *look_up(const char *name)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(name, &end, 10);
	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && errno == 0 && number < UINT32_MAX)
		return getpwuid((uid_t)number);
	return getpwnam(name);
}

int user_find(struct user *ret, const char *name, struct failure *why)
{
	errno = 0;
	struct passwd *entry = look_up(name);
	if (entry == NULL && errno != 0 && errno != ENOENT)
		return failed(why, errno, "user %s", name);
	if (entry == NULL)
		return failed(why, 0, "user %s: no such user", name);
	*ret = (struct user){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	snprintf(ret->home, sizeof(ret->home), "%s", entry->pw_dir);
	return find_groups(ret, entry->pw_name, why);
}

static bool become(const struct user *user)
{
	gid_t gids[USER_GROUPS_MAX];
	for (size_t i = 0; i < user->gid_count; i++)
		gids[i] = user->gids[i];
	return setgroups(user->gid_count, gids) == 0 && setresgid(user->gid, user->gid, user->gid) == 0 &&
	       setresuid(user->uid, user->uid, user->uid) == 0;
}

static bool can(const struct user *user, const char *path, int mode)
{
	int status;
	if (user == NULL)
		return access(path, mode) == 0;
	pid_t child = fork();
	if (child == 0)
		_exit(become(user) && access(path, mode) == 0 ? 0 : 1);
	if (child < 0)
		return false;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool user_can_read(const struct user *user, const char *path)
{
	return can(user, path, R_OK);
}

bool user_can_write(const struct user *user, const char *path)
{
	return can(user, path, W_OK);
}

bool user_can_enter(const struct user *user, const char *directory)
{
	return can(user, directory, X_OK);
}
