/* SPDX-License-Identifier: Apache-2.0 */
/* forecast: when a heap will be full, from what was live after its full collections. Pure: time is an argument.
 *
 * The estimator is Theil and Sen's: the median of the slopes between all pairs of samples. A cache that fills and is
 * cleared, or a burst between two collections, moves a least-squares line at once; the median stands until three in ten
 * samples are off. What is live after a full collection is used, not what is in use: garbage is no trend. */
#ifndef SUPERVISOR_CORE_FORECAST_H
#define SUPERVISOR_CORE_FORECAST_H

#include "base/base.h"

#define FORECAST_SAMPLES_MAX 16
#define FORECAST_SAMPLES_MIN 3 /* fewer say nothing: a program that starts always grows */

struct forecast {
	struct {
		int64_t at_usec;
		uint64_t live_bytes;
	} samples[FORECAST_SAMPLES_MAX]; /* oldest first */
	size_t count;
};

/* A heap of which nothing is known yet: a zeroed struct too. */
void forecast_init(struct forecast *forecast);

/* What was live after a full collection that ended at `at_usec`; times must not go back. The oldest of too many goes. */
void forecast_add(struct forecast *forecast, int64_t at_usec, uint64_t live_bytes);

/* Bytes that the live set grows in a second; 0 where too little is known, and where it does not grow. */
double forecast_growth(const struct forecast *forecast);

/* What is live at `now_usec`, as the samples go on; never more than `used_bytes`, which is in use then. */
uint64_t forecast_live(const struct forecast *forecast, uint64_t used_bytes, int64_t now_usec);

/* Microseconds from `now_usec` until the live set reaches `limit_bytes`: 0 where it has, USEC_NEVER where it does not grow or
 * too little is known. `used_bytes` as above: a heap that rests does not fill. */
int64_t forecast_usec_to(const struct forecast *forecast, uint64_t limit_bytes, uint64_t used_bytes, int64_t now_usec);

#endif
