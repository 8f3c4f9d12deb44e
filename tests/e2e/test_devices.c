/* SPDX-License-Identifier: Apache-2.0 */
/* test_devices: what is left of terminals, devices and the machine's own sockets to a worker, and what a policy brings back. Also as an
 * ordinary user. */
#include "tests/e2e/see.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_root(void)
{
	return geteuid() == 0;
}

/* What a worker on a terminal could do with it: push characters into the shell that started heapward, or take it. */
static void on_a_terminal_nothing_is_typed_for_its_user(void **state)
{
	struct world *world = *state;
	static const char *const acts[] = { "0x5412, $x", "0x540E, 0" }; /* TIOCSTI, TIOCSCTTY */
	world_write(world, "app.yaml", "version: 1\nrestart: {when: never}\n");
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		world_write(world, "act.pl", "my $x = 'x'; exit(ioctl(STDIN, %s) ? 7 : 9);\n", acts[i]);
		const char *perl = world_print(world, "perl %s; echo ended $?", world_path(world, "act.pl"));
		const char *inner = world_print(world, "%s run -n %s -p %s -- %s", heapward_path(), world->name,
						 world_path(world, "app.yaml"), perl);
		const char *words[] = { "script", "-qec", inner, "/dev/null", NULL }, *bare[] = { "script", "-qec", perl, "/dev/null", NULL };
		struct program *run = run_start_by(world, words), *without = run_start_by(world, bare);
		program_finish(world, run, 30);
		program_finish(world, without, 30);
		assert_contains(program_out(world, run), "ended 9");
		if (i == 0 && is_root()) /* newer kernels let nobody else type; and it is this session's already */
			assert_contains(program_out(world, without), "ended 7");
	}
}

/* A process beside the service listens on a socket that takes orders; nobody here has such a thing. */
#define ORDERS "/run/buildkit"

static const char *says_in_dev(struct world *world, const char *sandbox)
{
	const char *script = "ls /dev | tr '\\n' ' '; (exec 3>/dev/console) 2>/dev/null && echo console; (exec 3>/dev/ttyS0) 2>/dev/null && "
			     "echo serial; node -e \"require('net').connect('" ORDERS "/probe').on('connect', () => "
			     "{ console.log('reached'); process.exit() }).on('error', (error) => console.log(error.code))\"";
	world_write(world, "app.yaml", "version: 1\nrestart: {when: never}\nheap: {runtime: none}\nsandbox: {%s}\n", sandbox);
	const char *words[] = { "-p", world_path(world, "app.yaml"), "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 30), 0);
	return program_out(world, run);
}

/* Root's worker has no devices but the harmless, and no socket by which the machine is ruled; what a policy names comes back. */
static void devices_and_sockets_come_back_by_name(void **state)
{
	struct world *world = *state;
	if (!is_root())
		return;
	assert_true(mkdir(ORDERS, 0755) == 0 || errno == EEXIST);
	const char *server[] = { "node", "-e", "require('net').createServer((socket) => socket.destroy()).listen('" ORDERS "/probe')", NULL };
	struct program *listener = program_start(world, server);
	for (int i = 0; i < 1000 && access(ORDERS "/probe", F_OK) != 0; i++)
		pause_msec(10);
	const char *said = says_in_dev(world, "protect_system: full");
	assert_string_equal(said, "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ENOENT\n");
	said = says_in_dev(world, "read_only: [/dev/console, " ORDERS "]");
	assert_string_equal(said, "console fd full null ptmx pts random shm stderr stdin stdout tty urandom zero console\nreached\n");
	assert_contains(says_in_dev(world, "private_dev: false"), " kmsg ");
	kill(listener->pid, SIGTERM);
	program_finish(world, listener, 20);
	unlink(ORDERS "/probe");
	(void)rmdir(ORDERS);
}

/* Reading the disk's raw bytes is reading every file. */
static void roots_worker_has_no_disk(void **state)
{
	struct world *world = *state;
	const char *script = "for d in /dev/*; do if test -b $d; then found=1; if (exec 3<$d) 2>/dev/null; then echo open $d; fi; fi; done;"
			     " echo found ${found-none}";
	world_write(world, "app.yaml", "version: 1\nrestart: {when: never}\nsandbox: {private_dev: false}\n");
	const char *words[] = { "-p", world_path(world, "app.yaml"), "--", "sh", "-c", script, NULL };
	struct program *run = run_start(world, words);
	assert_int_equal(program_finish(world, run, 20), 0);
	assert_null(strstr(program_out(world, run), "open"));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)
	const struct CMUnitTest tests[] = {
		T(on_a_terminal_nothing_is_typed_for_its_user),
		T(devices_and_sockets_come_back_by_name),
		T(roots_worker_has_no_disk),
	};
	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
