/* SPDX-License-Identifier: Apache-2.0 */
/* Several instances in one plan: what each may have, what all need, and whether it is there. */
#include "tests/unit/unit.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"

static char *const node_server[] = { "node", "server.js", NULL };

static struct plan plan_of(const struct policy *policy, const struct host *host)
{
	struct plan plan;
	plan_resolve(policy, host, node_server, &plan);
	return plan;
}

static struct policy several(uint32_t instances, uint64_t max_mib)
{
	struct policy policy = max_mib == 0 ? sample_policy() : capped_policy(max_mib * MIB);
	policy.from_file = true;
	policy.service.instances = instances;
	set_origin(&policy, KEY_SERVICE_INSTANCES, "web.yaml", 5);
	hold(&policy, "tcp:3000");
	return policy;
}

static const char *warnings(const struct plan *plan, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < plan->remark_count; i++)
		if (!plan->remarks[i].refusal)
			snprintf(text + strlen(text), size - strlen(text), "%s\n", plan->remarks[i].text);
	return text;
}

static void each_gets_a_share_of_what_the_groups_above_allow(void **state UNUSED)
{
	static const struct {
		uint32_t instances;
		enum spare spare;
		uint64_t max_mib, container_mib, limit_mib, need_mib; /* of one, of all */
	} rows[] = {
		{ 1, SPARE_CHECK, 0, 1200, 1200, 0 },
		{ 3, SPARE_CHECK, 0, 1200, 400, 0 },
		{ 3, SPARE_KEEP, 0, 1200, 300, 0 },
		{ 2, SPARE_CHECK, 0, 1200, 600, 0 },
		{ 3, SPARE_CHECK, 300, 1200, 300, 900 },
		{ 3, SPARE_KEEP, 300, 1200, 300, 1200 },
		{ 1, SPARE_CHECK, 512, 1200, 512, 512 },
		{ 16, SPARE_CHECK, 512, 0, 512, 16 * 512 },
		{ 16, SPARE_CHECK, 2048, 0, 1024, 0 }, /* more than the 16 GiB of the machine */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = several(rows[i].instances, rows[i].max_mib);
		struct host host = rows[i].container_mib > 0 ? container_host(rows[i].container_mib * MIB) : sample_host();
		policy.memory.spare = rows[i].spare;
		struct plan plan = plan_of(&policy, &host);
		if (mib(&plan, PLAN_MEMORY_LIMIT) != rows[i].limit_mib ||
		    (rows[i].need_mib > 0 && mib(&plan, PLAN_INSTANCES_NEED) != rows[i].need_mib))
			fail_msg("row %zu: limit %u MiB, need %u MiB", i, (unsigned)mib(&plan, PLAN_MEMORY_LIMIT),
				 (unsigned)mib(&plan, PLAN_INSTANCES_NEED));
		assert_int_equal(plan.numbers[PLAN_INSTANCES].value, rows[i].instances);
	}
}

