/* SPDX-License-Identifier: Apache-2.0 */
/* test_around: ways around the walls that a worker prepares for its next start, and what is said of walls that close too much or too little
 * here. Also as an ordinary user. */
#include "tests/e2e/load.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_root(void)
{
	return geteuid() == 0;
}

/* A directory for the worker, with its policy in it. */
static const char *make_policy(struct world *world, const char *sandbox)
{
	assert_int_equal(mkdir(world_path(world, "app"), 0755), 0);
	world_write(world, "app/web.yaml", "version: 1\nservice: {directory: .}\nrestart: {when: never}\n%s\n", sandbox);
	return world_path(world, "app/web.yaml");
}

/* The first worker shuts its policy away, the second one opens it again. */
static const char *says_of_shutting(struct world *world, const char *sandbox)
{
	const char *folder = world_path(world, "policies");
	world_write(world, "policies/web.yaml", "version: 1\nrestart: {when: failure, backoff: {from: 10ms}, budget: {deaths: 1}}\n%s\n", sandbox);
	world_write(world, "shut.sh", "test -e shut || { touch shut; chmod 000 %s; exit 1; }\nchmod 755 %s\n"
		    "( echo '#' >>%s/web.yaml ) && echo wrote || echo denied\n", folder, folder, folder);
	(void)mkdir(world_path(world, "app"), 0755);
	const char *words[] = { "-p", world_path(world, "policies/web.yaml"), "--set", world_print(world, "service.directory=%s/app", world->directory),
				"--", "sh", world_path(world, "shut.sh"), NULL };
	struct program *run = run_start(world, words);
	program_finish(world, run, 30);
	chmod(folder, 0755);
	unlink(world_path(world, "app/shut"));
	return program_out(world, run);
}

static void a_policy_that_is_shut_away_is_walled_all_the_same(void **state)
{
	struct world *world = *state;
	assert_contains(says_of_shutting(world, "sandbox: {protect_system: none}"), "wrote");
	assert_contains(says_of_shutting(world, ""), "denied");
}

/* A link that the worker may have put: what it leads to stays as it is. */
static void a_working_directory_behind_a_link_opens_nothing(void **state)
{
	struct world *world = *state;
	const char *link = world_path(world, "current");
	if (!is_root())
		return;
	const char *policy = make_policy(world, "");
	assert_int_equal(symlink("/usr/share", link), 0);
	const char *words[] = { "-p", policy, "--set", world_print(world, "service.directory=%s", link), "--", "sh", "-c", "pwd -P; touch heapward-fence && rm heapward-fence && echo wrote", NULL };
	struct program *run = run_start(world, words);
	assert_int_not_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "/usr/share\n");
}

static void make_release(struct world *world, const char *name)
{
	char *file = world_print(world, "releases/%s/web.yaml", name);
	(void)mkdir(world_path(world, "releases"), 0755);
	assert_int_equal(mkdir(world_print(world, "%s/%s", world_path(world, "releases"), name), 0755), 0);
	world_write(world, file, "version: 1\nservice: {name: %s, directory: .}\n", world->name);
}

static void await_out(struct world *world, struct program *run, const char *text)
{
	for (int i = 0; strstr(program_out(world, run), text) == NULL; i++) {
		if (i == 1000)
			fail_msg("not \"%s\" but\n%s%s", text, program_out(world, run), program_err(world, run));
		pause_msec(20);
	}
}

/* An honest link: switched to the next release, and the one before is removed. The server goes on making files in its directory. */
static void a_release_behind_a_link_is_replaced(void **state)
{
	struct world *world = *state;
	const char *link = world_path(world, "current");
	make_release(world, "one");
	make_release(world, "two");
	assert_int_equal(symlink("releases/one", link), 0);
	const char *words[] = { "-p", world_path(world, "current/web.yaml"), "--", "sh", "-c", "pwd -P; touch made && echo made; exec sleep 100", NULL };
	struct program *run = run_start(world, words);
	await_out(world, run, "/releases/one\nmade\n");
	await_state(world, "ready", 20);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("releases/two", link), 0);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_out(world, run, "/releases/two\nmade\n");
	await_state(world, "ready", 20);
	heapward_says(world, 0, "reload", world->name, NULL);
	assert_int_equal(system(world_print(world, "rm -r %s/releases/one", world->directory)), 0);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_replaced(world, 2, 20);
	serve_stop(world, run);
}

