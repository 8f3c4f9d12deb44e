/* SPDX-License-Identifier: Apache-2.0 */
/* process_look: see process_look.h. */
#include "supervisor/edge/process_look.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* What stands behind "key:" and blanks; "" where the key is not there. A process cannot write a newline into its name. */
static const char *find(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	if (at == NULL)
		return "";
	at += strlen(key);
	return at + strspn(at, " \t");
}

struct process_look process_look(int32_t pid)
{
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (length <= 0) /* where /proc hides others' processes, kill() still knows them */
		return (struct process_look){ .gone = kill(pid, 0) < 0 && errno == ESRCH };
	text[length] = '\0';
	char state = find(text, "\nState:")[0];
	bool known = state != '\0' && strchr("RSDTt", state) != NULL;
	return (struct process_look){ .gone = state == 'Z' || state == 'X',
				      .state = known ? state : '\0',
				      .tracer_pid = (int32_t)strtol(find(text, "\nTracerPid:"), NULL, 10) };
}
