/* SPDX-License-Identifier: Apache-2.0 */
/* state_dir: taking and releasing a name. Deaths, events and figures are in state_files.c, the readers in state_list.c. */
#include "supervisor/edge/state_dir.h"

#include "supervisor/edge/state_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* How long a name is tried for before it counts as taken. */
#define TAKE_ATTEMPTS 20
#define TAKE_PAUSE_MSEC 5

static void root_from(char *ret, const char *variable, const char *fallback_home)
{
	const char *base = getenv(variable), *home = getenv("HOME");
	ret[0] = '\0';
	if (base != NULL && base[0] == '/')
		snprintf(ret, STATE_DIR_PATH_MAX, "%.400s/heapward", base);
	else if (fallback_home != NULL && home != NULL && home[0] == '/')
		snprintf(ret, STATE_DIR_PATH_MAX, "%.400s/%s/heapward", home, fallback_home);
	else if (fallback_home == NULL)
		snprintf(ret, STATE_DIR_PATH_MAX, "/tmp/heapward-%u", (unsigned)geteuid());
}

void state_roots_find(struct state_roots *ret)
{
	if (geteuid() == 0) {
		snprintf(ret->runtime, sizeof(ret->runtime), "/run/heapward");
		snprintf(ret->state, sizeof(ret->state), "/var/lib/heapward");
		return;
	}
	root_from(ret->runtime, "XDG_RUNTIME_DIR", NULL);
	root_from(ret->state, "XDG_STATE_HOME", ".local/state");
}

/* Every component that is missing is made; what is there is not touched. */
static void make_parents(const char *path)
{
	char part[STATE_DIR_PATH_MAX];
	for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		(void)mkdir(part, 0755);
	}
}

/* Group heapward may look, where there is one: 0750 instead of 0700. */
static void share_with(const struct group *group, int fd)
{
	if (group != NULL && fchown(fd, (uid_t)-1, group->gr_gid) == 0)
		(void)fchmod(fd, 0750);
}

/* By a descriptor that needs no permission and follows no link. Not where something is mounted: that is the wall of a heapward whose
 * worker we are. */
static int make_own(int directory_fd, const char *path)
{
	char name[48];
	struct statx status;
	cleanup_fd int fd = openat(directory_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) < 0 || status.stx_uid != geteuid() ||
	    (!S_ISDIR(status.stx_mode) && !S_ISREG(status.stx_mode)) || (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
		return -1;
	return chmod(name, (status.stx_mode & 0777u) | (S_ISDIR(status.stx_mode) ? 0700 : 0600));
}

int state_open_own(int directory_fd, const char *path, int flags)
{
	int fd = openat(directory_fd, path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 || errno != EACCES)
		return fd;
	if (geteuid() != 0 && make_own(directory_fd, path) == 0) /* root is kept out by walls, not by modes */
		return openat(directory_fd, path, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
	errno = EACCES;
	return -1;
}

int state_open_directory(const char *path, bool make, struct failure *why)
{
	struct stat stat;
	/* Asked for first: it takes time, in which a directory just made would have nobody who removes it. */
	const struct group *group = make && geteuid() == 0 ? getgrnam("heapward") : NULL;
	if (make) {
		make_parents(path);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return failed(why, errno, "make %s", path);
	}
	cleanup_fd int fd = make ? state_open_own(AT_FDCWD, path, O_RDONLY | O_DIRECTORY) :
				   open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "open %s", path);
	if (fstat(fd, &stat) < 0)
		return failed(why, errno, "stat %s", path);
	if (stat.st_uid != geteuid() && stat.st_uid != 0)
		return failed(why, 0, "%s belongs to user %u, not to us; remove it", path, (unsigned)stat.st_uid);
	if ((stat.st_mode & 022) != 0)
		return failed(why, 0, "%s can be written by others; chmod go-w %s", path, path);
	if (make && stat.st_uid == geteuid() && (stat.st_mode & 0700) != 0700 && geteuid() != 0)
		(void)fchmod(fd, (stat.st_mode & 0777) | 0700); /* readable, and yet shut */
	share_with(group, fd);
	return TAKE_FD(fd);
}

/* The holder's pid stands in the file, for the message only: the lock itself is what counts. */
static int say_taken(int fd, const char *name, struct failure *why)
{
	char text[16] = "", holder[48] = "another supervisor";
	long pid = read(fd, text, sizeof(text) - 1) > 0 ? strtol(text, NULL, 10) : 0;
	if (pid > 0)
		snprintf(holder, sizeof(holder), "supervisor pid %ld", pid);
	return failed(why, 0, "name \"%s\" is taken: %s holds it; choose another with -n", name, holder);
}

/* 1: not now (why says who is in the way): the holder may be leaving, which removes the file and its directory under
 * our hands, or a command may be looking whether the lock is held. */
static int take_lock(struct state_dir *dir, struct failure *why)
{
	char text[16];
	struct stat stat;
	struct flock lock = { .l_type = F_WRLCK };
	cleanup_fd int fd = state_open_own(dir->runtime_fd, "lock", O_RDWR | O_CREAT);
	if (fd < 0) {
		bool removed = errno == ENOENT;
		failed(why, errno, "open %s/lock", dir->runtime_path);
		return removed ? 1 : -1;
	}
	/* Of the open file, as flock's, so that the keeper holds it on; but one that can be looked at without taking it. */
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		say_taken(fd, dir->name, why);
		return 1;
	}
	if (fstat(fd, &stat) < 0 || stat.st_nlink == 0) {
		failed(why, 0, "%s/lock was removed", dir->runtime_path);
		return 1;
	}
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length)
		return failed(why, errno, "write %s/lock", dir->runtime_path);
	dir->lock_fd = TAKE_FD(fd);
	return 0;
}

