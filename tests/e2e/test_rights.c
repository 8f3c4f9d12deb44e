/* SPDX-License-Identifier: Apache-2.0 */
/* test_rights: as PID 1, as an ordinary user without a writable cgroup, and what a worker may. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void as_pid_1_it_reaps_what_it_inherits(void **state)
{
	struct world *world = *state;
	/* Four orphans die while the worker lives; then the worker counts zombies in its own PID namespace. */
	const char *script = "for i in 1 2 3 4; do sh -c 'sleep 0.1 & exit 0'; done; sleep 1;"
			     " echo zombies $(ps -A -o stat= | grep -c '^Z'); exit 5";
	const char *words[] = { "unshare", "--fork", "--pid", "--mount-proc", heapward_path(), "run", "-n", world->name,
				"--set", "restart.when=never", "--", "sh", "-c", script, NULL };
	struct program *run = program_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 5);
	assert_string_equal(program_out(world, run), "zombies 0\n");
	await_nothing_left(world, 2);
}

static void an_ordinary_user_is_told_the_remedy_once_and_served(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "--set restart.when=never -- sh -c 'echo ran; exit 3'");
	assert_int_equal(program_finish(world, run, 20), 3);
	assert_string_equal(program_out(world, run), "ran\n");
	const char *said = program_err(world, run);
	bool in_a_scope = strstr(said, "systemd-run") != NULL; /* on v2, unless the test stands in the group at the top */
	const char *what = !on_cgroup_v2() ? "run heapward as root" : in_a_scope ? "systemd-run --user --scope" : "start it with a writable one";
	const char *remedy = strstr(said, what);
	assert_non_null(remedy);
	assert_null(strstr(remedy + 1, what));
}

static void a_cap_that_cannot_be_enforced_is_refused(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "-m 300M --set restart.when=never -- sh -c 'echo ran'");
	assert_int_not_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "");
	assert_contains(program_err(world, run), "best_effort");
}

static void best_effort_starts_with_a_warning(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "-m 300M --set memory.enforce=best_effort --set restart.when=never"
					    " -- sh -c 'echo ran'");
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "ran\n");
	assert_contains(program_err(world, run), "300 MiB");
}

/* What init writes for this machine has to start on it. */
static void a_starter_policy_starts_where_it_was_made(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "--set restart.when=never -- true");
	assert_int_equal(program_finish(world, run, 20), 0);
	struct program *init = heapward_as_nobody(world, "init -- true");
	assert_int_equal(program_finish(world, init, 20), 0);
	assert_contains(program_out(world, init), "\n  enforce: best_effort\n");
	world_write(world, "starter.yaml", "%s", program_out(world, init));
	struct program *starts = heapward_as_nobody(world, world_print(world, "run -n %s -p starter.yaml", world->name));
	assert_int_equal(program_finish(world, starts, 20), 0);
}

/* Root's directory is closed to others, whatever is in it. */
static void an_ordinary_users_stopped_services_are_its_own(void **state)
{
	struct world *world = *state;
	char roots[128];
	snprintf(roots, sizeof(roots), "/run/heapward/%s", world->name);
	(void)mkdir("/run/heapward", 0711);
	struct program *run = run_as_nobody(world, "--set restart.when=never -- sh -c 'exit 3'");
	assert_int_equal(program_finish(world, run, 20), 3);
	assert_int_equal(mkdir(roots, 0700), 0);
	struct program *status = heapward_as_nobody(world, "status");
	int exited = program_finish(world, status, 20);
	assert_int_equal(rmdir(roots), 0);
	assert_int_equal(exited, 0);
	assert_contains(program_out(world, status), world->name);
	assert_contains(program_out(world, status), "stopped");
	assert_null(strstr(program_err(world, status), "Permission denied"));
}

/* What sandbox, limits and environment ask for is told by the worker itself. */
static const char *const asks = "grep -E '^(Uid|Gid|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status; ulimit -n; pwd;"
				" echo $FROM_POLICY; cat /proc/self/oom_score_adj";

