/* SPDX-License-Identifier: Apache-2.0 */
/* test_compat: honest programs (tests/e2e/compat) say and end as they do without heapward: under a policy that says nothing
 * of the sandbox, and under strict.yaml. No call of theirs is a violation. Runs the `node` in PATH; tools/test --full runs
 * it with every Node of tools/nodes. */
#include "tests/e2e/see.h"

#include <sys/stat.h>
#include <unistd.h>

/* strict.yaml wants a user; Debian has this one, who owns nothing. */
#define STRICT_USER "daemon"
#define STRICT_UID 1

static const struct row {
	const char *name;            /* of the program */
	const char *denied, *differs; /* what strict.yaml takes away: a call, and what the lines are called that say so */
} rows[] = {
	{ "http", NULL, NULL },
	{ "https", NULL, NULL },
	{ "http2", NULL, NULL },
	{ "threads", NULL, NULL },
	{ "children", "get_mempolicy", NULL }, /* ps asks for it, and does without */
	{ "files", "mknodat", "a socket and a pipe" },
	{ "names", NULL, "lookup nothing" }, /* there is no network to ask */
	{ "wasm", NULL, NULL },
	{ "ciphers", NULL, NULL },
	{ "inspect", NULL, NULL },
	{ "system", NULL, NULL },
	{ "servers", NULL, NULL },
};

struct result {
	const char *out;
	int status;
};

/* A directory of the run's own, with what the programs find in it. */
static const char *make_directory(struct world *world, const char *name)
{
	const char *directory = world_path(world, name);
	const char *script = world_print(world, "mkdir '%s' && cp key.pem certificate.pem '%s' && chmod 644 '%s'/*.pem", directory,
					 directory, directory);
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

/* Violations of other calls than `denied`. */
static size_t count_violations(const char *events, const char *denied)
{
	size_t count = 0;
	for (const char *at = events; (at = strstr(at, "\"call\":\"")) != NULL;) {
		at += strlen("\"call\":\"");
		count += denied == NULL || strncmp(at, denied, strlen(denied)) != 0 ? 1 : 0;
	}
	return count;
}

static struct result run_under(struct world *world, const struct row *row, const char *name, const char *const *settings)
{
	const char *words[WORDS_MAX] = { "--set", "restart.when=never", "--set", "log.events=json" };
	size_t count = 4;
	while (*settings != NULL)
		words[count++] = *settings++;
	words[count++] = "--";
	words[count++] = "node";
	words[count++] = program_of(world, row);
	struct program *run = run_start(world, words);
	int status = program_finish(world, run, 60);
	const char *events = program_err(world, run);
	if (count_violations(events, strcmp(name, "strict") == 0 ? row->denied : NULL) > 0)
		fail_msg("%s under %s violates:\n%s", row->name, name, events);
	await_nothing_left(world, 5);
	return (struct result){ program_out(world, run), status };
}

static struct result run_default(struct world *world, const struct row *row)
{
	world_write(world, "default.yaml", "version: 1\n");
	const char *settings[] = { "-p", world_path(world, "default.yaml"), "--set",
				   world_print(world, "service.directory=%s", make_directory(world, "default")), NULL };
	return run_under(world, row, "default", settings);
}

/* What is of one server in strict.yaml is of this program. Its own loopback is all the network that it has. */
static struct result run_strict(struct world *world, const struct row *row)
{
	const char *directory = make_directory(world, "strict");
	const char *settings[] = { "-p", E2E_SOURCE_ROOT "/policies/strict.yaml", "--set", "sandbox.user=" STRICT_USER, "--set",
				   "service.listen=[]", "--set", world_print(world, "sandbox.read_write=[\"%s\"]", directory),
				   "--set", world_print(world, "service.directory=%s", directory), NULL };
	assert_int_equal(chown(directory, STRICT_UID, STRICT_UID), 0);
	return run_under(world, row, "strict", settings);
}

/* Without the lines that say `what`. */
static const char *without(struct world *world, const char *text, const char *what)
{
	char *rest = world_print(world, "%s", text), *kept = world_print(world, "%s", text);
	size_t length = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;)
		if (what == NULL || strstr(line, what) == NULL)
			length += (size_t)sprintf(kept + length, "%s%s", line, rest == NULL ? "" : "\n");
	kept[length] = '\0';
	return kept;
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
	struct result bare = run_bare(world, row);
	assert_contains(bare.out, "warnings: ["); /* it came to its end */
	assert_same(world, row, bare, run_default(world, row), "default");
	struct result strict = run_strict(world, row);
	bare.out = without(world, bare.out, row->differs);
	strict.out = without(world, strict.out, row->differs);
	assert_same(world, row, bare, strict, "strict");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows)];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name, .test_func = says_the_same, .setup_func = world_make,
						.teardown_func = world_end, .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
