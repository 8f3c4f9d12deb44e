/* SPDX-License-Identifier: Apache-2.0 */
/* test_rights: as PID 1, and as an ordinary user without a writable cgroup. */
#include "tests/e2e/harness.h"
#include "tests/e2e/see.h"

#include <errno.h>
#include <sys/stat.h>

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

/* Runs heapward as `nobody`, with directories of its own. The build tree may stand where `nobody` cannot reach it: it
 * is bound to a place that everyone can. */
static struct program *run_as_nobody(struct world *world, const char *arguments)
{
	static const char *const own[] = { "home", "run" };
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		const char *path = world_path(world, own[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
	}
	assert_int_equal(mkdir(world_path(world, "bound"), 0755), 0);
	world_environment(world, "HOME=%s/home", world->directory);
	world_environment(world, "XDG_RUNTIME_DIR=%s/run", world->directory);
	char *build = world_print(world, "%s", heapward_path());
	char *at = strstr(build, "/supervisor/cli/heapward");
	assert_non_null(at);
	*at = '\0';
	const char *script = world_print(world, "mount --bind '%s' bound && exec setpriv --reuid=65534 --regid=65534"
					 " --clear-groups bound/supervisor/cli/heapward run -n %s %s",
					 build, world->name, arguments);
	const char *words[] = { "unshare", "--mount", "sh", "-c", script, NULL };
	return program_start(world, words);
}

static void an_ordinary_user_is_told_the_remedy_once_and_served(void **state)
{
	struct world *world = *state;
	struct program *run = run_as_nobody(world, "--set restart.when=never -- sh -c 'echo ran; exit 3'");
	assert_int_equal(program_finish(world, run, 20), 3);
	assert_string_equal(program_out(world, run), "ran\n");
	const char *remedy = strstr(program_err(world, run), "run heapward as root");
	assert_non_null(remedy);
	assert_null(strstr(remedy + 1, "run heapward as root"));
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

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(as_pid_1_it_reaps_what_it_inherits),
		WORLD_TEST(an_ordinary_user_is_told_the_remedy_once_and_served),
		WORLD_TEST(a_cap_that_cannot_be_enforced_is_refused),
		WORLD_TEST(best_effort_starts_with_a_warning),
	};
	return cmocka_run_group_tests_name("rights", tests, NULL, NULL);
}
