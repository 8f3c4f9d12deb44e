/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the first list, "compat": everything is allowed but the handful of calls that no server needs and that an
 * attacker inside one would want. Made by libseccomp, handed to the child as raw BPF. */
#include "supervisor/edge/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* clone3 is not in the list, so that it needs no ENOSYS either: glibc and V8 use it as they like. */
static const char *const denied[] = {
	/* other processes' memory and registers */
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	/* programs inside the kernel, and its performance counters */
	"bpf", "perf_event_open", "lookup_dcookie",
	/* the tree of mounts; file handles open past every directory's permissions */
	"mount", "umount2", "pivot_root", "open_by_handle_at", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount",
	"open_tree", "mount_setattr",
	/* the kernel's keys */
	"keyctl", "add_key", "request_key",
	/* the kernel itself: modules, another kernel, reboot, swap, accounting, log, clock */
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"acct", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm",
	/* page faults handled by a program: a favourite of kernel exploits */
	"userfaultfd",
};

static int add_rules(scmp_filter_ctx context, struct failure *why)
{
	for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
		/* The library accepts any number in silence; a name that it does not know must not pass unseen. */
		int number = seccomp_syscall_resolve_name(denied[i]);
		if (number == __NR_SCMP_ERROR)
			return failed(why, 0, "system call %s is unknown to libseccomp", denied[i]);
		int result = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), number, 0);
		if (result < 0)
			return failed(why, -result, "rule for %s", denied[i]);
	}
	return 0;
}

static int export(scmp_filter_ctx context, unsigned char **ret, size_t *ret_bytes, struct failure *why)
{
	struct stat stat;
	cleanup_fd int fd = memfd_create("heapward-filter", MFD_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "memfd_create");
	int result = seccomp_export_bpf(context, fd);
	if (result < 0)
		return failed(why, -result, "export");
	if (fstat(fd, &stat) < 0 || stat.st_size <= 0)
		return failed(why, errno, "export: nothing came out");
	cleanup_free unsigned char *bytes = malloc((size_t)stat.st_size);
	if (bytes == NULL || pread(fd, bytes, (size_t)stat.st_size, 0) != stat.st_size)
		return failed(why, bytes == NULL ? ENOMEM : errno, "read the exported filter");
	*ret = TAKE_POINTER(bytes);
	*ret_bytes = (size_t)stat.st_size;
	return 0;
}

static int build(scmp_filter_ctx context, unsigned char **ret, size_t *ret_bytes, struct failure *why)
{
	/* i386 and x32 calls have other numbers and would walk past the list. */
	int result = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));
	if (result == 0)
		result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result < 0)
		return failed(why, -result, "attributes");
	if (add_rules(context, why) < 0)
		return -1;
	return export(context, ret, ret_bytes, why);
}

int filter_build(unsigned char **ret, size_t *ret_bytes, struct failure *why)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	if (context == NULL)
		return failed(why, ENOMEM, "system-call filter");
	int result = build(context, ret, ret_bytes, why);
	seccomp_release(context);
	return result < 0 ? failed_in(why, "system-call filter") : 0;
}
