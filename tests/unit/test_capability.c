/* SPDX-License-Identifier: Apache-2.0 */
/* test_capability: what supervisor, keeper and child keep under a policy, row by row, and that nothing else is within reach. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/capability.h"

#include <linux/capability.h>

#define BIT(name) (UINT64_C(1) << CAP_##name)
#define ROOT_OWN (BIT(KILL) | BIT(SETUID) | BIT(SETGID) | BIT(SYSLOG) | BIT(DAC_READ_SEARCH))
#define ROOT_CHILD (BIT(SETUID) | BIT(SETGID) | BIT(SETPCAP) | BIT(SYS_RESOURCE) | BIT(DAC_READ_SEARCH))

static char none[] = "";

static const struct row {
	uint32_t uid;
	const char *user, *capabilities, *listen;
	uint64_t own, keeper, worker;
} rows[] = {
	{ 0, NULL, "", NULL, ROOT_OWN, BIT(KILL), 0 },
	{ 0, NULL, NULL, NULL, ROOT_OWN, BIT(KILL), CAPABILITY_ALL },
	{ 0, "web", "", NULL, ROOT_OWN, BIT(KILL), 0 },
	{ 0, "web", "cap_net_bind_service,cap_sys_nice", NULL, ROOT_OWN, BIT(KILL), BIT(NET_BIND_SERVICE) | BIT(SYS_NICE) },
	{ 0, "web", "", "tcp:80", ROOT_OWN | BIT(NET_BIND_SERVICE), BIT(KILL), 0 },
	{ 0, "web", "", "tcp:1023", ROOT_OWN | BIT(NET_BIND_SERVICE), BIT(KILL), 0 },
	{ 0, "web", "", "tcp:1024", ROOT_OWN, BIT(KILL), 0 },
	{ 0, NULL, "", "unix:/run/web.sock", ROOT_OWN, BIT(KILL), 0 },
	{ 0, "web", "", "unix:/run/web.sock", ROOT_OWN | BIT(CHOWN) | BIT(DAC_OVERRIDE), BIT(KILL) | BIT(DAC_OVERRIDE), 0 },
	{ 1000, NULL, "", NULL, 0, 0, 0 },
	{ 1000, NULL, "", "tcp:80", BIT(NET_BIND_SERVICE), 0, 0 },
};

static void each_keeps_what_its_policy_needs(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = sample_policy();
		struct host host = sample_host();
		host.uid = rows[i].uid;
		policy.sandbox.user = (char *)(uintptr_t)rows[i].user;
		policy.sandbox.capabilities = (char *)(uintptr_t)rows[i].capabilities;
		if (rows[i].listen != NULL)
			hold(&policy, rows[i].listen);
		uint64_t child = host.uid == 0 ? ROOT_CHILD : 0;
		if (capability_needed(HOLDER_SUPERVISOR, &policy, &host) != rows[i].own ||
		    capability_needed(HOLDER_KEEPER, &policy, &host) != rows[i].keeper ||
		    capability_needed(HOLDER_CHILD, &policy, &host) != child || capability_of_worker(&policy) != rows[i].worker)
			fail_msg("row %zu", i);
		assert_true(capability_reach(&policy, &host) == (rows[i].own | rows[i].keeper | child | rows[i].worker));
	}
}

static void a_name_that_nobody_knows_is_no_capability(void **state UNUSED)
{
	static char unknown[] = "cap_chown,cap_of_tomorrow";
	struct policy policy = sample_policy();
	policy.sandbox.capabilities = unknown;
	assert_true(capability_of_worker(&policy) == BIT(CHOWN));
}

/* Mounts take privilege where they are not made in a user namespace; it is heapward-child's alone, which gives it up on its way. */
static void walls_are_made_by_the_child_alone(void **state UNUSED)
{
	static const struct {
		struct host_fence fence;
		enum protect_system protect;
		enum network network;
		uint64_t child;
	} cases[] = {
		{ { .mounts = true, .network = true }, PROTECT_SYSTEM_FULL, NETWORK_FULL, BIT(SYS_ADMIN) },
		{ { .mounts = true, .network = true }, PROTECT_SYSTEM_NONE, NETWORK_NONE, BIT(SYS_ADMIN) | BIT(NET_ADMIN) },
		{ { .mounts = true, .network = true }, PROTECT_SYSTEM_NONE, NETWORK_FULL, 0 },
		{ { .user = true }, PROTECT_SYSTEM_FULL, NETWORK_NONE, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy policy = sample_policy();
		struct host host = sample_host();
		policy.sandbox.capabilities = none;
		policy.sandbox.protect_system = cases[i].protect;
		policy.sandbox.network = cases[i].network;
		host.uid = 0;
		host.fence = cases[i].fence;
		uint64_t walls = BIT(SYS_ADMIN) | BIT(NET_ADMIN);
		if ((capability_needed(HOLDER_CHILD, &policy, &host) & walls) != cases[i].child)
			fail_msg("case %zu", i);
		assert_true((capability_needed(HOLDER_SUPERVISOR, &policy, &host) & walls) == 0);
		assert_true((capability_needed(HOLDER_KEEPER, &policy, &host) & walls) == 0);
	}
}

/* Where cgroups stand in a root, which only CAP_DAC_OVERRIDE may write, they can be removed; until then it does nothing. */
static void groups_in_a_root_can_be_removed_in_the_end(void **state UNUSED)
{
	for (uint32_t uid = 0; uid <= 1000; uid += 1000) {
		struct policy policy = sample_policy();
		struct host host = sample_host();
		uint64_t wanted = uid == 0 ? BIT(DAC_OVERRIDE) : 0;
		policy.sandbox.capabilities = none;
		host.uid = uid;
		assert_true(capability_needed(HOLDER_LEAVING, &policy, &host) == 0);
		host.cgroup_closed = true;
		assert_true(capability_needed(HOLDER_LEAVING, &policy, &host) == wanted);
		assert_true((capability_needed(HOLDER_KEEPER, &policy, &host) & BIT(DAC_OVERRIDE)) == wanted);
		assert_true((capability_needed(HOLDER_SUPERVISOR, &policy, &host) & BIT(DAC_OVERRIDE)) == 0);
		assert_true((capability_reach(&policy, &host) & BIT(DAC_OVERRIDE)) == wanted);
	}
}

/* Most kernels let anybody put a filter on its own socket; where this one does not, it is for the end, too. */
static void the_last_call_may_take_a_capability(void **state UNUSED)
{
	static const struct {
		bool takes;
		const char *listen;
		bool needed;
	} cases[] = { { true, "tcp:3000", true }, { false, "tcp:3000", false }, { true, "unix:/run/a.sock", false } };
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct policy policy = sample_policy();
		struct host host = sample_host();
		policy.sandbox.capabilities = none;
		host.uid = 0;
		host.attach_takes_admin = cases[i].takes;
		hold(&policy, cases[i].listen);
		assert_true(capability_needed(HOLDER_LEAVING, &policy, &host) == (cases[i].needed ? BIT(NET_ADMIN) : 0));
		assert_true((capability_needed(HOLDER_SUPERVISOR, &policy, &host) & BIT(NET_ADMIN)) == 0);
	}
}

