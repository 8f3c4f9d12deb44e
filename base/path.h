/* SPDX-License-Identifier: Apache-2.0 */
/* path: what absolute paths without links, "." and ".." say of each other by their names alone. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <string.h>

/* True where `path` is within `directory`, and not the directory itself. */
static inline bool path_is_below(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);
	return strncmp(path, directory, length) == 0 && path[length] == '/' && path[length + 1] != '\0';
}

#endif
