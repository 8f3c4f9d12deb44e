/* SPDX-License-Identifier: Apache-2.0 */
/* early: see early.h. One function a trigger; each asks for more than its threshold alone, so that a healthy program
 * that has much in its heap, grows for a while or collects hard for a moment is left alone, and one that needs what it
 * has is not replaced for ever. */
#include "supervisor/core/early.h"

#include "base/units.h"
#include "supervisor/types/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SAMPLES_MIN 4			  /* of the forecast; a program that starts always grows */
#define LEAK_SAMPLES_MIN 3		  /* the same where the service is known to leak */
#define SPAN_MIN_USEC USEC_PER_SEC	  /* of the forecast's samples: less is a moment, not a trend */
#define SAMPLE_USEC (100 * USEC_PER_MSEC) /* between two of them; else a storm of collections is all they span */
#define LIVE_MIN_PERCENT 75		  /* of old space; below, a cache that warms up looks like a leak */
#define LEAK_MIN_PERCENT 50		  /* the same where the service is known to leak */
#define BUSY_PERCENT 80			  /* of old space; below, V8 need not collect hard */
#define AGAIN_PERCENT 80		  /* of a threshold: below, it can be news again */
#define BELOW_PERCENT 95		  /* of a threshold: clearly below, so that reaching it is news at all */
#define FULL_IN_A_ROW 3
/* V8 marks about a MiB a millisecond, little by little: no pause shows it. Full collections that follow each other within
 * twice that, with no young one between and hardly more to keep, are most of what the process does. */
#define STORM_USEC_PER_MIB (2 * USEC_PER_MSEC)
#define STORM_GROWTH_PERCENT 5 /* of old space, from one to the next; above, something is being loaded */
#define SLICE_USEC (EARLY_GC_WINDOW_USEC / EARLY_GC_SLICES)
#define HORIZON_USEC (365 * 86400 * USEC_PER_SEC) /* beyond, it is noise and no growth */
#define GROWTH_MAX ((double)((uint64_t)1 << 62))

static bool is_known(uint64_t bytes)
{
	return bytes != SIZE_NONE && bytes != SIZE_UNKNOWN && bytes > 0;
}

static uint64_t percent_of(uint64_t bytes, uint32_t percent)
{
	return (uint64_t)((double)bytes / 100 * percent);
}

void early_heap_begin(struct early_heap *heap, int64_t now_usec)
{
	*heap = (struct early_heap){ .since_usec = now_usec,
				     .last_usec = now_usec,
				     .live_bytes = SIZE_UNKNOWN,
				     .lowest_live_bytes = SIZE_UNKNOWN };
}

/* Two of one moment say no more than one: the first stands for both, and only that one is worth the reckoning, which a
 * flood of records could make us do for each. */
static bool add_to_forecast(struct early_heap *heap, const struct heap_sample *sample)
{
	if (heap->forecast.count > 0 && sample->at_usec - heap->full_usec < SAMPLE_USEC)
		return false;
	heap->full_usec = sample->at_usec;
	forecast_add(&heap->forecast, sample->at_usec, sample->used_bytes);
	return true;
}

/* A pause began no sooner than the record before was sent, whatever the worker says. */
static void add_to_slices(struct early_heap *heap, const struct heap_sample *sample)
{
	int64_t most_usec = sample->at_usec - heap->last_usec, number = sample->at_usec / SLICE_USEC;
	int64_t pause_usec = sample->pause_usec < (uint64_t)most_usec ? (int64_t)sample->pause_usec : most_usec;
	size_t i = (size_t)(number % EARLY_GC_SLICES);
	if (heap->slices[i].number != number) {
		heap->slices[i].number = number;
		heap->slices[i].pause_usec = heap->slices[i].longest_usec = 0;
	}
	heap->slices[i].pause_usec += pause_usec;
	if (heap->slices[i].longest_usec < pause_usec)
		heap->slices[i].longest_usec = pause_usec;
}

