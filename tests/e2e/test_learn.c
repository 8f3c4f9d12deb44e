/* SPDX-License-Identifier: Apache-2.0 */
/* test_learn: what a program calls becomes a list, and the list is enough for it, and for nothing else. */
#include "tests/e2e/harness.h"
#include "tests/e2e/load.h"
#include "tests/e2e/see.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST "learnt.list"
#define VIOLATIONS "/services/0/instances/0/violations/total"

/* `heapward learn -n NAME` with these words behind it; "-o LIST" first where `to_file`. */
static struct program *learn(struct world *world, bool to_file, const char *const *more)
{
	const char *words[WORDS_MAX] = { heapward_path(), "learn", "-n", world->name, "--set", "restart.when=never" };
	size_t count = 6;
	if (to_file) {
		words[count++] = "-o";
		words[count++] = world_path(world, LIST);
	}
	for (; *more != NULL; more++)
		words[count++] = *more;
	words[count] = NULL;
	return run_start_by(world, words);
}

static char *list_text(struct world *world)
{
	const char *words[] = { "cat", world_path(world, LIST), NULL };
	struct program *cat = program_start(world, words);
	assert_int_equal(program_finish(world, cat, 20), 0);
	return program_out(world, cat);
}

/* The count behind a rule; -1: the list does not have it. */
static long count_of(struct world *world, const char *list, const char *rule)
{
	const char *at = strstr(list, world_print(world, "\n%s ", rule));
	at = at == NULL ? NULL : strstr(at, "# ");
	return at == NULL ? -1 : strtol(at + 2, NULL, 10);
}

static void await_listening(struct world *world, const struct program *program)
{
	await_file(world, strrchr(program->out_path, '/') + 1, "listening", 60);
}

static struct json_object *put_under_load(struct world *world, int port, int seconds)
{
	struct program *load = load_start(world, world_print(world, "tcp:%d", port), seconds);
	return load_finish(world, load, seconds + 20);
}

/* A Node server is learnt under load, stopped as at a terminal. */
static char *learn_server(struct world *world)
{
	int port = free_port();
	const char *const words[] = { "--", "node", js_worker_path(world, "learn-server.js"),
				      world_print(world, "%d", port), NULL };
	struct program *program = learn(world, true, words);
	await_listening(world, program);
	struct json_object *load = put_under_load(world, port, 3);
	assert_true(see_number(load, "/requests") - see_number(load, "/failed") > 300);
	kill(program->pid, SIGINT);
	assert_int_equal(program_finish(world, program, 30), 0);
	assert_contains(program_err(world, program), ": learnt from ");
	return list_text(world);
}

static struct program *serve_by_list(struct world *world, int port)
{
	const char *words[] = { "--set",
				"log.events=json",
				"--set",
				"restart.when=never",
				"--set",
				world_print(world, "sandbox.syscalls=%s", world_path(world, LIST)),
				"--",
				"node",
				js_worker_path(world, "learn-server.js"),
				world_print(world, "%d", port),
				NULL };
	return run_start(world, words);
}

static void runs_on_what_was_learnt(struct world *world)
{
	int port = free_port();
	struct program *run = serve_by_list(world, port);
	await_listening(world, run);
	assert_none_failed(world, run, put_under_load(world, port, 3));
	assert_int_equal(see_number(see_status(world), VIOLATIONS), 0);
	serve_stop(world, run);
	assert_int_equal(count_events(world, program_err(world, run), "seccomp.violation"), 0);
}

/* Without one call of those that it makes for each request it is told of. */
static void lacks_what_is_taken_away(struct world *world, const char *list, const char *call)
{
	int port = free_port();
	const char *at = strstr(list, world_print(world, "\n%s ", call)) + 1;
	world_write(world, LIST, "%.*s%s", (int)(at - list), list, at + strcspn(at, "\n") + 1);
	struct program *run = serve_by_list(world, port);
	await_listening(world, run);
	(void)put_under_load(world, port, 1);
	await_err(world, run, world_print(world, "\"call\":\"%s\"", call), 30);
	assert_true(see_number(see_status(world), VIOLATIONS) > 0);
	serve_stop(world, run);
}

