/* SPDX-License-Identifier: Apache-2.0 */
/* landlock: the worker's domain. It only grants, and what is granted of a directory is granted of all below it: a path that
 * is to keep less than what is around it is walked around, entry by entry. System calls by number and constants of our own:
 * headers are older than kernels. */
#include "child/confine/confine.h"
#include "child/confine/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* on every architecture */
enum { RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_SCOPED = 6 };

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_MAKE_CHAR (UINT64_C(1) << 6)
#define FS_MAKE_BLOCK (UINT64_C(1) << 11)
#define FS_FIRST_ABI ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define NET_BIND (UINT64_C(1) << 0)
#define NET_CONNECT (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

struct walk {
	int ruleset_fd;
	uint64_t handled;
	struct confine_paths paths;
	size_t rules;
};

#define RULES_MAX 20000 /* a directory of more entries than this is no place to keep a state directory in */

static uint64_t rights(const struct walk *walk, enum launch_access access)
{
	uint64_t reading = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
	if (access == LAUNCH_HIDDEN)
		return 0;
	return access == LAUNCH_READ_ONLY ? reading & walk->handled : walk->handled;
}

/* What cannot be opened is not there for the worker either, and needs no rule. */
static int grant(struct walk *walk, const char *path, uint64_t allowed)
{
	struct stat stat;
	cleanup_fd int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || allowed == 0 || fstat(fd, &stat) < 0 || S_ISLNK(stat.st_mode))
		return 0;
	struct path_rule rule = { .allowed = S_ISDIR(stat.st_mode) ? allowed : allowed & FS_OF_FILES, .parent_fd = fd };
	if (rule.allowed == 0)
		return 0;
	if (walk->rules++ == RULES_MAX) {
		errno = E2BIG;
		return -1;
	}
	/* EBADFD: a file system that is nowhere, such as what a link of /proc stands for */
	return syscall(ADD_RULE, walk->ruleset_fd, RULE_PATH_BENEATH, &rule, 0) < 0 && errno != EBADFD ? -1 : 0;
}

static enum launch_access least_below(const struct walk *walk, const char *path, enum launch_access access)
{
	for (size_t i = 0; i < walk->paths.count; i++)
		if (path_is_below(walk->paths.list[i].path, path) && walk->paths.list[i].access < access)
			access = walk->paths.list[i].access;
	return access;
}

static int fence(struct walk *walk, const char *path, enum launch_access access);

/* One entry of a directory that is walked around. */
static int fence_entry(struct walk *walk, const char *directory, const char *name, enum launch_access access)
{
	char path[PATH_MAX];
	bool top = strcmp(directory, "/") == 0;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", top ? "" : directory, name) >= sizeof(path))
		return 0;
	for (size_t i = 0; i < walk->paths.count; i++)
		if (strcmp(walk->paths.list[i].path, path) == 0)
			access = walk->paths.list[i].access;
	return fence(walk, path, access);
}

/* A directory that cannot be listed: its entries that are named by the walls are all that is known of it. */
static int fence_known(struct walk *walk, const char *path, enum launch_access access)
{
	size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);
	for (size_t i = 0; i < walk->paths.count; i++) {
		char name[NAME_MAX + 1];
		const char *below = walk->paths.list[i].path + length + 1;
		if (!path_is_below(walk->paths.list[i].path, path))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(below, "/"), below);
		if (fence_entry(walk, path, name, access) < 0)
			return -1;
	}
	return 0;
}

static int walk_around(struct walk *walk, const char *path, enum launch_access access)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int result = directory == NULL ? fence_known(walk, path, access) : 0;
	while (directory != NULL && result == 0 && (entry = readdir(directory)) != NULL)
		result = fence_entry(walk, path, entry->d_name, access);
	if (directory != NULL)
		closedir(directory);
	return result;
}

/* Grants `path` and all below it what the walls leave of it. */
static int fence(struct walk *walk, const char *path, enum launch_access access)
{
	enum launch_access least = least_below(walk, path, access);
	if (least < access) {
		/* Names can be seen on the way to what is hidden, not more. */
		uint64_t allowed = rights(walk, least) | (FS_READ_DIR & rights(walk, access));
		return grant(walk, path, allowed) < 0 ? -1 : walk_around(walk, path, access);
	}
	if (grant(walk, path, rights(walk, access)) < 0)
		return -1;
	for (size_t i = 0; i < walk->paths.count; i++)
		if (path_is_below(walk->paths.list[i].path, path) && walk->paths.list[i].access > access &&
		    fence(walk, walk->paths.list[i].path, walk->paths.list[i].access) < 0)
			return -1;
	return 0;
}

/* A home that is walked around takes no new entries: what package managers would make there comes first. Of two more directories the same is
 * to be so, for what is started with a session would be made in them: by one entry each that has its wall. */
