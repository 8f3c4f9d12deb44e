/* SPDX-License-Identifier: Apache-2.0 */
/* external: a command that is a program of its own in libexec: becomes it. */
#include "supervisor/cli/cli.h"
#include "supervisor/edge/libexec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

int cli_external(int argc UNUSED, char **argv)
{
	struct failure why;
	char name[64], path[PATH_MAX];
	snprintf(name, sizeof(name), "heapward-%s", argv[0]);
	if (libexec_path(name, path, sizeof(path), &why) == 0) {
		execv(path, argv);
		failed(&why, errno, "%.400s", path);
	}
	fprintf(stderr, "heapward: %s: %s; is the installation whole?\n", argv[0], why.text);
	return EXIT_SUPERVISOR;
}
