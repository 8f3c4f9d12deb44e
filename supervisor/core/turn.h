/* SPDX-License-Identifier: Apache-2.0 */
/* turn: which of several instances may be replaced now. One at a time: there is room for one spare, and whoever is not being
 * replaced serves. A service with one instance never waits. Only core/. */
#ifndef SUPERVISOR_CORE_TURN_H
#define SUPERVISOR_CORE_TURN_H

#include "supervisor/core/decide_internal.h"

/* Is a replacement under way in another slot than the step's? Between two attempts of one, none is. */
bool turn_is_taken(const struct step *step);

/* An order to restart: every worker that there is now is to be replaced, from the first slot to the last. An order before it
 * that is not through begins again. A service that ends is not held up. */
void turn_begin_roll(struct service_state *state);

void turn_end_roll(struct service_state *state);

/* After each event: who waits for its turn gets it, and the roll goes on where its last slot is through. The roll ends
 * early, and says so, where that slot has failed or ended. */
rule turn_pass_on;

#endif
