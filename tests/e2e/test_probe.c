/* SPDX-License-Identifier: Apache-2.0 */
/* test_probe: a compromised server (tests/probe) as a worker with the sandbox off, under a policy that says nothing of it,
 * and under strict.yaml. An act counts as denied only where it gets through with the sandbox off; what never does is
 * skipped, and why is printed. Every act has its expected outcome, and what a filter denies is named in the events.
 * usage: test_probe    prints the table; E2E_PROBE_POLICY=FILE adds a column for that policy, in which nothing is expected */
#include "tests/e2e/see.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ACTS_MAX 400
#define SEEN_DENIED_MIN 80 /* as root on this project's machines */

enum mode { OFF, STANDARD, STRICT, GIVEN, MODES };

/* strict.yaml wants a user; Debian has this one, who owns nothing. */
#define STRICT_USER "daemon"
#define STRICT_UID 1

/* What is in the policy file, beside the settings of every run. */
static const char *const policies[MODES] = {
	[OFF] = "version: 1\nsandbox: {syscalls: none, capabilities: unchanged, protect_system: none}\n",
	[STANDARD] = "version: 1\n",
};

static const char *const mode_names[MODES] = { "sandbox off", "default", "strict", "given" };

/* A line of the probe. */
struct outcome {
	const char *name, *call, *expected, *outcome, *word, *what;
};

struct outcomes {
	struct outcome list[ACTS_MAX];
	size_t count;
	const char *events; /* what heapward said */
	bool was_run;
};

/* One world for the service with the probe in it, one for its neighbour. */
struct scene {
	struct world *world, *neighbour;
	pid_t neighbour_pid;
	struct program *outsider;
	struct outcomes modes[MODES];
};

/* Beside the build of the command. */
static const char *built_path(struct world *world, const char *where)
{
	char *path = world_print(world, "%s", hostile_path());
	for (int up = 0; up < 4; up++)
		*strrchr(path, '/') = '\0';
	return world_print(world, "%s/%s", path, where);
}

static const char *state_of(struct world *asking, const struct world *of)
{
	if (geteuid() == 0)
		return world_print(asking, "/var/lib/heapward/%s", of->name);
	return world_print(asking, "%s/.local/state/heapward/%s", asking->directory, of->name);
}

/* As root: of another user. */
static void make_secret(struct world *world)
{
	const char *path = world_path(world, "work/secret");
	world_write(world, "work/secret", "%s", "secret\n");
	assert_int_equal(chmod(path, geteuid() == 0 ? 0600 : 0), 0);
	assert_true(geteuid() != 0 || chown(path, 2, 2) == 0);
}

/* Where every user can run them: the probe, and one with the set-user-ID bit. */
static void copy_probe(struct world *world, const char *name, mode_t mode)
{
	const char *path = world_path(world, name);
	const char *words[] = { "cp", built_path(world, "tests/probe/heapward-probe"), path, NULL };
	assert_int_equal(program_finish(world, program_start(world, words), 20), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* Whole at once: the probe waits for it. */
static void write_targets(struct scene *scene, struct program *run)
{
	struct world *world = scene->world;
	pid_t keeper = 0;
	for (int i = 0; (keeper = keeper_of(world, run)) == 0; i++) {
		if (i == 1000 || !process_lives(run->pid))
			fail_msg("there is no worker (exit status %d):\n%s", program_finish(world, run, 5), program_err(world, run));
		pause_msec(10);
	}
	world_write(world, "targets.part", "supervisor-pid=%d\nkeeper-pid=%d\nneighbour-pid=%d\noutsider-pid=%d\nsignals=%s\n"
		    "heapward=%s\nname=%s\nneighbour=%s\nstate=%s\nneighbour-state=%s\npolicy=%s\nprogram=%s\nsecret=%s\nchild=%s\nagent=%s\n",
		    (int)run->pid, (int)keeper, (int)scene->neighbour_pid, (int)scene->outsider->pid,
		    world_path(world, "work/signals"), heapward_path(), world->name, scene->neighbour->name,
		    state_of(world, world), state_of(world, scene->neighbour), world_path(world, "policy.yaml"),
		    world_path(world, "gain"), world_path(world, "work/secret"),
		    built_path(world, "child/confine/heapward-child"), built_path(world, "child/agent/agent.cjs"));
	assert_int_equal(rename(world_path(world, "targets.part"), world_path(world, "work/targets")), 0);
}

static void take_line(struct outcomes *outcomes, char *line)
{
	assert_true(outcomes->count < ACTS_MAX);
	struct outcome *outcome = &outcomes->list[outcomes->count++];
	const char **parts[] = { &outcome->name, &outcome->call, &outcome->expected, &outcome->outcome, &outcome->word,
				 &outcome->what };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		*parts[i] = strsep(&line, "\t");
		assert_non_null(*parts[i]);
	}
}

static void read_outcomes(struct outcomes *outcomes, char *text)
{
	bool ended = false;
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		if (strcmp(line, "end") == 0)
			ended = true;
		else if (*line != '\0')
			take_line(outcomes, line);
	}
	assert_true(ended && outcomes->count > 0);
}