static void count_storm(struct early_heap *heap, uint64_t old_space_bytes, const struct heap_sample *sample)
{
	int64_t near_usec = (int64_t)(sample->used_bytes / MIB) * STORM_USEC_PER_MIB;
	bool first = heap->live_bytes == SIZE_UNKNOWN || !is_known(old_space_bytes);
	bool follows = !first && sample->at_usec - heap->last_usec <= near_usec &&
		       sample->used_bytes <= heap->live_bytes + percent_of(old_space_bytes, STORM_GROWTH_PERCENT);
	heap->storm = follows && heap->last_full ? heap->storm + 1 : 0;
}

static void take_full(struct early_heap *heap, const struct early_limits *limits, uint64_t old_space_bytes,
		      const struct heap_sample *sample)
{
	heap->live_bytes = sample->used_bytes;
	heap->new_trend = add_to_forecast(heap, sample);
	if (heap->live_bytes < heap->lowest_live_bytes)
		heap->lowest_live_bytes = heap->live_bytes;
	bool above = is_known(old_space_bytes) && limits->live_max_percent != PERCENT_NONE &&
		     heap->live_bytes >= percent_of(old_space_bytes, limits->live_max_percent);
	heap->full_above = above ? heap->full_above + 1 : 0;
}

/* A service that is ready with so much in its heap lives with it: the next worker would be no better. */
static bool was_below(const struct early_heap *heap, uint64_t bytes)
{
	return heap->lowest_live_bytes < percent_of(bytes, BELOW_PERCENT);
}

static bool has_trend(const struct early_heap *heap, size_t samples)
{
	const struct forecast *forecast = &heap->forecast;
	return forecast->count >= samples &&
	       forecast->samples[forecast->count - 1].at_usec - forecast->samples[0].at_usec >= SPAN_MIN_USEC;
}

static int64_t usec_to(const struct early_heap *heap, uint64_t live_bytes, size_t samples, int64_t now_usec)
{
	int64_t usec = USEC_NEVER;
	if (has_trend(heap, samples))
		usec = forecast_usec_to(&heap->forecast, live_bytes, heap->used_bytes, now_usec);
	return usec > HORIZON_USEC ? USEC_NEVER : usec;
}

int64_t early_usec_to_limit(const struct early_heap *heap, uint64_t old_space_bytes, int64_t now_usec)
{
	return is_known(old_space_bytes) ? usec_to(heap, old_space_bytes, LEAK_SAMPLES_MIN, now_usec) : USEC_NEVER;
}

static uint64_t growth_of(const struct early_heap *heap, int64_t per_usec)
{
	double growth = forecast_growth(&heap->forecast) * (double)per_usec / (double)USEC_PER_SEC;
	return growth >= GROWTH_MAX ? (uint64_t)GROWTH_MAX : (uint64_t)growth;
}

/* The share of the window, in percent; 0 while the window is not full. Without the longest: one alone is no spiral. */
static uint32_t gc_percent(const struct early_heap *heap, int64_t now_usec, bool without_longest)
{
	int64_t first = now_usec / SLICE_USEC - EARLY_GC_SLICES + 1, pause_usec = 0, longest_usec = 0;
	if (now_usec - heap->since_usec < EARLY_GC_WINDOW_USEC)
		return 0;
	for (size_t i = 0; i < EARLY_GC_SLICES; i++) {
		if (heap->slices[i].number < first)
			continue;
		pause_usec += heap->slices[i].pause_usec;
		if (longest_usec < heap->slices[i].longest_usec)
			longest_usec = heap->slices[i].longest_usec;
	}
	int64_t window_usec = now_usec - first * SLICE_USEC;
	int64_t percent = (pause_usec - (without_longest ? longest_usec : 0)) * 100 / (window_usec + 1);
	return percent > 100 ? 100 : (uint32_t)percent;
}

