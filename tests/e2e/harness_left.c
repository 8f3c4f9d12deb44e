/* SPDX-License-Identifier: Apache-2.0 */
/* harness_left: what is left of a service: its processes, found by the mark that the harness put into their environment
 * or by their cgroup, and its directories below /sys/fs/cgroup. See harness.h. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#define LEFT_MAX 256
#define CGROUP_DEPTH_MAX 12

/* The first bytes of a file of /proc; "" where it cannot be read. */
static size_t read_proc(pid_t pid, const char *file, char *buffer, size_t size)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t total = 0;
	for (ssize_t count; fd >= 0 && (size_t)total < size - 1; total += count) {
		count = read(fd, buffer + total, size - 1 - (size_t)total);
		if (count <= 0)
			break;
	}
	buffer[total] = '\0';
	return (size_t)total;
}

bool process_lives(pid_t pid)
{
	char text[512];
	if (read_proc(pid, "stat", text, sizeof(text)) == 0)
		return false;
	const char *state = strrchr(text, ')');
	return state != NULL && strncmp(state, ") Z", 3) != 0 && strncmp(state, ") X", 3) != 0;
}

/* By schedstat where there is one: utime and stime are sampled at clock ticks, which short wake-ups escape. */
double process_cpu_seconds(pid_t pid)
{
	char text[512];
	unsigned long user = 0, system = 0;
	unsigned long long ran_nsec = 0;
	read_proc(pid, "schedstat", text, sizeof(text));
	if (sscanf(text, "%llu", &ran_nsec) == 1)
		return (double)ran_nsec / 1e9;
	read_proc(pid, "stat", text, sizeof(text));
	const char *state = strrchr(text, ')');
	if (state == NULL || sscanf(state, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		fail_msg("process %d has no CPU time: %s", pid, text);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int64_t process_memory_kib(pid_t pid, const char *what)
{
	char text[4096];
	read_proc(pid, "status", text, sizeof(text));
	const char *at = strstr(text, what);
	if (at == NULL)
		fail_msg("process %d has no %s", pid, what);
	return strtol(at + strlen(what) + 1, NULL, 10);
}

pid_t keeper_of(struct world *world, const struct program *supervisor)
{
	char line[32] = "";
	FILE *children = popen(world_print(world, "pgrep -P %d -x heapward-keeper", (int)supervisor->pid), "re");
	assert_non_null(children);
	char *got = fgets(line, sizeof(line), children);
	pclose(children);
	return got == NULL ? 0 : (pid_t)strtol(line, NULL, 10);
}

static bool is_of_service(const struct world *world, pid_t pid)
{
	char text[64 * 1024], mark[64];
	snprintf(mark, sizeof(mark), "heapward-%s", world->name);
	read_proc(pid, "cgroup", text, sizeof(text));
	if (strstr(text, mark) != NULL)
		return true;
	snprintf(mark, sizeof(mark), "E2E_SERVICE=%s", world->name);
	size_t length = read_proc(pid, "environ", text, sizeof(text));
	return memmem(text, length, mark, strlen(mark) + 1) != NULL;
}

size_t service_processes(const struct world *world, pid_t *ret_pids, size_t max)
{
	size_t count = 0;
	DIR *proc = opendir("/proc");
	assert(proc != NULL);
	for (struct dirent *entry; count < max && (entry = readdir(proc)) != NULL;) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid > 1 && pid != getpid() && is_of_service(world, pid) && process_lives(pid))
			ret_pids[count++] = pid;
	}
	closedir(proc);
	return count;
}

static size_t find_groups(const char *directory, const char *name, int depth, bool inside, char *text, size_t size)
{
	size_t count = 0;
	DIR *open_directory = depth > 0 ? opendir(directory) : NULL;
	if (open_directory == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(open_directory)) != NULL;) {
		char path[1024];
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		bool found = inside || strcmp(entry->d_name, name) == 0;
		snprintf(path, sizeof(path), "%.700s/%.300s", directory, entry->d_name);
		count += find_groups(path, name, depth - 1, found, text, size); /* the deepest first */
		size_t used = strlen(text);
		if (found && used + strlen(path) + 2 < size)
			snprintf(text + used, size - used, "%s\n", path);
		count += found ? 1 : 0;
	}
	closedir(open_directory);
	return count;
}

