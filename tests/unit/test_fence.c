/* SPDX-License-Identifier: Apache-2.0 */
/* test_fence: what the walls of a plan are made of: the paths in their order, flags, namespaces, ports, and the lines about
 * them. */
#include "tests/unit/unit.h"
#include "supervisor/core/fence.h"

#include <sched.h>
#include <stdio.h>

#define OURS(kind, path) { FENCE_##kind, path, path }

static const struct fence_places places = {
	.ours = { OURS(SECRET, "/run/heapward"), OURS(SECRET, "/var/lib/heapward"), OURS(SETTING, "/srv/web/web.yaml"),
		  OURS(SETTING, "/srv/web/web.policy.d"), OURS(SETTING, ""), OURS(PROGRAM, "/opt/heapward/libexec"),
		  OURS(PROGRAM, "/opt/bin/heapward") },
	.ours_count = 7,
	.agent_directory = "/usr/libexec/heapward/1", .processes = { "/proc/4711", "" },
	.directory = "/srv/web", .directory_named = "/srv/web",
};

static const struct plan_fence by_mounts = { .protect = PROTECT_SYSTEM_FULL, .wanted = true, .by_mounts = true, .root = true,
					     .landlock_abi = 7, .own_signals = true };
static const struct plan_fence by_landlock = { .protect = PROTECT_SYSTEM_FULL, .wanted = true, .by_landlock = true,
					       .landlock_abi = 2 };

static struct launch fill(const struct policy *policy, const struct plan_fence *fence, const struct fence_places *where)
{
	struct launch launch = { 0 };
	fence_fill(policy, fence, where, &launch);
	return launch;
}

/* What the last naming of `path` leaves of it; -1 where it is not named. */
static int left_of(const struct launch *launch, const char *path)
{
	for (size_t i = launch->path_count; i > 0; i--)
		if (strcmp(launch->paths[i - 1].path, path) == 0)
			return (int)launch->paths[i - 1].access;
	return -1;
}

struct row {
	const char *path;
	int left;
};

static void assert_rows(const struct launch *launch, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (left_of(launch, rows[i].path) != rows[i].left)
			fail_msg("%s: %d", rows[i].path, left_of(launch, rows[i].path));
}

static void no_walls_are_no_bytes(void **state UNUSED)
{
	const struct policy policy = { 0 };
	const struct plan_fence none = { .protect = PROTECT_SYSTEM_NONE };
	struct launch launch = fill(&policy, &none, &places);
	assert_int_equal(launch.path_count + launch.port_count + launch.fence.flags + launch.fence.namespaces, 0);
	assert_int_equal(launch.fence.landlock_abi, 0);
}

static void by_mounts_ours_is_hidden_and_the_systems_read_only(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "/etc", LAUNCH_READ_ONLY }, { "/usr", LAUNCH_READ_ONLY }, { "/sys", LAUNCH_READ_ONLY },
		{ "/proc/sys", LAUNCH_READ_ONLY }, { "/proc/sysrq-trigger", LAUNCH_READ_ONLY },
		{ "/root/.ssh", LAUNCH_READ_ONLY }, { "/run/systemd/private", LAUNCH_HIDDEN },
		{ "/run/heapward", LAUNCH_HIDDEN }, { "/var/lib/heapward", LAUNCH_HIDDEN },
		{ "/srv/web/web.yaml", LAUNCH_READ_ONLY }, { "/srv/web/web.policy.d", LAUNCH_READ_ONLY },
		{ "/", -1 }, { "", -1 }, { "/srv/web", -1 }, { "/proc", -1 }, { "/usr/libexec/heapward/1", LAUNCH_READ_ONLY },
		{ "/opt/heapward/libexec", LAUNCH_READ_ONLY }, { "/opt/bin/heapward", LAUNCH_READ_ONLY },
		{ "/opt/heapward", -1 }, { "/proc/4711", LAUNCH_HIDDEN }, { "/var/lib/dpkg", LAUNCH_READ_ONLY },
		{ "/root", LAUNCH_READ_ONLY }, { "/root/.cache", LAUNCH_READ_WRITE }, { "/root/.npm", LAUNCH_READ_WRITE },
		{ "/var/spool", LAUNCH_READ_ONLY }, { "/run/docker.sock", LAUNCH_HIDDEN }, { "/run/dbus", LAUNCH_HIDDEN },
		{ "/run/systemd", LAUNCH_READ_ONLY }, { "/run/udev", LAUNCH_READ_ONLY }, { "/var/cache/ldconfig", LAUNCH_READ_ONLY },
		{ "/run/user", LAUNCH_HIDDEN }, { "/tmp/tmux-0", LAUNCH_HIDDEN }, { "/run/screen", LAUNCH_HIDDEN },
		{ "/srv/api/api.yaml", LAUNCH_READ_ONLY }, { "/tmp/ssh-x", LAUNCH_HIDDEN },
		{ "/root/.pm2/rpc.sock", LAUNCH_HIDDEN },
	};
	static char *pm2[] = { "/root/.pm2", NULL };
	const struct policy policy = { 0 };
	struct fence_places here = places;
	here.ours[here.ours_count++] = (struct fence_place)OURS(OTHERS, "/srv/api/api.yaml");
	here.ours[here.ours_count++] = (struct fence_place)OURS(ORDERS, "/tmp/ssh-x");
	struct launch launch = fill(&policy, &by_mounts, &here);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	here.directory = here.directory_named = "/run/user/0/web";
	launch = fill(&policy, &by_mounts, &here);
	assert_int_equal(left_of(&launch, "/run/user"), -1);
	const struct policy opened = { .sandbox.read_write = { pm2, 1 } };
	struct launch pm2s = fill(&opened, &by_mounts, &here);
	assert_int_equal(left_of(&pm2s, "/root/.pm2/rpc.sock"), -1);
	assert_int_equal(launch.fence.namespaces, CLONE_NEWNS);
	assert_int_equal(launch.fence.landlock_abi, 7);
	assert_int_equal(launch.fence.flags, LAUNCH_BY_MOUNTS | LAUNCH_GUARD_DEVICES | LAUNCH_OWN_SIGNALS | LAUNCH_CLOSE_TOP);
}

