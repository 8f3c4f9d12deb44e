/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the worker table as a row: state, event -> next state, actions, deadline. The slot is one that ignores
 * what it hears, so that a row shows this table alone. */
#include "tests/unit/unit.h"
#include "supervisor/core/decide_internal.h"
#include "tests/unit/decide_unit.h"

#define NOW (100 * SEC)
#define BEFORE (NOW + 3 * SEC) /* the deadline that the worker had when the event came, in states that have one */

enum expected_deadline { NONE, STOP, KILL, SAME, READY_WITHIN, DRAIN_TIMEOUT };

static const struct row {
	enum worker_state state;
	enum worker_event event;
	enum worker_state next;
	const char *actions;
	enum expected_deadline deadline;
} rows[] = {
	{ WORKER_LAUNCHING, WORKER_EVENT_LAUNCHED, WORKER_STARTING, "", READY_WITHIN },
	{ WORKER_LAUNCHING, WORKER_EVENT_LAUNCH_FAILED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_LAUNCHING, WORKER_EVENT_READY, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_EXITED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_LAUNCHING, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_DEADLINE, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_NEAR_LIMIT, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_STUCK, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_TURNS, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_DRAINED, WORKER_LAUNCHING, "", NONE },
	{ WORKER_LAUNCHING, WORKER_EVENT_DRAIN, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_LAUNCHING, WORKER_EVENT_END, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_LAUNCHING, WORKER_EVENT_KILL, WORKER_ENDING, "kill 7", KILL },

	{ WORKER_STARTING, WORKER_EVENT_LAUNCHED, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_LAUNCH_FAILED, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_READY, WORKER_READY, "(ready)", NONE },
	{ WORKER_STARTING, WORKER_EVENT_EXITED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_STARTING, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_STARTING, WORKER_EVENT_DEADLINE, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_STARTING, WORKER_EVENT_NEAR_LIMIT, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_STUCK, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_TURNS, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_DRAINED, WORKER_STARTING, "", SAME },
	{ WORKER_STARTING, WORKER_EVENT_DRAIN, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_STARTING, WORKER_EVENT_END, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_STARTING, WORKER_EVENT_KILL, WORKER_ENDING, "kill 7", KILL },

	{ WORKER_READY, WORKER_EVENT_LAUNCHED, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_LAUNCH_FAILED, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_READY, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_EXITED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_READY, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_READY, WORKER_EVENT_DEADLINE, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_NEAR_LIMIT, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_STUCK, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_TURNS, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_DRAINED, WORKER_READY, "", NONE },
	{ WORKER_READY, WORKER_EVENT_DRAIN, WORKER_DRAINING, "drain 7", DRAIN_TIMEOUT },
	{ WORKER_READY, WORKER_EVENT_END, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_READY, WORKER_EVENT_KILL, WORKER_ENDING, "kill 7", KILL },

	{ WORKER_DRAINING, WORKER_EVENT_LAUNCHED, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_LAUNCH_FAILED, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_READY, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_EXITED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_DRAINING, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_DRAINING, WORKER_EVENT_DEADLINE, WORKER_STOPPING, "(warning), SIGTERM to 7", STOP },
	{ WORKER_DRAINING, WORKER_EVENT_NEAR_LIMIT, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_STUCK, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_DRAINING, WORKER_EVENT_TURNS, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_DRAINED, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_DRAINING, WORKER_EVENT_DRAIN, WORKER_DRAINING, "", SAME },
	{ WORKER_DRAINING, WORKER_EVENT_END, WORKER_STOPPING, "SIGTERM to 7", STOP },
	{ WORKER_DRAINING, WORKER_EVENT_KILL, WORKER_ENDING, "kill 7", KILL },

	{ WORKER_STOPPING, WORKER_EVENT_LAUNCHED, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_LAUNCH_FAILED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_STOPPING, WORKER_EVENT_READY, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_EXITED, WORKER_ENDING, "kill 7", KILL },
	{ WORKER_STOPPING, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_STOPPING, WORKER_EVENT_DEADLINE, WORKER_ENDING, "(warning), kill 7", KILL },
	{ WORKER_STOPPING, WORKER_EVENT_NEAR_LIMIT, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_STUCK, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_TURNS, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_DRAINED, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_DRAIN, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_END, WORKER_STOPPING, "", SAME },
	{ WORKER_STOPPING, WORKER_EVENT_KILL, WORKER_ENDING, "kill 7", KILL },

	{ WORKER_ENDING, WORKER_EVENT_LAUNCHED, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_LAUNCH_FAILED, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_READY, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_EXITED, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_ENDING, WORKER_EVENT_DEADLINE, WORKER_ENDING, "(warning), kill 7", KILL },
	{ WORKER_ENDING, WORKER_EVENT_NEAR_LIMIT, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_STUCK, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_TURNS, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_DRAINED, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_DRAIN, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_END, WORKER_ENDING, "", SAME },
	{ WORKER_ENDING, WORKER_EVENT_KILL, WORKER_ENDING, "", SAME },

	{ WORKER_GONE, WORKER_EVENT_LAUNCHED, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_LAUNCH_FAILED, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_READY, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_EXITED, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_GONE, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_DEADLINE, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_NEAR_LIMIT, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_STUCK, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_TURNS, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_DRAINED, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_DRAIN, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_END, WORKER_GONE, "", NONE },
	{ WORKER_GONE, WORKER_EVENT_KILL, WORKER_GONE, "", NONE },
};

