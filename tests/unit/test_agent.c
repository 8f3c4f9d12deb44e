/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent: the agent inside the `node` of PATH, heard through edge/records: its own word for V8's limits, records up to
 * the moment of death, and silence where there is no supervisor. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "supervisor/edge/libexec.h"
#include "supervisor/edge/records.h"

#define OUTPUT_MAX 8192
#define LIFE_MAX_SEC 60

struct fixture {
	struct loop loop;
	struct records records;
	char output[OUTPUT_MAX]; /* stdout of node */
	int status;
	uint64_t heartbeat_msec; /* asked of it */
	unsigned heartbeats;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct failure why;
	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(loop_init(&fixture.loop, &why), 0);
	assert_int_equal(records_init(&fixture.records, &fixture.loop, &why), 0);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	records_finish(&fixture->records);
	loop_finish(&fixture->loop);
	return 0;
}

static void __attribute__((noreturn)) become_node(const struct fixture *fixture, const char *options, const char *script,
						  int out_fd, bool supervised)
{
	char path[4096], all[8192], variable[RECORDS_VARIABLE_MAX];
	struct failure why;
	if (libexec_path("agent.cjs", path, sizeof(path), &why) < 0)
		_exit(120);
	snprintf(all, sizeof(all), "--require \"%s\" %s", path, options);
	setenv("NODE_OPTIONS", all, 1);
	records_variable(&fixture->records, 16 * MIB, fixture->heartbeat_msec, NULL, 0, variable, sizeof(variable));
	if (supervised)
		putenv(variable);
	alarm(LIFE_MAX_SEC);
	if (dup2(fixture->records.worker_pipe_fd, RECORDS_PIPE_FD) < 0 ||
	    dup2(fixture->records.worker_door_fd, RECORDS_DOOR_FD) < 0 || dup2(out_fd, 1) < 0)
		_exit(121);
	int null_fd = open("/dev/null", O_WRONLY);
	dup2(null_fd, 2); /* V8's last words */
	execlp("node", "node", "-e", script, (char *)NULL);
	_exit(122);
}

/* Runs node to its end and hears all it had to say. */
static void run_node(struct fixture *fixture, const char *options, const char *script, bool supervised)
{
	int ends[2];
	size_t length = 0;
	ssize_t count;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0)
		become_node(fixture, options, script, ends[1], supervised);
	close(ends[1]);
	records_launched(&fixture->records);
	while ((count = read(ends[0], fixture->output + length, OUTPUT_MAX - 1 - length)) > 0) {
		length += (size_t)count;
		records_drain(&fixture->records);
	}
	close(ends[0]);
	assert_int_equal(waitpid(pid, &fixture->status, 0), pid);
	records_drain(&fixture->records);
}

static void the_hello_says_what_v8_says(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "--max-old-space-size=64 --max-semi-space-size=8",
		 "console.log(v8.getHeapStatistics().heap_size_limit, process.versions.node)", true);
	assert_int_equal(fixture->status, 0);
	const struct reporter *reporter = records_principal(&fixture->records);
	assert_non_null(reporter);
	char wanted[128];
	snprintf(wanted, sizeof(wanted), "%llu %s\n", (unsigned long long)reporter->heap_size_limit_bytes,
		 reporter->version);
	assert_string_equal(fixture->output, wanted);
	assert_int_equal(reporter->heap_size_limit_bytes, (64 + 3 * 8) * MIB);
	assert_int_equal(reporter->source, HEAPWARD_SOURCE_AGENT);
	assert_string_equal(reporter->runtime, "node");
	assert_true(reporter->main_isolate && reporter->said_bye && !reporter->launcher);
	assert_int_equal(reporter->bye_status, 0);
	assert_int_equal(fixture->records.bad, 0);
}

static void collections_are_reported_while_the_event_loop_is_stuck(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "--max-old-space-size=64",
		 "const keep = []; for (let i = 0; i < 300000; i++) keep.push({ i }); globalThis.keep = keep;"
		 "const until = Date.now() + 300; while (Date.now() < until) new Array(1000).fill({})", true);
	assert_int_equal(fixture->status, 0);
	assert_true(fixture->records.good > 3);
	assert_true(fixture->records.series_count > 1);
	const struct reporter *reporter = records_principal(&fixture->records);
	assert_in_range(reporter->last.used_bytes, 2 * MIB, 64 * MIB);
}

static void the_limit_is_seen_coming_and_headroom_granted_once(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "--max-old-space-size=32", "const keep = []; for (;;) keep.push(new Array(100).fill({}))", true);
	assert_true(WIFSIGNALED(fixture->status) && WTERMSIG(fixture->status) == SIGABRT);
	const struct reporter *reporter = records_principal(&fixture->records);
	assert_non_null(reporter);
	assert_true(reporter->near_limit);
	assert_false(reporter->said_bye);
	assert_int_equal(reporter->old_space_bytes / MIB, 32);
	assert_int_equal(reporter->granted_bytes, 16 * MIB);
	assert_true(reporter->last.used_bytes > 32 * MIB);
}

static void an_exit_status_is_told_by_the_bye(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "", "process.exit(7)", true);
	const struct reporter *reporter = records_principal(&fixture->records);
	assert_non_null(reporter);
	assert_true(reporter->said_bye);
	assert_int_equal(reporter->bye_status, 7);
}

