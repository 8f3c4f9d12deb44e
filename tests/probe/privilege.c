/* SPDX-License-Identifier: Apache-2.0 */
/* privilege: other users, capabilities, devices, priorities, terminals. See probe.h. */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Root for an ordinary user; for a worker that is root without its capabilities, anybody else. */
static unsigned somebody_else(void)
{
	return getuid() == 0 ? 2 : 0;
}

ACT(other_user)
{
	uid_t id = somebody_else();
	return tried(setresuid(id, id, id));
}

ACT(other_group)
{
	gid_t id = getgid() == 0 ? 2 : 0;
	return tried(setresgid(id, id, id));
}

ACT(other_groups)
{
	const gid_t groups[] = { 0, 4, 6 }; /* those of logs and disks among them */
	return tried(setgroups(ARRAY_LEN(groups), groups));
}

/* Says nothing of its success but by asking again. */
ACT(file_user)
{
	uid_t id = somebody_else();
	setfsuid(id);
	return (uid_t)setfsuid((uid_t)-1) == id ? THROUGH : EPERM;
}

/* Whatever the bounding set still has, in all three sets. */
ACT(take_capabilities)
{
	const cap_value_t wanted[] = { CAP_SYS_ADMIN, CAP_DAC_OVERRIDE };
	cap_t caps = cap_get_proc();
	if (caps == NULL || cap_set_flag(caps, CAP_PERMITTED, 2, wanted, CAP_SET) < 0 ||
	    cap_set_flag(caps, CAP_EFFECTIVE, 2, wanted, CAP_SET) < 0)
		return ABSENT;
	return tried(cap_set_proc(caps));
}

ACT(ambient_capability)
{
	const cap_value_t wanted[] = { CAP_NET_ADMIN };
	cap_t caps = cap_get_proc();
	if (caps != NULL && cap_set_flag(caps, CAP_INHERITABLE, 1, wanted, CAP_SET) == 0)
		(void)cap_set_proc(caps);
	return tried(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0));
}

ACT(secure_bits)
{
	return tried(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
}

/* A program that belongs to root and has its set-user-ID bit. */
ACT(gain_by_exec)
{
	if (at->program == NULL)
		return ABSENT;
	execl(at->program, "gain", "--gained", NULL);
	return errno;
}

/* The null device, or the first disk, under another name. */
ACT(make_device)
{
	char path[64];
	snprintf(path, sizeof(path), "probe-device-%d", getpid());
	mode_t kind = number == 'b' ? S_IFBLK : S_IFCHR;
	int result = tried(mknod(path, kind | 0600, number == 'b' ? makedev(254, 0) : makedev(1, 3)));
	unlink(path);
	return result;
}

ACT(give_away)
{
	char path[64];
	int fd = own_file(path, sizeof(path));
	return fd < 0 ? ABSENT : tried(fchown(fd, somebody_else(), (gid_t)-1));
}

/* What its directory's other users would then run as its owner. */
ACT(set_user_id_bit)
{
	char path[64];
	struct stat about;
	int fd = own_file(path, sizeof(path));
	if (fd < 0)
		return ABSENT;
	if (fchmod(fd, 04755) < 0)
		return errno;
	return fstat(fd, &about) == 0 && (about.st_mode & S_ISUID) != 0 ? THROUGH : EPERM;
}

/* With open's own mode, which no umask takes these bits from. */
ACT(create_set_user_id)
{
	char path[64];
	struct stat about;
	int first = own_file(path, sizeof(path));
	if (first < 0 || unlink(path) < 0)
		return ABSENT;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04755);
	if (fd < 0)
		return errno;
	return fstat(fd, &about) == 0 && (about.st_mode & S_ISUID) != 0 ? THROUGH : EPERM;
}

ACT(file_capability)
{
	const struct vfs_cap_data data = { .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
					   .data[0].permitted = 1u << CAP_NET_RAW };
	char path[64];
	int fd = own_file(path, sizeof(path));
	return fd < 0 ? ABSENT : tried(fsetxattr(fd, "security.capability", &data, sizeof(data), 0));
}

ACT(trusted_attribute)
{
	char path[64];
	int fd = own_file(path, sizeof(path));
	return fd < 0 ? ABSENT : tried(fsetxattr(fd, "trusted.probe", "x", 1, 0));
}

ACT(real_time)
{
	const struct sched_param first = { .sched_priority = 1 };
	return tried(sched_setscheduler(0, (int)number, &first));
}

ACT(nicer)
{
	return tried(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 5));
}

ACT(real_time_disk)
{
	const int process = 1, real_time_class = 1 << 13;
	return tried(syscall(SYS_ioprio_set, process, 0, real_time_class | 4));
}

#define NOBODYS 0x7ffffff0 /* no user and no group has this number, which is found after the right */

ACT(disk_of_many)
{
	const int best_effort = 2 << 13;
	return tried_past(syscall(SYS_ioprio_set, number, NOBODYS, best_effort | 4), ESRCH);
}

ACT(priority_of_many)
{
	return tried_past(setpriority((int)number, NOBODYS, 0), ESRCH);
}

/* Less likely to be killed than the supervisor has it. */
ACT(oom_shield)
{
	char line[32];
	if (!read_line("/proc/self/oom_score_adj", line, sizeof(line)))
		return errno;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	return tried(dprintf(fd, "%ld", strtol(line, NULL, 10) - 50));
}

/* The name of a terminal of the act's own; its other end stays open. */
static bool make_terminal(char *name, size_t size)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 && ptsname_r(fd, name, size) == 0;
}

/* From another session, to which it belongs. */
ACT(steal_terminal)
{
	char name[64], byte;
	int ready[2];
	if (!make_terminal(name, sizeof(name)) || pipe(ready) < 0)
		return ABSENT;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(ready[1], open(name, O_RDWR) < 0 ? "n" : "y", 1);
		pause();
		_exit(0);
	}
	if (pid < 0 || read(ready[0], &byte, 1) != 1 || byte != 'y')
		return ABSENT;
	setsid();
	return tried(ioctl(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC), TIOCSCTTY, 1));
}

/* What the terminal's next reader takes for typed. */
ACT(push_terminal)
{
	char name[64];
	if (!make_terminal(name, sizeof(name)))
		return ABSENT;
	setsid();
	int fd = open(name, O_RDWR | O_CLOEXEC);
	return fd < 0 ? ABSENT : tried(ioctl(fd, (unsigned long)number, "x"));
}

ACT(raise_limit)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_max++;
	return tried(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Who opens the file from then on waits until it is given back. No descriptor to write is needed, so no wall is in the way. */
ACT(hold_lease)
{
	char path[64];
	int own = own_file(path, sizeof(path));
	if (own < 0)
		return ABSENT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	close(own);
	int result = fd < 0 ? ABSENT : tried(fcntl(fd, F_SETLEASE, (int)number));
	if (fd >= 0)
		close(fd);
	return result;
}

/* Which nobody can remove until it is taken back. */
ACT(immutable_file)
{
	char path[64];
	int flags, fd = own_file(path, sizeof(path));
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return ABSENT;
	int wanted = flags | FS_IMMUTABLE_FL;
	int result = tried(ioctl(fd, FS_IOC_SETFLAGS, &wanted));
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
	return result;
}

ACT(wake_machine)
{
	return tried(timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC));
}
