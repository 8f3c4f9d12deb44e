/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup_fixture: a service's group on the real kernel, for test_cgroup and test_cgroup_memory. */
#ifndef TESTS_UNIT_CGROUP_FIXTURE_H
#define TESTS_UNIT_CGROUP_FIXTURE_H

#include "tests/unit/cgroup_unit.h"
#include "supervisor/edge/cgroup_internal.h"

#include <fcntl.h>

/* What every test starts from: a service's group. */
struct fixture {
	struct cgroup_tree tree;
	struct cgroup_service service;
};

static inline int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	fixture = (struct fixture){ .service.made = false };
	if (cgroup_tree_find(&fixture.tree, GROUPS_TOP, &why) != 0) {
		print_error("%s\n", why.text);
		return -1;
	}
	if (fixture.tree.problem[0] != '\0') {
		print_error("%s\n", fixture.tree.problem);
		return -1;
	}
	*state = &fixture;
	if (cgroup_service_make(&fixture.service, &fixture.tree, unit_service(), &why) == 0)
		return 0;
	print_error("%s\n", why.text);
	return -1;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;
	cgroup_service_remove(&fixture->service);
	if (!any_directory(&fixture->tree, unit_group()))
		return 0;
	print_error("the service's directory is still there\n");
	return -1;
}

static inline bool is_v2(const struct fixture *fixture)
{
	return fixture->tree.version == CGROUP_V2;
}

static inline void make_worker(const struct fixture *fixture, struct cgroup *group, uint64_t memory_max_bytes)
{
	struct failure why;
	struct cgroup_limits limits = NO_LIMITS;
	limits.memory_max_bytes = memory_max_bytes;
	limits.memory_swap_bytes = memory_max_bytes == SIZE_NONE ? SIZE_NONE : 0;
	assert_ok(cgroup_make(group, &fixture->service, "worker-0-a", &limits, &why));
}

static inline uint64_t read_worker_file(const struct cgroup *group, const char *controller, const char *name, char *text,
				 size_t size)
{
	const struct cgroup_tree *tree = group->service->tree;
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		if (tree->version != CGROUP_V2 && strstr(tree->hierarchies[i].controllers, controller) == NULL)
			continue;
		int fd = openat(group->directory_fd[i], name, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
		close(fd);
		text[length < 0 ? 0 : length] = '\0';
		return strtoull(text, NULL, 10);
	}
	return SIZE_UNKNOWN;
}

#endif