static int own_oom_score(void)
{
	char text[16] = "";
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	return atoi(text);
}

static void what_the_policy_asks_for_reaches_the_worker(void **state)
{
	static const char *const parts[] = { "Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n",
					     "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n",
					     "Seccomp:\t2\n", "\n512\n/\nof the policy\n" };
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--set", "sandbox.user=nobody", "--set",
				"sandbox.capabilities=none", "--set", "limits.files=512", "--set", "service.directory=/", "--set",
				"service.environment.set.FROM_POLICY=of the policy", "--", "sh", "-c", asks, NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	const char *said = program_out(world, run);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		assert_contains(said, parts[i]);
	int score = own_oom_score() + 100; /* the worker goes before the supervisor */
	assert_int_equal(atoi(last_line(world, said)), score > 1000 ? 1000 : score);
}

static void a_bare_run_takes_nothing_away(void **state)
{
	struct world *world = *state;
	char uid[64];
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c", asks, NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	const char *said = program_out(world, run);
	snprintf(uid, sizeof(uid), "Uid:\t%d\t%d\t%d\t%d\n", (int)getuid(), (int)geteuid(), (int)geteuid(), (int)geteuid());
	assert_contains(said, uid);
	assert_null(strstr(said, "CapEff:\t0000000000000000\n"));
	assert_contains(said, "Seccomp:\t2\n"); /* the list "compat", whose calls no server needs */
}

static void limits_tasks_counts_the_whole_tree(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "restart.when=never", "--set", "limits.tasks=3", "--", "sh", "-c",
				"sleep 5 & sleep 5 & sleep 5 & echo three", NULL };
	struct program *run = run_start(world, words);
	assert_int_not_equal(program_finish(world, run, 20), 0);
	assert_contains(program_err(world, run), "fork");
	assert_string_equal(program_out(world, run), "");
}

/* Without a group the keeper ends a session, which a new keeper has to be told; sh, the session's leader, dies with its
 * parent, what it has started does not. */
static void a_mended_keeper_knows_the_worker_that_has_no_group(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "-- sh -c 'trap \"\" TERM; sleep 100 & echo steady; wait'");
	await_file(world, strrchr(run->out_path, '/') + 1, "steady", 20);
	pid_t first = keeper_of(world, run);
	assert_true(first > 0);
	kill(first, SIGKILL);
	await_err(world, run, "the keeper had ended and was started again", 10);
	pid_t second = keeper_of(world, run);
	assert_true(second > 0 && second != first);
	kill(second, SIGKILL);
	await_err(world, run, "the keeper has ended again; without it a killed supervisor leaves its workers: the next try is in 2 s", 10);
	assert_int_equal(keeper_of(world, run), 0);
	for (int i = 0; keeper_of(world, run) == 0; i++) {
		assert_true(i < 1000);
		pause_msec(20);
	}
	pause_msec(100); /* until it is told of the session */
	kill(run->pid, SIGKILL);
	program_finish(world, run, 10);
	await_nothing_left(world, 2);
}

/* What a worker finds that asks the supervisor over it to end or change the service: `how` puts itself before the command. */
static const char *asking_script(struct world *world, const char *heapward, const char *how)
{
	return world_print(world, "%s %s stop %s; echo stop $?; %s %s set %s memory.max=1G; echo set $?; %s status %s >/dev/null;"
			   " echo status $?", how, heapward, world->name, how, heapward, world->name, heapward, world->name);
}

static void a_worker_may_look_at_its_service_and_change_nothing(void **state)
{
	struct world *world = *state;
	static const char *const ways[] = { "", "setsid" };
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const char *script = asking_script(world, heapward_path(), ways[i]);
		struct program *run = heapward_start(world, "run", "-n", world->name, "--set", "restart.when=never", "--", "sh", "-c",
						     script, NULL);
		assert_int_equal(program_finish(world, run, 20), 0);
		assert_string_equal(program_out(world, run), "stop 1\nset 1\nstatus 0\n");
		assert_contains(program_err(world, run), "is in a worker's cgroup (/");
		assert_contains(program_err(world, run), "a worker may look at services, not change them");
	}
	await_nothing_left(world, 2);
}

