/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "supervisor/edge/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

struct bell {
	struct loop *loop;
	struct source source;
	struct source *silences; /* removed when this one rings */
	int rung;
};

static void ring(struct source *source, uint32_t events UNUSED)
{
	struct bell *bell = source->owner;
	bell->rung++;
	if (bell->silences != NULL)
		loop_remove(bell->loop, bell->silences);
}

static void bell_hang(struct bell *bell, struct loop *loop)
{
	struct failure why;
	*bell = (struct bell){ .loop = loop };
	bell->source = (struct source){ .fd = eventfd(0, EFD_CLOEXEC), .ready = ring, .owner = bell };
	assert_int_equal(loop_add(loop, &bell->source, EPOLLIN, &why), 0);
}

static void a_deadline_wakes_and_is_not_early(void **state UNUSED)
{
	struct loop loop;
	struct failure why;
	assert_int_equal(loop_init(&loop, &why), 0);
	int64_t deadline = loop_now_usec() + 20 * USEC_PER_MSEC;
	assert_int_equal(loop_wait(&loop, deadline, &why), 0);
	assert_true(loop_now_usec() >= deadline);
	/* One in the past wakes at once, also twice. */
	assert_int_equal(loop_wait(&loop, 0, &why), 0);
	assert_int_equal(loop_wait(&loop, 0, &why), 0);
	loop_finish(&loop);
}

static void a_source_removed_in_the_same_wake_up_stays_silent(void **state UNUSED)
{
	struct loop loop;
	struct failure why;
	struct bell first, second;
	assert_int_equal(loop_init(&loop, &why), 0);
	bell_hang(&first, &loop);
	bell_hang(&second, &loop);
	first.silences = &second.source;
	second.silences = &first.source;
	eventfd_write(first.source.fd, 1);
	eventfd_write(second.source.fd, 1);
	assert_int_equal(loop_wait(&loop, USEC_NEVER, &why), 0);
	assert_int_equal(first.rung + second.rung, 1);
	close(first.source.fd);
	close(second.source.fd);
	loop_finish(&loop);
}

static void a_fault_of_the_machine_is_a_failure_not_a_crash(void **state UNUSED)
{
	struct rlimit old, none = { 0, 0 };
	struct loop loop;
	struct failure why;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int result = loop_init(&loop, &why);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(result, -1);
	assert_contains(why.text, "Too many open files");
	loop_finish(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_wakes_and_is_not_early),
		cmocka_unit_test(a_source_removed_in_the_same_wake_up_stays_silent),
		cmocka_unit_test(a_fault_of_the_machine_is_a_failure_not_a_crash),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
