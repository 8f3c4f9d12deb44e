/* SPDX-License-Identifier: Apache-2.0 */
/* reporters: see reporters.h. */
#include "supervisor/core/reporters.h"

#include <string.h>

size_t reporters_find(const struct reporter *list, size_t count, int32_t claimed_pid, uint64_t isolate)
{
	size_t i = 0;
	while (i < count && (list[i].closed || list[i].claimed_pid != claimed_pid || list[i].isolate != isolate))
		i++;
	return i;
}

/* A better one to write over: gone, then not near its limit (that is the evidence of a death), then gone earlier. */
static bool is_better_place(const struct reporter *one, const struct reporter *other)
{
	if (one->near_limit != other->near_limit)
		return other->near_limit;
	return one->closed_usec < other->closed_usec;
}

size_t reporters_place(const struct reporter *list, size_t count, size_t max, bool main_isolate)
{
	size_t best = max;
	if (count < max)
		return count;
	for (size_t i = 0; i < count; i++) {
		if (list[i].closed && (best == max || is_better_place(&list[i], &list[best])))
			best = i;
	}
	for (size_t i = 0; main_isolate && best == max && i < count; i++)
		best = list[i].main_isolate ? max : i;
	return best;
}

unsigned reporter_rank(const struct reporter *reporter)
{
	return (reporter->launcher ? 0U : 8U) + (reporter->closed ? 0U : 4U) + (reporter->near_limit ? 2U : 0U) +
	       (reporter->main_isolate ? 1U : 0U);
}

static double share_of_limit(const struct reporter *reporter)
{
	if (reporter->last.limit_bytes == 0)
		return 0;
	return (double)reporter->last.used_bytes / (double)reporter->last.limit_bytes;
}

const struct reporter *reporters_principal(const struct reporter *list, size_t count)
{
	const struct reporter *best = NULL;
	for (size_t i = 0; i < count; i++) {
		unsigned rank = reporter_rank(&list[i]), best_rank = best == NULL ? 0 : reporter_rank(best);
		if (best == NULL || rank > best_rank ||
		    (rank == best_rank && share_of_limit(&list[i]) > share_of_limit(best)))
			best = &list[i];
	}
	return best;
}

/* What the series loses with sample i: the gap that it leaves, by its age. A gap of a second matters in the last ten
 * seconds and not in the hour before. */
static double loss_without(const struct heap_sample *series, size_t i, int64_t now_usec)
{
	double gap_usec = (double)(series[i + 1].at_usec - series[i - 1].at_usec);
	double age_usec = (double)(now_usec - series[i].at_usec);
	return gap_usec / (age_usec + 1);
}

static size_t least_missed(const struct heap_sample *series, size_t count, int64_t now_usec)
{
	size_t least = 1;
	for (size_t i = 2; i < count - 1; i++) {
		if (loss_without(series, i, now_usec) < loss_without(series, least, now_usec))
			least = i;
	}
	return least;
}

void heap_series_add(struct heap_sample series[static HEAP_SERIES_MAX], size_t *count,
		     const struct heap_sample *sample)
{
	if (*count == HEAP_SERIES_MAX) {
		size_t i = least_missed(series, *count, sample->at_usec);
		memmove(&series[i], &series[i + 1], (*count - i - 1) * sizeof(*series));
		(*count)--;
	}
	series[(*count)++] = *sample;
}

void reporter_beats(struct reporter *reporter, int64_t now_awake_usec, int64_t now_usec)
{
	reporter->heartbeat_usec = now_awake_usec;
	reporter->heartbeat_slept_usec = now_usec - now_awake_usec;
	reporter->collected_usec = 0;
}

void reporter_collected(struct reporter *reporter, uint64_t pause_usec)
{
	const int64_t most_usec = 7 * 24 * 3600 * USEC_PER_SEC; /* in all; far beyond any watchdog.event_loop */
	int64_t left_usec = most_usec - reporter->collected_usec;
	reporter->collected_usec += pause_usec > (uint64_t)left_usec ? left_usec : (int64_t)pause_usec;
}
