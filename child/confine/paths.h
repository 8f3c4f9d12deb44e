/* SPDX-License-Identifier: Apache-2.0 */
/* paths: the paths of the walls as they are on this machine: real ones, outer before inner, each once. Knows nothing of how
 * a wall is made. */
#ifndef CHILD_CONFINE_PATHS_H
#define CHILD_CONFINE_PATHS_H

#include "base/path.h"
#include "supervisor/types/launch.h"

#define CONFINE_PATHS_MAX (LAUNCH_PATHS_MAX + 256) /* with the disks that are found */

struct confine_path {
	enum launch_access access;
	bool pinned; /* it is there only because something below it is closed: nobody may rename it */
	char *path;  /* real */
};

struct confine_paths {
	struct confine_path list[CONFINE_PATHS_MAX];
	size_t count;
};

/* Finds them. Of a path that is named twice the last one counts. Fails where one is missing that must be there. */
int confine_paths_find(struct confine_paths *ret, const struct launch *launch, struct launch_report *report);
void confine_paths_finish(struct confine_paths *paths);

/* What is left of `path` by those above it, itself not counted. */
enum launch_access confine_paths_above(const struct confine_paths *paths, const char *path);

/* What is left of it by its own entry, else by those above. */
enum launch_access confine_paths_left(const struct confine_paths *paths, const char *path);

/* links.c: what is left of the directories that links on the way to `path` stand in, of the one that most is left of; LAUNCH_HIDDEN:
 * there is no link. `paths` NULL: all is left. */
enum launch_access confine_links_loosest(const struct confine_paths *paths, const char *path);

#endif
