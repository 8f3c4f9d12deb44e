/* SPDX-License-Identifier: Apache-2.0 */
/* test_syscall_filters: the program that a list becomes, for x86-64 and aarch64, run here instruction by instruction: it must
 * decide as the list says, for every call and for arguments at every edge. So what libseccomp makes of equal, different and
 * masked 64-bit arguments is held (its ordered comparisons decide wrongly, and no list can have one). */
#include "tests/unit/filter_unit.h"

#include "supervisor/types/launch.h"

#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

static const uint32_t architectures[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };
static const char *const names[] = { "strict", "server", "compat" };

#define ABSENT (SECCOMP_RET_ERRNO | ENOSYS)
#define NEWEST 456 /* of libseccomp 2.5.4 */

/* A 32-bit word of seccomp_data. */
static uint32_t word_at(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;
	assert_true(offset % 4 == 0 && offset <= sizeof(*data) - sizeof(word));
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool jumps(uint16_t code, uint32_t left, uint32_t right)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return left == right;
	case BPF_JGT:
		return left > right;
	case BPF_JGE:
		return left >= right;
	case BPF_JSET:
		return (left & right) != 0;
	default:
		fail_msg("jump %#x", code);
		return false;
	}
}

static uint32_t run_filter(const struct sock_filter *code, size_t count, const struct seccomp_data *data)
{
	uint32_t accumulator = 0;
	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *now = &code[at];
		if (now->code == (BPF_LD | BPF_W | BPF_ABS))
			accumulator = word_at(data, now->k);
		else if (now->code == (BPF_ALU | BPF_AND | BPF_K))
			accumulator &= now->k;
		else if (now->code == (BPF_RET | BPF_K))
			return now->k;
		else if (now->code == (BPF_JMP | BPF_JA))
			at += now->k;
		else if (BPF_CLASS(now->code) == BPF_JMP)
			at += jumps(now->code, accumulator, now->k) ? now->jt : now->jf;
		else
			fail_msg("instruction %zu: %#x", at, now->code);
	}
	fail_msg("ran off the end");
	return 0;
}

static bool holds(const struct syscall_rule *rule, const struct seccomp_data *data)
{
	if (rule->number != data->nr)
		return false;
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct syscall_condition *condition = &rule->conditions[i];
		bool equal = (data->args[condition->argument] & condition->mask) == condition->value;
		if (equal == condition->differs)
			return false;
	}
	return true;
}

static bool any_holds(const struct syscall_list *list, enum syscall_rule_kind kind, const struct seccomp_data *data)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].kind == kind && holds(&list->rules[i], data))
			return true;
	return false;
}

static bool is_known(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].number == number)
			return true;
	return number <= NEWEST;
}

/* What the list says, without any filter. */
static uint32_t wanted(const struct syscall_list *list, uint32_t architecture, const struct seccomp_data *data)
{
	if (data->arch != architecture || (architecture == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= 0x40000000u && data->nr != -1))
		return FILTER_DENIED;
	if (any_holds(list, SYSCALL_DENY, data))
		return FILTER_DENIED;
	if ((uint32_t)data->nr < 0x40000000u && !is_known(list, data->nr))
		return ABSENT;
	if (any_holds(list, SYSCALL_ALLOW, data))
		return SECCOMP_RET_ALLOW;
	if (any_holds(list, SYSCALL_ABSENT, data) && !syscall_list_allows(list, data->nr))
		return ABSENT;
	return FILTER_DENIED;
}

static void probe(const char *name, const struct syscall_list *list, uint32_t architecture, const struct sock_filter *code, size_t count,
		  const struct seccomp_data *data)
{
	uint32_t is = run_filter(code, count, data), is_wanted = wanted(list, architecture, data);
	if (is != is_wanted)
		fail_msg("%s for %#x: call %d of %#x (%#llx %#llx %#llx): %#x, not %#x", name, architecture, data->nr, data->arch,
			 (unsigned long long)data->args[0], (unsigned long long)data->args[1], (unsigned long long)data->args[2], is,
			 is_wanted);
}

