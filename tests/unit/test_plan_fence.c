/* SPDX-License-Identifier: Apache-2.0 */
/* test_plan_fence: which walls a policy gets on which machine, and what is said of those that it does not get. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"

#include "supervisor/core/fence.h"

static char *const node_server[] = { "node", "server.js", NULL };

static struct plan plan_of(const struct policy *policy, const struct host *host)
{
	struct plan plan;
	plan_resolve(policy, host, node_server, &plan);
	return plan;
}

/* Machines. */
static const struct host_fence root_here = { .landlock_abi = 7, .mounts = true, .network = true };
static const struct host_fence root_without_landlock = { .mounts = true, .network = true };
static const struct host_fence root_on_debian = { .landlock_abi = 2, .mounts = true, .network = true };
static const struct host_fence root_in_container = { .landlock_abi = 4, .problem = "this container gives no CAP_SYS_ADMIN" };
static const struct host_fence user_here = { .landlock_abi = 7, .user = true, .problem = "only root may make them" };
static const struct host_fence user_on_debian = { .landlock_abi = 2, .problem = "only root may make them" };
static const struct host_fence user_on_old = { .landlock_abi = 1, .problem = "only root may make them" };
static const struct host_fence nothing = { .problem = "only root may make them" };

static struct host host_of(const struct host_fence *fence)
{
	struct host host = sample_host();
	host.fence = *fence;
	host.uid = fence->mounts || fence == &root_in_container ? 0 : 1000;
	return host;
}

/* The remark that holds `text`, or the test fails with all of them. */
static const struct plan_remark *remark(const struct plan *plan, const char *text)
{
	for (size_t i = 0; i < plan->remark_count; i++)
		if (strstr(plan->remarks[i].text, text) != NULL)
			return &plan->remarks[i];
	for (size_t i = 0; i < plan->remark_count; i++)
		print_error("%s\n", plan->remarks[i].text);
	fail_msg("no remark holds \"%s\"", text);
	return NULL;
}

static bool says(const struct plan *plan, const char *text)
{
	for (size_t i = 0; i < plan->remark_count; i++)
		if (strstr(plan->remarks[i].text, text) != NULL)
			return true;
	return false;
}

static void a_bare_run_has_no_walls_and_asks_for_no_probe(void **state UNUSED)
{
	struct policy policy = sample_policy();
	struct host host = host_of(&root_here);
	assert_false(plan_wants_fence(&policy));
	struct plan plan = plan_of(&policy, &host);
	assert_false(plan.fence.wanted || plan.fence.by_mounts || plan.fence.by_landlock);
	assert_int_equal(plan.fence.landlock_abi, 0);
	assert_int_equal(plan.fence.protect, PROTECT_SYSTEM_NONE);
}

