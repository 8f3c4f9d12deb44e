/* SPDX-License-Identifier: Apache-2.0 */
/* Where we stand, from the texts of /proc as different hosts and containers write them. */
#include "tests/unit/unit.h"
#include "supervisor/edge/cgroup_internal.h"

#include <stdio.h>

#define TOP "/sys/fs/cgroup"
#define MOUNT_V2(root, point) "29 22 0:27 " root " " point " rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define MOUNT_V1(root, point, options) "35 31 0:32 " root " " point " rw,relatime - cgroup cgroup rw," options "\n"
#define OTHER_MOUNTS "22 1 8:1 / / rw,relatime - ext4 /dev/root rw\n31 22 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"

/* This build machine: v1 with separate hierarchies, another path in memory, and an idle unified one. */
#define HYBRID_MOUNTS \
	OTHER_MOUNTS MOUNT_V1("/", TOP "/cpu", "cpu") MOUNT_V1("/", TOP "/cpuacct", "cpuacct") \
	MOUNT_V1("/", TOP "/memory", "memory") MOUNT_V1("/", TOP "/pids", "pids") \
	MOUNT_V1("/", TOP "/systemd", "name=systemd") MOUNT_V2("/", TOP "/unified")
#define HYBRID_OWN "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/e14c\n2:cpuacct:/\n1:cpu:/\n0::/\n"

static const struct row {
	const char *what, *mountinfo, *self_cgroup;
	enum cgroup_version version;
	const char *hierarchies; /* "controllers=own ..." */
	const char *kernel_path; /* of our own group in [0] */
	const char *problem;     /* a part of it, "" where there is none */
} rows[] = {
	{ "hybrid, paths differ", HYBRID_MOUNTS, HYBRID_OWN, CGROUP_HYBRID,
	  "memory=" TOP "/memory/process_api/e14c pids=" TOP "/pids cpu=" TOP "/cpu =" TOP "/unified", "/process_api/e14c", "" },
	{ "v1 of a distribution: cpu and cpuacct together", OTHER_MOUNTS MOUNT_V1("/", TOP "/cpu,cpuacct", "cpu,cpuacct")
	  MOUNT_V1("/", TOP "/memory", "memory") MOUNT_V1("/", TOP "/pids", "pids"),
	  "8:memory:/system.slice/web.service\n4:cpu,cpuacct:/system.slice\n3:pids:/system.slice/web.service\n", CGROUP_V1,
	  "memory=" TOP "/memory/system.slice/web.service pids=" TOP "/pids/system.slice/web.service cpu=" TOP
	  "/cpu,cpuacct/system.slice", "/system.slice/web.service", "" },
	{ "v1, all in one", MOUNT_V1("/", TOP "/all", "cpu,memory,pids"), "1:cpu,memory,pids:/x\n", CGROUP_V1,
	  "memory,pids,cpu=" TOP "/all/x", "/x", "" },
	{ "v1, no pids in this kernel", MOUNT_V1("/", TOP "/memory", "memory"), "1:memory:/\n", CGROUP_V1,
	  "memory=" TOP "/memory", "/", "" },
	{ "v1 container without a cgroup namespace", MOUNT_V1("/docker/abc", TOP "/memory", "memory"),
	  "5:memory:/docker/abc/web\n", CGROUP_V1, "memory=" TOP "/memory/web", "/docker/abc/web", "" },
	{ "v1 container at its top", MOUNT_V1("/docker/abc", TOP "/memory", "memory"), "5:memory:/docker/abc\n", CGROUP_V1,
	  "memory=" TOP "/memory", "/docker/abc", "" },
	{ "v1 container that shows another's group", MOUNT_V1("/docker/abcd", TOP "/memory", "memory"),
	  "5:memory:/docker/abc\n", CGROUP_V1, "", "", "not to be seen" },
	{ "v1 memory without a mount", OTHER_MOUNTS, "5:memory:/docker/abc\n0::/\n", CGROUP_V1, "", "", "not to be seen" },
	{ "v2 under systemd", OTHER_MOUNTS MOUNT_V2("/", TOP), "0::/user.slice/user-1000.slice/session-3.scope\n", CGROUP_V2,
	  "=" TOP "/user.slice/user-1000.slice/session-3.scope", "/user.slice/user-1000.slice/session-3.scope", "" },
	{ "v2, root group", MOUNT_V2("/", TOP), "0::/\n", CGROUP_V2, "=" TOP, "/", "" },
	{ "v2 beside v1 controllers that are not memory", MOUNT_V2("/", TOP) MOUNT_V1("/", TOP "/net_cls", "net_cls"),
	  "2:net_cls:/\n0::/a\n", CGROUP_V2, "=" TOP "/a", "/a", "" },
	{ "v2 container, host's namespace", MOUNT_V2("/kubepods/pod1/c1", TOP), "0::/kubepods/pod1/c1\n", CGROUP_V2,
	  "=" TOP, "/kubepods/pod1/c1", "" },
	{ "v2, the mount is above our namespace", MOUNT_V2("/../..", TOP), "0::/\n", CGROUP_NONE, "", "", "no cgroup file" },
	{ "v2, we are outside our namespace", MOUNT_V2("/", TOP), "0::/../other\n", CGROUP_NONE, "", "", "no cgroup file" },
	{ "a later mount at the same place hides the first", MOUNT_V2("/", TOP) MOUNT_V2("/a", TOP), "0::/a/b\n", CGROUP_V2,
	  "=" TOP "/b", "/a/b", "" },
	{ "a mount elsewhere is not ours", MOUNT_V2("/", "/run/cgroup2") MOUNT_V2("/", "/sys/fs/cgroupx"), "0::/\n",
	  CGROUP_NONE, "", "", "no cgroup file" },
	{ "blanks in a path", MOUNT_V2("/my\\040pod", TOP "/a\\040b"), "0::/my pod/x\n", CGROUP_V2, "=" TOP "/a b/x",
	  "/my pod/x", "" },
	{ "colons in a path", MOUNT_V2("/", TOP), "0::/a:b:c\n", CGROUP_V2, "=" TOP "/a:b:c", "/a:b:c", "" },
	{ "nothing mounted", OTHER_MOUNTS, "0::/\n", CGROUP_NONE, "", "", "mount -t cgroup2" },
	{ "empty texts", "", "", CGROUP_NONE, "", "", "no cgroup file" },
	{ "broken texts", "1 2\n\n- - -\n35 31 0:32 / /sys/fs/cgroup rw cgroup2\n", "\n:\n0:\n0::\nmemory\n", CGROUP_NONE, "", "",
	  "no cgroup file" },
};

