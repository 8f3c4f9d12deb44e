/* SPDX-License-Identifier: Apache-2.0 */
/* Whole stories of replacements behind held sockets, each line an event with the actions that it must bring: read them as
 * documentation. Worker 1 is always the first to be replaced. */
#include "tests/scenario/story.h"

static void near_its_limit_a_worker_is_replaced_and_somebody_serves_all_the_time(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	deadline(&story, 30 * SEC, ""); /* healthy */
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	is_replacing(&story);
	room(&story, "(replace.start), launch 2");
	assert_string_equal(told(&story, 0), "near its heap limit: a second worker starts while it serves");
	worker(&story, 2, LAUNCHED, "");
	is_replacing(&story);
	passes(&story, 800 * MSEC);
	worker(&story, 1, NEAR_LIMIT, ""); /* V8 often says it twice */
	worker(&story, 2, READY, "(ready), drain 1");
	is_replacing(&story);
	assert_int_equal(story.state.slots[0].spare.asked, ASKED_REPLACE);
	passes(&story, 3 * SEC);
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	is_replacing(&story);
	leaves(&story, 1, "(replace.done)");
	assert_string_equal(told(&story, 0),
			    "replaced in 3.8 s: the next worker was ready after 800 ms, the one before it has left");
	is(&story, "ready");
	deadline(&story, 27 * SEC, ""); /* the new one is healthy, 30 s after it was ready */
	no_deadline(&story);
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
	assert_int_equal(story.state.deaths_total, 0);
	assert_int_equal(story.state.deaths_by_verdict[VERDICT_REPLACED], 1);
}

/* As service/warning.c sends it of a heap. */
static void warned(struct story *story, uint32_t id, const char *text, const char *actions)
{
	struct event event = { .about_worker = true, .worker_event = WORKER_EVENT_NEAR_LIMIT, .worker = id, .text = text,
			       .can_wait = true };
	hears(story, &event, actions);
}

static void an_early_warning_goes_the_same_way_and_is_the_cause(void **unused UNUSED)
{
	static struct story story;
	const char *full = "old space is forecast to be full in 1.4 s (live 47 MiB of 64 MiB, growing 9.6 MiB/s)";
	serves(&story);
	warned(&story, 1, full, "check-room 1");
	warned(&story, 1, "memory is nearly full: 300 MiB of 320 MiB, without file cache", "");
	room(&story, "(replace.start), launch 2");
	assert_string_equal(told(&story, 0), "old space is forecast to be full in 1.4 s (live 47 MiB of 64 MiB, growing 9.6 MiB/s): "
					     "a second worker starts while it serves");
	takes_over(&story, 2, 1);
	leaves(&story, 1, "(replace.done)");
	worker(&story, 2, NEAR_LIMIT, "check-room 2"); /* V8 itself, with nothing to add */
	no_room(&story, "need 560 MiB", "(replace.refused), (replace.start), drain 2");
	assert_string_equal(told(&story, 1), "near its heap limit: it drains, then the next one starts");
}

