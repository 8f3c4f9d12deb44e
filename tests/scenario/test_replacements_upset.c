/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of replacements in which somebody dies, does not become ready, or finds no place: what is counted, who serves, and
 * when the held sockets stop listening. */
#include "tests/scenario/story.h"

static void a_spare_that_is_not_ready_in_time_is_given_up_and_tried_again(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	deadline(&story, 90 * SEC, "SIGTERM to 2"); /* ready.within */
	assert_true(story.state.slots[0].spare.not_ready);
	worker(&story, 2, READY, ""); /* too late */
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_not_ready, "(death), keep-death 2, (replace.refused)");
	assert_string_equal(told(&story, 2),
			    "the second worker is given up, the first one stays; next attempt in 100 ms");
	is_replacing(&story);
	deadline(&story, 100 * MSEC, "check-room 1");
	room(&story, "(replace.start), launch 3");
	assert_string_equal(told(&story, 0), "on request: a second worker starts while it serves (attempt 2)");
	crashes(&story, 3, "(death), keep-death 3, (replace.refused)");
	deadline(&story, 200 * MSEC, "check-room 1");
	room(&story, "(replace.start), launch 4");
	takes_over(&story, 4, 1);
	leaves(&story, 1, "keep-death 1, (replace.done)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
	assert_int_equal(story.state.deaths_by_verdict[VERDICT_NOT_READY], 1);
	slot(&story, RESTART, "check-room 4");
	room(&story, "(replace.start), launch 5");
	crashes(&story, 5, "(death), keep-death 5, (replace.refused)");
	deadline(&story, 100 * MSEC, "check-room 4"); /* from the beginning again */
}

static void a_broken_deployment_never_ends_a_service_that_serves(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	for (uint32_t id = 2; id < 40; id++) {
		struct event next;
		char launch[64], kill[32], died[64];
		snprintf(launch, sizeof(launch), "(replace.start), launch %u", id);
		snprintf(kill, sizeof(kill), "kill %u", id);
		snprintf(died, sizeof(died), "(death), keep-death %u, (replace.refused)", id);
		room(&story, launch);
		worker(&story, id, LAUNCH_FAILED, kill);
		gone(&story, id, &verdict_not_found, died);
		is_replacing(&story);
		deadline(&story, service_state_deadline(&story.state, &next) - story.now_usec, "check-room 1");
	}
	assert_int_equal(story.state.deaths_total, 0);
	slot(&story, STOP, "SIGTERM to 1");
}

static void a_worker_that_dies_before_its_spare_is_ready_counts_and_the_spare_takes_its_place(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (warning)");
	is(&story, "starting"); /* no back-off */
	assert_int_equal(story.state.slots[0].current.id, 2);
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	worker(&story, 2, READY, "(ready)");
	is(&story, "ready");
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "listen, launch 3"); /* the first back-off */
}

static void a_worker_whose_group_is_still_being_killed_when_the_spare_is_ready_counts_too(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, EXITED, "kill 1");
	worker(&story, 2, READY, "(ready)");
	assert_int_equal(story.state.slots[0].spare.asked, ASKED_NOTHING); /* what the verdict is judged by */
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (replace.done)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	is(&story, "ready");
}

static void a_budget_that_is_used_up_while_a_spare_comes_is_used_up(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.budget_deaths = 0;
	serves_by(&story, &rules);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (failed), SIGTERM to 2, unlisten");
	is(&story, "failed");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_stopped, ""); /* `why` goes on telling of the death */
	no_deadline(&story);
	slot(&story, RESET, "(reset), listen, launch 3");
}

static void a_worker_that_dies_while_room_is_looked_for_dies_as_any_other(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (restart.scheduled)");
	slot(&story, SPARE_ROOM, ""); /* the answer comes too late */
	deadline(&story, 100 * MSEC, "listen, launch 2");
	no_room(&story, "a late answer", "");
}

static void a_new_worker_that_dies_while_the_old_one_drains_is_followed_by_the_next(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	is(&story, "back-off");
	deadline(&story, 100 * MSEC, "listen, launch 3"); /* beside the one that still drains */
	is(&story, "starting");
	worker(&story, 3, LAUNCHED, "");
	worker(&story, 3, READY, "(ready)");
	is_replacing(&story);
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	leaves(&story, 1, "keep-death 1");
	is(&story, "ready");
}

