/* SPDX-License-Identifier: Apache-2.0 */
/* harness: runs the built heapward for a test, in a directory and under a service name of the test's own. After each
 * test it looks for processes and cgroup directories of that service: one that is left fails the test, and is removed.
 * Knows heapward only as a user does: by its command line, its output and its files. */
#ifndef TESTS_E2E_HARNESS_H
#define TESTS_E2E_HARNESS_H

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/base.h"

#define WORLD_PROGRAMS_MAX 64
#define WORLD_KEEPS_MAX 4096
#define WORLD_GROUPS_MAX 4
#define WORLD_PATH_MAX 512
#define WORDS_MAX 64

/* A program that the test has started. Its output goes to files, so that nothing can block on the test. */
struct program {
	pid_t pid;
	bool ended;
	int status; /* of waitpid, once ended */
	char out_path[WORLD_PATH_MAX], err_path[WORLD_PATH_MAX];
	int64_t started_usec, ended_usec;
};

/* One test's own corner of the machine. */
struct world {
	char name[33];                  /* of the service: "e2e-PID-N" */
	char directory[WORLD_PATH_MAX]; /* owned by root and not writable by others, as policies want it */
	struct program programs[WORLD_PROGRAMS_MAX];
	size_t program_count;
	struct {
		void *pointer;
		void (*release)(void *pointer);
	} keeps[WORLD_KEEPS_MAX]; /* what lives until the test ends */
	size_t keep_count;
	char *environment[WORDS_MAX]; /* "NAME=VALUE" beyond what every program gets; "NAME" takes it away */
	size_t environment_count;
	char *groups[WORLD_GROUPS_MAX]; /* of world_group; runs start in the last one */
	size_t group_count;
	const void *row; /* of a table test */
};

/* cmocka's set-up and tear-down. A test that is given an initial state finds it in world->row. */
int world_make(void **state);
int world_end(void **state);

/* Keeps a malloc'ed pointer until the test ends, and returns it. */
void *world_keep(struct world *world, void *pointer);
char *world_print(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* Lets go what is kept beyond the first `keeps`: a wait of seconds must not fill the list. */
void world_release(struct world *world, size_t keeps);

/* A file of the world's directory: its path, and writing it (0644, or 0755 where it starts with "#!"). */
char *world_path(struct world *world, const char *file);
void world_write(struct world *world, const char *file, const char *format, ...) PRINTF_LIKE(3, 4);

/* Adds to the environment of programs started from now on. */
void world_environment(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* Paths of what is under test and of the workers beside this file. */
const char *heapward_path(void);
const char *c_worker_path(void);
const char *addon_path(void);
const char *notify_path(void);
const char *calls_path(void);
const char *hostile_path(void);
const char *clock_jump_path(void);
char *js_worker_path(struct world *world, const char *file);

/* Starts a program; the words end with NULL. heapward_start puts heapward's path before them. */
struct program *program_start(struct world *world, const char *const *words);
struct program *heapward_start(struct world *world, const char *first, ...) __attribute__((sentinel));

/* Starts `heapward run -n NAME` with these words behind it, in the world's group; or any words that come to a run. */
struct program *run_start(struct world *world, const char *const *words);
struct program *run_start_by(struct world *world, const char *const *words);

/* Runs heapward as `nobody`, with directories of its own. The build tree may stand where `nobody` cannot reach it: it
 * is bound to a place that everyone can, ./bound. */
struct program *run_as_nobody(struct world *world, const char *arguments);
/* And after that any other command, as the same user. */
struct program *heapward_as_nobody(struct world *world, const char *arguments);

/* Makes a cgroup of the test's own, below the one made before it, where memory can be limited; on v2 it is delegated as
 * systemd does. Returns its directory. Without one runs start in E2E_CGROUP (a directory), else where the test is. */
const char *world_group(struct world *world);

/* Writes one of a group's files, or fails the test. Limits have a name of their own on v1. */
void group_write(const char *directory, const char *file, const char *format, ...) PRINTF_LIKE(3, 4);
void group_limit(const char *directory, unsigned mib);

/* Removes a group, which processes that have just died hold for a moment; false where somebody stays. */
bool group_remove(const char *directory);

/* The group as the kernel names it. */
const char *group_name(const char *directory);

/* Waits until it has ended, or fails the test with its output. Returns the exit status, 128 + signal. */
int program_finish(struct world *world, struct program *program, double seconds);

/* Runs heapward to its end; the exit status must be `status` (-1: any). Returns its stdout, kept by the world. */
char *heapward_says(struct world *world, int status, const char *first, ...) __attribute__((sentinel));

/* What it has written so far, kept by the world. */
char *program_out(struct world *world, const struct program *program);
char *program_err(struct world *world, const struct program *program);

/* Waits until `text` is in its stderr (program_err_has) or in a file; fails the test after `seconds`. */
void await_err(struct world *world, struct program *program, const char *text, double seconds);
void await_file(struct world *world, const char *file, const char *text, double seconds);

/* The last line of a text, without its newline. */
char *last_line(struct world *world, const char *text);

/* Processes of the service that live now, by mark in the environment or by cgroup; the supervisor and keeper count. */
size_t service_processes(const struct world *world, pid_t *ret_pids, size_t max);

/* Directories of the service below /sys/fs/cgroup; their paths one a line into `text`. */
size_t service_cgroups(const struct world *world, char *text, size_t size);

/* Waits until no process and no directory of the service is left, root's runtime directory included; fails the test after
 * `seconds`. */
void await_nothing_left(struct world *world, double seconds);

bool process_lives(pid_t pid); /* a zombie does not */
pid_t keeper_of(struct world *world, const struct program *supervisor); /* 0: none */
double process_cpu_seconds(pid_t pid);
int64_t process_memory_kib(pid_t pid, const char *what); /* "VmRSS", "VmData" */
bool on_cgroup_v2(void);
int64_t now_usec(void);
void pause_msec(int msec);

/* Machines under emulation are slow: every limit in seconds is multiplied by E2E_SLOW. */
double slowness(void);

#endif
