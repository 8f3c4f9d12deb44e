/* SPDX-License-Identifier: Apache-2.0 */
/* test_early: when a worker is near its limits before V8 or the kernel says so, and which healthy ones are left alone. */
#include "tests/unit/unit.h"
#include "base/units.h"
#include "supervisor/core/early.h"
#include "supervisor/core/names.h"
#include "supervisor/types/policy.h"

#define SEC USEC_PER_SEC
#define MSEC USEC_PER_MSEC
#define OLD_MIB 64
#define BEGIN (100 * SEC)
#define NOBODY EARLY_TRIGGERS
#define PHASES 4

static const struct early_limits standard = {
	.lead_usec = 2 * SEC,
	.live_max_percent = 95,
	.gc_time_percent = 50,
	.replace_at_bytes = 288 * MIB,
	.memory_limit_bytes = 320 * MIB,
};

/* `steps` full collections, one every `msec`, each `pause_msec` long; live goes evenly from where the phase before ended. */
struct phase {
	int to_mib, steps, msec, pause_msec;
};

struct row {
	const char *what;
	int from_mib; /* of the first collection, at BEGIN */
	struct phase phases[PHASES];
	enum early_trigger trigger;	/* the first that warns; NOBODY: none does */
	int from_mib_live, to_mib_live; /* live when it did */
};

static const struct row rows[] = {
	{ "a leak is seen two seconds before the end", 10, { { 70, 60, 200, 10 } }, EARLY_FORECAST, 53, 55 },
	{ "a slow leak", 10, { { 70, 600, 10000, 10 } }, EARLY_LIVE, 60, 62 },
	{ "a leak that fills old space in two seconds", 10, { { 70, 20, 100, 10 } }, EARLY_FORECAST, 47, 52 },
	{ "a leak that fills it in less than the trend takes", 10, { { 70, 9, 100, 10 } }, NOBODY, 0, 0 },
	{ "a storm of collections", 10, { { 60, 500, 10, 5 }, { 64, 80, 10, 5 } }, EARLY_FORECAST, 47, 50 },
	{ "a cache of 70 % that has filled fast", 5, { { 45, 12, 150, 10 }, { 45, 100, 200, 10 } }, NOBODY, 0, 0 },
	{ "a large and steady heap", 58, { { 59, 50, 300, 20 }, { 57, 50, 300, 20 } }, NOBODY, 0, 0 },
	{ "a heap that is ready with 96 % and stays there", 62, { { 62, 100, 300, 20 } }, NOBODY, 0, 0 },
	{ "a cache that is filled and cleared, again and again",
	  20,
	  { { 45, 20, 500, 10 }, { 20, 1, 500, 10 }, { 45, 20, 500, 10 }, { 20, 1, 500, 10 } },
	  NOBODY,
	  0,
	  0 },
	{ "a spike that is gone after the next collection",
	  30,
	  { { 30, 10, 500, 10 }, { 63, 1, 500, 10 }, { 30, 9, 500, 10 } },
	  NOBODY,
	  0,
	  0 },
	{ "two above are a moment, three are a state",
	  30,
	  { { 30, 10, 5000, 10 }, { 62, 1, 5000, 10 }, { 62, 2, 5000, 10 } },
	  EARLY_LIVE,
	  62,
	  62 },
	{ "most of the time in collections",
	  40,
	  { { 40, 20, 500, 10 }, { 56, 1, 500, 10 }, { 56, 40, 200, 150 } },
	  EARLY_GC_TIME,
	  56,
	  56 },
	{ "much time in collections, and room enough", 40, { { 40, 60, 200, 150 } }, NOBODY, 0, 0 },
	{ "less than half of the time",
	  40,
	  { { 40, 20, 500, 10 }, { 56, 1, 500, 10 }, { 56, 60, 200, 90 } },
	  NOBODY,
	  0,
	  0 },
	{ "what was before the last five seconds is past",
	  40,
	  { { 56, 1, 500, 10 }, { 56, 60, 200, 90 }, { 56, 1, 20000, 10 }, { 56, 4, 400, 400 } },
	  NOBODY,
	  0,
	  0 },
	{ "V8 does little else than collect",
	  40,
	  { { 40, 20, 500, 10 }, { 49, 1, 500, 10 }, { 50, 20, 60, 5 } },
	  EARLY_GC_TIME,
	  49,
	  49 },
	{ "the same with room enough", 40, { { 40, 20, 500, 10 }, { 46, 1, 500, 10 }, { 47, 20, 60, 5 } }, NOBODY, 0, 0 },
	{ "the same by one that is ready with so much", 49, { { 50, 60, 60, 5 } }, NOBODY, 0, 0 },
	{ "two right after each other are a moment",
	  40,
	  { { 40, 20, 500, 10 }, { 50, 1, 500, 10 }, { 50, 2, 60, 5 }, { 50, 20, 150, 5 } },
	  NOBODY,
	  0,
	  0 },
	{ "much is loaded in a moment", 40, { { 40, 20, 500, 10 }, { 44, 1, 500, 10 }, { 60, 4, 60, 5 } }, NOBODY, 0, 0 },
	{ "one long collection is no spiral",
	  40,
	  { { 40, 20, 500, 10 }, { 56, 1, 500, 10 }, { 56, 1, 3500, 3500 } },
	  NOBODY,
	  0,
	  0 },
};