static bool has_deadline(enum worker_state state)
{
	return state == WORKER_STARTING || state == WORKER_DRAINING || state == WORKER_STOPPING || state == WORKER_ENDING;
}

/* An event that tells of the deadline comes when that has passed. */
static void deadline_passes(struct service_state *state)
{
	if (state->slots[0].current.deadline_usec != USEC_NEVER)
		state->slots[0].current.deadline_usec = NOW;
}

static void worker_in(struct service_state *state, enum worker_state worker)
{
	struct rules rules = listening_rules();
	service_state_init(state, &rules);
	state->slots[0].current = (struct worker){ .id = 7, .state = worker, .launched_usec = NOW - 2 * SEC,
					       .deadline_usec = has_deadline(worker) ? BEFORE : USEC_NEVER };
}

static int64_t expected_usec(enum expected_deadline deadline)
{
	const struct rules rules = listening_rules();
	switch (deadline) {
	case READY_WITHIN:
		return NOW + rules.ready_within_usec;
	case DRAIN_TIMEOUT:
		return NOW + rules.drain_timeout_usec;
	case STOP:
		return NOW + rules.stop_timeout_usec;
	case KILL:
		return NOW + rules.kill_timeout_usec;
	case SAME:
		return BEFORE;
	case NONE:
	default:
		return USEC_NEVER;
	}
}

static void every_cell_does_what_its_row_says(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct event event = event_of_worker(row->event, 7, &verdict_crash);
		worker_in(&state, row->state);
		if (row->event == WORKER_EVENT_DEADLINE)
			deadline_passes(&state);
		decide(&state, &event, NOW, &decision);
		decision_text(&state, &decision, text);
		const struct worker *worker = &state.slots[0].current;
		if (worker->state != row->next || strcmp(text, row->actions) != 0 ||
		    worker->deadline_usec != expected_usec(row->deadline))
			fail_msg("%s + %s: now %s, does \"%s\", deadline in %lld", worker_state_name(row->state),
				 worker_event_name(row->event), worker_state_name(worker->state), text,
				 (long long)(worker->deadline_usec - NOW));
	}
}

static void no_cell_is_missing_and_none_is_tested_twice(void **unused UNUSED)
{
	int seen[WORKER_STATE_COUNT][WORKER_EVENT_COUNT] = { { 0 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		seen[rows[i].state][rows[i].event]++;
	for (int state = 0; state < WORKER_STATE_COUNT; state++)
		for (int event = 0; event < WORKER_EVENT_COUNT; event++) {
			assert_non_null(worker_table[state][event]);
			assert_int_equal(seen[state][event], 1);
		}
}

static void a_cell_leaves_the_state_alone_exactly_where_it_says_ignored(void **unused UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool quiet = rows[i].state == rows[i].next && rows[i].actions[0] == '\0';
		bool flagged = rows[i].event == WORKER_EVENT_STUCK || rows[i].event == WORKER_EVENT_TURNS;
		if (rows[i].state == WORKER_READY && (flagged || rows[i].event == WORKER_EVENT_NEAR_LIMIT))
			quiet = false; /* a matter for the slot alone, or for its next decision */
		assert_int_equal(worker_table[rows[i].state][rows[i].event] == ignored, quiet);
	}
}

static void every_state_that_waits_for_the_worker_has_a_deadline(void **unused UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(has_deadline(rows[i].next), rows[i].deadline != NONE);
}

static void ready_says_how_long_the_start_took(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_READY, 7, NULL);
	worker_in(&state, WORKER_STARTING);
	decide(&state, &event, NOW, &decision);
	assert_string_equal(decision.actions[0].text, "ready after 2 s");
}

