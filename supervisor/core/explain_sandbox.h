/* SPDX-License-Identifier: Apache-2.0 */
/* explain_sandbox: what explain_json.c takes from explain_sandbox.c; all others include explain.h. */
#ifndef SUPERVISOR_CORE_EXPLAIN_SANDBOX_H
#define SUPERVISOR_CORE_EXPLAIN_SANDBOX_H

#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

struct json_object;

/* {"points","of","items":[{"id","points","of","does","cost","remedy"}],"supervisor_capabilities":[{"name","why","when"}]} */
struct json_object *explain_confinement(const struct plan *plan, const struct policy *policy, const struct host *host);

#endif