static void a_server_lives_on_what_was_learnt_and_on_no_less(void **state)
{
	struct world *world = *state;
	const char *list = learn_server(world);
	assert_contains(list, "# Learnt by heapward ");
	assert_contains(list, "\n# Files: look\n");
	assert_true(count_of(world, list, "statx") > 300);
	assert_true(count_of(world, list, "execve") > 0);
	assert_true(count_of(world, list, "socket int0 == AF_INET") > 0);
	assert_true(count_of(world, list, "clone arg0 & CLONE_NAMESPACES == 0x0") > 0);
	assert_true(count_of(world, list, "absent clone3") > 0);
	assert_int_equal(count_of(world, list, "mount"), -1);
	assert_null(strstr(list, "# Not in the list"));
	char *shown = heapward_says(world, 0, "check", "--diff", world_path(world, LIST), NULL);
	assert_contains(shown, "Closed, and allowed by server: ");
	for (char *end = shown; (end = strchr(end, '\n')) != NULL;)
		*end = ' '; /* behind a long path it is another line */
	assert_contains(shown, " allows less than server");
	runs_on_what_was_learnt(world);
	lacks_what_is_taken_away(world, list, "shutdown");
}

static void what_no_server_needs_is_learnt_and_shown_first(void **state)
{
	struct world *world = *state;
	const char *const words[] = {
		"--", calls_path(), "mount", "unshare", "io_uring_setup", "newer", "getppid", NULL
	};
	struct program *program = learn(world, true, words);
	assert_int_equal(program_finish(world, program, 20), 0);
	assert_string_equal(program_out(world, program),
			    "mount EFAULT\nunshare EINVAL\nio_uring_setup ENOSYS\nnewer ENOSYS\ngetppid passed\n");
	const char *list = list_text(world);
	const char *first =
		strstr(list, "\n# Not in the list server: look at each of these before you allow it\nmount ");
	assert_non_null(first);
	assert_true(first < strstr(list, "\n# Always"));
	assert_int_equal(count_of(world, list, "mount"), 1);
	assert_non_null(strstr(list, "\nunshare int0 == ")); /* never all of it */
	assert_int_equal(count_of(world, list, "absent io_uring_setup"), 1);
	assert_int_equal(count_of(world, list, "getppid"), 1);
	const char *shown =
		heapward_says(world, 1, "check", "--diff", LIST, NULL); /* a file beside us needs no slash */
	assert_contains(shown, "Allowed, and not by server: 2\n");
	assert_contains(shown, "\n" LIST " allows more than server in ");
}

/* Its parent is the supervisor, for which both would be a harm: listed, and not let through. What fails is not started again. */
static void what_would_harm_the_supervisor_is_learnt_and_not_done(void **state)
{
	struct world *world = *state;
	const char *words[] = { heapward_path(), "learn", "-n", world->name, "-o", world_path(world, LIST), "--", calls_path(),
				"trace-me", "kill", "parent", "wrong", NULL };
	struct program *program = run_start_by(world, words);
	assert_int_equal(program_finish(world, program, 20), 2);
	assert_string_equal(program_out(world, program), "trace-me EPERM\nkill EPERM\n"); /* once */
	assert_contains(program_err(world, program), "ptrace is listed, but is not let through where it would harm the supervisor");
	assert_int_equal(count_of(world, list_text(world), "ptrace arg0 == 0x0"), 1);
	assert_int_equal(count_of(world, list_text(world), "kill"), 1);
}

static void what_a_policy_names_says_how_closely_to_look(void **state)
{
	struct world *world = *state;
	const char *const words[] = {
		"--set", "sandbox.syscalls=compat", "--", calls_path(), "unshare", "getppid", NULL
	};
	struct program *program = learn(world, true, words);
	assert_int_equal(program_finish(world, program, 20), 0);
	assert_contains(list_text(world), "as closely as the list \"compat\"");
	assert_null(strstr(list_text(world), "# Not in the list"));
	assert_contains(heapward_says(world, 0, "check", "--diff", LIST, "compat", NULL),
			LIST " allows less than compat, and nothing beyond it.");
	assert_contains(heapward_says(world, 2, "check", "--diff", LIST, "comapt", NULL), "");
}

static void without_a_file_the_list_has_stdout_to_itself(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--", "sh", "-c", "echo the program; exit 3", NULL };
	struct program *program = learn(world, false, words);
	assert_int_equal(program_finish(world, program, 20), 3);
	const char *out = program_out(world, program);
	assert_true(strncmp(out, "# Learnt by heapward ", 21) == 0);
	assert_null(strstr(out, "\nthe program\n"));
	assert_contains(program_err(world, program), "the program\n");
	assert_true(count_of(world, out, "execve") > 0);
}

