/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/edge/host_probe.h"

struct fixture {
	char directory[64];
	struct host host;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	memset(&fixture, 0, sizeof(fixture));
	strcpy(fixture.directory, "/tmp/heapward-probe-XXXXXX");
	assert_non_null(mkdtemp(fixture.directory));
	assert_int_equal(chmod(fixture.directory, 0755), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
	return system(command);
}

/* A program in the fixture's folder that does what the shell script says. */
static const char *put(const struct fixture *fixture, const char *name, const char *script)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

static void probe(struct fixture *fixture, char *command, const char *search)
{
	char path[128], options[] = "NODE_OPTIONS=--max-old-space-size=300";
	char *const argv[] = { command, "server.js", NULL };
	snprintf(path, sizeof(path), "PATH=%s", search);
	char *const environment[] = { path, options, NULL };
	host_probe(&fixture->host, argv, environment, NULL);
}

static void this_machine_is_described(void **state)
{
	struct fixture *fixture = *state;
	probe(fixture, "sh", "/nowhere");
	const struct host *host = &fixture->host;
	assert_true(host->mem_total_bytes > 0 && host->mem_available_bytes < host->mem_total_bytes);
	assert_true(host->processors > 0);
	assert_true(host->listen_backlog > 0);
	assert_int_equal(host->uid, geteuid());
	assert_string_equal(host->node_options, "--max-old-space-size=300");
	assert_false(host->runtime.found);
	assert_string_equal(host->runtime.problem, "no node in PATH");
}

static void the_first_node_in_path_is_asked_for_its_version(void **state)
{
	struct fixture *fixture = *state;
	const char *path = put(fixture, "node", "[ \"$1\" = --version ] && [ -z \"$NODE_OPTIONS\" ] && echo v22.3.4");
	probe(fixture, "npm", fixture->directory);
	assert_true(fixture->host.runtime.found);
	assert_string_equal(fixture->host.runtime.path, path);
	assert_int_equal(fixture->host.runtime.major, 22);
	assert_int_equal(fixture->host.runtime.minor, 3);
	assert_int_equal(fixture->host.runtime.patch, 4);
}

static void a_node_named_by_the_command_is_the_one(void **state)
{
	struct fixture *fixture = *state;
	char command[256];
	snprintf(command, sizeof(command), "%s", put(fixture, "nodejs", "echo v18.0.1"));
	probe(fixture, command, "/nowhere");
	assert_int_equal(fixture->host.runtime.major, 18);
}

static void what_does_not_answer_like_node_is_unknown(void **state)
{
	static const char *const scripts[] = { "echo hello", "exit 1", "echo v0.1.2", "echo v22", "yes v1.2",
					       "kill -9 $$", "echo v99999999999.1.2" };
	struct fixture *fixture = *state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		put(fixture, "node", scripts[i]);
		probe(fixture, "node", fixture->directory);
		assert_true(fixture->host.runtime.found);
		if (fixture->host.runtime.major != 0)
			fail_msg("%s: %d", scripts[i], fixture->host.runtime.major);
		assert_contains(fixture->host.runtime.problem, "did not answer like Node");
	}
}

/* Root must not lend its rights to a program that somebody else wrote. */
static void a_strangers_node_is_asked_as_its_owner(void **state)
{
	struct fixture *fixture = *state;
	if (geteuid() != 0)
		return;
	const char *path = put(fixture, "node", "[ \"$(id -u)\" = 65534 ] && echo v20.1.1");
	assert_int_equal(chown(path, 65534, 65534), 0);
	probe(fixture, "node", fixture->directory);
	assert_int_equal(fixture->host.runtime.major, 20);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 0777), 0); /* root's, but anybody can have written it */
	probe(fixture, "node", fixture->directory);
	assert_int_equal(fixture->host.runtime.major, 20);
}

#define PROBE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROBE_TEST(this_machine_is_described),
		PROBE_TEST(the_first_node_in_path_is_asked_for_its_version),
		PROBE_TEST(a_node_named_by_the_command_is_the_one),
		PROBE_TEST(what_does_not_answer_like_node_is_unknown),
		PROBE_TEST(a_strangers_node_is_asked_as_its_owner),
	};
	return cmocka_run_group_tests_name("host_probe", tests, NULL, NULL);
}
