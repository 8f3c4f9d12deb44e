/* SPDX-License-Identifier: Apache-2.0 */
/* state_files: deaths, events and figures on disk. Every file is 0600 and is there whole or not at all. */
#include "supervisor/core/raise.h"
#include "supervisor/edge/state_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SMALL_FILE_MAX (128 * 1024)

void state_death_name(uint64_t number, char name[static STATE_DEATH_NAME_MAX])
{
	snprintf(name, STATE_DEATH_NAME_MAX, "%06" PRIu64 ".json", number);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
	return left < right ? -1 : left > right;
}

/* 0 for a name that is no death of ours: only the name that we would give counts. */
static uint64_t parse_death_name(const char *name)
{
	char ours[STATE_DEATH_NAME_MAX];
	if (name[0] < '0' || name[0] > '9')
		return 0;
	uint64_t number = strtoull(name, NULL, 10);
	state_death_name(number, ours);
	return strcmp(name, ours) == 0 && number < UINT64_MAX ? number : 0;
}

/* Into a full list, in the place of the oldest. */
static void add_number(uint64_t numbers[static STATE_DEATHS_SEEN_MAX], size_t *count, uint64_t number)
{
	size_t oldest = 0;
	if (*count < STATE_DEATHS_SEEN_MAX) {
		numbers[(*count)++] = number;
		return;
	}
	for (size_t i = 1; i < *count; i++)
		if (numbers[i] < numbers[oldest])
			oldest = i;
	if (numbers[oldest] < number)
		numbers[oldest] = number;
}

size_t state_death_numbers(int directory_fd, uint64_t ret[static STATE_DEATHS_SEEN_MAX])
{
	size_t count = 0;
	struct dirent *entry;
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (directory == NULL) {
		cleanup_close(&fd);
		return 0;
	}
	while ((entry = readdir(directory)) != NULL) {
		uint64_t number = parse_death_name(entry->d_name);
		if (number > 0)
			add_number(ret, &count, number);
	}
	closedir(directory);
	qsort(ret, count, sizeof(ret[0]), compare_numbers);
	return count;
}

static int open_deaths(int state_fd, struct failure *why)
{
	int fd = state_open_own(state_fd, "deaths", O_RDONLY | O_DIRECTORY);
	return fd < 0 ? failed(why, errno, "open deaths") : fd;
}

int state_files_open(struct state_dir *dir, struct failure *why)
{
	uint64_t numbers[STATE_DEATHS_SEEN_MAX];
	struct stat stat;
	if (mkdirat(dir->state_fd, "deaths", 0700) < 0 && errno != EEXIST)
		return failed(why, errno, "make %s/deaths", dir->state_path);
	cleanup_fd int deaths = open_deaths(dir->state_fd, why);
	if (deaths < 0)
		return -1;
	size_t count = state_death_numbers(deaths, numbers);
	dir->next_death = count == 0 ? 1 : numbers[count - 1] + 1;
	dir->events_fd = state_open_own(dir->state_fd, "events.jsonl", O_WRONLY | O_APPEND | O_CREAT);
	if (dir->events_fd < 0 || fstat(dir->events_fd, &stat) < 0)
		return failed(why, errno, "open %s/events.jsonl", dir->state_path);
	dir->events_bytes = (uint64_t)stat.st_size;
	return 0;
}

