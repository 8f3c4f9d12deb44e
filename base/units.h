/* SPDX-License-Identifier: Apache-2.0 */
/* units: sizes and times as people write and read them. "M" is MiB and "G" is GiB everywhere; a bare number is no
 * size and no time. Pure. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/base.h"

#define UNITS_TEXT_MAX 48

/* "512M" -> bytes. Units K, M, G (1024-based; "MiB" and "GiB" are accepted too); no sign, no fraction, no spaces.
 * Returns 0, or -1 where the text is no size or exceeds 2^60 bytes. */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* "250ms", "30s", "10min", "4h", "2d" -> microseconds. Returns 0, or -1 where the text is no time or exceeds 10 years. */
int units_parse_time(const char *text, int64_t *ret_usec);

/* Writes "512 MiB", "1.5 GiB", "300 KiB", "17 B", "none" or "unknown": at most one decimal, exact multiples without. */
const char *units_format_size(char buffer[static UNITS_TEXT_MAX], uint64_t bytes);

/* Writes "100 ms", "1.5 s", "12 s", "4 min 10 s", "3 h 20 min", "2 d 4 h" or "never". */
const char *units_format_time(char buffer[static UNITS_TEXT_MAX], int64_t usec);

#endif