static void another_user_than_root_has_nothing_of_roots(void **state UNUSED)
{
	const struct policy policy = { 0 };
	struct plan_fence fence = by_mounts;
	fence.root = false;
	struct launch launch = fill(&policy, &fence, &places);
	assert_int_equal(left_of(&launch, "/root/.ssh"), -1);
	assert_int_equal(left_of(&launch, "/run/user"), -1); /* its own notify socket may be there */
	assert_int_equal(left_of(&launch, "/run/docker.sock"), LAUNCH_HIDDEN); /* its group may be another's, too */
	assert_int_equal(launch.fence.flags & (LAUNCH_GUARD_DEVICES | LAUNCH_CLOSE_TOP), 0);
	assert_int_equal(left_of(&launch, "/etc"), LAUNCH_READ_ONLY);
}

static void by_landlock_nothing_is_taken_out_of_the_working_directory(void **state UNUSED)
{
	static const struct row rows[] = {
		{ "/run/heapward", LAUNCH_READ_ONLY }, { "/var/lib/heapward", LAUNCH_READ_ONLY }, /* not hidden: reading goes on around */
		{ "/srv/web/web.yaml", -1 }, { "/srv/web/web.policy.d", -1 }, { "/sys", LAUNCH_READ_ONLY }, { "/proc/sys", -1 },
		{ "/usr/libexec/heapward/1", -1 }, { "/opt/heapward/libexec", LAUNCH_READ_ONLY }, { "/proc/4711", -1 }, { "/var/lib/dpkg", -1 },
	};
	static const struct row elsewhere[] = { { "/srv/web/web.yaml", LAUNCH_READ_ONLY },
						{ "/srv/web/web.policy.d", LAUNCH_READ_ONLY },
						{ "/home/u/.bashrc", LAUNCH_READ_ONLY } };
	const struct policy policy = { 0 };
	struct launch launch = fill(&policy, &by_landlock, &places);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	assert_int_equal(launch.fence.namespaces, 0);
	assert_int_equal(launch.fence.flags, LAUNCH_BY_LANDLOCK | LAUNCH_MAKE_CACHES);
	struct fence_places other = places;
	other.ours[other.ours_count++] = (struct fence_place)OURS(HOME, "/home/u/.bashrc");
	other.directory = other.directory_named = "/srv/we"; /* not one that it is in */
	launch = fill(&policy, &by_landlock, &other);
	assert_rows(&launch, elsewhere, ARRAY_LEN(elsewhere));
	other.directory = other.directory_named = "/home/u"; /* which must take new files */
	assert_int_equal(left_of(&launch, "/root/.yarn/berry"), -1);
	launch = fill(&policy, &by_landlock, &other);
	assert_int_equal(left_of(&launch, "/home/u/.bashrc"), -1);
}

