/* SPDX-License-Identifier: Apache-2.0 */
/* syscalls: see syscalls.h. */
#include "supervisor/cli/syscalls.h"
#include "supervisor/cli/check_syscalls.h"
#include "supervisor/cli/cli.h"
#include "supervisor/core/syscall_diff.h"
#include "supervisor/edge/filter.h"
#include "supervisor/edge/libexec.h"
#include "supervisor/edge/policy_syscalls.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static int read_list(const char *name, struct syscall_list *ret, FILE *complaints)
{
	char folder[PATH_MAX];
	struct failure why;
	struct syscall_names names = filter_names();
	cleanup_free struct policy_errors *errors = calloc(1, sizeof(*errors));
	if (errors == NULL || libexec_path("syscalls", folder, sizeof(folder), &why) < 0) {
		fprintf(stderr, "heapward: %s: %s\n", name, errors == NULL ? "memory is out" : why.text);
		return -1;
	}
	int result = policy_syscalls_load(ret, name, NULL, folder, &names, errors);
	cli_print_errors(errors, complaints);
	return result;
}

int cli_read_syscalls(const char *name, struct syscall_list *ret)
{
	return read_list(name, ret, stderr);
}

/* A list's name or a path, as in a policy; but a file of this directory needs no "./". */
static void find_file(const char *file, char *ret, size_t size)
{
	bool bare = strchr(file, '/') == NULL && access(file, F_OK) == 0;
	snprintf(ret, size, "%s%s", bare ? "./" : "", file);
}

int cli_check_syscalls(const char *file)
{
	char path[PATH_MAX];
	struct syscall_names names = filter_names();
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return EXIT_SUPERVISOR;
	find_file(file, path, sizeof(path));
	if (read_list(path, list, stdout) < 0)
		return EXIT_USAGE;
	const char *lacks = check_syscalls_lack(list, &names);
	if (lacks != NULL)
		printf("%s: warning: allows no %s: to be included, for alone no worker can live with it\n", file, lacks);
	printf("%s: no errors\n", file);
	return EXIT_OK;
}

static int print_difference(const struct syscall_list *list, const char *file, const struct syscall_list *other,
			    const char *name)
{
	cleanup_free struct syscall_diff *diff = malloc(sizeof(*diff));
	if (diff == NULL)
		return EXIT_SUPERVISOR;
	syscall_diff(list, other, diff);
	cleanup_free char *text = syscall_diff_text(diff, list, file, other, name);
	if (text == NULL)
		return EXIT_SUPERVISOR;
	fputs(text, stdout);
	return syscall_diff_allows_more(diff) ? 1 : EXIT_OK;
}

int cli_diff_syscalls(const char *file, const char *other)
{
	char path[PATH_MAX];
	cleanup_free struct syscall_list *list = calloc(1, sizeof(*list));
	cleanup_free struct syscall_list *against = calloc(1, sizeof(*against));
	if (list == NULL || against == NULL)
		return EXIT_SUPERVISOR;
	find_file(file, path, sizeof(path));
	int result = cli_read_syscalls(path, list);
	if (cli_read_syscalls(other, against) < 0 || result < 0)
		return EXIT_USAGE;
	return print_difference(list, file, against, other);
}
