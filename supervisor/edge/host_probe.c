/* SPDX-License-Identifier: Apache-2.0 */
/* host_probe: see host_probe.h. What is unknown stays unknown: the plan says so, and nothing here is a fault. */
#include "supervisor/edge/host_probe.h"

#include "supervisor/core/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define VERSION_TIMEOUT_MSEC 3000
#define VERSION_CPU_SEC 3
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin" /* execvp's, roughly: what a worker without PATH gets */

void host_probe_memory(struct host *host)
{
	char line[256];
	host->mem_total_bytes = host->mem_available_bytes = SIZE_UNKNOWN;
	host->swap_total_bytes = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		uint64_t kib;
		if (sscanf(line, "MemTotal: %" SCNu64 " kB", &kib) == 1)
			host->mem_total_bytes = kib * 1024;
		else if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
			host->mem_available_bytes = kib * 1024;
		else if (sscanf(line, "SwapTotal: %" SCNu64 " kB", &kib) == 1)
			host->swap_total_bytes = kib * 1024;
	}
	fclose(file);
}

static bool is_program(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Looks for `name` as the worker's exec will. */
static bool find_program(const char *name, const char *search, const char *directory, char ret[static HOST_PATH_MAX])
{
	if (strchr(name, '/') != NULL) {
		bool joined = name[0] != '/' && directory != NULL;
		snprintf(ret, HOST_PATH_MAX, "%s%s%s", joined ? directory : "", joined ? "/" : "", name);
		return is_program(ret);
	}
	for (;;) {
		size_t length = strcspn(search, ":");
		if (length > 0 && length < HOST_PATH_MAX / 2) {
			snprintf(ret, HOST_PATH_MAX, "%.*s/%s", (int)length, search, name);
			if (is_program(ret))
				return true;
		}
		if (search[length] == '\0')
			return false;
		search += length + 1;
	}
}

/* A program may be anybody's who can write it: it is asked with its owner's rights, never with more. */
static void become_owner(const struct stat *owner)
{
	const struct rlimit cpu = { VERSION_CPU_SEC, VERSION_CPU_SEC };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_CPU, &cpu) < 0)
		_exit(125);
	if (geteuid() != 0 || (owner->st_uid == 0 && (owner->st_mode & 022) == 0))
		return;
	uid_t uid = owner->st_uid == 0 ? 65534 : owner->st_uid; /* root's, but others write it: nobody */
	gid_t gid = owner->st_uid == 0 ? 65534 : owner->st_gid;
	if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
		_exit(125);
}

static void __attribute__((noreturn)) exec_version(const char *path, int write_fd, const struct stat *owner)
{
	char *const argv[] = { (char *)path, "--version", NULL };
	char *const environment[] = { "PATH=/usr/bin:/bin", NULL }; /* not the user's NODE_OPTIONS: a bad one ends it */
	int null_fd = open("/dev/null", O_RDWR);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(write_fd, 1) < 0 || dup2(null_fd, 2) < 0)
		_exit(125);
	if (close_range(3, ~0U, 0) < 0)
		_exit(125);
	become_owner(owner);
	execve(path, argv, environment);
	_exit(126);
}

/* Reads until the end, `size` - 1 bytes or the timeout. */
static void read_answer(int fd, char *text, size_t size)
{
	size_t length = 0;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	while (length < size - 1 && poll(&poll_fd, 1, VERSION_TIMEOUT_MSEC) > 0) {
		ssize_t count = read(fd, text + length, size - 1 - length);
		if (count <= 0)
			break;
		length += (size_t)count;
	}
	text[length] = '\0';
}

static void ask_version(struct host_runtime *runtime)
{
	struct stat owner;
	char text[64];
	int ends[2];
	if (stat(runtime->path, &owner) < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		exec_version(runtime->path, ends[1], &owner);
	close(ends[1]);
	text[0] = '\0';
	if (pid > 0) {
		read_answer(ends[0], text, sizeof(text));
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	if (sscanf(text, "v%d.%d.%d", &runtime->major, &runtime->minor, &runtime->patch) == 3 && runtime->major > 0 &&
	    runtime->major < 1000)
		return;
	runtime->major = runtime->minor = runtime->patch = 0;
	snprintf(runtime->problem, sizeof(runtime->problem), "%.150s --version did not answer like Node",
		 runtime->path);
}

static bool is_node(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash == NULL ? program : slash + 1;
	return strcmp(name, "node") == 0 || strcmp(name, "nodejs") == 0;
}

static void probe_runtime(struct host_runtime *ret, char *const *command, char *const *environment,
			  const char *directory)
{
	const char *search = environment_get(environment, "PATH");
	bool named = command != NULL && command[0] != NULL && is_node(command[0]);
	ret->found =
		find_program(named ? command[0] : "node", search == NULL ? DEFAULT_PATH : search, directory, ret->path);
	if (ret->found)
		ask_version(ret);
	else
		ret->path[0] = '\0';
	if (!ret->found)
		snprintf(ret->problem, sizeof(ret->problem), "no node in PATH");
}

static uint32_t count_processors(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (uint32_t)CPU_COUNT(&set);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (uint32_t)online : 1;
}

static uint32_t read_listen_backlog(void)
{
	char line[32] = "";
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	if (file == NULL)
		return 0;
	uint32_t backlog = fgets(line, sizeof(line), file) != NULL ? (uint32_t)strtoul(line, NULL, 10) : 0;
	fclose(file);
	return backlog;
}

/* INVOCATION_ID alone is inherited by every shell below a unit: SYSTEMD_EXEC_PID names the unit's own process. */
static bool is_systemd_service(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");
	return getenv("INVOCATION_ID") != NULL && pid != NULL && strtol(pid, NULL, 10) == getpid();
}

void host_probe(struct host *ret, char *const *command, char *const *environment, const char *directory)
{
	const char *options = environment_get(environment, "NODE_OPTIONS");
	const struct passwd *user = getpwuid(geteuid());
	*ret = (struct host){
		.processors = count_processors(),
		.listen_backlog = read_listen_backlog(),
		.uid = geteuid(),
		.pid1 = getpid() == 1,
		.under_systemd = is_systemd_service(),
		.peak_bytes = SIZE_UNKNOWN,
	};
	if (user != NULL)
		snprintf(ret->user, sizeof(ret->user), "%s", user->pw_name);
	if (options != NULL) {
		snprintf(ret->node_options, sizeof(ret->node_options), "%s", options);
		ret->node_options_cut = strlen(options) >= sizeof(ret->node_options);
	}
	host_probe_memory(ret);
	probe_runtime(&ret->runtime, command, environment, directory);
}
