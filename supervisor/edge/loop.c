/* SPDX-License-Identifier: Apache-2.0 */
/* loop: epoll and a timerfd; see loop.h. */
#include "supervisor/edge/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

static int64_t clock_usec(clockid_t clock)
{
	struct timespec now;
	int result = clock_gettime(clock, &now);
	assert(result == 0);
	return (int64_t)now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

int64_t loop_now_usec(void)
{
	return clock_usec(CLOCK_BOOTTIME);
}

int64_t loop_now_awake_usec(void)
{
	return clock_usec(CLOCK_MONOTONIC);
}

int64_t loop_now_realtime_usec(void)
{
	return clock_usec(CLOCK_REALTIME);
}

/* The deadline itself is the caller's business: being woken is all that is needed. */
static void timer_ready(struct source *source, uint32_t events UNUSED)
{
	struct loop *loop = source->owner;
	uint64_t expirations;
	if (read(source->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		loop->armed_usec = USEC_NEVER;
}

int loop_init(struct loop *loop, struct failure *why)
{
	*loop = (struct loop){ .epoll_fd = -1, .timer_fd = -1, .armed_usec = USEC_NEVER };
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return failed(why, errno, "epoll_create1");
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return failed(why, errno, "timerfd_create");
	loop->timer = (struct source){ .fd = loop->timer_fd, .ready = timer_ready, .owner = loop };
	return loop_add(loop, &loop->timer, EPOLLIN, why);
}

void loop_finish(struct loop *loop)
{
	cleanup_close(&loop->timer_fd);
	cleanup_close(&loop->epoll_fd);
	loop->timer_fd = loop->epoll_fd = -1;
}

static int control(struct loop *loop, int operation, struct source *source, uint32_t events, struct failure *why)
{
	struct epoll_event event = { .events = events, .data.ptr = source };
	if (epoll_ctl(loop->epoll_fd, operation, source->fd, &event) < 0)
		return failed(why, errno, "epoll_ctl");
	return 0;
}

int loop_add(struct loop *loop, struct source *source, uint32_t events, struct failure *why)
{
	assert(source->fd >= 0 && source->ready != NULL);
	return control(loop, EPOLL_CTL_ADD, source, events, why);
}

int loop_change(struct loop *loop, struct source *source, uint32_t events, struct failure *why)
{
	return control(loop, EPOLL_CTL_MOD, source, events, why);
}

void loop_remove(struct loop *loop, struct source *source)
{
	struct failure ignored; /* a descriptor that was never added, or that epoll refuses: nothing to remove */
	if (source->fd >= 0)
		(void)control(loop, EPOLL_CTL_DEL, source, 0, &ignored);
	for (int i = 0; i < loop->batch_count; i++)
		if (loop->batch[i] == source)
			loop->batch[i] = NULL;
}

static int arm(struct loop *loop, int64_t deadline_usec, struct failure *why)
{
	struct itimerspec when = { 0 };
	if (deadline_usec == loop->armed_usec)
		return 0;
	if (deadline_usec != USEC_NEVER) {
		/* All zero would disarm: a deadline in the past is one nanosecond after the clock's start. */
		when.it_value.tv_sec = deadline_usec > 0 ? deadline_usec / USEC_PER_SEC : 0;
		when.it_value.tv_nsec = deadline_usec > 0 ? deadline_usec % USEC_PER_SEC * 1000 : 0;
		if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
			when.it_value.tv_nsec = 1;
	}
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0)
		return failed(why, errno, "timerfd_settime");
	loop->armed_usec = deadline_usec;
	return 0;
}

int loop_wait(struct loop *loop, int64_t deadline_usec, struct failure *why)
{
	struct epoll_event events[ARRAY_LEN(loop->batch)];
	if (arm(loop, deadline_usec, why) < 0)
		return -1;
	int count = epoll_wait(loop->epoll_fd, events, ARRAY_LEN(events), -1);
	if (count < 0)
		return errno == EINTR ? 0 : failed(why, errno, "epoll_wait");
	for (int i = 0; i < count; i++)
		loop->batch[i] = events[i].data.ptr;
	loop->batch_count = count;
	for (int i = 0; i < count; i++)
		if (loop->batch[i] != NULL)
			loop->batch[i]->ready(loop->batch[i], events[i].events);
	loop->batch_count = 0;
	return 0;
}
