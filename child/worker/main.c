/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-worker: a small worker on a managed heap, for tests and for those who read how to report from C. Its
 * arguments are acts, done in order:
 *   leak         keeps what it allocates until the heap limit
 *   spike        a quiet moment, then one array beyond the limit
 *   buffers      memory outside the heap until somebody stops it
 *   steady       prints "steady", lives until SIGTERM, exits 0
 *   ignore-term  as steady, but SIGTERM does nothing
 *   print-fatal  prints V8's fatal lines, and lives on
 *   exit=N, signal=N */
#include "child/worker/heap.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define NODE_BYTES 1024
#define NODES_PER_PAUSE 512
#define BUFFER_BYTES (1024 * 1024)
#define BUFFERS_MAX 4096 /* where no cgroup ends it */
#define LIFE_MAX_SEC 600 /* a forgotten worker ends by itself */

struct node {
	struct node *next;
	char payload[NODE_BYTES - sizeof(struct node *)];
};

static void pause_msec(long msec)
{
	const struct timespec pause = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };
	nanosleep(&pause, NULL);
}

static __attribute__((noreturn)) void leak(void)
{
	struct node *volatile list = NULL; /* the collector finds it on the stack */
	for (size_t count = 1;; count++) {
		struct node *node = heap_allocate(sizeof(*node));
		node->next = list;
		list = node;
		if (count % NODES_PER_PAUSE == 0)
			pause_msec(1);
	}
}

/* V8 takes a large object's pages before it counts them against old space: so the kernel has seen them. */
static int spike(void)
{
	pause_msec(50);
	char *volatile pages = malloc(HEAP_OLD_SPACE_DEFAULT_BYTES);
	if (pages == NULL)
		return 1;
	memset(pages, 1, HEAP_OLD_SPACE_DEFAULT_BYTES);
	char *volatile all = heap_allocate(HEAP_OLD_SPACE_DEFAULT_BYTES * 64);
	all[0] = pages[0];
	return 0;
}

static int fill_buffers(void)
{
	for (size_t count = 0; count < BUFFERS_MAX; count++) {
		char *volatile buffer = malloc(BUFFER_BYTES);
		if (buffer == NULL)
			return 1;
		memset(buffer, 1, BUFFER_BYTES);
		pause_msec(1);
	}
	return 1;
}

/* Lives until SIGTERM, or, where that is ignored, for LIFE_MAX_SEC. */
static int stay(bool ignores_term)
{
	const struct timespec life = { .tv_sec = LIFE_MAX_SEC };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("steady");
	fflush(stdout);
	do {
		if (sigtimedwait(&set, NULL, &life) < 0)
			return 0;
	} while (ignores_term);
	return 0;
}

static void end_by_signal(int number)
{
	sigset_t set;
	const struct rlimit no_core = { 0, 0 };
	setrlimit(RLIMIT_CORE, &no_core);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
}

static int leave(int status)
{
	heap_leave(status);
	fflush(stdout);
	return status;
}

/* Returns -1 to go on with the next act, else the status to exit with. */
static int act(const char *word)
{
	if (strcmp(word, "leak") == 0)
		leak();
	if (strcmp(word, "spike") == 0)
		return spike();
	if (strcmp(word, "buffers") == 0)
		return fill_buffers();
	if (strcmp(word, "steady") == 0)
		return stay(false);
	if (strcmp(word, "ignore-term") == 0)
		return stay(true);
	if (strncmp(word, "exit=", 5) == 0)
		return (int)strtol(word + 5, NULL, 10) & 0xff;
	if (strncmp(word, "signal=", 7) == 0)
		end_by_signal((int)strtol(word + 7, NULL, 10));
	else if (strcmp(word, "print-fatal") == 0)
		heap_print_fatal_lines();
	else
		fprintf(stderr, "heapward-worker: no act \"%s\"; see the head of child/worker/main.c\n", word);
	return strcmp(word, "print-fatal") == 0 ? -1 : 2;
}

int main(int argc, char **argv)
{
	int status = argc < 2 ? 2 : -1;
	heap_init();
	if (argc < 2)
		fputs("Usage: heapward-worker ACT...\n", stderr);
	for (int i = 1; i < argc && status < 0; i++)
		status = act(argv[i]);
	return leave(status < 0 ? 0 : status);
}
