/* SPDX-License-Identifier: Apache-2.0 */
/* harness_internal: what the harness's own files share, and no test uses. */
#ifndef TESTS_E2E_HARNESS_INTERNAL_H
#define TESTS_E2E_HARNESS_INTERNAL_H

#include "tests/e2e/harness.h"

/* Releases `pointer` with `release` when the test ends. */
void world_keep_with(struct world *world, void *pointer, void (*release)(void *pointer));

/* Notes which programs have ended, and reaps what a dead supervisor has left to us. */
void reap(struct world *world);

/* In the child: moves into the group where runs start. False where that cannot be. */
bool group_enter(const struct world *world);

/* Removes the test's own groups, the deepest first; false where one is still held. */
bool groups_remove(struct world *world);

/* Ends every program that still runs, then looks for what is left of the service. Says what it found and removes it;
 * false where there was something. */
bool world_end_programs(struct world *world);

#endif
