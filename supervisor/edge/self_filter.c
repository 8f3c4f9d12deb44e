/* SPDX-License-Identifier: Apache-2.0 */
/* self_filter: the supervisor's own system-call filter. Its children inherit it, and it cannot be taken back; so it denies
 * only what the worker's list does not allow, and answers with SECCOMP_RET_TRACE: without a tracer the call fails with ENOSYS, but
 * every other answer of a worker's filter goes before it (the kernel takes the strictest, and TRACE is the mildest
 * that still denies): the worker's errno, its notification and its kill stay what they are. */
#include "supervisor/edge/self.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_BY_PTRACE /* the leak sanitizer looks at its own process by ptrace */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_BY_PTRACE
#endif
#endif

static const char *const denied[] = {
#ifndef LEAKS_BY_PTRACE
	"ptrace",
#endif
	"process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"bpf", "perf_event_open", "lookup_dcookie", "open_by_handle_at",
	"keyctl", "add_key", "request_key",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"acct", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm",
	"userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
};

_Static_assert(ARRAY_LEN(denied) <= 64, "a bit for each");

const char *self_filter_call(size_t index)
{
	return index < ARRAY_LEN(denied) ? denied[index] : NULL;
}

int self_filter_number(size_t index)
{
	return seccomp_syscall_resolve_name(denied[index]);
}

static int add_rules(scmp_filter_ctx context, uint64_t calls, struct failure *why)
{
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		if ((calls >> i & 1) == 0)
			continue;
		int number = self_filter_number(i);
		if (number == __NR_SCMP_ERROR)
			return failed(why, 0, "system call %s is unknown to libseccomp", denied[i]);
		int result = seccomp_rule_add(context, SCMP_ACT_TRACE(0), number, 0);
		if (result < 0)
			return failed(why, -result, "rule for %s", denied[i]);
	}
	return 0;
}

/* The kernel takes a filter of who has CAP_SYS_ADMIN, or no_new_privs. */
static bool needs_no_new_privs(void)
{
	struct self self;
	self_look(&self);
	return !self.no_new_privs && (self.effective >> CAP_SYS_ADMIN & 1) == 0;
}

static int load(scmp_filter_ctx context, uint64_t calls, bool no_new_privs, struct failure *why)
{
	int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRACE(0));
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, no_new_privs);
	if (result < 0)
		return failed(why, -result, "attributes");
	if (add_rules(context, calls, why) < 0)
		return -1;
	result = seccomp_load(context);
	return result < 0 ? failed(why, -result, "load") : 0;
}

int self_filter_load(uint64_t calls, bool no_new_privs, struct failure *why)
{
	bool needed = needs_no_new_privs();
	if (needed && !no_new_privs)
		return failed(why, 0, "neither CAP_SYS_ADMIN nor no_new_privs");
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	if (context == NULL)
		return failed(why, ENOMEM, "filter");
	int result = load(context, calls, needed, why);
	seccomp_release(context);
	return result;
}