/* What a run adds to its policy; the words of strict.yaml that are about one server only. */
static struct program *start_probe(struct world *world, enum mode mode)
{
	const char *all[WORDS_MAX] = { "-p", world_path(world, "policy.yaml"), "--set", "restart.when=never", "--set",
				       "heap.runtime=none", "--set", "log.events=json", "--set" };
	const char *work = world_path(world, "work");
	const char *const rest[] = { "--", world_path(world, "probe"), world_path(world, "work/targets"), NULL };
	const char *const strict[] = { "--set", "sandbox.user=" STRICT_USER, "--set", "service.listen=[]", "--set",
				       world_print(world, "sandbox.read_write=[\"%s\"]", work), NULL };
	size_t count = 9;
	all[count++] = world_print(world, "service.directory=%s", work);
	for (size_t i = 0; mode == STRICT && strict[i] != NULL; i++)
		all[count++] = strict[i];
	memcpy(&all[count], rest, sizeof(rest));
	return run_start(world, all);
}

static void run_mode(struct scene *scene, enum mode mode, const char *policy)
{
	struct world *world = scene->world;
	struct outcomes *outcomes = &scene->modes[mode];
	uid_t owner = mode == STRICT ? STRICT_UID : geteuid();
	world_write(world, "policy.yaml", "%s", policy);
	unlink(world_path(world, "work/targets"));
	assert_int_equal(truncate(world_path(world, "work/signals"), 0), 0);
	assert_int_equal(chown(world_path(world, "work"), owner, (gid_t)-1), 0);
	struct program *run = start_probe(world, mode);
	write_targets(scene, run);
	int status = program_finish(world, run, 60);
	outcomes->events = program_err(world, run);
	if (status != 0)
		fail_msg("under %s the probe exits %d:\n%s", mode_names[mode], status, outcomes->events);
	read_outcomes(outcomes, program_out(world, run));
	outcomes->was_run = true;
	assert_true(process_lives(scene->neighbour_pid));
	await_nothing_left(world, 5);
}

static bool is(const struct outcome *outcome, const char *word)
{
	return strcmp(outcome->outcome, word) == 0;
}

/* From its ABI 3 on Landlock covers truncate, from 6 on it keeps signals inside. */
static bool landlock_has(long abi)
{
	const int create_ruleset = 444, version = 1;
	return syscall(create_ruleset, NULL, (size_t)0, version) >= abi;
}

/* What is left open, by the letter for this user and policy: of an ordinary user whatever the policy. */
static bool is_left_open(const struct outcome *outcome, enum mode mode)
{
	char letter = outcome->expected[geteuid() != 0 ? 2 : mode == STRICT ? 1 : 0];
	assert_non_null(strchr("DCSU", letter));
	return letter == 'U' || (letter == 'S' && !landlock_has(6)) || (letter == 'C' && !landlock_has(3));
}

static const char *cell(const struct scene *scene, size_t act, enum mode mode)
{
	const struct outcome *outcome = &scene->modes[mode].list[act];
	if (is(outcome, "through"))
		return "THROUGH";
	return is(&scene->modes[OFF].list[act], "through") ? outcome->outcome : "-";
}