size_t service_cgroups(const struct world *world, char *text, size_t size)
{
	char name[64];
	snprintf(name, sizeof(name), "heapward-%s", world->name);
	text[0] = '\0';
	return find_groups("/sys/fs/cgroup", name, CGROUP_DEPTH_MAX, false, text, size);
}

/* Of root's service: lock, control socket, and the directory that they are in. */
static bool has_runtime_directory(const struct world *world, char path[static WORLD_PATH_MAX])
{
	snprintf(path, WORLD_PATH_MAX, "/run/heapward/%s", world->name);
	return access(path, F_OK) == 0;
}

/* True as soon as nothing is left, false after `seconds`. */
static bool nothing_left(struct world *world, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	pid_t pid;
	char text[4096], path[WORLD_PATH_MAX];
	for (;;) {
		reap(world);
		if (service_processes(world, &pid, 1) == 0 && service_cgroups(world, text, sizeof(text)) == 0 &&
		    !has_runtime_directory(world, path))
			return true;
		if (now_usec() > deadline_usec)
			return false;
		pause_msec(20);
	}
}

static void describe_left(const struct world *world, char *text, size_t size)
{
	pid_t pids[LEFT_MAX];
	char path[WORLD_PATH_MAX];
	service_cgroups(world, text, size);
	if (has_runtime_directory(world, path))
		snprintf(text + strlen(text), size - strlen(text), "%s\n", path);
	size_t count = service_processes(world, pids, LEFT_MAX);
	for (size_t i = 0; i < count; i++) {
		char command[512];
		size_t length = read_proc(pids[i], "cmdline", command, sizeof(command));
		for (size_t at = 0; at + 1 < length; at++)
			command[at] = command[at] == '\0' ? ' ' : command[at];
		size_t used = strlen(text);
		snprintf(text + used, size - used, "process %d: %.200s\n", pids[i], command);
	}
}

void await_nothing_left(struct world *world, double seconds)
{
	char text[8192];
	if (nothing_left(world, seconds))
		return;
	describe_left(world, text, sizeof(text));
	fail_msg("after %.1f s there is left of %s:\n%s", seconds, world->name, text);
}

static bool all_ended(const struct world *world)
{
	for (size_t i = 0; i < world->program_count; i++) {
		if (!world->programs[i].ended)
			return false;
	}
	return true;
}

static void signal_programs(const struct world *world, int signal)
{
	for (size_t i = 0; i < world->program_count; i++) {
		if (!world->programs[i].ended)
			kill(world->programs[i].pid, signal);
	}
}

/* The order of a patient user: ask, wait, kill. */
static void end_programs(struct world *world)
{
	reap(world);
	signal_programs(world, SIGTERM);
	int64_t deadline_usec = now_usec() + (int64_t)(15 * slowness() * 1e6);
	for (; !all_ended(world) && now_usec() < deadline_usec; reap(world))
		pause_msec(10);
	signal_programs(world, SIGKILL);
}

static void remove_left(struct world *world)
{
	pid_t pids[LEFT_MAX];
	char text[8192];
	for (int round = 0; round < 100; round++) {
		size_t count = service_processes(world, pids, LEFT_MAX);
		for (size_t i = 0; i < count; i++)
			kill(pids[i], SIGKILL);
		reap(world);
		if (service_cgroups(world, text, sizeof(text)) == 0 && count == 0)
			return;
		char *next = text;
		for (char *path; (path = strsep(&next, "\n")) != NULL && *path != '\0';)
			rmdir(path);
		pause_msec(20);
	}
}

bool world_end_programs(struct world *world)
{
	char text[8192];
	end_programs(world);
	if (nothing_left(world, 3))
		return true;
	describe_left(world, text, sizeof(text));
	print_error("harness: there is left of %s:\n%s", world->name, text);
	remove_left(world);
	return false;
}
