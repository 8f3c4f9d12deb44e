/* SPDX-License-Identifier: Apache-2.0 */
/* kernel: system calls that a server has no need of, and an intruder would like. See probe.h. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/kcmp.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <asm/ldt.h>
#include <sys/io.h>
#endif

extern char **environ;

ACT(trace_me)
{
	return tried(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

ACT(trace_child)
{
	return tried(ptrace(PTRACE_SEIZE, decoy(), NULL, NULL));
}

/* The same address in the child, which is a copy of ourselves. */
static int copy_memory(long call)
{
	static char here[] = "here", there[] = "there";
	struct iovec local = { here, 4 }, remote = { there, 4 };
	return tried(syscall(call, decoy(), &local, 1, &remote, 1, 0));
}

ACT(read_child)
{
	return copy_memory(SYS_process_vm_readv);
}

ACT(write_child)
{
	return copy_memory(SYS_process_vm_writev);
}

ACT(take_descriptor)
{
	int process = (int)syscall(SYS_pidfd_open, decoy(), 0);
	return process < 0 ? ABSENT : tried(syscall(SYS_pidfd_getfd, process, STDOUT_FILENO, 0));
}

ACT(compare_child)
{
	return tried(syscall(SYS_kcmp, getpid(), decoy(), KCMP_VM, 0, 0));
}

ACT(load_bpf)
{
	const struct bpf_insn program[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attributes = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2,
				      .insns = (uintptr_t)program, .license = (uintptr_t) "GPL" };
	return tried(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes)));
}

ACT(make_bpf_map)
{
	union bpf_attr attributes = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };
	return tried(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof(attributes)));
}

