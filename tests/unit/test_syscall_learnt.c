/* SPDX-License-Identifier: Apache-2.0 */
/* test_syscall_learnt: calls as they are seen become rules with counts, and the rules a list that allows what was
 * seen. */
#include "tests/unit/filter_unit.h"
#include "tests/unit/unit.h"

#include "supervisor/core/syscall_diff.h"
#include "supervisor/core/syscall_learnt.h"
#include "supervisor/core/syscall_match.h"
#include "supervisor/core/syscall_text.h"

#include <stdio.h>

static struct syscall_learnt learnt;
static struct syscall_list *base, again;

static struct syscall_names names(void)
{
	return filter_names_of(AUDIT_ARCH_X86_64);
}

static void begin(const char *list)
{
	struct syscall_names x86 = names();
	free(base);
	base = list_of(list, AUDIT_ARCH_X86_64);
	syscall_learnt_init(&learnt, base, &x86);
}

static int end(void **state UNUSED)
{
	free(base);
	base = NULL;
	return 0;
}

static int number_of(const char *name)
{
	struct syscall_names x86 = names();
	return x86.number(&x86, name);
}

/* As the owner does. */
static struct syscall_learnt_call *note(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t arguments[SYSCALL_ARGUMENTS] = { a, b, c };
	struct syscall_learnt_call *call = syscall_learnt_note(&learnt, number_of(name), arguments);
	assert_non_null(call);
	if (call->rule.name[0] == '\0')
		snprintf(call->rule.name, sizeof(call->rule.name), "%s", name);
	return call;
}

/* One call each: the rule that it becomes under a base. */
static const struct {
	const char *base, *name;
	uint64_t arguments[3];
	const char *rule;
	bool beyond;
} seen[] = {
	{ "server", "openat", { 1, 2, 3 }, "openat arg2 & CREATING == 0x0", false },
	{ "server", "open", { 1, 2, 3 }, "open? arg1 & CREATING == 0x0", false },
	{ "server", "open", { 1, 0x241, 0644 }, "open? arg2 & SET_ID == 0x0", false },
	{ "server", "socket", { 2, 1, 0 }, "socket int0 == AF_INET", false },
	{ "server", "socket", { 16, 3, 0 }, "socket int0 == AF_NETLINK and int2 == NETLINK_ROUTE", false },
	{ "server", "socket", { 16, 3, 15 }, "socket int0 == AF_NETLINK and int2 == NETLINK_KOBJECT_UEVENT", true },
	{ "server", "socket", { 17, 3, 0x300 }, "socket int0 == AF_PACKET and int2 == 0x300", true },
	{ "compat", "socket", { 17, 3, 0x300 }, "socket int0 == AF_PACKET and int2 == 0x300", false },
	{ "server", "ioctl", { 1, 0x5421, 0 }, "ioctl int1 == FIONBIO", false },
	{ "server", "ioctl", { 1, 0x8933, 0 }, "ioctl int1 == 0x8933", false },
	{ "strict", "ioctl", { 1, 0x8933, 0 }, "ioctl int1 == 0x8933", true },
	{ "server", "ioctl", { 1, 0x5412, 0 }, "deny ioctl int1 == TIOCSTI", false },
	{ "server", "prctl", { 0x59616d61, 0, 0 }, "prctl int0 == PR_SET_PTRACER", false },
	{ "server", "clone", { 0x3d0f00, 0, 0 }, "clone arg0 & CLONE_NAMESPACES == 0x0", false },
	{ "server", "clone", { 0x10000011, 0, 0 }, "clone arg0 & CLONE_NAMESPACES == CLONE_NEWUSER", true },
	{ "compat",
	  "clone",
	  { 0x30000011, 0, 0 },
	  "clone arg0 & CLONE_NAMESPACES == CLONE_NEWUSER|CLONE_NEWPID",
	  false },
	{ "server", "clone3", { 1, 2, 3 }, "absent clone3", false },
	{ "compat", "clone3", { 1, 2, 3 }, "clone3", false },
	{ "server", "io_uring_setup", { 1, 2, 3 }, "absent io_uring_setup", false },
	{ "server", "mount", { 1, 2, 3 }, "mount", true },
	{ "server", "unshare", { 0x10000000, 0, 0 }, "unshare int0 == CLONE_NEWUSER", true },
	{ "compat", "unshare", { 0x10000000, 0, 0 }, "unshare int0 == CLONE_NEWUSER", false },
	{ "server", "ptrace", { 16, 2, 3 }, "ptrace arg0 == 0x10", true },
	{ "server", "personality", { 0x40000, 0, 0 }, "personality int0 == 0x40000", true },
};

