/* SPDX-License-Identifier: Apache-2.0 */
/* wall_hint: what a program says that has run into a wall around its files or ports, in its own last output. Pure. */
#ifndef SUPERVISOR_CORE_WALL_HINT_H
#define SUPERVISOR_CORE_WALL_HINT_H

#include "supervisor/types/plan.h"

/* What to do about it: true where there are walls (or a port takes a right), and the output, hostile bytes, names an error that they make. */
bool wall_hint(const struct plan_fence *fence, const unsigned char *output, size_t length, char *text, size_t size);

#endif
