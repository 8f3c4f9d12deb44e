/* SPDX-License-Identifier: Apache-2.0 */
/* notify: see notify.h. */
#include "supervisor/edge/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1ul
#endif

/* A newer kernel's struct is longer, and is refused where there is no room for it. */
union request {
	struct seccomp_notif notif;
	unsigned char room[512];
};

union reply {
	struct seccomp_notif_resp resp;
	unsigned char room[512];
};

void notify_clear(struct notify *notify)
{
	*notify = (struct notify){ .source = { .fd = -1 }, .resume_usec = USEC_NEVER };
}

static void answer(struct notify *notify, uint64_t id, enum notify_answer answer)
{
	union reply reply = { .resp = { .id = id } };
	if (answer == NOTIFY_HOLD)
		return;
	if (answer == NOTIFY_PASS)
		reply.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else
		reply.resp.error = answer == NOTIFY_ABSENT ? -ENOSYS : -EPERM;
	/* ENOENT: the caller has ended, or a signal took it out of its call. */
	(void)ioctl(notify->source.fd, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* One call for each time that the descriptor is ready: where none waits, the kernel would have us wait. */
static void take_one(struct notify *notify)
{
	union request request;
	memset(&request, 0, sizeof(request));
	if (ioctl(notify->source.fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) {
		if (errno != EINTR && errno != ENOENT) /* ENOENT: the caller has ended meanwhile. Anything else would come again */
			notify_finish(notify);
		return;
	}
	struct notification notification = {
		.id = request.notif.id,
		.pid = (int32_t)request.notif.pid,
		.architecture = request.notif.data.arch,
		.number = request.notif.data.nr,
	};
	for (size_t i = 0; i < NOTIFY_ARGUMENTS; i++)
		notification.arguments[i] = request.notif.data.args[i];
	answer(notify, notification.id, notify->asked(notify, &notification));
}

static void ready(struct source *source, uint32_t events)
{
	struct notify *notify = source->owner;
	if ((events & EPOLLIN) != 0)
		take_one(notify);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		notify_finish(notify);
}

/* The sizes that this kernel reads and writes. */
static int check_sizes(struct failure *why)
{
	struct seccomp_notif_sizes sizes;
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return failed(why, errno, "SECCOMP_GET_NOTIF_SIZES");
	if (sizes.seccomp_notif > sizeof(union request) || sizes.seccomp_notif_resp > sizeof(union reply))
		return failed(why, 0, "this kernel's notifications are larger than heapward knows");
	return 0;
}

int notify_start(struct notify *notify, struct loop *loop, int fd, struct failure *why)
{
	notify->loop = loop;
	notify->source = (struct source){ .fd = fd, .ready = ready, .owner = notify };
	notify->resume_usec = USEC_NEVER;
	if (check_sizes(why) == 0 && loop_add(loop, &notify->source, EPOLLIN, why) == 0)
		return 0;
	close(TAKE_FD(notify->source.fd));
	return failed_in(why, "listener");
}

void notify_finish(struct notify *notify)
{
	if (notify->source.fd < 0)
		return;
	loop_remove(notify->loop, &notify->source);
	close(TAKE_FD(notify->source.fd));
	notify->resume_usec = USEC_NEVER;
}

void notify_take_turns(const struct notify *notify)
{
	if (notify->source.fd >= 0)
		(void)ioctl(notify->source.fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

void notify_pause(struct notify *notify, int64_t until_usec)
{
	struct failure ignored; /* then it is not paused */
	if (notify->source.fd >= 0 && loop_change(notify->loop, &notify->source, 0, &ignored) == 0)
		notify->resume_usec = until_usec;
}

int64_t notify_deadline(const struct notify *notify)
{
	return notify->resume_usec;
}

void notify_tick(struct notify *notify, int64_t now_usec)
{
	struct failure ignored;
	if (now_usec < notify->resume_usec)
		return;
	notify->resume_usec = USEC_NEVER;
	if (loop_change(notify->loop, &notify->source, EPOLLIN, &ignored) < 0)
		notify_finish(notify);
}

static bool still_waits(const struct notify *notify, const struct notification *notification)
{
	uint64_t id = notification->id;
	return ioctl(notify->source.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* The caller may be any thread of its process; 0: out of sight. */
static int32_t process_of(int32_t thread)
{
	char path[32], line[64];
	int32_t process = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", thread);
	FILE *file = thread > 0 ? fopen(path, "re") : NULL;
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Tgid: %d", &process) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return process;
}

int32_t notify_process(const struct notify *notify, const struct notification *notification, char ret_comm[static NOTIFY_COMM_MAX])
{
	char path[32];
	int32_t process = process_of(notification->pid);
	snprintf(path, sizeof(path), "/proc/%d/comm", process);
	cleanup_fd int fd = process > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t length = fd < 0 ? 0 : read(fd, ret_comm, NOTIFY_COMM_MAX - 1);
	bool sure = still_waits(notify, notification);
	ret_comm[length > 0 && sure ? length : 0] = '\0';
	ret_comm[strcspn(ret_comm, "\n")] = '\0';
	return sure && process > 0 ? process : notification->pid;
}

int notify_open_process(const struct notify *notify, const struct notification *notification)
{
	int32_t process = process_of(notification->pid);
	cleanup_fd int fd = process > 0 ? (int)syscall(SYS_pidfd_open, process, 0) : -1;
	return fd >= 0 && still_waits(notify, notification) ? TAKE_FD(fd) : -1;
}
