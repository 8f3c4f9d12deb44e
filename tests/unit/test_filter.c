/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter: the shipped lists as the kernel sees them: what is denied fails with EPERM, what is absent, newer or of another
 * architecture as if the kernel did not have it, and what a server does every day passes. Every look is taken in a process
 * of its own. */
#include "tests/unit/filter_unit.h"

#include "supervisor/edge/spawn.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
#define NATIVE AUDIT_ARCH_X86_64
#else
#define NATIVE AUDIT_ARCH_AARCH64
#endif

#define NOEXEC_SEAL 0x8u /* MFD_NOEXEC_SEAL, of newer headers */

static const char *const lists[] = { "strict", "server", "compat" };

static void put_on(unsigned char *bytes, size_t length)
{
	struct sock_fprog program = { .len = (unsigned short)(length / sizeof(struct sock_filter)),
				      .filter = (struct sock_filter *)(void *)bytes };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(101);
}

/* Runs `look` below the filter; its result, or -signal. */
static int below_filter(const char *list, int (*look)(long argument), long argument)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length;
	int status;
	filter_of(list, NATIVE, FILTER_DENIED, &bytes, &length);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		put_on(bytes, length);
		_exit(look(argument));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* With arguments that do no harm where the filter has a hole. */
static int errno_of(long number)
{
	return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 ? errno : 0;
}

static void what_no_server_needs_is_denied(void **state UNUSED)
{
	static const struct {
		const char *name;
		long number;
	} rows[] = {
#define ROW(call) { #call, SYS_##call }
		ROW(ptrace), ROW(process_vm_readv), ROW(process_vm_writev), ROW(pidfd_getfd), ROW(kcmp), ROW(bpf),
		ROW(perf_event_open), ROW(mount), ROW(umount2), ROW(pivot_root), ROW(open_by_handle_at), ROW(fsopen),
		ROW(fsconfig), ROW(fsmount), ROW(fspick), ROW(move_mount), ROW(open_tree), ROW(mount_setattr),
		ROW(keyctl), ROW(add_key), ROW(request_key), ROW(init_module), ROW(finit_module), ROW(delete_module),
		ROW(kexec_load), ROW(reboot), ROW(swapon), ROW(swapoff), ROW(acct), ROW(syslog), ROW(settimeofday),
		ROW(clock_settime), ROW(clock_adjtime), ROW(adjtimex), ROW(userfaultfd), ROW(open_tree),
#ifdef __x86_64__
		ROW(lookup_dcookie), ROW(iopl), ROW(ioperm), ROW(kexec_file_load),
#endif
#undef ROW
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(lists); i++) {
		const char *list = lists[i % ARRAY_LEN(lists)], *name = rows[i / ARRAY_LEN(lists)].name;
		int error = below_filter(list, errno_of, rows[i / ARRAY_LEN(lists)].number);
		if (error != EPERM)
			fail_msg("%s: %s: %d (%s)", list, name, error, error > 0 ? strerror(error) : "killed");
	}
}

/* io_uring is absent everywhere; nobody knows what a newer call would do. */
static void what_is_absent_or_newer_is_no_call_of_this_kernel(void **state UNUSED)
{
	static const long numbers[] = { SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, 457, 458, 463, 500, 1000,
					0x3fffffff };
	for (size_t i = 0; i < ARRAY_LEN(numbers) * ARRAY_LEN(lists); i++) {
		int error = below_filter(lists[i % ARRAY_LEN(lists)], errno_of, numbers[i / ARRAY_LEN(lists)]);
		if (error != ENOSYS)
			fail_msg("%s: %ld: %d", lists[i % ARRAY_LEN(lists)], numbers[i / ARRAY_LEN(lists)], error);
	}
}

static int unshare_user(long argument UNUSED)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int clone_user(long argument UNUSED)
{
	int status;
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : waitpid((pid_t)pid, &status, 0) == pid ? 0 : 99;
}

static int join_own_namespace(long argument UNUSED)
{
	cleanup_fd int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	return setns(fd, 0) < 0 ? errno : 0;
}

static int clone_by_struct(long argument UNUSED)
{
	return errno_of(SYS_clone3);
}

/* Headless browsers make their own sandbox of namespaces. */
static void namespaces_are_for_compat_alone(void **state UNUSED)
{
	int (*const looks[])(long) = { unshare_user, clone_user, join_own_namespace };
	for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
		assert_int_equal(below_filter("strict", looks[i], 0), EPERM);
		assert_int_equal(below_filter("server", looks[i], 0), EPERM);
		assert_int_equal(below_filter("compat", looks[i], 0), 0);
	}
	/* What cannot be looked into is not there, so that libc and V8 take clone. */
	assert_int_equal(below_filter("strict", clone_by_struct, 0), ENOSYS);
	assert_int_equal(below_filter("server", clone_by_struct, 0), ENOSYS);
	assert_int_not_equal(below_filter("compat", clone_by_struct, 0), ENOSYS);
}

