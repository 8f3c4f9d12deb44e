/* SPDX-License-Identifier: Apache-2.0 */
/* explain_sandbox: the checklist of core/score for people, and what the supervisor itself may still do; see explain.h. */
#include "supervisor/core/explain.h"
#include "supervisor/core/explain_sandbox.h"

#include "supervisor/core/capability.h"
#include "supervisor/core/json_text.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/score.h"

#include <json-c/json.h>
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
	bool any = false;
	prose_title(text, "What the supervisor keeps for itself");
	for (const struct capability_row *row = capability_rows; row->needed != NULL; row++) {
		if (!capability_is_supervisors(row, policy, host))
			continue;
		any = true;
		prose_item(text, "%s (%s): %s", policy_key_capability(row->number), row->when, row->why);
	}
	if (!any)
		prose_item(text, "no capabilities");
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

static struct json_object *item_object(const struct score_item *item)
{
	struct json_object *object = json_object_new_object();
	char does[2 * SCORE_DETAIL_MAX];
	snprintf(does, sizeof(does), "%s%s", item->does, item->detail);
	json_put(object, "id", json_text(item->id));
	json_put(object, "points", json_number(item->points));
	json_put(object, "of", json_number(item->of));
	json_put(object, "does", json_text(does));
	json_put(object, "cost", item->cost[0] != '\0' ? json_text(item->cost) : NULL);
	json_put(object, "remedy", item->remedy[0] != '\0' ? json_text(item->remedy) : NULL);
	return object;
}

static struct json_object *capabilities_array(const struct policy *policy, const struct host *host)
{
	struct json_object *array = json_object_new_array();
	for (const struct capability_row *row = capability_rows; row->needed != NULL; row++) {
		if (!capability_is_supervisors(row, policy, host))
			continue;
		struct json_object *object = json_object_new_object();
		json_put(object, "name", json_text(policy_key_capability(row->number)));
		json_put(object, "why", json_text(row->why));
		json_put(object, "when", json_text(row->when));
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *explain_confinement(const struct plan *plan, const struct policy *policy, const struct host *host)
{
	struct json_object *object = json_object_new_object(), *items = json_object_new_array();
	struct score score;
	score_resolve(plan, policy, host, &score);
	for (size_t i = 0; i < score.count; i++)
		json_object_array_add(items, item_object(&score.items[i]));
	json_put(object, "points", json_number(score.points));
	json_put(object, "of", json_number(score.of));
	json_put(object, "items", items);
	json_put(object, "supervisor_capabilities", capabilities_array(policy, host));
	return object;
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