struct watch {
	struct early_heap heap;
	struct early_warning warning;
	int64_t at_usec;
};

static void begin(struct watch *watch)
{
	watch->at_usec = BEGIN;
	early_heap_begin(&watch->heap, BEGIN);
}

static bool collect(struct watch *watch, const struct early_limits *limits, uint64_t live_bytes, int64_t after_usec,
		    uint64_t pause_usec)
{
	watch->at_usec += after_usec;
	const struct heap_sample sample = {
		.at_usec = watch->at_usec, .used_bytes = live_bytes, .full = true, .pause_usec = pause_usec
	};
	return early_heap_look(&watch->heap, limits, OLD_MIB * MIB, &sample, &watch->warning);
}

/* True where somebody warned; stops there. */
static bool live_through(struct watch *watch, const struct early_limits *limits, const struct row *row)
{
	double from = row->from_mib;
	begin(watch);
	(void)collect(watch, limits, (uint64_t)(from * MIB), 0, 0);
	for (size_t i = 0; i < PHASES; i++) {
		const struct phase *phase = &row->phases[i];
		for (int step = 1; step <= phase->steps; step++) {
			double live = from + (phase->to_mib - from) * step / phase->steps;
			if (collect(watch, limits, (uint64_t)(live * MIB), phase->msec * MSEC,
				    (uint64_t)(phase->pause_msec * MSEC)))
				return true;
		}
		from = phase->to_mib;
	}
	return false;
}

static void who_is_near_is_warned_of_and_who_is_healthy_is_not(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct watch watch;
		bool warned = live_through(&watch, &standard, &rows[i]);
		int mib = (int)(watch.heap.live_bytes / MIB);
		if (warned != (rows[i].trigger != NOBODY))
			fail_msg("%s: %s", rows[i].what, warned ? watch.warning.text : "no warning");
		if (warned && (watch.warning.trigger != rows[i].trigger || mib < rows[i].from_mib_live ||
			       mib > rows[i].to_mib_live))
			fail_msg("%s: %s at %d MiB: %s", rows[i].what, early_trigger_name(watch.warning.trigger), mib,
				 watch.warning.text);
	}
}

static void each_trigger_has_its_key_and_can_be_turned_off(void **state UNUSED)
{
	const struct early_limits off = { .live_max_percent = PERCENT_NONE,
					  .gc_time_percent = PERCENT_NONE,
					  .replace_at_bytes = SIZE_NONE };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct watch watch;
		if (live_through(&watch, &off, &rows[i]))
			fail_msg("%s: %s", rows[i].what, watch.warning.text);
	}
	assert_string_equal(early_trigger_name(EARLY_FORECAST), "heap.lead");
	assert_string_equal(early_trigger_name(EARLY_MEMORY), "memory.replace_at");
}

