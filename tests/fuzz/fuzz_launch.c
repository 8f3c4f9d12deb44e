/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_launch: any bytes are a launch record or are refused; one that was taken says the same after another round. */
#include "supervisor/wire/launch.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_words(char *const *list)
{
	size_t count = 0;
	while (list[count] != NULL)
		count++;
	return count;
}

static void check_bounds(const struct launch *launch)
{
	assert(launch->argv != NULL && launch->argv[0] != NULL && launch->environment != NULL);
	assert(launch->group_count <= LAUNCH_GROUPS_MAX && launch->keep_count <= LAUNCH_KEEP_MAX);
	assert(launch->limit_count <= LAUNCH_LIMITS_MAX && launch->listen_fds <= LISTEN_MAX && launch->gid_count <= LAUNCH_GIDS_MAX);
	assert(launch->path_count <= LAUNCH_PATHS_MAX && launch->port_count <= LAUNCH_PORTS_MAX);
	for (size_t i = 0; i < launch->path_count; i++)
		assert(launch->paths[i].access < LAUNCH_ACCESS_COUNT && launch->paths[i].path[0] != '\0');
	assert((launch->filter == NULL) == (launch->filter_bytes == 0));
}

static void fuzz_record(const uint8_t *data, size_t size)
{
	struct launch first, second;
	struct failure why;
	unsigned char *bytes = NULL;
	size_t length = 0;
	if (launch_decode(data, size, &first, &why) < 0)
		return;
	check_bounds(&first);
	/* A field may stand in another order; what is encoded from it must be taken again, and be as much. */
	int result = launch_encode(&first, &bytes, &length, &why);
	assert(result == 0);
	result = launch_decode(bytes, length, &second, &why);
	assert(result == 0);
	assert(count_words(first.argv) == count_words(second.argv));
	assert(count_words(first.environment) == count_words(second.environment));
	assert(first.path_count == second.path_count && first.port_count == second.port_count);
	assert(first.keep_count == second.keep_count && first.filter_bytes == second.filter_bytes);
	free(bytes);
	launch_finish(&first);
	launch_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct launch_report report;
	struct failure why;
	fuzz_record(data, size);
	if (launch_report_decode(data, size, &report, &why) == 0)
		assert((unsigned)report.step < LAUNCH_STEP_COUNT && strlen(report.text) < sizeof(report.text));
	return 0;
}
