/* SPDX-License-Identifier: Apache-2.0 */
/* Stories of services with several instances: read them as documentation. Instance 0 begins with worker 1, and so on. */
#include "tests/scenario/story.h"

static void room_for(struct story *story, uint32_t instance, const char *actions)
{
	struct event event = { .slot_event = SLOT_EVENT_SPARE_ROOM, .instance = instance };
	hears(story, &event, actions);
}

static void warned(struct story *story, uint32_t id, const char *actions)
{
	struct event event = { .about_worker = true, .worker_event = WORKER_EVENT_NEAR_LIMIT, .worker = id,
			       .text = "old space is forecast to be full in 1.4 s", .can_wait = true };
	hears(story, &event, actions);
}

static void is_up(struct story *story, uint32_t id)
{
	worker(story, id, LAUNCHED, "");
	worker(story, id, READY, "(ready)");
}

/* Three of them serve. */
static void three_by(struct story *story, struct rules rules)
{
	rules.instances = 3;
	begin(story, &rules);
	slot(story, START, rules.drains ? "listen, launch 1, launch 2, launch 3" : "launch 1, launch 2, launch 3");
	is_up(story, 1);
	is(story, "starting");
	assert_true(service_state_is_ready(&story->state)); /* one that serves is enough */
	is_up(story, 2);
	is_up(story, 3);
	is(story, "ready");
}

static void three(struct story *story)
{
	three_by(story, listening_rules());
}

/* The spare `id` takes over from `relieved`, which leaves; then comes what comes next. */
static void replaced_by(struct story *story, uint32_t id, uint32_t relieved, const char *then)
{
	char actions[64];
	snprintf(actions, sizeof(actions), "(ready), drain %u", relieved);
	worker(story, id, LAUNCHED, "");
	worker(story, id, READY, actions);
	snprintf(actions, sizeof(actions), "SIGTERM to %u", relieved);
	worker(story, relieved, DRAINED, actions);
	leaves(story, relieved, then);
}

static void a_restart_goes_from_one_to_the_next(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	slot(&story, RESTART, "check-room 1");
	room_for(&story, 0, "(replace.start), launch 4");
	is(&story, "replacing");
	replaced_by(&story, 4, 1, "keep-death 1, (replace.done), check-room 2");
	room_for(&story, 1, "(replace.start), launch 5");
	replaced_by(&story, 5, 2, "keep-death 2, (replace.done), check-room 3");
	room_for(&story, 2, "(replace.start), launch 6");
	replaced_by(&story, 6, 3, "keep-death 3, (replace.done)");
	is(&story, "ready");
}

static void who_has_a_new_worker_by_then_keeps_it(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	slot(&story, RESTART, "check-room 1");
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	room_for(&story, 0, "(replace.start), launch 4");
	deadline(&story, 100 * MSEC, "listen, launch 5");
	replaced_by(&story, 4, 1, "keep-death 1, (replace.done)");
	worker(&story, 5, LAUNCHED, "");
	worker(&story, 5, READY, "(ready), check-room 3"); /* and only now */
}

static void a_second_order_begins_again(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	slot(&story, RESTART, "check-room 1");
	room_for(&story, 0, "(replace.start), launch 4");
	replaced_by(&story, 4, 1, "keep-death 1, (replace.done), check-room 2");
	room_for(&story, 1, "(replace.start), launch 5");
	slot(&story, RESTART, ""); /* instance 0 again, once instance 1 is through */
	replaced_by(&story, 5, 2, "keep-death 2, (replace.done), check-room 4");
	room_for(&story, 0, "(replace.start), launch 6");
	replaced_by(&story, 6, 4, "keep-death 4, (replace.done), check-room 5");
}

static void one_after_the_other_means_one_instance_at_a_time(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	three_by(&story, rules);
	slot(&story, RESTART, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_replaced, "keep-death 1, launch 4");
	worker(&story, 4, LAUNCHED, "");
	worker(&story, 4, READY, "(ready), SIGTERM to 2");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_replaced, "keep-death 2, launch 5");
	worker(&story, 5, LAUNCHED, "");
	worker(&story, 5, READY, "(ready), SIGTERM to 3");
}

static void a_restart_ends_where_an_instance_fails(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.replaces = false;
	rules.budget_deaths = 0;
	three_by(&story, rules);
	slot(&story, RESTART, "(replace.start), drain 1");
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	leaves(&story, 1, "keep-death 1, listen, launch 4");
	worker(&story, 4, LAUNCHED, "");
	crashes(&story, 4, "(death), keep-death 4, (failed), (warning)");
	assert_string_equal(told(&story, 3), "the restart ends here: instance 0 has failed; the 2 after it keep what they have");
	is(&story, "failed");
	assert_true(service_state_is_ready(&story.state));
	slot(&story, RESET, "(reset), listen, launch 5");
	is_up(&story, 5);
	is(&story, "ready");
}

