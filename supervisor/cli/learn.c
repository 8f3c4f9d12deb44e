/* SPDX-License-Identifier: Apache-2.0 */
/* learn: run, with a filter that shows the supervisor what the program calls, and then the list of it. */
#include "supervisor/cli/cli.h"
#include "supervisor/cli/run.h"
#include "supervisor/cli/syscalls.h"
#include "supervisor/core/policy.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/self.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

static const char usage[] =
	"[-o FILE] [OPTION]... [--] COMMAND [ARG]...\n"
	"Runs COMMAND (or service.command of the policy) as run does, lets every system\n"
	"call through, and writes those that it made as a list for sandbox.syscalls, with\n"
	"counts, when it ends or is stopped (Ctrl-C, SIGTERM, heapward stop). Put it\n"
	"under the load that it is to bear, and let it do all that it ever does; it runs\n"
	"slower meanwhile, and with no filter but this. What every program needs is in\n"
	"the list, seen or not.\n\n"
	"  -o FILE                the list, a new file; default: stdout, and COMMAND's\n"
	"                         own stdout goes to stderr\n"
	"  -p, --policy FILE      policy file; its sandbox.syscalls says how closely to\n"
	"                         look (default: server)\n"
	"  -n, --name NAME        name of the service; default: the directory's name\n"
	"  -m, --memory-max SIZE  memory.max, such as 512M\n"
	"  --set SECTION.KEY=VALUE\n\n"
	"Exits as run does; 2 where FILE is there already; 125 where nothing could be\n"
	"learnt or written.\n"
	"Then: heapward check --diff FILE.\n";

/* Reading it as a list is an error: it is not one until it is finished. */
static const char unfinished[] =
	"# heapward learn writes its list here when it ends; while this line stands it has not, or was killed\n"
	"unfinished\n";

struct lesson {
	struct learning learning;
	struct syscall_list base;
	const char *file; /* NULL: stdout */
	int fd;
	char name[POLICY_NAME_MAX], base_name[128], command[256], node[32], date[32];
	int64_t began_usec;
};

static int64_t clock_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

/* What the header says, before the setup is given away. */
static void note_source(struct lesson *lesson, const struct service_setup *setup)
{
	const struct host_runtime *runtime = &setup->host->runtime;
	time_t now = time(NULL);
	struct tm calendar;
	size_t length = 0;
	for (size_t i = 0; setup->command[i] != NULL && length < sizeof(lesson->command); i++)
		length += (size_t)snprintf(lesson->command + length, sizeof(lesson->command) - length, "%s%s",
					   i == 0 ? "" : " ", setup->command[i]);
	if (runtime->found && runtime->major > 0)
		snprintf(lesson->node, sizeof(lesson->node), "%d.%d.%d", runtime->major, runtime->minor,
			 runtime->patch);
	gmtime_r(&now, &calendar);
	strftime(lesson->date, sizeof(lesson->date), "%Y-%m-%dT%H:%M:%SZ", &calendar);
	snprintf(lesson->name, sizeof(lesson->name), "%s", setup->name);
	lesson->began_usec = clock_usec();
}

/* The list that a policy names is what is to become narrower; without one, what a policy would have by default. */
static int read_base(struct lesson *lesson, const struct service_setup *setup)
{
	const char *named = setup->policy->sandbox.syscalls;
	bool names = named != NULL && policy_filters(setup->policy);
	struct syscall_names library = filter_names();
	snprintf(lesson->base_name, sizeof(lesson->base_name), "%s", names ? named : "server");
	if (cli_read_syscalls(names ? named : "server", &lesson->base) < 0)
		return EXIT_USAGE;
	syscall_learnt_init(&lesson->learning.learnt, &lesson->base, &library);
	if (syscall_learnt_filter(&lesson->learning.learnt, &library, &lesson->learning.filter) == 0)
		return 0;
	fprintf(stderr, "heapward: %s: too many rules\n", lesson->base_name);
	return EXIT_USAGE;
}

static int complain(const struct lesson *lesson, const char *what)
{
	fprintf(stderr, "heapward: %s: %s: %s\n", lesson->name, lesson->file == NULL ? "stdout" : lesson->file, what);
	return EXIT_SUPERVISOR;
}

