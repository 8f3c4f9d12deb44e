/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables say together: who restarts after which death, the deadline that is next, and names that users read. */
#include "tests/unit/unit.h"
#include "supervisor/core/budget.h"
#include "tests/unit/decide_unit.h"

#define NOW (1000 * SEC)

static const struct verdict exec_denied = { .kind = VERDICT_EXEC, .certain = true, .number = 13, .text = "exec" };
static const struct verdict oom_kill = { .kind = VERDICT_OOM_KILL, .certain = true, .exit_status = 137, .text = "oom" };
static const struct verdict host_oom = { .kind = VERDICT_OOM_KILL_HOST, .exit_status = 137, .text = "host" };
static const struct verdict seccomp = { .kind = VERDICT_SECCOMP, .certain = true, .exit_status = 159, .text = "sys" };
static const struct verdict segfault = { .kind = VERDICT_SIGNAL, .certain = true, .number = 11, .exit_status = 139 };
static const struct verdict killed = { .kind = VERDICT_UNKNOWN_KILL, .number = 9, .exit_status = 137, .text = "kill" };

#define DIED "(death), keep-death 7, "
#define AGAIN DIED "(restart.scheduled)"

/* One death of worker 7, the `launches`-th worker: what the policy makes of it. */
static const struct death_row {
	int when;
	bool report;
	uint64_t launches;
	const struct verdict *verdict;
	const char *actions;
	enum slot_state next;
} death_rows[] = {
	{ RULE_WHEN_FAILURE, false, 1, &verdict_crash, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &verdict_clean, DIED "(stop), finish 0", SLOT_STOPPED },
	{ RULE_WHEN_FAILURE, false, 1, &verdict_heap, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &oom_kill, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &host_oom, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &seccomp, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &segfault, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_FAILURE, false, 1, &killed, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_ALWAYS, false, 1, &verdict_crash, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_ALWAYS, false, 1, &verdict_clean, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_ALWAYS, false, 1, &verdict_heap, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_NEVER, false, 1, &verdict_crash, DIED "(stop), finish 1", SLOT_STOPPED },
	{ RULE_WHEN_NEVER, false, 1, &verdict_clean, DIED "(stop), finish 0", SLOT_STOPPED },
	{ RULE_WHEN_NEVER, false, 1, &verdict_heap, DIED "(stop), finish 134", SLOT_STOPPED },
	{ RULE_WHEN_NEVER, false, 1, &oom_kill, DIED "(stop), finish 137", SLOT_STOPPED },
	{ RULE_WHEN_NEVER, false, 1, &segfault, DIED "(stop), finish 139", SLOT_STOPPED },
	/* heap.at_limit: report ends the service after this one kind of death, whatever restart.when says */
	{ RULE_WHEN_FAILURE, true, 1, &verdict_heap, DIED "(stop), finish 134", SLOT_STOPPED },
	{ RULE_WHEN_ALWAYS, true, 9, &verdict_heap, DIED "(stop), finish 134", SLOT_STOPPED },
	{ RULE_WHEN_FAILURE, true, 1, &oom_kill, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_ALWAYS, true, 1, &verdict_crash, AGAIN, SLOT_BACKOFF },
	/* what has never started ends the service; what started once may be in the middle of a deployment */
	{ RULE_WHEN_FAILURE, false, 1, &verdict_not_found, DIED "(stop), finish 127", SLOT_STOPPED },
	{ RULE_WHEN_ALWAYS, false, 1, &exec_denied, DIED "(stop), finish 126", SLOT_STOPPED },
	{ RULE_WHEN_FAILURE, false, 2, &verdict_not_found, AGAIN, SLOT_BACKOFF },
	{ RULE_WHEN_NEVER, false, 2, &exec_denied, DIED "(stop), finish 126", SLOT_STOPPED },
};