ACT(count_events)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attributes),
					      .config = PERF_COUNT_SW_TASK_CLOCK, .disabled = 1, .exclude_kernel = 1 };
	return tried(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

ACT(fault_handler)
{
	return tried(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

ACT(fault_device)
{
	const int new_one = 0xaa00; /* USERFAULTFD_IOC_NEW */
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	return fd < 0 ? errno : tried(ioctl(fd, new_one, O_CLOEXEC));
}

ACT(ring)
{
	unsigned char parameters[256] = { 0 };
	return tried(syscall(SYS_io_uring_setup, 1, parameters));
}

ACT(join_keyring)
{
	const int join_session_keyring = 1;
	return tried(syscall(SYS_keyctl, join_session_keyring, NULL, 0, 0, 0));
}

ACT(give_key)
{
	const int process_keyring = -2;
	return tried(syscall(SYS_add_key, "user", "heapward-probe", "x", 1, process_keyring));
}

ACT(ask_key)
{
	return tried_past(syscall(SYS_request_key, "user", "heapward-probe-none", NULL, 0), ENOKEY);
}

/* The right is asked for before these flags, which no kernel knows. */
ACT(load_kernel)
{
	return tried_past(syscall(SYS_kexec_load, 0L, 0L, NULL, 0x00ff00L), EINVAL);
}

ACT(load_kernel_file)
{
#ifdef SYS_kexec_file_load
	return tried_past(syscall(SYS_kexec_file_load, -1, -1, 0L, "", 0x00ff00L), EINVAL);
#else
	return ABSENT;
#endif
}

ACT(load_module)
{
	return tried_past(syscall(SYS_init_module, "no module", 9L, ""), ENOEXEC);
}

ACT(load_module_file)
{
	char path[64];
	int fd = own_file(path, sizeof(path));
	if (fd < 0 || write(fd, "no module", 9) != 9)
		return ABSENT;
	return tried_past(syscall(SYS_finit_module, fd, "", 0), ENOEXEC);
}

ACT(unload_module)
{
	return tried_past(syscall(SYS_delete_module, "heapward_probe_none", O_NONBLOCK), ENOENT);
}

/* No magic numbers: refused after the right was found. */
ACT(restart_machine)
{
	return tried_past(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);
}

static int swap_a_file(long call)
{
	char path[64];
	int fd = own_file(path, sizeof(path));
	return fd < 0 ? ABSENT : tried_past(syscall(call, path, 0), EINVAL);
}

ACT(swap_on)
{
	return swap_a_file(SYS_swapon);
}

ACT(swap_off)
{
	return swap_a_file(SYS_swapoff);
}

ACT(account)
{
	return tried_past(acct("/nonexistent/heapward-probe"), ENOENT);
}

/* Somebody else's quota on the root's device; where there are none, that is found out later. */
ACT(quota)
{
	unsigned char answer[256];
	const char *const devices[] = { "/dev/vda", "/dev/sda", "/dev/root", "/dev/nvme0n1p1" };
	for (size_t i = 0; i < ARRAY_LEN(devices); i++)
		if (access(devices[i], F_OK) == 0)
			return tried_past(syscall(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), devices[i], 1, answer), ESRCH);
	return tried_past(syscall(SYS_quotactl, QCMD(Q_GETQUOTA, USRQUOTA), "/nonexistent", 1, answer), ESRCH);
}

ACT(kernel_log)
{
	char lines[256];
	const int read_all = 3;
	return tried(syscall(SYS_syslog, read_all, lines, (int)sizeof(lines)));
}

ACT(set_time)
{
	return tried(syscall(SYS_settimeofday, NULL, NULL));
}

ACT(set_clock)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return tried(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}

/* The tick that it has. */
ACT(adjust_clock)
{
	struct timex adjustment = { 0 };
	if (syscall(SYS_clock_adjtime, CLOCK_REALTIME, &adjustment) < 0)
		return errno;
	adjustment.modes = ADJ_TICK;
	return tried(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &adjustment));
}

ACT(adjust_time)
{
	struct timex adjustment = { 0 };
	if (syscall(SYS_adjtimex, &adjustment) < 0)
		return errno;
	adjustment.modes = ADJ_TICK;
	return tried(syscall(SYS_adjtimex, &adjustment));
}

ACT(host_name)
{
	struct utsname about;
	uname(&about);
	return tried(sethostname(about.nodename, strlen(about.nodename)));
}

ACT(domain_name)
{
	struct utsname about;
	uname(&about);
	return tried(setdomainname(about.domainname, strlen(about.domainname)));
}

ACT(all_ports)
{
#ifdef __x86_64__
	return tried(iopl(3));
#else
	return ABSENT;
#endif
}

ACT(one_port)
{
#ifdef __x86_64__
	return tried(ioperm(0x80, 1, 1));
#else
	return ABSENT;
#endif
}

/* A 16-bit code segment: what has broken kernels. */
ACT(local_table)
{
#ifdef __x86_64__
	struct user_desc segment = { .limit = 0xffff, .contents = MODIFY_LDT_CONTENTS_CODE };
	return tried(syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)));
#else
	return ABSENT;
#endif
}

ACT(persona)
{
	return tried(personality((unsigned long)number));
}

ACT(hang_up)
{
	return tried(vhangup());
}

ACT(watch_all)
{
	return tried(fanotify_init((unsigned)number | FAN_CLOEXEC, O_RDONLY));
}

static bool copy_to(int from, int to)
{
	char bytes[65536];
	for (ssize_t count; (count = read(from, bytes, sizeof(bytes))) != 0;)
		if (count < 0 || write(to, bytes, (size_t)count) != count)
			return false;
	return true;
}

/* A program that no file system holds, such as one that came over the network. */
ACT(memory_program)
{
	char *const words[] = { (char *)(uintptr_t) "true", NULL };
	int program = open("/bin/true", O_RDONLY | O_CLOEXEC), fd = memfd_create("probe", MFD_CLOEXEC);
	if (fd < 0)
		return errno;
	if (program < 0 || !copy_to(program, fd))
		return ABSENT;
	return tried(fexecve(fd, words, environ));
}

/* getpid by the 32-bit entry, where it has another number. */
ACT(old_entry)
{
#ifdef __x86_64__
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory", "r8", "r9", "r10", "r11");
	return result == getpid() ? THROUGH : (int)-result;
#else
	return ABSENT;
#endif
}

ACT(x32_entry)
{
#ifdef __x86_64__
	return tried(syscall(0x40000000L | SYS_getpid));
#else
	return ABSENT;
#endif
}
