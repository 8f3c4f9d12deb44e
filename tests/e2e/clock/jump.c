/* SPDX-License-Identifier: Apache-2.0 */
/* jump: a calendar that can be set, for one process: preloaded, it moves CLOCK_REALTIME by the seconds in the file that
 * CLOCK_JUMP names. Every other clock stays. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long jumped_seconds(void)
{
	char text[32] = "";
	const char *path = getenv("CLOCK_JUMP");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	long result = syscall(SYS_clock_gettime, clock, now);
	if (result == 0 && clock == CLOCK_REALTIME)
		now->tv_sec += jumped_seconds();
	return (int)result;
}