static void by_landlock_what_the_policy_gives_stays_whole(void **state UNUSED)
{
	static char *data[] = { "/var/lib", NULL };
	static const struct row rows[] = { { "/var/lib", LAUNCH_READ_WRITE }, { "/var/lib/heapward", -1 },
					   { "/run/heapward", LAUNCH_READ_ONLY } };
	static const struct row strict[] = { { "/srv/web/web.yaml", LAUNCH_READ_ONLY } }; /* its directory takes no new entries anyway */
	const struct policy policy = { .sandbox = { .read_write = { data, 1 } } };
	struct plan_fence fence = by_landlock;
	struct launch launch = fill(&policy, &fence, &places);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	fence.protect = PROTECT_SYSTEM_STRICT;
	launch = fill(&policy, &fence, &places);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	assert_rows(&launch, strict, ARRAY_LEN(strict));
}

/* A link of the worker's own makes nothing a part of its directory, and opens nothing: heapward-child is told the link. */
static void a_directory_behind_a_link_is_its_own_only_by_that_way(void **state UNUSED)
{
	const struct policy policy = { 0 };
	struct fence_places here = places;
	here.directory_named = "/home/web/current";
	struct launch launch = fill(&policy, &by_landlock, &here);
	assert_int_equal(left_of(&launch, "/srv/web/web.yaml"), LAUNCH_READ_ONLY);
	here.ours[2].named = "/home/web/current/web.yaml";
	launch = fill(&policy, &by_landlock, &here);
	assert_int_equal(left_of(&launch, "/srv/web/web.yaml"), -1);
	here.directory = "/usr/lib";
	launch = fill(&policy, &by_mounts, &here);
	assert_int_equal(left_of(&launch, "/usr/lib"), -1);
	assert_int_equal(left_of(&launch, "/home/web/current"), LAUNCH_READ_WRITE);
	here.directory = "/";
	launch = fill(&policy, &by_landlock, &here);
	assert_int_equal(left_of(&launch, "/var/lib/heapward"), LAUNCH_READ_ONLY);
	here.directory_named = "/"; /* who really serves from there has it so */
	launch = fill(&policy, &by_landlock, &here);
	assert_int_equal(left_of(&launch, "/var/lib/heapward"), -1);
}

static void by_landlock_tmp_takes_new_files(void **state UNUSED)
{
	const struct policy policy = { 0 };
	struct fence_places here = places;
	here.ours[0] = (struct fence_place)OURS(SECRET, "/tmp/heapward-1000");
	here.ours[1] = (struct fence_place)OURS(SECRET, "/tmp/own/heapward");
	struct launch launch = fill(&policy, &by_landlock, &here);
	assert_int_equal(left_of(&launch, "/tmp/heapward-1000"), -1);
	assert_int_equal(left_of(&launch, "/tmp/own/heapward"), -1);
	launch = fill(&policy, &by_mounts, &here);
	assert_int_equal(left_of(&launch, "/tmp/heapward-1000"), LAUNCH_HIDDEN);
}

static void places_that_are_not_there_are_left_out(void **state UNUSED)
{
	const struct policy policy = { 0 };
	const struct fence_places none = { 0 };
	struct launch launch = fill(&policy, &by_mounts, &none);
	for (size_t i = 0; i < launch.path_count; i++)
		assert_true(launch.paths[i].path[0] == '/');
}

static void by_landlock_root_has_only_its_own_entry_of_proc(void **state UNUSED)
{
	static const struct row rows[] = { { "/proc", LAUNCH_READ_ONLY }, { "/proc/self", LAUNCH_READ_WRITE },
					   { "/root/.ssh", -1 }, { "/root", LAUNCH_READ_ONLY },
					   { "/root/.cache", LAUNCH_READ_WRITE }, { "/var/spool", LAUNCH_READ_ONLY },
					   { "/var/lib/dpkg", -1 }, { "/run/docker.sock", -1 } };
	const struct policy policy = { 0 };
	struct plan_fence fence = by_landlock;
	fence.root = true;
	struct launch launch = fill(&policy, &fence, &places);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	assert_int_equal(launch.fence.flags, LAUNCH_BY_LANDLOCK | LAUNCH_GUARD_DEVICES);
}

