/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the system-call filter of sandbox.syscalls, made by libseccomp, loaded by heapward-child. */
#ifndef SUPERVISOR_EDGE_FILTER_H
#define SUPERVISOR_EDGE_FILTER_H

#include "base/failure.h"

/* Builds the list compat as raw struct sock_filter bytes (malloc'ed). */
int filter_build(unsigned char **ret, size_t *ret_bytes, struct failure *why);

#endif
