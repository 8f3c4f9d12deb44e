/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"
#include "tests/unit/golden.h"
#include "tests/unit/plan_unit.h"
#include "supervisor/core/explain.h"
#include "supervisor/core/prose.h"
#include "supervisor/core/raise.h"

#include <json-c/json.h>

static char *const node_server[] = { "node", "server.js", NULL };

struct sample {
	const char *name;
	struct policy policy;
	struct host host;
};

static struct sample capped(void)
{
	struct sample sample = { "explain/hand-capped", capped_policy(512 * MIB), sample_host() };
	sample.policy.service.command = (struct words){ (char **)node_server, 2 };
	return sample;
}

static struct sample bare_container(void)
{
	struct sample sample = { "explain/hand-bare-container", sample_policy(), container_host(384 * MIB) };
	sample.host.uid = 0;
	strcpy(sample.host.user, "root");
	return sample;
}

static struct sample bare_laptop(void)
{
	return (struct sample){ "explain/hand-bare-laptop", sample_policy(), host_with_node(24) };
}

static struct sample too_small(void)
{
	struct sample sample = { "explain/hand-refused", capped_policy(160 * MIB), sample_host() };
	sample.host.cgroup_writable = false;
	strcpy(sample.host.cgroup_problem, "this user's session scope is not delegated; use systemd-run --user --scope -p "
					   "Delegate=yes heapward run ...");
	strcpy(sample.host.node_options, "--max-old-space-size=64M");
	return sample;
}

/* Two workers at once in a container. */
static struct sample held(void)
{
	struct sample sample = { "explain/hand-held", sample_policy(), container_host(1200 * MIB) };
	sample.policy.from_file = true;
	hold(&sample.policy, "tcp:3000");
	hold(&sample.policy, "tcp:[::1]:9000");
	hold(&sample.policy, "unix:/run/web.sock");
	sample.policy.memory.spare = SPARE_KEEP;
	sample.policy.heap.near_limit = NEAR_LIMIT_RESTART;
	set_origin(&sample.policy, KEY_HEAP_NEAR_LIMIT, "web.yaml", 14);
	return sample;
}

/* Sockets for a command that speaks LISTEN_FDS itself. */
static struct sample held_without_agent(void)
{
	struct sample sample = { "explain/hand-listen-fds", capped_policy(512 * MIB), sample_host() };
	hold(&sample.policy, "tcp:127.0.0.1:3000");
	sample.policy.heap.runtime = RUNTIME_NONE;
	sample.policy.service.singleton = true;
	sample.policy.ready.when = (struct ready_when){ .kind = READY_TCP, .port = 9000 };
	set_origin(&sample.policy, KEY_READY_WHEN, "--set", 0);
	return sample;
}

/* Everything that can be set, in a deep hierarchy of cgroup v1. */
static struct sample everything(void)
{
	struct sample sample = { "explain/hand-everything", capped_policy(4 * GIB), host_with_node(24) };
	struct policy *policy = &sample.policy;
	struct host *host = &sample.host;
	policy->heap.processes = 2;
	set_origin(policy, KEY_HEAP_PROCESSES, "web.yaml", 21);
	policy->limits.tasks = 200;
	policy->limits.files = 65536;
	policy->limits.cpu_percent = 150;
	set_origin(policy, KEY_LIMITS_CPU, "HEAPWARD_SET", 0);
	policy->ready.when = (struct ready_when){ .kind = READY_HTTP, .port = 9000, .path = "/health" };
	set_origin(policy, KEY_READY_WHEN, "web.yaml", 33);
	policy->watchdog.event_loop_usec = 30 * USEC_PER_SEC;
	set_origin(policy, KEY_WATCHDOG_EVENT_LOOP, "web.yaml", 35);
	policy->sandbox.user = "web";
	policy->sandbox.capabilities = "";
	host->uid = 0;
	strcpy(host->fence.problem, "without CAP_SYS_ADMIN, or before Linux 5.12");
	host->cgroup_version = CGROUP_HYBRID;
	host->levels[1].max_bytes = 3 * GIB;
	strcpy(host->levels[1].path, "/kubepods.slice/kubepods-burstable.slice/"
				     "kubepods-burstable-pod0c6f2b1e_8f1d_4a57_9f0e_3f3c2d1b0a99.slice/cri-containerd-"
				     "52b3c0a1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f9012.scope");
	host->buffers_bytes = 100 * MIB;
	host->peak_bytes = 1234567890;
	host->peak_runs = 12;
	host->swap_accounting = false;
	return sample;
}

static char *text_of(const struct sample *sample)
{
	struct plan plan;
	plan_resolve(&sample->policy, &sample->host, node_server, &plan);
	return explain_text(&plan, &sample->policy, &sample->host, "web");
}

static void hand_made_hosts_are_explained_as_on_file(void **state UNUSED)
{
	const struct sample samples[] = { capped(),	bare_container(), bare_laptop(),	too_small(),
					  everything(), held(),		  held_without_agent() };
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char path[512];
		cleanup_free char *text = text_of(&samples[i]);
		golden_path(__FILE__, samples[i].name, path, sizeof(path));
		golden_check(path, text);
	}
}

