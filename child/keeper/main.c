/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-keeper: sleeps in read() on the supervisor's pipe. At its end of file the supervisor is dead: kill every
 * group of the service until it is empty, remove what is there, leave. It outlives everything but SIGKILL, so it does
 * as little as possible: static, no allocation, no stdio, every signal blocked by the supervisor before exec. */
#include "supervisor/edge/cgroup_sweep.h"
#include "supervisor/edge/listen_path.h"
#include "supervisor/edge/self.h"
#include "supervisor/edge/session.h"
#include "supervisor/types/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <dirent.h>
#include <string.h>
#include <time.h>

/* A process in uninterruptible sleep can hold a group for long; what is left after this stays. */
#define KEEPER_ROUNDS_MAX 1000
#define KEEPER_ROUND_NSEC (10 * 1000 * 1000)

/* Reads exactly `size` bytes, which were written in one piece. False: end of file, or nothing we understand. */
static bool read_whole(void *ret, size_t size)
{
	ssize_t length;
	do {
		length = read(KEEPER_PIPE_FD, ret, size);
	} while (length < 0 && errno == EINTR);
	return length == (ssize_t)size;
}

static void replace_session(struct keeper_job *job, int32_t old, int32_t new)
{
	for (size_t i = 0; i < KEEPER_SESSIONS_MAX; i++) {
		if (job->sessions[i] == old) {
			job->sessions[i] = new;
			return;
		}
	}
}

static void own_socket(struct keeper_job *job, const struct keeper_message *message)
{
	if (message->value < 0 || message->value >= LISTEN_MAX)
		return;
	job->sockets[message->value].dev = message->dev;
	job->sockets[message->value].ino = message->ino;
}

/* Hears messages until the pipe ends. Returns false where we are dismissed. */
static bool hear(struct keeper_job *job)
{
	struct keeper_message message;
	while (read_whole(&message, sizeof(message))) {
		if (message.kind == KEEPER_DISMISS)
			return false;
		if (message.kind == KEEPER_ADD_SESSION)
			replace_session(job, 0, message.value);
		else if (message.kind == KEEPER_DROP_SESSION)
			replace_session(job, message.value, 0);
		else if (message.kind == KEEPER_OWN_SOCKET)
			own_socket(job, &message);
	}
	return true;
}

/* Our own leaf is killed by signals (a child that the supervisor had just forked may be in it) and removed last. */
static bool sweep_group(int service_fd, const char *name)
{
	cleanup_fd int fd = cgroup_sweep_open(service_fd, name);
	if (fd < 0)
		return errno == ENOENT;
	if (strcmp(name, KEEPER_SUPERVISOR_LEAF) == 0) {
		cgroup_sweep_signal(fd);
		return !cgroup_sweep_holds(fd, NULL);
	}
	cgroup_sweep_kill(fd);
	return cgroup_sweep_remove(service_fd, name) == 0;
}

/* One round over the groups of one hierarchy: kill and remove. True where nothing but our own leaf is left. */
static bool sweep_workers(int service_fd)
{
	_Alignas(struct dirent64) char buffer[4096];
	bool clean = true;
	ssize_t length;
	lseek(service_fd, 0, SEEK_SET);
	while ((length = getdents64(service_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			struct dirent64 *entry = (struct dirent64 *)(buffer + at);
			at += entry->d_reclen;
			if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
				clean = sweep_group(service_fd, entry->d_name) && clean;
		}
	}
	return clean;
}

/* v2 lets nobody into a group that has controllers enabled for the groups below it. */
static void disable_controllers(int directory_fd)
{
	cgroup_sweep_write(directory_fd, "cgroup.subtree_control", "-memory");
	cgroup_sweep_write(directory_fd, "cgroup.subtree_control", "-pids");
	cgroup_sweep_write(directory_fd, "cgroup.subtree_control", "-cpu");
}

static void move_out(const struct keeper_directory *directory, int service_fd)
{
	disable_controllers(service_fd);
	disable_controllers(directory->base_fd);
	cgroup_sweep_write(directory->base_fd, "cgroup.procs", "0");
}

static bool sweep_service(const struct keeper_job *job, const struct keeper_directory *directory)
{
	cleanup_fd int service_fd = cgroup_sweep_open(directory->base_fd, directory->name);
	if (service_fd < 0)
		return errno == ENOENT;
	if (!sweep_workers(service_fd))
		return false;
	if (job->stands_inside)
		move_out(directory, service_fd);
	return cgroup_sweep_remove(directory->base_fd, directory->name) == 0;
}

/* BASE belongs to every service on the host; the last one takes it along, the others fail with EBUSY. */
static void remove_base(const struct keeper_directory *directory)
{
	cleanup_fd int above_fd = openat(directory->base_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above_fd >= 0 && directory->base_name[0] != '\0')
		unlinkat(above_fd, directory->base_name, AT_REMOVEDIR);
}

static bool sweep_everything(const struct keeper_job *job)
{
	bool clean = true;
	for (uint32_t i = 0; i < job->directory_count; i++)
		clean = sweep_service(job, &job->directories[i]) && clean;
	if (job->directory_count == 0)
		clean = session_signal(job->sessions, KEEPER_SESSIONS_MAX, SIGKILL) == 0;
	return clean;
}

static void remove_runtime(const struct keeper_job *job)
{
	char path[sizeof("../") + sizeof(job->runtime_name)] = "../";
	for (size_t i = 0; job->runtime_fd >= 0 && i < KEEPER_FILES_MAX; i++)
		if (job->files[i][0] != '\0')
			unlinkat(job->runtime_fd, job->files[i], 0);
	memcpy(path + 3, job->runtime_name, sizeof(job->runtime_name));
	if (job->runtime_fd >= 0 && job->runtime_name[0] != '\0')
		unlinkat(job->runtime_fd, path, AT_REMOVEDIR);
}

/* After the workers: the last of them may have been listening still. */
static void remove_sockets(struct keeper_job *job)
{
	for (size_t i = 0; i < LISTEN_MAX; i++) {
		struct keeper_socket *held = &job->sockets[i];
		held->path[LISTEN_PATH_MAX - 1] = '\0';
		if (held->path[0] != '/' || held->ino == 0)
			continue;
		cleanup_fd int folder_fd = listen_path_folder(held->path);
		if (folder_fd >= 0)
			listen_path_remove_stale(folder_fd, listen_path_name(held->path), held->dev, held->ino);
	}
}

static void clean_up(struct keeper_job *job)
{
	const struct timespec pause = { .tv_nsec = KEEPER_ROUND_NSEC };
	for (int round = 0; round < KEEPER_ROUNDS_MAX && !sweep_everything(job); round++)
		nanosleep(&pause, NULL);
	remove_sockets(job);
	for (uint32_t i = 0; i < job->directory_count; i++)
		remove_base(&job->directories[i]);
	remove_runtime(job);
}

int main(void)
{
	struct keeper_job job;
	self_hide();
	if (!read_whole(&job, sizeof(job)) || job.version != KEEPER_VERSION ||
	    job.directory_count > KEEPER_DIRECTORIES_MAX)
		return 1;
	(void)self_lower(job.capabilities, 0, job.capabilities); /* having more is no reason not to be there */
	if (hear(&job))
		clean_up(&job);
	return 0;
}