/* Arguments around every value and mask of the call's own rules, in the low half, the high half and both. */
static void probe_arguments(const char *name, const struct syscall_list *list, uint32_t architecture, const struct sock_filter *code,
			    size_t count, int number)
{
	struct seccomp_data data = { .nr = number, .arch = architecture };
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		if (rule->number != number)
			continue;
		for (size_t k = 0; k < rule->condition_count; k++)
			data.args[rule->conditions[k].argument] = rule->conditions[k].value;
		probe(name, list, architecture, code, count, &data);
		for (size_t k = 0; k < rule->condition_count; k++) {
			__u64 *argument = &data.args[rule->conditions[k].argument], value = *argument;
			for (int bit = 0; bit < 64; bit++) {
				*argument = value ^ 1ULL << bit;
				probe(name, list, architecture, code, count, &data);
			}
			static const uint64_t others[] = { 0, 1, UINT32_MAX, UINT64_C(1) << 32, INT64_MAX, UINT64_MAX };
			for (size_t other = 0; other < ARRAY_LEN(others); other++) {
				*argument = others[other];
				probe(name, list, architecture, code, count, &data);
				*argument = value + others[other];
				probe(name, list, architecture, code, count, &data);
			}
			*argument = value;
		}
	}
}

static void probe_all(const char *name, uint32_t architecture)
{
	static const uint64_t plain[] = { 0, 1, 0x7e020000, UINT64_MAX };
	cleanup_free struct syscall_list *list = list_of(name, architecture);
	cleanup_free unsigned char *bytes = NULL;
	size_t length = 0;
	filter_of(name, architecture, FILTER_DENIED, &bytes, &length);
	const struct sock_filter *code = (const struct sock_filter *)(void *)bytes;
	size_t count = length / sizeof(*code);
	assert_int_equal(length % sizeof(*code), 0);
	assert_true(count > 0 && count <= BPF_MAXINSNS);
	for (int number = -1; number < 1100; number++) {
		for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
			struct seccomp_data data = { .nr = number, .arch = architecture };
			for (size_t k = 0; k < ARRAY_LEN(data.args); k++)
				data.args[k] = plain[i];
			probe(name, list, architecture, code, count, &data);
		}
		probe_arguments(name, list, architecture, code, count, number);
	}
	/* The other ways in: i386, x32, ARM, and numbers of no call. */
	static const uint32_t foreign[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64, AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, 0 };
	static const int odd[] = { 0, 1, 26, 101, 0x40000000, 0x40000000 + 101, 0x40000000 + 521, INT32_MIN, INT32_MAX, 457 };
	for (size_t i = 0; i < ARRAY_LEN(foreign) * ARRAY_LEN(odd); i++) {
		struct seccomp_data data = { .nr = odd[i % ARRAY_LEN(odd)], .arch = foreign[i / ARRAY_LEN(odd)] };
		if (data.arch != architecture || (uint32_t)data.nr < 0x40000000u || architecture == AUDIT_ARCH_X86_64)
			probe(name, list, architecture, code, count, &data);
	}
}

static void every_list_decides_as_it_says_on_both_architectures(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(architectures); i++)
		probe_all(names[i % ARRAY_LEN(names)], architectures[i / ARRAY_LEN(names)]);
}

/* Conditions that no shipped list has: several on one call, both halves of a register, and what beats what. */
static void conditions_of_every_kind_decide_right(void **state UNUSED)
{
	static const char text[] = "read arg0 == 0x100000002\nread arg0 == 3 and arg1 != 0x200000001\nread arg2 & 0xff00000000ff == 0x120000000034\n"
				   "write arg1 != 0\nwrite arg1 == 0 and arg2 == 0\n"
				   "lseek arg0 != 5 and arg1 != 6 and arg2 & 1 == 1\nlseek arg0 & 0xf0f0f0f0f0f0f0f0 == 0x1010101010101010\n"
				   "fstat\ndeny fstat arg0 == 0x700000007\ndeny fstat int1 != 4 and int2 == 9\ndeny fstat arg3 & 6 != 2 and arg3 != 1 and int4 == 1\n"
				   "deny fstat arg5 & 0xff == 0x41\ndeny fstat arg5 & 0xff00000000 != 0 and int4 == 2\n"
				   "close\ndeny close\nabsent mmap\nmmap arg5 == 1\nabsent munmap\n#460\n#470 arg0 == 1\ndeny #471\n";
	char folder[] = "/tmp/heapward-list.XXXXXX", path[64];
	assert_non_null(mkdtemp(folder)); /* 0700: a list by path is judged as policy files are */
	snprintf(path, sizeof(path), "%s/my.list", folder);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(architectures); i++)
		probe_all(path, architectures[i]);
	unlink(path);
	rmdir(folder);
}

