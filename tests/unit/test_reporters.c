/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "supervisor/core/reporters.h"

static struct reporter server(uint64_t used, uint64_t limit)
{
	return (struct reporter){ .main_isolate = true, .last = { .at_usec = 1, .used_bytes = used, .limit_bytes = limit } };
}

static void the_heap_that_matters_most_is_found(void **state UNUSED)
{
	struct reporter list[5] = { server(90, 100), server(10, 100), server(50, 100), server(20, 100), server(99, 100) };
	assert_null(reporters_principal(list, 0));
	list[4].launcher = true;      /* npm's own heap */
	list[0].closed = true;        /* gone */
	list[2].main_isolate = false; /* a worker thread */
	assert_ptr_equal(reporters_principal(list, 5), &list[3]);
	list[1].near_limit = true;
	assert_ptr_equal(reporters_principal(list, 5), &list[1]);
}

static void of_two_alike_the_fuller_one_matters(void **state UNUSED)
{
	struct reporter list[3] = { server(10, 0), server(10, 100), server(30, 100) };
	assert_ptr_equal(reporters_principal(list, 3), &list[2]);
	list[2].last.limit_bytes = 0; /* no record of it yet */
	assert_ptr_equal(reporters_principal(list, 3), &list[1]);
}

static void places_of_the_gone_are_given_anew_and_evidence_last(void **state UNUSED)
{
	struct reporter list[3] = { server(1, 2), server(1, 2), server(1, 2) };
	assert_int_equal(reporters_place(list, 2, 3, true), 2);
	assert_int_equal(reporters_place(list, 3, 3, true), 3);
	list[0].closed = list[1].closed = true;
	list[0].closed_usec = 5;
	list[1].closed_usec = 9;
	assert_int_equal(reporters_place(list, 3, 3, true), 0);
	list[0].near_limit = true;
	assert_int_equal(reporters_place(list, 3, 3, true), 1);
}

static void a_process_takes_the_place_of_a_thread_but_never_of_a_process(void **state UNUSED)
{
	struct reporter list[3] = { server(1, 2), server(1, 2), server(1, 2) };
	list[1].main_isolate = false;
	assert_int_equal(reporters_place(list, 3, 3, true), 1);
	assert_int_equal(reporters_place(list, 3, 3, false), 3);
	list[2].closed = true;
	assert_int_equal(reporters_place(list, 3, 3, true), 2);
}

static void a_reporter_is_known_by_pid_and_isolate(void **state UNUSED)
{
	struct reporter list[2] = { { .claimed_pid = 7, .isolate = 1 }, { .claimed_pid = 7, .isolate = 2 } };
	assert_int_equal(reporters_find(list, 2, 7, 2), 1);
	assert_int_equal(reporters_find(list, 2, 8, 2), 2);
	list[1].closed = true; /* the next with this name is another */
	assert_int_equal(reporters_find(list, 2, 7, 2), 2);
}

static void a_long_series_keeps_its_beginning_and_its_end_dense(void **state UNUSED)
{
	struct heap_sample series[HEAP_SERIES_MAX];
	size_t count = 0;
	const int64_t last = 100000;
	for (int64_t second = 0; second <= last; second++) {
		struct heap_sample sample = { .at_usec = second * USEC_PER_SEC };
		heap_series_add(series, &count, &sample);
	}
	assert_int_equal(count, HEAP_SERIES_MAX);
	assert_int_equal(series[0].at_usec, 0);
	assert_int_equal(series[count - 1].at_usec, last * USEC_PER_SEC);
	for (size_t i = 1; i < count; i++)
		assert_true(series[i].at_usec > series[i - 1].at_usec);
	int64_t early_gap = series[1].at_usec - series[0].at_usec;
	int64_t late_gap = series[count - 1].at_usec - series[count - 2].at_usec;
	assert_int_equal(late_gap, USEC_PER_SEC);
	assert_true(early_gap > 100 * late_gap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_heap_that_matters_most_is_found),
		cmocka_unit_test(of_two_alike_the_fuller_one_matters),
		cmocka_unit_test(places_of_the_gone_are_given_anew_and_evidence_last),
		cmocka_unit_test(a_process_takes_the_place_of_a_thread_but_never_of_a_process),
		cmocka_unit_test(a_reporter_is_known_by_pid_and_isolate),
		cmocka_unit_test(a_long_series_keeps_its_beginning_and_its_end_dense),
	};
	return cmocka_run_group_tests_name("reporters", tests, NULL, NULL);
}
