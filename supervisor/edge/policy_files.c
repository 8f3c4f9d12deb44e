/* SPDX-License-Identifier: Apache-2.0 */
/* policy_files: see policy_files.h. Everything is judged by what was opened, and a path only by directories that
 * nobody else can change: so nothing can be swapped between the look and the read. */
#include "supervisor/edge/policy_files_internal.h"
#include "supervisor/core/policy_words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DROP_INS_MAX 64
#define ENVIRONMENT_FILE_MAX (256 * 1024)

const char *policy_files_distrust(const struct stat *stat)
{
	if (stat->st_uid != 0)
		return "belongs to another user than root, who runs heapward; chown root it";
	if ((stat->st_mode & 022) != 0)
		return "can be written by others; chmod go-w it";
	return "";
}

static int judge_directory(const char *path, bool nearest, struct failure *why)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return failed(why, errno, "folder %s", path);
	/* In a sticky folder (/tmp) others can put files, but not take ours away; that is enough above the nearest. */
	if (!nearest && status.st_uid == 0 && (status.st_mode & S_ISVTX) != 0)
		return 0;
	const char *wrong = policy_files_distrust(&status);
	return wrong[0] == '\0' ? 0 : failed(why, 0, "folder %s %s", path, wrong);
}

/* The folder that `path` names its file in, then all folders above the file that it leads to. */
static int judge_directories(const char *path, const char *resolved, struct failure *why)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(directory, sizeof(directory), "%.*s",
		 slash == NULL	 ? 1
		 : slash == path ? 1
				 : (int)(slash - path),
		 slash == NULL ? "." : path);
	if (judge_directory(directory, true, why) < 0)
		return -1;
	snprintf(directory, sizeof(directory), "%s", resolved);
	for (bool nearest = true; directory[1] != '\0'; nearest = false) {
		char *last = strrchr(directory, '/');
		last[last == directory ? 1 : 0] = '\0';
		if (judge_directory(directory, nearest, why) < 0)
			return -1;
	}
	return 0;
}

/* A worker of the same user can shut a file that it cannot write (chmod 000), which no wall covers. */
static int cannot_read(const char *path, int error, struct failure *why)
{
	struct stat status;
	if (error != EACCES)
		return failed(why, error, "cannot be read");
	bool own = stat(path, &status) == 0 && status.st_uid == geteuid();
	if (own)
		failed(why, 0, "cannot be read: Permission denied by its mode, %04o; chmod u+rX %.200s (a worker of the same user can have shut "
			       "it, under sandbox.user it could not)", status.st_mode & 07777, path);
	else
		failed(why, 0, "cannot be read: Permission denied, by its mode or that of a directory above it");
	why->error = error;
	return -1;
}

static int open_trusted(const char *path, size_t max_bytes, struct failure *why)
{
	char resolved[PATH_MAX];
	struct stat status;
	bool is_root = geteuid() == 0;
	if (realpath(path, resolved) == NULL)
		return cannot_read(path, errno, why);
	if (is_root && judge_directories(path, resolved, why) < 0)
		return -1;
	/* O_NONBLOCK: a FIFO in the place of a file must not hold us. */
	cleanup_fd int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0)
		return cannot_read(path, errno, why);
	if (!S_ISREG(status.st_mode))
		return failed(why, 0, "is no regular file");
	if (is_root && policy_files_distrust(&status)[0] != '\0')
		return failed(why, 0, "%s", policy_files_distrust(&status));
	if ((uint64_t)status.st_size > max_bytes)
		return failed(why, 0, "%jd bytes; at most %zu KiB are read", (intmax_t)status.st_size,
			      max_bytes / 1024);
	return TAKE_FD(fd);
}

static int read_all(int fd, size_t max_bytes, char **ret, size_t *ret_length, struct failure *why)
{
	cleanup_free char *text = malloc(max_bytes + 1);
	size_t length = 0;
	ssize_t count = 1;
	if (text == NULL)
		return failed(why, ENOMEM, "cannot be read");
	while (count > 0 && length < max_bytes + 1) {
		count = read(fd, text + length, max_bytes + 1 - length);
		if (count < 0)
			return failed(why, errno, "cannot be read");
		length += (size_t)count;
	}
	if (length > max_bytes)
		return failed(why, 0, "grew while it was read; at most %zu KiB are read", max_bytes / 1024);
	text[length] = '\0';
	*ret_length = length;
	*ret = text;
	text = NULL;
	return 0;
}

int policy_files_read(const char *path, size_t max_bytes, char **ret, size_t *ret_length, struct failure *why)
{
	cleanup_fd int fd = open_trusted(path, max_bytes, why);
	return fd < 0 ? -1 : read_all(fd, max_bytes, ret, ret_length, why);
}

int policy_files_read_own(const char *path, size_t max_bytes, char **ret, size_t *ret_length, struct failure *why)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(why, errno, "cannot be read");
	return read_all(fd, max_bytes, ret, ret_length, why);
}

static int load_file(struct policy *policy, const char *path, struct policy_errors *errors)
{
	struct failure why;
	cleanup_free char *text = NULL;
	size_t length;
	if (policy_files_read(path, POLICY_TEXT_MAX, &text, &length, &why) < 0) {
		policy_errors_add_file(errors, path, false, "%s", why.text);
		return -1;
	}
	return policy_apply_text(policy, path, text, length, errors);
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

void policy_files_drop_ins(const char *path, char ret[static PATH_MAX])
{
	size_t length = strlen(path);
	if (length > 5 && strcmp(path + length - 5, ".yaml") == 0)
		length -= 5;
	else if (length > 4 && strcmp(path + length - 4, ".yml") == 0)
		length -= 4;
	snprintf(ret, PATH_MAX, "%.*s.policy.d", (int)length, path);
}

static int load_drop_ins(struct policy *policy, const char *path, struct policy_errors *errors)
{
	char directory[PATH_MAX], file[PATH_MAX + 256];
	struct dirent **names;
	struct failure why;
	int result = 0;
	policy_files_drop_ins(path, directory);
	int count = scandir(directory, &names, is_drop_in, alphasort); /* alphasort: of bytes, in the C locale */
	if (count < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (count < 0) {
		cannot_read(directory, errno, &why);
		policy_errors_add_file(errors, directory, false, "%s", why.text);
		return -1;
	}
	if (count > DROP_INS_MAX) {
		policy_errors_add_file(errors, directory, false, "%d files; at most %d are read", count, DROP_INS_MAX);
		result = -1;
	}
	for (int i = 0; i < count; i++) {
		snprintf(file, sizeof(file), "%s/%s", directory, names[i]->d_name);
		if (i < DROP_INS_MAX && load_file(policy, file, errors) < 0)
			result = -1;
		free(names[i]);
	}
	free(names);
	return result;
}

int policy_files_load(struct policy *policy, const char *path, struct policy_errors *errors)
{
	if (strlen(path) > PATH_MAX - 16) {
		policy_errors_add_file(errors, path, false, "cannot be read: %s", strerror(ENAMETOOLONG));
		return -1;
	}
	int result = load_file(policy, path, errors);
	if (load_drop_ins(policy, path, errors) < 0)
		result = -1;
	policy->incomplete = policy->incomplete || result < 0;
	return result;
}

int policy_files_read_environment(const char *path, struct words *ret, struct failure *why)
{
	cleanup_free char *text = NULL;
	size_t length;
	if (policy_files_read(path, ENVIRONMENT_FILE_MAX, &text, &length, why) < 0 ||
	    policy_pairs_read_lines(ret, text, length, why) < 0)
		return failed_in(why, "%s", path);
	return 0;
}
