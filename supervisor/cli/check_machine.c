/* SPDX-License-Identifier: Apache-2.0 */
/* check_machine: what a policy names that is not there on this machine. A warning: the policy may be for another one. */
#include "supervisor/cli/check_machine.h"

#include "supervisor/core/policy.h"
#include "supervisor/core/policy_key.h"
#include "supervisor/core/score.h"
#include "supervisor/edge/user.h"
#include "supervisor/service/fencing.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static bool is_program(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0;
}

/* As the worker will have it. */
static const char *find_path(const struct policy *policy)
{
	const struct words *set = &policy->service.environment_set;
	for (size_t i = 0; i < set->count; i++)
		if (strncmp(set->list[i], "PATH=", strlen("PATH=")) == 0)
			return set->list[i] + strlen("PATH=");
	const char *own = getenv("PATH");
	return own == NULL ? DEFAULT_PATH : own;
}

/* True also where a directory of it cannot be looked into. */
static bool may_be_in(const char *path, const char *name)
{
	for (const char *at = path; at != NULL;) {
		char full[PATH_MAX];
		const char *end = strchrnul(at, ':');
		snprintf(full, sizeof(full), "%.*s%s%s", (int)(end - at), at, end == at ? "" : "/", name);
		errno = 0;
		if (is_program(full) || errno == EACCES)
			return true;
		at = *end == ':' ? end + 1 : NULL;
	}
	return false;
}

/* What is looked at, and what came of it. */
struct look {
	const struct policy *policy;
	struct policy_errors *errors;
	char *stops; /* keys for which it would not start, "" */
	size_t size;
};

static PRINTF_LIKE(4, 5) void warn(const struct look *look, enum policy_key key, bool stops, const char *format, ...)
{
	char text[512], name[POLICY_PATH_MAX];
	size_t length = strlen(look->stops);
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	policy_errors_add_key(look->errors, look->policy, key, true, "%s", text);
	policy_key_path(key, name);
	if (stops && strstr(look->stops, name) == NULL)
		snprintf(look->stops + length, look->size - length, "%s%s", length > 0 ? ", " : "", name);
}

static void look_at_command(const struct look *look)
{
	const struct policy *policy = look->policy;
	char full[PATH_MAX];
	const char *name = policy->service.command.count == 0 ? "" : policy->service.command.list[0];
	const char *directory = policy->service.directory;
	if (name[0] == '\0')
		return;
	if (strchr(name, '/') == NULL) {
		if (!may_be_in(find_path(policy), name))
			warn(look, KEY_SERVICE_COMMAND, true, "service.command: no program \"%.80s\" in PATH on this machine", name);
		return;
	}
	snprintf(full, sizeof(full), "%s%s%s", name[0] == '/' || directory == NULL ? "" : directory,
		 name[0] == '/' || directory == NULL ? "" : "/", name);
	errno = 0;
	if (!is_program(full) && errno != EACCES)
		warn(look, KEY_SERVICE_COMMAND, true, "service.command: \"%.120s\" is no program on this machine%s%s", full,
		     errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
}

static void look_at_directory(const struct look *look)
{
	char unreached[384];
	struct stat status;
	const char *directory = look->policy->service.directory;
	fencing_reach(look->policy, unreached, sizeof(unreached));
	if (unreached[0] != '\0')
		warn(look, strncmp(unreached, "sandbox.user", 12) == 0 ? KEY_SANDBOX_USER : KEY_SANDBOX_HIDDEN, false, "%s", unreached);
	if (directory == NULL)
		return;
	int error = stat(directory, &status) < 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
	if (error != 0 && error != EACCES)
		warn(look, KEY_SERVICE_DIRECTORY, true, "service.directory: \"%.120s\" on this machine: %s", directory, strerror(error));
}

/* What is not there fails the start; hidden paths need not be there. */
static void look_at_paths(const struct look *look, enum policy_key key, const struct words *paths)
{
	char name[POLICY_PATH_MAX];
	policy_key_path(key, name);
	for (size_t i = 0; i < paths->count; i++)
		if (access(paths->list[i], F_OK) < 0 && errno != EACCES)
			warn(look, key, true, "%s: \"%.120s\" on this machine: %s", name, paths->list[i], strerror(errno));
}

void check_machine(const struct policy *policy, struct policy_errors *errors, char *ret_stops, size_t size)
{
	const struct look look = { policy, errors, ret_stops, size };
	const char *name = policy->sandbox.user;
	struct user user;
	struct failure why;
	ret_stops[0] = '\0';
	look_at_command(&look);
	look_at_directory(&look);
	look_at_paths(&look, KEY_SANDBOX_READ_WRITE, &policy->sandbox.read_write);
	look_at_paths(&look, KEY_SANDBOX_READ_ONLY, &policy->sandbox.read_only);
	if (name != NULL && user_find(&user, name, &why) < 0)
		warn(&look, KEY_SANDBOX_USER, true, "sandbox.user: on this machine: %s", why.text);
	else if (name != NULL && score_user_is_shared(name))
		warn(&look, KEY_SANDBOX_USER, false, "sandbox.user: %s is shared by programs that have nothing to do with each other: what "
		     "one of them can do, all can; give the service a user of its own", name);
}
