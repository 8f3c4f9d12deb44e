/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_change: two policies, and what of the second only a new worker can take. */
#include "tests/unit/unit.h"
#include "supervisor/core/policy.h"
#include "supervisor/core/policy_change.h"

#include <stdio.h>

static const struct {
	const char *before, *after, *changed; /* changed: "" where a worker that lives may stay */
} rows[] = {
	{ "memory: {max: 320M}", "memory: {max: 320M}", "" },
	{ "memory: {max: 320M}", "memory: {max: 340M}", "memory.max" },
	{ "memory: {max: 320M}", "memory: {check: refuse, max: 320M}", "" },
	{ "restart: {when: always}", "restart: {when: never, budget: {deaths: 9}}", "" },
	{ "stop: {timeout: 1s}", "drain: {timeout: 9s}", "" },
	{ "heap: {old_space: 64M}", "heap: {old_space: auto}", "heap.old_space" },
	{ "heap: {old_space: 64M}", "heap: {old_space: 65M}", "heap.old_space" },
	{ "heap: {headroom: 48M}", "heap: {headroom: 64M, processes: 2}", "heap.processes, heap.headroom" },
	{ "service: {command: [node, a.js]}", "service: {command: [node, b.js]}", "service.command" },
	{ "service: {command: [node, a.js]}", "service: {command: [node, a.js, x]}", "service.command" },
	{ "service: {environment: {set: {A: x}}}", "service: {environment: {set: {A: y}}}", "service.environment.set" },
	{ "service: {environment: {set: {A: x}}}", "service: {environment: {set: {A: x}}, hold_for: 9s}", "" },
	{ "service: {directory: /a}", "service: {}", "service.directory" },
	{ "service: {directory: /a}", "service: {directory: /a}", "" },
	{ "sandbox: {user: web}", "sandbox: {user: other}", "sandbox.user" },
	{ "sandbox: {capabilities: none}", "sandbox: {capabilities: [cap_net_bind_service]}", "sandbox.capabilities" },
	{ "sandbox: {syscalls: compat}", "sandbox: {syscalls: none}", "sandbox.syscalls" },
	{ "limits: {tasks: 10, files: 1000}", "limits: {tasks: 11, files: 1001, cpu: 50%}",
	  "limits.tasks, limits.files, limits.cpu" },
};

static void read_policy(struct policy *ret, const char *text)
{
	char whole[512];
	struct policy_errors errors = { 0 };
	policy_init(ret);
	int length = snprintf(whole, sizeof(whole), "version: 1\n%s\n", text);
	if (policy_apply_text(ret, "p.yaml", whole, (size_t)length, &errors) < 0)
		fail_msg("%s", text);
	policy_finish_defaults(ret);
}

static void only_what_a_new_worker_takes_is_named(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy before, after;
		char text[160];
		read_policy(&before, rows[i].before);
		read_policy(&after, rows[i].after);
		size_t count = policy_change_for_worker(&before, &after, text, sizeof(text));
		assert_string_equal(text, rows[i].changed);
		assert_int_equal(count == 0, text[0] == '\0');
		policy_finish(&before);
		policy_finish(&after);
	}
}

static void a_long_list_is_cut(void **state UNUSED)
{
	struct policy before, after;
	char text[12];
	read_policy(&before, "heap: {headroom: 48M}");
	read_policy(&after, "heap: {headroom: 64M, processes: 2}");
	assert_int_equal(policy_change_for_worker(&before, &after, text, sizeof(text)), 2);
	assert_string_equal(text, "heap.proces");
	policy_finish(&before);
	policy_finish(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_a_new_worker_takes_is_named),
		cmocka_unit_test(a_long_list_is_cut),
	};
	return cmocka_run_group_tests_name("policy_change", tests, NULL, NULL);
}
