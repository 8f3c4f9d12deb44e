/* SPDX-License-Identifier: Apache-2.0 */
/* process_place: see process_place.h. */
#include "supervisor/edge/process_place.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WALKS_MAX 8 /* up to the first process: parents end while one looks */

/* Reads /proc/PID/FILE whole; "" where it cannot be, or is longer. */
static void read_whole(int32_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	size_t length = 0;
	ssize_t count = 1;
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && count > 0 && length < size) {
		count = read(fd, text + length, size - length);
		length += count > 0 ? (size_t)count : 0;
	}
	text[fd < 0 || count != 0 || length == size ? 0 : length] = '\0';
}

void process_place_cgroups(int32_t pid, char cgroups[static PLACE_CGROUPS_MAX])
{
	read_whole(pid, "cgroup", cgroups, PLACE_CGROUPS_MAX);
}

bool process_place_parse(const char *stat, struct process_kin *ret)
{
	const char *name_end = strrchr(stat, ')');
	return name_end != NULL &&
	       sscanf(name_end + 1, " %*c %" SCNd32 " %*d %" SCNd32 " %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
		      &ret->parent, &ret->session, &ret->start_ticks) == 3;
}

static bool read_kin(int32_t pid, struct process_kin *ret)
{
	char text[2048];
	read_whole(pid, "stat", text, sizeof(text));
	return process_place_parse(text, ret);
}

/* One walk. A parent that is younger than its child has only its number: the real one has ended, and the child another. */
static bool walk(struct process_place *place, struct process_kin kin)
{
	place->parent_count = 0;
	while (kin.parent > 0) {
		struct process_kin parent;
		if (place->parent_count == PLACE_PARENTS_MAX)
			return false;
		place->parents[place->parent_count++] = kin.parent;
		if (!read_kin(kin.parent, &parent) || parent.start_ticks > kin.start_ticks)
			return false;
		kin = parent;
	}
	return true;
}

void process_place(int32_t pid, struct process_place *ret)
{
	struct process_kin kin;
	*ret = (struct process_place){ .pid = pid };
	if (pid <= 0)
		return;
	process_place_cgroups(pid, ret->cgroups);
	for (int i = 0; i < WALKS_MAX && !ret->parents_known && read_kin(pid, &kin); i++) {
		ret->session = kin.session;
		ret->parents_known = walk(ret, kin);
	}
}
