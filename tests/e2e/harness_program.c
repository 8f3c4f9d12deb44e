/* SPDX-License-Identifier: Apache-2.0 */
/* harness_program: starting programs, waiting for them, and reading what they wrote. See harness.h. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Our variables, npm's (it must not look for the network), and those of the test. */
static void child_environment(const struct world *world)
{
	static const char *const gone[] = { "NODE_OPTIONS", "HEAPWARD_SET", "NOTIFY_SOCKET", "XDG_RUNTIME_DIR",
					    "XDG_STATE_HOME", "MALLOC_PERTURB_" };
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		unsetenv(gone[i]);
	setenv("E2E_SERVICE", world->name, 1);
	setenv("HOME", world->directory, 1);
	if (geteuid() != 0)
		setenv("XDG_RUNTIME_DIR", world->directory, 1);
	setenv("npm_config_update_notifier", "false", 1);
	setenv("npm_config_offline", "true", 1);
	setenv("npm_config_cache", world->directory, 1);
	for (size_t i = 0; i < world->environment_count; i++) {
		if (strchr(world->environment[i], '=') != NULL)
			putenv(world->environment[i]);
		else
			unsetenv(world->environment[i]);
	}
}

static void redirect(const char *path, int flags, int fd)
{
	int file = open(path, flags | O_CLOEXEC, 0644);
	if (file < 0 || dup2(file, fd) < 0)
		_exit(99);
}

static _Noreturn void child(const struct world *world, const struct program *program, const char *const *words,
			    bool in_group)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that is interrupted leaves nothing running */
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	redirect(program->out_path, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
	redirect(program->err_path, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
	if (chdir(world->directory) < 0 || (in_group && !group_enter(world)))
		_exit(99);
	child_environment(world);
	execvp(words[0], (char *const *)words);
	dprintf(STDERR_FILENO, "harness: exec %s: %s\n", words[0], strerror(errno));
	_exit(99);
}

static struct program *start(struct world *world, const char *const *words, bool in_group)
{
	assert(world->program_count < WORLD_PROGRAMS_MAX);
	struct program *program = &world->programs[world->program_count++];
	snprintf(program->out_path, sizeof(program->out_path), "%.400s/%zu.out", world->directory, world->program_count);
	snprintf(program->err_path, sizeof(program->err_path), "%.400s/%zu.err", world->directory, world->program_count);
	program->started_usec = now_usec();
	fflush(NULL);
	program->pid = fork();
	if (program->pid < 0)
		fail_msg("fork: %s", strerror(errno));
	if (program->pid == 0)
		child(world, program, words, in_group);
	return program;
}

struct program *program_start(struct world *world, const char *const *words)
{
	return start(world, words, false);
}

struct program *run_start_by(struct world *world, const char *const *words)
{
	return start(world, words, true);
}

/* Short-lived questions would fill the table: an ended program's place is used again. */
static void forget_last(struct world *world, const struct program *program)
{
	if (program == &world->programs[world->program_count - 1]) {
		unlink(program->out_path);
		unlink(program->err_path);
		memset(&world->programs[--world->program_count], 0, sizeof(*program));
	}
}

static void collect(const char **words, const char *first, va_list rest)
{
	size_t count = 0;
	words[count++] = heapward_path();
	for (const char *word = first; word != NULL; word = va_arg(rest, const char *)) {
		assert(count < WORDS_MAX - 1);
		words[count++] = word;
	}
	words[count] = NULL;
}

struct program *heapward_start(struct world *world, const char *first, ...)
{
	const char *words[WORDS_MAX];
	va_list rest;
	va_start(rest, first);
	collect(words, first, rest);
	va_end(rest);
	return program_start(world, words);
}

struct program *run_start(struct world *world, const char *const *more)
{
	const char *words[WORDS_MAX] = { heapward_path(), "run", "-n", world->name };
	size_t count = 4;
	for (; *more != NULL; more++) {
		assert(count < WORDS_MAX - 1);
		words[count++] = *more;
	}
	return run_start_by(world, words);
}

void reap(struct world *world)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		for (size_t i = 0; i < world->program_count; i++) {
			struct program *program = &world->programs[i];
			if (program->pid != pid || program->ended)
				continue;
			program->ended = true;
			program->status = status;
			program->ended_usec = now_usec();
		}
	}
}

