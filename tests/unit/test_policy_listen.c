/* SPDX-License-Identifier: Apache-2.0 */
/* test_policy_listen: the keys about held sockets, readiness and replacements: what a value may be, and which contradict. */
#include "tests/unit/unit.h"

#include "supervisor/core/policy.h"

/* What one setting is answered with; "" where it is taken. */
static const struct {
	const char *setting, *error;
} values[] = {
	{ "service.listen=tcp:3000", "" },
	{ "service.listen=[tcp:3000, unix:/run/web.sock]", "" },
	{ "service.listen=[]", "" },
	{ "service.listen=", "has no value" },
	{ "service.listen=3000", "did you mean \"tcp:3000\"?" },
	{ "service.listen=[tcp:3000, tcp:80, tcp:3000]", "\"tcp:3000\" has the port of another" },
	{ "service.listen=[tcp:3000, tcp:127.0.0.1:3000]", "has the port of another" },
	{ "service.listen=[unix:/a, unix:/a]", "\"unix:/a\" has the path of another" },
	{ "service.listen=[[tcp:3000]]", "is a list where one value is wanted" },
	{ "service.listen=[tcp:1,tcp:2,tcp:3,tcp:4,tcp:5,tcp:6,tcp:7,tcp:8,tcp:9,tcp:10,tcp:11,tcp:12,tcp:13,"
	  "tcp:14,tcp:15,tcp:16]", "" },
	{ "service.listen=[tcp:1,tcp:2,tcp:3,tcp:4,tcp:5,tcp:6,tcp:7,tcp:8,tcp:9,tcp:10,tcp:11,tcp:12,tcp:13,"
	  "tcp:14,tcp:15,tcp:16,tcp:17]", "more than 16 addresses" },
	{ "service.listening=tcp:3000", "did you mean \"service.listen\"?" },
	{ "service.singleton=true", "" },
	{ "service.singleton=false", "" },
	{ "service.instances=16", "" },
	{ "service.instances=0", "1 to 16" },
	{ "service.instances=17", "1 to 16" },
	{ "service.singleton=yes", "it is one of true or false" },
	{ "service.singleton=True", "did you mean \"true\"?" },
	{ "service.hold_for=5", "has no unit" },
	{ "memory.spare=keeps", "did you mean \"keep\"?" },
	{ "heap.near_limit=replace", "" },
	{ "heap.near_limit=raise", "it is one of auto, replace, restart or report" },
	{ "drain.timeout=61min", "out of range" },
	{ "ready.when=listening", "" },
	{ "ready.when=tcp:1", "" },
	{ "ready.when=tcp:0", "is no tcp:PORT" },
	{ "ready.when=tcp:localhost:80", "is no tcp:PORT" },
	{ "ready.when=8080", "did you mean \"tcp:8080\"?" },
	{ "ready.when=notify", "" },
	{ "ready.when=Notify", "it is one of auto, listening, started, notify, tcp:PORT or http:PORT/PATH" },
	{ "ready.when=http:/health", "" },
	{ "ready.when=http:8080/", "" },
	{ "ready.when=http:8080", "is no http:PORT/PATH" },
	{ "ready.when=http:0/health", "is no http:PORT/PATH" },
	{ "ready.when=http:80808/health", "is no http:PORT/PATH" },
	{ "ready.when=http://localhost:8080/health", "did you mean \"http:8080/health\"?" },
	{ "ready.when=http://localhost/health", "did you mean \"http:/health\"?" },
	{ "ready.when=http://localhost", "is no http:PORT/PATH" },
	{ "ready.when=http://localhost:x/health", "is no http:PORT/PATH" },
	{ "ready.when=http:localhost:8080/health", "is no http:PORT/PATH" },
	{ "ready.when=http:8080/a b", "is no http:PORT/PATH" },
	{ "ready.within=500ms", "out of range" },
	{ "watchdog.event_loop=never", "" },
	{ "watchdog.event_loop=30s", "" },
	{ "watchdog.event_loop=30", "has no unit" },
	{ "watchdog.event_loop=none", "is no time" },
	{ "watchdog.event_loop=500ms", "out of range: 1s to 1h" },
	{ "watchdog.event-loop=30s", "did you mean \"watchdog.event_loop\"?" },
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
			fail_msg("%s: %d", values[i].setting, result);
		if (result < 0)
			assert_contains(errors.list[0].text, values[i].error);
	}
}