static void the_start_is_timed_from_exec_and_not_from_the_fork(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_LAUNCHED, 7, NULL);
	worker_in(&state, WORKER_LAUNCHING);
	decide(&state, &event, NOW, &decision);
	assert_int_equal(state.slots[0].current.launched_usec, NOW);
}

static void a_stop_that_takes_too_long_names_signal_timeout_and_key(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_DEADLINE, 7, NULL);
	worker_in(&state, WORKER_STOPPING);
	deadline_passes(&state);
	decide(&state, &event, NOW, &decision);
	assert_string_equal(decision.actions[0].text,
			    "still there 10 s after SIGTERM (stop.timeout): killing its whole group");
	worker_in(&state, WORKER_ENDING);
	deadline_passes(&state);
	decide(&state, &event, NOW, &decision);
	assert_string_equal(decision.actions[0].text, "its group still holds processes 5 s after SIGKILL; killing again");
}

static void without_ready_within_a_start_may_take_any_time(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_LAUNCHED, 7, NULL);
	worker_in(&state, WORKER_LAUNCHING);
	state.rules.ready_within_usec = USEC_NEVER;
	decide(&state, &event, NOW, &decision);
	assert_int_equal(state.slots[0].current.deadline_usec, USEC_NEVER);
}

static void a_worker_that_is_not_ready_in_time_is_ended_and_the_verdict_knows_why(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_DEADLINE, 7, NULL);
	worker_in(&state, WORKER_STARTING);
	deadline_passes(&state);
	decide(&state, &event, NOW, &decision);
	assert_true(state.slots[0].current.not_ready);
	worker_in(&state, WORKER_STOPPING); /* its deadline is another one */
	deadline_passes(&state);
	decide(&state, &event, NOW, &decision);
	assert_false(state.slots[0].current.not_ready);
}

static void a_deadline_that_has_been_moved_is_no_deadline(void **unused UNUSED)
{
	static const enum worker_state states[] = { WORKER_STARTING, WORKER_DRAINING, WORKER_STOPPING, WORKER_ENDING };
	static struct service_state state, before;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_DEADLINE, 7, NULL);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		worker_in(&state, states[i]);
		before = state;
		decide(&state, &event, BEFORE - 1, &decision);
		assert_memory_equal(&state, &before, sizeof(state));
		decide(&state, &event, BEFORE, &decision);
		assert_true(decision.action_count > 0);
	}
}

static void a_drain_that_takes_too_long_names_its_key(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_DEADLINE, 7, NULL);
	worker_in(&state, WORKER_DRAINING);
	deadline_passes(&state);
	decide(&state, &event, NOW, &decision);
	assert_string_equal(decision.actions[0].text,
			    "still has connections after 30 s (drain.timeout): asking it to stop");
}

static void who_left_while_draining_had_no_signal_from_us(void **unused UNUSED)
{
	static const enum worker_state states[] = { WORKER_STARTING, WORKER_READY, WORKER_DRAINING, WORKER_STOPPING };
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_EXITED, 7, NULL);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		worker_in(&state, states[i]);
		decide(&state, &event, NOW, &decision);
		assert_int_equal(state.slots[0].current.left_draining, states[i] == WORKER_DRAINING);
	}
}