/* Opened now: later the supervisor may have given up the right to, and the work would be lost. */
static int open_output(struct lesson *lesson)
{
	lesson->fd = lesson->file == NULL ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
					  : open(lesson->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (lesson->fd < 0 && errno == EEXIST) {
		complain(lesson, "is there already; name another file, or remove it");
		return EXIT_USAGE;
	}
	if (lesson->fd < 0)
		return complain(lesson, strerror(errno));
	if (lesson->file == NULL)
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	else if (write(lesson->fd, unfinished, strlen(unfinished)) < 0)
		return complain(lesson, strerror(errno));
	return 0;
}

static int write_all(const struct lesson *lesson, const char *text)
{
	size_t length = strlen(text);
	if (lesson->file != NULL && (ftruncate(lesson->fd, 0) < 0 || lseek(lesson->fd, 0, SEEK_SET) < 0))
		return -1;
	for (size_t done = 0; done < length;) {
		ssize_t wrote = write(lesson->fd, text + done, length - done);
		if (wrote < 0 && errno != EINTR)
			return -1;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

static void say_done(const struct lesson *lesson, int64_t duration_usec)
{
	const struct syscall_learnt *learnt = &lesson->learning.learnt;
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	double seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	fprintf(stderr, "heapward: %s: learnt from %" PRIu64 " calls in %.1f s, of which heapward itself took %.1f s; ",
		lesson->name, learnt->total, (double)duration_usec / 1e6, seconds);
	if (lesson->file == NULL)
		fprintf(stderr, "wrote stdout\n");
	else
		fprintf(stderr, "wrote %s; heapward check --diff %s compares it\n", lesson->file, lesson->file);
}

/* Who writes where FILE is may have put another in its place. By now we may have no right to look: then that is said. */
static bool is_there(const struct lesson *lesson)
{
	struct stat ours, there;
	if (lesson->file == NULL)
		return true;
	if (stat(lesson->file, &there) < 0) {
		bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
		if (!gone)
			complain(lesson, "cannot be looked at any more: whether it is the list is not known");
		return !gone;
	}
	return fstat(lesson->fd, &ours) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static int write_list(const struct lesson *lesson, int status)
{
	struct utsname machine;
	char kernel[160];
	struct syscall_names names = filter_names();
	uname(&machine);
	snprintf(kernel, sizeof(kernel), "Linux %.64s %.64s", machine.release, machine.machine);
	struct syscall_learnt_source source = {
		.command = lesson->command,
		.node = lesson->node,
		.kernel = kernel,
		.date = lesson->date,
		.base = lesson->base_name,
		.file = lesson->file,
		.duration_usec = clock_usec() - lesson->began_usec,
		.workers = lesson->learning.workers,
	};
	cleanup_free char *text = syscall_learnt_text(&lesson->learning.learnt, &names, &source);
	if (text == NULL || write_all(lesson, text) < 0)
		return complain(lesson, strerror(text == NULL ? ENOMEM : errno));
	if (!is_there(lesson))
		return complain(lesson, "moved away or replaced meanwhile, and what is there now is not the list; learn it again, into a "
				"file outside of what COMMAND writes");
	say_done(lesson, source.duration_usec);
	return status;
}

static void remove_output(const struct lesson *lesson)
{
	if (lesson->file != NULL && lesson->fd >= 0 && is_there(lesson) && unlink(lesson->file) < 0)
		fprintf(stderr, "heapward: %s: cannot be removed: %s\n", lesson->file, strerror(errno));
}

/* After the run. */
static int finish(const struct lesson *lesson, int status)
{
	int refused = lesson->learning.refused;
	if (refused == 0 && lesson->learning.workers > 0)
		return write_list(lesson, status);
	remove_output(lesson);
	if (refused == 0)
		return status == EXIT_OK ? EXIT_SUPERVISOR : status;
	fprintf(stderr, "heapward: %s: nothing can be learnt here: %s\n", lesson->name,
		refused == EBUSY ? "a filter around heapward has its own listener" : strerror(refused));
	return EXIT_SUPERVISOR;
}

static int learn(const struct run_options *options, struct lesson *lesson)
{
	int status;
	struct service_setup *setup = run_make(options, &status);
	if (setup == NULL)
		return status;
	note_source(lesson, setup);
	status = read_base(lesson, setup);
	if (status == 0)
		status = open_output(lesson);
	if (status == 0)
		return finish(lesson, service_run(setup));
	setup->release(setup);
	return status;
}

int cli_learn(int argc, char **argv)
{
	struct run_options options;
	bool done = false;
	self_hide();
	int status = run_options_read(&options, argc, argv, usage, &done);
	if (status != 0 || done)
		return status;
	cleanup_free struct lesson *lesson = calloc(1, sizeof(*lesson));
	if (lesson == NULL)
		return EXIT_SUPERVISOR;
	lesson->fd = -1;
	lesson->file = options.output;
	lesson->learning.file = options.output;
	options.learning = &lesson->learning;
	status = learn(&options, lesson);
	cleanup_close(&lesson->fd);
	return status;
}
