/* SPDX-License-Identifier: Apache-2.0 */
/* test_deaths: every row of rows.h is run and its verdict, certainty and exit status held. Each death is a result
 * (results.h).
 * usage: test_deaths [--full] [--kind node|c-worker] [--representative] [--list]
 * E2E_WAY: only ways with one of these texts in their name; E2E_WRAPPING: only these wrappings; both "A|B|C". */
#include "tests/e2e/harness.h"
#include "tests/e2e/results.h"
#include "tests/e2e/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

enum tier { SHORT, FULL };
enum kind { NODE, C };
enum wrapping { DIRECT, SH, NPM, NPX };
enum act { WAIT, STOP, TERM, INT, KILL_WORKER, CHILD }; /* what the test does once the worker runs; see rows.h */
enum certain { NO, YES };

struct row {
	enum tier tier;
	enum kind kind;
	enum wrapping wrapping;
	enum act act;
	const char *way, *command, *settings, *verdict;
	int number, certain, exit_status;
};

static const struct row rows[] = {
#define X(...) { __VA_ARGS__ },
	ROWS(X)
#undef X
};

static const char *const kind_names[] = { [NODE] = "node", [C] = "c-worker" };
static const char *const wrapping_names[] = { [DIRECT] = "direct", [SH] = "sh -c", [NPM] = "npm start", [NPX] = "npx" };

