/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/core/environment.h"

#include <stdio.h>
#include <sys/stat.h>

static void node_options_are_split_as_node_does(void **state UNUSED)
{
	static const struct {
		const char *options;
		int count; /* -1: Node refuses to start */
		const char *words[4];
	} rows[] = {
		{ "", 0, { NULL } },
		{ "   ", 0, { NULL } },
		{ "--a --b", 2, { "--a", "--b" } },
		{ "  --a   --b ", 2, { "--a", "--b" } },
		{ "--require \"/a b/c.js\"", 2, { "--require", "/a b/c.js" } },
		{ "\"--require\" x\"y z\"w", 2, { "--require", "xy zw" } },
		{ "\"a\\\"b\\\\c\"", 1, { "a\"b\\c" } },
		{ "a\\b c\\", 2, { "a\\b", "c\\" } },
		{ "\"\" --a", 1, { "--a" } },
		{ "\"\"", 0, { NULL } },
		{ "--a\t--b\n--c", 1, { "--a\t--b\n--c" } },
		{ "'a b'", 2, { "'a", "b'" } },
		{ "\"open", -1, { NULL } },
		{ "a \"", -1, { NULL } },
		{ "\"x\\", -1, { NULL } },
		{ "\"x\\\"", -1, { NULL } },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure why;
		struct words words;
		assert_int_equal(node_options_split(rows[i].options, &words, &why), rows[i].count);
		assert_int_equal(words.count, rows[i].count < 0 ? 0 : rows[i].count);
		for (size_t j = 0; j < words.count; j++)
			assert_string_equal(words.list[j], rows[i].words[j]);
		words_finish(&words);
	}
}

