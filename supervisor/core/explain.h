/* SPDX-License-Identifier: Apache-2.0 */
/* explain: a plan as text for people (80 columns) and as JSON. json-c is used for the latter. Texts that users and
 * containers control (paths, NODE_OPTIONS) come out without control bytes, in JSON as valid UTF-8. */
#ifndef SUPERVISOR_CORE_EXPLAIN_H
#define SUPERVISOR_CORE_EXPLAIN_H

#include "supervisor/types/host.h"
#include "supervisor/types/plan.h"
#include "supervisor/types/policy.h"

/* One paragraph a number, in groups; the remarks, with their remedies, at the end. malloc'ed, NULL only where memory is
 * out. */
char *explain_text(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name);

/* One line: {"schema":1,"name","startable","numbers":[{"name","value","unit","rule","inputs":[{"name","value","unit",
 * "from"}]}],"warnings":[],"refusals":[],"node_options","node":{},"cgroup":{},"sockets":[{"address","descriptor",
 * "handed_over"}],"replacement":{"near_limit","second_worker","drains","ready"},"sandbox":{},"confinement":{}}. Bytes, seconds, counts and
 * percents; none and unknown are null. malloc'ed, NULL only where memory is out. */
char *explain_json(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name);

/* Only how the worker is confined: the checklist of core/score, and what the supervisor keeps. malloc'ed, as the others. */
char *explain_sandbox(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name);

/* In the form that is asked for; any other: the text. */
#define EXPLAIN_JSON "json"
#define EXPLAIN_SANDBOX "sandbox"
char *explain_as(const char *form, const struct plan *plan, const struct policy *policy, const struct host *host,
		 const char *name);

/* One number as a paragraph: "old space 288 MiB = memory.max 512 MiB (web.yaml:12) - reserve 176 MiB (young 3 x 16 +
 * off-heap 128) - headroom 48 MiB". Cut at size - 1. */
void explain_number(const struct plan *plan, enum plan_number_id id, char *text, size_t size);

#endif