/* Landlock grants: what is not named of /dev is closed. */
static void devices_and_proc_are_closed_by_either(void **state UNUSED)
{
	static const struct row landlock[] = {
		{ "/dev", LAUNCH_HIDDEN }, { "/dev/null", LAUNCH_READ_WRITE }, { "/dev/pts", LAUNCH_READ_WRITE },
		{ "/dev/shm", LAUNCH_READ_WRITE }, { "/dev/kvm", -1 }, { "/proc", LAUNCH_READ_ONLY }, { "/proc/self", -1 },
	};
	static const struct row mounts[] = { { "/dev", -1 }, { "/dev/null", -1 }, { "/proc", LAUNCH_READ_ONLY } };
	static char *device[] = { "/dev/kvm", NULL };
	const struct policy policy = { .sandbox = { .read_only = { device, 1 } } };
	for (int root = 0; root < 2; root++) {
		struct plan_fence fence = by_landlock;
		fence.few_devices = fence.proc_read_only = true;
		fence.root = root;
		struct launch launch = fill(&(struct policy){ 0 }, &fence, &places);
		assert_rows(&launch, landlock, ARRAY_LEN(landlock));
		fence = by_mounts;
		fence.own_dev = fence.own_shm = fence.own_sockets = fence.proc_read_only = true;
		fence.root = root;
		launch = fill(&policy, &fence, &places);
		assert_rows(&launch, mounts, ARRAY_LEN(mounts));
		assert_int_equal(left_of(&launch, "/dev/kvm"), LAUNCH_READ_ONLY);
		const uint32_t wanted = LAUNCH_OWN_DEV | LAUNCH_OWN_SHM | LAUNCH_OWN_SOCKETS | LAUNCH_OWN_SIGNALS;
		assert_int_equal(launch.fence.flags & wanted, wanted);
	}
}

/* Who works in "/" or in root's home makes files there; root's start-up files stay closed. */
static void roots_worker_keeps_its_directory(void **state UNUSED)
{
	static const struct {
		const char *directory;
		int home;
		bool top;
	} rows[] = { { "/", LAUNCH_READ_ONLY, false }, { "/root", LAUNCH_READ_WRITE, true }, { "/root/app", LAUNCH_READ_ONLY, true },
		     { "/srv/web", LAUNCH_READ_ONLY, true } };
	const struct policy policy = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fence_places here = places;
		here.directory = here.directory_named = rows[i].directory;
		struct launch launch = fill(&policy, &by_mounts, &here);
		assert_int_equal(left_of(&launch, "/root"), rows[i].home);
		assert_int_equal(left_of(&launch, "/root/.ssh"), LAUNCH_READ_ONLY);
		assert_int_equal((launch.fence.flags & LAUNCH_CLOSE_TOP) != 0, rows[i].top);
		if (strncmp(rows[i].directory, "/root/", 6) == 0)
			assert_int_equal(left_of(&launch, rows[i].directory), LAUNCH_READ_WRITE);
	}
}

static void a_working_directory_within_the_systems_stays_as_it_was(void **state UNUSED)
{
	static const struct {
		const char *directory;
		enum protect_system protect;
		int left;
	} rows[] = {
		{ "/usr/src/app", PROTECT_SYSTEM_FULL, LAUNCH_READ_WRITE },
		{ "/usr/src/app", PROTECT_SYSTEM_STRICT, -1 },
		{ "/usr", PROTECT_SYSTEM_FULL, LAUNCH_READ_ONLY },
		{ "/", PROTECT_SYSTEM_FULL, -1 },
		{ "/usrlocal", PROTECT_SYSTEM_FULL, -1 },
		{ "/tmp/app", PROTECT_SYSTEM_FULL, LAUNCH_READ_WRITE }, /* else the private one would hide it */
		{ "/var/tmp/app", PROTECT_SYSTEM_STRICT, LAUNCH_READ_ONLY },
	};
	const struct policy policy = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fence_places here = places;
		struct plan_fence fence = by_mounts;
		here.directory = here.directory_named = rows[i].directory;
		fence.protect = rows[i].protect;
		fence.own_tmp = true;
		struct launch launch = fill(&policy, &fence, &here);
		if (rows[i].directory[1] == '\0' && rows[i].protect == PROTECT_SYSTEM_FULL)
			assert_int_equal(left_of(&launch, "/"), -1);
		else if (left_of(&launch, rows[i].directory) != rows[i].left)
			fail_msg("%s: %d", rows[i].directory, left_of(&launch, rows[i].directory));
	}
}

