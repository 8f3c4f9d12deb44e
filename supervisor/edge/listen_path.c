/* SPDX-License-Identifier: Apache-2.0 */
/* listen_path: see listen_path.h. */
#include "supervisor/edge/listen_path.h"
#include "supervisor/types/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

const char *listen_path_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

int listen_path_folder(const char *path)
{
	char folder[LISTEN_PATH_MAX] = "/";
	size_t length = (size_t)(listen_path_name(path) - path);
	if (length > 1) {
		memcpy(folder, path, length - 1);
		folder[length - 1] = '\0';
	}
	return open(folder, FOLDER_FLAGS);
}

/* "/proc/self/fd/7" */
static void name_descriptor(int fd, char *text)
{
	char digits[16];
	size_t count = 0;
	do
		digits[count++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	text = stpcpy(text, "/proc/self/fd/");
	while (count > 0)
		*text++ = digits[--count];
	*text = '\0';
}

int listen_path_bind(int socket_fd, int folder_fd, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	name_descriptor(folder_fd, address.sun_path);
	size_t length = strlen(address.sun_path), name_length = strlen(name);
	if (length + 1 + name_length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	address.sun_path[length] = '/';
	memcpy(address.sun_path + length + 1, name, name_length);
	return bind(socket_fd, (struct sockaddr *)&address, sizeof(address));
}

/* The errno of connecting to the socket that is held; 0: somebody accepted. By its descriptor: the name may be another's by now. */
static int try_to_connect(int socket_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	name_descriptor(socket_fd, address.sun_path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static enum listen_path look(int folder_fd, const char *name, struct stat *ret)
{
	cleanup_fd int fd = openat(folder_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, ret) < 0)
		return errno == ENOENT ? LISTEN_PATH_FREE : LISTEN_PATH_FOREIGN;
	if (!S_ISSOCK(ret->st_mode)) {
		errno = 0;
		return LISTEN_PATH_FOREIGN;
	}
	/* EAGAIN: a full queue; EPROTOTYPE: a datagram socket. Both are somebody's. */
	return try_to_connect(fd) == ECONNREFUSED ? LISTEN_PATH_STALE : LISTEN_PATH_IN_USE;
}

enum listen_path listen_path_look(int folder_fd, const char *name)
{
	struct stat status;
	return look(folder_fd, name, &status);
}

void listen_path_remove_stale(int folder_fd, const char *name, uint64_t dev, uint64_t ino)
{
	struct stat status;
	if (look(folder_fd, name, &status) == LISTEN_PATH_STALE && status.st_dev == dev && status.st_ino == ino)
		unlinkat(folder_fd, name, 0);
}