static void fill(const struct early_heap *heap, uint64_t old_space_bytes, int64_t now_usec, struct early_warning *ret)
{
	*ret = (struct early_warning){
		.used_bytes = heap->used_bytes,
		.live_bytes = heap->live_bytes,
		.old_space_bytes = old_space_bytes,
		.gc_percent = gc_percent(heap, now_usec, false),
		.memory_bytes = SIZE_UNKNOWN,
		.memory_limit_bytes = SIZE_UNKNOWN,
	};
}

/* Only of what is told: it is by far the dearest to reckon. */
static void fill_trend(const struct early_heap *heap, uint64_t old_space_bytes, int64_t now_usec, struct early_warning *ret)
{
	ret->usec_to_limit = early_usec_to_limit(heap, old_space_bytes, now_usec);
	ret->growth_bytes = has_trend(heap, LEAK_SAMPLES_MIN) ? growth_of(heap, 60 * USEC_PER_SEC) : 0;
}

/* "1.5 MiB/s", and what is slower by the minute. */
static const char *growth_text(char text[static UNITS_TEXT_MAX], const struct early_heap *heap)
{
	char size[UNITS_TEXT_MAX];
	uint64_t second = growth_of(heap, USEC_PER_SEC);
	bool fast = second >= MIB;
	snprintf(text, UNITS_TEXT_MAX, "%s/%s",
		 units_format_size(size, fast ? second : growth_of(heap, 60 * USEC_PER_SEC)), fast ? "s" : "min");
	return text;
}

/* V8 lets the live set grow halfway to its limit before it collects again, and begins to when a semi-space is left of
 * that: from two semi-spaces below the limit on it collects all the time. */
static uint64_t busy_from(uint64_t old_space_bytes, uint64_t semi_space_bytes)
{
	uint64_t least = percent_of(old_space_bytes, LEAK_MIN_PERCENT);
	if (!is_known(semi_space_bytes) || semi_space_bytes > old_space_bytes)
		return old_space_bytes;
	return old_space_bytes - least > 2 * semi_space_bytes ? old_space_bytes - 2 * semi_space_bytes : least;
}

/* Only right after a full collection: between two of them the line goes on where a cache that is full does not. */
static bool forecast_warns(struct early_heap *heap, const struct early_limits *limits, struct early_warning *warning)
{
	char time[UNITS_TEXT_MAX], live[UNITS_TEXT_MAX], old[UNITS_TEXT_MAX], growth[UNITS_TEXT_MAX];
	uint64_t old_space_bytes = warning->old_space_bytes;
	if (heap->warned[EARLY_FORECAST] && heap->live_bytes < percent_of(heap->warned_live_bytes, AGAIN_PERCENT))
		heap->warned[EARLY_FORECAST] = false;
	uint64_t least_bytes = percent_of(old_space_bytes, limits->leaks ? LEAK_MIN_PERCENT : LIVE_MIN_PERCENT);
	size_t samples = limits->leaks ? LEAK_SAMPLES_MIN : SAMPLES_MIN;
	uint64_t most_bytes = limits->leaks ? busy_from(old_space_bytes, limits->semi_space_bytes) : old_space_bytes;
	if (heap->warned[EARLY_FORECAST] || !heap->new_trend || heap->live_bytes < least_bytes)
		return false;
	if (limits->lead_usec == 0 || usec_to(heap, most_bytes, samples, heap->last_usec) > limits->lead_usec)
		return false;
	heap->warned[EARLY_FORECAST] = true;
	heap->warned_live_bytes = heap->live_bytes;
	snprintf(warning->text, sizeof(warning->text), "old space is forecast to be full in %s (live %s of %s, growing %s)",
		 units_format_time(time, early_usec_to_limit(heap, old_space_bytes, heap->last_usec)),
		 units_format_size(live, heap->live_bytes), units_format_size(old, old_space_bytes), growth_text(growth, heap));
	return true;
}