static void what_is_seen_becomes_a_rule(void **state UNUSED)
{
	char text[SYSCALL_RULE_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		begin(seen[i].base);
		const uint64_t *arguments = seen[i].arguments;
		struct syscall_learnt_call *call = note(seen[i].name, arguments[0], arguments[1], arguments[2]);
		assert_string_equal(syscall_rule_text(&call->rule, text), seen[i].rule);
		if (call->beyond != seen[i].beyond)
			fail_msg("%s: beyond %d", seen[i].rule, call->beyond);
		assert_ptr_equal(note(seen[i].name, arguments[0], arguments[1], arguments[2]), call);
		assert_int_equal(call->count, 2);
		assert_int_equal(learnt.count, 1);
	}
}

static void too_many_values_are_all_of_them(void **state UNUSED)
{
	begin("server");
	for (uint64_t i = 0; i < 1000; i++)
		note("ioctl", 1, 0x9000 + i, 0);
	assert_int_equal(learnt.count, SYSCALL_LEARNT_VALUES_MAX + 1);
	struct syscall_learnt_call *wide = &learnt.calls[learnt.count - 1];
	assert_true(wide->wide && wide->rule.condition_count == 0);
	assert_int_equal(wide->count, 1000 - SYSCALL_LEARNT_VALUES_MAX);
	assert_int_equal(note("ioctl", 1, 0x5412, 0)->rule.kind, SYSCALL_DENY); /* TIOCSTI still */
	begin("strict");
	for (uint64_t i = 0; i <= SYSCALL_LEARNT_VALUES_MAX; i++)
		note("ioctl", 1, 0x9000 + i, 0);
	assert_true(learnt.calls[learnt.count - 1].wide && learnt.calls[learnt.count - 1].beyond);
}

/* A program that makes every call with every argument has its list, and the list is no longer than a list may be. */
static void the_table_has_room_for_everything(void **state UNUSED)
{
	begin("server");
	for (int number = 0; number <= SYSCALL_NUMBER_MAX; number++)
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t arguments[SYSCALL_ARGUMENTS] = { i * 0x1000000, i, i };
			(void)syscall_learnt_note(&learnt, number, arguments);
		}
	assert_true(learnt.count <= SYSCALL_LEARNT_MAX);
	assert_true(learnt.close_count <= SYSCALL_LEARNT_CLOSE_MAX + base->rule_count);
	assert_int_equal(learnt.total, 100 * (SYSCALL_NUMBER_MAX + 1));
	assert_true(learnt.lost > 0); /* of numbers that no kernel has */
	struct syscall_names x86 = names();
	cleanup_free char *text = syscall_learnt_text(&learnt, &x86, &(struct syscall_learnt_source){
		.command = "c", .node = "", .kernel = "k", .date = "d", .base = "server" });
	assert_non_null(text);
	if (strstr(text, "# Not in it for want of room: ") == NULL)
		fail_msg("%.800s", text);
}

static void a_filter_without_room_is_refused(void **state UNUSED)
{
	static struct syscall_list filter;
	struct syscall_names x86 = names();
	begin("server");
	snprintf(base->rules[base->rule_count].name, SYSCALL_NAME_MAX, "#470");
	base->rules[base->rule_count++] = (struct syscall_rule){ .kind = SYSCALL_DENY, .number = 470 };
	memset(&filter, 0, sizeof(filter));
	assert_int_equal(syscall_learnt_filter(&learnt, &x86, &filter), 0);
	size_t needed = filter.rule_count;
	assert_true(needed > 1);
	for (size_t missing = 1; missing <= needed; missing += needed - 1) {
		filter.rule_count = SYSCALL_RULES_MAX - needed + missing;
		assert_int_equal(syscall_learnt_filter(&learnt, &x86, &filter), -1);
	}
}

static void processes_are_counted_and_threads_are_not(void **state UNUSED)
{
	begin("server");
	note("fork", 0, 0, 0);
	note("vfork", 0, 0, 0);
	note("clone", 0x1200011, 0, 0);
	note("clone", 0x3d0f00, 0, 0); /* CLONE_THREAD */
	assert_int_equal(learnt.processes, 3);
}

static const struct syscall_learnt_source source = {
	.command = "node server.js\n--evil",
	.node = "22.11.0",
	.kernel = "Linux 6.1 x86_64",
	.date = "2026-11-25T10:50:00Z",
	.base = "server",
	.file = "web.list",
	.duration_usec = 35 * USEC_PER_SEC,
	.workers = 1,
};

static char *print(void)
{
	struct syscall_names x86 = names();
	char *text = syscall_learnt_text(&learnt, &x86, &source);
	assert_non_null(text);
	return text;
}

static void read_again(const char *text)
{
	char shown[1024];
	struct syscall_names x86 = names();
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	memset(&again, 0, sizeof(again));
	if (syscall_list_read(&again, "my.list", text, strlen(text), &x86, errors) == 0)
		return;
	policy_error_format(&errors->list[0], shown, sizeof(shown));
	fail_msg("%s%s", shown, text);
}

