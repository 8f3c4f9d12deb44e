/* SPDX-License-Identifier: Apache-2.0 */
/* test_heap_limit: V8's limit is changed while the `node` of PATH runs: lower at once or as soon as less is in use,
 * higher when the heap comes to the limit that it has; headroom is granted once, on top of it. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "supervisor/edge/libexec.h"
#include "supervisor/edge/records.h"

#define HEADROOM_BYTES (16 * MIB)
#define YOUNG_BYTES (3 * 8 * MIB)
#define PATIENCE_USEC (60 * USEC_PER_SEC)
#define LIFE_MAX_SEC 100

/* A node that does one line of stdin after the other; what they are is in tests/unit/agent/heap.js. */
struct worker {
	struct loop loop;
	struct records records;
	pid_t pid;
	int in_fd, status;
	size_t answers, near_limits;
	struct heapward_record_limit answer; /* the last one */
};

static void answered(struct records *records, const struct reporter *reporter UNUSED,
		     const struct heapward_record_limit *limit)
{
	struct worker *worker = records->owner;
	worker->answers++;
	worker->answer = *limit;
}

static void came_near(struct records *records, const struct reporter *reporter UNUSED, uint64_t granted_bytes UNUSED)
{
	((struct worker *)records->owner)->near_limits++;
}

static int set_up(void **state)
{
	static struct worker worker;
	struct failure why;
	memset(&worker, 0, sizeof(worker));
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_init(&worker.loop, &why), 0);
	assert_int_equal(records_init(&worker.records, &worker.loop, &why), 0);
	worker.records.owner = &worker;
	worker.records.limit = answered;
	worker.records.near_limit = came_near;
	*state = &worker;
	return 0;
}

static int tear_down(void **state)
{
	struct worker *worker = *state;
	if (worker->pid > 0) {
		kill(worker->pid, SIGKILL);
		waitpid(worker->pid, NULL, 0);
	}
	if (worker->in_fd > 0)
		close(worker->in_fd);
	records_finish(&worker->records);
	loop_finish(&worker->loop);
	return 0;
}

static void __attribute__((noreturn)) become_node(const struct worker *worker, int in_fd, const char *options,
						  const char *mode)
{
	char path[4096], all[8192], variable[RECORDS_VARIABLE_MAX];
	struct failure why;
	if (libexec_path("agent.cjs", path, sizeof(path), &why) < 0)
		_exit(120);
	snprintf(all, sizeof(all), "--require \"%s\" --max-semi-space-size=8 %s", path, options);
	setenv("NODE_OPTIONS", all, 1);
	records_variable(&worker->records, HEADROOM_BYTES, 0, NULL, 0, variable, sizeof(variable));
	putenv(variable);
	alarm(LIFE_MAX_SEC);
	int null_fd = open("/dev/null", O_WRONLY);
	if (dup2(worker->records.worker_pipe_fd, RECORDS_PIPE_FD) < 0 ||
	    dup2(worker->records.worker_door_fd, RECORDS_DOOR_FD) < 0 || dup2(in_fd, 0) < 0 || dup2(null_fd, 2) < 0)
		_exit(121);
	execlp("node", "node", TESTS_SOURCE "/agent/heap.js", mode, (char *)NULL);
	_exit(122);
}

static void await(struct worker *worker, bool (*is_so)(const struct worker *), const char *what)
{
	struct failure why;
	for (int64_t end = loop_now_usec() + PATIENCE_USEC; !is_so(worker);) {
		if (loop_now_usec() > end)
			fail_msg("%s: not seen", what);
		assert_int_equal(loop_wait(&worker->loop, loop_now_usec() + 10 * USEC_PER_MSEC, &why), 0);
	}
}

static bool all_take_commands(const struct worker *worker)
{
	size_t takes, servers = records_servers(&worker->records, &takes);
	return takes > 0 && takes == servers;
}

static void start_node(struct worker *worker, const char *options, const char *mode)
{
	int in[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	worker->pid = fork();
	if (worker->pid == 0)
		become_node(worker, in[0], options, mode);
	close(in[0]);
	worker->in_fd = in[1];
	records_launched(&worker->records);
	await(worker, all_take_commands, "hello");
}

/* "keep N", "drop", "leak", "collect": to be done in this order. */
static void tell_node(struct worker *worker, const char *line)
{
	assert_int_equal(dprintf(worker->in_fd, "%s\n", line), (int)strlen(line) + 1);
}

static bool is_answered(const struct worker *worker)
{
	return worker->answers > 0;
}

static bool is_taken(const struct worker *worker)
{
	return worker->answers > 0 && worker->answer.state == HEAPWARD_LIMIT_TAKEN;
}

static bool is_gone(const struct worker *worker)
{
	return worker->records.reporters[0].closed;
}

static bool holds_more_than_60_mib(const struct worker *worker)
{
	return worker->records.reporters[0].last.used_bytes > 60 * MIB;
}

static void ask(struct worker *worker, uint64_t mib)
{
	worker->answers = 0;
	assert_int_equal(records_send_old_space(&worker->records, mib * MIB), 1);
	await(worker, is_answered, "answer");
	assert_int_equal(worker->answer.old_space_bytes, mib * MIB);
}

static void await_death(struct worker *worker)
{
	await(worker, is_gone, "death");
	assert_int_equal(waitpid(worker->pid, &worker->status, 0), worker->pid);
	worker->pid = 0;
	assert_true(WIFSIGNALED(worker->status) && WTERMSIG(worker->status) == SIGABRT);
}

static void lower_is_taken_at_once_and_is_what_the_heap_dies_of(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=256", "single");
	ask(worker, 48);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_TAKEN);
	assert_int_equal(worker->answer.limit_bytes, 48 * MIB + YOUNG_BYTES);
	assert_int_equal(worker->answer.granted_bytes, 0);
	tell_node(worker, "leak");
	await_death(worker);
	const struct reporter *reporter = &worker->records.reporters[0];
	assert_true(reporter->near_limit);
	assert_int_equal(reporter->old_space_bytes, 48 * MIB);
	assert_int_equal(reporter->granted_bytes, HEADROOM_BYTES);
	assert_in_range(reporter->last.used_bytes, 40 * MIB, 48 * MIB + YOUNG_BYTES + HEADROOM_BYTES);
}