static void a_file_that_is_there_stays(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--", "sh", "-c", "echo ran", NULL };
	world_write(world, LIST, "include server\n");
	struct program *program = learn(world, true, words);
	assert_int_equal(program_finish(world, program, 20), 2);
	assert_contains(program_err(world, program), "is there already; name another file, or remove it");
	assert_string_equal(program_out(world, program), "");
	assert_string_equal(list_text(world), "include server\n");
}

static void assert_no_list(struct world *world)
{
	struct stat about;
	assert_int_equal(stat(world_path(world, LIST), &about), -1);
}

/* With walls it cannot; without them it is seen. */
static void a_list_that_the_worker_puts_another_in_the_place_of_is_not_one(void **state)
{
	struct world *world = *state;
	const char *swap = world_print(world, "cd %s && mv " LIST " moved && echo read >" LIST, world->directory);
	const char *const words[] = { "--", "sh", "-c", swap, NULL };
	struct program *program = learn(world, true, words);
	assert_int_equal(program_finish(world, program, 30), 125);
	assert_contains(program_err(world, program), "replaced meanwhile");
	assert_null(strstr(program_err(world, program), "wrote "));
	assert_string_equal(list_text(world), "read\n");
	if (geteuid() != 0)
		return; /* by Landlock its working directory stays open */
	const char *const more[] = { "rm", world_path(world, LIST), NULL };
	assert_int_equal(program_finish(world, program_start(world, more), 20), 0);
	world_write(world, "web.yaml", "version: 1\nservice: {directory: %s}\n", world->directory);
	const char *const walled[] = { "-p", world_path(world, "web.yaml"), "--", "sh", "-c", world_print(world, "! ( %s )", swap), NULL };
	program = learn(world, true, walled);
	assert_int_equal(program_finish(world, program, 30), 0);
	assert_contains(program_err(world, program), "wrote ");
	assert_contains(list_text(world), "# Always");
}

static void what_never_started_leaves_no_list(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--", "/no/such/program", NULL };
	struct program *program = learn(world, true, words);
	assert_int_equal(program_finish(world, program, 20), 127);
	assert_no_list(world);
}

/* Killed before its end it leaves a file that is refused as a list. */
static void an_unfinished_list_is_no_list(void **state)
{
	struct world *world = *state;
	const char *const words[] = { "--", "sh", "-c", "echo steady; sleep 100", NULL };
	struct program *program = learn(world, true, words);
	await_file(world, strrchr(program->out_path, '/') + 1, "steady", 20);
	kill(program->pid, SIGKILL);
	(void)program_finish(world, program, 10);
	await_nothing_left(world, 10);
	heapward_says(world, 2, "check", "--diff", world_path(world, LIST), NULL);
}

/* heapward below heapward: one chain of filters has one listener. */
static void where_another_listens_nothing_is_learnt_and_that_is_said(void **state)
{
	struct world *world = *state;
	const char *inner =
		world_print(world, "%s learn -n %s-i --set restart.when=never -o %s -- sh -c 'echo ran'; echo exit $?",
			    heapward_path(), world->name, world_path(world, LIST));
	const char *words[] = { "--set", "restart.when=never", "--", "sh", "-c", inner, NULL };
	struct program *program = run_start(world, words);
	assert_int_equal(program_finish(world, program, 30), 0);
	assert_string_equal(program_out(world, program), "exit 125\n");
	assert_contains(program_err(world, program),
			"nothing can be learnt here: a filter around heapward has its own listener");
	assert_no_list(world);
	heapward_says(world, -1, "forget", world_print(world, "%s-i", world->name), NULL);
}

#define TEST(test) \
	{ \
#test, test, world_make, world_end, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_lives_on_what_was_learnt_and_on_no_less),
		TEST(what_no_server_needs_is_learnt_and_shown_first),
		TEST(what_would_harm_the_supervisor_is_learnt_and_not_done),
		TEST(what_a_policy_names_says_how_closely_to_look),
		TEST(without_a_file_the_list_has_stdout_to_itself),
		TEST(a_file_that_is_there_stays),
		TEST(a_list_that_the_worker_puts_another_in_the_place_of_is_not_one),
		TEST(what_never_started_leaves_no_list),
		TEST(an_unfinished_list_is_no_list),
		TEST(where_another_listens_nothing_is_learnt_and_that_is_said),
	};
	return cmocka_run_group_tests_name("learn", tests, NULL, NULL);
}