static void a_singleton_by_a_new_policy_waits_for_the_one_that_still_drains(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	struct event reloaded = { .slot_event = SLOT_EVENT_RELOADED, .rules = &rules };
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	rules.replaces = false;
	hears(&story, &reloaded, "");
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "");
	is(&story, "replacing");
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	leaves(&story, 1, "keep-death 1, listen, launch 3");
}

static void a_heap_limit_while_it_drains_is_told_but_is_no_matter_of_the_budget(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (replace.done)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
	assert_int_equal(story.state.deaths_by_verdict[VERDICT_HEAP_LIMIT], 1);
}

static void where_nobody_else_serves_it_is_a_death_like_any_other(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	no_room(&story, "need 560 MiB, have 312 MiB", "(replace.refused), (replace.start), drain 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, (restart.scheduled)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	deadline(&story, 100 * MSEC, "listen, launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 2, READY, "(ready)"); /* no replacement any more */
}

static void an_operator_does_not_wait_for_a_back_off_even_then(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	no_room(&story, "need 560 MiB, have 312 MiB", "(replace.refused), (replace.start), drain 1");
	slot(&story, RESTART, "");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_heap, "(death), keep-death 1, listen, launch 2");
}

static void in_a_long_back_off_and_when_it_has_failed_the_sockets_do_not_listen(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.backoff_from_usec = 3 * SEC; /* hold_for is 5 s */
	rules.budget_deaths = 2;
	serves_by(&story, &rules);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	deadline(&story, 3 * SEC, "listen, launch 2");
	starts(&story, 2);
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled), unlisten");
	deadline(&story, 6 * SEC, "listen, launch 3");
	starts(&story, 3);
	crashes(&story, 3, "(death), keep-death 3, (failed), unlisten");
	slot(&story, RESTART, "(reset), listen, launch 4");
}

static void a_service_that_ends_lets_the_drained_one_leave_first(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.when = RULE_WHEN_NEVER;
	serves_by(&story, &rules);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_heap, "(death), keep-death 2, (stop), SIGTERM to 1");
	is(&story, "stopping");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "unlisten, finish 134");
}

static void a_current_worker_that_is_not_ready_in_time_is_a_death(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	begin(&story, &rules);
	slot(&story, START, "listen, launch 1");
	passes(&story, 1000 * SEC); /* memory.check: wait; the time is counted from exec */
	worker(&story, 1, LAUNCHED, "");
	deadline(&story, 90 * SEC, "SIGTERM to 1");
	is(&story, "stopping");
	slot(&story, RESTART, "");
	assert_int_equal(story.state.slots[0].current.asked, ASKED_NOTHING); /* it must not be hidden */
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_not_ready, "(death), keep-death 1, listen, launch 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spare_that_is_not_ready_in_time_is_given_up_and_tried_again),
		cmocka_unit_test(a_broken_deployment_never_ends_a_service_that_serves),
		cmocka_unit_test(a_worker_that_dies_before_its_spare_is_ready_counts_and_the_spare_takes_its_place),
		cmocka_unit_test(a_worker_whose_group_is_still_being_killed_when_the_spare_is_ready_counts_too),
		cmocka_unit_test(a_budget_that_is_used_up_while_a_spare_comes_is_used_up),
		cmocka_unit_test(a_worker_that_dies_while_room_is_looked_for_dies_as_any_other),
		cmocka_unit_test(a_new_worker_that_dies_while_the_old_one_drains_is_followed_by_the_next),
		cmocka_unit_test(a_singleton_by_a_new_policy_waits_for_the_one_that_still_drains),
		cmocka_unit_test(a_heap_limit_while_it_drains_is_told_but_is_no_matter_of_the_budget),
		cmocka_unit_test(where_nobody_else_serves_it_is_a_death_like_any_other),
		cmocka_unit_test(an_operator_does_not_wait_for_a_back_off_even_then),
		cmocka_unit_test(in_a_long_back_off_and_when_it_has_failed_the_sockets_do_not_listen),
		cmocka_unit_test(a_service_that_ends_lets_the_drained_one_leave_first),
		cmocka_unit_test(a_current_worker_that_is_not_ready_in_time_is_a_death),
	};
	return cmocka_run_group_tests_name("replacements_upset", tests, NULL, NULL);
}