static int make_socket(long family)
{
	int fd = (int)syscall(SYS_socket, family, (long)SOCK_DGRAM, 0L);
	return fd < 0 ? errno : 0;
}

static int netlink_of_kobjects(long argument UNUSED)
{
	return socket(AF_NETLINK, SOCK_RAW, 15) < 0 ? errno : 0;
}

static int ioctl_of(long request)
{
	return syscall(SYS_ioctl, -1L, request, 0L) < 0 ? errno : 0;
}

static int personality_of(long value)
{
	return syscall(SYS_personality, value) < 0 ? errno : 0;
}

static int write_nowhere(long high)
{
	return syscall(SYS_write, (long)((uint64_t)high << 32 | 0xffffffffu), "x", 1L) < 0 ? errno : 0;
}

/* The kernel reads an int's low 32 bits: what stands above them must not lead past a condition. */
static void arguments_decide(void **state UNUSED)
{
	static const long high = INT64_C(0x100000000);
	const struct {
		const char *list;
		int (*look)(long);
		long argument;
		int error;
	} rows[] = {
		{ "server", make_socket, AF_UNIX, 0 }, { "server", make_socket, AF_INET, 0 }, { "server", make_socket, AF_NETLINK, 0 },
		{ "server", make_socket, AF_UNIX + high, 0 }, { "server", make_socket, AF_ALG, EPERM },
		{ "server", make_socket, AF_PACKET, EPERM }, { "server", make_socket, AF_PACKET + high, EPERM },
		{ "server", netlink_of_kobjects, 0, EPERM }, { "strict", make_socket, AF_VSOCK, EPERM },
		{ "strict", ioctl_of, FIONREAD, EBADF }, { "strict", ioctl_of, FIONREAD + high, EBADF },
		{ "strict", ioctl_of, 0x1234, EPERM }, { "server", ioctl_of, 0x1234, EBADF },
		{ "server", ioctl_of, TIOCSTI, EPERM }, { "server", ioctl_of, TIOCSTI + high, EPERM },
		{ "server", ioctl_of, TIOCSTI + 5 * high, EPERM }, { "compat", ioctl_of, TIOCLINUX, EPERM },
		{ "server", personality_of, 0xffffffff, 0 }, { "server", personality_of, -1, 0 },
		{ "server", personality_of, ADDR_NO_RANDOMIZE, EPERM }, { "compat", personality_of, ADDR_NO_RANDOMIZE, 0 },
		{ "strict", personality_of, 0, EPERM }, { "strict", write_nowhere, 0, EBADF },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int error = below_filter(rows[i].list, rows[i].look, rows[i].argument);
		if (error != rows[i].error)
			fail_msg("row %zu, %s, %#lx: %d, not %d", i, rows[i].list, rows[i].argument, error, rows[i].error);
	}
}

static int made_with(long mode)
{
	char path[] = "/tmp/heapward-mode.XXXXXX";
	close(mkstemp(path));
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode), error = errno;
	unlink(path);
	return fd < 0 ? error : 0;
}

static int changed_to(long mode)
{
	return syscall(SYS_fchmod, -1L, mode) < 0 ? errno : 0;
}

/* What the third argument is where no file is made is nobody's business. */
static int opened_with(long mode)
{
	return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, mode) < 0 ? errno : 0;
}

static int memory_file(long flags)
{
	return syscall(SYS_memfd_create, "heapward-test", flags | MFD_CLOEXEC) < 0 ? errno : 0;
}

static int limits_of(long pid)
{
	struct rlimit limit;
	if (syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &limit) < 0)
		return 100;
	return syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, NULL) < 0 ? errno : 0;
}

static int priority_of(long which)
{
	return syscall(SYS_setpriority, which, 0L, 19L) < 0 ? errno : 0;
}

static int disk_priority_of(long which)
{
	return syscall(SYS_ioprio_set, which, 0L, 2L << 13 | 7) < 0 ? errno : 0;
}

/* Before Linux 6.3 there is no such flag: then the filter lets it pass and the kernel refuses it. */
static int sealed_by_the_kernel(void)
{
	cleanup_fd int fd = memfd_create("heapward-test", MFD_CLOEXEC | NOEXEC_SEAL);
	return fd < 0 ? errno : 0;
}

