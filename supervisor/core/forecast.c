/* SPDX-License-Identifier: Apache-2.0 */
/* forecast: see forecast.h. */
#include "supervisor/core/forecast.h"

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX (FORECAST_SAMPLES_MAX * (FORECAST_SAMPLES_MAX - 1) / 2)

void forecast_init(struct forecast *forecast)
{
	memset(forecast, 0, sizeof(*forecast));
}

void forecast_add(struct forecast *forecast, int64_t at_usec, uint64_t live_bytes)
{
	assert(forecast->count == 0 || forecast->samples[forecast->count - 1].at_usec <= at_usec);
	if (forecast->count == FORECAST_SAMPLES_MAX) {
		memmove(&forecast->samples[0], &forecast->samples[1], sizeof(forecast->samples) - sizeof(forecast->samples[0]));
		forecast->count--;
	}
	forecast->samples[forecast->count].at_usec = at_usec;
	forecast->samples[forecast->count++].live_bytes = live_bytes;
}

static int by_size(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;
	return a < b ? -1 : a > b;
}

static double median(double *list, size_t count)
{
	qsort(list, count, sizeof(list[0]), by_size);
	return count % 2 == 1 ? list[count / 2] : (list[count / 2 - 1] + list[count / 2]) / 2;
}

/* Bytes a second, of any sign. */
static double slope(const struct forecast *forecast)
{
	double slopes[PAIRS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < forecast->count; i++) {
		for (size_t j = i + 1; j < forecast->count; j++) {
			int64_t usec = forecast->samples[j].at_usec - forecast->samples[i].at_usec;
			double bytes = (double)forecast->samples[j].live_bytes - (double)forecast->samples[i].live_bytes;
			if (usec > 0)
				slopes[count++] = bytes * USEC_PER_SEC / (double)usec;
		}
	}
	return count == 0 ? 0 : median(slopes, count);
}

double forecast_growth(const struct forecast *forecast)
{
	double growth = forecast->count < FORECAST_SAMPLES_MIN ? 0 : slope(forecast);
	return growth > 0 ? growth : 0;
}

/* The live set on the line at `now_usec`: the median of the samples, each moved along the slope. */
static double level(const struct forecast *forecast, double growth, int64_t now_usec)
{
	double levels[FORECAST_SAMPLES_MAX];
	for (size_t i = 0; i < forecast->count; i++) {
		double seconds = (double)(now_usec - forecast->samples[i].at_usec) / USEC_PER_SEC;
		levels[i] = (double)forecast->samples[i].live_bytes + growth * seconds;
	}
	return median(levels, forecast->count);
}

uint64_t forecast_live(const struct forecast *forecast, uint64_t used_bytes, int64_t now_usec)
{
	double live = forecast->count == 0 ? 0 : level(forecast, forecast_growth(forecast), now_usec);
	if (live >= (double)used_bytes)
		return used_bytes;
	return live <= 0 ? 0 : (uint64_t)live;
}

int64_t forecast_usec_to(const struct forecast *forecast, uint64_t limit_bytes, uint64_t used_bytes, int64_t now_usec)
{
	double growth = forecast_growth(forecast);
	if (growth <= 0)
		return USEC_NEVER;
	double live = (double)forecast_live(forecast, used_bytes, now_usec);
	double usec = ((double)limit_bytes - live) / growth * USEC_PER_SEC;
	if (usec <= 0)
		return 0;
	return usec >= (double)(USEC_NEVER / 2) ? USEC_NEVER : (int64_t)usec;
}
