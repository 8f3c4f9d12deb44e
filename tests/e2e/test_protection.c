/* SPDX-License-Identifier: Apache-2.0 */
/* test_protection: what a supervisor keeps for itself while it runs, what a worker can get at, and that all still works. */
#include "tests/e2e/load.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIT(name) (UINT64_C(1) << CAP_##name)
#define OWN (BIT(KILL) | BIT(SETUID) | BIT(SETGID) | BIT(SYSLOG) | BIT(DAC_READ_SEARCH))
#define OPEN "/services/0/sandbox/supervisor/open"
#define LEVEL "/services/0/sandbox/supervisor/level"

/* A number of /proc/PID/status. */
static uint64_t status_of(pid_t pid, const char *key, int base)
{
	char path[64], line[256], wanted[32];
	uint64_t value = UINT64_MAX;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	snprintf(wanted, sizeof(wanted), "%s:", key);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, wanted, strlen(wanted)) == 0)
			value = strtoull(line + strlen(wanted), NULL, base);
	fclose(file);
	return value;
}

/* The status, once what a worker can get at was tried. */
static struct json_object *await_tried(struct world *world)
{
	await_state(world, "ready", 20);
	for (int i = 0; i < 500; i++) {
		struct json_object *status = see_status(world), *open = NULL;
		if (json_pointer_get(status, OPEN, &open) == 0 && open != NULL)
			return status;
		pause_msec(20);
	}
	fail_msg("not tried: %s", json_object_to_json_string(see_status(world)));
	return NULL;
}

static void stop(struct world *world, struct program *run)
{
	heapward_says(world, 0, "stop", world->name, NULL);
	assert_int_equal(program_finish(world, run, 30), 0);
	await_nothing_left(world, 2);
}

static void root_keeps_what_its_policy_needs_and_the_worker_gets_at_nothing(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "sandbox.user=nobody", "--set", "sandbox.capabilities=none", "--set", "service.directory=/",
				"--", "sleep", "1000", NULL };
	uint64_t had = status_of(getpid(), "CapBnd", 16);
	struct program *run = run_start(world, words);
	struct json_object *status = await_tried(world);
	pid_t keeper = keeper_of(world, run);
	uint64_t bounding = status_of(run->pid, "CapBnd", 16);
	assert_true(status_of(run->pid, "CapEff", 16) == (OWN & had));
	assert_true((status_of(run->pid, "CapPrm", 16) & ~BIT(DAC_OVERRIDE)) == (OWN & had)); /* for cgroups, in the end */
	assert_true((bounding & (BIT(SYS_MODULE) | BIT(SYS_PTRACE) | BIT(SYS_RAWIO) | BIT(NET_RAW) | BIT(SYS_BOOT))) == 0);
	assert_true((status_of(keeper, "CapPrm", 16) & ~BIT(DAC_OVERRIDE)) == (BIT(KILL) & had));
	assert_true((status_of(keeper, "CapBnd", 16) & ~BIT(DAC_OVERRIDE)) == (BIT(KILL) & had));
	assert_int_equal(status_of(run->pid, "Seccomp", 10), 2);
	assert_int_equal(status_of(keeper, "Seccomp", 10), 2);
	assert_int_equal(status_of((pid_t)await_worker(world, 0, 5), "CapBnd", 16), 0);
	assert_string_equal(see_text(status, LEVEL), "separate-uid");
	assert_int_equal(see_bool(status, "/services/0/sandbox/supervisor/dumpable"), false);
	assert_contains(json_object_to_json_string(status), "\"open\": [ ]");
	assert_contains(heapward_says(world, 0, "status", world->name, NULL), "separate uid; tried: it can get at nothing");
	stop(world, run);
}

/* A filter of the supervisor's would be the worker's, too. */
static void without_a_filter_for_the_worker_there_is_none_for_the_supervisor(void **state)
{
	struct world *world = *state;
	const char *words[] = { "--set", "sandbox.syscalls=none", "--", "sleep", "1000", NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 10);
	assert_int_equal(status_of(run->pid, "Seccomp", 10), 0);
	assert_int_equal(status_of((pid_t)await_worker(world, 0, 5), "Seccomp", 10), 0);
	stop(world, run);
}

