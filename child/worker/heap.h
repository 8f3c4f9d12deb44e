/* SPDX-License-Identifier: Apache-2.0 */
/* heap: the Boehm collector with a hard old-space cap, reporting through libheapward-record and dying as V8 does. */
#ifndef CHILD_WORKER_HEAP_H
#define CHILD_WORKER_HEAP_H

#include "base/base.h"

#define HEAP_OLD_SPACE_DEFAULT_BYTES (64 * MIB) /* without a limit from outside: a leak still ends */

/* Reads --max-old-space-size and --max-semi-space-size from NODE_OPTIONS, caps the heap and says hello. */
void heap_init(void);

/* Collected memory. Does not return at the heap limit. */
void *heap_allocate(size_t bytes);

/* Prints what V8 prints at its heap limit, as far as anybody reads it. */
void heap_print_fatal_lines(void);

/* Says goodbye to the supervisor; the process exits next. */
void heap_leave(int status);

#endif