static void the_list_shows_first_what_is_to_be_looked_at(void **state UNUSED)
{
	begin("server");
	for (int i = 0; i < 1532; i++)
		note("openat", 0, 0, 0);
	note("mount", 0, 0, 0);
	note("exit_group", 0, 0, 0);
	note("socket", 2, 1, 0);
	note("socket", 1, 1, 0);
	note("brk", 0, 0, 0);
	note("clone3", 0, 0, 0);
	syscall_learnt_note_foreign(&learnt);
	cleanup_free char *text = print();
	static const char *const parts[] = {
		"# Learnt by heapward " HEAPWARD_VERSION
		" on 2026-11-25T10:50:00Z, in 35 s, with counts, from:\n#   node server.js?--evil\n",
		"# Linux 6.1 x86_64, Node 22.11.0.\n# 1539 calls, 1 process, 1 start of it.\n",
		"# What it did not do in that time is not here, but for a floor: the calls under\n# \"Always\"",
		"# Compare: heapward check --diff web.list\n# Then: sandbox: {syscalls: \"./web.list\", violation: audit}",
		"# Denied, and no list can allow them: 1 calls of another architecture.\n",
		"\n# Not in the list server: look at each of these before you allow it\nmount                          "
		"    # 1\n",
		"\n# Always: what every program needs, seen or not; in every learnt list\nread                               # not counted\n",
		"\nrestart_syscall                    # behind a stop and SIGCONT\n",
		"\n# Memory\nbrk                                # 1\n",
		"\n# Files: open or make, without set-user-ID and set-group-ID bits\nopenat arg2 & CREATING == 0x0      # 1532\n",
		("\n# Network: UNIX and internet sockets\nsocket int0 == AF_INET             # 1\n"
		 "socket int0 == AF_UNIX             # 1\n"),
		"\nexit_group                         # 1\n",
		"\nabsent clone3                      # 1\n",
		"\ndeny ioctl int1 == TIOCSTI         # not seen\n",
	};
	const char *at = text;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		at = strstr(at, parts[i]);
		if (at == NULL)
			fail_msg("%s is not there, or not in its place:\n%s", parts[i], text);
	}
	assert_null(strstr(text, "exit_group                         # a process's end"));
	read_again(text);
}

/* Nothing of what a seeded program calls is denied by its own list. */
static void what_was_seen_is_allowed_by_the_list(void **state UNUSED)
{
	static const char *const bases[] = { "strict", "server", "compat" };
	uint64_t random = 1;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		begin(bases[i]);
		for (int k = 0; k < 5000; k++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t arguments[SYSCALL_ARGUMENTS] = { random >> 60, random >> 56 & 15, random >> 52 & 3 };
			int number = (int)(random >> 33) % 335;
			struct syscall_learnt_call *call = syscall_learnt_note(&learnt, number, arguments);
			assert_non_null(call);
			if (call->rule.name[0] == '\0')
				snprintf(call->rule.name, sizeof(call->rule.name), "#%d", number);
		}
		cleanup_free char *text = print();
		read_again(text);
		for (size_t k = 0; k < learnt.count; k++) {
			const struct syscall_rule *rule = &learnt.calls[k].rule;
			bool found = false;
			for (size_t n = 0; n < again.rule_count; n++)
				found = found ||
					(again.rules[n].number == rule->number && again.rules[n].kind == rule->kind &&
					 syscall_match_within(rule, &again.rules[n]));
			assert_true(found);
		}
	}
}

static void only_what_is_hot_is_not_seen(void **state UNUSED)
{
	struct syscall_names x86 = names();
	static struct syscall_list filter;
	begin("server");
	memset(&filter, 0, sizeof(filter));
	assert_int_equal(syscall_learnt_filter(&learnt, &x86, &filter), 0);
	for (size_t i = 0; i < filter.rule_count; i++) {
		const struct syscall_rule *rule = &filter.rules[i];
		assert_int_equal(rule->condition_count, 0);
		assert_true(rule->kind == SYSCALL_DENY ? rule->number == 462 : syscall_list_allows(base, rule->number));
		assert_true(rule->kind == SYSCALL_DENY || syscall_learnt_is_plain(&learnt, rule->number));
	}
	assert_true(syscall_list_allows(&filter, number_of("read")) &&
		    syscall_list_allows(&filter, number_of("futex")));
	assert_false(syscall_list_allows(&filter, number_of("openat")) ||
		     syscall_list_allows(&filter, number_of("ioctl")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_is_seen_becomes_a_rule, end),
		cmocka_unit_test_teardown(too_many_values_are_all_of_them, end),
		cmocka_unit_test_teardown(the_table_has_room_for_everything, end),
		cmocka_unit_test_teardown(a_filter_without_room_is_refused, end),
		cmocka_unit_test_teardown(processes_are_counted_and_threads_are_not, end),
		cmocka_unit_test_teardown(the_list_shows_first_what_is_to_be_looked_at, end),
		cmocka_unit_test_teardown(what_was_seen_is_allowed_by_the_list, end),
		cmocka_unit_test_teardown(only_what_is_hot_is_not_seen, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
