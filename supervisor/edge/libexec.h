/* SPDX-License-Identifier: Apache-2.0 */
/* libexec: where our other programs and the agent are: the compiled-in directory, or, for a binary that still runs in its
 * build tree, that tree. Never the working directory, PATH or the environment. */
#ifndef SUPERVISOR_EDGE_LIBEXEC_H
#define SUPERVISOR_EDGE_LIBEXEC_H

#include "base/failure.h"

/* Opens one of our programs by name, O_CLOEXEC. Returns the descriptor or -1. */
int libexec_open(const char *name, struct failure *why);

/* The path of a program, of the agent, or of the folder with our lists of system calls; fails where it cannot be read. */
int libexec_path(const char *name, char *path, size_t size, struct failure *why);

#endif