static void describe(const struct cgroup_tree *tree, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < tree->hierarchy_count; i++) {
		size_t length = strlen(text);
		snprintf(text + length, size - length, "%s%s=%s", i == 0 ? "" : " ", tree->hierarchies[i].controllers,
			 tree->hierarchies[i].own);
	}
}

static void our_place_is_found_in_every_kind_of_host(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct cgroup_tree tree;
		char text[2048], path[256] = "";
		cgroup_find(&tree, row->mountinfo, row->self_cgroup, TOP);
		describe(&tree, text, sizeof(text));
		if (tree.hierarchy_count > 0)
			cgroup_kernel_path(&tree.hierarchies[0], tree.hierarchies[0].own, path, sizeof(path));
		if (tree.version != row->version || strcmp(text, row->hierarchies) != 0 ||
		    strcmp(path, row->kernel_path) != 0 || strstr(tree.problem, row->problem) == NULL ||
		    (row->problem[0] == '\0') != (tree.problem[0] == '\0'))
			fail_msg("%s: version %d, \"%s\", path \"%s\", problem \"%s\"", row->what, (int)tree.version, text, path,
				 tree.problem);
	}
}

static void a_path_too_long_for_us_is_not_half_used(void **state UNUSED)
{
	struct cgroup_tree tree;
	char big[600], own[700], mounts[2000];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	snprintf(own, sizeof(own), "0::/%s\n", big);
	cgroup_find(&tree, MOUNT_V2("/", TOP), own, TOP);
	assert_int_equal(tree.hierarchy_count, 0);
	snprintf(mounts, sizeof(mounts), "29 22 0:27 / " TOP "/%s rw - cgroup2 cgroup2 rw\n", big);
	cgroup_find(&tree, mounts, "0::/\n", TOP);
	assert_int_equal(tree.hierarchy_count, 0);
}