static void without_a_runtime_directory_tmp_takes_new_files(void **state)
{
	struct world *world = *state;
	if (is_root())
		return; /* whose is /run/heapward */
	const char *policy = make_policy(world, "");
	world_environment(world, "XDG_RUNTIME_DIR");
	world_environment(world, "XDG_STATE_HOME=%s/app/state", world->directory);
	const char *words[] = { "-p", policy, "--", "sh", "-c",
				"f=$(mktemp) && rm $f && touch /tmp/heapward-fence.$$ && rm /tmp/heapward-fence.$$ && echo made", NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_string_equal(program_out(world, run), "made\n");
	assert_contains(program_err(world, run), "the worker can write /tmp/heapward-");
	assert_contains(program_err(world, run), world_path(world, "app/state/heapward")); /* in the working directory, and not there yet */
}

/* Each loss, what Landlock closes beyond what is meant, and what it leaves open. */
static void what_the_walls_come_to_is_said(void **state)
{
	struct world *world = *state;
	const int create_ruleset = 444, version = 1;
	bool limits_ports = syscall(create_ruleset, NULL, (size_t)0, version) >= 4; /* else the policy is refused */
	const char *policy = make_policy(world, limits_ports ? "sandbox: {hidden: [/run/heapward-none.sock], bind: [1]}"
							    : "sandbox: {hidden: [/run/heapward-none.sock]}");
	const char *words[] = { "setpriv", is_root() ? "--bounding-set=-sys_admin" : "--no-new-privs", heapward_path(), "run", "-n", world->name,
				"-p", policy, "--", "sleep", "100", NULL };
	struct program *run = run_start_by(world, words);
	await_state(world, "ready", 20);
	const char *said = program_err(world, run);
	assert_contains(said, "/run/heapward-none.sock: not there now");
	assert_null(strstr(said, "is below 4"));
	if (is_root()) {
		assert_contains(said, "no mounts of the worker's own (without CAP_SYS_ADMIN");
		assert_contains(said, "nothing new can be made in ");
		assert_contains(said, world_print(world, "the worker can write %s", policy));
		assert_contains(see_text(see_status(world), "/services/0/sandbox/files"), world_print(world, "but %s", policy));
		const char *missing = see_text(see_status(world), "/services/0/sandbox/missing");
		assert_true(strncmp(missing, "mounts", 6) == 0 && (missing[6] == '\0' || missing[6] == ',')); /* before ABI 6 signals, too */
	}
	serve_stop(world, run);
}

/* Its own permissions keep it from all of that. */
static void another_user_is_not_told_what_it_could_not_do_anyway(void **state)
{
	struct world *world = *state;
	const char *policy = make_policy(world, "sandbox: {user: nobody}");
	const char *words[] = { "setpriv", "--bounding-set=-sys_admin", heapward_path(), "explain", "--json", "-n", world->name, "-p", policy, "--", "true",
				NULL };
	if (!is_root())
		return;
	struct program *explain = program_start(world, words);
	assert_int_equal(program_finish(world, explain, 20), 0);
	assert_contains(program_out(world, explain), "Landlock stands in");
	assert_null(strstr(program_out(world, explain), "nothing new can be made"));
	assert_null(strstr(program_out(world, explain), "can write"));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)
	const struct CMUnitTest tests[] = {
		T(a_policy_that_is_shut_away_is_walled_all_the_same),
		T(a_working_directory_behind_a_link_opens_nothing),
		T(a_release_behind_a_link_is_replaced),
		T(without_a_runtime_directory_tmp_takes_new_files),
		T(what_the_walls_come_to_is_said),
		T(another_user_is_not_told_what_it_could_not_do_anyway),
	};
	return cmocka_run_group_tests_name("around", tests, NULL, NULL);
}
