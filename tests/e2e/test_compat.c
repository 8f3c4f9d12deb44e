/* SPDX-License-Identifier: Apache-2.0 */
/* test_compat: honest programs (tests/e2e/compat) say and end as they do without heapward: under a policy that says nothing
 * of the sandbox, and under strict.yaml. No call of theirs is a violation. Runs the `node` in PATH; tools/test --full runs
 * it with every Node of tools/nodes. */
#include "tests/e2e/see.h"

#include <sys/stat.h>
#include <unistd.h>

static const struct row {
	const char *name;   /* of the program */
	bool not_in_strict; /* where strict.yaml takes away what it is about */
} rows[] = {
	{ "http", false },  { "https", false }, { "http2", false },   { "threads", false }, { "children", false }, { "files", false },
	{ "names", false }, { "wasm", false },  { "ciphers", false }, { "inspect", false }, { "system", false },   { "servers", false },
};

struct result {
	const char *out;
	int status;
};

/* A directory of the run's own, with what the programs find in it. */
static const char *make_directory(struct world *world, const char *name)
{
	const char *directory = world_path(world, name);
	const char *script = world_print(world, "mkdir '%s' && cp key.pem certificate.pem '%s'", directory, directory);
	const char *words[] = { "sh", "-c", script, NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 0);
	return directory;
}

static void make_certificate(struct world *world)
{
	const char *words[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
				"-days", "2", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "certificate.pem", NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 0);
}

/* As tests/e2e/test_frameworks.c finds its own. */
static void find_servers(struct world *world)
{
	char directory[WORLD_PATH_MAX] = "";
	FILE *tool = popen(E2E_SOURCE_ROOT "/tools/frameworks servers", "r");
	assert_non_null(tool);
	assert_non_null(fgets(directory, sizeof(directory), tool));
	assert_int_equal(pclose(tool), 0);
	directory[strcspn(directory, "\n")] = '\0';
	world_environment(world, "NODE_PATH=%s/node_modules", directory);
}

static const char *program_of(struct world *world, const struct row *row)
{
	return world_print(world, "%s/tests/e2e/compat/%s.js", E2E_SOURCE_ROOT, row->name);
}

static struct result run_bare(struct world *world, const struct row *row)
{
	const char *script = world_print(world, "cd '%s' && exec node '%s'", make_directory(world, "bare"), program_of(world, row));
	const char *words[] = { "sh", "-c", script, NULL };
	struct program *run = program_start(world, words);
	int status = program_finish(world, run, 60);
	return (struct result){ program_out(world, run), status };
}

static struct result run_under(struct world *world, const struct row *row, const char *name, const char *policy)
{
	const char *directory = make_directory(world, name);
	const char *words[] = { "-p", policy, "--set", "restart.when=never", "--set", "log.events=json", "--set",
				world_print(world, "service.directory=%s", directory), "--", "node", program_of(world, row), NULL };
	struct program *run = run_start(world, words);
	int status = program_finish(world, run, 60);
	const char *events = program_err(world, run);
	if (count_events(world, events, "seccomp.violation") > 0)
		fail_msg("%s under %s violates:\n%s", row->name, name, events);
	await_nothing_left(world, 5);
	return (struct result){ program_out(world, run), status };
}

static void assert_same(struct world *world, const struct row *row, struct result bare, struct result other, const char *name)
{
	if (bare.status == other.status && strcmp(bare.out, other.out) == 0)
		return;
	world_write(world, "bare.txt", "%sexit %d\n", bare.out, bare.status);
	world_write(world, "other.txt", "%sexit %d\n", other.out, other.status);
	const char *words[] = { "diff", "bare.txt", "other.txt", NULL };
	struct program *diff = program_start(world, words);
	program_finish(world, diff, 20);
	fail_msg("%s says otherwise under %s (>) than without heapward (<):\n%s", row->name, name, program_out(world, diff));
}

static void says_the_same(void **state)
{
	struct world *world = *state;
	const struct row *row = world->row;
	make_certificate(world);
	if (strcmp(row->name, "servers") == 0)
		find_servers(world);
	world_write(world, "default.yaml", "version: 1\n");
	struct result bare = run_bare(world, row);
	assert_contains(bare.out, "warnings: ["); /* it came to its end */
	assert_same(world, row, bare, run_under(world, row, "default", world_path(world, "default.yaml")), "default");
	const char *strict = E2E_SOURCE_ROOT "/policies/strict.yaml";
	if (!row->not_in_strict && access(strict, R_OK) == 0)
		assert_same(world, row, bare, run_under(world, row, "strict", strict), "strict");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = says_the_same, .setup_func = world_make,
						.teardown_func = world_end, .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
