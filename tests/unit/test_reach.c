/* SPDX-License-Identifier: Apache-2.0 */
/* test_reach: what heapward-child finds when it tries to get at a supervisor, which this program plays: each act is seen to
 * succeed where it is open, and to fail where it is not. Runs as root. */
#include "tests/unit/spawn_unit.h"

#include "supervisor/edge/self.h"
#include "supervisor/types/reach.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#define NOBODY 65534u

static char top[64];
static char targets[REACH_COUNT][128];
static char *list[REACH_COUNT + 1];
static int control_fd = -1;

static void make_control(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/control", top);
	control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(control_fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(control_fd, 8), 0);
}

static int set_up(void **state UNUSED)
{
	static const char *const names[] = { "", "", "", "/control", "/policy.yaml", "", "/memory.max" };
	snprintf(top, sizeof(top), "/tmp/heapward-reach-XXXXXX");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < REACH_COUNT; i++) {
		if (i < REACH_SIGNAL)
			snprintf(targets[i], sizeof(targets[i]), "%s%s", top, names[i]);
		else
			snprintf(targets[i], sizeof(targets[i]), "%d", (int)getpid());
		list[i] = targets[i];
	}
	assert_true(close(open(targets[REACH_POLICY_WRITE], O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	assert_true(close(open(targets[REACH_CGROUP_WRITE], O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
	make_control();
	return 0;
}

static int tear_down(void **state UNUSED)
{
	char command[128];
	close(control_fd);
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

/* Opens all that permissions can open, or closes it. */
static void set_permissions(bool open_to_all)
{
	static const enum reach_act files[] = { REACH_CONTROL, REACH_POLICY_WRITE, REACH_CGROUP_WRITE };
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(chmod(targets[files[i]], open_to_all ? 0666 : 0600), 0);
	assert_int_equal(chmod(top, open_to_all ? 0777 : 0700), 0);
}

static void try_as(bool nobody, char *capabilities, char **reach, struct ran *ret)
{
	char *argv[] = { "sh", NULL };
	struct launch launch = launch_of(argv);
	launch.set_user = nobody;
	launch.uid = launch.gid = NOBODY;
	launch.capabilities = capabilities;
	launch.reach = reach;
	run(&launch, ret);
	assert_true(ret->step_failed);
	assert_int_equal(ret->report.step, LAUNCH_STEP_EXEC);
}

static void each_act_is_open_or_closed(void **state UNUSED)
{
	static const struct {
		bool nobody, open_to_all, dumpable;
		char *capabilities;
		const char *wanted; /* in the order of the acts */
	} rows[] = {
		{ false, false, true, NULL, "111111111111" },
		{ false, false, true, "", "111111111101" }, /* of who has more capabilities */
		{ false, false, false, "", "111111111101" },
		{ true, true, false, "", "111111100000" },
		{ true, false, false, "", "000000000000" },
		{ true, false, true, "", "000000000000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ran ran;
		set_permissions(rows[i].open_to_all);
		if (rows[i].dumpable)
			assert_int_equal(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
		else
			self_hide();
		try_as(rows[i].nobody, rows[i].capabilities, list, &ran);
		assert_int_equal(ran.report.error, 0);
		if (strcmp(ran.report.text, rows[i].wanted) != 0)
			fail_msg("row %zu: %s, not %s", i, ran.report.text, rows[i].wanted);
		assert_string_equal(ran.output, "");
	}
	assert_int_equal(access(targets[REACH_STATE_WRITE], F_OK), 0);
	char trial[160];
	snprintf(trial, sizeof(trial), "%s/.heapward-reach", top);
	assert_int_equal(access(trial, F_OK), -1);
}

static void what_has_no_target_is_not_tried(void **state UNUSED)
{
	struct ran ran;
	char *none = "";
	for (size_t i = 0; i < REACH_COUNT; i++)
		list[i] = i == REACH_SIGNAL ? targets[i] : none;
	try_as(true, "", list, &ran);
	assert_string_equal(ran.report.text, "-------0----");
	char *few[] = { targets[0], NULL };
	try_as(true, "", few, &ran);
	assert_int_equal(ran.report.error, EINVAL);
}

/* Kill-family calls that a filter denies, or answers with nobody at the other end, are closed. */
static void a_filter_closes_what_permissions_leave_open(void **state UNUSED)
{
	struct ran ran;
	char *argv[] = { "sh", NULL };
	struct launch launch = launch_of(argv);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_kill, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	};
	launch.filter = (unsigned char *)code;
	launch.filter_bytes = sizeof(code);
	launch.reach = list;
	run(&launch, &ran);
	assert_true(ran.step_failed);
	assert_int_equal(ran.report.text[REACH_SIGNAL], REACH_CLOSED);
	assert_int_equal(ran.report.text[REACH_PIDFD], REACH_OPEN);
}

/* Of a trial that was not allowed to remove it. It is there for who may write and for who may not. */
static void what_another_trial_left_says_nothing(void **state UNUSED)
{
	char trial[160], *none = "", *reach[REACH_COUNT + 1] = { 0 };
	long abi = syscall(444 /* landlock_create_ruleset */, NULL, (size_t)0, 1);
	snprintf(trial, sizeof(trial), "%s/.heapward-reach", top);
	for (size_t i = 0; i < REACH_COUNT; i++)
		reach[i] = i == REACH_STATE_WRITE ? targets[i] : none;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unlinkat, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	for (int way = 0; way < 4; way++) {
		bool walled = way % 2 == 1, filtered = way / 2 == 1;
		struct ran ran;
		char *argv[] = { "sh", NULL };
		struct launch launch = launch_of(argv);
		assert_true(close(open(trial, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) == 0);
		launch.capabilities = "";
		launch.reach = reach;
		if (filtered) {
			launch.filter = (unsigned char *)code;
			launch.filter_bytes = sizeof(code);
		}
		if (walled) {
			launch.fence = (struct launch_fence){ .landlock_abi = (uint32_t)abi, .flags = LAUNCH_BY_LANDLOCK };
			launch.paths[launch.path_count++] = (struct launch_path){ .access = LAUNCH_READ_ONLY, .path = top };
		}
		run(&launch, &ran);
		assert_int_equal(ran.report.error, 0);
		if (ran.report.text[REACH_STATE_WRITE] != (walled ? REACH_CLOSED : REACH_OPEN))
			fail_msg("way %d: %s", way, ran.report.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_act_is_open_or_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_has_no_target_is_not_tried, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_another_trial_left_says_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_filter_closes_what_permissions_leave_open, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
