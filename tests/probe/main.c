/* SPDX-License-Identifier: Apache-2.0 */
/* heapward-probe: runs the acts one by one and prints a line each, parts separated by tabs:
 *   name  call  expected  outcome (through | denied | absent | killed)  word (errno or signal)  what
 * usage: heapward-probe TARGETS [ACT]...    TARGETS: the file of probe.h; waits until it is there
 *        heapward-probe --outsider FILE     the process of the same user: writes the signals that it gets into FILE, and
 *                                           listens on an abstract socket that is named after its pid
 *        heapward-probe --gained            exits 0 where exec has brought capabilities */
#include "tests/probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ACT_SEC 10
#define TARGETS_MSEC 20000
#define LIFE_SEC 600

int tried(long result)
{
	return result < 0 ? errno : THROUGH;
}

int tried_past(long result, int passed)
{
	return result < 0 && errno != passed ? errno : THROUGH;
}

pid_t decoy(void)
{
	pid_t parent = getpid(), pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		pause();
	_exit(0);
}

static char remove_at_end[4][256];

static void remove_own(void)
{
	for (size_t i = 0; i < ARRAY_LEN(remove_at_end); i++)
		if (remove_at_end[i][0] != '\0')
			remove(remove_at_end[i]);
}

static void note_own(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(remove_at_end); i++) {
		if (remove_at_end[i][0] == '\0') {
			snprintf(remove_at_end[i], sizeof(remove_at_end[i]), "%s", path);
			return;
		}
	}
	abort();
}

int own_file(char *path, size_t size)
{
	snprintf(path, size, "probe-file-XXXXXX");
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		note_own(path);
	return fd;
}

int own_directory(char *path, size_t size)
{
	snprintf(path, size, "probe-directory-XXXXXX");
	if (mkdtemp(path) == NULL)
		return -1;
	note_own(path);
	return 0;
}

bool read_line(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (length < 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static void take_text(struct targets *at, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **text;
	} texts[] = {
		{ "signals", &at->signals }, { "heapward", &at->heapward }, { "name", &at->name }, { "neighbour", &at->neighbour },
		{ "state", &at->state }, { "neighbour-state", &at->neighbour_state }, { "policy", &at->policy },
		{ "child", &at->child }, { "agent", &at->agent }, { "program", &at->program },
		{ "secret", &at->secret },
	};
	static const char *const pids[TARGETS] = { "supervisor-pid", "keeper-pid", "neighbour-pid", "outsider-pid" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(key, texts[i].key) == 0)
			*texts[i].text = value;
	for (size_t i = 0; i < TARGETS; i++)
		if (strcmp(key, pids[i]) == 0)
			at->pids[i] = (pid_t)strtol(value, NULL, 10);
}

/* Written under another name and renamed, so that it is whole once it is there. */
static int read_targets(const char *path, struct targets *at)
{
	static char text[4096];
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };
	int fd = -1;
	for (int waited = 0; fd < 0 && waited < TARGETS_MSEC; waited += 10) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			nanosleep(&pause, NULL);
	}
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		char *value = strchr(line, '=');
		if (value == NULL)
			continue;
		*value = '\0';
		take_text(at, line, value + 1);
	}
	for (size_t i = 0; i < TARGETS; i++)
		if (at->pids[i] <= 1) /* kill(0) would be ourselves */
			return -1;
	return at->name != NULL && at->state != NULL && at->heapward != NULL ? 0 : -1;
}

static _Noreturn void perform(const struct act *act, const struct targets *at)
{
	alarm(ACT_SEC);
	int result = act->run(at, act->number, act->text);
	remove_own();
	_exit(result);
}

static void report(const struct act *act, int status)
{
	int result = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	const char *outcome = "denied", *word = "";
	if (result < 0) {
		outcome = "killed";
		word = sigabbrev_np(WTERMSIG(status));
	} else if (result == THROUGH) {
		outcome = "through";
	} else if (result == ABSENT) {
		outcome = "absent";
	} else {
		word = strerrorname_np(result);
	}
	printf("%s\t%s\t%s\t%s\t%s\t%s\n", act->name, act->call, act->expected, outcome, word == NULL ? "?" : word, act->what);
	fflush(stdout);
}

static bool is_wanted(const struct act *act, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], act->name) == 0)
			return true;
	return count == 0;
}

static int run_acts(const char *path, int count, char **names)
{
	struct targets at = { 0 };
	if (read_targets(path, &at) < 0) {
		fprintf(stderr, "heapward-probe: %s does not name every target\n", path);
		return 2;
	}
	for (size_t i = 0; i < act_count; i++) {
		int status;
		if (!is_wanted(&acts[i], count, names))
			continue;
		pid_t pid = fork();
		if (pid == 0)
			perform(&acts[i], &at);
		if (pid < 0 || waitpid(pid, &status, 0) != pid) {
			perror("heapward-probe: fork");
			return 2;
		}
		report(&acts[i], status);
	}
	puts("end");
	return 0;
}

static int listen_abstract(void)
{
	struct sockaddr_un address;
	socklen_t length = abstract_address(&address, getpid());
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0)
		return -1;
	return listen(fd, 8);
}

static int be_outsider(const char *path)
{
	const struct timespec life = { .tv_sec = LIFE_SEC };
	sigset_t all;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigfillset(&all);
	sigdelset(&all, SIGTERM);
	sigprocmask(SIG_SETMASK, &all, NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return 2;
	if (listen_abstract() < 0)
		return 2;
	for (int number; (number = sigtimedwait(&all, NULL, &life)) > 0 || errno == EINTR;) /* stopped and continued */
		if (number > 0)
			dprintf(fd, "%d\n", number);
	return 0;
}

static int tell_gain(void)
{
	cap_flag_value_t flag = CAP_CLEAR;
	cap_t caps = cap_get_proc();
	return caps != NULL && cap_get_flag(caps, CAP_DAC_OVERRIDE, CAP_EFFECTIVE, &flag) == 0 && flag == CAP_SET ? 0 : EPERM;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--gained") == 0)
		return tell_gain();
	if (argc == 3 && strcmp(argv[1], "--outsider") == 0)
		return be_outsider(argv[2]);
	if (argc < 2 || argv[1][0] == '-') {
		fputs("usage: heapward-probe TARGETS [ACT]...\n", stderr);
		return 2;
	}
	return run_acts(argv[1], argc - 2, argv + 2);
}
