/* SPDX-License-Identifier: Apache-2.0 */
/* results: see results.h. */
#include "tests/e2e/results.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const char *node_version(void)
{
	static char version[32];
	if (version[0] != '\0')
		return version;
	FILE *node = popen("node --version", "r");
	if (node == NULL || fgets(version, sizeof(version), node) == NULL || pclose(node) != 0)
		fail_msg("node --version: %s", strerror(errno));
	version[strcspn(version, "\n")] = '\0';
	return version;
}

static const char *results_path(char buffer[static WORLD_PATH_MAX])
{
	const char *given = getenv("E2E_RESULTS");
	if (given != NULL)
		return given;
	ssize_t length = readlink("/proc/self/exe", buffer, WORLD_PATH_MAX - 16);
	assert(length > 0);
	buffer[length] = '\0';
	strcpy(strrchr(buffer, '/'), "/results.tsv");
	return buffer;
}

/* Why the verdict is not certain, in its own words; "" where it is. */
static const char *doubt(struct json_object *judged)
{
	struct json_object *evidence = NULL;
	json_object_object_get_ex(judged, "evidence", &evidence);
	for (size_t i = 0; evidence != NULL && i < json_object_array_length(evidence); i++) {
		const char *line = json_object_get_string(json_object_array_get_idx(evidence, i));
		if (strncmp(line, "not certain: ", 13) == 0)
			return line + 13;
		if (strncmp(line, "whose limit: ", 13) == 0)
			return line;
	}
	return "";
}

void result_keep(const struct result *result, struct json_object *judged, bool held)
{
	char path[WORLD_PATH_MAX], line[1024];
	cleanup_fd int fd = open(results_path(path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	bool certain = see_bool(judged, "/certain"), node = strcmp(result->kind, "node") == 0;
	int length = snprintf(line, sizeof(line), "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", result->verdict, result->kind,
			      result->wrapping, result->way, certain ? "certain" : "uncertain", held ? "held" : "FAILED",
			      node ? node_version() : "", on_cgroup_v2() ? "v2" : "v1", getuid() == 0 ? "root" : "user",
			      certain ? "" : doubt(judged));
	if (fd < 0 || write(fd, line, (size_t)length) != length)
		fail_msg("write the result: %s", strerror(errno));
}

bool kernel_tells(void)
{
	cleanup_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return on_cgroup_v2() || fd >= 0;
}
