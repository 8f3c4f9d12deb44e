/* SPDX-License-Identifier: Apache-2.0 */
/* base: the few idioms that every room of heapward uses: cleanup attributes, hand-over of descriptors, units of
 * time and size. Knows no other header of ours. An assert stays in release builds: a bug must not live on. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef NDEBUG
#error "heapward is built with asserts on: a bug stops the program, it does not go on"
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define UNUSED __attribute__((unused))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Times are microseconds of CLOCK_BOOTTIME in int64_t, named *_usec; wall-clock times are named *_realtime_usec. */
#define USEC_PER_MSEC ((int64_t)1000)
#define USEC_PER_SEC ((int64_t)1000000)
#define USEC_NEVER INT64_MAX

/* A size that is not limited ("none", "max") and a number nobody knows. */
#define SIZE_NONE UINT64_MAX
#define SIZE_UNKNOWN (UINT64_MAX - 1)

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

/* `cleanup_fd int fd = -1;` closes on every way out; hand it over only with TAKE_FD. */
#define cleanup_fd __attribute__((__cleanup__(cleanup_close)))
#define cleanup_free __attribute__((__cleanup__(cleanup_free_pointer)))
#define cleanup(finish) __attribute__((__cleanup__(finish)))

static inline int take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static inline void *take_pointer(void *pointer)
{
	void *taken = *(void **)pointer;
	*(void **)pointer = NULL;
	return taken;
}

#define TAKE_FD(fd) take_fd(&(fd))
#define TAKE_POINTER(pointer) ((__typeof__(pointer))take_pointer(&(pointer)))

#endif
