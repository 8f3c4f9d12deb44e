/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of workers whose event loop stands still: each line an event with the actions that it must bring. */
#include "tests/scenario/story.h"

static void a_stuck_worker_is_stopped_once_its_spare_is_ready(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, STUCK, "check-room 1");
	is(&story, "replacing");
	assert_false(service_state_is_ready(&story.state)); /* it is there, and does not serve */
	room(&story, "(replace.start), launch 2");
	assert_string_equal(told(&story, 0), "its event loop is stuck: a second worker starts");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, STUCK, ""); /* said again while it lasts */
	passes(&story, 1 * SEC);
	worker(&story, 2, READY, "(ready), SIGTERM to 1"); /* it cannot drain */
	is_replacing(&story);
	deadline(&story, 10 * SEC, "(warning), kill 1"); /* with a handler for SIGTERM it does not hear that either */
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_watchdog, "(death), keep-death 1, (replace.done)");
	is(&story, "ready");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	assert_int_equal(story.state.deaths_by_verdict[VERDICT_WATCHDOG], 1);
}

static void one_that_turns_again_in_time_drains_as_any_other(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, STUCK, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, TURNS, "");
	is_replacing(&story);
	passes(&story, 1 * SEC);
	worker(&story, 2, READY, "(ready), drain 1");
	worker(&story, 1, STUCK, "SIGTERM to 1"); /* and is stuck once more: it will not drain */
	leaves(&story, 1, "keep-death 1, (replace.done)");
	assert_int_equal(story.state.deaths_total, 0);
}

static void without_a_second_worker_a_stuck_one_is_a_death_like_any_other(void **state UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	worker(&story, 1, STUCK, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_watchdog, "(death), keep-death 1, (restart.scheduled)");
	is(&story, "back-off");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	serves(&story);
	worker(&story, 1, STUCK, "check-room 1");
	no_room(&story, "need 560 MiB, have 312 MiB", "(replace.refused), SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_watchdog, "(death), keep-death 1, (restart.scheduled)");
}

static void stuck_while_it_is_replaced_it_is_not_waited_for(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_crash, "(death), keep-death 2, (replace.refused)");
	worker(&story, 1, STUCK, "check-room 1"); /* the back-off was for a first worker that serves */
	room(&story, "(replace.start), launch 3");
	worker(&story, 3, LAUNCHED, "");
	worker(&story, 3, READY, "(ready), SIGTERM to 1");
	assert_int_equal(story.state.slots[0].spare.asked, ASKED_WATCHDOG);
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_watchdog, "(death), keep-death 1, (replace.done)");
}

static void stuck_at_once_the_worker_before_it_is_not_waited_for(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	worker(&story, 2, STUCK, "(warning), SIGTERM to 1");
	leaves(&story, 1, "keep-death 1, (replace.done), check-room 2");
	room(&story, "(replace.start), launch 3");
	assert_string_equal(told(&story, 0), "its event loop is stuck: a second worker starts");
}

static void a_stuck_worker_that_is_asked_to_stop_or_drain_has_been_asked(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, STUCK, "check-room 1");
	slot(&story, STOP, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
	serves(&story);
	slot(&story, DRAIN, "last-call, drain 1");
	worker(&story, 1, STUCK, "SIGTERM to 1");
}

static void a_stuck_worker_does_not_hear_that_it_is_to_drain(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, STUCK, "check-room 1");
	slot(&story, DRAIN, "SIGTERM to 1");
	is(&story, "stopping");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
	serves(&story); /* one that turns again does */
	worker(&story, 1, STUCK, "check-room 1");
	worker(&story, 1, TURNS, "");
	slot(&story, DRAIN, "last-call, drain 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stuck_worker_is_stopped_once_its_spare_is_ready),
		cmocka_unit_test(one_that_turns_again_in_time_drains_as_any_other),
		cmocka_unit_test(without_a_second_worker_a_stuck_one_is_a_death_like_any_other),
		cmocka_unit_test(stuck_while_it_is_replaced_it_is_not_waited_for),
		cmocka_unit_test(stuck_at_once_the_worker_before_it_is_not_waited_for),
		cmocka_unit_test(a_stuck_worker_that_is_asked_to_stop_or_drain_has_been_asked),
		cmocka_unit_test(a_stuck_worker_does_not_hear_that_it_is_to_drain),
	};
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
