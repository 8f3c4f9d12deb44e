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

/* The errno of connecting to `path`; 0: somebody accepted. */
static int try_to_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return fd < 0 ? errno : ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

enum listen_path listen_path_look(const char *path)
{
	struct stat status;
	if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? LISTEN_PATH_FREE : LISTEN_PATH_FOREIGN;
	if (!S_ISSOCK(status.st_mode)) {
		errno = 0;
		return LISTEN_PATH_FOREIGN;
	}
	/* EAGAIN: a full queue; EPROTOTYPE: a datagram socket. Both are somebody's. */
	return try_to_connect(path) == ECONNREFUSED ? LISTEN_PATH_STALE : LISTEN_PATH_IN_USE;
}

bool listen_path_remove_stale(const char *path)
{
	enum listen_path found = listen_path_look(path);
	if (found == LISTEN_PATH_STALE)
		return unlink(path) == 0 || errno == ENOENT;
	return found == LISTEN_PATH_FREE;
}
