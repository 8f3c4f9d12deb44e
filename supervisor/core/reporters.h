/* SPDX-License-Identifier: Apache-2.0 */
/* reporters: which of the heaps that report is which, which one matters, and which samples are worth keeping. Works on
 * plain arrays; pure. */
#ifndef SUPERVISOR_CORE_REPORTERS_H
#define SUPERVISOR_CORE_REPORTERS_H

#include "supervisor/types/heap.h"

/* The living reporter that a record names, `count` where there is none. */
size_t reporters_find(const struct reporter *list, size_t count, int32_t claimed_pid, uint64_t isolate);

/* Where a new reporter goes: behind the last one, else (the table of `max` is full) over one that is gone: first those
 * that were never near their limit, then the one gone longest. Where all of them live, a main isolate goes over a worker
 * thread. Else `max`. */
size_t reporters_place(const struct reporter *list, size_t count, size_t max, bool main_isolate);

/* How much this reporter's heap matters, whatever is in it: a server over a launcher, the living over the gone, near
 * its limit over not, a main isolate over a worker thread. */
unsigned reporter_rank(const struct reporter *reporter);

/* The reporter whose heap matters most: the highest rank, and of those the largest share of its limit. NULL where
 * there is none. */
const struct reporter *reporters_principal(const struct reporter *list, size_t count);

/* Adds a sample, the newest, to a series of at most HEAP_SERIES_MAX. A full series loses the sample that is missed
 * least, so that it covers the whole life, ever denser towards its end. */
void heap_series_add(struct heap_sample series[static HEAP_SERIES_MAX], size_t *count,
		     const struct heap_sample *sample);

/* A heartbeat has come: at this time of the clock that stands still in sleep, and of the one that does not. */
void reporter_beats(struct reporter *reporter, int64_t now_awake_usec, int64_t now_usec);

/* It has spent so much more time in collections, by its own word; bounded, whatever it says. */
void reporter_collected(struct reporter *reporter, uint64_t pause_usec);

#endif
