/* SPDX-License-Identifier: Apache-2.0 */
/* notify MESSAGE [hold]: sends it to NOTIFY_SOCKET, as sd_notify(3) does: '@' stands for the NUL of a name without a path. Exits 0
 * once it is sent, or holds on. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *socket_name = getenv("NOTIFY_SOCKET");
	if (argc < 2 || socket_name == NULL || strlen(socket_name) >= sizeof(name.sun_path))
		return 2;
	memcpy(name.sun_path, socket_name, strlen(socket_name));
	if (name.sun_path[0] == '@')
		name.sun_path[0] = '\0';
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(socket_name));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t sent = sendto(fd, argv[1], strlen(argv[1]), MSG_NOSIGNAL, (struct sockaddr *)&name, length);
	if (argc > 2)
		pause();
	return sent == (ssize_t)strlen(argv[1]) ? 0 : 1;
}