static void a_long_kernel_path_keeps_its_end(void **state UNUSED)
{
	const struct cgroup_hierarchy hierarchy = { .mount = TOP, .root = "/docker/0123456789" };
	char path[16];
	cgroup_kernel_path(&hierarchy, TOP "/web/worker", path, sizeof(path));
	assert_string_equal(path, "...9/web/worker");
}

#define OWN_UNIT TOP "/user.slice/run-1.scope"
static const struct base_row {
	const char *what, *own;
	struct cgroup_standing standing;
	const char *base; /* "" where there is none */
	bool needs_leaf;
	const char *problem;
} base_rows[] = {
	/*                                         top_is_root  top_wr  own_wr marked others memory uid */
	{ "root in a session scope", OWN_UNIT,           { true,  true,  true,  false, 5, true,  0 },    TOP "/heapward", false, "" },
	{ "root, alone in what is not delegated", OWN_UNIT, { true, true, true, false, 0, true,  0 },    TOP "/heapward", false, "" },
	{ "root, unit with Delegate=yes", OWN_UNIT,      { true,  true,  true,  true,  0, true,  0 },    OWN_UNIT, true, "" },
	{ "root, delegated but with others", OWN_UNIT,   { true,  true,  true,  true,  2, true,  0 },    TOP "/heapward", false, "" },
	{ "root in the root group", TOP,                 { true,  true,  true,  false, 9, true,  0 },    TOP "/heapward", false, "" },
	{ "alone in the root group", TOP,                { true,  true,  true,  true,  0, true,  0 },    TOP "/heapward", false, "" },
	{ "user, delegated scope", OWN_UNIT,             { true,  false, true,  true,  0, true,  1000 }, OWN_UNIT, true, "" },
	{ "user, subtree given by chown", OWN_UNIT,      { true,  false, true,  false, 0, true,  1000 }, OWN_UNIT, true, "" },
	{ "user, delegated but with a shell in it", OWN_UNIT, { true, false, true, true, 1, true, 1000 }, "", false, "holds other processes too (1)" },
	{ "user, session scope", OWN_UNIT,               { true,  false, false, false, 3, true,  1000 }, "", false, "systemd-run --user --scope -p Delegate=yes heapward run" },
	{ "user in the root group", TOP,                 { true,  false, false, false, 9, true,  1000 }, "", false, "not writable" },
	{ "container as PID 1", TOP,                     { false, true,  true,  false, 0, true,  0 },    TOP, true, "" },
	{ "container, not alone", TOP,                   { false, true,  true,  false, 1, true,  0 },    "", false, "holds other processes too (1)" },
	{ "container, read-only", TOP,                   { false, false, false, false, 0, true,  0 },    "", false, "not writable" },
	{ "below a container's top, alone", OWN_UNIT,    { false, true,  true,  false, 0, true,  0 },    OWN_UNIT, true, "" },
	{ "below a container's top", OWN_UNIT,           { false, true,  true,  false, 1, true,  0 },    "", false, "holds other processes too (1)" },
	{ "no memory controller", OWN_UNIT,              { true,  false, true,  true,  0, false, 1000 }, OWN_UNIT, true, "memory controller is not available" },
};

static void base_is_chosen_by_the_rules(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(base_rows); i++) {
		const struct base_row *row = &base_rows[i];
		struct cgroup_tree tree = { .version = CGROUP_V2, .hierarchy_count = 1 };
		struct cgroup_hierarchy *unified = &tree.hierarchies[0];
		snprintf(unified->mount, sizeof(unified->mount), TOP);
		snprintf(unified->root, sizeof(unified->root), "/");
		snprintf(unified->own, sizeof(unified->own), "%s", row->own);
		cgroup_choose_base_v2(&tree, &row->standing);
		if (strcmp(unified->base, row->base) != 0 || tree.needs_leaf != row->needs_leaf ||
		    strstr(tree.problem, row->problem) == NULL || (row->problem[0] == '\0') != (tree.problem[0] == '\0'))
			fail_msg("%s: base \"%s\", leaf %d, problem \"%s\"", row->what, unified->base, tree.needs_leaf,
				 tree.problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_place_is_found_in_every_kind_of_host),
		cmocka_unit_test(a_path_too_long_for_us_is_not_half_used),
		cmocka_unit_test(a_long_kernel_path_keeps_its_end),
		cmocka_unit_test(base_is_chosen_by_the_rules),
	};
	return cmocka_run_group_tests_name("cgroup_find", tests, NULL, NULL);
}
