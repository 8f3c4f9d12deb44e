/* SPDX-License-Identifier: Apache-2.0 */
/* harness: the world of a test: its directory, name, files and paths. See harness.h. */
#include "tests/e2e/harness.h"
#include "tests/e2e/harness_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#define CGROUP2_MAGIC 0x63677270

int64_t now_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

void pause_msec(int msec)
{
	const struct timespec time = { .tv_sec = msec / 1000, .tv_nsec = (long)(msec % 1000) * 1000000 };
	nanosleep(&time, NULL);
}

double slowness(void)
{
	const char *text = getenv("E2E_SLOW");
	double times = text != NULL ? strtod(text, NULL) : 1;
	return times >= 1 ? times : 1;
}

bool on_cgroup_v2(void)
{
	struct statfs about;
	return statfs("/sys/fs/cgroup", &about) == 0 && about.f_type == CGROUP2_MAGIC;
}

/* E2E_TEST: only the tests whose names fit this pattern (* and ?), for tools/mutate and for people. */
static void __attribute__((constructor)) choose_test(void)
{
	const char *pattern = getenv("E2E_TEST");
	if (pattern != NULL && pattern[0] != '\0')
		cmocka_set_test_filter(pattern);
}

/* Paths beside this program: build/tests/e2e/test_x -> build/WHERE. */
static const char *built(char buffer[static WORLD_PATH_MAX], const char *where)
{
	ssize_t length = readlink("/proc/self/exe", buffer, WORLD_PATH_MAX - 1);
	assert(length > 0);
	buffer[length] = '\0';
	for (int up = 0; up < 3; up++)
		*strrchr(buffer, '/') = '\0';
	size_t used = strlen(buffer);
	snprintf(buffer + used, WORLD_PATH_MAX - used, "/%s", where);
	return buffer;
}

const char *heapward_path(void)
{
	static char path[WORLD_PATH_MAX];
	const char *given = getenv("HEAPWARD_BIN");
	return given != NULL ? given : built(path, "supervisor/cli/heapward");
}

const char *c_worker_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "child/worker/heapward-worker");
}

const char *notify_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "tests/e2e/notify");
}

const char *calls_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "tests/e2e/calls");
}

const char *addon_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "tests/e2e/hog.node");
}

const char *hostile_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "tests/e2e/hostile/hostile");
}

const char *clock_jump_path(void)
{
	static char path[WORLD_PATH_MAX];
	return built(path, "tests/e2e/jump.so");
}

char *js_worker_path(struct world *world, const char *file)
{
	return world_print(world, "%s/tests/e2e/workers/%s", E2E_SOURCE_ROOT, file);
}

static void keep(struct world *world, void *pointer, void (*release)(void *pointer))
{
	assert(pointer != NULL && world->keep_count < WORLD_KEEPS_MAX);
	world->keeps[world->keep_count].pointer = pointer;
	world->keeps[world->keep_count++].release = release;
}

void world_keep_with(struct world *world, void *pointer, void (*release)(void *pointer))
{
	keep(world, pointer, release);
}

void *world_keep(struct world *world, void *pointer)
{
	keep(world, pointer, free);
	return pointer;
}

void world_release(struct world *world, size_t keeps)
{
	while (world->keep_count > keeps) {
		world->keep_count--;
		world->keeps[world->keep_count].release(world->keeps[world->keep_count].pointer);
	}
}

static PRINTF_LIKE(2, 0) char *print(struct world *world, const char *format, va_list arguments)
{
	char *text = NULL;
	int length = vasprintf(&text, format, arguments);
	assert(length >= 0);
	return world_keep(world, text);
}

char *world_print(struct world *world, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = print(world, format, arguments);
	va_end(arguments);
	return text;
}

char *world_path(struct world *world, const char *file)
{
	return world_print(world, "%s/%s", world->directory, file);
}

static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			fail_msg("mkdir %s: %s", path, strerror(errno));
		*slash = '/';
	}
}

void world_write(struct world *world, const char *file, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = print(world, format, arguments);
	va_end(arguments);
	char *path = world_path(world, file);
	make_parents(path);
	mode_t mode = strncmp(text, "#!", 2) == 0 ? 0755 : 0644;
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail_msg("write %s: %s", path, strerror(errno));
}

void world_environment(struct world *world, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	assert(world->environment_count < WORDS_MAX);
	world->environment[world->environment_count++] = print(world, format, arguments);
	va_end(arguments);
}

/* A policy is refused in a directory that others can write, so /tmp will not do. */
static int make_directory(struct world *world)
{
	const char *given = getenv("E2E_DIRECTORY");
	const char *const parents[] = { given, "/var/lib/heapward-tests", "/run/heapward-tests" };
	for (size_t i = given == NULL ? 1 : 0; i < ARRAY_LEN(parents); i++) {
		mkdir(parents[i], 0755);
		snprintf(world->directory, sizeof(world->directory), "%s/%s.XXXXXX", parents[i], world->name);
		if (mkdtemp(world->directory) != NULL)
			return chmod(world->directory, 0755);
	}
	print_error("harness: no directory for tests: %s\n", strerror(errno));
	return -1;
}

int world_make(void **state)
{
	static unsigned number;
	struct world *world = calloc(1, sizeof(*world));
	assert(world != NULL);
	world->row = *state;
	*state = world;
	snprintf(world->name, sizeof(world->name), "e2e-%d-%u", getpid(), ++number);
	/* What a killed supervisor leaves behind becomes our child, and is seen. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	umask(022);
	return make_directory(world);
}

static int remove_entry(const char *path, const struct stat *about UNUSED, int kind UNUSED, struct FTW *at UNUSED)
{
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Everything that heapward keeps of a service as root; an ordinary user's is in the world's directory. */
static void remove_state(const struct world *world)
{
	const char *const roots[] = { "/run/heapward", "/var/lib/heapward" };
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		char path[WORLD_PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", roots[i], world->name);
		remove_tree(path);
	}
}

int world_end(void **state)
{
	struct world *world = *state;
	bool clean = world_end_programs(world);
	clean &= groups_remove(world);
	remove_state(world);
	remove_tree(world->directory);
	world_release(world, 0);
	free(world);
	*state = NULL;
	return clean ? 0 : -1;
}
