/* SPDX-License-Identifier: Apache-2.0 */
/* death: a death as the JSON that is kept on disk and read by `why`. The worker's text is hostile: it is made valid
 * UTF-8, control bytes stay escaped. */
#ifndef SUPERVISOR_CORE_DEATH_H
#define SUPERVISOR_CORE_DEATH_H

#include "supervisor/types/action.h"
#include "supervisor/types/death.h"
#include "supervisor/types/plan.h"

/* The whole death; malloc'ed, one line; NULL only where memory is out. */
char *death_json(const struct death *death);

/* The few fields that `status` shows of the last death: number, at, verdict, certain, text. malloc'ed. */
char *death_summary_json(const struct death *death);

/* The same of a death as it was kept. malloc'ed; NULL where the text is no JSON object. */
char *death_summary_of(const char *json);

/* What was decided about a death, as it is kept with it: the last line that was told of it and is not the death itself, else what
 * was done without a line. Never "". */
const char *death_action(const struct decision *decision);

/* Fills death->next from verdict and plan: what the user can do now, with numbers and keys. */
void death_advise(struct death *death, const struct plan *plan);

/* `why` for people: about ten lines in 80 columns, from the JSON of death_json. malloc'ed; NULL where the text is no
 * death of ours or memory is out. */
char *death_text(const char *json, int64_t now_realtime_usec);

#endif
