/* SPDX-License-Identifier: Apache-2.0 */
/* libcgroup_view GROUP FILE: prints where libcgroup finds the memory controller, and what it reads from GROUP's FILE
 * there. The second opinion of test_cgroup; knows nothing of ours. */
#include "base/base.h"

#include <libcgroup.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char *mount = NULL, *value = NULL;
	if (argc != 3 || cgroup_init() != 0 || cgroup_get_subsys_mount_point("memory", &mount) != 0)
		return 1;
	struct cgroup *group = cgroup_new_cgroup(argv[1]);
	if (group == NULL || cgroup_get_cgroup(group) != 0)
		return 2;
	struct cgroup_controller *memory = cgroup_get_controller(group, "memory");
	if (memory == NULL || cgroup_get_value_string(memory, argv[2], &value) != 0)
		return 3;
	printf("%s %lu\n", mount, strtoul(value, NULL, 10));
	free(value);
	free(mount);
	cgroup_free(&group);
	return 0;
}
