/* SPDX-License-Identifier: Apache-2.0 */
/* launch: struct launch <-> bytes. Both ends are ours, but the bytes are still checked: lengths before meaning, and a
 * version, so that a package upgrade cannot mix an old supervisor with a new child. Pure. */
#ifndef SUPERVISOR_WIRE_LAUNCH_H
#define SUPERVISOR_WIRE_LAUNCH_H

#include "base/failure.h"
#include "supervisor/types/launch.h"

/* *ret is malloc'ed. */
int launch_encode(const struct launch *launch, unsigned char **ret, size_t *ret_length, struct failure *why);

/* Refuses what is not exactly one record of this version. launch_finish releases what *ret owns; safe on zeroed. */
int launch_decode(const unsigned char *bytes, size_t length, struct launch *ret, struct failure *why);
void launch_finish(struct launch *launch);

size_t launch_report_encode(const struct launch_report *report, unsigned char *buffer, size_t size);
int launch_report_decode(const unsigned char *bytes, size_t length, struct launch_report *ret, struct failure *why);

#endif