static void make_caches(const struct launch *launch)
{
	static const char *const names[] = { ".npm", ".cache", ".yarn", ".pki", ".config", ".config/configstore", ".config/nextjs-nodejs",
					     ".config/yarn", ".config/systemd", ".local/share", ".local/share/pnpm",
					     ".local/share/systemd" };
	const char *home = confine_variable(launch->environment, "HOME");
	if ((launch->fence.flags & LAUNCH_MAKE_CACHES) == 0 || home == NULL || home[0] != '/')
		return;
	cleanup_fd int fd = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(names); i++)
		(void)mkdirat(fd, names[i], 0755);
}

static int fence_files(const struct launch *launch, struct walk *walk, struct launch_report *report)
{
	enum launch_access top = LAUNCH_READ_WRITE;
	if ((launch->fence.flags & LAUNCH_BY_LANDLOCK) == 0)
		/* The domain is all that is wanted: it may move files about as before. */
		return grant(walk, "/", walk->handled & FS_REFER) < 0 ? confine_failed(report, errno, "/") : 0;
	make_caches(launch);
	if (confine_paths_find(&walk->paths, launch, report) < 0)
		return -1;
	if (walk->paths.count > 0 && strcmp(walk->paths.list[0].path, "/") == 0)
		top = walk->paths.list[0].access;
	int result = fence(walk, "/", top);
	int error = errno;
	confine_paths_finish(&walk->paths);
	return result < 0 ? confine_failed(report, error, "rule %zu", walk->rules) : 0;
}

static int fence_ports(const struct launch *launch, int ruleset_fd, struct launch_report *report)
{
	for (size_t i = 0; i < launch->port_count; i++) {
		const struct launch_port *port = &launch->ports[i];
		struct port_rule rule = { .allowed = port->bind != 0 ? NET_BIND : NET_CONNECT, .port = port->port };
		if (syscall(ADD_RULE, ruleset_fd, RULE_NET_PORT, &rule, 0) < 0)
			return confine_failed(report, errno, "port %u", port->port);
	}
	return 0;
}

static struct ruleset ruleset_of(const struct launch *launch)
{
	uint32_t abi = launch->fence.landlock_abi, flags = launch->fence.flags;
	struct ruleset ruleset = { 0 };
	if ((flags & LAUNCH_BY_LANDLOCK) != 0)
		ruleset.fs = FS_FIRST_ABI | (abi >= ABI_REFER ? FS_REFER : 0) | (abi >= ABI_TRUNCATE ? FS_TRUNCATE : 0);
	if (abi >= ABI_NET && (flags & LAUNCH_LIMIT_BIND) != 0)
		ruleset.net |= NET_BIND;
	if (abi >= ABI_NET && (flags & LAUNCH_LIMIT_CONNECT) != 0)
		ruleset.net |= NET_CONNECT;
	if (abi >= ABI_SCOPED && (flags & LAUNCH_OWN_SIGNALS) != 0)
		ruleset.scoped |= SCOPE_SIGNAL;
	if (abi >= ABI_SCOPED && (flags & LAUNCH_OWN_SOCKETS) != 0)
		ruleset.scoped |= SCOPE_ABSTRACT;
	/* A domain without a wall is none; with this one it cannot look into processes of another (ptrace's rule). */
	if (ruleset.fs == 0 && ruleset.net == 0 && ruleset.scoped == 0)
		ruleset.fs = FS_MAKE_CHAR | FS_MAKE_BLOCK | (abi >= ABI_REFER ? FS_REFER : 0);
	return ruleset;
}

int confine_landlock(const struct launch *launch, struct launch_report *report)
{
	uint32_t abi = launch->fence.landlock_abi;
	struct ruleset ruleset = ruleset_of(launch);
	size_t size = abi < ABI_NET ? 8 : abi < ABI_SCOPED ? 16 : sizeof(ruleset);
	if (abi == 0)
		return 0;
	cleanup_fd int ruleset_fd = (int)syscall(CREATE_RULESET, &ruleset, size, 0);
	if (ruleset_fd < 0)
		return confine_failed(report, errno, "ruleset for ABI %u", abi);
	cleanup_free struct walk *walk = calloc(1, sizeof(*walk));
	if (walk == NULL)
		return confine_failed(report, ENOMEM, "ruleset");
	walk->ruleset_fd = ruleset_fd;
	walk->handled = ruleset.fs;
	if (ruleset.fs != 0 && fence_files(launch, walk, report) < 0)
		return -1;
	if (fence_ports(launch, ruleset_fd, report) < 0)
		return -1;
	return syscall(RESTRICT_SELF, ruleset_fd, 0) < 0 ? confine_failed(report, errno, "restrict") : 0;
}
