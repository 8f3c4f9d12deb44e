/* SPDX-License-Identifier: Apache-2.0 */
/* state_list: what the commands read with no supervisor alive: which services there are, and how they died. */
#include "supervisor/edge/state_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEATH_FILE_BYTES_MAX (1024 * 1024)

static struct state_service *find(struct state_service *services, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

/* The supervisor that holds the name's lock, as far as it can be seen. */
static void look_at_lock(const char *runtime, struct state_service *service)
{
	char path[STATE_DIR_PATH_MAX], text[16] = "";
	struct flock lock = { .l_type = F_WRLCK };
	snprintf(path, sizeof(path), "%.450s/%s/lock", runtime, service->name);
	cleanup_fd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return; /* nobody holds it */
	service->running = true;
	if (read(fd, text, sizeof(text) - 1) > 0)
		service->pid = (int32_t)strtol(text, NULL, 10);
}

static bool is_directory(DIR *directory, const char *name)
{
	struct stat stat;
	return fstatat(dirfd(directory), name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode);
}

static size_t add_names(const char *root, struct state_service *services, size_t count)
{
	struct dirent *entry;
	DIR *directory = root[0] == '\0' ? NULL : opendir(root);
	if (directory == NULL)
		return count;
	while (count < STATE_SERVICES_MAX && (entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || length >= POLICY_NAME_MAX ||
		    find(services, count, entry->d_name) != NULL || !is_directory(directory, entry->d_name))
			continue;
		services[count] = (struct state_service){ 0 };
		memcpy(services[count].name, entry->d_name, length + 1);
		count++;
	}
	closedir(directory);
	return count;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct state_service *)a)->name, ((const struct state_service *)b)->name);
}

size_t state_list(const struct state_roots *roots, struct state_service ret[static STATE_SERVICES_MAX])
{
	size_t count = add_names(roots->runtime, ret, 0);
	count = add_names(roots->state, ret, count);
	for (size_t i = 0; i < count; i++)
		look_at_lock(roots->runtime, &ret[i]);
	qsort(ret, count, sizeof(ret[0]), compare_names);
	return count;
}

void state_look(const struct state_roots *roots, const char *name, struct state_service *ret)
{
	*ret = (struct state_service){ 0 };
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	look_at_lock(roots->runtime, ret);
}

int state_open_events(const struct state_roots *roots, const char *name, bool older, struct failure *why)
{
	char path[STATE_DIR_PATH_MAX];
	snprintf(path, sizeof(path), "%.400s/%.64s/%s", roots->state, name, older ? "events.1.jsonl" : "events.jsonl");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return failed(why, 0, "no events of \"%s\" are known here", name); /* the errno would say less */
	return fd < 0 ? failed(why, errno, "open %s", path) : fd;
}

static int open_deaths_of(const struct state_roots *roots, const char *name, struct failure *why)
{
	char path[STATE_DIR_PATH_MAX];
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL || strlen(name) >= POLICY_NAME_MAX)
		return failed(why, 0, "\"%.64s\" is no name of a service", name);
	snprintf(path, sizeof(path), "%.450s/%s", roots->state, name);
	cleanup_fd int directory = roots->state[0] == '\0' ? failed(why, ENOENT, "no state directory") :
							     state_open_directory(path, false, why);
	int fd = directory < 0 ? -1 : openat(directory, "deaths", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && directory >= 0)
		failed(why, errno, "open %s/deaths", path);
	if (fd < 0 && why->error == ENOENT)
		return failed(why, 0, "no death of \"%s\" is known here", name);
	return fd;
}

int state_read_death(const struct state_roots *roots, const char *name, unsigned nth_last, char **ret_json,
		     struct failure *why)
{
	uint64_t numbers[STATE_DEATHS_SEEN_MAX];
	char file[STATE_DEATH_NAME_MAX];
	cleanup_fd int fd = open_deaths_of(roots, name, why);
	if (fd < 0)
		return -1;
	size_t count = state_death_numbers(fd, numbers);
	if (count == 0)
		return failed(why, 0, "no death of \"%s\" is known here", name);
	if (nth_last == 0 || nth_last > count)
		return failed(why, 0, "only %zu death(s) of \"%s\" are kept", count, name);
	state_death_name(numbers[count - nth_last], file);
	return state_read_file(fd, file, DEATH_FILE_BYTES_MAX, ret_json, why);
}

/* When the last death of a service was kept, -1 where there is none. */
static int64_t last_death_time(const struct state_roots *roots, const char *name)
{
	uint64_t numbers[STATE_DEATHS_SEEN_MAX];
	char file[STATE_DEATH_NAME_MAX];
	struct stat stat;
	struct failure ignored; /* no death */
	cleanup_fd int fd = open_deaths_of(roots, name, &ignored);
	size_t count = fd < 0 ? 0 : state_death_numbers(fd, numbers);
	if (count == 0)
		return -1;
	state_death_name(numbers[count - 1], file);
	if (fstatat(fd, file, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return (int64_t)stat.st_mtim.tv_sec * USEC_PER_SEC + stat.st_mtim.tv_nsec / 1000;
}

int state_latest_death(const struct state_roots *roots, char ret_name[static POLICY_NAME_MAX], struct failure *why)
{
	int64_t latest = -1;
	cleanup_free struct state_service *services = calloc(STATE_SERVICES_MAX, sizeof(*services));
	if (services == NULL)
		return failed(why, ENOMEM, "list services");
	size_t count = state_list(roots, services);
	for (size_t i = 0; i < count; i++) {
		int64_t at = last_death_time(roots, services[i].name);
		if (at <= latest)
			continue;
		latest = at;
		memcpy(ret_name, services[i].name, POLICY_NAME_MAX);
	}
	return latest < 0 ? failed(why, 0, "no death is known here") : 0;
}
