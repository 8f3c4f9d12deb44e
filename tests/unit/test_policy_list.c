/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_list: the keys that are lists of one kind of word: paths, variables, features, ports; and the limits beside them. */
#include "tests/unit/unit.h"

#include "supervisor/core/policy.h"

#include <stdio.h>

/* What one setting is answered with; "" where it is taken. */
static const struct {
	const char *setting, *error;
} values[] = {
	{ "sandbox.read_write=[/var/lib/web, data]", "" },
	{ "sandbox.read_write=/var/lib/web", "" },
	{ "sandbox.hidden=[]", "" },
	{ "sandbox.hidden=", "has no value" },
	{ "sandbox.hidden=[\"\"]", "is no path" },
	{ "sandbox.hidden=[~/secret]", "is a shell's word" },
	{ "sandbox.hidden={a: b}", "is a mapping where one value is wanted" },
	{ "sandbox.hidden=[[/a]]", "is a list where one value is wanted" },
	{ "sandbox.readonly=[/a]", "did you mean \"sandbox.read_only\"?" },
	{ "sandbox.protect_system=full", "" },
	{ "sandbox.protect_system=ful", "did you mean \"full\"?" },
	{ "sandbox.private_tmp=true", "" },
	{ "sandbox.private_tmp=on", "it is one of true or false" },
	{ "sandbox.proc=own", "" },
	{ "sandbox.network=none", "" },
	{ "sandbox.network=no", "it is one of full or none" },
	{ "service.environment.keep=[PATH, LC_*, _x1]", "" },
	{ "service.environment.keep=[\"*\"]", "" },
	{ "service.environment.keep=[]", "" },
	{ "service.environment.keep=[A B]", "\"A B\" is no name of a variable" },
	{ "service.environment.keep=[A*B]", "\"A*B\" is no name of a variable" },
	{ "service.environment.keep=[1A]", "is no name of a variable" },
	{ "service.environment.drop=[\"\"]", "is no name of a variable" },
	{ "service.environment.drop=[AWS_*]", "" },
	{ "service.environment.keep=[HEAPWARD_SET]", "belongs to heapward" },
	{ "sandbox.require=[landlock, separate-uid]", "" },
	{ "sandbox.require=landlock", "" },
	{ "sandbox.require=[landlok]", "did you mean \"landlock\"?" },
	{ "sandbox.require=[everything]", "it is one of landlock, mount-namespace, network-namespace" },
	{ "sandbox.connect=any", "" },
	{ "sandbox.connect=none", "" },
	{ "sandbox.connect=443", "" },
	{ "sandbox.connect=[443, 65535]", "" },
	{ "sandbox.connect=[]", "" },
	{ "sandbox.connect=[0]", "\"0\" is no port" },
	{ "sandbox.connect=[65536]", "\"65536\" is no port" },
	{ "sandbox.connect=[080]", "\"080\" is no port" },
	{ "sandbox.connect=[443, https]", "\"https\" is no port" },
	{ "sandbox.bind=tcp:80", "\"tcp:80\" is no port" },
	{ "sandbox.bind={a: 1}", "is a mapping where one value is wanted" },
	{ "limits.core=0M", "" },
	{ "limits.core=inherit", "" },
	{ "limits.core=none", "is no size" },
	{ "limits.locked=64M", "" },
	{ "limits.locked=64", "has no unit" },
};

static void values_are_read_or_refused_with_a_reason(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct policy policy;
		static struct policy_errors errors;
		memset(&errors, 0, sizeof(errors));
		policy_init(&policy);
		int result = policy_apply_setting(&policy, "--set", values[i].setting, &errors);
		policy_finish(&policy);
		if ((result == 0) != (values[i].error[0] == '\0'))
			fail_msg("%s: %d %s", values[i].setting, result, result < 0 ? errors.list[0].text : "");
		if (result < 0)
			assert_contains(errors.list[0].text, values[i].error);
	}
}

static void apply(struct policy *policy, const char *text)
{
	static struct policy_errors errors;
	memset(&errors, 0, sizeof(errors));
	if (policy_apply_text(policy, "/etc/heapward/web.yaml", text, strlen(text), &errors) != 0)
		fail_msg("%s", errors.list[0].text);
}

static void relative_paths_start_from_their_file_and_a_later_list_takes_the_place(void **state UNUSED)
{
	struct policy policy;
	policy_init(&policy);
	assert_null(policy.sandbox.read_write.list);
	apply(&policy, "version: 1\nsandbox: {read_write: [data, /srv/x], connect: [443], bind: none}\n");
	assert_int_equal(policy.sandbox.read_write.count, 2);
	assert_string_equal(policy.sandbox.read_write.list[0], "/etc/heapward/data");
	assert_string_equal(policy.sandbox.read_write.list[1], "/srv/x");
	assert_true(policy.sandbox.connect.limited && policy.sandbox.connect.list[0] == 443);
	assert_true(policy.sandbox.bind.limited && policy.sandbox.bind.count == 0);
	apply(&policy, "version: 1\nsandbox: {read_write: [], connect: any}\nservice: {environment: {keep: []}}\n");
	assert_int_equal(policy.sandbox.read_write.count, 0);
	assert_false(policy.sandbox.connect.limited);
	assert_non_null(policy.service.environment_keep.list); /* none, not all */
	policy_finish(&policy);
}

static void a_list_has_an_end(void **state UNUSED)
{
	static struct policy_errors errors;
	struct policy policy;
	char paths[1024] = "sandbox.hidden=[/0", ports[1024] = "sandbox.bind=[1000";
	for (int i = 1; i <= POLICY_LIST_MAX; i++) {
		snprintf(paths + strlen(paths), sizeof(paths) - strlen(paths), ", /%d", i);
		snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), ", %d", 1000 + i);
	}
	strcat(paths, "]");
	strcat(ports, "]");
	policy_init(&policy);
	assert_int_equal(policy_apply_setting(&policy, "--set", paths, &errors), -1);
	assert_contains(errors.list[0].text, "more than 64 words");
	assert_int_equal(policy_apply_setting(&policy, "--set", ports, &errors), -1);
	assert_contains(errors.list[1].text, "more than 64 ports");
	assert_null(policy.sandbox.hidden.list); /* as it was */
	policy_finish(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_or_refused_with_a_reason),
		cmocka_unit_test(relative_paths_start_from_their_file_and_a_later_list_takes_the_place),
		cmocka_unit_test(a_list_has_an_end),
	};
	return cmocka_run_group_tests_name("policy list", tests, NULL, NULL);
}