static void close_and_forget(int *fd)
{
	cleanup_close(fd);
	*fd = -1;
}

/* What root cannot open somebody has walled off: most likely the heapward whose worker we are. */
static int explain_walls(struct failure *why)
{
	struct failure closed = *why;
	if (closed.error != EACCES || geteuid() != 0)
		return -1;
	return failed(why, 0, "%.150s, although we are root: the heapward that runs this one keeps its files from it; set "
		      "sandbox.protect_system: none there, or sandbox.user", closed.text);
}

static int take_runtime(struct state_dir *dir, const struct state_roots *roots, struct failure *why)
{
	const struct timespec pause = { .tv_nsec = TAKE_PAUSE_MSEC * 1000000L };
	cleanup_fd int root = state_open_directory(roots->runtime, true, why);
	if (root < 0)
		return explain_walls(why);
	snprintf(dir->runtime_path, sizeof(dir->runtime_path), "%.450s/%s", roots->runtime, dir->name);
	for (int attempt = 0; attempt < TAKE_ATTEMPTS; attempt++) {
		close_and_forget(&dir->runtime_fd);
		dir->runtime_fd = state_open_directory(dir->runtime_path, true, why);
		int result = dir->runtime_fd >= 0 ? take_lock(dir, why) : why->error == ENOENT ? 1 : -1;
		if (result <= 0)
			return result;
		nanosleep(&pause, NULL);
	}
	return -1;
}

int state_hold(int state_fd, int how, struct failure *why)
{
	struct stat stat;
	cleanup_fd int fd = openat(state_fd, "held", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(why, errno, "open held");
	if (flock(fd, how | LOCK_NB) < 0)
		return failed(why, errno, "lock held");
	if (fstat(fd, &stat) < 0 || stat.st_nlink == 0)
		return failed(why, EWOULDBLOCK, "held was removed");
	return TAKE_FD(fd);
}

static int take_state(struct state_dir *dir, const struct state_roots *roots, struct failure *why)
{
	if (roots->state[0] == '\0')
		return failed(why, 0, "neither XDG_STATE_HOME nor HOME is set");
	cleanup_fd int root = state_open_directory(roots->state, true, why);
	if (root < 0)
		return -1;
	snprintf(dir->state_path, sizeof(dir->state_path), "%.450s/%s", roots->state, dir->name);
	dir->state_fd = state_open_directory(dir->state_path, true, why);
	if (dir->state_fd < 0)
		return -1;
	/* The name is held in the runtime directory, which another login or container may not share: this tells them not to forget. */
	dir->held_fd = state_hold(dir->state_fd, LOCK_SH, why);
	if (dir->held_fd < 0)
		return why->error == EWOULDBLOCK ? failed(why, EWOULDBLOCK, "%s is being removed", dir->state_path)
						 : failed_in(why, "%s", dir->state_path);
	return state_files_open(dir, why);
}

int state_dir_take_name(struct state_dir *ret, const struct state_roots *roots, const char *name, struct failure *why)
{
	*ret = (struct state_dir){ .runtime_fd = -1, .state_fd = -1, .lock_fd = -1, .held_fd = -1, .events_fd = -1, .next_death = 1 };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (take_runtime(ret, roots, why) == 0)
		return 0;
	state_dir_release(ret);
	return -1;
}

void state_dir_open_state(struct state_dir *dir, const struct state_roots *roots)
{
	struct failure problem;
	if (take_state(dir, roots, &problem) == 0)
		return;
	snprintf(dir->problem, sizeof(dir->problem), "deaths and events are not kept on disk: %.140s%s", problem.text,
		 geteuid() == 0 ? "" : "; set XDG_STATE_HOME to a directory of this user's");
	close_and_forget(&dir->held_fd);
	close_and_forget(&dir->state_fd);
	close_and_forget(&dir->events_fd);
}

int state_dir_take(struct state_dir *ret, const struct state_roots *roots, const char *name, struct failure *why)
{
	if (state_dir_take_name(ret, roots, name, why) < 0)
		return -1;
	state_dir_open_state(ret, roots);
	return 0;
}

void state_dir_keeper_job(const struct state_dir *dir, struct keeper_job *job)
{
	job->lock_fd = dir->lock_fd;
	job->runtime_fd = dir->runtime_fd;
	snprintf(job->files[0], sizeof(job->files[0]), "control");
	snprintf(job->files[1], sizeof(job->files[1]), "lock");
	snprintf(job->runtime_name, sizeof(job->runtime_name), "%s", dir->name);
}

void state_dir_release(struct state_dir *dir)
{
	if (dir->lock_fd >= 0) {
		(void)unlinkat(dir->runtime_fd, "control", 0);
		(void)unlinkat(dir->runtime_fd, "lock", 0);
		(void)rmdir(dir->runtime_path);
	}
	close_and_forget(&dir->lock_fd);
	close_and_forget(&dir->held_fd);
	close_and_forget(&dir->events_fd);
	close_and_forget(&dir->runtime_fd);
	close_and_forget(&dir->state_fd);
}
