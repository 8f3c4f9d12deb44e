/* SPDX-License-Identifier: Apache-2.0 */
/* test_state_dir: a name is held by one supervisor at a time, in directories that are ours alone; and the commands see
 * which services there are, without ever being in a supervisor's way. */
#include "tests/unit/state_unit.h"

#include <grp.h>
#include <signal.h>
#include <sys/file.h>

#define NOBODY 65534u
#define SUPERVISORS 4
#define ROUNDS 300

/* Group heapward may look, where this machine has one. */
static int directory_mode(void)
{
	return getgrnam("heapward") == NULL ? 0700 : 0750;
}

static void a_taken_name_has_its_directories_and_a_released_one_only_its_state(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir dir;
	char pid[16];
	mode_t mask = umask(0);
	take(&dir, fixture, NAME);
	umask(mask);
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	assert_string_equal(dir.runtime_path, below(fixture->roots.runtime, NAME));
	assert_string_equal(dir.state_path, below(fixture->roots.state, NAME));
	assert_int_equal(mode_of(dir.runtime_path), directory_mode());
	assert_int_equal(mode_of(dir.state_path), directory_mode());
	assert_int_equal(mode_of(fixture->roots.state), directory_mode());
	assert_int_equal(mode_of(below(dir.state_path, "deaths")), 0700);
	assert_int_equal(mode_of(below(dir.state_path, "events.jsonl")), 0600);
	assert_int_equal(mode_of(below(dir.runtime_path, "lock")), 0600);
	assert_string_equal(read_text(below(dir.runtime_path, "lock")), pid);
	assert_int_equal(mode_of(below(dir.state_path, "held")), 0600);
	int fds[] = { dir.runtime_fd, dir.state_fd, dir.lock_fd, dir.held_fd, dir.events_fd };
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
	write_file(below(dir.runtime_path, "control"), "");
	state_dir_release(&dir);
	assert_false(is_there(below(fixture->roots.runtime, NAME)));
	assert_true(is_there(below(fixture->roots.state, NAME "/deaths")));
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(fcntl(fds[i], F_GETFD), -1);
	state_dir_release(&dir);
}

static void a_second_supervisor_of_one_name_is_told_who_holds_it(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir first, second, other;
	struct failure why;
	char holder[64];
	take(&first, fixture, NAME);
	snprintf(holder, sizeof(holder), "supervisor pid %d holds it", (int)getpid());
	assert_int_equal(state_dir_take(&second, &fixture->roots, NAME, &why), -1);
	assert_contains(why.text, "name \"" NAME "\" is taken");
	assert_contains(why.text, holder);
	assert_int_equal(second.runtime_fd, -1);
	assert_true(is_there(below(first.runtime_path, "lock"))); /* the loser has removed nothing */
	take(&other, fixture, "other");
	state_dir_release(&other);
	state_dir_release(&first);
	take(&second, fixture, NAME);
	state_dir_release(&second);
}