static void print_row(const struct scene *scene, size_t act)
{
	const struct outcome *off = &scene->modes[OFF].list[act];
	printf("%-20s", off->name);
	for (enum mode mode = STANDARD; mode < MODES; mode++)
		if (scene->modes[mode].was_run)
			printf(" %-7s", cell(scene, act, mode));
	if (is(off, "through"))
		printf("  %s\n", off->what);
	else
		printf("  not possible here: %s\n", off->word[0] == '\0' ? "there is no such thing" : off->word);
}

struct sum {
	size_t denied, through, skipped;
};

static struct sum sum_of(const struct scene *scene, enum mode mode)
{
	struct sum sum = { 0 };
	for (size_t i = 0; i < scene->modes[OFF].count; i++) {
		if (is(&scene->modes[mode].list[i], "through"))
			sum.through++;
		else if (is(&scene->modes[OFF].list[i], "through"))
			sum.denied++;
		else
			sum.skipped++;
	}
	return sum;
}

static void print_table(const struct scene *scene)
{
	size_t count = scene->modes[OFF].count;
	printf("%-20s", "act");
	for (enum mode mode = STANDARD; mode < MODES; mode++)
		if (scene->modes[mode].was_run)
			printf(" %-7s", mode_names[mode]);
	printf("  what it tries\n");
	for (size_t i = 0; i < count; i++)
		print_row(scene, i);
	for (enum mode mode = STANDARD; mode < MODES; mode++) {
		if (!scene->modes[mode].was_run)
			continue;
		struct sum sum = sum_of(scene, mode);
		printf("%s: %zu acts: %zu denied, %zu got through, %zu never seen succeeding\n", mode_names[mode], count, sum.denied,
		       sum.through, sum.skipped);
	}
	fflush(stdout);
}

/* "kill?" only where no other user's permissions stand before it. */
static bool wants_name(const struct outcome *outcome, enum mode mode)
{
	return *outcome->call != '\0' && (mode != STRICT || strchr(outcome->call, '?') == NULL);
}

/* The word with quotes, as JSON has it. */
static bool event_names(struct world *world, const char *events, const char *call)
{
	const char *name = world_print(world, "\"%.*s\"", (int)strcspn(call, "?"), call);
	for (const char *line = strstr(events, "\"seccomp.violation\""); line != NULL;
	     line = strstr(line + 1, "\"seccomp.violation\"")) {
		const char *end = strchr(line, '\n'), *found = strstr(line, name);
		if (found != NULL && (end == NULL || found < end))
			return true;
	}
	return false;
}

/* One wrong outcome a line, so that a change of several is seen at once. */
static size_t count_wrong(const struct scene *scene, enum mode mode)
{
	const struct outcomes *outcomes = &scene->modes[mode], *off = &scene->modes[OFF];
	size_t wrong = 0;
	for (size_t i = 0; i < outcomes->count; i++) {
		const struct outcome *outcome = &outcomes->list[i];
		bool through = is(outcome, "through"), seen = is(&off->list[i], "through");
		bool expected = is_left_open(outcome, mode);
		bool named = through || !seen || !wants_name(outcome, mode) || event_names(scene->world, outcomes->events, outcome->call);
		if (through == (expected && seen) && !is(outcome, "killed") && named)
			continue;
		print_error("%s under %s: %s (%s), expected %s%s\n", outcome->name, mode_names[mode], outcome->outcome,
			    outcome->word, expected ? "through" : "denied", named ? "" : "; no event names its call");
		wrong++;
	}
	return wrong;
}

/* By name, and why: of an ordinary user, and before Linux 6.12. */
static void print_left(const struct scene *scene)
{
	const struct outcomes *outcomes = &scene->modes[STANDARD];
	printf("left open by default:%s", sum_of(scene, STANDARD).through == 0 ? " nothing" : "");
	for (size_t i = 0; i < outcomes->count; i++)
		if (is(&outcomes->list[i], "through"))
			printf(" %s (wants %s)", outcomes->list[i].name,
			       strchr(outcomes->list[i].expected, 'S') != NULL ? "Landlock's ABI 6" :
			       strchr(outcomes->list[i].expected, 'C') != NULL ? "Landlock's ABI 3" : "a user of its own");
	printf("\n");
	fflush(stdout);
}