static bool live_warns(struct early_heap *heap, const struct early_limits *limits, struct early_warning *warning)
{
	char live[UNITS_TEXT_MAX], old[UNITS_TEXT_MAX];
	uint64_t old_space_bytes = warning->old_space_bytes;
	if (limits->live_max_percent == PERCENT_NONE)
		return false;
	uint64_t max_bytes = percent_of(old_space_bytes, limits->live_max_percent);
	if (heap->warned[EARLY_LIVE] && heap->live_bytes < percent_of(max_bytes, AGAIN_PERCENT))
		heap->warned[EARLY_LIVE] = false;
	if (heap->warned[EARLY_LIVE] || heap->full_above < FULL_IN_A_ROW || !was_below(heap, max_bytes))
		return false;
	heap->warned[EARLY_LIVE] = true;
	snprintf(warning->text, sizeof(warning->text),
		 "%d full collections in a row have left %" PRIu32 " %% of old space or more (live %s of %s)",
		 FULL_IN_A_ROW, limits->live_max_percent, units_format_size(live, heap->live_bytes),
		 units_format_size(old, old_space_bytes));
	return true;
}

/* Whether V8 does nothing but collect, and hardly anything goes. */
static bool is_storm(const struct early_heap *heap, uint64_t old_space_bytes)
{
	uint64_t least_bytes = percent_of(old_space_bytes, LIVE_MIN_PERCENT);
	return heap->storm >= FULL_IN_A_ROW && heap->live_bytes >= least_bytes && was_below(heap, least_bytes);
}

static bool storm_warns(struct early_heap *heap, struct early_warning *warning)
{
	char live[UNITS_TEXT_MAX], old[UNITS_TEXT_MAX];
	heap->warned[EARLY_GC_TIME] = true;
	snprintf(warning->text, sizeof(warning->text),
		 "V8 does little else than collect: %u full collections in a row, and hardly anything goes (live %s of %s)",
		 heap->storm + 1, units_format_size(live, heap->live_bytes),
		 units_format_size(old, warning->old_space_bytes));
	return true;
}

static bool gc_time_warns(struct early_heap *heap, const struct early_limits *limits, struct early_warning *warning)
{
	char live[UNITS_TEXT_MAX], old[UNITS_TEXT_MAX];
	uint32_t percent = warning->gc_percent, most = limits->gc_time_percent;
	if (most == PERCENT_NONE)
		return false;
	uint64_t busy_bytes = percent_of(warning->old_space_bytes, BUSY_PERCENT);
	bool storm = is_storm(heap, warning->old_space_bytes);
	if (heap->warned[EARLY_GC_TIME] && percent < percent_of(most, AGAIN_PERCENT) && !storm)
		heap->warned[EARLY_GC_TIME] = false;
	if (storm && !heap->warned[EARLY_GC_TIME])
		return storm_warns(heap, warning);
	if (gc_percent(heap, heap->last_usec, true) < most)
		return false;
	if (heap->warned[EARLY_GC_TIME] || heap->live_bytes < busy_bytes || !was_below(heap, busy_bytes))
		return false;
	heap->warned[EARLY_GC_TIME] = true;
	snprintf(warning->text, sizeof(warning->text),
		 "collections took %" PRIu32 " %% of the last 5 s (live %s of %s)", percent,
		 units_format_size(live, heap->live_bytes), units_format_size(old, warning->old_space_bytes));
	return true;
}

static void take(struct early_heap *heap, const struct early_limits *limits, uint64_t old_space_bytes,
		 const struct heap_sample *sample)
{
	add_to_slices(heap, sample);
	if (sample->full)
		count_storm(heap, old_space_bytes, sample);
	heap->last_full = sample->full;
	heap->last_usec = sample->at_usec;
	heap->used_bytes = sample->used_bytes;
	heap->new_trend = false;
	if (sample->full)
		take_full(heap, limits, old_space_bytes, sample);
}