static void a_worker_thread_is_a_reporter_of_its_own(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "", "new (require('worker_threads').Worker)('setTimeout(() => {}, 50)', { eval: true })", true);
	assert_int_equal(fixture->status, 0);
	assert_int_equal(fixture->records.reporter_count, 2);
	assert_int_equal(fixture->records.reporters[0].main_isolate + fixture->records.reporters[1].main_isolate, 1);
}

static size_t beating(const struct fixture *fixture)
{
	size_t count = 0;
	for (size_t i = 0; i < fixture->records.reporter_count; i++)
		count += fixture->records.reporters[i].heartbeat_usec > 0;
	return count;
}

static void heart_beats(struct records *records, const struct reporter *reporter UNUSED)
{
	((struct fixture *)records->owner)->heartbeats++;
}

/* Node runs `script` to its end, with heartbeats asked for. */
static void hear_heartbeats(struct fixture *fixture, const char *options, const char *script)
{
	fixture->heartbeat_msec = 20;
	fixture->records.owner = fixture;
	fixture->records.heartbeat = heart_beats;
	run_node(fixture, options, script, true);
	assert_int_equal(fixture->status, 0);
	assert_int_equal(fixture->records.bad + fixture->records.unknown, 0);
}

static void the_event_loop_beats_while_it_turns_and_is_not_kept_alive_by_it(void **state)
{
	struct fixture *fixture = *state;
	hear_heartbeats(fixture, "", "setTimeout(() => console.log(process.env.HEAPWARD_AGENT), 1000)");
	assert_true(fixture->heartbeats > 3);
	assert_contains(fixture->output, ";heartbeat=20:cluster");
}

static void a_stuck_event_loop_beats_no_more(void **state)
{
	struct fixture *fixture = *state;
	/* What is printed is read, and heartbeats with it, before the loop stands still. */
	hear_heartbeats(fixture, "", "setTimeout(() => { console.log('stuck'); const until = Date.now() + 1000;"
			"while (Date.now() < until); process.exit() }, 400)");
	assert_true(fixture->heartbeats > 0 && fixture->heartbeats <= 400 / 20 + 2);
}

static void nobody_beats_unasked(void **state)
{
	struct fixture *fixture = *state;
	fixture->records.owner = fixture;
	fixture->records.heartbeat = heart_beats;
	run_node(fixture, "", "setTimeout(() => {}, 300)", true);
	assert_int_equal(fixture->heartbeats, 0);
}

static void without_the_addon_it_beats_too(void **state)
{
	struct fixture *fixture = *state;
	hear_heartbeats(fixture, "--no-addons", "setTimeout(() => {}, 1000)");
	assert_int_equal(records_principal(&fixture->records)->source, HEAPWARD_SOURCE_TIMER);
	assert_int_equal(beating(fixture), 1);
}

/* One that a server starts may work for as long as it likes; a cluster's worker is a server. */
static void of_what_a_server_starts_only_the_workers_of_a_cluster_beat(void **state)
{
	struct fixture *fixture = *state;
	hear_heartbeats(fixture, "", "const child = require('child_process');"
			"child.spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1000)'], { stdio: 'inherit' });"
			"new (require('worker_threads').Worker)('setTimeout(() => {}, 1000)', { eval: true });"
			"setTimeout(() => {}, 1000)");
	assert_int_equal(fixture->records.reporter_count, 3);
	assert_int_equal(beating(fixture), 1);
	records_finish(&fixture->records);
	struct failure why;
	assert_int_equal(records_init(&fixture->records, &fixture->loop, &why), 0);
	hear_heartbeats(fixture, "", "const cluster = require('cluster');"
			"cluster.setupPrimary({ exec: 'x', execArgv: ['-e', 'setTimeout(process.exit, 1000)'] });"
			"cluster.fork(); cluster.fork(); setTimeout(() => {}, 1000)");
	assert_int_equal(fixture->records.reporter_count, 3);
	assert_int_equal(beating(fixture), 3);
}

static void without_a_supervisor_nothing_happens(void **state)
{
	struct fixture *fixture = *state;
	run_node(fixture, "", "console.log('fine')", false);
	assert_int_equal(fixture->status, 0);
	assert_string_equal(fixture->output, "fine\n");
	assert_int_equal(fixture->records.reporter_count, 0);
	assert_int_equal(fixture->records.good + fixture->records.bad + fixture->records.unknown, 0);
}

#define AGENT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		AGENT_TEST(the_hello_says_what_v8_says),
		AGENT_TEST(collections_are_reported_while_the_event_loop_is_stuck),
		AGENT_TEST(the_limit_is_seen_coming_and_headroom_granted_once),
		AGENT_TEST(an_exit_status_is_told_by_the_bye),
		AGENT_TEST(a_worker_thread_is_a_reporter_of_its_own),
		AGENT_TEST(the_event_loop_beats_while_it_turns_and_is_not_kept_alive_by_it),
		AGENT_TEST(a_stuck_event_loop_beats_no_more),
		AGENT_TEST(nobody_beats_unasked),
		AGENT_TEST(without_the_addon_it_beats_too),
		AGENT_TEST(of_what_a_server_starts_only_the_workers_of_a_cluster_beat),
		AGENT_TEST(without_a_supervisor_nothing_happens),
	};
	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