static void the_powers_over_the_whole_machine_are_nobodys(void **state UNUSED)
{
	const uint64_t never = BIT(SYS_MODULE) | BIT(SYS_RAWIO) | BIT(SYS_PTRACE) | BIT(SYS_BOOT) | BIT(SYS_TIME) | BIT(MAC_ADMIN) |
			       BIT(NET_RAW) | BIT(BPF) | BIT(PERFMON) | BIT(AUDIT_CONTROL) | BIT(FOWNER) | BIT(SETFCAP);
	for (const struct capability_row *row = capability_rows; row->needed != NULL; row++) {
		assert_true((never >> row->number & 1) == 0);
		assert_true(row->holders != 0 && row->why[0] != '\0' && row->when[0] != '\0');
	}
}

static void sets_are_named(void **state UNUSED)
{
	char text[CAPABILITY_TEXT_MAX];
	assert_string_equal(capability_text(0, text), "none");
	assert_string_equal(capability_text(CAPABILITY_ALL, text), "all");
	assert_string_equal(capability_text(BIT(KILL) | BIT(SYSLOG), text), "cap_kill, cap_syslog");
	assert_string_equal(capability_text(UINT64_C(1) << 63, text), "cap_63");
	assert_true(strlen(capability_text(CAPABILITY_ALL - 1, text)) < sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_keeps_what_its_policy_needs),
		cmocka_unit_test(a_name_that_nobody_knows_is_no_capability),
		cmocka_unit_test(walls_are_made_by_the_child_alone),
		cmocka_unit_test(groups_in_a_root_can_be_removed_in_the_end),
		cmocka_unit_test(the_last_call_may_take_a_capability),
		cmocka_unit_test(the_powers_over_the_whole_machine_are_nobodys),
		cmocka_unit_test(sets_are_named),
	};
	return cmocka_run_group_tests_name("capability", tests, NULL, NULL);
}