static void a_stop_ends_the_roll_too(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	slot(&story, RESTART, "listen, launch 4");
	worker(&story, 4, LAUNCHED, "");
	crashes(&story, 4, "(death), keep-death 4, (restart.scheduled)");
	slot(&story, DRAIN, "last-call, drain 2, drain 3");
	worker(&story, 3, DRAINED, "SIGTERM to 3");
	worker(&story, 3, EXITED, "kill 3");
	gone(&story, 3, &verdict_stopped, "keep-death 3");
	slot(&story, RESTART, "");
	worker(&story, 2, DRAINED, "SIGTERM to 2");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_stopped, "keep-death 2, (stop), unlisten, finish 0");
}

static void a_second_one_near_its_limit_waits_for_the_first(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	warned(&story, 2, "check-room 2");
	warned(&story, 3, "");
	is_replacing(&story);
	warned(&story, 1, "");
	room_for(&story, 2, ""); /* nobody has asked for that one */
	room_for(&story, 1, "(replace.start), launch 4");
	replaced_by(&story, 4, 2, "(replace.done), check-room 1");
	room_for(&story, 0, "(replace.start), launch 5");
	replaced_by(&story, 5, 1, "(replace.done), check-room 3");
}

static void one_that_cannot_wait_drains_first(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	warned(&story, 1, "check-room 1");
	room_for(&story, 0, "(replace.start), launch 4");
	warned(&story, 2, "");
	worker(&story, 2, NEAR_LIMIT, "(replace.refused), (replace.start), drain 2"); /* V8 itself says so */
	assert_string_equal(told(&story, 0),
			    "no second worker: another instance is being replaced, and this one cannot wait");
	worker(&story, 3, STUCK, "(replace.refused), SIGTERM to 3");
	replaced_by(&story, 4, 1, "(replace.done)");
	worker(&story, 2, DRAINED, "SIGTERM to 2");
	leaves(&story, 2, "listen, launch 5");
	worker(&story, 5, LAUNCHED, "");
	worker(&story, 5, READY, "(ready), (replace.done)");
}

static void between_two_attempts_it_is_anothers_turn(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	warned(&story, 1, "check-room 1");
	room_for(&story, 0, "(replace.start), launch 4");
	worker(&story, 4, LAUNCHED, "");
	crashes(&story, 4, "(death), keep-death 4, (replace.refused)");
	warned(&story, 2, "check-room 2");
	room_for(&story, 1, "(replace.start), launch 5");
	deadline(&story, 100 * MSEC, ""); /* the next attempt waits */
	replaced_by(&story, 5, 2, "(replace.done), check-room 1");
}

/* Never two instances with two workers: a relieved worker that still leaves is one of them. */
static void one_that_died_waits_for_its_relieved_worker_while_another_has_a_spare(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	warned(&story, 1, "check-room 1");
	room_for(&story, 0, "(replace.start), launch 4");
	worker(&story, 4, LAUNCHED, "");
	worker(&story, 4, READY, "(ready), drain 1");
	crashes(&story, 4, "(death), keep-death 4, (restart.scheduled)");
	warned(&story, 2, "check-room 2");
	room_for(&story, 1, "(replace.start), launch 5");
	deadline(&story, 100 * MSEC, "");
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	leaves(&story, 1, "listen, launch 6");
}

static void the_budget_is_the_services_and_who_serves_goes_on(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.budget_deaths = 1;
	three_by(&story, rules);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 0);
	is(&story, "back-off");
	crashes(&story, 2, "(death), keep-death 2, (failed)");
	assert_string_equal(slot_name(&story.state.slots[1]), "failed");
	deadline(&story, 100 * MSEC, "listen, launch 4");
	is_up(&story, 4);
	crashes(&story, 4, "(death), keep-death 4, (failed)");
	assert_true(service_state_is_ready(&story.state));
	crashes(&story, 3, "(death), keep-death 3, (failed), unlisten"); /* now it is dead, and looks dead */
	assert_false(service_state_is_ready(&story.state));
	slot(&story, RESET, "(reset), listen, launch 5, launch 6, launch 7");
}

static void backoff_is_each_instances_own(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	crashes(&story, 1, "(death), keep-death 1, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "listen, launch 4");
	crashes(&story, 4, "(death), keep-death 4, (restart.scheduled)");
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "listen, launch 5"); /* instance 1 */
	deadline(&story, 100 * MSEC, "listen, launch 6");
	assert_int_equal(story.state.slots[0].backoff_step, 2);
	assert_int_equal(story.state.slots[1].backoff_step, 1);
}

static void one_that_thrives_forgives_nothing_to_one_that_dies(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	passes(&story, 20 * SEC);
	crashes(&story, 2, "(death), keep-death 2, (restart.scheduled)");
	deadline(&story, 100 * MSEC, "listen, launch 4");
	is_up(&story, 4);
	deadline(&story, 9900 * MSEC, ""); /* two are healthy */
	deadline(&story, 0, "");
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 4);
	deadline(&story, 20100 * MSEC, ""); /* the third, too */
	assert_int_equal(service_state_budget_left(&story.state, story.now_usec), 5);
}