static void near_its_limit_a_ready_worker_asks_the_slot_unless_the_policy_only_reports(void **unused UNUSED)
{
	static const struct {
		int near_limit;
		enum slot_state next;
	} policies[] = {
		{ RULE_NEAR_LIMIT_REPORT, SLOT_RUNNING },
		{ RULE_NEAR_LIMIT_RESTART, SLOT_RESTARTING },
		{ RULE_NEAR_LIMIT_REPLACE, SLOT_REPLACING },
	};
	static struct service_state state;
	struct decision decision;
	struct event event = event_of_worker(WORKER_EVENT_NEAR_LIMIT, 7, NULL);
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		worker_in(&state, WORKER_READY);
		state.slots[0].state = SLOT_RUNNING;
		state.rules.near_limit = policies[i].near_limit;
		decide(&state, &event, NOW, &decision);
		assert_int_equal(state.slots[0].state, policies[i].next);
	}
}

static void a_stuck_worker_is_told_to_the_slot_once_until_it_turns_again(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event stuck = event_of_worker(WORKER_EVENT_STUCK, 7, NULL), turns = event_of_worker(WORKER_EVENT_TURNS, 7, NULL);
	worker_in(&state, WORKER_READY);
	for (int i = 0; i < 2; i++) {
		state.slots[0].state = SLOT_RUNNING;
		decide(&state, &stuck, NOW, &decision);
		assert_int_equal(state.slots[0].state, SLOT_REPLACING);
		assert_int_equal(state.slots[0].why, ASKED_WATCHDOG);
		assert_true(state.slots[0].current.stuck && !service_state_is_ready(&state));
		state.slots[0].state = SLOT_RUNNING;
		decide(&state, &stuck, NOW, &decision);
		assert_int_equal(state.slots[0].state, SLOT_RUNNING);
		decide(&state, &turns, NOW, &decision);
		assert_true(!state.slots[0].current.stuck && service_state_is_ready(&state));
	}
}

static void what_a_worker_becomes_is_told_to_the_slot_by_its_role(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct event ready = event_of_worker(WORKER_EVENT_READY, 8, NULL);
	worker_in(&state, WORKER_READY);
	state.slots[0].state = SLOT_REPLACING;
	state.slots[0].spare = (struct worker){ .id = 8, .state = WORKER_STARTING, .deadline_usec = USEC_NEVER };
	decide(&state, &ready, NOW, &decision);
	assert_int_equal(state.slots[0].current.id, 8);
	assert_int_equal(state.slots[0].current.ready_usec, NOW);
	assert_int_equal(state.slots[0].spare.id, 7);
	assert_int_equal(state.slots[0].spare.state, WORKER_DRAINING);
}

static void the_stop_signal_is_the_policys(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	struct event event = event_of_worker(WORKER_EVENT_END, 7, NULL);
	worker_in(&state, WORKER_READY);
	state.rules.stop_signal = SIGINT;
	state.rules.stop_timeout_usec = USEC_NEVER;
	decide(&state, &event, NOW, &decision);
	assert_string_equal(decision_text(&state, &decision, text), "SIGINT to 7");
	assert_int_equal(state.slots[0].current.deadline_usec, USEC_NEVER - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_does_what_its_row_says),
		cmocka_unit_test(no_cell_is_missing_and_none_is_tested_twice),
		cmocka_unit_test(a_cell_leaves_the_state_alone_exactly_where_it_says_ignored),
		cmocka_unit_test(every_state_that_waits_for_the_worker_has_a_deadline),
		cmocka_unit_test(ready_says_how_long_the_start_took),
		cmocka_unit_test(the_start_is_timed_from_exec_and_not_from_the_fork),
		cmocka_unit_test(a_stop_that_takes_too_long_names_signal_timeout_and_key),
		cmocka_unit_test(without_ready_within_a_start_may_take_any_time),
		cmocka_unit_test(a_worker_that_is_not_ready_in_time_is_ended_and_the_verdict_knows_why),
		cmocka_unit_test(a_deadline_that_has_been_moved_is_no_deadline),
		cmocka_unit_test(a_drain_that_takes_too_long_names_its_key),
		cmocka_unit_test(who_left_while_draining_had_no_signal_from_us),
		cmocka_unit_test(near_its_limit_a_ready_worker_asks_the_slot_unless_the_policy_only_reports),
		cmocka_unit_test(a_stuck_worker_is_told_to_the_slot_once_until_it_turns_again),
		cmocka_unit_test(what_a_worker_becomes_is_told_to_the_slot_by_its_role),
		cmocka_unit_test(the_stop_signal_is_the_policys),
	};
	return cmocka_run_group_tests_name("worker_table", tests, NULL, NULL);
}
