/* SPDX-License-Identifier: Apache-2.0 */
/* calls ACT...: makes system calls that no server needs, with arguments that do no harm, and says what became of them: a call's
 * name and the errno. The acts: NAME, detached NAME (from a process in a session of its own), loop SECONDS (mount, as fast as it
 * goes; says how many), threads SECONDS (eight of them), steady (waits for a signal), i386, x32 (mount by another entry). */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	long number;
} calls[] = {
	{ "mount", SYS_mount }, { "ptrace", SYS_ptrace }, { "bpf", SYS_bpf }, { "keyctl", SYS_keyctl }, { "unshare", SYS_unshare },
	{ "io_uring_setup", SYS_io_uring_setup }, { "umount2", SYS_umount2 }, { "getppid", SYS_getppid }, { "newer", 1000 },
};

static void make(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		long result = syscall(calls[i].number, 11L, 12L, 0x7ffffffffff0L, 14L, 15L, 0L);
		printf("%s %s\n", name, result == -1 ? strerrorname_np(errno) : "passed");
		fflush(stdout);
		return;
	}
	exit(2);
}

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *loop(void *argument)
{
	double end = now_seconds() + *(const double *)argument;
	static __thread long count;
	for (; now_seconds() < end; count++)
		syscall(SYS_mount, 0L, 0L, 0L, 0L, 0L);
	return (void *)count;
}

static void loop_in_threads(int threads, double seconds)
{
	pthread_t ids[8];
	long count = 0;
	for (int i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, loop, &seconds) != 0)
			exit(3);
	for (int i = 0; i < threads; i++) {
		void *one;
		pthread_join(ids[i], &one);
		count += (long)one;
	}
	printf("loop %ld\n", count);
	fflush(stdout);
}

static void make_detached(const char *name)
{
	if (fork() == 0) {
		setsid();
		make(name);
		for (;;)
			pause();
	}
}

static void make_i386(void)
{
#ifdef __x86_64__
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(21L), "b"(0L), "c"(0L), "d"(0L) : "memory", "r8", "r9", "r10", "r11");
	printf("i386 %ld\n", result);
	fflush(stdout);
#endif
}

static void be_steady(void)
{
	puts("steady");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "steady") == 0)
			be_steady();
		else if (strcmp(argv[i], "loop") == 0 || strcmp(argv[i], "threads") == 0)
			loop_in_threads(argv[i][0] == 'l' ? 1 : 8, strtod(next, NULL)), i++;
		else if (strcmp(argv[i], "detached") == 0)
			make_detached(argv[++i]);
		else if (strcmp(argv[i], "i386") == 0)
			make_i386();
		else if (strcmp(argv[i], "x32") == 0)
			printf("x32 %s\n", syscall(0x40000000 + SYS_mount, 0, 0, 0, 0, 0) == -1 ? strerrorname_np(errno) : "passed");
		else
			make(argv[i]);
	}
	return 0;
}