static void what_is_left_of_a_path_is_what_the_nearest_wall_leaves(void **state UNUSED)
{
	static struct launch_path walls[] = {
		{ LAUNCH_READ_ONLY, false, "/srv" }, { LAUNCH_READ_WRITE, false, "/srv/web/data" }, { LAUNCH_HIDDEN, true, "/srv/web" },
	};
	struct launch launch = { .path_count = ARRAY_LEN(walls) };
	memcpy(launch.paths, walls, sizeof(walls));
	assert_int_equal(fence_left(&launch, "/srv"), LAUNCH_READ_ONLY);
	assert_int_equal(fence_left(&launch, "/srv/other"), LAUNCH_READ_ONLY);
	assert_int_equal(fence_left(&launch, "/srv/web/x"), LAUNCH_HIDDEN);
	assert_int_equal(fence_left(&launch, "/srv/web/data/x"), LAUNCH_READ_WRITE);
	assert_int_equal(fence_left(&launch, "/srvother"), LAUNCH_READ_WRITE);
}

/* Else it would come back by its own wall. */
static void our_programs_stay_hidden_where_the_policy_hides_them(void **state UNUSED)
{
	static char *hidden[] = { "/opt/heapward", NULL };
	struct policy policy = { .sandbox = { .hidden = { hidden, 1 } } };
	struct launch launch = fill(&policy, &by_mounts, &places);
	assert_int_equal(left_of(&launch, "/opt/heapward"), LAUNCH_HIDDEN);
	assert_int_equal(left_of(&launch, "/opt/heapward/libexec"), -1);
	assert_int_equal(left_of(&launch, "/opt/bin/heapward"), LAUNCH_READ_ONLY);
}

static void strict_leaves_what_is_listed(void **state UNUSED)
{
	static char *data[] = { "/var/lib/web", NULL }, *secret[] = { "/srv/secret", "/usr/libexec", NULL }, *code[] = { "/tmp/x", NULL };
	static const struct row rows[] = {
		{ "/", LAUNCH_READ_ONLY }, { "/proc", LAUNCH_READ_WRITE }, { "/dev", LAUNCH_READ_WRITE },
		{ "/tmp", LAUNCH_PRIVATE }, { "/var/tmp", LAUNCH_PRIVATE }, { "/var/lib/web", LAUNCH_READ_WRITE },
		{ "/srv/secret", LAUNCH_HIDDEN }, { "/tmp/x", LAUNCH_READ_ONLY },
		{ "/usr/libexec/heapward/1", LAUNCH_READ_ONLY }, /* the agent is not hidden from Node */
	};
	struct policy policy = { .sandbox = { .read_write = { data, 1 }, .hidden = { secret, 2 }, .read_only = { code, 1 },
					      .connect = { .limited = true, .list = { 443, 5432 }, .count = 2 },
					      .bind = { .limited = true } } };
	struct plan_fence fence = by_mounts;
	fence.protect = PROTECT_SYSTEM_STRICT;
	fence.own_tmp = fence.own_dev = fence.own_proc = fence.network_namespace = fence.limit_connect = fence.limit_bind = true;
	struct launch launch = fill(&policy, &fence, &places);
	assert_rows(&launch, rows, ARRAY_LEN(rows));
	assert_int_equal(launch.fence.namespaces, CLONE_NEWNS | CLONE_NEWNET);
	assert_int_equal(launch.port_count, 2);
	assert_true(launch.ports[1].port == 5432 && launch.ports[1].bind == 0);
	assert_int_equal(launch.fence.flags, LAUNCH_BY_MOUNTS | LAUNCH_OWN_DEV | LAUNCH_OWN_PROC | LAUNCH_GUARD_DEVICES |
						     LAUNCH_LIMIT_CONNECT | LAUNCH_LIMIT_BIND | LAUNCH_OWN_SIGNALS);
	/* The user's own must be there, the rest need not. */
	for (size_t i = 0; i < launch.path_count; i++)
		if (strcmp(launch.paths[i].path, "/var/lib/web") == 0)
			assert_false(launch.paths[i].optional);
		else if (strcmp(launch.paths[i].path, "/srv/secret") == 0 || strcmp(launch.paths[i].path, "/efi") == 0)
			assert_true(launch.paths[i].optional);
}