static void a_spare_that_dies_is_tried_again_for_the_same_cause(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	warned(&story, 1, "memory is nearly full: 300 MiB of 320 MiB, without file cache", "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	crashes(&story, 2, "(death), keep-death 2, (replace.refused)");
	deadline(&story, story.state.slots[0].deadline_usec - story.now_usec, "check-room 1");
	room(&story, "(replace.start), launch 3");
	assert_string_equal(told(&story, 0), "memory is nearly full: 300 MiB of 320 MiB, without file cache: "
					     "a second worker starts while it serves (attempt 2)");
}

static void a_relieved_worker_may_leave_by_itself(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	leaves(&story, 1, "(replace.done)");
	assert_true(story.state.slots[0].spare.left_draining);
	worker(&story, 1, DRAINED, ""); /* too late to matter */
	is(&story, "ready");
}

static void a_restart_on_request_goes_the_same_way(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	assert_string_equal(told(&story, 0), "on request: a second worker starts while it serves");
	takes_over(&story, 2, 1);
	assert_int_equal(story.state.slots[0].spare.asked, ASKED_RESTART);
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	leaves(&story, 1, "keep-death 1, (replace.done)");
	is(&story, "ready");
}

static void a_drain_ends_at_its_timeout_and_a_deaf_worker_is_killed(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	deadline(&story, 30 * SEC, "(warning), SIGTERM to 1"); /* drain.timeout, and healthy_after at the same time */
	deadline(&story, 0, "");
	deadline(&story, 10 * SEC, "(warning), kill 1");
	worker(&story, 1, EXITED, "");
	gone(&story, 1, &verdict_replaced, "keep-death 1, (replace.done)");
	is(&story, "ready");
}

static void without_room_for_two_it_drains_first_while_clients_wait_in_the_socket(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	no_room(&story, "need 560 MiB (memory.max), have 312 MiB", "(replace.refused), (replace.start), drain 1");
	assert_string_equal(told(&story, 0), "no second worker: need 560 MiB (memory.max), have 312 MiB");
	assert_string_equal(told(&story, 1), "near its heap limit: it drains, then the next one starts");
	is(&story, "draining");
	assert_false(service_state_is_ready(&story.state));
	passes(&story, 2 * SEC);
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	is(&story, "replacing");
	leaves(&story, 1, "listen, launch 2");
	is(&story, "starting");
	worker(&story, 2, LAUNCHED, "");
	passes(&story, 1 * SEC);
	worker(&story, 2, READY, "(ready), (replace.done)");
	assert_string_equal(told(&story, 1),
			    "replaced in 3 s, one after the other: the next worker was ready after 1 s");
	is(&story, "ready");
	assert_int_equal(story.state.deaths_total, 0);
}

static void a_singleton_is_never_two(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.replaces = false;
	serves_by(&story, &rules);
	worker(&story, 1, NEAR_LIMIT, "(replace.start), drain 1");
	leaves(&story, 1, "listen, launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 2, READY, "(ready), (replace.done)");
	slot(&story, RESTART, "(replace.start), drain 2");
}

static void near_the_limit_again_the_drain_before_is_cut_short(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	passes(&story, 2 * SEC);
	worker(&story, 2, NEAR_LIMIT, "(warning), SIGTERM to 1");
	worker(&story, 2, NEAR_LIMIT, "");
	leaves(&story, 1, "(replace.done), check-room 2");
	room(&story, "(replace.start), launch 3");
	takes_over(&story, 3, 2);
	leaves(&story, 2, "(replace.done)");
	is(&story, "ready");
}

static void a_warning_waits_for_the_drain_as_long_as_it_can(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	warned(&story, 1, "full in 1.4 s", "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	warned(&story, 2, "full in 1.3 s", "");
	passes(&story, 1 * SEC);
	worker(&story, 2, NEAR_LIMIT, "(warning), SIGTERM to 1"); /* now V8 says so */
	leaves(&story, 1, "(replace.done), check-room 2");
	room(&story, "(replace.start), launch 3");
	assert_string_equal(told(&story, 0), "full in 1.3 s: a second worker starts while it serves");
	takes_over(&story, 3, 2);
	warned(&story, 3, "full in 1.2 s", "");
	leaves(&story, 2, "(replace.done), check-room 3"); /* by itself, in time */
}

static void a_restart_while_the_old_one_drains_comes_afterwards(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	slot(&story, RESTART, "");
	leaves(&story, 1, "keep-death 1, (replace.done), check-room 2");
	room(&story, "(replace.start), launch 3");
	takes_over(&story, 3, 2);
	leaves(&story, 2, "keep-death 2, (replace.done)");
	is(&story, "ready");
}

/* The link `current` may have moved after the spare was launched. */
static void a_restart_while_the_spare_comes_replaces_that_one_too(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	slot(&story, RESTART, "check-room 1"); /* nothing is launched yet: one will do */
	room(&story, "(replace.start), launch 2");
	room(&story, ""); /* both questions are answered */
	slot(&story, RESTART, "");
	takes_over(&story, 2, 1);
	leaves(&story, 1, "keep-death 1, (replace.done), check-room 2");
	room(&story, "(replace.start), launch 3");
	slot(&story, RESTART, "");
	crashes(&story, 3, "(death), keep-death 3, check-room 2"); /* what came after it may work: at once */
	room(&story, "(replace.start), launch 4");
	slot(&story, RESTART, "");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_heap, "(death), keep-death 2, (warning)");
	worker(&story, 4, LAUNCHED, "");
	worker(&story, 4, READY, "(ready), check-room 4"); /* not forgotten */
}

static void a_stop_ends_both(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	worker(&story, 2, LAUNCHED, "");
	slot(&story, STOP, "SIGTERM to 1, SIGTERM to 2");
	is(&story, "stopping");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_stopped, ""); /* that of the first one is told */
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
	is(&story, "stopped");
}

static void a_second_stop_kills_both(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	slot(&story, STOP, "SIGTERM to 2, SIGTERM to 1");
	assert_int_equal(story.state.slots[0].spare.asked, ASKED_STOP);
	passes(&story, SEC);
	slot(&story, STOP, "(warning), kill 2, kill 1");
	worker(&story, 1, EXITED, "");
	worker(&story, 2, EXITED, "");
	gone(&story, 2, &verdict_stopped, "keep-death 2");
	gone(&story, 1, &verdict_stopped, "(stop), unlisten, finish 0");
}

static void a_stop_while_it_drains_first_does_not_wait_for_the_drain(void **unused UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, RESTART, "check-room 1");
	no_room(&story, "need 560 MiB, have 312 MiB", "(replace.refused), (replace.start), drain 1");
	slot(&story, STOP, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
}

static void near_limit_report_leaves_it_to_the_event_line(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.near_limit = RULE_NEAR_LIMIT_REPORT;
	serves_by(&story, &rules);
	worker(&story, 1, NEAR_LIMIT, "");
	slot(&story, RESTART, "check-room 1"); /* on request it is replaced all the same */
}

static void near_limit_restart_never_asks_for_a_second_worker(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.near_limit = RULE_NEAR_LIMIT_RESTART;
	serves_by(&story, &rules);
	worker(&story, 1, NEAR_LIMIT, "(replace.start), drain 1");
	leaves(&story, 1, "listen, launch 2");
}

static void without_held_sockets_near_limit_restart_stops_and_starts(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	rules.near_limit = RULE_NEAR_LIMIT_RESTART;
	begin(&story, &rules);
	slot(&story, START, "launch 1");
	starts(&story, 1);
	worker(&story, 1, NEAR_LIMIT, "(replace.start), SIGTERM to 1");
	assert_string_equal(told(&story, 0), "near its heap limit: it stops, then the next one starts");
	leaves(&story, 1, "launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 2, READY, "(ready), (replace.done)");
}

static void a_drain_lets_in_who_waits_finishes_what_is_open_and_stops(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, DRAIN, "last-call, drain 1");
	is(&story, "draining");
	assert_false(service_state_is_ready(&story.state));
	slot(&story, DRAIN, "");
	slot(&story, RESTART, "");
	passes(&story, 5 * SEC);
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	is(&story, "stopping");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
}

static void a_drain_has_an_end_and_a_stop_does_not_wait_for_it(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	slot(&story, DRAIN, "last-call, drain 1");
	deadline(&story, 30 * SEC, "(warning), SIGTERM to 1"); /* drain.timeout */
	slot(&story, STOP, "(warning), kill 1");
	serves(&story);
	slot(&story, DRAIN, "last-call, drain 1");
	slot(&story, STOP, "SIGTERM to 1");
	passes(&story, SEC); /* else it is the same request */
	slot(&story, STOP, "(warning), kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1, (stop), unlisten, finish 0");
}

static void while_it_is_replaced_a_drain_ends_both(void **state UNUSED)
{
	static struct story story;
	serves(&story);
	worker(&story, 1, NEAR_LIMIT, "check-room 1");
	room(&story, "(replace.start), launch 2");
	takes_over(&story, 2, 1);
	slot(&story, DRAIN, "last-call, drain 2");
	worker(&story, 2, DRAINED, "SIGTERM to 2");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_stopped, "keep-death 2");
	is(&story, "draining"); /* the first one still does */
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "(stop), unlisten, finish 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_its_limit_a_worker_is_replaced_and_somebody_serves_all_the_time),
		cmocka_unit_test(an_early_warning_goes_the_same_way_and_is_the_cause),
		cmocka_unit_test(a_spare_that_dies_is_tried_again_for_the_same_cause),
		cmocka_unit_test(a_relieved_worker_may_leave_by_itself),
		cmocka_unit_test(a_restart_on_request_goes_the_same_way),
		cmocka_unit_test(a_drain_ends_at_its_timeout_and_a_deaf_worker_is_killed),
		cmocka_unit_test(without_room_for_two_it_drains_first_while_clients_wait_in_the_socket),
		cmocka_unit_test(a_singleton_is_never_two),
		cmocka_unit_test(near_the_limit_again_the_drain_before_is_cut_short),
		cmocka_unit_test(a_warning_waits_for_the_drain_as_long_as_it_can),
		cmocka_unit_test(a_restart_while_the_old_one_drains_comes_afterwards),
		cmocka_unit_test(a_restart_while_the_spare_comes_replaces_that_one_too),
		cmocka_unit_test(a_stop_ends_both),
		cmocka_unit_test(a_second_stop_kills_both),
		cmocka_unit_test(a_stop_while_it_drains_first_does_not_wait_for_the_drain),
		cmocka_unit_test(near_limit_report_leaves_it_to_the_event_line),
		cmocka_unit_test(near_limit_restart_never_asks_for_a_second_worker),
		cmocka_unit_test(without_held_sockets_near_limit_restart_stops_and_starts),
		cmocka_unit_test(a_drain_lets_in_who_waits_finishes_what_is_open_and_stops),
		cmocka_unit_test(a_drain_has_an_end_and_a_stop_does_not_wait_for_it),
		cmocka_unit_test(while_it_is_replaced_a_drain_ends_both),
	};
	return cmocka_run_group_tests_name("replacements", tests, NULL, NULL);
}