static void fail_with_output(struct world *world, struct program *program, const char *what, double seconds)
{
	const char *err = program_err(world, program);
	size_t length = strlen(err);
	fail_msg("%s after %.1f s; its stderr ends:\n%s", what, seconds, err + (length > 4000 ? length - 4000 : 0));
}

int program_finish(struct world *world, struct program *program, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	for (reap(world); !program->ended; reap(world)) {
		if (now_usec() > deadline_usec)
			fail_with_output(world, program, "it has not ended", seconds * slowness());
		pause_msec(5);
	}
	return WIFEXITED(program->status) ? WEXITSTATUS(program->status) : 128 + WTERMSIG(program->status);
}

char *heapward_says(struct world *world, int status, const char *first, ...)
{
	const char *words[WORDS_MAX];
	va_list rest;
	va_start(rest, first);
	collect(words, first, rest);
	va_end(rest);
	struct program *program = program_start(world, words);
	int seen = program_finish(world, program, 20);
	char *out = program_out(world, program);
	if (status >= 0 && seen != status)
		fail_msg("heapward %s exits %d, not %d:\n%s%s", first, seen, status, out, program_err(world, program));
	forget_last(world, program);
	return out;
}

static char *read_file(struct world *world, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about = { 0 };
	if (fd < 0 || fstat(fd, &about) < 0)
		return world_print(world, "%s", "");
	char *text = world_keep(world, calloc(1, (size_t)about.st_size + 1));
	size_t length = 0;
	for (ssize_t count; length < (size_t)about.st_size; length += (size_t)count) {
		count = read(fd, text + length, (size_t)about.st_size - length);
		if (count <= 0)
			break;
	}
	return text;
}

char *program_out(struct world *world, const struct program *program)
{
	return read_file(world, program->out_path);
}

char *program_err(struct world *world, const struct program *program)
{
	return read_file(world, program->err_path);
}

/* Reads anew each time, and gives the memory back: a wait of seconds must not fill the list of keeps. */
static bool file_has(struct world *world, const char *path, const char *text)
{
	const char *content = read_file(world, path);
	bool has = strstr(content, text) != NULL;
	world->keep_count--;
	world->keeps[world->keep_count].release(world->keeps[world->keep_count].pointer);
	return has;
}

void await_err(struct world *world, struct program *program, const char *text, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	while (!file_has(world, program->err_path, text)) {
		reap(world);
		if (now_usec() > deadline_usec || program->ended)
			fail_with_output(world, program, world_print(world, "\"%s\" is not on its stderr", text), seconds);
		pause_msec(20);
	}
}

void await_file(struct world *world, const char *file, const char *text, double seconds)
{
	int64_t deadline_usec = now_usec() + (int64_t)(seconds * slowness() * 1e6);
	const char *path = world_path(world, file);
	while (!file_has(world, path, text)) {
		if (now_usec() > deadline_usec)
			fail_msg("\"%s\" is not in %s after %.1f s:\n%s", text, file, seconds, read_file(world, path));
		pause_msec(20);
	}
}

char *last_line(struct world *world, const char *text)
{
	size_t end = strlen(text);
	while (end > 0 && text[end - 1] == '\n')
		end--;
	size_t start = end;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	return world_print(world, "%.*s", (int)(end - start), text + start);
}

struct program *run_as_nobody(struct world *world, const char *arguments)
{
	static const char *const own[] = { "home", "run" };
	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		const char *path = world_path(world, own[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
	}
	assert_int_equal(mkdir(world_path(world, "bound"), 0755), 0);
	world_environment(world, "HOME=%s/home", world->directory);
	world_environment(world, "XDG_RUNTIME_DIR=%s/run", world->directory);
	return heapward_as_nobody(world, world_print(world, "run -n %s %s", world->name, arguments));
}

struct program *heapward_as_nobody(struct world *world, const char *arguments)
{
	char *build = world_print(world, "%s", heapward_path());
	char *at = strstr(build, "/supervisor/cli/heapward");
	assert_non_null(at);
	*at = '\0';
	const char *script = world_print(world, "mount --bind '%s' bound && exec setpriv --reuid=65534 --regid=65534"
					 " --clear-groups bound/supervisor/cli/heapward %s",
					 build, arguments);
	const char *words[] = { "unshare", "--mount", "sh", "-c", script, NULL };
	return program_start(world, words);
}