/* What the worker itself sees when it tries; and what status says that it would, which it may ask. */
static void with_the_same_uid_a_worker_neither_signals_nor_opens_its_supervisor(void **state)
{
	struct world *world = *state;
	const char *status = world_print(world, "bound/supervisor/cli/heapward status %s --json", world->name);
	const char *script = world_print(world, "try() { if \"$@\" 2>/dev/null; then echo $2 open; else echo $2 closed; fi; };"
			     " open() { true <>/proc/$1/mem; }; try kill -9 $PPID; try kill -15 -1; try open memory; try open $PPID;"
			     " try kill -0 $PPID; until %s | grep -q \"open.:\\[\"; do sleep 0.1; done; %s; echo; echo done; sleep 1000",
			     status, status);
	struct program *run = run_as_nobody(world, world_print(world, "-- sh -c '%s'", script));
	await_file(world, strrchr(run->out_path, '/') + 1, "\ndone\n", 20);
	const char *said = program_out(world, run);
	assert_contains(said, "-9 closed\n-15 closed\nmemory closed\n");
	assert_contains(said, world_print(world, "\n%d closed\n-0 open\n", (int)run->pid));
	/* Its files are its user's, and without a policy it may signal by pidfd; memory and signals by number are closed. */
	assert_contains(said, "\"level\":\"same-uid\",\"open\":[\"state_read\",\"state_write\",\"runtime_write\",\"control\",\"pidfd\",\"keeper\"]");
	assert_int_equal(status_of(run->pid, "Seccomp", 10), 2);
	assert_int_equal(status_of(run->pid, "NoNewPrivs", 10), 1);
	kill(run->pid, SIGTERM);
	assert_int_equal(program_finish(world, run, 30), 0);
	await_nothing_left(world, 2);
}

/* The kernel sends some on a worker's behalf; those that stop the service, and what the supervisor forwards, are its own business. */
static void no_other_signal_ends_supervisor_or_keeper(void **state)
{
	static const int heeded[] = { SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
				      SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT }; /* the last five: a sanitizer's */
	struct world *world = *state;
	const char *words[] = { "--", "sleep", "1000", NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 10);
	pid_t keeper = keeper_of(world, run);
	for (int number = 1; number <= 64; number++) {
		bool sends = true;
		for (size_t i = 0; i < ARRAY_LEN(heeded); i++)
			sends = sends && heeded[i] != number;
		if (sends)
			assert_int_equal(kill(run->pid, number), 0);
		if (number != SIGKILL && number != SIGSTOP)
			assert_int_equal(kill(keeper, number), 0);
	}
	pause_msec(100);
	await_state(world, "ready", 10);
	assert_int_equal(keeper_of(world, run), keeper);
	/* And none of it reaches the worker: it starts with what a program starts with. */
	assert_int_equal(status_of((pid_t)await_worker(world, 0, 5), "SigIgn", 16), 0);
	assert_int_equal(status_of((pid_t)await_worker(world, 0, 5), "SigBlk", 16), 0);
	stop(world, run);
}

/* Who is alive has a filter that names the one before; the next worker's names this one. */
static void the_next_worker_is_kept_from_the_next_keeper(void **state)
{
	struct world *world = *state;
	const char *file = world_path(world, "keeper");
	const char *script = world_print(world, "until [ -s %s ]; do sleep 0.05; done; kill -9 $(cat %s) 2>/dev/null && echo killed || echo kept;"
				 " sleep 1000", file, file);
	const char *words[] = { "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	await_state(world, "ready", 10);
	pid_t worker = await_worker(world, 0, 5), first = keeper_of(world, run);
	kill(first, SIGKILL);
	await_err(world, run, "the keeper had ended and was started again", 20);
	heapward_says(world, 0, "restart", world->name, NULL);
	await_worker(world, worker, 20);
	await_state(world, "ready", 10);
	pid_t second = keeper_of(world, run);
	assert_true(second > 0 && second != first);
	world_write(world, "keeper", "%d\n", (int)second);
	await_file(world, strrchr(run->out_path, '/') + 1, "k", 20);
	assert_string_equal(program_out(world, run), "kept\n");
	assert_int_equal(keeper_of(world, run), second);
	stop(world, run);
}

static struct program *run_inner(struct world *world, const char *outer, const char *inner)
{
	const char *words[] = { "sh", "-c", world_print(world, "exec %s run -n %s %s -- %s run -n %s-i %s --set restart.when=never"
				" --set log.events=text -- node -p '\"served \" + process.env.NODE_OPTIONS'", heapward_path(), world->name,
				outer, heapward_path(), world->name, inner), NULL };
	return run_start_by(world, words);
}

/* One agent in each process, one listener in each chain of filters, and files that the outer one keeps from what it runs. */
static void heapward_below_heapward_works_or_says_why_not(void **state)
{
	static const char *const none = " --set sandbox.protect_system=none";
	struct world *world = *state;
	world_write(world, "o.yaml", "version: 1\nheap: {runtime: none}\nrestart: {when: never}\nlog: {events: text}\n");
	const char *policy = world_print(world, "-p %s", world_path(world, "o.yaml"));
	const char *open = world_print(world, "%s%s", policy, none);
	const char *const rows[][2] = { { "--set restart.when=never", "" }, { "--set restart.when=never", policy }, { open, "" }, { open, open } };
	/* Before Linux 6.3 files in memory are all the same to the list server, and it allows none. */
	bool no_file = close(memfd_create("test", 8 /* MFD_NOEXEC_SEAL */)) < 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *run = run_inner(world, rows[i][0], rows[i][1]);
		if (no_file && rows[i][0] == open) {
			assert_int_equal(program_finish(world, run, 30), 125);
			assert_contains(program_err(world, run), "memfd_create: Operation not permitted");
			continue;
		}
		if (program_finish(world, run, 30) != 0)
			fail_msg("%s, %s: %s", rows[i][0], rows[i][1], program_err(world, run));
		assert_contains(program_out(world, run), "served ");
		assert_contains(program_err(world, run), "a filter around heapward has its own listener");
	}
	struct program *run = run_inner(world, policy, "");
	assert_int_equal(program_finish(world, run, 30), 125);
	assert_contains(program_err(world, run), "set sandbox.protect_system: none there, or sandbox.user");
	heapward_says(world, 0, "forget", world_print(world, "%s-i", world->name), NULL);
}

