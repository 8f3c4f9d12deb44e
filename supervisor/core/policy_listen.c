/* SPDX-License-Identifier: Apache-2.0 */
/* policy_listen: the values about held sockets, and what contradicts among the keys about them and about replacements. */
#include "supervisor/core/listen_address.h"
#include "supervisor/core/policy_value.h"
#include "supervisor/core/printable.h"

#include <stdio.h>
#include <string.h>

/* Adds the address in `node` to the list. */
static int read_address(const struct policy_value *value, const struct policy_node *node, struct listen_addresses *list)
{
	struct listen_address address;
	struct failure why;
	char shown[POLICY_SHOWN_MAX];
	const char *text = policy_value_scalar(value, node);
	if (text == NULL)
		return -1;
	if (listen_address_parse(text, &address, &why) < 0)
		return policy_value_error(value, node, "%s", why.text);
	for (size_t i = 0; i < list->count; i++)
		if (listen_address_clashes(&list->list[i], &address))
			return policy_value_error(value, node,
						  "\"%s\" has the %s of another; a server finds its socket by it",
						  printable_copy(shown, sizeof(shown), text),
						  address.kind == LISTEN_TCP ? "port" : "path");
	if (list->count == LISTEN_MAX)
		return policy_value_error(value, node, "more than %d addresses", LISTEN_MAX);
	list->list[list->count++] = address;
	return 0;
}

/* A list, also an empty one (a later layer takes the sockets away), or one address. */
int policy_value_read_listen(const struct policy_value *value)
{
	struct listen_addresses list = { 0 };
	const struct policy_node *node = value->node;
	int result = 0;
	if (node->kind != POLICY_NODE_LIST)
		result = read_address(value, node, &list);
	else
		for (node = policy_text_child(value->text, node); node != NULL;
		     node = policy_text_next(value->text, node))
			if (read_address(value, node, &list) < 0)
				result = -1;
	if (result == 0)
		*(struct listen_addresses *)value->member = list;
	return result;
}

static void check_near_limit(const struct policy *policy, struct policy_errors *errors)
{
	enum near_limit near_limit = policy->heap.near_limit;
	if (near_limit == NEAR_LIMIT_REPLACE && policy->service.listen.count == 0)
		policy_errors_add_key(errors, policy, KEY_HEAP_NEAR_LIMIT, false,
				      "heap.near_limit: replace needs service.listen: without held sockets two workers "
				      "cannot stand side by side; use restart");
	else if (near_limit != NEAR_LIMIT_AUTO && policy->heap.runtime == RUNTIME_NONE)
		policy_errors_add_key(errors, policy, KEY_HEAP_NEAR_LIMIT, true,
				      "heap.near_limit: has no effect with heap.runtime: none");
	else if ((near_limit == NEAR_LIMIT_REPLACE || near_limit == NEAR_LIMIT_RESTART) &&
		 policy->heap.headroom_bytes == 0)
		policy_errors_add_key(errors, policy, KEY_HEAP_HEADROOM, true,
				      "heap.headroom: none leaves a worker near its limit no time for heap.near_limit");
}

/* A server that binds its port itself can do so once. */
static void check_instances(const struct policy *policy, struct policy_errors *errors)
{
	if (policy->service.instances <= 1)
		return;
	if (policy->service.singleton)
		policy_errors_add_key(errors, policy, KEY_SERVICE_INSTANCES, false,
				      "service.instances: %u, and service.singleton: true says that there are never two",
				      policy->service.instances);
	if (policy->service.listen.count == 0)
		policy_errors_add_key(errors, policy, KEY_SERVICE_INSTANCES, true,
				      "service.instances: %u without service.listen: a server that listens on a port of its own "
				      "fails in all but one of them (EADDRINUSE); hold the port in service.listen",
				      policy->service.instances);
}

void policy_check_listen(const struct policy *policy, struct policy_errors *errors)
{
	bool held = policy->service.listen.count > 0;
	check_near_limit(policy, errors);
	check_instances(policy, errors);
	if (policy->watchdog.event_loop_usec != USEC_NEVER && policy->heap.runtime == RUNTIME_NONE)
		policy_errors_add_key(errors, policy, KEY_WATCHDOG_EVENT_LOOP, true,
				      "watchdog.event_loop: with heap.runtime: none there is no agent that sends heartbeats; only "
				      "a program that sends them itself is watched");
	if (policy->memory.spare == SPARE_KEEP && (!held || policy->service.singleton))
		policy_errors_add_key(errors, policy, KEY_MEMORY_SPARE, true, "memory.spare: keep has no effect %s",
				      held ? "with service.singleton: true" : "without service.listen");
}
