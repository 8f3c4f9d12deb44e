/* SPDX-License-Identifier: Apache-2.0 */
/* memory_file: a file that is in memory only, for data. */
#ifndef BASE_MEMORY_FILE_H
#define BASE_MEMORY_FILE_H

/* A new one, closed by exec, that can be sealed; -1 with errno. It can never be made a program, where the kernel knows how to say so
 * (6.3): without that, filters such as our own list "server" may not let it be made. */
int memory_file_make(const char *name);

#endif