bool early_heap_look(struct early_heap *heap, const struct early_limits *limits, uint64_t old_space_bytes,
		     const struct heap_sample *sample, struct early_warning *ret)
{
	static bool (*const triggers[])(struct early_heap *, const struct early_limits *, struct early_warning *) = {
		[EARLY_FORECAST] = forecast_warns,
		[EARLY_LIVE] = live_warns,
		[EARLY_GC_TIME] = gc_time_warns,
	};
	if (sample->at_usec < heap->last_usec)
		return false;
	take(heap, limits, old_space_bytes, sample);
	if (!is_known(old_space_bytes) || heap->live_bytes == SIZE_UNKNOWN)
		return false;
	fill(heap, old_space_bytes, sample->at_usec, ret);
	for (size_t i = 0; i < ARRAY_LEN(triggers); i++) {
		ret->trigger = (enum early_trigger)i;
		if (!triggers[i](heap, limits, ret))
			continue;
		fill_trend(heap, old_space_bytes, sample->at_usec, ret);
		return true;
	}
	return false;
}

void early_memory_begin(struct early_memory *memory)
{
	*memory = (struct early_memory){ .above_usec = 0 };
}

static bool warn_of_memory(const struct early_limits *limits, uint64_t bytes, struct early_warning *ret)
{
	char now[UNITS_TEXT_MAX], limit[UNITS_TEXT_MAX];
	*ret = (struct early_warning){
		.trigger = EARLY_MEMORY,
		.used_bytes = SIZE_UNKNOWN,
		.live_bytes = SIZE_UNKNOWN,
		.old_space_bytes = SIZE_UNKNOWN,
		.usec_to_limit = USEC_NEVER,
		.growth_bytes = SIZE_UNKNOWN,
		.gc_percent = PERCENT_NONE,
		.memory_bytes = bytes,
		.memory_limit_bytes = limits->memory_limit_bytes,
	};
	snprintf(ret->text, sizeof(ret->text), "memory is nearly full: %s of %s, without file cache",
		 units_format_size(now, bytes), units_format_size(limit, limits->memory_limit_bytes));
	return true;
}

bool early_memory_look(struct early_memory *memory, const struct early_limits *limits, uint64_t bytes, int64_t now_usec,
		       struct early_warning *ret)
{
	memory->look_usec = now_usec;
	if (!is_known(limits->replace_at_bytes) || !is_known(bytes)) {
		memory->above_usec = 0;
		return false;
	}
	if (bytes < limits->replace_at_bytes) {
		memory->was_below = memory->was_below || bytes < percent_of(limits->replace_at_bytes, BELOW_PERCENT);
		memory->warned = memory->warned && bytes >= percent_of(limits->replace_at_bytes, AGAIN_PERCENT);
		memory->above_usec = 0;
		return false;
	}
	if (!memory->was_below || memory->warned)
		return false;
	if (memory->above_usec == 0)
		memory->above_usec = now_usec;
	if (now_usec - memory->above_usec < EARLY_LOOK_USEC)
		return false;
	memory->warned = true;
	return warn_of_memory(limits, bytes, ret);
}

void early_memory_told(struct early_memory *memory, int64_t now_usec)
{
	memory->rest_usec = now_usec + EARLY_REST_USEC;
}

bool early_memory_wants_word(const struct early_memory *memory, int64_t now_usec)
{
	return memory->above_usec == 0 && now_usec >= memory->rest_usec;
}

int64_t early_memory_deadline(const struct early_memory *memory)
{
	int64_t rest_usec = memory->rest_usec > memory->look_usec ? memory->rest_usec : USEC_NEVER;
	int64_t look_usec = memory->above_usec == 0 || memory->warned ? USEC_NEVER : memory->above_usec + EARLY_LOOK_USEC;
	return rest_usec < look_usec ? rest_usec : look_usec;
}

int64_t early_learn_start(int64_t learned_usec, int64_t took_usec)
{
	return took_usec >= learned_usec ? took_usec : learned_usec - (learned_usec - took_usec) / 4;
}