/* Splits at spaces into `words`, which stays NULL-terminated. */
static size_t split(struct world *world, const char *text, const char **words)
{
	size_t count = 0;
	char *next = world_print(world, "%s", text);
	for (char *word; (word = strsep(&next, " ")) != NULL;) {
		if (*word == '\0')
			continue;
		assert(count < WORDS_MAX - 1);
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

static const char *expand(struct world *world, const char *word)
{
	if (strcmp(word, "@worker") == 0)
		return c_worker_path();
	if (strncmp(word, "@js/", 4) == 0)
		return js_worker_path(world, word + 4);
	if (strncmp(word, "@dir/", 5) == 0)
		return world_path(world, word + 5);
	if (strcmp(word, "@addon") == 0)
		return addon_path();
	const char *at = strstr(word, "=@dir/");
	return at == NULL ? word : world_print(world, "%.*s=%s", (int)(at - word), word, world_path(world, at + 6));
}

/* The row's command with its placeholders filled, as one shell line. */
static char *shell_line(struct world *world, const struct row *row)
{
	const char *words[WORDS_MAX];
	size_t count = split(world, row->command, words);
	char *line = world_print(world, "%s", "");
	for (size_t i = 0; i < count; i++)
		line = world_print(world, "%s%s%s", line, i > 0 ? " " : "", expand(world, words[i]));
	return line;
}

/* Puts the command in its wrapping behind words[count]. The shell must stay: it may not become the worker by exec. */
static void wrap(struct world *world, const struct row *row, const char **words, size_t count)
{
	const char *line = shell_line(world, row);
	switch (row->wrapping) {
	case DIRECT:
		count += split(world, line, words + count);
		break;
	case SH:
		words[count++] = "sh";
		words[count++] = "-c";
		words[count++] = world_print(world, "%s; exit $?", line);
		break;
	case NPM:
		world_write(world, "package.json", "{\"name\":\"e2e\",\"scripts\":{\"start\":\"%s\"}}\n", line);
		words[count++] = "npm";
		words[count++] = "start";
		break;
	case NPX:
		world_write(world, "package.json", "{\"name\":\"e2e\"}\n");
		world_write(world, "node_modules/.bin/e2e-worker", "#!/bin/sh\n%s\nexit $?\n", line);
		words[count++] = "npx";
		words[count++] = "--no-install";
		words[count++] = "e2e-worker";
		break;
	}
	words[count] = NULL;
}

/* The head of an ELF program for a machine that this is not. */
static void write_foreign_program(struct world *world)
{
	unsigned char head[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	head[16] = 2;  /* an executable */
	head[18] = 22; /* S/390 */
	cleanup_fd int fd = open(world_path(world, "wrong-architecture"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, head, sizeof(head)) != (ssize_t)sizeof(head))
		fail_msg("write a foreign program: %s", strerror(errno));
}

static struct program *start(struct world *world, const struct row *row)
{
	const char *words[WORDS_MAX], *settings[WORDS_MAX];
	size_t count = 0, setting_count = split(world, row->settings, settings);
	words[count++] = "--set";
	words[count++] = "restart.when=never";
	for (size_t i = 0; i < setting_count; i++) {
		words[count++] = "--set";
		words[count++] = expand(world, settings[i]);
	}
	words[count++] = "--";
	wrap(world, row, words, count);
	world_write(world, "not-executable", "this is text\n");
	write_foreign_program(world);
	return run_start(world, words);
}

/* Workers that live say "steady" on stdout, so that nothing is done to them before they can hear it. */
static void act(struct world *world, const struct row *row, struct program *run)
{
	if (row->act == WAIT)
		return;
	const char *out = strrchr(run->out_path, '/') + 1;
	await_file(world, out, "steady", 20);
	pid_t worker = await_worker(world, 0, 10);
	if (row->act == CHILD)
		await_err(world, run, "\"event\":\"child.death\"", 60);
	if (row->act == STOP || row->act == CHILD)
		heapward_says(world, 0, "stop", world->name, NULL);
	else if (row->act == KILL_WORKER)
		kill(worker, SIGKILL);
	else
		kill(run->pid, row->act == TERM ? SIGTERM : SIGINT);
}

static void keep_result(struct world *world, const struct row *row, struct json_object *judged, bool held)
{
	const char *verdict = row->act == CHILD ? world_print(world, "child %s", row->verdict) : row->verdict;
	result_keep(&(struct result){ verdict, kind_names[row->kind], wrapping_names[row->wrapping], row->way }, judged, held);
}

static bool certainty_holds(const struct row *row, struct json_object *why)
{
	bool certain = see_bool(why, "/certain");
	if (row->certain == LOGGED)
		return certain == kernel_tells();
	return row->certain == ANY || certain == (row->certain == YES);
}

/* What heapward says of it: the last death, or what it told of the child that died while its server lived. */
static struct json_object *judged(struct world *world, const struct row *row, struct program *run)
{
	struct json_object *why = see_why(world);
	if (row->act != CHILD)
		return why;
	assert_true(verdict_is(why, "stopped", ANY));
	char *line = strstr(program_err(world, run), "{\"ts\"");
	for (char *next; line != NULL; line = next) {
		next = strstr(line + 1, "\n{\"ts\"");
		if (next != NULL)
			*next++ = '\0';
		if (strstr(line, "\"event\":\"child.death\"") != NULL)
			return see(world, line);
	}
	fail_msg("no child.death:\n%s", program_err(world, run));
	return NULL;
}

/* The kernel's log leaves out a kill that follows ten others within five seconds, on the whole host: whoever wants to read of
 * his waits for his turn, also beside other runs of this program. */
static void await_turn_in_log(const struct row *row)
{
	if (row->certain != LOGGED || !kernel_tells())
		return;
	cleanup_fd int turn = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(turn >= 0 && flock(turn, LOCK_EX) == 0);
	pause_msec(700);
}

static void a_death_gets_its_verdict(void **state)
{
	struct world *world = *state;
	const struct row *row = world->row;
	await_turn_in_log(row);
	struct program *run = start(world, row);
	act(world, row, run);
	int status = program_finish(world, run, 60);
	await_nothing_left(world, 2);
	struct json_object *told = judged(world, row, run);
	bool verdict = verdict_is(told, row->verdict, row->number), certain = certainty_holds(row, told);
	bool exit_status = row->exit_status == ANY || status == row->exit_status;
	keep_result(world, row, told, verdict && certain && exit_status);
	if (!verdict || !certain)
		fail_msg("not %s %d, certain %d:\n%s", row->verdict, row->number, row->certain,
			 json_object_to_json_string_ext(told, JSON_C_TO_STRING_PRETTY));
	if (!exit_status)
		fail_msg("run exits %d, not %d:\n%s", status, row->exit_status, program_err(world, run));
	assert_contains(last_line(world, program_err(world, run)), world->name); /* the verdict, always as text */
}

struct choice {
	bool full, list;
	const char *ways, *wrappings; /* NULL: all */
	int kind;                     /* ANY: both */
};

/* True where one of the texts of "A|B|C" is in `name`. */
static bool names_one(const char *list, const char *name)
{
	char text[512], *next = text;
	snprintf(text, sizeof(text), "%s", list == NULL ? "" : list);
	for (char *one; (one = strsep(&next, "|")) != NULL;)
		if (strstr(name, one) != NULL)
			return true;
	return false;
}

static bool chosen(const struct choice *choice, const struct row *row)
{
	if (!names_one(choice->wrappings, wrapping_names[row->wrapping]) || !names_one(choice->ways, row->way))
		return false;
	return (choice->full || row->tier == SHORT) && (choice->kind == ANY || choice->kind == (int)row->kind);
}

static struct choice read_choice(int argc, char **argv)
{
	static const struct option options[] = {
		{ "full", no_argument, NULL, 'f' }, { "kind", required_argument, NULL, 'k' },
		{ "representative", no_argument, NULL, 'r' }, { "list", no_argument, NULL, 'l' }, { 0 }
	};
	const char *tier = getenv("E2E_TIER"), *kind = getenv("E2E_KIND");
	struct choice ret = { .full = tier != NULL && strcmp(tier, "full") == 0, .kind = ANY };
	ret.wrappings = getenv("E2E_WRAPPING");
	ret.ways = getenv("E2E_WAY");
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		ret.full |= option == 'f';
		ret.list |= option == 'l';
		if (option == 'k')
			kind = optarg;
		if (option == 'r')
			ret.ways = REPRESENTATIVE;
	}
	if (kind != NULL)
		ret.kind = strcmp(kind, kind_names[NODE]) == 0 ? NODE : C;
	return ret;
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[ARRAY_LEN(rows)];
	static char names[ARRAY_LEN(rows)][160];
	struct choice choice = read_choice(argc, argv);
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		if (!chosen(&choice, row))
			continue;
		snprintf(names[count], sizeof(names[count]), "%s, %s: %s is %s", kind_names[row->kind],
			 wrapping_names[row->wrapping], row->way, row->verdict);
		if (choice.list)
			puts(names[count]);
		tests[count] = (struct CMUnitTest){ names[count], a_death_gets_its_verdict, world_make, world_end,
						    (void *)row };
		count++;
	}
	return choice.list ? 0 : _cmocka_run_group_tests("deaths", tests, count, NULL, NULL);
}
