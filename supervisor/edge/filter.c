/* SPDX-License-Identifier: Apache-2.0 */
/* filter: see filter.h. libseccomp decides by number and by one equal argument, as it does without a fault (2.5.4 has them in
 * ordered comparisons and in rules on two arguments); the rest is core/syscall_prologue.c. */
#include "supervisor/edge/filter.h"

#include "base/memory_file.h"
#include "supervisor/core/syscall_prologue.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* libseccomp will not take USER_NOTIF as what it does by default, nor let a rule do the same as that: so the default is an
 * errno that no kernel knows, and becomes what it stands for once the program is made. */
#define DENIED_MARK (SECCOMP_RET_ERRNO | 0xffe)

static int number_of(const struct syscall_names *names, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(names->architecture, name);
	if (number == __NR_SCMP_ERROR)
		return SYSCALL_UNKNOWN;
	return number < 0 ? SYSCALL_ELSEWHERE : number;
}

static void offer_all(const struct syscall_names *names, struct suggest *suggest)
{
	for (int number = 0; number <= SYSCALL_NUMBER_MAX / 4; number++) {
		cleanup_free char *name = seccomp_syscall_resolve_num_arch(names->architecture, number);
		if (name != NULL)
			suggest_offer(suggest, name, strlen(name));
	}
}

struct syscall_names filter_names_of(uint32_t architecture)
{
	return (struct syscall_names){ .number = number_of, .offer = offer_all, .architecture = architecture };
}

struct syscall_names filter_names(void)
{
	return filter_names_of(seccomp_arch_native());
}

static bool is_x32(uint32_t architecture, int number)
{
	return architecture == AUDIT_ARCH_X86_64 && number >= SYSCALL_X32;
}

const char *filter_call_name(uint32_t architecture, int number, char *buffer, size_t size)
{
	bool foreign = architecture != seccomp_arch_native(), x32 = is_x32(architecture, number);
	cleanup_free char *name = seccomp_syscall_resolve_num_arch(x32 ? SCMP_ARCH_X32 : architecture, number);
	const char *which = x32 ? "x32 " : !foreign ? "" : (architecture & __AUDIT_ARCH_64BIT) == 0 ? "32-bit " : "foreign ";
	if (name != NULL)
		snprintf(buffer, size, "%s%s", which, name);
	else
		snprintf(buffer, size, "%s#%d", which, number);
	return buffer;
}

enum violation_sort filter_call_sort(uint32_t architecture, int number)
{
	if (architecture != seccomp_arch_native())
		return VIOLATION_FOREIGN;
	if (is_x32(architecture, number))
		return VIOLATION_X32;
	cleanup_free char *name = seccomp_syscall_resolve_num_arch(architecture, number);
	return name == NULL ? VIOLATION_NAMELESS : VIOLATION_NAMED;
}

/* The library takes this machine's numbers, and makes those of another architecture of them, by name. */
static int library_number(const struct syscall_rule *rule, uint32_t architecture)
{
	bool has_name = rule->name[0] != '#' && rule->name[0] != '\0';
	return has_name && architecture != seccomp_arch_native() ? seccomp_syscall_resolve_name(rule->name) : rule->number;
}

static int add_allow(scmp_filter_ctx context, const struct syscall_rule *rule, uint32_t architecture)
{
	struct scmp_arg_cmp compares[SYSCALL_ARGUMENTS];
	for (size_t i = 0; i < rule->condition_count; i++) {
		const struct syscall_condition *condition = &rule->conditions[i];
		bool whole = condition->mask == UINT64_MAX;
		compares[i] = (struct scmp_arg_cmp){
			.arg = condition->argument,
			.op = !whole ? SCMP_CMP_MASKED_EQ : condition->differs ? SCMP_CMP_NE : SCMP_CMP_EQ,
			.datum_a = whole ? condition->value : condition->mask,
			.datum_b = whole ? 0 : condition->value,
		};
	}
	return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, library_number(rule, architecture),
				      (unsigned)rule->condition_count, compares);
}

/* Without conditions it is simply allowed to nobody. */
static bool is_denied(const struct syscall_list *list, int number)
{
	for (size_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].kind == SYSCALL_DENY && list->rules[i].number == number && list->rules[i].condition_count == 0)
			return true;
	return false;
}

