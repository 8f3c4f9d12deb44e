/* SPDX-License-Identifier: Apache-2.0 */
/* fatal: finds V8's fatal lines in the worker's stderr as it streams by. The bytes are hostile: the scanner keeps a
 * bounded part of the current line and nothing else. Pure. */
#ifndef SUPERVISOR_CORE_FATAL_H
#define SUPERVISOR_CORE_FATAL_H

#include "supervisor/types/verdict.h"

struct fatal_scanner {
	char line[256]; /* start of the current line */
	size_t length;
	bool skipping;  /* this line cannot match any more */
	struct fatal_line found; /* the last match; kind FATAL_NONE where there was none */
};

void fatal_scanner_init(struct fatal_scanner *scanner);

/* Feeds the next bytes; `now_usec` dates a match. */
void fatal_scanner_feed(struct fatal_scanner *scanner, const void *bytes, size_t count, int64_t now_usec);

/* The stream has ended: judges an unfinished last line. */
void fatal_scanner_finish(struct fatal_scanner *scanner, int64_t now_usec);

#endif