static void running(struct service_state *state, const struct rules *rules, enum worker_state worker)
{
	service_state_init(state, rules);
	state->slots[0].state = SLOT_RUNNING;
	state->slots[0].current = (struct worker){ .id = 7, .state = worker, .deadline_usec = USEC_NEVER };
	state->slots[0].launches = 1;
	state->next_worker_id = 8;
}

static void dies(struct service_state *state, const struct verdict *verdict, int64_t now_usec, struct decision *decision)
{
	struct event event = event_of_worker(WORKER_EVENT_GONE, state->slots[0].current.id, verdict);
	decide(state, &event, now_usec, decision);
}

static void each_death_is_followed_by_what_the_policy_says(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(death_rows); i++) {
		const struct death_row *row = &death_rows[i];
		struct rules rules = standard_rules;
		rules.when = row->when;
		rules.report_heap_limit = row->report;
		running(&state, &rules, WORKER_ENDING);
		state.slots[0].launches = row->launches;
		dies(&state, row->verdict, NOW, &decision);
		decision_text(&state, &decision, text);
		if (strcmp(text, row->actions) != 0 || state.slots[0].state != row->next ||
		    state.finished != (row->next == SLOT_STOPPED))
			fail_msg("row %zu: \"%s\", now %s", i, text, slot_state_name(state.slots[0].state));
		assert_int_equal(state.deaths_by_verdict[row->verdict->kind], 1);
		assert_int_equal(state.deaths_total, row->next == SLOT_BACKOFF);
	}
}

static void an_end_that_was_asked_for_is_kept_but_no_death(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	running(&state, &standard_rules, WORKER_ENDING);
	state.slots[0].state = SLOT_STOPPING;
	state.slots[0].why = ASKED_STOP;
	dies(&state, &verdict_stopped, NOW, &decision);
	assert_string_equal(decision_text(&state, &decision, text), "keep-death 7, (stop), finish 0");
	running(&state, &standard_rules, WORKER_ENDING);
	state.slots[0].state = SLOT_RESTARTING;
	dies(&state, &verdict_replaced, NOW, &decision);
	assert_string_equal(decision_text(&state, &decision, text), "keep-death 7, launch 8");
	assert_int_equal(state.deaths_by_verdict[VERDICT_REPLACED], 1);
	assert_int_equal(state.deaths_total, 0);
	assert_int_equal(service_state_budget_left(&state, NOW), 5);
}

static void one_death_more_than_the_budget_is_too_many(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (int exits = 0; exits < 2; exits++) {
		struct rules rules = standard_rules;
		rules.exit_when_exhausted = exits == 1;
		running(&state, &rules, WORKER_ENDING);
		for (uint32_t death = 1; death <= rules.budget_deaths; death++) {
			dies(&state, &verdict_heap, NOW, &decision);
			assert_string_equal(decision.actions[0].text, "fatal heap-limit error");
			assert_int_equal(service_state_budget_left(&state, NOW), rules.budget_deaths - death);
			state.slots[0].state = SLOT_RUNNING;
			state.slots[0].current.state = WORKER_ENDING;
		}
		dies(&state, &verdict_heap, NOW, &decision);
		decision_text(&state, &decision, text);
		assert_string_equal(text, exits ? DIED "(failed), (stop), finish 134" : DIED "(failed)");
		assert_int_equal(state.slots[0].state, exits ? SLOT_STOPPED : SLOT_FAILED);
		assert_string_equal(decision.actions[2].text,
				    exits ? "gave up after 6 deaths in 10 min (budget 5); exiting (restart.exhausted: exit)"
					  : "gave up after 6 deaths in 10 min (budget 5); holding");
		assert_int_equal(service_state_budget_left(&state, NOW), 0);
	}
}

static void a_budget_of_nothing_gives_up_at_the_first_death(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	struct rules rules = standard_rules;
	rules.budget_deaths = 0;
	running(&state, &rules, WORKER_ENDING);
	dies(&state, &verdict_crash, NOW, &decision);
	assert_int_equal(state.slots[0].state, SLOT_FAILED);
}