static void a_longer_lead_warns_earlier_but_not_below_three_quarters(void **state UNUSED)
{
	static const struct {
		int64_t lead_usec;
		int from_mib, to_mib;
	} leads[] = { { 1 * SEC, 58, 60 }, { 2 * SEC, 53, 55 }, { 3 * SEC, 48, 50 }, { 60 * SEC, 47, 49 } };
	for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
		struct watch watch;
		struct early_limits limits = standard;
		limits.lead_usec = leads[i].lead_usec;
		assert_true(live_through(&watch, &limits, &rows[0]));
		assert_in_range(watch.heap.live_bytes / MIB, leads[i].from_mib, leads[i].to_mib);
	}
}

/* Known to leak, a heap is to be left before V8 collects all the time: two semi-spaces below its limit. */
static void a_service_that_leaks_is_warned_of_earlier(void **state UNUSED)
{
	static const struct {
		uint64_t semi_space_bytes;
		int64_t lead_usec;
		int from_mib, to_mib;
	} leaks[] = {
		{ 8 * MIB, 2 * SEC, 37, 39 },  { 4 * MIB, 2 * SEC, 45, 47 },  { 8 * MIB, 20 * SEC, 31, 33 },
		{ 16 * MIB, SEC / 2, 31, 33 }, { 40 * MIB, SEC / 2, 31, 33 }, { SIZE_UNKNOWN, 2 * SEC, 53, 55 },
		{ 8 * MIB, 0, 60, 70 },
	};
	for (size_t i = 0; i < ARRAY_LEN(leaks); i++) {
		struct watch watch;
		struct early_limits limits = standard;
		limits.leaks = true;
		limits.semi_space_bytes = leaks[i].semi_space_bytes;
		limits.lead_usec = leaks[i].lead_usec;
		assert_true(live_through(&watch, &limits, &rows[0]));
		if (!(watch.heap.live_bytes / MIB >= (uint64_t)leaks[i].from_mib) ||
		    !(watch.heap.live_bytes / MIB <= (uint64_t)leaks[i].to_mib))
			fail_msg("row %zu: %llu MiB", i, (unsigned long long)(watch.heap.live_bytes / MIB));
	}
}

static void a_warning_has_its_numbers(void **state UNUSED)
{
	struct watch watch;
	assert_true(live_through(&watch, &standard, &rows[0]));
	const struct early_warning *warning = &watch.warning;
	assert_string_equal(warning->text,
			    "old space is forecast to be full in 2 s (live 54 MiB of 64 MiB, growing 5 MiB/s)");
	assert_int_equal(warning->live_bytes, 54 * MIB);
	assert_int_equal(warning->used_bytes, 54 * MIB);
	assert_int_equal(warning->old_space_bytes, 64 * MIB);
	assert_int_equal(warning->usec_to_limit, 2 * SEC);
	assert_int_equal(warning->growth_bytes, 300 * MIB);
	assert_true(warning->memory_bytes == SIZE_UNKNOWN);
	assert_true(live_through(&watch, &standard, &rows[1]));
	assert_string_equal(
		warning->text,
		"3 full collections in a row have left 95 % of old space or more (live 61 MiB of 64 MiB)");
	assert_int_equal(warning->growth_bytes, 629145); /* 0.6 MiB */
}

static void growth_that_takes_years_is_none(void **state UNUSED)
{
	struct watch watch;
	begin(&watch);
	for (uint64_t i = 0; i < 10; i++)
		assert_false(collect(&watch, &standard, 20 * MIB + i, 10 * SEC, 1000));
	assert_int_equal(early_usec_to_limit(&watch.heap, OLD_MIB * MIB, watch.at_usec), USEC_NEVER);
}