static void reload(struct world *world, int status, const char *policy, const char *says)
{
	world_write(world, "web.yaml", "version: 1\nservice: {name: %s, command: [sleep, \"1000\"]}\n%s\n", world->name, policy);
	struct program *program = heapward_start(world, "reload", world->name, NULL);
	assert_int_equal(program_finish(world, program, 20), status);
	assert_contains(world_print(world, "%s%s", program_out(world, program), program_err(world, program)), says);
}

static void a_policy_that_needs_what_was_given_up_takes_a_new_start(void **state)
{
	struct world *world = *state;
	world_write(world, "web.yaml", "version: 1\nservice: {name: %s, command: [sleep, \"1000\"]}\n", world->name);
	struct program *run = heapward_start(world, "run", "-p", world_path(world, "web.yaml"), NULL);
	await_state(world, "ready", 10);
	pid_t worker = await_worker(world, 0, 5);
	reload(world, 2, "sandbox: {capabilities: unchanged}", "has given up what this policy needs (");
	reload(world, 2, "sandbox: {syscalls: none}", ", which the supervisor has given up");
	reload(world, 2, "sandbox: {capabilities: [cap_sys_module]}", "(cap_sys_module); stop it, then run it again");
	reload(world, 0, "limits: {files: 4096}", "");
	reload(world, 0, "sandbox: {syscalls: compat, user: nobody}", "");
	assert_int_equal(await_worker(world, 0, 5), worker);
	heapward_says(world, 0, "restart", world->name, NULL);
	pid_t next = await_worker(world, worker, 20);
	for (int i = 0; i < 200 && status_of(next, "Uid", 10) != 65534; i++)
		pause_msec(20);
	assert_int_equal(status_of(next, "Uid", 10), 65534);
	stop(world, run);
}

/* Nobody's folder is closed to root without CAP_DAC_OVERRIDE, and so is giving the socket away without CAP_CHOWN. */
static void a_held_unix_socket_comes_back_in_the_users_folder(void **state)
{
	struct world *world = *state;
	char *folder = world_path(world, "run"), *path = world_print(world, "%s/run/web.sock", world->directory);
	struct stat before, after;
	assert_int_equal(mkdir(folder, 0755) | chown(folder, 65534, 65534), 0);
	const char *words[] = { "--set", world_print(world, "service.listen=[\"unix:%s\"]", path), "--set", "sandbox.user=nobody",
				"--set", "sandbox.capabilities=none", "--set", "heap.runtime=none", "--set", "service.hold_for=0ms",
				"--set", "ready.when=started", "--set", "restart.backoff.from=1s", "--", "sleep", "1000", NULL };
	struct program *run = run_start(world, words);
	pid_t worker = await_worker(world, 0, 20);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_uid, 65534);
	kill(worker, SIGKILL);
	await_worker(world, worker, 20);
	await_state(world, "ready", 20);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_uid, 65534);
	stop(world, run);
	assert_int_equal(access(path, F_OK), -1);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(root_keeps_what_its_policy_needs_and_the_worker_gets_at_nothing),
		WORLD_TEST(without_a_filter_for_the_worker_there_is_none_for_the_supervisor),
		WORLD_TEST(with_the_same_uid_a_worker_neither_signals_nor_opens_its_supervisor),
		WORLD_TEST(no_other_signal_ends_supervisor_or_keeper),
		WORLD_TEST(the_next_worker_is_kept_from_the_next_keeper),
		WORLD_TEST(heapward_below_heapward_works_or_says_why_not),
		WORLD_TEST(a_policy_that_needs_what_was_given_up_takes_a_new_start),
		WORLD_TEST(a_held_unix_socket_comes_back_in_the_users_folder),
	};
	return cmocka_run_group_tests_name("protection", tests, NULL, NULL);
}