/* What must hold, whatever becomes of the lists. */
static void no_list_allows_what_owns_the_machine(void **state UNUSED)
{
	static const char *const never[] = {
		"io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
		"bpf", "perf_event_open", "userfaultfd", "mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen", "fsmount",
		"fsconfig", "fspick", "mount_setattr", "open_by_handle_at", "keyctl", "add_key", "request_key", "init_module",
		"finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "syslog",
		"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "kcmp", "lookup_dcookie",
	};
	for (size_t i = 0; i < ARRAY_LEN(names) * ARRAY_LEN(architectures); i++) {
		struct syscall_names known = filter_names_of(architectures[i / ARRAY_LEN(names)]);
		cleanup_free struct syscall_list *list = list_of(names[i % ARRAY_LEN(names)], known.architecture);
		for (size_t k = 0; k < ARRAY_LEN(never); k++) {
			int number = known.number(&known, never[k]);
			assert_true(number >= 0);
			if (syscall_list_allows(list, number))
				fail_msg("%s allows %s", names[i % ARRAY_LEN(names)], never[k]);
		}
	}
}

/* strict below server below compat: a program that lives in one lives in the next. */
static void each_list_allows_what_the_one_before_allows(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(architectures) * 2; i++) {
		uint32_t architecture = architectures[i / 2];
		cleanup_free struct syscall_list *small = list_of(names[i % 2], architecture);
		cleanup_free struct syscall_list *large = list_of(names[i % 2 + 1], architecture);
		size_t more = 0;
		for (int number = 0; number <= SYSCALL_NUMBER_MAX; number++) {
			assert_true(!syscall_list_allows(small, number) || syscall_list_allows(large, number));
			more += syscall_list_allows(large, number) && !syscall_list_allows(small, number);
		}
		assert_true(more > 5);
	}
}

/* The prologue's constant and the library's names must not drift apart: a call between them would be denied, not absent. */
static void the_newest_call_is_the_newest_that_the_library_knows(void **state UNUSED)
{
	char name[64];
	filter_call_name(filter_names().architecture, NEWEST, name, sizeof(name));
	assert_string_equal(name, "futex_requeue");
	filter_call_name(AUDIT_ARCH_I386, 21, name, sizeof(name));
	assert_string_equal(name, filter_names().architecture == AUDIT_ARCH_I386 ? "mount" : "32-bit mount");
	filter_call_name(filter_names().architecture, 4000, name, sizeof(name));
	assert_string_equal(name, "#4000");
}

/* What has a name is told by it: there is room for all, and three entries for the rest. */
static void every_call_with_a_name_has_room_to_be_told(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(architectures); i++) {
		size_t named = 0;
		for (int number = 0; number <= SYSCALL_NUMBER_MAX; number++) {
			char *name = seccomp_syscall_resolve_num_arch(architectures[i], number);
			named += name != NULL;
			free(name);
		}
		assert_true(named > 250 && named + 3 <= VIOLATION_CALLS_MAX);
	}
}

static void calls_are_sorted_by_what_they_are(void **state UNUSED)
{
	const uint32_t native = filter_names().architecture;
	assert_int_equal(filter_call_sort(native, 1), VIOLATION_NAMED);
	assert_int_equal(filter_call_sort(native, 4000), VIOLATION_NAMELESS);
	assert_int_equal(filter_call_sort(native, -2), VIOLATION_NAMELESS);
	assert_int_equal(filter_call_sort(AUDIT_ARCH_RISCV64, 1), VIOLATION_FOREIGN);
	if (native != AUDIT_ARCH_X86_64)
		return;
	char name[64];
	assert_int_equal(filter_call_sort(native, SYSCALL_X32 | 165), VIOLATION_X32);
	assert_string_equal(filter_call_name(native, SYSCALL_X32 | 165, name, sizeof(name)), "x32 mount");
}