static void without_protection_only_the_lists_count(void **state UNUSED)
{
	static char *secret[] = { "/srv/secret", NULL };
	struct policy policy = { .sandbox = { .hidden = { secret, 1 } } };
	struct plan_fence fence = by_mounts;
	fence.protect = PROTECT_SYSTEM_NONE;
	struct launch launch = fill(&policy, &fence, &places);
	assert_int_equal(launch.path_count, 2);
	assert_int_equal(left_of(&launch, "/usr/libexec/heapward/1"), LAUNCH_READ_ONLY); /* it may be hidden by way of a link */
	assert_int_equal(launch.fence.flags & LAUNCH_GUARD_DEVICES, 0);
	fence = by_landlock;
	fence.user_namespace = true;
	assert_int_equal(fill(&policy, &fence, &places).fence.namespaces, CLONE_NEWUSER);
}

static void every_policys_longest_lists_fit(void **state UNUSED)
{
	static char *list[POLICY_LIST_MAX];
	struct policy policy = { 0 };
	struct plan_fence fence = by_mounts;
	for (size_t i = 0; i < POLICY_LIST_MAX; i++)
		list[i] = "/x";
	policy.sandbox.read_write = policy.sandbox.read_only = policy.sandbox.hidden = (struct words){ list, POLICY_LIST_MAX };
	fence.protect = PROTECT_SYSTEM_STRICT;
	fence.own_tmp = true;
	struct fence_places here = places;
	here.directory = here.directory_named = "/tmp/app";
	for (here.ours_count = 0; here.ours_count < FENCE_OURS_MAX;)
		here.ours[here.ours_count++] = (struct fence_place)OURS(SETTING, "/srv/web/web.env");
	here.agent_directory = "/tmp/agent";
	assert_true(fill(&policy, &fence, &here).path_count < LAUNCH_PATHS_MAX);
}

static void the_lines_say_what_there_is_and_by_what(void **state UNUSED)
{
	char text[FENCE_TEXT_MAX];
	struct policy policy = { 0 };
	struct plan_fence fence = by_mounts;
	fence.own_tmp = fence.own_dev = fence.own_proc = true;
	fence_files_text(&fence, text);
	assert_string_equal(text, "system and heapward's own read-only (mounts), own /tmp, own /dev, /proc of its own tree");
	fence_files_text(&by_landlock, text);
	assert_string_equal(text, "system and heapward's own read-only (Landlock ABI 2, which does not cover truncate)");
	fence.by_mounts = false;
	fence_files_text(&fence, text);
	assert_contains(text, "(nothing makes it here)");
	fence.wanted = false;
	fence_files_text(&fence, text);
	assert_string_equal(text, "unchanged");
	fence_network_text(&policy, &fence, text);
	assert_string_equal(text, "full");
	policy.sandbox.connect = (struct ports){ .limited = true, .list = { 443, 5432 }, .count = 2 };
	fence.limit_connect = fence.limit_bind = true;
	fence_network_text(&policy, &fence, text);
	assert_string_equal(text, "connects to TCP 443 5432, binds no TCP port (Landlock)");
	fence.network_namespace = fence.user_namespace = true;
	fence_network_text(&policy, &fence, text);
	assert_string_equal(text, "none (network namespace in a user namespace); held sockets work");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_walls_are_no_bytes),
		cmocka_unit_test(by_mounts_ours_is_hidden_and_the_systems_read_only),
		cmocka_unit_test(another_user_than_root_has_nothing_of_roots),
		cmocka_unit_test(by_landlock_nothing_is_taken_out_of_the_working_directory),
		cmocka_unit_test(by_landlock_what_the_policy_gives_stays_whole),
		cmocka_unit_test(a_directory_behind_a_link_is_its_own_only_by_that_way),
		cmocka_unit_test(by_landlock_tmp_takes_new_files),
		cmocka_unit_test(places_that_are_not_there_are_left_out),
		cmocka_unit_test(by_landlock_root_has_only_its_own_entry_of_proc),
		cmocka_unit_test(devices_and_proc_are_closed_by_either),
		cmocka_unit_test(roots_worker_keeps_its_directory),
		cmocka_unit_test(a_working_directory_within_the_systems_stays_as_it_was),
		cmocka_unit_test(what_is_left_of_a_path_is_what_the_nearest_wall_leaves),
		cmocka_unit_test(our_programs_stay_hidden_where_the_policy_hides_them),
		cmocka_unit_test(strict_leaves_what_is_listed),
		cmocka_unit_test(without_protection_only_the_lists_count),
		cmocka_unit_test(every_policys_longest_lists_fit),
		cmocka_unit_test(the_lines_say_what_there_is_and_by_what),
	};
	return cmocka_run_group_tests_name("fence", tests, NULL, NULL);
}