static void options_are_found_as_v8_finds_them(void **state UNUSED)
{
	static const struct {
		const char *words[3], *value; /* NULL: not there */
	} rows[] = {
		{ { "--max-old-space-size=64" }, "64" },
		{ { "--max_old_space_size=64" }, "64" },
		{ { "--max-old_space-size=64" }, "64" },
		{ { "--max-old-space-size=64", "--max_old_space_size=65" }, "65" },
		{ { "--max-old-space-size" }, "" },
		{ { "--max-old-space-size=" }, "" },
		{ { "--max-old-space-size-percentage=64" }, NULL },
		{ { "--max-old-space-siz=64" }, NULL },
		{ { "max-old-space-size=64" }, NULL },
		{ { "x", "y" }, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t count = rows[i].words[1] != NULL ? 2 : 1;
		const char *value = node_options_find((char *const *)rows[i].words, count, "--max-old-space-size");
		if (rows[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
	}
	assert_null(node_options_find(NULL, 0, "--x"));
}

static void options_are_quoted_where_they_must_be(void **state UNUSED)
{
	static const struct {
		const char *option, *quoted;
	} rows[] = {
		{ "--a=b", "--a=b" }, { "/a b", "\"/a b\"" }, { "a\"b", "\"a\\\"b\"" }, { "a\\b", "\"a\\\\b\"" },
		{ "", "\"\"" }, { "\303\244'\t", "\303\244'\t" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure why;
		struct words words;
		cleanup_free char *quoted = node_options_quote(rows[i].option);
		assert_string_equal(quoted, rows[i].quoted);
		int count = node_options_split(quoted, &words, &why);
		assert_int_equal(count, rows[i].option[0] != '\0');
		if (count == 1)
			assert_string_equal(words.list[0], rows[i].option);
		words_finish(&words);
	}
}

static void our_options_come_first_and_the_users_stay_verbatim(void **state UNUSED)
{
	static const struct {
		const char *own, *planned, *agent, *merged; /* NULL: not set */
	} rows[] = {
		{ NULL, NULL, NULL, NULL },
		{ NULL, "", NULL, NULL },
		{ "", NULL, NULL, "" },
		{ "--x  \"a b\"", NULL, NULL, "--x  \"a b\"" },
		{ "\"broken", NULL, NULL, "\"broken" }, /* not ours to judge where nothing is merged */
		{ NULL, "--max-old-space-size=64", NULL, "--max-old-space-size=64" },
		{ NULL, "--m=1", "/l/agent.js", "--require /l/agent.js --m=1" },
		{ "--x  \"a b\"", "--m=1", "/a b\"c\\d/p.js", "--require \"/a b\\\"c\\\\d/p.js\" --m=1 --x  \"a b\"" },
		{ "--x", NULL, "/l/agent.js", "--require /l/agent.js --x" },
		{ "--x", "", "/l/agent.js", "--require /l/agent.js --x" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct failure why;
		struct words ret;
		char own[64];
		snprintf(own, sizeof(own), "NODE_OPTIONS=%s", rows[i].own != NULL ? rows[i].own : "");
		char *inherited[] = { "A=1", rows[i].own != NULL ? own : NULL, NULL };
		struct environment environment = { .inherited = inherited, .node_options = rows[i].planned,
						   .agent_path = rows[i].agent };
		assert_int_equal(environment_build(&environment, &ret, &why), 0);
		const char *merged = environment_get(ret.list, "NODE_OPTIONS");
		if (rows[i].merged == NULL)
			assert_null(merged);
		else
			assert_string_equal(merged, rows[i].merged);
		words_finish(&ret);
	}
}

/* heapward below heapward: two agents in one process end it. What only looks like one is the user's. */
static void the_agent_of_a_heapward_around_us_is_left_out(void **state UNUSED)
{
	static const struct {
		const char *own, *merged;
	} rows[] = {
		{ "--require /old/agent.cjs", "--require /l/agent.cjs" },
		{ "--require /old/agent.cjs --max-old-space-size=64", "--require /l/agent.cjs --max-old-space-size=64" },
		{ "--require \"/a b/\\\"c/agent.cjs\" --x \"a b\"", "--require /l/agent.cjs --x \"a b\"" },
		{ "--require /old/agent.cjs.js", "--require /l/agent.cjs --require /old/agent.cjs.js" },
		{ "--require agent.cjs", "--require /l/agent.cjs --require agent.cjs" },
		{ "--x --require /old/agent.cjs", "--require /l/agent.cjs --x --require /old/agent.cjs" },
	};
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct failure why;
		struct words ret;
		char own[96], both[160];
		snprintf(own, sizeof(own), "NODE_OPTIONS=%s", rows[i / 2].own);
		char *inherited[] = { own, i % 2 == 0 ? "HEAPWARD_AGENT=1;" : NULL, NULL };
		struct environment environment = { .inherited = inherited, .agent_path = "/l/agent.cjs" };
		assert_int_equal(environment_build(&environment, &ret, &why), 0);
		snprintf(both, sizeof(both), "--require /l/agent.cjs %s", rows[i / 2].own);
		assert_string_equal(environment_get(ret.list, "NODE_OPTIONS"), i % 2 == 0 ? rows[i / 2].merged : both);
		words_finish(&ret);
	}
}

static void under_the_permission_model_the_agents_files_may_be_read(void **state UNUSED)
{
	struct failure why;
	struct words ret;
	struct environment environment = { .agent_path = "/a b/agent.cjs", .agent_needs_read = true };
	assert_int_equal(environment_build(&environment, &ret, &why), 0);
	assert_string_equal(environment_get(ret.list, "NODE_OPTIONS"),
			    "--require \"/a b/agent.cjs\" --allow-fs-read=\"/a b/*\"");
	words_finish(&ret);
}

static void options_that_node_refuses_are_not_merged(void **state UNUSED)
{
	struct failure why;
	struct words ret;
	char *inherited[] = { "NODE_OPTIONS=--x \"open", NULL };
	struct environment environment = { .inherited = inherited, .node_options = "--m=1" };
	assert_int_equal(environment_build(&environment, &ret, &why), -1);
	assert_string_equal(why.text, "environment: NODE_OPTIONS has an open quote: Node would not start");
	assert_int_equal(ret.count, 0);
	words_finish(&ret);
}

static void layers_replace_and_what_is_ours_is_left_out(void **state UNUSED)
{
	struct failure why;
	struct words ret, file = { 0 }, set = { 0 };
	char *inherited[] = { "A=inherited", "B=inherited", "A=second", "NOTIFY_SOCKET=/run/x", "LISTEN_FDS=1",
			      "LISTEN_PID=1", "LISTEN_FDNAMES=x", "WATCHDOG_USEC=1", "WATCHDOG_PID=1",
			      "HEAPWARD_SET=memory.max=1M", "HEAPWARD_AGENT=evil", "HEAPWARD_INSTANCE=9", "NOTIFY_SOCKETS=mine", "=odd", "odd", NULL };
	assert_int_equal(words_add(&file, "B=file", &why), 0);
	assert_int_equal(words_add(&file, "C=file", &why), 0);
	assert_int_equal(words_add(&set, "C=set=x", &why), 0);
	assert_int_equal(words_add(&set, "WATCHDOG_PID=asked for", &why), 0);
	struct environment environment = { .inherited = inherited, .file = &file, .set = &set,
					   .agent_variable = "HEAPWARD_AGENT=200",
					   .instance_variable = "HEAPWARD_INSTANCE=2",
					   .notify_variable = "NOTIFY_SOCKET=@ours" };
	assert_int_equal(environment_build(&environment, &ret, &why), 0);
	assert_int_equal(ret.count, 8);
	assert_string_equal(environment_get(ret.list, "A"), "inherited");
	assert_string_equal(environment_get(ret.list, "B"), "file");
	assert_string_equal(environment_get(ret.list, "C"), "set=x");
	assert_string_equal(environment_get(ret.list, "NOTIFY_SOCKETS"), "mine");
	assert_string_equal(environment_get(ret.list, "WATCHDOG_PID"), "asked for");
	assert_string_equal(environment_get(ret.list, "HEAPWARD_AGENT"), "200");
	assert_null(environment_get(ret.list, "HEAPWARD_SET"));
	assert_string_equal(environment_get(ret.list, "NOTIFY_SOCKET"), "@ours");
	assert_string_equal(environment_get(ret.list, "HEAPWARD_INSTANCE"), "2");
	assert_null(ret.list[8]);
	words_finish(&ret);
	words_finish(&file);
	words_finish(&set);
	environment = (struct environment){ 0 };
	assert_int_equal(environment_build(&environment, &ret, &why), 0);
	assert_non_null(ret.list);
	assert_null(ret.list[0]);
	words_finish(&ret);
}

static void what_is_kept_and_dropped_is_by_name_and_beginning(void **state UNUSED)
{
	static const struct {
		const char *keep[3], *drop[3];
		bool keeps; /* also a list of none */
		const char *left; /* in the order of the inherited ones */
	} rows[] = {
		{ { NULL }, { NULL }, false, "PATH HOME AWS_KEY AWS AWSX LC_ALL" },
		{ { NULL }, { NULL }, true, "PATH" },
		{ { "HOME" }, { NULL }, true, "PATH HOME" },
		{ { "AWS*", "LC_*" }, { NULL }, true, "PATH AWS_KEY AWS AWSX LC_ALL" },
		{ { "AWS_*" }, { NULL }, true, "PATH AWS_KEY" },
		{ { "AWS" }, { NULL }, true, "PATH AWS" },
		{ { "*" }, { "AWS*" }, true, "PATH HOME LC_ALL" },
		{ { NULL }, { "AWS", "PATH" }, false, "HOME AWS_KEY AWSX LC_ALL" },
		{ { "PATH", "HOME" }, { "*" }, true, "" },
		{ { "HEAPWARD_SET" }, { NULL }, true, "PATH" }, /* ours all the same */
	};
	char *inherited[] = { "PATH=/bin", "HOME=/root", "AWS_KEY=secret", "AWS=1", "AWSX=", "LC_ALL=C", "HEAPWARD_SET=x", NULL };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct words keep = { 0 }, drop = { 0 }, ret;
		struct failure why;
		char left[200] = "";
		if (rows[i].keeps)
			keep.list = calloc(1, sizeof(*keep.list));
		for (size_t j = 0; j < 3; j++) {
			assert_true(rows[i].keep[j] == NULL || words_add(&keep, rows[i].keep[j], &why) == 0);
			assert_true(rows[i].drop[j] == NULL || words_add(&drop, rows[i].drop[j], &why) == 0);
		}
		struct environment environment = { .inherited = inherited, .keep = &keep, .drop = &drop };
		assert_int_equal(environment_build(&environment, &ret, &why), 0);
		for (size_t j = 0; j < ret.count; j++)
			snprintf(left + strlen(left), sizeof(left) - strlen(left), "%s%.*s", j > 0 ? " " : "",
				 (int)strcspn(ret.list[j], "="), ret.list[j]);
		assert_string_equal(left, rows[i].left);
		words_finish(&ret);
		words_finish(&keep);
		words_finish(&drop);
	}
}

static void what_a_server_may_miss_is_named(void **state UNUSED)
{
	char *kept[] = { "LANG", "LC_*" }, *dropped[] = { "KEPT_ELSE" }, *set[] = { "GIVEN=2" }, *lines[] = { "FILED=3" };
	char *inherited[] = { "ELSE=1", "PORT=80", "LANG=C", "LC_ALL=C", "PATH=/bin", "GIVEN=1", "FILED=1", "SHLVL=2", "SSH_TTY=x", "NOTIFY_SOCKET=@",
			      "DATABASE_URL=postgres:", "KEPT_ELSE=1", NULL };
	struct words keep = { kept, 2 }, drop = { dropped, 1 }, given = { set, 1 }, file = { lines, 1 };
	struct environment environment = { .inherited = inherited, .keep = &keep, .set = &given, .file = &file };
	char text[64];
	assert_int_equal(environment_dropped(&environment, text, sizeof(text)), 4);
	assert_string_equal(text, "PORT, DATABASE_URL, ELSE, KEPT_ELSE");
	assert_int_equal(environment_dropped(&environment, text, 30), 4);
	assert_string_equal(text, "PORT, ELSE, and 2 more");
	assert_int_equal(environment_dropped(&environment, text, 4), 4);
	environment.keep = NULL;
	assert_int_equal(environment_dropped(&environment, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	environment.drop = &drop;
	assert_int_equal(environment_dropped(&environment, text, sizeof(text)), 1);
	assert_string_equal(text, "KEPT_ELSE");
}

static void what_the_policy_sets_is_no_inheritance(void **state UNUSED)
{
	struct words set = { 0 }, drop = { 0 }, ret;
	struct failure why;
	char *inherited[] = { "A=ours", NULL };
	assert_int_equal(words_add(&set, "A=set", &why), 0);
	assert_int_equal(words_add(&drop, "*", &why), 0);
	struct environment environment = { .inherited = inherited, .drop = &drop, .set = &set };
	assert_int_equal(environment_build(&environment, &ret, &why), 0);
	assert_string_equal(environment_get(ret.list, "A"), "set");
	words_finish(&ret);
	words_finish(&set);
	words_finish(&drop);
}

static void an_endless_environment_is_refused(void **state UNUSED)
{
	struct failure why;
	struct words many = { 0 }, ret;
	char variable[32];
	for (int i = 0; i <= ENVIRONMENT_VARIABLES_MAX; i++) {
		snprintf(variable, sizeof(variable), "V%d=x", i);
		assert_int_equal(words_add(&many, variable, &why), 0);
	}
	struct environment environment = { .inherited = many.list };
	assert_int_equal(environment_build(&environment, &ret, &why), -1);
	assert_contains(why.text, "more than 4096 variables");
	words_finish(&many);
}

/* What `node -p EXPRESSION` prints with these options, on the Node of that path. */
static void ask_node(const char *node, const char *options, const char *expression, char *answer, size_t size)
{
	char command[1024];
	setenv("NODE_OPTIONS", options, 1);
	snprintf(command, sizeof(command), "%s -p '%s'", node, expression);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t length = fread(answer, 1, size - 1, pipe);
	answer[length] = '\0';
	pclose(pipe);
	unsetenv("NODE_OPTIONS");
}

/* Every Node of this machine: Debian's, and those of HW_NODES (directories as npm makes them, separated by spaces). */
static void for_every_node(void (*check)(const char *node))
{
	const char *roots = getenv("HW_NODES");
	char path[512];
	check("/usr/bin/node");
	while (roots != NULL && *roots != '\0') {
		size_t length = strcspn(roots, " ");
		snprintf(path, sizeof(path), "%.*s/node_modules/node/bin/node", (int)length, roots);
		check(path);
		roots += length + strspn(roots + length, " ");
	}
}

static void check_preload(const char *node)
{
	char directory[] = "/tmp/heapward-test-XXXXXX", odd[64], file[96], answer[256];
	struct words ret;
	struct failure why;
	assert_non_null(mkdtemp(directory));
	snprintf(odd, sizeof(odd), "%s/a b\"c\\d", directory);
	snprintf(file, sizeof(file), "%s/p.js", odd);
	assert_int_equal(mkdir(odd, 0700), 0);
	FILE *preload = fopen(file, "w");
	assert_non_null(preload);
	fputs("globalThis.loaded = 'loaded';", preload);
	fclose(preload);
	char *inherited[] = { "NODE_OPTIONS=--title \"my \\\"server\\\"\"", NULL };
	struct environment environment = { .inherited = inherited, .agent_path = file,
					   .node_options = "--max-old-space-size=99 --max-semi-space-size=3" };
	assert_int_equal(environment_build(&environment, &ret, &why), 0);
	ask_node(node, environment_get(ret.list, "NODE_OPTIONS"),
		 "loaded + process.title + v8.getHeapStatistics().heap_size_limit / 1048576", answer, sizeof(answer));
	words_finish(&ret);
	unlink(file);
	rmdir(odd);
	rmdir(directory);
	/* 99 + 3 x 4: V8 rounds a semi-space up to a power of two. */
	assert_string_equal(answer, "loadedmy \"server\"111\n");
}

static void real_nodes_load_a_preload_from_an_odd_directory(void **state UNUSED)
{
	for_every_node(check_preload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_options_are_split_as_node_does),
		cmocka_unit_test(options_are_found_as_v8_finds_them),
		cmocka_unit_test(options_are_quoted_where_they_must_be),
		cmocka_unit_test(our_options_come_first_and_the_users_stay_verbatim),
		cmocka_unit_test(the_agent_of_a_heapward_around_us_is_left_out),
		cmocka_unit_test(under_the_permission_model_the_agents_files_may_be_read),
		cmocka_unit_test(options_that_node_refuses_are_not_merged),
		cmocka_unit_test(layers_replace_and_what_is_ours_is_left_out),
		cmocka_unit_test(what_is_kept_and_dropped_is_by_name_and_beginning),
		cmocka_unit_test(what_a_server_may_miss_is_named),
		cmocka_unit_test(what_the_policy_sets_is_no_inheritance),
		cmocka_unit_test(an_endless_environment_is_refused),
		cmocka_unit_test(real_nodes_load_a_preload_from_an_odd_directory),
	};
	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
