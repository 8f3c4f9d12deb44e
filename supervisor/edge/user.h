/* SPDX-License-Identifier: Apache-2.0 */
/* user: sandbox.user as numbers, and whether such a user can read a file. */
#ifndef SUPERVISOR_EDGE_USER_H
#define SUPERVISOR_EDGE_USER_H

#include "base/failure.h"

#define USER_GROUPS_MAX 64

struct user {
	uint32_t uid, gid, gids[USER_GROUPS_MAX];
	size_t gid_count;
	char home[256];
};

/* Looks up a name or a number. */
int user_find(struct user *ret, const char *name, struct failure *why);

/* Can that user (NULL: we ourselves) read `path`? Tried in a short-lived child that has become the user. */
bool user_can_read(const struct user *user, const char *path);
bool user_can_write(const struct user *user, const char *path);
/* The same for what is in a directory. */
bool user_can_enter(const struct user *user, const char *directory);

#endif
