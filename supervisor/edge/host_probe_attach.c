/* SPDX-License-Identifier: Apache-2.0 */
/* host_probe_attach: whether this kernel lets anybody put a filter on its own TCP socket, as most do, or only who has CAP_NET_ADMIN. Tried by
 * nobody, in a child that then ends. */
#include "supervisor/edge/host_probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define NOBODY 65534

static bool nobody_attaches(void)
{
	static struct sock_filter takes_all[] = { BPF_STMT(BPF_RET | BPF_K, UINT32_MAX) };
	const struct sock_fprog filter = { ARRAY_LEN(takes_all), takes_all };
	cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* of others all kernels take it */
	return setresuid(NOBODY, NOBODY, NOBODY) == 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0;
}

bool host_probe_attach_takes_admin(void)
{
	int status;
	pid_t child = fork();
	if (child == 0)
		_exit(nobody_attaches() ? 0 : 1);
	if (child < 0)
		return true;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return true;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
