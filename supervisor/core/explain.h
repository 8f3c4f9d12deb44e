/* SPDX-License-Identifier: Apache-2.0 */
/* explain: a plan as text for people (80 columns) and as JSON. json-c is used for the latter. */
#ifndef SUPERVISOR_CORE_EXPLAIN_H
#define SUPERVISOR_CORE_EXPLAIN_H

#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

/* Both return a malloc'ed, NUL-terminated text, NULL only where memory is out. */
char *explain_text(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name);
char *explain_json(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name);

#endif