static void a_later_layer_takes_the_place_of_all_sockets(void **state UNUSED)
{
	static struct policy_errors errors;
	static const char text[] = "version: 1\nservice: {listen: [tcp:3000, unix:/run/web.sock], singleton: true}\n";
	struct policy policy;
	policy_init(&policy);
	assert_int_equal(policy_apply_text(&policy, "web.yaml", text, sizeof(text) - 1, &errors), 0);
	assert_int_equal(policy_apply_settings(&policy, "HEAPWARD_SET", "service.listen=tcp:80 service.singleton=false",
					       &errors), 0);
	assert_int_equal(policy.service.listen.count, 1);
	assert_string_equal(policy.service.listen.list[0].text, "tcp:80");
	assert_false(policy.service.singleton);
	/* A refused list leaves the one before it. */
	assert_int_equal(policy_apply_setting(&policy, "--set", "service.listen=[tcp:81, tcp:x]", &errors), -1);
	assert_string_equal(policy.service.listen.list[0].text, "tcp:80");
	assert_int_equal(policy_apply_setting(&policy, "--set", "service.listen=[]", &errors), 0);
	assert_int_equal(policy.service.listen.count, 0);
	policy_finish(&policy);
}

/* What policy_check says of the settings of a row; "" where it says nothing. */
static void keys_of_held_sockets_are_held_against_each_other(void **state UNUSED)
{
	static const struct {
		const char *settings, *said;
		bool refused;
	} rows[] = {
		{ "service.listen=tcp:3000", "", false },
		{ "heap.near_limit=restart", "", false },
		{ "service.singleton=true", "", false },
		{ "heap.near_limit=replace", "replace needs service.listen", true },
		{ "heap.near_limit=replace service.listen=tcp:3000", "", false },
		{ "heap.near_limit=replace service.listen=[]", "replace needs service.listen", true },
		{ "heap.near_limit=restart heap.runtime=none", "has no effect with heap.runtime: none", false },
		{ "heap.near_limit=restart heap.headroom=0M", "heap.headroom: none leaves a worker near its limit no time",
		  false },
		{ "heap.headroom=0M", "", false },
		{ "ready.when=listening service.listen=tcp:3000", "", false },
		{ "ready.when=listening", "listening is told of held sockets, and service.listen has none", true },
		{ "ready.when=listening heap.runtime=none", "use notify, tcp:PORT or started", true },
		{ "ready.when=notify heap.runtime=none service.listen=tcp:3000", "", false },
		{ "ready.when=http:8080/health", "", false },
		{ "ready.when=http:/health", "asks on the first TCP port of service.listen, and there is none", true },
		{ "ready.when=http:/health service.listen=unix:/run/web.sock", "and there is none", true },
		{ "ready.when=http:/health service.listen=tcp:3000", "port 3000 is held, and while one worker takes the place",
		  true },
		{ "ready.when=http:/health service.listen=tcp:3000 service.singleton=true", "", false },
		{ "ready.when=http:3000/health service.listen=tcp:3000 memory.spare=never", "", false },
		{ "ready.when=http:9000/health service.listen=tcp:3000", "", false },
		{ "ready.when=http:9000/health service.listen=tcp:3000 heap.runtime=none", "the first one answers on that port",
		  true },
		{ "ready.when=tcp:9000 service.listen=tcp:3000 heap.runtime=none", "the first one answers on that port", true },
		{ "ready.when=tcp:9000 heap.runtime=none", "", false },
		{ "watchdog.event_loop=30s heap.runtime=none", "there is no agent that sends heartbeats", false },
		{ "service.listen=tcp:3000 heap.runtime=none", "", false },
		{ "ready.when=tcp:3000 service.listen=tcp:127.0.0.1:3000", "port 3000 is held by service.listen", true },
		{ "ready.when=tcp:3001 service.listen=tcp:3000", "", false },
		{ "service.instances=3 service.listen=tcp:3000", "", false },
		{ "service.instances=3", "3 without service.listen: a server that listens on a port of its own fails", false },
		{ "service.instances=3 service.listen=tcp:3000 service.singleton=true", "says that there are never two", true },
		{ "service.instances=1 service.singleton=true", "", false },
		{ "service.instances=3 service.listen=tcp:3000 memory.spare=never ready.when=http:/health",
		  "any of the 3 instances may answer on it", true },
		{ "memory.spare=keep", "memory.spare: keep has no effect without service.listen", false },
		{ "memory.spare=keep service.listen=tcp:3000", "", false },
		{ "memory.spare=keep service.listen=tcp:3000 service.singleton=true", "with service.singleton: true", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy policy;
		static struct policy_errors errors;
		memset(&errors, 0, sizeof(errors));
		policy_init(&policy);
		assert_int_equal(policy_apply_settings(&policy, "--set", rows[i].settings, &errors), 0);
		int result = policy_check(&policy, &errors);
		policy_finish(&policy);
		if ((result < 0) != rows[i].refused || (errors.count > 0) != (rows[i].said[0] != '\0'))
			fail_msg("%s: %d, %zu", rows[i].settings, result, errors.count);
		if (errors.count > 0)
			assert_contains(errors.list[0].text, rows[i].said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_read_or_refused_with_a_reason),
		cmocka_unit_test(a_later_layer_takes_the_place_of_all_sockets),
		cmocka_unit_test(keys_of_held_sockets_are_held_against_each_other),
	};
	return cmocka_run_group_tests_name("policy_listen", tests, NULL, NULL);
}
