/* SPDX-License-Identifier: Apache-2.0 */
/* links: the symbolic links on the way to a path, one by one: who can write where one stands decides what it leads to. */
#include "child/confine/paths.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel has it; realpath(3) has refused more */

struct way {
	char done[PATH_MAX]; /* real, "" is the root */
	char rest[PATH_MAX];
	enum launch_access loosest;
	unsigned links;
};

static void up(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
}

/* `rest` begins behind the link. */
static bool follow(const struct confine_paths *paths, struct way *way, const char *target, const char *rest)
{
	char next[PATH_MAX];
	const char *place = way->done[0] == '\0' ? "/" : way->done;
	enum launch_access left = paths == NULL ? LAUNCH_READ_WRITE : confine_paths_left(paths, place);
	way->loosest = left > way->loosest ? left : way->loosest;
	if (target[0] == '/')
		way->done[0] = '\0';
	if ((size_t)snprintf(next, sizeof(next), "%s%s", target, rest) >= sizeof(next))
		return false;
	memcpy(way->rest, next, sizeof(next));
	return ++way->links <= LINKS_MAX;
}

/* The next name of `rest`; false at the end. */
static bool step(const struct confine_paths *paths, struct way *way)
{
	char path[2 * PATH_MAX], target[PATH_MAX], behind[PATH_MAX];
	const char *name = way->rest + strspn(way->rest, "/");
	int length = (int)strcspn(name, "/");
	if (length == 0)
		return false;
	snprintf(path, sizeof(path), "%s/%.*s", way->done, length, name);
	snprintf(behind, sizeof(behind), "%s", name + length);
	bool dots = strncmp(name, "..", (size_t)length) == 0;
	ssize_t count = dots ? -1 : readlink(path, target, sizeof(target) - 1);
	if (count >= 0) {
		target[count] = '\0';
		return follow(paths, way, target, behind);
	}
	if (dots && length == 2)
		up(way->done);
	else if (!dots && (size_t)snprintf(way->done, sizeof(way->done), "%s", path) >= sizeof(way->done))
		return false;
	memcpy(way->rest, behind, sizeof(behind));
	return true;
}

enum launch_access confine_links_loosest(const struct confine_paths *paths, const char *path)
{
	struct way way = { .loosest = LAUNCH_HIDDEN };
	if (path[0] != '/' && getcwd(way.done, sizeof(way.done)) == NULL)
		return LAUNCH_HIDDEN; /* nor does it lead anywhere */
	if (way.done[1] == '\0')
		way.done[0] = '\0';
	snprintf(way.rest, sizeof(way.rest), "%s", path);
	while (step(paths, &way))
		continue;
	return way.loosest;
}
