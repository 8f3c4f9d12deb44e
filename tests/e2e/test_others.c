/* SPDX-License-Identifier: Apache-2.0 */
/* test_others: what root's worker cannot do to other services of root's, nor by root's own sockets. See test_fence.c. */
#include "tests/e2e/harness.h"

#include <fcntl.h>
#include <unistd.h>

/* Another service of this user's, which ran before: its policy, list and drop-ins. And sockets of root's whose names nobody knows before. */
static void other_services_and_roots_sockets_are_kept_from_roots_worker(void **state)
{
	static const char *const acts[] = { "echo '#' >>other/other.yaml", "mv other/other.yaml other/x && mv other/x other/other.yaml",
					    "mkdir -p other/other.policy.d && touch other/other.policy.d/z.yaml",
					    "echo read >>other/other.list", "mv other x && mv x other",
					    "test -e $(ls -d /tmp/ssh-heapward*)/agent" };
	struct world *world = *state;
	if (geteuid() != 0)
		return; /* whose worker may write what he may */
	for (int walls = 1; walls >= 0; walls--) {
		char socket[] = "/tmp/ssh-heapwardXXXXXX";
		char *name = world_print(world, "%s-other", world->name), *script = "";
		world_write(world, "other/other.yaml", "version: 1\nrestart: {when: never}\nsandbox: {syscalls: ./other.list}\n");
		world_write(world, "other/other.list", "include server\n");
		const char *other[] = { heapward_path(), "run", "-n", name, "-p", world_path(world, "other/other.yaml"), "--", "true", NULL };
		assert_int_equal(program_finish(world, run_start_by(world, other), 20), 0);
		assert_non_null(mkdtemp(socket));
		world_write(world, "web.yaml", "version: 1\nrestart: {when: never}\nsandbox: {protect_system: %s}\n", walls ? "full" : "none");
		assert_int_equal(close(open(world_print(world, "%s/agent", socket), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
		for (size_t i = 0; i < ARRAY_LEN(acts); i++)
			script = world_print(world, "%s( %s ) 2>>why && echo 'done: %zu.' || echo 'denied: %zu.'\n", script, acts[i], i, i);
		world_write(world, "acts.sh", "%s", script);
		const char *words[] = { "-p", world_path(world, "web.yaml"), "--set", world_print(world, "service.directory=%s", world->directory),
					"--", "sh", "acts.sh", NULL };
		struct program *run = run_start(world, words);
		assert_int_equal(program_finish(world, run, 20), 0);
		unlink(world_print(world, "%s/agent", socket));
		rmdir(socket);
		heapward_says(world, 0, "forget", name, NULL);
		const char *said = program_out(world, run);
		for (size_t i = 0; i < ARRAY_LEN(acts); i++)
			if (strstr(said, world_print(world, "%s: %zu.", walls ? "denied" : "done", i)) == NULL)
				fail_msg("%s: %s\n%s", walls ? "done" : "denied", acts[i], said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(other_services_and_roots_sockets_are_kept_from_roots_worker, world_make, world_end),
	};
	return cmocka_run_group_tests_name("others", tests, NULL, NULL);
}
