/* SPDX-License-Identifier: Apache-2.0 */
/* memory_file: a file in memory that can be sealed and that no program can become, where the kernel can promise that (6.3): a list of
 * system calls around us may allow no other. */
#ifndef BASE_MEMORY_FILE_H
#define BASE_MEMORY_FILE_H

#include <errno.h>
#include <sys/mman.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* A descriptor that exec closes, or -1 with errno. */
static inline int memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

#endif
