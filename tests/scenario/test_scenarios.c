/* SPDX-License-Identifier: Apache-2.0 */
/* Whole stories of a service, each line an event with the actions that it must bring: read them as documentation. */
#include "tests/scenario/story.h"

static void a_service_starts_and_is_stopped(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	is(&story, "stopped");
	slot(&story, START, "launch 1");
	is(&story, "starting");
	starts(&story, 1);
	deadline(&story, 30 * SEC, ""); /* healthy_after */
	no_deadline(&story);            /* an idle service costs no wake-up */
	slot(&story, STOP, "SIGTERM to 1");
	is(&story, "stopping");
	passes(&story, 3 * SEC);
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
	is(&story, "stopped");
}

static void a_heap_limit_death_is_told_kept_and_followed_by_a_restart(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (restart.scheduled)");
	is(&story, "back-off");
	deadline(&story, 100 * MSEC, "launch 2");
	starts(&story, 2);
}

static void a_service_that_keeps_dying_is_given_up_and_an_operator_brings_it_back(void **unused UNUSED)
{
	static struct story story;
	int64_t back_off_usec = 100 * MSEC;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	for (uint32_t id = 1; id <= 5; id++, back_off_usec *= 2) {
		char told[64], launch[32];
		snprintf(told, sizeof(told), "(death), keep-death %u, (restart.scheduled)", id);
		snprintf(launch, sizeof(launch), "launch %u", id + 1);
		worker(&story, id, LAUNCHED, "");
		crashes(&story, id, told);
		deadline(&story, back_off_usec, launch);
	}
	crashes(&story, 6, "(death), keep-death 6, (failed)");
	is(&story, "failed");
	no_deadline(&story);
	passes(&story, 86400 * SEC);
	slot(&story, RESET, "(reset), launch 7");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
	starts(&story, 7);
	crashes(&story, 7, "(death), keep-death 7, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 8");
}

static void in_a_container_a_used_up_budget_ends_the_service_with_the_workers_status(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	rules.exit_when_exhausted = true;
	rules.budget_deaths = 1;
	begin(&story, &rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 2");
	starts(&story, 2);
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_heap, "(death), keep-death 2, (failed), (stop), finish 134");
}

static void a_healthy_worker_makes_back_off_and_budget_start_again(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 2");
	starts(&story, 2);
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 200 * MSEC, "launch 3");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 3);
	starts(&story, 3);
	deadline(&story, 30 * SEC, "");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
	crashes(&story, 3, "(death), keep-death 3, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 4");
}

static void a_worker_that_dies_just_before_it_counts_as_healthy_is_not_healthy(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 2");
	starts(&story, 2);
	passes(&story, 29 * SEC);
	worker(&story, 2, EXITED, "kill 2");
	is(&story, "stopping");
	deadline(&story, 1 * SEC, "");           /* healthy_after, while its group is still being killed */
	deadline(&story, 4 * SEC, "(warning), kill 2"); /* the group does not go */
	gone(&story, 2, &verdict_crash, "(death), keep-death 2, (restart.scheduled)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 3);
	deadline(&story, 200 * MSEC, "launch 3");
}

static void a_worker_deaf_to_the_stop_signal_is_killed(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, STOP, "SIGTERM to 1");
	deadline(&story, 10 * SEC, "(warning), kill 1");
	deadline(&story, 5 * SEC, "(warning), kill 1"); /* still not empty: said, and killed again */
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

static void a_second_stop_does_not_wait(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, STOP, "SIGTERM to 1");
	passes(&story, SEC);
	slot(&story, STOP, "(warning), kill 1");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

/* timeout(1) signals the process and its group. */
static void one_stop_may_come_as_two(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, STOP, "SIGTERM to 1");
	slot(&story, STOP, "");
	passes(&story, 900 * MSEC);
	slot(&story, STOP, "");
	passes(&story, 100 * MSEC);
	slot(&story, STOP, "(warning), kill 1");
	slot(&story, STOP, "");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

static void a_stop_before_exec_kills_what_is_being_launched(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	slot(&story, STOP, "kill 1");
	worker(&story, 1, LAUNCHED, ""); /* it had just got through */
	worker(&story, 1, READY, "");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

static void a_stop_while_starting_asks_the_program(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	worker(&story, 1, LAUNCHED, "");
	slot(&story, STOP, "SIGTERM to 1");
	worker(&story, 1, READY, ""); /* too late to matter */
	is(&story, "stopping");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

static void a_stop_in_back_off_ends_at_once(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	slot(&story, STOP, "(stop), finish 0");
	no_deadline(&story);
}

static void a_stop_does_not_hide_a_death_that_came_before_it(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	worker(&story, 1, EXITED, "kill 1");
	slot(&story, STOP, "");
	assert_int_equal(story.state.slots[0].current.asked, ASKED_NOTHING); /* what the verdict is judged by */
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (stop), finish 0");
}

static void a_restart_that_becomes_a_stop_does_not_hide_a_death_either(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	worker(&story, 1, EXITED, "kill 1");
	slot(&story, RESTART, "");
	slot(&story, STOP, "");
	assert_int_equal(story.state.slots[0].current.asked, ASKED_NOTHING);
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (stop), finish 0");
}

static void a_restart_on_request_is_no_death(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, RESTART, "SIGTERM to 1");
	assert_int_equal(story.state.slots[0].current.asked, ASKED_RESTART);
	is(&story, "replacing");
	slot(&story, RESTART, ""); /* asked twice, done once */
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_replaced, "keep-death 1, launch 2");
	starts(&story, 2);
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
}

static void a_restart_on_request_ignores_restart_when_never(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	rules.when = RULE_WHEN_NEVER;
	begin(&story, &rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, RESTART, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_replaced, "keep-death 1, launch 2");
	starts(&story, 2);
	crashes(&story, 2, "(death), keep-death 2, (stop), finish 1");
}

static void a_restart_can_become_a_stop(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, RESTART, "SIGTERM to 1");
	slot(&story, STOP, "");
	assert_int_equal(story.state.slots[0].current.asked, ASKED_STOP);
	deadline(&story, 10 * SEC, "(warning), kill 1"); /* counted from the first request */
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), finish 0");
}