static void without_groups_a_worker_is_known_by_who_started_it(void **state)
{
	struct world *world = *state;
	const char *script = asking_script(world, "bound/supervisor/cli/heapward", "setsid --wait");
	struct program *run = run_as_nobody(world, world_print(world, "--set restart.when=never -- sh -c '%s'", script));
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "stop 1\nset 1\nstatus 0\n");
	assert_contains(program_err(world, run), "was started by this service's worker: a worker may look at services");
	await_nothing_left(world, 2);
}

/* Neither session nor parents lead from it to the worker any more. */
static void without_groups_an_orphan_commands_nobody_and_ends_with_its_worker(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "(setsid sh -c \"sleep 0.5; bound/supervisor/cli/heapward stop %s; echo stop \\$?;"
					 " echo orphan \\$\\$; exec sleep 100\" &); exec sleep 100", world->name);
	struct program *run = run_as_nobody(world, world_print(world, "--set restart.when=never -- sh -c '%s'", script));
	await_file(world, strrchr(run->out_path, '/') + 1, "orphan", 20);
	pause_msec(100); /* until its number is there, too */
	const char *said = program_out(world, run);
	assert_int_equal(strncmp(said, "stop 1\norphan ", 14), 0);
	pid_t orphan = atoi(said + 14);
	assert_true(orphan > 1);
	assert_int_equal(kill(orphan, 0), 0);
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_int_equal(kill(orphan, 0), -1);
	assert_contains(program_err(world, run), "was started by this service's worker");
	await_nothing_left(world, 2);
}

static void who_cannot_be_seen_from_the_service_changes_nothing(void **state)
{
	struct world *world = *state;
	const char *script = world_print(world, "echo up; until [ -e '%s' ]; do sleep 0.1; done", world_path(world, "go"));
	const char *words[] = { "unshare", "--fork", "--pid", "--mount-proc", heapward_path(), "run", "-n", world->name,
				"--set", "restart.when=never", "--", "sh", "-c", script, NULL };
	struct program *run = program_start(world, words);
	await_file(world, strrchr(run->out_path, '/') + 1, "up", 20);
	heapward_says(world, 0, "status", world->name, NULL);
	struct program *stop = heapward_start(world, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, stop, 20), 1);
	assert_contains(program_err(world, stop), "another PID namespace");
	world_write(world, "go", "%s", "");
	assert_int_equal(program_finish(world, run, 20), 0);
	await_nothing_left(world, 2);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(as_pid_1_it_reaps_what_it_inherits),
		WORLD_TEST(an_ordinary_user_is_told_the_remedy_once_and_served),
		WORLD_TEST(a_cap_that_cannot_be_enforced_is_refused),
		WORLD_TEST(best_effort_starts_with_a_warning),
		WORLD_TEST(a_starter_policy_starts_where_it_was_made),
		WORLD_TEST(an_ordinary_users_stopped_services_are_its_own),
		WORLD_TEST(a_mended_keeper_knows_the_worker_that_has_no_group),
		WORLD_TEST(a_worker_may_look_at_its_service_and_change_nothing),
		WORLD_TEST(without_groups_a_worker_is_known_by_who_started_it),
		WORLD_TEST(without_groups_an_orphan_commands_nobody_and_ends_with_its_worker),
		WORLD_TEST(who_cannot_be_seen_from_the_service_changes_nothing),
		WORLD_TEST(what_the_policy_asks_for_reaches_the_worker),
		WORLD_TEST(a_bare_run_takes_nothing_away),
		WORLD_TEST(limits_tasks_counts_the_whole_tree),
	};
	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
