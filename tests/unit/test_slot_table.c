/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell of the slot table as a row: slot and worker state, event -> next states, actions, deadline of the slot. */
#include "tests/unit/unit.h"
#include "supervisor/core/budget.h"
#include "supervisor/core/decide_internal.h"
#include "tests/unit/decide_unit.h"

#define NOW (100 * SEC)
#define BEFORE (NOW + 3 * SEC) /* the deadline that the slot had when the event came */
#define STEP_BEFORE 3

enum expected_deadline { NONE, HEALTHY, BACKOFF, SAME };
/* What becomes of back-off step and budget: untouched, both from zero, only the step from zero, one death more. */
enum expected_counts { KEPT, CLEARED, STEP_CLEARED, COUNTED };

/* The slot, its worker (7), the event; then both states, the actions, the slot's deadline and the counts. */
static const struct row {
	enum slot_state slot;
	enum worker_state worker;
	enum slot_event event;
	enum slot_state next_slot;
	enum worker_state next_worker;
	const char *actions;
	enum expected_deadline deadline;
	enum expected_counts counts;
} rows[] = {
#define ROW(s, w, e, ns, nw, ...) { SLOT_##s, WORKER_##w, SLOT_EVENT_##e, SLOT_##ns, WORKER_##nw, __VA_ARGS__ }
	ROW(STOPPED, GONE, START, RUNNING, LAUNCHING, "launch 8", NONE, KEPT),
	ROW(STOPPED, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(STOPPED, GONE, RESTART, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, RESET, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, RELOADED, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, SLOT_DEADLINE, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, CURRENT_READY, STOPPED, GONE, "", NONE, KEPT),
	ROW(STOPPED, GONE, CURRENT_GONE, STOPPED, GONE, "", NONE, KEPT),

	ROW(RUNNING, READY, START, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, LAUNCHING, STOP, STOPPING, ENDING, "kill 7", NONE, KEPT),
	ROW(RUNNING, STARTING, STOP, STOPPING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, STOP, STOPPING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, ENDING, STOP, STOPPING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, LAUNCHING, RESTART, RESTARTING, ENDING, "kill 7", NONE, KEPT),
	ROW(RUNNING, STARTING, RESTART, RESTARTING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, READY, RESTART, RESTARTING, STOPPING, "SIGTERM to 7", NONE, KEPT),
	ROW(RUNNING, ENDING, RESTART, RESTARTING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, READY, RESET, RUNNING, READY, "(reset)", SAME, CLEARED),
	ROW(RUNNING, READY, RELOADED, RUNNING, READY, "", SAME, KEPT),
	ROW(RUNNING, READY, SLOT_DEADLINE, RUNNING, READY, "", NONE, CLEARED),
	ROW(RUNNING, STARTING, SLOT_DEADLINE, RUNNING, STARTING, "", NONE, KEPT),
	ROW(RUNNING, ENDING, SLOT_DEADLINE, RUNNING, ENDING, "", NONE, KEPT),
	ROW(RUNNING, READY, CURRENT_READY, RUNNING, READY, "", HEALTHY, KEPT),
	ROW(RUNNING, GONE, CURRENT_GONE, BACKOFF, GONE, "(death), keep-death 7, (restart.scheduled)", BACKOFF, COUNTED),

	ROW(STOPPING, STOPPING, START, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, STOP, STOPPING, ENDING, "(warning), kill 7", NONE, KEPT),
	ROW(STOPPING, ENDING, STOP, STOPPING, ENDING, "(warning)", NONE, KEPT),
	ROW(STOPPING, STOPPING, RESTART, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, RESET, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, RELOADED, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, SLOT_DEADLINE, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, STOPPING, CURRENT_READY, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(STOPPING, GONE, CURRENT_GONE, STOPPED, GONE, "(death), keep-death 7, (stop), finish 0", NONE, KEPT),

	ROW(RESTARTING, STOPPING, START, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, STOP, STOPPING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, ENDING, STOP, STOPPING, ENDING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, RESTART, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, RESET, RESTARTING, STOPPING, "(reset)", NONE, CLEARED),
	ROW(RESTARTING, STOPPING, RELOADED, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, SLOT_DEADLINE, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, STOPPING, CURRENT_READY, RESTARTING, STOPPING, "", NONE, KEPT),
	ROW(RESTARTING, GONE, CURRENT_GONE, RUNNING, LAUNCHING, "(death), keep-death 7, launch 8", NONE, STEP_CLEARED),

	ROW(BACKOFF, GONE, START, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(BACKOFF, GONE, RESTART, RUNNING, LAUNCHING, "launch 8", NONE, STEP_CLEARED),
	ROW(BACKOFF, GONE, RESET, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(BACKOFF, GONE, RELOADED, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, SLOT_DEADLINE, RUNNING, LAUNCHING, "launch 8", NONE, KEPT),
	ROW(BACKOFF, GONE, CURRENT_READY, BACKOFF, GONE, "", SAME, KEPT),
	ROW(BACKOFF, GONE, CURRENT_GONE, BACKOFF, GONE, "", SAME, KEPT),

	ROW(FAILED, GONE, START, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, STOP, STOPPED, GONE, "(stop), finish 0", NONE, KEPT),
	ROW(FAILED, GONE, RESTART, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, RESET, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, RELOADED, RUNNING, LAUNCHING, "(reset), launch 8", NONE, CLEARED),
	ROW(FAILED, GONE, SLOT_DEADLINE, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, CURRENT_READY, FAILED, GONE, "", NONE, KEPT),
	ROW(FAILED, GONE, CURRENT_GONE, FAILED, GONE, "", NONE, KEPT),
#undef ROW
};

static void slot_in(struct service_state *state, const struct row *row)
{
	service_state_init(state, &standard_rules);
	struct slot *slot = &state->slot;
	bool waits = row->slot == SLOT_RUNNING || row->slot == SLOT_BACKOFF;
	bool ends = row->worker == WORKER_STOPPING || row->worker == WORKER_ENDING;
	slot->state = row->slot;
	slot->since_usec = NOW - SEC;
	slot->deadline_usec = waits ? BEFORE : USEC_NEVER;
	slot->current = (struct worker){ .id = 7, .state = row->worker, .deadline_usec = ends ? BEFORE : USEC_NEVER };
	slot->launches = state->next_worker_id = 8;
	slot->backoff_step = STEP_BEFORE;
	budget_add(&slot->budget, NOW - 2 * SEC, VERDICT_EXIT);
	budget_add(&slot->budget, NOW - SEC, VERDICT_EXIT);
}

static int64_t expected_usec(enum expected_deadline deadline)
{
	switch (deadline) {
	case HEALTHY:
		return NOW + standard_rules.healthy_after_usec;
	case BACKOFF:
		return NOW + 8 * standard_rules.backoff_from_usec; /* factor 2, step 3 */
	case SAME:
		return BEFORE;
	case NONE:
	default:
		return USEC_NEVER;
	}
}

static bool counts_fit(const struct slot *slot, enum expected_counts counts)
{
	static const struct {
		uint32_t step, deaths;
	} expected[] = {
		[KEPT] = { STEP_BEFORE, 2 }, [CLEARED] = { 0, 0 }, [STEP_CLEARED] = { 0, 2 },
		[COUNTED] = { STEP_BEFORE + 1, 3 },
	};
	return slot->backoff_step == expected[counts].step && budget_used(&slot->budget, NOW, NOW) == expected[counts].deaths;
}

static void every_cell_does_what_its_row_says(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	char text[DECISION_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct event event = { .slot_event = row->event, .verdict = &verdict_crash, .rules = &standard_rules };
		slot_in(&state, row);
		decide(&state, &event, NOW, &decision);
		decision_text(&state, &decision, text);
		const struct slot *slot = &state.slot;
		if (slot->state != row->next_slot || slot->current.state != row->next_worker ||
		    strcmp(text, row->actions) != 0 || slot->deadline_usec != expected_usec(row->deadline) ||
		    !counts_fit(slot, row->counts))
			fail_msg("%s (worker %s) + %s: now %s (worker %s), does \"%s\", deadline in %lld, step %u, deaths %u",
				 slot_state_name(row->slot), worker_state_name(row->worker), slot_event_name(row->event),
				 slot_state_name(slot->state), worker_state_name(slot->current.state), text,
				 (long long)(slot->deadline_usec - NOW), slot->backoff_step, slot->budget.count);
	}
}

static void no_cell_is_missing(void **unused UNUSED)
{
	int seen[SLOT_STATE_COUNT][SLOT_EVENT_COUNT] = { { 0 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		seen[rows[i].slot][rows[i].event]++;
	for (int slot = 0; slot < SLOT_STATE_COUNT; slot++)
		for (int event = 0; event < SLOT_EVENT_COUNT; event++) {
			assert_non_null(slot_table[slot][event]);
			assert_true(seen[slot][event] > 0);
		}
}

static void a_cell_that_is_ignored_changes_nothing(void **unused UNUSED)
{
	static struct service_state state, before;
	struct decision decision;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event event = { .slot_event = rows[i].event, .verdict = &verdict_crash,
				       .rules = &standard_rules };
		slot_in(&state, &rows[i]);
		before = state;
		decide(&state, &event, NOW, &decision);
		if (slot_table[rows[i].slot][rows[i].event] == ignored) {
			assert_memory_equal(&state, &before, sizeof(state));
			assert_int_equal(decision.action_count, 0);
		}
	}
}

static void since_moves_exactly_when_the_slot_does(void **unused UNUSED)
{
	static struct service_state state;
	struct decision decision;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event event = { .slot_event = rows[i].event, .verdict = &verdict_crash,
				       .rules = &standard_rules };
		slot_in(&state, &rows[i]);
		decide(&state, &event, NOW, &decision);
		assert_int_equal(state.slot.since_usec, state.slot.state == rows[i].slot ? NOW - SEC : NOW);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_does_what_its_row_says),
		cmocka_unit_test(no_cell_is_missing),
		cmocka_unit_test(a_cell_that_is_ignored_changes_nothing),
		cmocka_unit_test(since_moves_exactly_when_the_slot_does),
	};
	return cmocka_run_group_tests_name("slot_table", tests, NULL, NULL);
}