static void deaths_outside_the_window_are_forgiven(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	running(&state, &standard_rules, WORKER_ENDING);
	for (int64_t death = 0; death < 50; death++) {
		dies(&state, &verdict_crash, NOW + death * 121 * SEC, &decision);
		assert_int_equal(state.slots[0].state, SLOT_BACKOFF);
		state.slots[0].state = SLOT_RUNNING;
		state.slots[0].current.state = WORKER_ENDING;
	}
	assert_int_equal(state.deaths_total, 50);
}

static void the_restart_line_has_the_numbers_it_was_decided_with(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	running(&state, &standard_rules, WORKER_ENDING);
	state.slots[0].backoff_step = 3;
	dies(&state, &killed, NOW, &decision);
	assert_string_equal(decision.actions[0].text, "kill (not certain)");
	assert_string_equal(decision.actions[2].text, "restart 1 of 5 in 10 min, back-off 800 ms");
	assert_int_equal(decision.actions[2].delay_usec, 800 * USEC_PER_MSEC);
	assert_int_equal(state.slots[0].next_delay_usec, 800 * USEC_PER_MSEC);
	assert_int_equal(state.slots[0].deadline_usec, NOW + 800 * USEC_PER_MSEC);
}

static void an_event_of_a_worker_that_is_not_there_changes_nothing(void **unused UNUSED)
{
	static struct service_state state, before;
	struct decision decision;
	static const uint32_t others[] = { 0, 1, 6, 8, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (int kind = 0; kind < WORKER_EVENT_COUNT; kind++) {
			struct event event = event_of_worker((enum worker_event)kind, others[i], &verdict_crash);
			running(&state, &standard_rules, WORKER_READY);
			before = state;
			decide(&state, &event, NOW, &decision);
			assert_int_equal(decision.action_count, 0);
			assert_memory_equal(&state, &before, sizeof(state));
		}
}

static void nothing_moves_a_finished_service(void **unused UNUSED)
{
	static struct service_state state, before;
	struct decision decision;
	struct event stop = event_of_slot(SLOT_EVENT_STOP), next;
	service_state_init(&state, &standard_rules);
	decide(&state, &stop, NOW, &decision);
	assert_true(state.finished);
	before = state;
	for (int kind = 0; kind < SLOT_EVENT_COUNT; kind++) {
		struct event event = { .slot_event = (enum slot_event)kind, .verdict = &verdict_crash,
				       .rules = &standard_rules };
		decide(&state, &event, NOW + SEC, &decision);
		assert_int_equal(decision.action_count, 0);
		assert_memory_equal(&state, &before, sizeof(state));
	}
	assert_int_equal(service_state_deadline(&state, &next), USEC_NEVER);
}

static void the_earliest_of_the_deadlines_is_next(void **unused UNUSED)
{
	static const struct {
		int64_t slot_usec, current_usec, spare_usec, next_usec;
		uint32_t worker; /* 0: the slot's own */
	} rows[] = {
		{ USEC_NEVER, USEC_NEVER, USEC_NEVER, USEC_NEVER, 7 },
		{ 5, USEC_NEVER, USEC_NEVER, 5, 0 },
		{ USEC_NEVER, 5, USEC_NEVER, 5, 7 },
		{ USEC_NEVER, USEC_NEVER, 5, 5, 8 },
		{ 5, 6, 7, 5, 0 },
		{ 6, 5, 7, 5, 7 },
		{ 7, 6, 5, 5, 8 },
		{ 5, 5, 6, 5, 7 },
		{ 5, 6, 5, 5, 8 },
		{ 6, 5, 5, 5, 7 },
	};
	static struct service_state state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event event = { .worker = 99 };
		running(&state, &standard_rules, WORKER_READY);
		state.slots[0].deadline_usec = rows[i].slot_usec;
		state.slots[0].current.deadline_usec = rows[i].current_usec;
		state.slots[0].spare = (struct worker){ .id = 8, .deadline_usec = rows[i].spare_usec };
		assert_int_equal(service_state_deadline(&state, &event), rows[i].next_usec);
		assert_int_equal(event.about_worker, rows[i].worker != 0);
		if (event.about_worker) {
			assert_int_equal(event.worker, rows[i].worker);
			assert_int_equal(event.worker_event, WORKER_EVENT_DEADLINE);
		} else {
			assert_int_equal(event.slot_event, SLOT_EVENT_SLOT_DEADLINE);
		}
	}
}

