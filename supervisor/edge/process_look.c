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

static bool has_pending(const char *status, const char *key, int signal)
{
	return (strtoull(find(status, key), NULL, 16) >> (signal - 1) & 1) != 0;
}

struct process_look process_look_parse(const char *status)
{
	char state = find(status, "\nState:")[0];
	bool known = state != '\0' && strchr("RSDTt", state) != NULL;
	bool killed = has_pending(status, "\nSigPnd:", SIGKILL) || has_pending(status, "\nShdPnd:", SIGKILL);
	return (struct process_look){ .gone = state == 'Z' || state == 'X',
				      .ending = killed || find(status, "\nVmSize:")[0] == '\0',
				      .state = known ? state : '\0',
				      .tracer_pid = (int32_t)strtol(find(status, "\nTracerPid:"), NULL, 10) };
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
	return process_look_parse(text);
}