/* Once, and again only after the heap was clearly lower in between. */
static void it_is_said_once(void **state UNUSED)
{
	struct watch watch;
	int warnings = 0;
	assert_true(live_through(&watch, &standard, &rows[0]));
	for (int i = 0; i < 20; i++)
		warnings += collect(&watch, &standard, 54 * MIB + (uint64_t)i * 256 * KIB, 200 * MSEC, 1000);
	assert_int_equal(warnings, 0);
	for (int i = 0; i < 20; i++) /* cleared */
		warnings += collect(&watch, &standard, 20 * MIB, 200 * MSEC, 1000);
	for (int i = 0; i < 60; i++)
		warnings += collect(&watch, &standard, 20 * MIB + (uint64_t)i * 720 * KIB, 200 * MSEC, 1000);
	assert_int_equal(warnings, 1);
}

static void what_came_before_the_beginning_does_not_count(void **state UNUSED)
{
	struct watch watch;
	begin(&watch);
	early_heap_begin(&watch.heap, BEGIN + 10 * SEC); /* a boot of ten seconds */
	for (int mib = 10; mib < 59; mib++)
		assert_false(collect(&watch, &standard, (uint64_t)mib * MIB, 200 * MSEC, 1000));
	assert_int_equal(watch.heap.forecast.count, 0);
}

/* Between full collections the forecast goes on, up to what is in use; but nobody warns of what was not measured. */
static void a_young_collection_is_no_occasion(void **state UNUSED)
{
	struct watch watch;
	struct heap_sample young = { .used_bytes = 60 * MIB };
	begin(&watch);
	for (int mib = 20; mib <= 45; mib += 5)
		assert_false(collect(&watch, &standard, (uint64_t)mib * MIB, SEC, 1000));
	young.at_usec = watch.at_usec + SEC;
	assert_false(early_heap_look(&watch.heap, &standard, OLD_MIB * MIB, &young, &watch.warning));
	young.at_usec = watch.at_usec + 2 * SEC;
	assert_false(early_heap_look(&watch.heap, &standard, OLD_MIB * MIB, &young, &watch.warning));
	assert_int_equal(early_usec_to_limit(&watch.heap, OLD_MIB * MIB, young.at_usec), 1800 * MSEC);
	assert_int_equal(early_usec_to_limit(&watch.heap, OLD_MIB * MIB, young.at_usec + SEC), 800 * MSEC);
	assert_int_equal(early_usec_to_limit(&watch.heap, SIZE_UNKNOWN, young.at_usec), USEC_NEVER);
}

/* A young collection in between: the process does something else as well. */
static void who_allocates_between_collections_does_more_than_collect(void **state UNUSED)
{
	struct watch watch;
	begin(&watch);
	(void)collect(&watch, &standard, 20 * MIB, SEC, 1000);
	for (int i = 0; i < 20; i++) {
		assert_false(collect(&watch, &standard, 50 * MIB, 30 * MSEC, 1000));
		watch.at_usec += 30 * MSEC;
		const struct heap_sample young = { .at_usec = watch.at_usec, .used_bytes = 52 * MIB };
		assert_false(early_heap_look(&watch.heap, &standard, OLD_MIB * MIB, &young, &watch.warning));
	}
}

