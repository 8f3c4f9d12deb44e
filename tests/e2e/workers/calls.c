/* SPDX-License-Identifier: Apache-2.0 */
/* calls ACT...: makes system calls that no server needs, with arguments that do no harm, and says what became of them: a call's
 * name and the errno. The acts: NAME, detached NAME (from a process in a session of its own), loop SECONDS (mount, as fast as it
 * goes; says how many), threads SECONDS (eight of them), steady (waits for a signal), i386, x32 (mount by another entry), x32-all, trace-me,
 * kill PID, peer (a signal to who made the door of heap records, by SO_PEERPIDFD), owner PID SIGNAL (has the kernel signal it for a
 * descriptor, in each way to name it), lease (on its own program). PID: "parent", or a number. */
#include <asm/sockios.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
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

static void say(const char *what, long result)
{
	printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "passed");
	fflush(stdout);
}

static pid_t pid_of(const char *word)
{
	return strcmp(word, "parent") == 0 ? getppid() : (pid_t)strtol(word, NULL, 10);
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define DOOR_FD 201

static void signal_peer(void)
{
	int fd = -1;
	socklen_t length = sizeof(fd);
	if (getsockopt(DOOR_FD, SOL_SOCKET, SO_PEERPIDFD, &fd, &length) < 0)
		puts("peer none"); /* a kernel without it */
	else
		say("peer", syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0));
}

static void signal_as_owner(pid_t pid, int signal)
{
	const struct f_owner_ex owner = { .type = F_OWNER_PID, .pid = pid };
	for (int way = 0; way < 4; way++) {
		int ends[2];
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
			exit(3);
		if (signal != 0)
			say("signal", fcntl(ends[0], F_SETSIG, signal));
		say("owner", way == 0 ? fcntl(ends[0], F_SETOWN, pid) : way == 1 ? fcntl(ends[0], F_SETOWN_EX, &owner) :
			     way == 2 ? ioctl(ends[0], FIOSETOWN, &pid) : ioctl(ends[0], SIOCSPGRP, &pid));
		(void)fcntl(ends[0], F_SETFL, O_ASYNC);
		(void)!write(ends[1], "x", 1);
	}
}

static void take_lease(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	say("lease", fd < 0 ? -1 : fcntl(fd, F_SETLEASE, F_RDLCK));
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
		else if (strcmp(argv[i], "x32-all") == 0)
			for (long number = 0; number < 500; number++)
				(void)syscall(0x40000000 + number, 0, 0, 0, 0, 0);
		else if (strcmp(argv[i], "trace-me") == 0)
			say("trace-me", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		else if (strcmp(argv[i], "kill") == 0)
			say("kill", kill(pid_of(argv[++i]), SIGKILL));
		else if (strcmp(argv[i], "lease") == 0)
			take_lease();
		else if (strcmp(argv[i], "peer") == 0)
			signal_peer();
		else if (strcmp(argv[i], "owner") == 0)
			signal_as_owner(pid_of(next), i + 2 < argc ? (int)strtol(argv[i + 2], NULL, 10) : 0), i += 2;
		else
			make(argv[i]);
	}
	return 0;
}