static void abstract_sockets_that_stay_open_say_why(void **state UNUSED)
{
	struct sample sample = capped();
	struct plan plan;
	sample.policy.from_file = true;
	plan_resolve(&sample.policy, &sample.host, node_server, &plan);
	plan.fence.wanted = plan.fence.own_signals = true;
	plan.fence.own_sockets = false;
	plan.fence.landlock_abi = 7;
	cleanup_free char *notify = explain_text(&plan, &sample.policy, &sample.host, "web");
	assert_contains(notify, "abstract sockets: all, for ready.when: notify is one");
	sample.policy.sandbox.abstract_sockets = ABSTRACT_SOCKETS_FULL;
	cleanup_free char *full = explain_text(&plan, &sample.policy, &sample.host, "web");
	assert_contains(full, "abstract sockets: all\n");
}

static void raises_and_budgets_by_verdict_are_explained(void **state UNUSED)
{
	struct sample sample = capped();
	sample.policy.heap.at_limit = AT_LIMIT_RAISE;
	sample.policy.heap.raise_by.percent = 50;
	sample.policy.heap.raise_up_to_bytes = GIB;
	sample.policy.restart.by_verdict[VERDICT_SECCOMP].deaths = 1;
	sample.policy.restart.by_verdict[VERDICT_SECCOMP].within_usec = 3600 * USEC_PER_SEC;
	raises_add(&sample.host.raises, &(struct raise){ 1700000000LL * USEC_PER_SEC, 288 * MIB, 432 * MIB, 768 * MIB });
	cleanup_free char *text = text_of(&sample);
	assert_contains(text, "Raises (heap.at_limit: raise)");
	assert_contains(text, "up to 1024 MiB; 1 so far");
	assert_contains(text, "2023-11-14T22:13:20.000Z: old space 288 MiB -> 432 MiB, memory.max 768 MiB");
	assert_contains(text, "deaths by seccomp: 1 in 1 h");
}

static void several_instances_are_explained_together(void **state UNUSED)
{
	struct sample sample = capped();
	sample.policy.service.instances = 3;
	cleanup_free char *text = text_of(&sample);
	assert_contains(text, "Instances, each with the memory above");
	assert_contains(text, "1536 MiB");
	struct sample one = capped();
	cleanup_free char *alone = text_of(&one);
	assert_null(strstr(alone, "Instances"));
}

static void a_machine_without_node_says_what_there_is(void **state UNUSED)
{
	struct sample sample = capped();
	sample.host.runtime.found = false;
	strcpy(sample.host.runtime.problem, "not in PATH");
	cleanup_free char *none = text_of(&sample);
	assert_contains(none, "Node: none: not in PATH");
	sample.host.runtime = (struct host_runtime){ .found = true, .path = "/opt/node", .problem = "no answer in 3 s" };
	cleanup_free char *mute = text_of(&sample);
	assert_contains(mute, "Node: /opt/node: no answer in 3 s");
}

static void no_line_is_wider_than_a_terminal(void **state UNUSED)
{
	const struct sample samples[] = { capped(), bare_container(), bare_laptop(), too_small(), held() };
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		cleanup_free char *text = text_of(&samples[i]);
		for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
			if (strcspn(line, "\n") > PROSE_COLUMNS)
				fail_msg("too wide: %.*s", (int)strcspn(line, "\n"), line);
			assert_true(strcspn(line, "\n") == 0 || line[strcspn(line, "\n") - 1] != ' ');
		}
	}
}

static void hostile_texts_do_not_reach_the_terminal(void **state UNUSED)
{
	struct sample sample = capped();
	strcpy(sample.host.levels[0].path, "/\033[2J\nevil");
	memset(sample.host.node_options, '\007', 4000);
	cleanup_free char *text = text_of(&sample);
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, '\007'));
	assert_contains(text, "/?[2J?evil");
}

static struct json_object *field(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no key %s", name);
	return value;
}

static struct json_object *number_named(struct json_object *root, const char *name)
{
	struct json_object *numbers = field(root, "numbers");
	for (size_t i = 0; i < json_object_array_length(numbers); i++) {
		struct json_object *object = json_object_array_get_idx(numbers, i);
		if (strcmp(json_object_get_string(field(object, "name")), name) == 0)
			return object;
	}
	fail_msg("no number %s", name);
	return NULL;
}

