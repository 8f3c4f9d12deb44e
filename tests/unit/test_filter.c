/* SPDX-License-Identifier: Apache-2.0 */
/* test_filter: the "compat" list as the kernel sees it: each denied call fails with EPERM, those of other architectures with
 * ENOSYS, and what a server does every day passes. Every look is taken in a process of its own. */
#include "tests/unit/unit.h"

#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_on(void)
{
	cleanup_free unsigned char *bytes = NULL;
	struct sock_fprog program = { 0 };
	size_t length;
	struct failure why;
	if (filter_build(&bytes, &length, &why) < 0)
		_exit(100);
	program.len = (unsigned short)(length / sizeof(struct sock_filter));
	program.filter = (struct sock_filter *)(void *)bytes;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(101);
}

/* Runs `look` below the filter; its result, or -signal. */
static int below_filter(int (*look)(long argument), long argument)
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		put_on();
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

static void the_filter_is_whole_instructions_and_not_too_many(void **state UNUSED)
{
	cleanup_free unsigned char *bytes = NULL;
	size_t length = 0;
	struct failure why;
	assert_int_equal(filter_build(&bytes, &length, &why), 0);
	assert_true(length > 0 && length % sizeof(struct sock_filter) == 0);
	assert_true(length / sizeof(struct sock_filter) <= BPF_MAXINSNS);
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
		ROW(clock_settime), ROW(clock_adjtime), ROW(adjtimex), ROW(userfaultfd),
#ifdef __x86_64__
		ROW(lookup_dcookie), ROW(iopl), ROW(ioperm), ROW(kexec_file_load),
#endif
#undef ROW
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int error = below_filter(errno_of, rows[i].number);
		if (error != EPERM)
			fail_msg("%s: %d (%s)", rows[i].name, error, error > 0 ? strerror(error) : "killed");
	}
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
	if (epoll_create1(EPOLL_CLOEXEC) < 0 || memfd_create("heapward-test", MFD_CLOEXEC) < 0)
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
	/* clone3 is not denied: an argument of no size is EINVAL, never EPERM or ENOSYS. */
	return syscall(SYS_clone3, NULL, 0) == -1 && errno == EINVAL ? 0 : 8;
}

static void what_a_server_does_passes(void **state UNUSED)
{
	assert_int_equal(below_filter(work, 0), 0);
}

static int execute(long argument UNUSED)
{
	execl("/bin/sh", "sh", "-c", "test \"$(ls -d /proc)\" = /proc", (char *)NULL);
	return 1;
}

static void a_program_below_the_filter_can_start_others(void **state UNUSED)
{
	assert_int_equal(below_filter(execute, 0), 0);
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
		int error = below_filter(call_i386, i386[i]);
		assert_true(error == ENOSYS || error == -SIGSEGV);
	}
	assert_int_equal(below_filter(errno_of, X32_BIT | SYS_getpid), ENOSYS);
	assert_int_equal(below_filter(errno_of, X32_BIT | SYS_mount), ENOSYS);
	assert_int_equal(below_filter(errno_of, X32_BIT | 521 /* x32's ptrace */), ENOSYS);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_filter_is_whole_instructions_and_not_too_many),
		cmocka_unit_test(what_no_server_needs_is_denied),
		cmocka_unit_test(what_a_server_does_passes),
		cmocka_unit_test(a_program_below_the_filter_can_start_others),
#ifdef __x86_64__
		cmocka_unit_test(calls_of_other_architectures_do_not_walk_past_the_list),
#endif
	};
	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