/* Records are a worker's bytes. Whatever they say, the numbers stay numbers, and nothing is asserted. */
static void lies_cost_nothing_but_a_replacement(void **state UNUSED)
{
	static const uint64_t sizes[] = { 0, 1, MIB, 60 * MIB, (uint64_t)1 << 60 };
	static const uint64_t old_spaces[] = { 0, 1, 64 * MIB, (uint64_t)1 << 60, SIZE_UNKNOWN, SIZE_NONE };
	static const uint64_t pauses[] = { 0, 1, 1000000, INT64_MAX };
	static const int64_t steps[] = { 0, 1, 1000, 1000000, INT64_C(1) << 40, -5 };
	struct early_limits limits = standard;
	struct watch watch;
	uint64_t random = 88172645463325252;
	begin(&watch);
	for (int i = 0; i < 200000; i++) {
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		limits.leaks = random % 2 == 0;
		limits.semi_space_bytes = sizes[random / 23 % ARRAY_LEN(sizes)];
		limits.lead_usec = random % 3 == 0 ? USEC_NEVER - 1 : (int64_t)(random % 5) * SEC;
		watch.at_usec += steps[random / 7 % ARRAY_LEN(steps)];
		const struct heap_sample sample = { .at_usec = watch.at_usec,
						    .used_bytes = sizes[random / 11 % ARRAY_LEN(sizes)],
						    .full = random / 13 % 2 == 0,
						    .pause_usec = pauses[random / 17 % ARRAY_LEN(pauses)] };
		if (!early_heap_look(&watch.heap, &limits, old_spaces[random / 19 % ARRAY_LEN(old_spaces)], &sample,
				     &watch.warning))
			continue;
		assert_true(watch.warning.gc_percent <= 100 && watch.warning.growth_bytes <= INT64_MAX);
		assert_true(watch.warning.usec_to_limit >= 0 && strlen(watch.warning.text) > 20);
	}
}

static void memory_is_looked_at_twice(void **state UNUSED)
{
	static const struct {
		int64_t msec;
		int mib; /* 0: cannot be read */
		bool warns, again;
	} looks[] = {
		{ 0, 100, false, false },    { 600, 287, false, false },  { 1000, 290, false, true },
		{ 1400, 291, false, true },  { 1500, 292, true, false },  { 2500, 310, false, false },
		{ 3000, 240, false, false }, { 3500, 300, false, false }, { 4100, 300, false, false },
		{ 5000, 200, false, false }, { 5500, 300, false, true },  { 5600, 100, false, false },
		{ 6000, 300, false, true },  { 6100, 0, false, false },	  { 6500, 300, false, true },
		{ 7000, 300, true, false },
	};
	struct early_memory memory;
	struct early_warning warning;
	early_memory_begin(&memory);
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		uint64_t bytes = looks[i].mib == 0 ? SIZE_UNKNOWN : (uint64_t)looks[i].mib * MIB;
		bool warns = early_memory_look(&memory, &standard, bytes, BEGIN + looks[i].msec * MSEC, &warning);
		if (warns != looks[i].warns || (early_memory_deadline(&memory) != USEC_NEVER) != looks[i].again)
			fail_msg("%lld ms", (long long)looks[i].msec);
	}
	assert_string_equal(warning.text, "memory is nearly full: 300 MiB of 320 MiB, without file cache");
	assert_int_equal(warning.trigger, EARLY_MEMORY);
	assert_true(warning.memory_bytes == 300 * MIB && warning.memory_limit_bytes == 320 * MIB);
	assert_true(warning.live_bytes == SIZE_UNKNOWN && warning.usec_to_limit == USEC_NEVER);
	assert_true(warning.growth_bytes == SIZE_UNKNOWN && warning.gc_percent == PERCENT_NONE);
}

static void a_service_that_needs_so_much_memory_is_left_alone(void **state UNUSED)
{
	struct early_memory memory;
	struct early_warning warning;
	struct early_limits limits = standard;
	early_memory_begin(&memory);
	for (int64_t i = 0; i < 100; i++) /* it was ready with 91 %, and moves between 89 and 93 % */
		assert_false(early_memory_look(&memory, &limits, (uint64_t)(291 - i % 7 + i % 13) * MIB,
					       BEGIN + i * SEC, &warning));
	assert_int_equal(early_memory_deadline(&memory), USEC_NEVER);
	early_memory_begin(&memory);
	assert_false(early_memory_look(&memory, &limits, 100 * MIB, BEGIN, &warning));
	assert_false(early_memory_look(&memory, &limits, 300 * MIB, BEGIN + SEC, &warning));
	limits.replace_at_bytes = SIZE_NONE; /* a reload turns it off: no deadline may be left */
	assert_false(early_memory_look(&memory, &limits, 300 * MIB, BEGIN + 2 * SEC, &warning));
	assert_int_equal(early_memory_deadline(&memory), USEC_NEVER);
}

