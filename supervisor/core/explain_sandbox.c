/* SPDX-License-Identifier: Apache-2.0 */
/* explain_sandbox: the checklist of core/score for people, and what the supervisor itself may still do; see explain.h. */
#include "supervisor/core/explain.h"

#include "supervisor/core/capability.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/score.h"

#include <stdio.h>
#include <string.h>

static void add_item(struct prose *text, const struct score_item *item)
{
	char points[PROSE_LABEL_COLUMNS];
	snprintf(points, sizeof(points), " %2u/%u", item->points, item->of);
	prose_field(text, points, "%s: %s%s", item->title, item->does, item->detail);
	if (item->cost[0] != '\0')
		prose_field(text, "", "costs: %s", item->cost);
	if (item->remedy[0] != '\0')
		prose_field(text, "", "remedy: %s", item->remedy);
}

static void add_score(struct prose *text, const struct score *score, const char *name)
{
	char title[128];
	snprintf(title, sizeof(title), "Confinement of %s: %u of %u points", name, score->points, score->of);
	prose_title(text, title);
	for (size_t i = 0; i < score->count; i++)
		add_item(text, &score->items[i]);
}

static void add_supervisor(struct prose *text, const struct policy *policy, const struct host *host)
{
	uint64_t own = capability_needed(HOLDER_SUPERVISOR, policy, host);
	prose_title(text, "What the supervisor keeps for itself");
	if (own == 0)
		prose_item(text, "no capabilities");
	for (const struct capability_row *row = capability_rows; row->needed != NULL; row++)
		if ((row->holders & (1U << HOLDER_SUPERVISOR)) != 0 && (own >> row->number & 1) != 0)
			prose_item(text, "%s (%s): %s", policy_key_capability(row->number), row->when, row->why);
	prose_item(text, "it is not dumpable: only root reads its memory, and it leaves no core dump");
	prose_item(text, !policy_filters(policy)
				 ? "no system-call filter of its own: a worker without a filter would inherit it"
				 : "a system-call filter: what no worker may call, it does not call either");
}

char *explain_sandbox(const struct plan *plan, const struct policy *policy, const struct host *host, const char *name)
{
	struct prose text = { 0 };
	struct score score;
	score_resolve(plan, policy, host, &score);
	add_score(&text, &score, name);
	add_supervisor(&text, policy, host);
	return prose_take(&text);
}

char *explain_as(const char *form, const struct plan *plan, const struct policy *policy, const struct host *host,
		 const char *name)
{
	if (strcmp(form, EXPLAIN_JSON) == 0)
		return explain_json(plan, policy, host, name);
	if (strcmp(form, EXPLAIN_SANDBOX) == 0)
		return explain_sandbox(plan, policy, host, name);
	return explain_text(plan, policy, host, name);
}
