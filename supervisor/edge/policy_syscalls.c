/* SPDX-License-Identifier: Apache-2.0 */
/* policy_syscalls: see policy_syscalls.h. */
#include "supervisor/edge/policy_syscalls.h"
#include "supervisor/edge/policy_files_internal.h"

#include "supervisor/core/printable.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char suffix[] = ".list";

void policy_syscalls_files_finish(struct policy_syscalls_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->list[i]);
	files->count = 0;
}

/* One reading of a list and its includes. */
struct reading {
	struct syscall_list *list;
	const struct policy *policy;
	const char *folder;
	const struct syscall_names *names;
	struct policy_errors *errors;
	struct policy_syscalls_files files; /* live until all are read: an include says which one asked for it */
};

/* Adds an error at what asked for the list: an include, the policy's key, or nothing that has a place. */
static int complain(struct reading *reading, const struct syscall_include *include, const char *file, const char *text)
{
	struct policy_error error = { 0 };
	if (include == NULL && reading->policy != NULL)
		policy_errors_add_key(reading->errors, reading->policy, KEY_SANDBOX_SYSCALLS, false, "sandbox.syscalls: %s", text);
	else if (include == NULL)
		policy_errors_add_file(reading->errors, file, false, "%s", text);
	if (include == NULL)
		return -1;
	error.line = include->origin.line;
	error.column = include->origin.column;
	error.caret = include->origin.caret;
	snprintf(error.file, sizeof(error.file), "%s", include->origin.file);
	snprintf(error.source, sizeof(error.source), "%s", include->origin.source);
	snprintf(error.text, sizeof(error.text), "%s", text);
	policy_errors_add(reading->errors, &error);
	return -1;
}

/* What is there instead of a list that is not. */
static void suggest_list(struct suggest *suggest, const char *name, const char *folder)
{
	DIR *directory = opendir(folder);
	suggest_init(suggest, name);
	for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
		size_t length = strlen(entry->d_name), end = strlen(suffix);
		if (length > end && strcmp(entry->d_name + length - end, suffix) == 0)
			suggest_offer(suggest, entry->d_name, length - end);
	}
	if (directory != NULL)
		closedir(directory);
}

static int refuse(struct reading *reading, const struct syscall_include *include, const char *name,
		  const struct failure *why)
{
	char text[256], shown[64];
	struct suggest suggest;
	suggest_list(&suggest, name, reading->folder);
	const char *best = strchr(name, '/') == NULL ? suggest_best(&suggest) : NULL;
	printable_copy(shown, sizeof(shown), name);
	if (why->error != ENOENT)
		snprintf(text, sizeof(text), "list \"%s\": %.180s", shown, why->text);
	else if (best != NULL)
		snprintf(text, sizeof(text), "no list \"%s\"; did you mean \"%s\"?", shown, best);
	else
		snprintf(text, sizeof(text), "no list \"%s\"", shown);
	return complain(reading, include, name, text);
}

/* The file of a list: a path is seen from the folder of the list that includes it. */
static char *file_of(const char *name, const char *from, const char *folder)
{
	const char *slash = from == NULL ? NULL : strrchr(from, '/');
	char *file = NULL;
	int length;
	if (strchr(name, '/') == NULL)
		length = asprintf(&file, "%s/%s%s", folder, name, suffix);
	else if (name[0] == '/' || slash == NULL)
		length = asprintf(&file, "%s", name);
	else
		length = asprintf(&file, "%.*s%s", (int)(slash + 1 - from), from, name);
	return length < 0 ? NULL : file;
}

static int load_one(struct reading *reading, const char *name, const struct syscall_include *include)
{
	cleanup_free char *text = NULL;
	size_t length;
	struct failure why;
	char *file = file_of(name, include == NULL ? NULL : include->from, reading->folder);
	if (file == NULL)
		return complain(reading, include, name, "memory is out");
	reading->files.list[reading->files.count++] = file;
	/* Ours stand where our programs do: whoever can change them has no need to. */
	int result = strchr(name, '/') == NULL ? policy_files_read_own(file, SYSCALL_TEXT_MAX, &text, &length, &why)
					       : policy_files_read(file, SYSCALL_TEXT_MAX, &text, &length, &why);
	if (result < 0)
		return refuse(reading, include, name, &why);
	return syscall_list_read(reading->list, file, text, length, reading->names, reading->errors);
}

static int load(struct reading *reading, const char *name)
{
	struct syscall_list *list = reading->list;
	int result = load_one(reading, name, NULL);
	for (size_t i = 0; i < list->include_count; i++)
		if (load_one(reading, list->includes[i].name, &list->includes[i]) < 0)
			result = -1;
	for (size_t i = 0; i < list->include_count; i++)
		list->includes[i].from = NULL;
	return result;
}

int policy_syscalls_load(struct syscall_list *ret, const char *name, const struct policy *policy, const char *folder,
			 const struct syscall_names *names, struct policy_errors *errors)
{
	struct reading reading = { .list = ret, .policy = policy, .folder = folder, .names = names, .errors = errors };
	int result = load(&reading, name);
	policy_syscalls_files_finish(&reading.files);
	return result;
}

int policy_syscalls_find(struct policy_syscalls_files *ret, const char *name, const char *folder, const struct syscall_names *names,
			 struct failure *why)
{
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (list == NULL || errors == NULL)
		return failed(why, ENOMEM, "%.64s", name);
	struct reading reading = { .list = list, .folder = folder, .names = names, .errors = errors };
	int result = load(&reading, name);
	*ret = reading.files;
	return result < 0 ? failed(why, 0, "%.64s cannot be read", name) : 0;
}
