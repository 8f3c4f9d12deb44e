/* SPDX-License-Identifier: Apache-2.0 */
/* service: heapward's own files, control sockets and groups, and those of another service. See probe.h. */
#include "tests/probe/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_PATH_MAX 1024

/* `heapward reset NAME`: changes nothing in a service that runs, and is for who may change it. */
static int ask(const struct targets *at, const char *name)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(nothing, STDOUT_FILENO);
		dup2(nothing, STDERR_FILENO);
		execl(at->heapward, "heapward", "reset", name, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return ABSENT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? THROUGH : EACCES;
}

ACT(ask_own)
{
	return ask(at, at->name);
}

ACT(ask_neighbour)
{
	return ask(at, at->neighbour);
}

static bool is_v2(void)
{
	return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

/* One line of /proc/self/cgroup: "ID:CONTROLLERS:PATH". Where the hierarchy of these is mounted. */
static void mount_of(const char *controllers, char *path, size_t size)
{
	if (is_v2())
		snprintf(path, size, "/sys/fs/cgroup");
	else if (controllers[0] == '\0')
		snprintf(path, size, "/sys/fs/cgroup/unified");
	else if (strncmp(controllers, "name=", 5) == 0)
		snprintf(path, size, "/sys/fs/cgroup/%.100s", controllers + 5);
	else
		snprintf(path, size, "/sys/fs/cgroup/%.100s", controllers);
}

/* Mount and path of our group that has this controller; on v2 there is one for all. */
static bool find_group(const char *controller, char *mount, size_t mount_size, char *path, size_t path_size)
{
	char line[FILE_PATH_MAX];
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;
	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		char *rest = line;
		line[strcspn(line, "\n")] = '\0';
		strsep(&rest, ":");
		char *controllers = strsep(&rest, ":");
		if (controllers == NULL || rest == NULL || (!is_v2() && strcmp(controllers, controller) != 0))
			continue;
		mount_of(controllers, mount, mount_size);
		snprintf(path, path_size, "%s", strcmp(rest, "/") == 0 ? "" : rest);
		found = true;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* Every hierarchy's root takes us in. */
static int leave_all(void)
{
	char line[FILE_PATH_MAX], mount[256], procs[300];
	int error = 0;
	FILE *file = fopen("/proc/self/cgroup", "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		char *rest = line;
		strsep(&rest, ":");
		mount_of(strsep(&rest, ":"), mount, sizeof(mount));
		snprintf(procs, sizeof(procs), "%s/cgroup.procs", mount);
		int fd = open(procs, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			error = errno;
	}
	return error;
}

/* As somebody who has nothing to do with the worker: another session, no parent, no group. */
ACT(ask_from_outside)
{
	int status;
	int error = leave_all();
	if (error != 0)
		return error;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		int result = ask(at, at->name);
		_exit(result);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return ABSENT;
	return WEXITSTATUS(status);
}

static int list_directory(const char *path)
{
	DIR *directory = opendir(path);
	return directory == NULL || readdir(directory) == NULL ? errno : THROUGH;
}

ACT(list_state)
{
	return list_directory(number == NEIGHBOUR ? at->neighbour_state : at->state);
}

static int plant_in(const char *directory)
{
	char path[FILE_PATH_MAX];
	snprintf(path, sizeof(path), "%.900s/.heapward-probe-%d", directory, getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int result = tried(fd);
	if (fd >= 0)
		unlink(path);
	return result;
}

ACT(plant_state)
{
	return plant_in(number == NEIGHBOUR ? at->neighbour_state : at->state);
}

/* Away and back. */
ACT(rename_state)
{
	char path[FILE_PATH_MAX];
	snprintf(path, sizeof(path), "%.900s.probe", at->neighbour_state);
	int result = tried(rename(at->neighbour_state, path));
	rename(path, at->neighbour_state);
	return result;
}

/* "web.yaml" has its drop-ins in "web.policy.d". */
ACT(plant_policy)
{
	char directory[FILE_PATH_MAX];
	snprintf(directory, sizeof(directory), "%.*s.policy.d", (int)(strlen(at->policy) - strlen(".yaml")), at->policy);
	bool made = mkdir(directory, 0755) == 0;
	int result = plant_in(directory);
	if (made)
		rmdir(directory);
	return result;
}

ACT(write_policy)
{
	return tried(open(at->policy, O_WRONLY | O_CLOEXEC));
}

ACT(write_heapward)
{
	struct stat about;
	/* To open it says only that it is running. */
	return stat(at->heapward, &about) < 0 ? errno : tried(chmod(at->heapward, about.st_mode & 07777));
}

ACT(write_program)
{
	return tried(open(at->child, O_WRONLY | O_CLOEXEC));
}

/* A file that is read-only can still be led past by who changes its folder. */
ACT(plant_program)
{
	char folder[FILE_PATH_MAX];
	snprintf(folder, sizeof(folder), "%s", at->child);
	char *slash = strrchr(folder, '/');
	if (slash == NULL)
		return ABSENT;
	*slash = '\0';
	return plant_in(folder);
}

ACT(write_agent)
{
	return tried(open(at->agent, O_WRONLY | O_CLOEXEC));
}

/* The file's own value once more. */
static int write_same(const char *path)
{
	char line[64];
	if (!read_line(path, line, sizeof(line)))
		return errno;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? errno : tried(write(fd, line, strlen(line)));
}

static int write_group_file(const char *controller, const char *file)
{
	char mount[256], group[512], path[FILE_PATH_MAX];
	if (!find_group(controller, mount, sizeof(mount), group, sizeof(group)))
		return ABSENT;
	snprintf(path, sizeof(path), "%s%s/%s", mount, group, file);
	return write_same(path);
}

static const char *limit_file(void)
{
	return is_v2() ? "memory.max" : "memory.limit_in_bytes";
}

ACT(group_limit)
{
	return write_group_file("memory", limit_file());
}

ACT(group_tasks)
{
	return write_group_file("pids", "pids.max");
}

ACT(group_leave)
{
	char mount[256], group[512], path[300];
	if (!find_group(text, mount, sizeof(mount), group, sizeof(group)))
		return ABSENT;
	snprintf(path, sizeof(path), "%s/cgroup.procs", mount);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? errno : tried(write(fd, "0", 1));
}

ACT(group_make)
{
	char mount[256], group[512], path[FILE_PATH_MAX];
	if (!find_group("memory", mount, sizeof(mount), group, sizeof(group)))
		return ABSENT;
	snprintf(path, sizeof(path), "%s/heapward-probe-%d", mount, getpid());
	int result = tried(mkdir(path, 0755));
	rmdir(path);
	return result;
}

/* Groups are named after services: ".../heapward-NAME/worker-0-a". */
static bool neighbours_file(const struct targets *at, const char *file, char *path, size_t size)
{
	char mount[256], group[512], own[64];
	if (at->name == NULL || at->neighbour == NULL || !find_group("memory", mount, sizeof(mount), group, sizeof(group)))
		return false;
	snprintf(own, sizeof(own), "/heapward-%.40s/", at->name);
	char *found = strstr(group, own);
	if (found == NULL)
		return false;
	*found = '\0';
	snprintf(path, size, "%s%s/heapward-%s/%s/%s", mount, group, at->neighbour, found + strlen(own), file);
	return true;
}

ACT(group_join_neighbour)
{
	char path[FILE_PATH_MAX];
	return neighbours_file(at, "cgroup.procs", path, sizeof(path)) ? tried(open(path, O_WRONLY | O_CLOEXEC)) : ABSENT;
}

ACT(group_neighbour_limit)
{
	char path[FILE_PATH_MAX];
	return neighbours_file(at, limit_file(), path, sizeof(path)) ? write_same(path) : ABSENT;
}

/* The program that the kernel runs as root when a group becomes empty. */
ACT(group_agent)
{
	char mount[256], group[512], path[300];
	if (is_v2() || !find_group("memory", mount, sizeof(mount), group, sizeof(group)))
		return ABSENT;
	snprintf(path, sizeof(path), "%s/release_agent", mount);
	return tried(open(path, O_WRONLY | O_CLOEXEC));
}

ACT(group_devices)
{
	char mount[256], group[512], path[FILE_PATH_MAX];
	if (is_v2() || !find_group("devices", mount, sizeof(mount), group, sizeof(group)))
		return ABSENT;
	snprintf(path, sizeof(path), "%s%s/devices.allow", mount, group);
	return tried(open(path, O_WRONLY | O_CLOEXEC));
}

/* Descriptors beside the standard ones and the two that every worker has. */
ACT(leaked)
{
	for (int fd = STDERR_FILENO + 1; fd < 4096; fd++)
		if (fd != 200 && fd != 201 && fcntl(fd, F_GETFD) >= 0)
			return THROUGH;
	return EBADF;
}
