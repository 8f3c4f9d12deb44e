/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/edge/sink.h"

#include <fcntl.h>
#include <signal.h>

struct bench {
	struct loop loop;
	struct sink sink;
	int read_fd, write_fd;
	int blocked, flowing;
	uint64_t dropped;
};

static void flow(struct sink *sink, bool blocked)
{
	struct bench *bench = sink->owner;
	bench->blocked += blocked;
	bench->flowing += !blocked;
}

static void resumed(struct sink *sink, uint64_t dropped)
{
	struct bench *bench = sink->owner;
	bench->dropped = dropped;
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct failure why;
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	bench->read_fd = ends[0];
	bench->write_fd = ends[1];
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(loop_init(&bench->loop, &why), 0);
	assert_int_equal(sink_init(&bench->sink, &bench->loop, bench->write_fd, &why), 0);
	bench->sink.owner = bench;
	bench->sink.flow = flow;
	bench->sink.resumed = resumed;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	sink_finish(&bench->sink);
	loop_finish(&bench->loop);
	close(bench->read_fd);
	close(bench->write_fd);
	free(bench);
	return 0;
}

static size_t read_all(struct bench *bench, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t count;
	while (length < size && (count = read(bench->read_fd, buffer + length, size - length)) > 0)
		length += (size_t)count;
	return length;
}

static void a_line_of_ours_starts_at_a_line(void **state)
{
	struct bench *bench = *state;
	char text[64];
	sink_line(&bench->sink, "one\n", 4, 0);
	sink_write(&bench->sink, "half", 4, 0);
	sink_line(&bench->sink, "two\n", 4, 0);
	size_t length = read_all(bench, text, sizeof(text));
	assert_int_equal(length, 13);
	assert_memory_equal(text, "one\nhalf\ntwo\n", 13);
}

static void the_flags_of_the_shared_description_stay(void **state)
{
	struct bench *bench = *state;
	assert_int_equal(fcntl(bench->write_fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(bench->sink.manner, SINK_OWN);
}

/* Lines of 100 bytes until the pipe is full and some are held. */
static void fill(struct bench *bench)
{
	char line[100];
	memset(line, 'x', sizeof(line));
	line[99] = '\n';
	while (!bench->sink.blocked)
		sink_write(&bench->sink, line, sizeof(line), 1000);
	for (int i = 0; i < 10; i++)
		sink_write(&bench->sink, line, sizeof(line), 1000);
}

static void a_full_sink_holds_and_then_goes_on(void **state)
{
	static char buffer[1024 * 1024];
	struct bench *bench = *state;
	struct failure why;
	fill(bench);
	assert_int_equal(bench->blocked, 1);
	assert_int_equal(sink_deadline(&bench->sink), 1000 + SINK_PATIENCE_USEC);
	size_t length = read_all(bench, buffer, sizeof(buffer));
	assert_int_equal(loop_wait(&bench->loop, USEC_NEVER, &why), 0);
	length += read_all(bench, buffer + length, sizeof(buffer) - length);
	assert_int_equal(length % 100, 0);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(buffer[i], i % 100 == 99 ? '\n' : 'x');
	assert_int_equal(bench->flowing, 1);
	assert_int_equal(bench->sink.dropped_bytes, 0);
	assert_int_equal(sink_deadline(&bench->sink), USEC_NEVER);
}

static void a_sink_that_takes_nothing_loses_whole_lines(void **state)
{
	static char buffer[1024 * 1024];
	struct bench *bench = *state;
	struct failure why;
	fill(bench);
	sink_tick(&bench->sink, 1000 + SINK_PATIENCE_USEC);
	assert_true(bench->sink.dropping);
	assert_int_equal(bench->flowing, 1);
	sink_write(&bench->sink, "lost\n", 5, 2 * USEC_PER_SEC);
	size_t length = read_all(bench, buffer, sizeof(buffer));
	assert_int_equal(loop_wait(&bench->loop, USEC_NEVER, &why), 0);
	assert_true(bench->dropped > 0);
	sink_line(&bench->sink, "back\n", 5, 3 * USEC_PER_SEC);
	length += read_all(bench, buffer + length, sizeof(buffer) - length);
	assert_memory_equal(buffer + length - 6, "\nback\n", 6);
	assert_int_equal((length - 5) % 100, 0);
}

static void a_closed_sink_takes_everything(void **state)
{
	struct bench *bench = *state;
	close(bench->read_fd);
	bench->read_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sink_write(&bench->sink, "gone\n", 5, 0);
	assert_false(bench->sink.blocked);
	assert_int_equal(bench->sink.dropped_bytes, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_line_of_ours_starts_at_a_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_flags_of_the_shared_description_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_sink_holds_and_then_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sink_that_takes_nothing_loses_whole_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_closed_sink_takes_everything, set_up, tear_down),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