/* A list that allows nothing is a filter, too: every call is told (heapward learn). */
static void an_empty_list_denies_everything(void **state UNUSED)
{
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct failure why;
	assert_int_equal(filter_build(list, AUDIT_ARCH_X86_64, SECCOMP_RET_USER_NOTIF, &bytes, &length, &why), 0);
	for (int number = 0; number <= NEWEST; number++) {
		struct seccomp_data data = { .nr = number, .arch = AUDIT_ARCH_X86_64 };
		assert_int_equal(run_filter((const struct sock_filter *)(void *)bytes, length / sizeof(struct sock_filter), &data),
				 SECCOMP_RET_USER_NOTIF);
	}
}

/* Nobody is asked of what is denied in silence; what is firm says so to who finds no listener. */
static void silent_and_firm_rules_have_answers_of_their_own(void **state UNUSED)
{
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct failure why;
	list->rules[0] = (struct syscall_rule){ .kind = SYSCALL_DENY, .name = "read", .number = 0, .silent = true };
	list->rules[1] = (struct syscall_rule){ .kind = SYSCALL_DENY, .name = "write", .number = 1, .firm = true };
	list->rules[2] = (struct syscall_rule){ .kind = SYSCALL_DENY, .name = "open", .number = 2 };
	list->rule_count = 3;
	const uint32_t wanted_answers[] = { SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_USER_NOTIF | LAUNCH_FILTER_FIRM, SECCOMP_RET_USER_NOTIF };
	assert_int_equal(filter_build(list, AUDIT_ARCH_X86_64, SECCOMP_RET_USER_NOTIF, &bytes, &length, &why), 0);
	for (int number = 0; number < 3; number++) {
		struct seccomp_data data = { .nr = number, .arch = AUDIT_ARCH_X86_64 };
		assert_int_equal(run_filter((const struct sock_filter *)(void *)bytes, length / sizeof(struct sock_filter), &data),
				 wanted_answers[number]);
	}
}

static void too_many_numbers_are_refused(void **state UNUSED)
{
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	struct failure why;
	for (int i = 0; i < 400; i++) {
		list->rules[list->rule_count].number = NEWEST + 1 + i;
		snprintf(list->rules[list->rule_count++].name, SYSCALL_NAME_MAX, "#%d", NEWEST + 1 + i);
	}
	assert_int_equal(filter_build(list, AUDIT_ARCH_X86_64, FILTER_DENIED, &bytes, &length, &why), -1);
	assert_contains(why.text, "too many rules that deny, or numbers above 456");
	for (list->rule_count = 0; list->rule_count < SYSCALL_RULES_MAX; list->rule_count++)
		list->rules[list->rule_count] = (struct syscall_rule){ .kind = SYSCALL_DENY, .name = "read", .number = 0 };
	assert_int_equal(filter_build(list, AUDIT_ARCH_X86_64, FILTER_DENIED, &bytes, &length, &why), -1);
	assert_contains(why.text, "too many rules that deny, or numbers above 456");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_list_decides_as_it_says_on_both_architectures),
		cmocka_unit_test(conditions_of_every_kind_decide_right),
		cmocka_unit_test(no_list_allows_what_owns_the_machine),
		cmocka_unit_test(each_list_allows_what_the_one_before_allows),
		cmocka_unit_test(the_newest_call_is_the_newest_that_the_library_knows),
		cmocka_unit_test(every_call_with_a_name_has_room_to_be_told),
		cmocka_unit_test(calls_are_sorted_by_what_they_are),
		cmocka_unit_test(an_empty_list_denies_everything),
		cmocka_unit_test(silent_and_firm_rules_have_answers_of_their_own),
		cmocka_unit_test(too_many_numbers_are_refused),
	};
	return cmocka_run_group_tests_name("syscall_filters", tests, NULL, NULL);
}