static void a_policy_file_brings_what_the_machine_can(void **state UNUSED)
{
	static const struct {
		const struct host_fence *fence;
		bool by_mounts, by_landlock, own_signals;
		uint32_t abi;
		const char *remark; /* NULL: none about walls */
		const char *missing;
	} rows[] = {
		{ &root_here, true, false, true, 7, NULL, "" },
		{ &root_without_landlock, true, false, false, 0, "Landlock: this kernel has none: the worker can look into", "Landlock" },
		{ &root_on_debian, true, false, false, 2, "ABI 2 is below 6: the worker can signal its user's other processes",
		  "signals to its own tree only" },
		{ &root_in_container, false, true, false, 4, "gives no CAP_SYS_ADMIN): Landlock stands in",
		  "mounts, signals to its own tree only" },
		{ &user_here, false, true, true, 7, NULL, "" }, /* no user namespace by default */
		{ &user_on_debian, false, true, false, 2, "and empty files that it cannot write (truncate)", "signals to its own tree only" },
		{ &user_on_old, false, false, false, 0, "ABI 1 would forbid to move files", "walls around files" },
		{ &nothing, false, false, false, 0, "Landlock: this kernel has none", "walls around files" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = host_of(rows[i].fence);
		struct plan plan = plan_of(&policy, &host);
		const struct plan_fence *fence = &plan.fence;
		if (!fence->wanted || fence->protect != PROTECT_SYSTEM_FULL || fence->by_mounts != rows[i].by_mounts ||
		    fence->by_landlock != rows[i].by_landlock || fence->own_signals != rows[i].own_signals ||
		    fence->landlock_abi != rows[i].abi || fence->user_namespace || fence->network_namespace)
			fail_msg("row %zu", i);
		if (rows[i].remark != NULL)
			assert_false(remark(&plan, rows[i].remark)->refusal);
		else
			assert_false(says(&plan, "sandbox: "));
		assert_string_equal(fence->missing, rows[i].missing);
	}
}

/* By default of a policy file, and what opens it again. */
static void devices_proc_and_abstract_sockets_are_closed_by_default(void **state UNUSED)
{
	static const struct {
		const struct host_fence *fence;
		enum private_dev dev;
		char *list;
		enum abstract_sockets sockets;
		enum ready_kind ready;
		bool own_dev, own_shm, few, proc, own_sockets;
	} rows[] = {
		{ &root_here, 0, NULL, 0, 0, true, false, false, true, true },
		{ &root_here, PRIVATE_DEV_TRUE, NULL, 0, 0, true, true, false, true, true },
		{ &root_here, PRIVATE_DEV_FALSE, NULL, 0, 0, false, false, false, true, true },
		{ &root_here, 0, "compat", 0, 0, true, false, false, false, true }, /* browsers write who they are in their namespace */
		{ &root_here, 0, "none", 0, 0, true, false, false, false, true },
		{ &root_here, 0, "./own.list", ABSTRACT_SOCKETS_FULL, 0, true, false, false, true, false },
		{ &root_here, 0, NULL, 0, READY_NOTIFY, true, false, false, true, false },
		{ &root_in_container, 0, NULL, 0, 0, false, false, true, true, false },
		{ &user_here, 0, NULL, 0, 0, false, false, true, true, true },
		{ &user_here, PRIVATE_DEV_FALSE, NULL, 0, 0, false, false, false, true, true },
		{ &user_here, PRIVATE_DEV_TRUE, NULL, 0, 0, true, true, false, true, true }, /* in a user namespace */
		{ &user_on_debian, 0, NULL, 0, 0, false, false, true, true, false },
		{ &nothing, 0, NULL, 0, 0, false, false, false, false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = host_of(rows[i].fence);
		policy.sandbox.private_dev = rows[i].dev;
		policy.sandbox.syscalls = rows[i].list;
		policy.sandbox.abstract_sockets = rows[i].sockets;
		policy.ready.when.kind = rows[i].ready;
		struct plan plan = plan_of(&policy, &host);
		const struct plan_fence *fence = &plan.fence;
		if (fence->own_dev != rows[i].own_dev || fence->own_shm != rows[i].own_shm || fence->few_devices != rows[i].few ||
		    fence->proc_read_only != rows[i].proc || fence->own_sockets != rows[i].own_sockets)
			fail_msg("row %zu", i);
	}
}

static void what_the_walls_come_to_is_said_with_the_remedy(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = host_of(&user_here);
	char text[FENCE_TEXT_MAX];
	struct plan plan = plan_of(&policy, &host);
	assert_false(says(&plan, "nothing new can be made") || says(&plan, "can write") || says(&plan, "sandbox.hidden"));
	strcpy(host.fence.closed, "/home/u, /home/u/.local");
	strcpy(host.fence.open, "/srv/web.yaml");
	strcpy(host.fence.absent, "/run/docker.sock");
	plan = plan_of(&policy, &host);
	assert_contains(remark(&plan, "nothing new can be made in /home/u, /home/u/.local,")->text, "sandbox.read_write");
	assert_contains(remark(&plan, "the worker can write /srv/web.yaml:")->text, "service.directory");
	assert_contains(remark(&plan, "sandbox.hidden: /run/docker.sock: not there now")->text, "hide its directory");
	assert_int_equal(plan.fence.missing[0], '\0');
	fence_files_text(&plan.fence, text);
	assert_string_equal(text, "system and heapward's own read-only but /srv/web.yaml (Landlock ABI 7), harmless devices, "
			    "/proc read-only");
	/* Mounts close neither too much nor too little. */
	host.fence.mounts = true;
	plan = plan_of(&policy, &host);
	assert_false(says(&plan, "nothing new can be made") || says(&plan, "can write"));
	fence_files_text(&plan.fence, text);
	assert_string_equal(text, "system and heapward's own read-only (mounts), own /dev, /proc read-only");
	host = host_of(&root_here);
	strcpy(host.fence.closed, "/root (HOME)");
	host.fence.others_left_out = true;
	plan = plan_of(&policy, &host);
	assert_contains(remark(&plan, "the worker is root: nothing new can be made in /root (HOME)")->text, "sandbox.read_write");
	assert_contains(remark(&plan, "more policies and lists than the walls have room for")->text, "heapward forget");
}

static void what_else_the_machine_has_is_said(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	struct host host = host_of(&root_on_debian);
	struct plan plan = plan_of(&policy, &host);
	assert_false(says(&plan, "nothing new can be made") || says(&plan, "have more policies") || says(&plan, "cannot reach"));
	strcpy(host.fence.closed, "/, /root");
	strcpy(host.unreached, "user web cannot reach the working directory /root/app");
	host.fence.others_left_out = true;
	plan = plan_of(&policy, &host);
	assert_contains(remark(&plan, "the worker is root: nothing new can be made in /, /root, and only its caches")->text, "read_write");
	assert_contains(remark(&plan, "have more policies and lists than the walls have room for")->text, "heapward forget");
	remark(&plan, "user web cannot reach the working directory /root/app");
	assert_string_equal(plan.unreached, host.unreached);
}

static void read_write_alone_makes_the_rest_read_only(void **state UNUSED)
{
	static char *data[] = { "/var/lib/web", NULL };
	static const struct {
		enum protect_system asked, got;
	} rows[] = { { PROTECT_SYSTEM_AUTO, PROTECT_SYSTEM_STRICT }, { PROTECT_SYSTEM_FULL, PROTECT_SYSTEM_FULL },
		     { PROTECT_SYSTEM_NONE, PROTECT_SYSTEM_NONE }, { PROTECT_SYSTEM_STRICT, PROTECT_SYSTEM_STRICT } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = host_of(&root_here);
		policy.sandbox.read_write = (struct words){ data, 1 };
		policy.sandbox.protect_system = rows[i].asked;
		assert_int_equal(plan_of(&policy, &host).fence.protect, rows[i].got);
	}
}

static void what_needs_mounts_takes_a_user_namespace_where_there_is_one(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	policy.sandbox.private_tmp = true;
	policy.sandbox.private_dev = PRIVATE_DEV_TRUE;
	policy.sandbox.proc = PROC_SEEN_OWN;
	struct host host = host_of(&user_here);
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan.fence.user_namespace && plan.fence.by_mounts && plan.fence.own_tmp && plan.fence.own_dev);
	assert_false(plan.fence.own_proc || plan.fence.by_landlock);
	assert_false(remark(&plan, "sandbox.proc: own is left out")->refusal);
	host = host_of(&root_here);
	plan = plan_of(&policy, &host);
	assert_true(plan.fence.by_mounts && plan.fence.own_tmp && plan.fence.own_dev && plan.fence.own_proc);
	assert_false(plan.fence.user_namespace || says(&plan, "left out"));
	host = host_of(&user_on_debian);
	plan = plan_of(&policy, &host);
	assert_false(plan.fence.own_tmp || plan.fence.own_dev || plan.fence.by_mounts);
	assert_true(plan.fence.by_landlock);
	assert_false(remark(&plan, "private_dev and proc: own are left out")->refusal);
}

static void no_network_is_a_namespace_else_no_tcp(void **state UNUSED)
{
	static const struct {
		const struct host_fence *fence;
		bool name_space, user, landlock;
		const char *remark;
	} rows[] = {
		{ &root_here, true, false, false, NULL },
		{ &user_here, true, true, false, NULL },
		{ &root_in_container, false, false, true, "Landlock denies TCP, nothing denies UDP" },
		{ &user_on_debian, false, false, false, "nothing denies it here" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = host_of(rows[i].fence);
		policy.sandbox.network = NETWORK_NONE;
		struct plan plan = plan_of(&policy, &host);
		if (plan.fence.network_namespace != rows[i].name_space || plan.fence.user_namespace != rows[i].user ||
		    plan.fence.limit_bind != rows[i].landlock || plan.fence.limit_connect != rows[i].landlock)
			fail_msg("row %zu", i);
		if (rows[i].remark != NULL)
			assert_false(remark(&plan, rows[i].remark)->refusal);
		else
			assert_false(says(&plan, "sandbox.network"));
	}
}

static void ports_are_limited_from_abi_4_on(void **state UNUSED)
{
	struct policy policy = sample_policy();
	policy.sandbox.connect = (struct ports){ .limited = true, .list = { 443 }, .count = 1 };
	assert_true(plan_wants_fence(&policy)); /* asked for by name: a policy file is not needed */
	struct host host = host_of(&user_here);
	struct plan plan = plan_of(&policy, &host);
	assert_true(plan.fence.limit_connect && !plan.fence.limit_bind && !plan.fence.by_landlock && !plan.fence.by_mounts);
	assert_false(says(&plan, "below 4"));
	host = host_of(&user_on_debian);
	plan = plan_of(&policy, &host);
	assert_false(plan.fence.limit_connect);
	assert_false(remark(&plan, "Landlock's ABI 2 is below 4")->refusal);
	/* One of the two alone is not the other one's loss. */
	policy.sandbox.connect = (struct ports){ 0 };
	policy.sandbox.bind = (struct ports){ .limited = true };
	host = host_of(&user_here);
	plan = plan_of(&policy, &host);
	assert_true(plan.fence.limit_bind && !plan.fence.limit_connect);
	assert_false(says(&plan, "below 4"));
}

static void notify_has_no_way_out_of_another_network(void **state UNUSED)
{
	struct policy policy = capped_policy(512 * MIB);
	policy.sandbox.network = NETWORK_NONE;
	policy.ready.when.kind = READY_NOTIFY;
	struct host host = host_of(&root_here);
	struct plan plan = plan_of(&policy, &host);
	assert_true(remark(&plan, "ready.when: notify")->refusal);
}

static void what_is_required_and_missing_refuses_the_start(void **state UNUSED)
{
	static const struct {
		const char *feature;
		const struct host_fence *fence;
		const char *user;
		const char *syscalls; /* NULL: the default */
		const char *refusal; /* NULL: it is there */
	} rows[] = {
		{ "landlock", &root_here, NULL, NULL, NULL },
		{ "landlock", &user_on_old, NULL, NULL, "it takes Linux 5.19" },
		{ "landlock", &nothing, NULL, NULL, "sandbox.require landlock (web.yaml:9): not in this kernel" },
		{ "mount-namespace", &root_here, NULL, NULL, NULL },
		{ "mount-namespace", &user_here, NULL, NULL, NULL },
		{ "mount-namespace", &root_in_container, NULL, NULL, "(web.yaml:9): this container gives no CAP_SYS_ADMIN" },
		{ "network-namespace", &user_here, NULL, NULL, NULL },
		{ "network-namespace", &user_on_debian, NULL, NULL, "only root may make them" },
		{ "user-namespace", &user_here, NULL, NULL, NULL },
		{ "user-namespace", &user_on_debian, NULL, NULL, "does not allow them" },
		{ "user-namespace", &root_here, NULL, NULL, "root makes none" },
		{ "seccomp", &root_here, NULL, NULL, NULL },
		{ "seccomp", &root_here, NULL, "none", "sandbox.syscalls is none" },
		{ "separate-uid", &root_here, "web", NULL, NULL },
		{ "separate-uid", &root_here, "root", NULL, "has the supervisor's user" },
		{ "separate-uid", &root_here, NULL, NULL, "has the supervisor's user" },
		{ "separate-uid", &user_here, NULL, NULL, "start heapward as root" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = capped_policy(512 * MIB);
		struct host host = host_of(rows[i].fence);
		char *words[] = { (char *)rows[i].feature, NULL };
		policy.sandbox.require = (struct words){ words, 1 };
		policy.sandbox.user = (char *)rows[i].user;
		policy.sandbox.syscalls = (char *)rows[i].syscalls;
		set_origin(&policy, KEY_SANDBOX_REQUIRE, "web.yaml", 9);
		struct plan plan = plan_of(&policy, &host);
		if (plan_is_startable(&plan) != (rows[i].refusal == NULL))
			fail_msg("row %zu: %s", i, rows[i].feature);
		if (rows[i].refusal != NULL)
			assert_true(remark(&plan, rows[i].refusal)->refusal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_run_has_no_walls_and_asks_for_no_probe),
		cmocka_unit_test(a_policy_file_brings_what_the_machine_can),
		cmocka_unit_test(devices_proc_and_abstract_sockets_are_closed_by_default),
		cmocka_unit_test(what_the_walls_come_to_is_said_with_the_remedy),
		cmocka_unit_test(what_else_the_machine_has_is_said),
		cmocka_unit_test(read_write_alone_makes_the_rest_read_only),
		cmocka_unit_test(what_needs_mounts_takes_a_user_namespace_where_there_is_one),
		cmocka_unit_test(no_network_is_a_namespace_else_no_tcp),
		cmocka_unit_test(ports_are_limited_from_abi_4_on),
		cmocka_unit_test(notify_has_no_way_out_of_another_network),
		cmocka_unit_test(what_is_required_and_missing_refuses_the_start),
	};
	return cmocka_run_group_tests_name("plan fence", tests, NULL, NULL);
}