static void too_much_for_all_is_a_warning_with_the_numbers(void **state UNUSED)
{
	static const struct {
		uint64_t max_mib, container_mib;
		const char *text; /* "": none */
	} rows[] = {
		{ 512, 1200, "memory.max 512 MiB (web.yaml:12) is larger than the 400 MiB of / memory.max, service.instances: 3: "
			     "the smaller one counts\n" },
		{ 8192, 0, "memory.max 8192 MiB (web.yaml:12) for each of 3 instances is more than this machine has (16384 MiB): "
			   "the plan uses 1/3 of MemTotal\n" },
		{ 400, 1200, "3 instances of memory.max 400 MiB leave no room for a spare in 1200 MiB (ancestor limit): once they use "
			     "it, a replacement drains first, then starts\n" },
		{ 5000, 0, "3 instances of memory.max 5000 MiB leave no room for a spare in 16384 MiB (MemTotal): once they use it, a "
			   "replacement drains first, then starts\n" },
		{ 300, 1200, "" },
		{ 4096, 0, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = several(3, rows[i].max_mib);
		struct host host = rows[i].container_mib > 0 ? container_host(rows[i].container_mib * MIB) : sample_host();
		char text[2048];
		host.uid = 1000;
		struct plan plan = plan_of(&policy, &host);
		assert_string_equal(warnings(&plan, text, sizeof(text)), rows[i].text);
	}
}

static void every_number_has_its_rule_and_inputs(void **state UNUSED)
{
	struct policy policy = several(3, 300);
	struct host host = container_host(1200 * MIB);
	char text[512];
	struct plan plan = plan_of(&policy, &host);
	explain_number(&plan, PLAN_INSTANCES, text, sizeof(text));
	assert_string_equal(text, "instances 3 = service.instances (web.yaml:5)");
	explain_number(&plan, PLAN_INSTANCES_NEED, text, sizeof(text));
	assert_string_equal(text, "instances need 900 MiB = instances 3 x each 300 MiB (memory.max)");
	explain_number(&plan, PLAN_MEMORY_LIMIT, text, sizeof(text));
	assert_contains(text, "1/3 of ancestor limit 400 MiB (/ memory.max, service.instances: 3)");
	policy.memory.spare = SPARE_KEEP;
	plan = plan_of(&policy, &host);
	explain_number(&plan, PLAN_INSTANCES_NEED, text, sizeof(text));
	assert_string_equal(text, "instances need 1200 MiB = (instances 3 + a spare) x each 300 MiB (memory.max)");
	policy = several(3, 0);
	plan = plan_of(&policy, &host);
	plan_start_line(&plan, &policy, "web", text, sizeof(text));
	assert_contains(text, "3 instances, each 1/3 of the container 400 MiB, old space ");
}

static void the_first_start_wants_room_for_all_that_come_after_it(void **state UNUSED)
{
	static const struct {
		uint32_t workers;
		enum spare spare;
		uint64_t available_mib;
		const char *text; /* "": it fits */
	} rows[] = {
		{ 1, SPARE_CHECK, 299, "need 300 MiB (memory.max), have 299 MiB (MemAvailable)" },
		{ 1, SPARE_CHECK, 300, "" },
		{ 2, SPARE_CHECK, 599, "need 600 MiB (memory.max, and 1 more instance), have 599 MiB (MemAvailable)" },
		{ 3, SPARE_CHECK, 899, "need 900 MiB (memory.max, and 2 more instances), have 899 MiB (MemAvailable)" },
		{ 3, SPARE_CHECK, 900, "" },
		{ 3, SPARE_KEEP, 1199, "need 1200 MiB (2 x (memory.max), for memory.spare: keep, and 2 more instances), have 1199 MiB "
				       "(MemAvailable)" },
		{ 3, SPARE_KEEP, 1200, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy = several(3, 300);
		struct host host = sample_host();
		char text[256];
		policy.memory.spare = rows[i].spare;
		host.mem_available_bytes = rows[i].available_mib * MIB;
		struct plan plan = plan_of(&policy, &host);
		assert_int_equal(plan_start_fits(&plan, &host, rows[i].workers, text, sizeof(text)), rows[i].text[0] == '\0');
		assert_string_equal(text, rows[i].text);
	}
}

static void decide_hears_how_many_there_are(void **state UNUSED)
{
	struct policy policy = several(4, 300);
	struct host host = sample_host();
	struct rules rules;
	struct plan plan = plan_of(&policy, &host);
	plan_rules(&plan, &policy, &rules);
	assert_int_equal(rules.instances, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_a_share_of_what_the_groups_above_allow),
		cmocka_unit_test(too_much_for_all_is_a_warning_with_the_numbers),
		cmocka_unit_test(every_number_has_its_rule_and_inputs),
		cmocka_unit_test(the_first_start_wants_room_for_all_that_come_after_it),
		cmocka_unit_test(decide_hears_how_many_there_are),
	};
	return cmocka_run_group_tests_name("plan_instances", tests, NULL, NULL);
}