static void users_read_the_states_of_the_vocabulary(void **unused UNUSED)
{
	static const struct {
		enum slot_state slot;
		enum worker_state worker;
		const char *name;
		bool ready;
	} rows[] = {
		{ SLOT_STOPPED, WORKER_GONE, "stopped", false },
		{ SLOT_RUNNING, WORKER_LAUNCHING, "starting", false },
		{ SLOT_RUNNING, WORKER_STARTING, "starting", false },
		{ SLOT_RUNNING, WORKER_READY, "ready", true },
		{ SLOT_RUNNING, WORKER_STOPPING, "stopping", false }, /* it was not ready in time */
		{ SLOT_RUNNING, WORKER_ENDING, "stopping", false },
		{ SLOT_REPLACING, WORKER_READY, "replacing", true },
		{ SLOT_REPLACING, WORKER_ENDING, "replacing", false },
		{ SLOT_REPLACED, WORKER_READY, "replacing", true },
		{ SLOT_REPLACED, WORKER_STARTING, "starting", false },
		{ SLOT_REPLACED, WORKER_ENDING, "stopping", false },
		{ SLOT_RESTARTING, WORKER_DRAINING, "draining", false },
		{ SLOT_RESTARTING, WORKER_STOPPING, "replacing", false },
		{ SLOT_RESTARTING, WORKER_GONE, "replacing", false },
		{ SLOT_STOPPING, WORKER_STOPPING, "stopping", false },
		{ SLOT_STOPPING, WORKER_ENDING, "stopping", false },
		{ SLOT_BACKOFF, WORKER_GONE, "back-off", false },
		{ SLOT_FAILED, WORKER_GONE, "failed", false },
	};
	static struct service_state state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		service_state_init(&state, &standard_rules);
		state.slots[0].state = rows[i].slot;
		state.slots[0].current.state = rows[i].worker;
		assert_string_equal(service_state_name(&state), rows[i].name);
		assert_int_equal(service_state_is_ready(&state), rows[i].ready);
	}
}

static void a_worker_is_found_by_its_id_whatever_its_place(void **unused UNUSED)
{
	static struct service_state state;
	running(&state, &standard_rules, WORKER_READY);
	assert_ptr_equal(service_state_worker(&state, 7), &state.slots[0].current);
	assert_null(service_state_worker(&state, 8));
	assert_null(service_state_worker(&state, 0)); /* the spare that is not there has no id */
	state.slots[0].spare.id = 8;
	assert_ptr_equal(service_state_worker(&state, 8), &state.slots[0].spare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_death_is_followed_by_what_the_policy_says),
		cmocka_unit_test(an_end_that_was_asked_for_is_kept_but_no_death),
		cmocka_unit_test(one_death_more_than_the_budget_is_too_many),
		cmocka_unit_test(a_budget_of_nothing_gives_up_at_the_first_death),
		cmocka_unit_test(deaths_outside_the_window_are_forgiven),
		cmocka_unit_test(the_restart_line_has_the_numbers_it_was_decided_with),
		cmocka_unit_test(an_event_of_a_worker_that_is_not_there_changes_nothing),
		cmocka_unit_test(nothing_moves_a_finished_service),
		cmocka_unit_test(the_earliest_of_the_deadlines_is_next),
		cmocka_unit_test(users_read_the_states_of_the_vocabulary),
		cmocka_unit_test(a_worker_is_found_by_its_id_whatever_its_place),
	};
	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