static void lower_waits_until_less_is_in_use(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=256", "single");
	tell_node(worker, "keep 64");
	tell_node(worker, "collect");
	await(worker, holds_more_than_60_mib, "a heap of 64 MiB");
	ask(worker, 40);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_WAITS);
	assert_in_range(worker->answer.limit_bytes, 64 * MIB + YOUNG_BYTES, 256 * MIB + YOUNG_BYTES - 1);
	tell_node(worker, "drop");
	tell_node(worker, "collect");
	tell_node(worker, "collect");
	await(worker, is_taken, "the lower limit");
	assert_int_equal(worker->answer.limit_bytes, 40 * MIB + YOUNG_BYTES);
	assert_int_equal(worker->near_limits, 0);
}

static void higher_is_taken_at_the_old_limit_and_is_no_near_limit(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=48", "single");
	ask(worker, 128);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_WAITS);
	assert_int_equal(worker->answer.limit_bytes, 48 * MIB + YOUNG_BYTES);
	tell_node(worker, "keep 80");
	await(worker, is_taken, "the higher limit");
	assert_int_equal(worker->answer.limit_bytes, 128 * MIB + YOUNG_BYTES);
	await(worker, holds_more_than_60_mib, "more than the old limit");
	assert_int_equal(worker->near_limits, 0);
	tell_node(worker, "leak");
	await_death(worker);
	const struct reporter *reporter = &worker->records.reporters[0];
	assert_int_equal(reporter->old_space_bytes, 128 * MIB);
	assert_int_equal(reporter->granted_bytes, HEADROOM_BYTES);
}

static void there_and_back_is_where_it_was(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=64", "single");
	ask(worker, 256);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_WAITS);
	ask(worker, 64);
	assert_int_equal(worker->answer.limit_bytes, 64 * MIB + YOUNG_BYTES);
	ask(worker, 32);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_TAKEN);
	assert_int_equal(worker->answer.limit_bytes, 32 * MIB + YOUNG_BYTES);
}

static void all_processes_of_a_cluster_are_told_and_those_that_come_later(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=256", "cluster");
	ask(worker, 64);
	tell_node(worker, "fork");
	tell_node(worker, "fork");
	for (size_t i = 1; i <= 2; i++) {
		struct failure why;
		const struct reporter *reporter = &worker->records.reporters[i];
		for (int64_t end = loop_now_usec() + PATIENCE_USEC; reporter->limit_state != HEAPWARD_LIMIT_TAKEN;) {
			if (loop_now_usec() > end)
				fail_msg("process %zu is not told", i);
			assert_int_equal(loop_wait(&worker->loop, loop_now_usec() + 10 * USEC_PER_MSEC, &why), 0);
		}
		assert_int_equal(reporter->heap_size_limit_bytes, 64 * MIB + YOUNG_BYTES);
	}
	assert_int_equal(records_send_old_space(&worker->records, 48 * MIB), 3);
}

/* Then V8's callback is Node's own: the limit can go down, not up. */
static void with_snapshots_at_the_limit_higher_is_refused(void **state)
{
	struct worker *worker = *state;
	start_node(worker, "--max-old-space-size=64 --heapsnapshot-near-heap-limit=1", "single");
	ask(worker, 128);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_REFUSED);
	ask(worker, 48);
	assert_int_equal(worker->answer.state, HEAPWARD_LIMIT_TAKEN);
}

#define WORKER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(lower_is_taken_at_once_and_is_what_the_heap_dies_of),
		WORKER_TEST(lower_waits_until_less_is_in_use),
		WORKER_TEST(higher_is_taken_at_the_old_limit_and_is_no_near_limit),
		WORKER_TEST(there_and_back_is_where_it_was),
		WORKER_TEST(all_processes_of_a_cluster_are_told_and_those_that_come_later),
		WORKER_TEST(with_snapshots_at_the_limit_higher_is_refused),
	};
	return cmocka_run_group_tests_name("heap_limit", tests, NULL, NULL);
}
