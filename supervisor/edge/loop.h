/* SPDX-License-Identifier: Apache-2.0 */
/* loop: one epoll, one absolute deadline. It wakes only when a descriptor is ready or the deadline has come; an idle
 * service costs no wake-up. A callback turns readiness into an event and does nothing else. */
#ifndef SUPERVISOR_EDGE_LOOP_H
#define SUPERVISOR_EDGE_LOOP_H

#include "base/failure.h"

/* One watched descriptor. It lives in its owner's struct and must not move or go while it is watched. */
struct source {
	int fd;
	void (*ready)(struct source *source, uint32_t events); /* EPOLL* */
	void *owner;
};

struct loop {
	int epoll_fd, timer_fd;
	struct source timer;
	int64_t armed_usec;
	struct source *batch[32]; /* of the wait under way; NULL once removed in it */
	int batch_count;
};

int loop_init(struct loop *loop, struct failure *why);
void loop_finish(struct loop *loop);

/* Watches source->fd for `events` (EPOLLIN, EPOLLPRI, ...; level-triggered). */
int loop_add(struct loop *loop, struct source *source, uint32_t events, struct failure *why);
int loop_change(struct loop *loop, struct source *source, uint32_t events, struct failure *why);

/* Stops watching; safe from inside a callback, also for another source of the same wake-up; does not close the fd. */
void loop_remove(struct loop *loop, struct source *source);

/* Waits until something is ready or `deadline_usec` (loop_now_usec's clock; USEC_NEVER: no deadline) has come, and
 * runs the callbacks. Returns 0, or -1 where epoll itself failed. */
int loop_wait(struct loop *loop, int64_t deadline_usec, struct failure *why);

/* CLOCK_BOOTTIME, CLOCK_MONOTONIC (which stands still while the machine sleeps) and CLOCK_REALTIME in microseconds. */
int64_t loop_now_usec(void);
int64_t loop_now_awake_usec(void);
int64_t loop_now_realtime_usec(void);

#endif