/* A temporary file, synced, then renamed: a full disk leaves the old state, never half a file. */
static int write_file(int directory_fd, const char *name, const char *text, bool sync, struct failure *why)
{
	char temporary[STATE_DEATH_NAME_MAX + 8];
	size_t length = strlen(text);
	snprintf(temporary, sizeof(temporary), ".%s.new", name);
	cleanup_fd int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(why, errno, "write %s", name);
	for (size_t done = 0; done < length;) {
		ssize_t wrote = write(fd, text + done, length - done);
		if (wrote < 0 && errno != EINTR) {
			failed(why, errno, "write %s", name);
			(void)unlinkat(directory_fd, temporary, 0);
			return -1;
		}
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	if ((sync && fsync(fd) < 0) || renameat(directory_fd, temporary, directory_fd, name) < 0) {
		failed(why, errno, "write %s", name);
		(void)unlinkat(directory_fd, temporary, 0);
		return -1;
	}
	return 0;
}

static int write_whole(int directory_fd, const char *name, const char *text, struct failure *why)
{
	return write_file(directory_fd, name, text, true, why);
}

/* Oldest first, until both bounds hold. */
static void prune_deaths(int deaths_fd)
{
	uint64_t numbers[STATE_DEATHS_SEEN_MAX];
	size_t count = state_death_numbers(deaths_fd, numbers), kept = 0;
	uint64_t bytes = 0;
	for (size_t i = count; i > 0; i--) {
		char name[STATE_DEATH_NAME_MAX];
		struct stat stat = { 0 };
		state_death_name(numbers[i - 1], name);
		(void)fstatat(deaths_fd, name, &stat, AT_SYMLINK_NOFOLLOW);
		bytes += (uint64_t)stat.st_size;
		if (kept == STATE_DEATHS_MAX || (bytes > STATE_DEATHS_BYTES_MAX && kept > 0))
			(void)unlinkat(deaths_fd, name, 0);
		else
			kept++;
	}
}

int state_dir_keep_death(struct state_dir *dir, uint64_t number, const char *json, struct failure *why)
{
	char name[STATE_DEATH_NAME_MAX];
	if (dir->state_fd < 0)
		return failed(why, 0, "no state directory");
	cleanup_fd int deaths = open_deaths(dir->state_fd, why);
	if (deaths < 0)
		return -1;
	state_death_name(number, name);
	if (write_whole(deaths, name, json, why) < 0)
		return failed_in(why, "%s/deaths", dir->state_path);
	prune_deaths(deaths);
	return 0;
}

static int rotate_events(struct state_dir *dir, struct failure *why)
{
	/* Not there: an earlier rotation could not make the new file. */
	if (renameat(dir->state_fd, "events.jsonl", dir->state_fd, "events.1.jsonl") < 0 && errno != ENOENT)
		return failed(why, errno, "rotate events.jsonl");
	int fd = openat(dir->state_fd, "events.jsonl", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(why, errno, "open events.jsonl");
	close(dir->events_fd);
	dir->events_fd = fd;
	dir->events_bytes = 0;
	return 0;
}

int state_dir_append_event(struct state_dir *dir, const char *line, size_t length, struct failure *why)
{
	if (dir->events_fd < 0)
		return 0; /* said once, as the directory's problem */
	if (dir->events_bytes + length > STATE_EVENTS_BYTES_MAX && rotate_events(dir, why) < 0)
		return -1;
	ssize_t wrote = write(dir->events_fd, line, length);
	if (wrote < 0)
		return failed(why, errno, "%s/events.jsonl", dir->state_path);
	dir->events_bytes += (uint64_t)wrote;
	if ((size_t)wrote == length)
		return 0;
	/* Half a line would spoil the next one too. */
	dir->events_bytes -= (uint64_t)wrote;
	(void)!ftruncate(dir->events_fd, (off_t)dir->events_bytes);
	return failed(why, ENOSPC, "%s/events.jsonl", dir->state_path);
}

int state_read_file(int directory_fd, const char *name, size_t max, char **ret, struct failure *why)
{
	struct stat stat;
	cleanup_fd int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return failed(why, errno, "open %s", name);
	if (!S_ISREG(stat.st_mode) || stat.st_size < 0 || (uint64_t)stat.st_size > max)
		return failed(why, 0, "%s: not a file of ours, or larger than %zu bytes", name, max);
	cleanup_free char *text = calloc(1, (size_t)stat.st_size + 1);
	if (text == NULL || pread(fd, text, (size_t)stat.st_size, 0) != stat.st_size)
		return failed(why, text == NULL ? ENOMEM : EIO, "read %s", name);
	*ret = TAKE_POINTER(text);
	return 0;
}

/* A file of a service's state directory, by name; NULL where there is none that we could have written. */
static char *read_by_name(const struct state_roots *roots, const char *name, const char *file, size_t max)
{
	char path[STATE_DIR_PATH_MAX];
	struct failure ignored; /* as if it was not there: the caller says so */
	char *text = NULL;
	snprintf(path, sizeof(path), "%.450s/%s", roots->state, name);
	cleanup_fd int fd = roots->state[0] == '\0' ? -1 : state_open_directory(path, false, &ignored);
	if (fd < 0 || state_read_file(fd, file, max, &text, &ignored) < 0)
		return NULL;
	return text;
}

void state_dir_read_figures(const struct state_roots *roots, const char *name, struct state_figures *ret)
{
	cleanup_free char *text = read_by_name(roots, name, "figures", 256);
	struct state_figures read = { 0 };
	*ret = (struct state_figures){ .peak_bytes = SIZE_UNKNOWN };
	/* The start-up time came later: a file without it is one, too. */
	if (text == NULL || sscanf(text, "peak_bytes %" SCNu64 " runs %" SCNu32 " buffers_bytes %" SCNu64 " start_usec %" SCNd64,
				   &read.peak_bytes, &read.peak_runs, &read.buffers_bytes, &read.start_usec) < 3)
		return;
	if (read.peak_runs == 0) /* without a group nothing else is measured */
		read = (struct state_figures){ .peak_bytes = SIZE_UNKNOWN, .start_usec = read.start_usec };
	if (read.start_usec < 0 || read.start_usec > STATE_START_MAX_USEC)
		read.start_usec = 0;
	*ret = read;
}

static int write_text(const struct state_dir *dir, const char *file, const char *text, struct failure *why)
{
	return dir->state_fd < 0 ? failed(why, 0, "no state directory") : write_whole(dir->state_fd, file, text, why);
}

int state_dir_write_figures(struct state_dir *dir, const struct state_figures *figures, struct failure *why)
{
	char text[160];
	snprintf(text, sizeof(text), "peak_bytes %" PRIu64 " runs %" PRIu32 " buffers_bytes %" PRIu64 " start_usec %" PRId64 "\n",
		 figures->peak_bytes, figures->peak_runs, figures->buffers_bytes, figures->start_usec);
	return write_text(dir, "figures", text, why);
}

void state_dir_read_raises(const struct state_roots *roots, const char *name, struct raises *ret)
{
	cleanup_free char *text = read_by_name(roots, name, "raises", SMALL_FILE_MAX);
	if (text == NULL || raises_parse(text, ret) < 0)
		*ret = (struct raises){ 0 };
}

int state_dir_write_raises(struct state_dir *dir, const struct raises *raises, struct failure *why)
{
	cleanup_free char *json = raises_json(raises);
	return json == NULL ? failed(why, ENOMEM, "raises") : write_text(dir, "raises", json, why);
}

/* A small file by name, NULL where there is none. */
static char *read_small(const struct state_dir *dir, const char *file)
{
	char *text = NULL;
	struct failure ignored; /* there is none */
	if (dir->state_fd < 0 || state_read_file(dir->state_fd, file, SMALL_FILE_MAX, &text, &ignored) < 0)
		return NULL;
	return text;
}

static void forget(const struct state_dir *dir, const char *file)
{
	if (dir->state_fd >= 0)
		(void)unlinkat(dir->state_fd, file, 0);
}

int state_dir_write_settings(const struct state_dir *dir, const char *paths, struct failure *why)
{
	cleanup_free char *kept = read_small(dir, "settings");
	if (strcmp(kept == NULL ? "" : kept, paths) == 0)
		return 0;
	if (dir->state_fd < 0)
		return failed(why, 0, "no state directory");
	return write_file(dir->state_fd, "settings", paths, false, why);
}

char *state_read_settings(const struct state_roots *roots, const char *name)
{
	return read_by_name(roots, name, "settings", SMALL_FILE_MAX);
}

void state_boot_id(char *text, size_t size)
{
	cleanup_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);
	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n ")] = '\0';
}

char *state_dir_read_budget(const struct state_dir *dir)
{
	return read_small(dir, "budget");
}

int state_dir_write_budget(struct state_dir *dir, const char *text, struct failure *why)
{
	return write_text(dir, "budget", text, why);
}

void state_dir_forget_budget(struct state_dir *dir)
{
	forget(dir, "budget");
}

int state_dir_write_breadcrumb(struct state_dir *dir, const char *json, struct failure *why)
{
	return dir->state_fd < 0 ? failed(why, 0, "no state directory")
				 : write_file(dir->state_fd, "breadcrumb", json, false, why);
}

char *state_dir_read_breadcrumb(const struct state_dir *dir)
{
	return read_small(dir, "breadcrumb");
}

void state_dir_forget_breadcrumb(struct state_dir *dir)
{
	forget(dir, "breadcrumb");
}

bool state_dir_goes_with_root(const struct state_dir *dir)
{
	struct stat own, root;
	return dir->state_fd >= 0 && fstat(dir->state_fd, &own) == 0 && stat("/", &root) == 0 && own.st_dev == root.st_dev;
}