static void the_name_of_a_killed_supervisor_is_free(void **state)
{
	const struct fixture *fixture = *state;
	struct state_dir dir;
	struct failure why;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		if (state_dir_take(&dir, &fixture->roots, NAME, &why) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(is_there(below(fixture->roots.runtime, NAME "/lock")));
	take(&dir, fixture, NAME);
	assert_int_equal(strtol(read_text(below(dir.runtime_path, "lock")), NULL, 10), getpid());
	state_dir_release(&dir);
}

/* Takes and releases; while it holds the name, nobody else may. */
static int hold_in_turns(const struct fixture *fixture)
{
	struct state_dir dir;
	struct failure why;
	for (int round = 0; round < ROUNDS; round++) {
		if (state_dir_take(&dir, &fixture->roots, NAME, &why) < 0) {
			if (strstr(why.text, "is taken") == NULL)
				return dprintf(STDERR_FILENO, "%s\n", why.text) > 0 ? 2 : 2;
			continue;
		}
		int fd = open(below(fixture->directory, "inside"), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return 3;
		close(fd);
		unlink(below(fixture->directory, "inside"));
		state_dir_release(&dir);
	}
	return 0;
}

static void two_supervisors_never_hold_one_name_however_they_come_and_go(void **state)
{
	const struct fixture *fixture = *state;
	pid_t pids[SUPERVISORS];
	int statuses[SUPERVISORS];
	for (size_t i = 0; i < SUPERVISORS; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(hold_in_turns(fixture));
	}
	for (size_t i = 0; i < SUPERVISORS; i++)
		assert_int_equal(waitpid(pids[i], &statuses[i], 0), pids[i]);
	for (size_t i = 0; i < SUPERVISORS; i++)
		assert_int_equal(statuses[i], 0);
}

static void a_command_that_looks_never_keeps_a_supervisor_from_its_name(void **state)
{
	const struct fixture *fixture = *state;
	int failures = 0;
	char last[512] = "";
	pid_t pid = fork();
	if (pid == 0) {
		static struct state_service services[STATE_SERVICES_MAX];
		for (;;)
			state_list(&fixture->roots, services);
	}
	for (int round = 0; round < ROUNDS; round++) {
		struct state_dir dir;
		struct failure why;
		if (state_dir_take(&dir, &fixture->roots, NAME, &why) == 0)
			state_dir_release(&dir);
		else if (++failures > 0)
			snprintf(last, sizeof(last), "%s", why.text);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (failures > 0)
		fail_msg("%d of %d: %s", failures, ROUNDS, last);
}

/* Puts something wrong at a path; `at` is relative to the fixture's directory. */
static void spoil(const struct fixture *fixture, const char *at, char how)
{
	const char *path = below(fixture->directory, at);
	const char *aside = below(fixture->directory, "aside");
	switch (how) {
	case 'l': /* what was there stays, behind a link */
		if (rename(path, aside) < 0)
			write_file(aside, "");
		assert_int_equal(symlink(aside, path), 0);
		break;
	case 'o':
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
		break;
	case 'w':
		assert_int_equal(chmod(path, 0770), 0);
		break;
	default:
		assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
		write_file(path, "no directory");
	}
}

static void a_runtime_directory_that_others_can_reach_is_refused(void **state)
{
	static const struct {
		const char *at;
		char how;
		const char *text;
	} rows[] = {
		{ "run/heapward", 'l', "open " },
		{ "run/heapward", 'o', "belongs to user 65534, not to us" },
		{ "run/heapward", 'w', "can be written by others; chmod go-w" },
		{ "run/heapward", 'f', "Not a directory" },
		{ "run/heapward/web", 'l', "open " },
		{ "run/heapward/web", 'o', "belongs to user 65534, not to us" },
		{ "run/heapward/web", 'w', "can be written by others" },
		{ "run/heapward/web/lock", 'l', "Too many levels of symbolic links" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fixture *fixture = *state;
		struct state_dir dir;
		struct failure why;
		take(&dir, fixture, NAME);
		close(dir.lock_fd); /* as if killed: all stays */
		dir.lock_fd = -1;
		state_dir_release(&dir);
		spoil(fixture, rows[i].at, rows[i].how);
		assert_int_equal(state_dir_take(&dir, &fixture->roots, NAME, &why), -1);
		assert_contains(why.text, rows[i].text);
		assert_contains(why.text, fixture->directory);
		tear_down(state);
		set_up(state);
	}
}

static void a_state_directory_that_cannot_be_used_is_a_problem_not_a_failure(void **state)
{
	static const struct {
		const char *at;
		char how;
		const char *text;
	} rows[] = {
		{ "lib/heapward", 'l', "open " },
		{ "lib/heapward", 'o', "belongs to user 65534" },
		{ "lib/heapward/web", 'w', "can be written by others" },
		{ "lib/heapward/web", 'f', "Not a directory" },
		{ "lib/heapward/web/deaths", 'l', "open deaths" },
		{ "lib/heapward/web/events.jsonl", 'l', "events.jsonl" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fixture *fixture = *state;
		struct state_figures figures = { 1, 1, 1, 1 };
		struct state_dir dir;
		struct failure why;
		leave_service(fixture, NAME);
		spoil(fixture, rows[i].at, rows[i].how);
		assert_int_equal(state_dir_take(&dir, &fixture->roots, NAME, &why), 0);
		assert_contains(dir.problem, "deaths and events are not kept on disk: ");
		assert_contains(dir.problem, rows[i].text);
		assert_int_equal(strstr(dir.problem, "; set XDG_STATE_HOME to ") != NULL, geteuid() != 0);
		assert_int_equal(dir.state_fd, -1);
		assert_int_equal(dir.events_fd, -1);
		assert_int_equal(state_dir_append_event(&dir, "x\n", 2, &why), 0);
		assert_int_equal(state_dir_keep_death(&dir, 1, "{}", &why), -1);
		assert_int_equal(state_dir_write_figures(&dir, &figures, &why), -1);
		state_dir_release(&dir);
		tear_down(state);
		set_up(state);
	}
}

static void no_state_root_is_a_problem_and_no_path_of_the_machine(void **state)
{
	struct fixture fixture = *(struct fixture *)*state;
	struct state_dir dir;
	struct failure why;
	char name[POLICY_NAME_MAX];
	cleanup_free char *json = NULL;
	fixture.roots.state[0] = '\0';
	assert_int_equal(state_dir_take(&dir, &fixture.roots, NAME, &why), 0);
	assert_contains(dir.problem, "neither XDG_STATE_HOME nor HOME is set");
	assert_int_equal(state_read_death(&fixture.roots, NAME, 1, &json, &why), -1);
	assert_contains(why.text, "no death of \"" NAME "\" is known here");
	assert_int_equal(state_latest_death(&fixture.roots, name, &why), -1);
	state_dir_release(&dir);
}

static void roots_are_those_of_root_or_of_the_users_own_directories(void **state UNUSED)
{
	static const struct {
		const char *runtime, *state, *home, *want_runtime, *want_state;
	} rows[] = {
		{ "/run/user/9", "/s", "/home/x", "/run/user/9/heapward", "/s/heapward" },
		{ "/run/user/9", NULL, "/home/x", "/run/user/9/heapward", "/home/x/.local/state/heapward" },
		{ NULL, NULL, NULL, "/tmp/heapward-65534", "" },
		{ "relative", "relative", "relative", "/tmp/heapward-65534", "" },
		{ "", "", "/h", "/tmp/heapward-65534", "/h/.local/state/heapward" },
	};
	struct state_roots roots;
	setenv("XDG_RUNTIME_DIR", "/nowhere", 1); /* nothing to root */
	state_roots_find(&roots);
	unsetenv("XDG_RUNTIME_DIR");
	assert_string_equal(roots.runtime, "/run/heapward");
	assert_string_equal(roots.state, "/var/lib/heapward");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			clearenv();
			if ((rows[i].runtime != NULL && setenv("XDG_RUNTIME_DIR", rows[i].runtime, 1) < 0) ||
			    (rows[i].state != NULL && setenv("XDG_STATE_HOME", rows[i].state, 1) < 0) ||
			    (rows[i].home != NULL && setenv("HOME", rows[i].home, 1) < 0) ||
			    setresuid(NOBODY, NOBODY, NOBODY) < 0)
				_exit(1);
			state_roots_find(&roots);
			bool same = strcmp(roots.runtime, rows[i].want_runtime) == 0 &&
				    strcmp(roots.state, rows[i].want_state) == 0;
			_exit(same ? 0 : 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("row %zu: %#x", i, (unsigned)status);
	}
}

#define SHUT_PLACES 5

/* As an ordinary user, whom modes keep out. Returns 0, or which place stayed shut. */
static int be_a_user_who_was_shut_out(const struct fixture *fixture)
{
	struct state_dir dir;
	struct failure why;
	if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 100;
	leave_service(fixture, NAME);
	for (int place = 0; place < SHUT_PLACES; place++) {
		const char *paths[SHUT_PLACES] = { fixture->roots.runtime, fixture->roots.state, below(fixture->roots.state, NAME),
						   below(fixture->roots.state, NAME "/deaths"), below(fixture->roots.state, NAME "/events.jsonl") };
		if (chmod(paths[place], 0) < 0)
			return 101;
		if (state_dir_take(&dir, &fixture->roots, NAME, &why) < 0 || dir.problem[0] != '\0' ||
		    mode_of(paths[place]) != (place == 4 ? 0600 : 0700))
			return 1 + place;
		state_dir_release(&dir);
	}
	/* Readable, and yet nothing can be made in it. */
	if (chmod(fixture->roots.runtime, 0500) < 0 || state_dir_take(&dir, &fixture->roots, NAME, &why) < 0)
		return 50;
	state_dir_release(&dir);
	return 0;
}

/* A worker of the same user can change modes, behind any wall: the next start must not fail for it. */
static void what_is_shut_by_its_mode_is_opened_again(void **state)
{
	const struct fixture *fixture = *state;
	int status;
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(fixture->directory, 0777), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(be_a_user_who_was_shut_out(fixture));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void services_are_listed_sorted_with_who_runs(void **state)
{
	const struct fixture *fixture = *state;
	static struct state_service services[STATE_SERVICES_MAX];
	struct state_dir running;
	assert_int_equal(state_list(&fixture->roots, services), 0);
	leave_service(fixture, "zeta");
	leave_service(fixture, "alpha");
	take(&running, fixture, "middle");
	write_file(below(fixture->roots.state, "stray"), "no service");
	assert_int_equal(mkdir(below(fixture->roots.state, ".hidden"), 0700), 0);
	assert_int_equal(mkdir(below(fixture->roots.state, "a-name-that-is-longer-than-any-service-may-have"), 0700), 0);
	assert_int_equal(state_list(&fixture->roots, services), 3);
	static const char *const names[] = { "alpha", "middle", "zeta" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_string_equal(services[i].name, names[i]);
		assert_int_equal(services[i].running, i == 1);
		assert_int_equal(services[i].pid, i == 1 ? getpid() : 0);
	}
	state_dir_release(&running);
	assert_int_equal(state_list(&fixture->roots, services), 3);
	assert_false(services[1].running);
}

static void more_services_than_the_bound_are_not_listed_but_running_ones_are(void **state)
{
	const struct fixture *fixture = *state;
	static struct state_service services[STATE_SERVICES_MAX];
	struct state_dir running;
	bool seen = false;
	take(&running, fixture, NAME);
	for (int i = 0; i < STATE_SERVICES_MAX + 50; i++) {
		char name[POLICY_NAME_MAX];
		snprintf(name, sizeof(name), "service-%d", i);
		assert_int_equal(mkdir(below(fixture->roots.state, name), 0700), 0);
	}
	assert_int_equal(state_list(&fixture->roots, services), STATE_SERVICES_MAX);
	for (size_t i = 0; i < STATE_SERVICES_MAX; i++)
		seen = seen || (services[i].running && strcmp(services[i].name, NAME) == 0);
	assert_true(seen);
	state_dir_release(&running);
}

static void what_is_kept_of_a_service_can_be_forgotten_but_not_while_it_runs(void **state)
{
	struct fixture *fixture = *state;
	const struct state_figures figures = { .peak_bytes = MIB, .peak_runs = 1 };
	struct state_service services[STATE_SERVICES_MAX];
	struct state_dir dir;
	struct failure why;
	char words[64];
	take(&dir, fixture, NAME);
	assert_int_equal(state_dir_keep_death(&dir, 1, "{}", &why), 0);
	assert_int_equal(state_dir_append_event(&dir, "{}\n", 3, &why), 0);
	assert_int_equal(state_dir_write_figures(&dir, &figures, &why) | state_dir_write_budget(&dir, "x", &why), 0);
	assert_int_equal(state_forget(&fixture->roots, NAME, &why), -1);
	snprintf(words, sizeof(words), "it runs (supervisor pid %d); heapward stop " NAME " ends it", (int)getpid());
	assert_string_equal(why.text, words);
	assert_int_equal(access(below(fixture->roots.state, NAME "/deaths/000001.json"), F_OK), 0);
	state_dir_release(&dir);
	take(&dir, fixture, "other");
	state_dir_release(&dir);
	assert_int_equal(state_list(&fixture->roots, services), 2);
	assert_int_equal(state_forget(&fixture->roots, NAME, &why), 0);
	assert_int_equal(state_list(&fixture->roots, services), 1);
	assert_string_equal(services[0].name, "other");
	assert_int_equal(access(below(fixture->roots.state, NAME), F_OK) & access(below(fixture->roots.runtime, NAME), F_OK), -1);
	assert_int_equal(state_forget(&fixture->roots, NAME, &why), -1);
	assert_string_equal(why.text, "nothing is kept of a service of that name");
	take(&dir, fixture, NAME); /* the name is free, and begins anew */
	assert_int_equal(dir.next_death, 1);
	state_dir_release(&dir);
}

/* Another login has another runtime directory, and sees no lock there. */
static void what_runs_out_of_sight_is_not_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct state_roots elsewhere = fixture->roots;
	struct state_dir dir;
	struct failure why;
	take(&dir, fixture, NAME);
	snprintf(elsewhere.runtime, sizeof(elsewhere.runtime), "%s", below(fixture->roots.state, "elsewhere"));
	assert_int_equal(state_dir_keep_death(&dir, 1, "{}", &why), 0);
	assert_int_equal(state_forget(&elsewhere, NAME, &why), -1);
	assert_contains(why.text, "it runs, under a supervisor that is not seen from here");
	assert_int_equal(access(below(fixture->roots.state, NAME "/deaths/000001.json"), F_OK), 0);
	state_dir_release(&dir);
	assert_int_equal(state_forget(&elsewhere, NAME, &why), 0);
}

/* A worker of the same user may be left to list the directory, and so to open it. */
static void who_locks_the_directory_keeps_nothing_from_being_kept(void **state)
{
	struct fixture *fixture = *state;
	struct state_dir dir;
	struct failure why;
	take(&dir, fixture, NAME);
	state_dir_release(&dir);
	cleanup_fd int fd = open(below(fixture->roots.state, NAME), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	take(&dir, fixture, NAME);
	assert_string_equal(dir.problem, "");
	assert_int_equal(state_dir_keep_death(&dir, 1, "{}", &why), 0);
	state_dir_release(&dir);
	assert_int_equal(state_forget(&fixture->roots, NAME, &why), 0);
}

/* Whatever somebody has put there. */
static void a_directory_that_is_none_of_ours_is_not_forgotten(void **state)
{
	struct fixture *fixture = *state;
	struct state_dir dir;
	struct failure why;
	take(&dir, fixture, NAME);
	state_dir_release(&dir);
	assert_int_equal(mkdir(below(fixture->roots.state, NAME "/mine"), 0700), 0);
	assert_int_equal(symlink("/etc/passwd", below(fixture->roots.state, NAME "/link")), 0);
	assert_int_equal(state_forget(&fixture->roots, NAME, &why), -1);
	assert_contains(why.text, "Directory not empty");
	assert_int_equal(access(below(fixture->roots.state, NAME "/mine"), F_OK), 0);
	assert_int_equal(access(below(fixture->roots.runtime, NAME), F_OK), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_taken_name_has_its_directories_and_a_released_one_only_its_state),
		TEST(a_second_supervisor_of_one_name_is_told_who_holds_it),
		TEST(the_name_of_a_killed_supervisor_is_free),
		TEST(two_supervisors_never_hold_one_name_however_they_come_and_go),
		TEST(a_command_that_looks_never_keeps_a_supervisor_from_its_name),
		TEST(a_runtime_directory_that_others_can_reach_is_refused),
		TEST(a_state_directory_that_cannot_be_used_is_a_problem_not_a_failure),
		TEST(no_state_root_is_a_problem_and_no_path_of_the_machine),
		TEST(what_is_shut_by_its_mode_is_opened_again),
		cmocka_unit_test(roots_are_those_of_root_or_of_the_users_own_directories),
		TEST(services_are_listed_sorted_with_who_runs),
		TEST(more_services_than_the_bound_are_not_listed_but_running_ones_are),
		TEST(what_is_kept_of_a_service_can_be_forgotten_but_not_while_it_runs),
		TEST(what_runs_out_of_sight_is_not_forgotten),
		TEST(who_locks_the_directory_keeps_nothing_from_being_kept),
		TEST(a_directory_that_is_none_of_ours_is_not_forgotten),
	};
	return cmocka_run_group_tests_name("state_dir", tests, NULL, NULL);
}