static void the_longest_of_the_last_starts_counts(void **state UNUSED)
{
	static const struct {
		int64_t learned_msec, took_msec, then_msec;
	} starts[] = { { 0, 300, 300 },	  { 300, 500, 500 }, { 500, 500, 500 },
		       { 500, 100, 400 }, { 400, 0, 300 },   { 0, 0, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		assert_int_equal(early_learn_start(starts[i].learned_msec * MSEC, starts[i].took_msec * MSEC),
				 starts[i].then_msec * MSEC);
	int64_t learned = 60 * SEC; /* once, on a bad day */
	for (int i = 0; i < 20; i++)
		learned = early_learn_start(learned, 300 * MSEC);
	assert_in_range(learned, 300 * MSEC, 500 * MSEC);
}

/* A worker whose memory goes up and down about memory.replace_at: the kernel is asked at most once a second to tell of it. */
static void a_word_of_the_kernel_is_followed_by_a_rest(void **state UNUSED)
{
	struct early_memory memory;
	struct early_warning warning;
	early_memory_begin(&memory);
	assert_false(early_memory_look(&memory, &standard, 100 * MIB, BEGIN, &warning));
	assert_true(early_memory_wants_word(&memory, BEGIN));
	early_memory_told(&memory, BEGIN + MSEC);
	for (int64_t msec = 1; msec <= 1000; msec += 111) { /* looks for other reasons do not end it */
		assert_false(early_memory_look(&memory, &standard, 100 * MIB, BEGIN + msec * MSEC, &warning));
		assert_false(early_memory_wants_word(&memory, BEGIN + msec * MSEC));
		assert_int_equal(early_memory_deadline(&memory), BEGIN + 1001 * MSEC);
	}
	assert_false(early_memory_look(&memory, &standard, 100 * MIB, BEGIN + 1001 * MSEC, &warning));
	assert_true(early_memory_wants_word(&memory, BEGIN + 1001 * MSEC));
	assert_int_equal(early_memory_deadline(&memory), USEC_NEVER);
	/* Above, the second look comes before the rest is over; a new worker knows nothing of it. */
	early_memory_told(&memory, BEGIN + 2 * SEC);
	assert_false(early_memory_look(&memory, &standard, 300 * MIB, BEGIN + 2 * SEC, &warning));
	assert_int_equal(early_memory_deadline(&memory), BEGIN + 2 * SEC + EARLY_LOOK_USEC);
	early_memory_begin(&memory);
	assert_int_equal(early_memory_deadline(&memory), USEC_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_near_is_warned_of_and_who_is_healthy_is_not),
		cmocka_unit_test(each_trigger_has_its_key_and_can_be_turned_off),
		cmocka_unit_test(a_longer_lead_warns_earlier_but_not_below_three_quarters),
		cmocka_unit_test(a_service_that_leaks_is_warned_of_earlier),
		cmocka_unit_test(a_warning_has_its_numbers),
		cmocka_unit_test(growth_that_takes_years_is_none),
		cmocka_unit_test(it_is_said_once),
		cmocka_unit_test(what_came_before_the_beginning_does_not_count),
		cmocka_unit_test(a_young_collection_is_no_occasion),
		cmocka_unit_test(who_allocates_between_collections_does_more_than_collect),
		cmocka_unit_test(lies_cost_nothing_but_a_replacement),
		cmocka_unit_test(memory_is_looked_at_twice),
		cmocka_unit_test(a_service_that_needs_so_much_memory_is_left_alone),
		cmocka_unit_test(the_longest_of_the_last_starts_counts),
		cmocka_unit_test(a_word_of_the_kernel_is_followed_by_a_rest),
	};
	return cmocka_run_group_tests_name("early", tests, NULL, NULL);
}
