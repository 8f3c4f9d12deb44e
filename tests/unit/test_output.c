/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/edge/output.h"

struct bench {
	struct loop loop;
	struct output output;
	uint64_t seen_bytes;
	uint32_t seen_sum;
};

static void seen(struct output *output, const void *bytes, size_t count)
{
	struct bench *bench = output->owner;
	bench->seen_bytes += count;
	for (size_t i = 0; i < count; i++)
		bench->seen_sum = bench->seen_sum * 31 + ((const unsigned char *)bytes)[i];
}

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct failure why;
	assert_int_equal(loop_init(&bench->loop, &why), 0);
	assert_int_equal(output_init(&bench->output, &bench->loop, &why), 0);
	bench->output.owner = bench;
	bench->output.seen = seen;
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	output_finish(&bench->output);
	loop_finish(&bench->loop);
	free(bench);
	return 0;
}

static void every_byte_is_seen_and_the_ring_has_the_last(void **state)
{
	struct bench *bench = *state;
	static unsigned char tail[OUTPUT_RING_BYTES], chunk[4096 + 7];
	uint32_t sum = 0, at = 0;
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = (unsigned char)(at++ * 2654435761u >> 24);
		for (size_t i = 0; i < sizeof(chunk); i++)
			sum = sum * 31 + chunk[i];
		assert_int_equal(write(bench->output.worker_fd, chunk, sizeof(chunk)), sizeof(chunk));
		output_drain(&bench->output);
	}
	assert_int_equal(bench->seen_bytes, 50 * sizeof(chunk));
	assert_int_equal(bench->seen_sum, sum);
	assert_int_equal(output_tail(&bench->output, tail), OUTPUT_RING_BYTES);
	for (uint32_t i = 0; i < OUTPUT_RING_BYTES; i++)
		assert_int_equal(tail[i], (unsigned char)((at - OUTPUT_RING_BYTES + i) * 2654435761u >> 24));
}

static void a_short_output_is_kept_whole(void **state)
{
	struct bench *bench = *state;
	static unsigned char tail[OUTPUT_RING_BYTES];
	assert_int_equal(write(bench->output.worker_fd, "hello", 5), 5);
	output_drain(&bench->output);
	assert_int_equal(output_tail(&bench->output, tail), 5);
	assert_memory_equal(tail, "hello", 5);
}

static void a_paused_output_leaves_the_bytes_in_the_pipe(void **state)
{
	struct bench *bench = *state;
	struct failure why;
	output_pause(&bench->output, true);
	assert_int_equal(write(bench->output.worker_fd, "later", 5), 5);
	assert_int_equal(loop_wait(&bench->loop, loop_now_usec() + 1000, &why), 0);
	assert_int_equal(bench->seen_bytes, 0);
	output_pause(&bench->output, false);
	assert_int_equal(loop_wait(&bench->loop, USEC_NEVER, &why), 0);
	assert_int_equal(bench->seen_bytes, 5);
}

static void the_end_of_the_pipe_does_not_spin(void **state)
{
	struct bench *bench = *state;
	struct failure why;
	output_launched(&bench->output);
	assert_int_equal(loop_wait(&bench->loop, USEC_NEVER, &why), 0);
	assert_int_equal(bench->output.pipe.fd, -1);
	output_drain(&bench->output);
	output_pause(&bench->output, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_byte_is_seen_and_the_ring_has_the_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_short_output_is_kept_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_paused_output_leaves_the_bytes_in_the_pipe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_of_the_pipe_does_not_spin, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
