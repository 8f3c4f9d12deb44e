/* SPDX-License-Identifier: Apache-2.0 */
/* test_watchdog: reporters with the age of their heartbeats in, a finding out; and what a worker may claim. */
#include "tests/unit/unit.h"

#include "supervisor/core/reporters.h"
#include "supervisor/core/watchdog.h"

#define SEC USEC_PER_SEC
#define NOW (1000 * SEC)
#define ALLOWED (30 * SEC)

enum { THREAD = 1, LAUNCHER = 2, CLOSED = 4 };

/* Ages in seconds, -1: it has sent none. */
static const struct row {
	const char *what;
	struct {
		int age;
		unsigned flags;
	} reporters[3];
	bool was_stuck;
	enum watchdog_finding finding;
	size_t reporter;
	int silent, again; /* again -1: never */
} rows[] = {
	{ "nobody", { { -1, 0 }, { -1, 0 }, { -1, 0 } }, false, WATCHDOG_NOBODY, 0, 0, -1 },
	{ "a thread, a launcher, one that is gone", { { 40, THREAD }, { 40, LAUNCHER }, { 40, CLOSED } }, false,
	  WATCHDOG_NOBODY, 0, 0, -1 },
	{ "just heard", { { 0, 0 }, { -1, 0 }, { -1, 0 } }, false, WATCHDOG_TURNS, 0, 0, 30 },
	{ "two missed", { { 29, 0 }, { -1, 0 }, { -1, 0 } }, false, WATCHDOG_TURNS, 0, 29, 1 },
	{ "as long as is allowed", { { 30, 0 }, { -1, 0 }, { -1, 0 } }, false, WATCHDOG_STUCK, 0, 30, 10 },
	{ "the longest of all", { { 3, 0 }, { 34, 0 }, { 31, 0 } }, false, WATCHDOG_STUCK, 1, 34, 10 },
	{ "who is gone does not count", { { 3, 0 }, { 34, CLOSED }, { 12, 0 } }, false, WATCHDOG_TURNS, 2, 12, 18 },
	{ "nobody looked in time", { { 40, 0 }, { -1, 0 }, { -1, 0 } }, false, WATCHDOG_LATE, 0, 40, 30 },
	{ "known to be stuck", { { 40, 0 }, { -1, 0 }, { -1, 0 } }, true, WATCHDOG_STUCK, 0, 40, 10 },
	{ "turns again", { { 1, 0 }, { -1, 0 }, { -1, 0 } }, true, WATCHDOG_TURNS, 0, 1, 29 },
	{ "one of two turns again", { { 1, 0 }, { 99, 0 }, { -1, 0 } }, true, WATCHDOG_STUCK, 1, 99, 10 },
};

static void every_row_is_found(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct reporter reporters[3];
		for (size_t j = 0; j < 3; j++) {
			unsigned flags = rows[i].reporters[j].flags;
			int age = rows[i].reporters[j].age;
			reporters[j] = (struct reporter){ .main_isolate = (flags & THREAD) == 0,
							  .launcher = (flags & LAUNCHER) != 0,
							  .closed = (flags & CLOSED) != 0,
							  .heartbeat_usec = age < 0 ? 0 : NOW - age * SEC };
		}
		struct watchdog_look look = watchdog_look(reporters, 3, NOW, ALLOWED, rows[i].was_stuck);
		int64_t again = rows[i].again < 0 ? USEC_NEVER : rows[i].again * SEC;
		bool somebody = look.finding != WATCHDOG_NOBODY;
		if (look.finding != rows[i].finding || look.again_usec != again ||
		    (somebody && (look.reporter != rows[i].reporter || look.silent_usec != rows[i].silent * SEC)))
			fail_msg("%s: finding %d, reporter %zu, silent %lld, again %lld", rows[i].what, look.finding,
				 look.reporter, (long long)look.silent_usec, (long long)look.again_usec);
	}
}

static void the_shortest_watchdog_looks_again_later_than_now(void **state UNUSED)
{
	struct reporter reporter = { .main_isolate = true, .heartbeat_usec = 1 };
	for (int64_t now_usec = 1; now_usec < 3 * SEC; now_usec += 1234)
		for (int was_stuck = 0; was_stuck < 2; was_stuck++)
			assert_true(watchdog_look(&reporter, 1, now_usec, SEC, was_stuck).again_usec > 0);
}

static void a_heartbeat_begins_the_count_of_collections_and_hostile_ones_are_bounded(void **state UNUSED)
{
	struct reporter reporter = { .collected_usec = 5 };
	reporter_beats(&reporter, 100, 170);
	assert_int_equal(reporter.heartbeat_usec, 100);
	assert_int_equal(reporter.heartbeat_slept_usec, 70);
	assert_int_equal(reporter.collected_usec, 0);
	reporter_collected(&reporter, 3 * SEC);
	reporter_collected(&reporter, SEC);
	assert_int_equal(reporter.collected_usec, 4 * SEC);
	for (int i = 0; i < 3; i++)
		reporter_collected(&reporter, UINT64_MAX);
	assert_int_equal(reporter.collected_usec, 7 * 24 * 3600 * SEC);
}

static void it_has_words(void **state UNUSED)
{
	struct stuck stuck = { .pid = 77, .silent_usec = 31 * SEC, .allowed_usec = 30 * SEC };
	char text[160];
	watchdog_text(&stuck, text, sizeof(text));
	assert_string_equal(text, "no heartbeat for 31 s from pid 77 (watchdog.event_loop: 30 s)");
	assert_string_equal(watchdog_state_text('T'), "it is stopped (SIGSTOP, SIGTSTP)");
	assert_string_equal(watchdog_state_text('?'), "what it does cannot be seen");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_found),
		cmocka_unit_test(the_shortest_watchdog_looks_again_later_than_now),
		cmocka_unit_test(a_heartbeat_begins_the_count_of_collections_and_hostile_ones_are_bounded),
		cmocka_unit_test(it_has_words),
	};
	return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
