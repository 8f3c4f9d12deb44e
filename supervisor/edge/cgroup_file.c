/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_file: the small files of a group as text and numbers. Knows the kernel's ways of writing "no limit", and no
 * file by name. */
#include "supervisor/edge/cgroup_internal.h"
#include "supervisor/edge/cgroup_sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* v1 counts in pages and writes its largest count, rounded to the page size of the machine (4 to 64 KiB), as the limit. */
#define V1_UNLIMITED_BYTES ((uint64_t)INT64_MAX - 64 * KIB)

ssize_t cgroup_read_text(int directory_fd, const char *name, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;
	cleanup_fd int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
	text[0] = '\0';
	if (fd < 0)
		return -1;
	while (length < size - 1 && (got = read(fd, text + length, size - 1 - length)) != 0) {
		if (got < 0)
			return -1;
		length += (size_t)got;
	}
	text[length] = '\0';
	return (ssize_t)length;
}

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;
	if (strncmp(text, "max", 3) == 0) {
		*ret = SIZE_NONE;
		return true;
	}
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (errno != 0)
		return false;
	if (*ret >= V1_UNLIMITED_BYTES)
		*ret = SIZE_NONE;
	return true;
}

bool cgroup_read_number(int directory_fd, const char *name, uint64_t *ret)
{
	char text[64];
	return cgroup_read_text(directory_fd, name, text, sizeof(text)) > 0 && parse_number(text, ret);
}

uint64_t cgroup_read_or_unknown(int directory_fd, const char *name)
{
	uint64_t number;
	return cgroup_read_number(directory_fd, name, &number) ? number : SIZE_UNKNOWN;
}

bool cgroup_read_keyed(int directory_fd, const char *name, const char *key, uint64_t *ret)
{
	char text[16384]; /* /proc/vmstat is the longest of them */
	size_t length = strlen(key);
	if (cgroup_read_text(directory_fd, name, text, sizeof(text)) <= 0)
		return false;
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return parse_number(line + length + strspn(line + length, " "), ret);
	}
	return false;
}

int cgroup_write_number(int directory_fd, const char *name, uint64_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return cgroup_sweep_write(directory_fd, name, number == SIZE_NONE ? "max" : text);
}