static void assert_expected(const struct scene *scene)
{
	size_t wrong = 0;
	for (enum mode mode = STANDARD; mode <= STRICT; mode++)
		if (scene->modes[mode].was_run)
			wrong += count_wrong(scene, mode);
	if (wrong > 0)
		fail_msg("%zu acts came out otherwise than expected", wrong);
	if (geteuid() == 0)
		assert_true(sum_of(scene, STANDARD).denied >= SEEN_DENIED_MIN);
	if (geteuid() == 0 && landlock_has(6))
		assert_int_equal(sum_of(scene, STANDARD).through + sum_of(scene, STRICT).through, 0);
}

/* What the acts made, they have taken away. */
static void assert_tidy(struct world *world)
{
	const char *words[] = { "find", world_path(world, "work"), "-name", "*probe*", NULL };
	struct program *find = program_start(world, words);
	assert_int_equal(program_finish(world, find, 20), 0);
	assert_string_equal(program_out(world, find), "");
}

/* On cgroup v2 a user's run is alone in its group, so the neighbour has one beside it. */
static void run_beside(struct world *world, const char *const *words)
{
	const char *given = getenv("E2E_CGROUP");
	char *own = given == NULL ? NULL : world_print(world, "%s", given);
	char *beside = given == NULL ? NULL : world_print(world, "%s-%s", given, world->name);
	if (beside != NULL && (mkdir(beside, 0755) < 0 || setenv("E2E_CGROUP", beside, 1) < 0))
		fail_msg("mkdir %s: %s", beside, strerror(errno));
	run_start(world, words);
	if (own != NULL)
		setenv("E2E_CGROUP", own, 1);
}

static void start_neighbour(struct scene *scene)
{
	const char *words[] = { "--", "sleep", "600", NULL };
	/* One user has one home. */
	world_environment(scene->neighbour, "HOME=%s", scene->world->directory);
	if (geteuid() != 0)
		world_environment(scene->neighbour, "XDG_RUNTIME_DIR=%s", scene->world->directory);
	run_beside(scene->neighbour, words);
	scene->neighbour_pid = await_worker(scene->neighbour, 0, 20);
}

static char *read_whole(struct world *world, const char *path)
{
	const char *words[] = { "cat", path, NULL };
	struct program *cat = program_start(world, words);
	assert_int_equal(program_finish(world, cat, 20), 0);
	return program_out(world, cat);
}

static void play(struct scene *scene)
{
	struct world *world = scene->world;
	const char *given = getenv("E2E_PROBE_POLICY");
	assert_int_equal(mkdir(world_path(world, "work"), 0755), 0);
	copy_probe(world, "probe", 0755);
	copy_probe(world, "gain", 04755);
	make_secret(world);
	const char *outsider[] = { built_path(world, "tests/probe/heapward-probe"), "--outsider", world_path(world, "work/signals"), NULL };
	scene->outsider = program_start(scene->neighbour, outsider); /* what is left of the service must not count it */
	start_neighbour(scene);
	run_mode(scene, OFF, policies[OFF]);
	run_mode(scene, STANDARD, policies[STANDARD]);
	if (geteuid() == 0) /* it wants another user */
		run_mode(scene, STRICT, read_whole(world, E2E_SOURCE_ROOT "/policies/strict.yaml"));
	if (given != NULL)
		run_mode(scene, GIVEN, read_whole(world, given));
	print_table(scene);
	print_left(scene);
	assert_tidy(world);
	assert_expected(scene);
}

static void a_compromised_server_gets_nothing(void **state)
{
	play(*state);
}

static int make_scene(void **state)
{
	static struct scene scene;
	void *worlds[2] = { NULL, NULL };
	if (world_make(&worlds[0]) != 0 || world_make(&worlds[1]) != 0)
		return -1;
	scene = (struct scene){ .world = worlds[0], .neighbour = worlds[1] };
	*state = &scene;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *scene = *state;
	void *worlds[2] = { scene->world, scene->neighbour };
	int first = world_end(&worlds[0]);
	return world_end(&worlds[1]) != 0 ? -1 : first;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_compromised_server_gets_nothing, make_scene, end_scene),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
