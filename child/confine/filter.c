/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the system-call filter, as the last step before exec, and its listener on its way to the supervisor. From the moment
 * that the filter is on it judges this thread too, and a call that it denies waits for a supervisor who has no listener yet:
 * so the sending is done by another thread, which the filter is not on. Exec ends that thread. Where it cannot send (other
 * processes of the user keep all descriptors in flight that it may have), it says so and ends the child: nobody would hear of
 * what the filter denies. */
#include "child/confine/confine.h"
#include "supervisor/wire/launch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_AGAIN_NSEC (50 * 1000)
#define TURNS_MAX (20 * 1000 * 1000) /* some ten milliseconds: then the other thread may need our processor */

enum { NOTHING_YET, SEND, SENT };

/* Between the two threads. What is to be sent is set before `state` becomes SEND. */
struct messenger {
	atomic_int state;
	int listener; /* -1: none; then `error` is why */
	int error;
};

static int send_listener(const struct messenger *messenger)
{
	struct launch_report report = {
		.kind = messenger->listener >= 0 ? LAUNCH_REPORT_LISTENER : LAUNCH_REPORT_NO_LISTENER,
		.step = LAUNCH_STEP_SECCOMP,
		.error = messenger->error,
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) } };
	unsigned char packet[sizeof(report)];
	struct iovec part = { .iov_base = packet, .iov_len = launch_report_encode(&report, packet, sizeof(packet)) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	memcpy(CMSG_DATA(&control.header), &messenger->listener, sizeof(int));
	if (messenger->listener >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
	}
	return sendmsg(confine_report_fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int unsent(struct launch_report *report, int error)
{
	return confine_failed(report, error, "the filter's listener cannot be sent to the supervisor%s",
			      error == ETOOMANYREFS ? ": other processes of this user have too many descriptors in flight" : "");
}

/* By the other thread: what the first one would say, the filter judges. */
static __attribute__((noreturn)) void give_up(int error)
{
	struct launch_report report = { .kind = LAUNCH_REPORT_FAILED, .step = LAUNCH_STEP_SECCOMP };
	unsigned char packet[sizeof(report)];
	unsent(&report, error);
	(void)!send(confine_report_fd, packet, launch_report_encode(&report, packet, sizeof(packet)), MSG_NOSIGNAL);
	_exit(CONFINE_STATUS_CANNOT_EXECUTE);
}

static void *carry(void *argument)
{
	struct messenger *messenger = argument;
	const struct timespec pause = { .tv_nsec = LOOK_AGAIN_NSEC };
	while (atomic_load(&messenger->state) != SEND)
		nanosleep(&pause, NULL);
	if (send_listener(messenger) < 0)
		give_up(errno);
	atomic_store(&messenger->state, SENT);
	return NULL;
}

/* Without a call as long as it goes: each would be judged, and this one, where it is denied, told. */
static void hand_over(struct messenger *messenger, int listener, int error)
{
	messenger->listener = listener;
	messenger->error = error;
	atomic_store(&messenger->state, SEND);
	for (long turns = 0; atomic_load(&messenger->state) != SENT; turns++)
		if (turns > TURNS_MAX)
			sched_yield();
}

/* The listener's descriptor, which exec closes, or -1. A signal that comes while the supervisor looks at a call does not make the
 * caller repeat it, where the kernel can do so (5.19). */
static int load_with_listener(const struct sock_fprog *program)
{
	unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
	if (listener < 0 && errno == EINVAL)
		listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, program);
	return listener;
}

/* Where nobody would answer, the filter answers by itself. What is firm does not pass. */
static void answer_alone(struct sock_fprog *program, uint32_t answer)
{
	uint32_t firm = answer == SECCOMP_RET_LOG ? SECCOMP_RET_ERRNO | EPERM : answer;
	for (size_t i = 0; i < program->len; i++) {
		struct sock_filter *instruction = &program->filter[i];
		if (instruction->code != (BPF_RET | BPF_K))
			continue;
		if (instruction->k == SECCOMP_RET_USER_NOTIF)
			instruction->k = answer;
		else if (instruction->k == (SECCOMP_RET_USER_NOTIF | LAUNCH_FILTER_FIRM))
			instruction->k = firm;
	}
}

static int load(const struct sock_fprog *program, struct launch_report *report)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) < 0)
		return confine_failed(report, errno, "PR_SET_SECCOMP");
	return 0;
}

static int load_unheard(const struct launch *launch, struct sock_fprog *program, int error, struct launch_report *report)
{
	if (send_listener(&(struct messenger){ .listener = -1, .error = error }) < 0)
		return unsent(report, errno);
	answer_alone(program, launch->unheard);
	return load(program, report);
}

/* Another filter above us may have a listener already (EBUSY), the kernel know none (EINVAL), or limits.tasks allow no
 * second thread (EAGAIN). */
static int load_and_send(const struct launch *launch, struct sock_fprog *program, struct launch_report *report)
{
	static struct messenger messenger = { .listener = -1 }; /* the thread looks at it until exec, also where this has returned */
	pthread_t thread;
	int error = pthread_create(&thread, NULL, carry, &messenger);
	if (error != 0)
		return load_unheard(launch, program, error, report);
	int listener = load_with_listener(program);
	if (listener < 0)
		return load_unheard(launch, program, errno, report); /* the thread, with nothing to carry, ends by exec */
	hand_over(&messenger, listener, 0);
	return 0;
}

int confine_seccomp(const struct launch *launch, struct launch_report *report)
{
	struct sock_fprog program = {
		.len = (unsigned short)(launch->filter_bytes / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)(void *)launch->filter,
	};
	if (launch->filter == NULL)
		return 0;
	if (launch->filter_bytes % sizeof(struct sock_filter) != 0 || launch->filter_bytes / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return confine_failed(report, 0, "a filter of %zu bytes", launch->filter_bytes);
	return launch->set_listener ? load_and_send(launch, &program, report) : load(&program, report);
}