/* An intruder's programs in memory, set-user-ID bits, and other processes of its user: for compat alone. */
static void a_server_makes_no_program_for_others(void **state UNUSED)
{
	const int sealed = sealed_by_the_kernel();
	const struct {
		int (*look)(long);
		long argument;
		int strict, server, compat;
	} rows[] = {
		{ made_with, 0644, 0, 0, 0 }, { made_with, 01777, 0, 0, 0 }, { made_with, 04755, EPERM, EPERM, 0 },
		{ made_with, 02755, EPERM, EPERM, 0 }, { opened_with, 06777, 0, 0, 0 }, { changed_to, 0777, EBADF, EBADF, EBADF },
		{ changed_to, 04755, EPERM, EPERM, EBADF }, { changed_to, 02755, EPERM, EPERM, EBADF },
		{ changed_to, (04000 | INT64_C(1) << 40), EPERM, EPERM, EBADF }, { memory_file, NOEXEC_SEAL, sealed, sealed, sealed },
		{ memory_file, 0, EPERM, EPERM, 0 }, { limits_of, 0, 0, 0, 0 }, { limits_of, getpid(), EPERM, EPERM, 0 },
		{ priority_of, PRIO_PROCESS, 0, 0, 0 }, { priority_of, PRIO_PGRP, 0, 0, 0 }, { disk_priority_of, 1, EPERM, 0, 0 },
		{ disk_priority_of, 2, EPERM, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int wanted[] = { rows[i].strict, rows[i].server, rows[i].compat };
		for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
			int error = below_filter(lists[k], rows[i].look, rows[i].argument);
			if (error != wanted[k])
				fail_msg("row %zu, %s: %d, not %d", i, lists[k], error, wanted[k]);
		}
	}
	assert_int_equal(below_filter("server", priority_of, PRIO_USER), EPERM);
	assert_int_equal(below_filter("server", disk_priority_of, 3), EPERM);
}

/* What libc, V8 and libuv do all day; 0, or the line of the first that failed. */
static int work(long argument UNUSED)
{
	char bytes[8];
	int status, ends[2];
	cleanup_fd int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, bytes, sizeof(bytes)) != sizeof(bytes))
		return 1;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 || munmap(page, 4096) < 0)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || write(ends[0], "x", 1) != 1 || read(ends[1], bytes, 1) != 1)
		return 3;
	if (epoll_create1(EPOLL_CLOEXEC) < 0 || (sealed_by_the_kernel() != 0 && errno != EINVAL))
		return 4;
	if (syscall(SYS_getrandom, bytes, sizeof(bytes), 0) != sizeof(bytes))
		return 5;
	pid_t pid = fork();
	if (pid == 0)
		_exit(9);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 9)
		return 6;
	if (kill(getpid(), 0) < 0 || prctl(PR_SET_NAME, "worker") < 0)
		return 7;
	return getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : 8;
}

static void what_a_server_does_passes(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		assert_int_equal(below_filter(lists[i], work, 0), 0);
}

static int execute(long argument UNUSED)
{
	execl("/bin/sh", "sh", "-c", "test \"$(ls -d /proc)\" = /proc", (char *)NULL);
	return 1;
}

static void a_program_below_the_filter_can_start_others(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		assert_int_equal(below_filter(lists[i], execute, 0), 0);
}

#ifdef __x86_64__

#define X32_BIT 0x40000000L

static int call_i386(long number)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0L), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
	return result < 0 && result > -4096 ? (int)-result : 0;
}

/* A kernel without i386 calls ends the process itself. */
static void calls_of_other_architectures_do_not_walk_past_the_list(void **state UNUSED)
{
	static const long i386[] = { 20 /* getpid */, 26 /* ptrace */, 21 /* mount */ };
	for (size_t i = 0; i < ARRAY_LEN(i386); i++) {
		int error = below_filter(lists[i], call_i386, i386[i]);
		assert_true(error == EPERM || error == -SIGSEGV);
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		assert_int_equal(below_filter(lists[i], errno_of, X32_BIT | SYS_getpid), EPERM);
		assert_int_equal(below_filter(lists[i], errno_of, X32_BIT | SYS_mount), EPERM);
		assert_int_equal(below_filter(lists[i], errno_of, X32_BIT | 521 /* x32's ptrace */), EPERM);
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_server_needs_is_denied),
		cmocka_unit_test(what_is_absent_or_newer_is_no_call_of_this_kernel),
		cmocka_unit_test(namespaces_are_for_compat_alone),
		cmocka_unit_test(arguments_decide),
		cmocka_unit_test(a_server_makes_no_program_for_others),
		cmocka_unit_test(what_a_server_does_passes),
		cmocka_unit_test(a_program_below_the_filter_can_start_others),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_other_architectures_do_not_walk_past_the_list),
#endif
	};
	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