static void with_exit_all_end_and_those_who_serve_drain(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.budget_deaths = 0;
	rules.exit_when_exhausted = true;
	three_by(&story, rules);
	crashes(&story, 2, "(death), keep-death 2, (failed), last-call, drain 1, drain 3, (stop)");
	is(&story, "draining");
	worker(&story, 1, DRAINED, "SIGTERM to 1");
	worker(&story, 1, EXITED, "kill 1");
	gone(&story, 1, &verdict_stopped, "keep-death 1");
	worker(&story, 3, DRAINED, "SIGTERM to 3");
	worker(&story, 3, EXITED, "kill 3");
	gone(&story, 3, &verdict_stopped, "keep-death 3, unlisten, finish 1");
}

static void who_is_not_restarted_leaves_the_others_alone(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = listening_rules();
	rules.when = RULE_WHEN_NEVER;
	three_by(&story, rules);
	crashes(&story, 1, "(death), keep-death 1, (stop)");
	is(&story, "ready");
	slot(&story, RESTART, "listen, launch 4"); /* an operator wants it, too */
	worker(&story, 4, LAUNCHED, "");
	worker(&story, 4, READY, "(ready), check-room 2");
	crashes(&story, 4, "(death), keep-death 4, (stop)");
	crashes(&story, 2, "(death), keep-death 2, (stop), (warning)");
	crashes(&story, 3, "(death), keep-death 3, (stop), unlisten, finish 1");
}

static void a_stop_is_for_all_at_once(void **unused UNUSED)
{
	static struct story story;
	three(&story);
	slot(&story, STOP, "SIGTERM to 1, SIGTERM to 2, SIGTERM to 3");
	is(&story, "stopping");
	worker(&story, 2, EXITED, "kill 2");
	gone(&story, 2, &verdict_stopped, "keep-death 2");
	passes(&story, SEC);
	slot(&story, STOP, "(warning), kill 1, (warning), kill 3"); /* at once */
	gone(&story, 1, &verdict_stopped, "keep-death 1");
	gone(&story, 3, &verdict_stopped, "keep-death 3, (stop), unlisten, finish 0");
	assert_int_equal(story.decision.actions[1].worker, 0); /* "stopped on request" is of the service */
}

static void a_program_that_is_not_there_ends_the_service_at_once(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	rules.instances = 2;
	begin(&story, &rules);
	slot(&story, START, "launch 1, launch 2");
	worker(&story, 1, LAUNCH_FAILED, "kill 1");
	worker(&story, 2, LAUNCH_FAILED, "kill 2");
	gone(&story, 1, &verdict_not_found, "(death), keep-death 1, (stop)");
	gone(&story, 2, &verdict_not_found, "(death), keep-death 2, (stop), finish 127");
}

static void what_fails_in_one_of_them_only_is_tried_again(void **unused UNUSED)
{
	static struct story story;
	struct rules rules = standard_rules;
	rules.instances = 2;
	begin(&story, &rules);
	slot(&story, START, "launch 1, launch 2");
	worker(&story, 2, LAUNCHED, "");
	worker(&story, 1, LAUNCH_FAILED, "kill 1");
	gone(&story, 1, &verdict_not_found, "(death), keep-death 1, (restart.scheduled)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_goes_from_one_to_the_next),
		cmocka_unit_test(who_has_a_new_worker_by_then_keeps_it),
		cmocka_unit_test(a_second_order_begins_again),
		cmocka_unit_test(one_after_the_other_means_one_instance_at_a_time),
		cmocka_unit_test(a_restart_ends_where_an_instance_fails),
		cmocka_unit_test(a_stop_ends_the_roll_too),
		cmocka_unit_test(a_second_one_near_its_limit_waits_for_the_first),
		cmocka_unit_test(one_that_cannot_wait_drains_first),
		cmocka_unit_test(between_two_attempts_it_is_anothers_turn),
		cmocka_unit_test(one_that_died_waits_for_its_relieved_worker_while_another_has_a_spare),
		cmocka_unit_test(the_budget_is_the_services_and_who_serves_goes_on),
		cmocka_unit_test(backoff_is_each_instances_own),
		cmocka_unit_test(one_that_thrives_forgives_nothing_to_one_that_dies),
		cmocka_unit_test(with_exit_all_end_and_those_who_serve_drain),
		cmocka_unit_test(who_is_not_restarted_leaves_the_others_alone),
		cmocka_unit_test(a_stop_is_for_all_at_once),
		cmocka_unit_test(a_program_that_is_not_there_ends_the_service_at_once),
		cmocka_unit_test(what_fails_in_one_of_them_only_is_tried_again),
	};
	return cmocka_run_group_tests_name("instances", tests, NULL, NULL);
}