static void json_has_every_number(void **state UNUSED)
{
	struct sample sample = capped();
	struct plan plan;
	strcpy(sample.host.levels[0].path, "/\377\303\244");
	plan_resolve(&sample.policy, &sample.host, node_server, &plan);
	cleanup_free char *text = explain_json(&plan, &sample.policy, &sample.host, "web");
	struct json_object *root = json_tokener_parse(text);
	assert_non_null(root);
	assert_int_equal(json_object_get_int(field(root, "schema")), 1);
	assert_string_equal(json_object_get_string(field(root, "name")), "web");
	assert_int_equal(json_object_array_length(field(root, "numbers")), PLAN_NUMBER_COUNT);
	struct json_object *old = number_named(root, "old_space");
	assert_int_equal(json_object_get_int64(field(old, "value")), 288 * MIB);
	assert_string_equal(json_object_get_string(field(old, "unit")), "bytes");
	assert_string_equal(json_object_get_string(field(old, "rule")), "memory.max - reserve - headroom");
	struct json_object *input = json_object_array_get_idx(field(old, "inputs"), 0);
	assert_string_equal(json_object_get_string(field(input, "from")), "web.yaml:12");
	assert_int_equal(json_object_get_int64(field(input, "value")), 512 * MIB);
	assert_null(field(number_named(root, "memory_high"), "value"));
	assert_contains(text, "\"name\":\"backoff_from\",\"value\":0.100,\"unit\":\"seconds\"");
	assert_string_equal(json_object_get_string(field(field(root, "cgroup"), "base")), "/\xef\xbf\xbd\303\244");
	assert_string_equal(json_object_get_string(field(root, "node_options")),
			    "--max-old-space-size=288 --max-semi-space-size=16");
	assert_int_equal(json_object_array_length(field(root, "refusals")), 0);
	json_object_put(root);
}

static void json_names_sockets_and_how_they_are_handed_over(void **state UNUSED)
{
	const struct sample samples[] = { held(), held_without_agent(), capped() };
	static const char *const wanted[] = {
		"\"sockets\":[{\"address\":\"tcp:3000\",\"descriptor\":202,\"handed_over\":\"agent\"},"
		"{\"address\":\"tcp:[::1]:9000\",\"descriptor\":203,\"handed_over\":\"agent\"},"
		"{\"address\":\"unix:/run/web.sock\",\"descriptor\":204,\"handed_over\":\"agent\"}],"
		"\"replacement\":{\"near_limit\":\"restart\",\"second_worker\":true,\"drains\":true,\"ready\":\"listening\"}",
		"\"sockets\":[{\"address\":\"tcp:127.0.0.1:3000\",\"descriptor\":3,\"handed_over\":\"listen_fds\"}],"
		"\"replacement\":{\"near_limit\":\"report\",\"second_worker\":false,\"drains\":true,\"ready\":\"tcp:9000\"}",
		"\"sockets\":[],"
		"\"replacement\":{\"near_limit\":\"report\",\"second_worker\":false,\"drains\":false,\"ready\":\"started\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		struct plan plan;
		plan_resolve(&samples[i].policy, &samples[i].host, node_server, &plan);
		cleanup_free char *text = explain_json(&plan, &samples[i].policy, &samples[i].host, "web");
		assert_contains(text, wanted[i]);
	}
}

static void json_has_own_options_where_the_heap_is_not_managed(void **state UNUSED)
{
	static const struct {
		const char *options, *shown;
	} rows[] = { { "--trace-gc", "\"node_options\":\"--trace-gc\"" }, { "", "\"node_options\":null" } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample sample = capped();
		struct plan plan;
		sample.policy.heap.runtime = RUNTIME_NONE;
		strcpy(sample.host.node_options, rows[i].options);
		plan_resolve(&sample.policy, &sample.host, node_server, &plan);
		cleanup_free char *text = explain_json(&plan, &sample.policy, &sample.host, "web");
		assert_contains(text, rows[i].shown);
	}
}

static void json_lists_refusals_and_nulls(void **state UNUSED)
{
	struct sample sample = too_small(), laptop = bare_laptop();
	struct plan plan;
	plan_resolve(&sample.policy, &sample.host, node_server, &plan);
	cleanup_free char *refused = explain_json(&plan, &sample.policy, &sample.host, "web");
	struct json_object *root = json_tokener_parse(refused);
	assert_int_equal(json_object_array_length(field(root, "refusals")), 2);
	assert_int_equal(json_object_array_length(field(root, "warnings")), 1);
	assert_false(json_object_get_boolean(field(root, "startable")));
	json_object_put(root);
	plan_resolve(&laptop.policy, &laptop.host, node_server, &plan);
	cleanup_free char *free_text = explain_json(&plan, &laptop.policy, &laptop.host, "web");
	root = json_tokener_parse(free_text);
	assert_null(field(number_named(root, "old_space"), "value"));
	assert_null(field(root, "node_options"));
	json_object_put(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hand_made_hosts_are_explained_as_on_file),
		cmocka_unit_test(abstract_sockets_that_stay_open_say_why),
		cmocka_unit_test(raises_and_budgets_by_verdict_are_explained),
		cmocka_unit_test(several_instances_are_explained_together),
		cmocka_unit_test(a_machine_without_node_says_what_there_is),
		cmocka_unit_test(no_line_is_wider_than_a_terminal),
		cmocka_unit_test(hostile_texts_do_not_reach_the_terminal),
		cmocka_unit_test(json_has_every_number),
		cmocka_unit_test(json_names_sockets_and_how_they_are_handed_over),
		cmocka_unit_test(json_has_own_options_where_the_heap_is_not_managed),
		cmocka_unit_test(json_lists_refusals_and_nulls),
	};
	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