static int add_rules(scmp_filter_ctx context, const struct syscall_list *list, uint32_t architecture, struct failure *why)
{
	for (size_t i = 0; i < list->rule_count; i++) {
		const struct syscall_rule *rule = &list->rules[i];
		int result = 0;
		if (is_denied(list, rule->number) || syscall_prologue_has(list, rule))
			continue;
		if (rule->kind == SYSCALL_ALLOW)
			result = add_allow(context, rule, architecture);
		else if (rule->kind == SYSCALL_ABSENT && !syscall_list_allows(list, rule->number))
			result = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), library_number(rule, architecture), 0);
		if (result < 0 && result != -EEXIST)
			return failed(why, -result, "rule for %s", rule->name);
	}
	return 0;
}

static int export(scmp_filter_ctx context, struct sock_filter **ret, size_t *ret_count, struct failure *why)
{
	struct stat stat;
	cleanup_fd int fd = memory_file("heapward-filter");
	if (fd < 0)
		return failed(why, errno, "memfd_create");
	int result = seccomp_export_bpf(context, fd);
	if (result < 0)
		return failed(why, -result, "export");
	if (fstat(fd, &stat) < 0 || stat.st_size <= 0)
		return failed(why, errno, "export: nothing came out");
	cleanup_free struct sock_filter *code = malloc((size_t)stat.st_size);
	if (code == NULL || pread(fd, code, (size_t)stat.st_size, 0) != stat.st_size)
		return failed(why, code == NULL ? ENOMEM : errno, "read the exported filter");
	*ret = TAKE_POINTER(code);
	*ret_count = (size_t)stat.st_size / sizeof(struct sock_filter);
	return 0;
}

static int set_up(scmp_filter_ctx context, uint32_t architecture, struct failure *why)
{
	/* Of the other architectures of the same machine (i386, x32): they have other numbers, so they are closed. */
	int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, DENIED_MARK);
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0 && architecture != seccomp_arch_native()) {
		result = seccomp_arch_add(context, architecture);
		result = result == 0 ? seccomp_arch_remove(context, seccomp_arch_native()) : result;
	}
	return result < 0 ? failed(why, -result, "architecture and attributes") : 0;
}

static int make(scmp_filter_ctx context, const struct syscall_list *list, uint32_t architecture, struct sock_filter **ret,
		size_t *ret_count, struct failure *why)
{
	if (set_up(context, architecture, why) < 0 || add_rules(context, list, architecture, why) < 0)
		return -1;
	return export(context, ret, ret_count, why);
}

/* The prologue, then libseccomp's program with what the mark stands for. */
static int join(const struct syscall_list *list, uint32_t architecture, uint32_t denied, const struct sock_filter *code,
		size_t count, unsigned char **ret, size_t *ret_bytes, struct failure *why)
{
	cleanup_free struct sock_filter *whole = calloc(SYSCALL_PROLOGUE_MAX + count, sizeof(*whole));
	if (whole == NULL)
		return failed(why, ENOMEM, "memory");
	int first = syscall_prologue(list, architecture, denied, whole, why);
	if (first < 0)
		return -1;
	if ((size_t)first + count > BPF_MAXINSNS)
		return failed(why, 0, "%zu instructions; the kernel takes %d", (size_t)first + count, BPF_MAXINSNS);
	memcpy(whole + first, code, count * sizeof(*code));
	for (size_t i = (size_t)first; i < (size_t)first + count; i++)
		if (whole[i].code == (BPF_RET | BPF_K) && whole[i].k == DENIED_MARK)
			whole[i].k = denied;
	*ret = (unsigned char *)TAKE_POINTER(whole);
	*ret_bytes = ((size_t)first + count) * sizeof(struct sock_filter);
	return 0;
}

int filter_build(const struct syscall_list *list, uint32_t architecture, uint32_t denied, unsigned char **ret,
		 size_t *ret_bytes, struct failure *why)
{
	cleanup_free struct sock_filter *code = NULL;
	size_t count = 0;
	scmp_filter_ctx context = seccomp_init(DENIED_MARK);
	if (context == NULL)
		return failed(why, ENOMEM, "system-call filter");
	int result = make(context, list, architecture, &code, &count, why);
	seccomp_release(context);
	if (result < 0 || join(list, architecture, denied, code, count, ret, ret_bytes, why) < 0)
		return failed_in(why, "system-call filter");
	return 0;
}
