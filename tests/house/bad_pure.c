/* SPDX-License-Identifier: Apache-2.0 */
/* bad_pure: an object that is everything but pure, so that the self-test sees house:pure fail by name. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int bad_pure(const char *path);

int bad_pure(const char *path)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (getenv("HOME") == NULL)
		return -1;
	return (int)write(open(path, O_WRONLY | O_CLOEXEC), path, (size_t)(now.tv_nsec & 1));
}