static void a_restart_in_back_off_does_not_wait_but_keeps_the_budget(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	slot(&story, RESTART, "launch 2");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
}

static void a_command_that_cannot_be_found_ends_the_first_start_with_127(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	worker(&story, 1, LAUNCH_FAILED, "kill 1");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_not_found, "(death), keep-death 1, (stop), finish 127");
}

static void a_command_that_vanishes_in_a_deployment_is_tried_again(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	slot(&story, RESTART, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_replaced, "keep-death 1, launch 2");
	worker(&story, 2, LAUNCH_FAILED, "kill 2");
	gone(&story, 2, &verdict_not_found, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "launch 3");
	starts(&story, 3);
}

static void the_late_news_of_an_old_worker_do_not_touch_the_new_one(void **unused UNUSED)
{
	static struct story story;
	begin(&story, &standard_rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_crash, "");
	deadline(&story, 100 * MSEC, "launch 2");
	worker(&story, 1, READY, "");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_crash, "");
	starts(&story, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_starts_and_is_stopped),
		cmocka_unit_test(a_heap_limit_death_is_told_kept_and_followed_by_a_restart),
		cmocka_unit_test(a_service_that_keeps_dying_is_given_up_and_an_operator_brings_it_back),
		cmocka_unit_test(in_a_container_a_used_up_budget_ends_the_service_with_the_workers_status),
		cmocka_unit_test(a_healthy_worker_makes_back_off_and_budget_start_again),
		cmocka_unit_test(a_worker_that_dies_just_before_it_counts_as_healthy_is_not_healthy),
		cmocka_unit_test(a_worker_deaf_to_the_stop_signal_is_killed),
		cmocka_unit_test(a_second_stop_does_not_wait),
		cmocka_unit_test(one_stop_may_come_as_two),
		cmocka_unit_test(a_stop_before_exec_kills_what_is_being_launched),
		cmocka_unit_test(a_stop_while_starting_asks_the_program),
		cmocka_unit_test(a_stop_in_back_off_ends_at_once),
		cmocka_unit_test(a_stop_does_not_hide_a_death_that_came_before_it),
		cmocka_unit_test(a_restart_that_becomes_a_stop_does_not_hide_a_death_either),
		cmocka_unit_test(a_restart_on_request_is_no_death),
		cmocka_unit_test(a_restart_on_request_ignores_restart_when_never),
		cmocka_unit_test(a_restart_can_become_a_stop),
		cmocka_unit_test(a_restart_in_back_off_does_not_wait_but_keeps_the_budget),
		cmocka_unit_test(a_command_that_cannot_be_found_ends_the_first_start_with_127),
		cmocka_unit_test(a_command_that_vanishes_in_a_deployment_is_tried_again),
		cmocka_unit_test(the_late_news_of_an_old_worker_do_not_touch_the_new_one),
	};
	return cmocka_run_group_tests_name("scenarios", tests, NULL, NULL);
}
