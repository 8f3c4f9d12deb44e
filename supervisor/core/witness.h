/* SPDX-License-Identifier: Apache-2.0 */
/* witness: what the reporters of a worker bear out of its end. Records can be forged by the worker, so none of them counts
 * against what the kernel says of the process that they name. Pure. */
#ifndef SUPERVISOR_CORE_WITNESS_H
#define SUPERVISOR_CORE_WITNESS_H

#include "supervisor/types/verdict.h"

#define SHELL_SIGNAL 128 /* a shell tells of a signal's death as 128 + signal */

/* The exit code that a shell would make of an end, `code` and `status` as of waitid. */
int witness_exit_code(int code, int status);

/* Whether the main process was ended by `signal`. */
bool witness_main_ended_by(const struct evidence *evidence, int signal);

bool witness_is_main(const struct evidence *evidence, const struct reporter *reporter);

/* Reporters are borrowed from the evidence; NULL where there is none such. */

/* A server that was near its limit shortly before the end, whatever its own end was. */
const struct reporter *witness_near_limit(const struct evidence *evidence);

/* A server that was near its limit and then ended as V8 ends there, as far as the kernel tells. */
const struct reporter *witness_of_limit(const struct evidence *evidence);

/* A worker thread that lived, or was being taken down, when its process ended as V8 ends. V8 tells of a thread's limit nobody
 * but Node, which contains most of them; a single huge allocation can end the whole process. */
const struct reporter *witness_in_a_thread(const struct evidence *evidence);

/* A server that reports, but cannot report its limit. */
const struct reporter *witness_blind(const struct evidence *evidence);

/* Whether any server would report its limit. */
bool witness_any(const struct evidence *evidence);

/* Whether a near limit would have been told, so that no record of one means that there was none. */
bool witness_would_have_told(const struct evidence *evidence);

/* Behind a wrapper the kill of node shows as exit 137 or 1 of npm: then the end of a process that reported must bear it
 * out, or the exit code of what is a wrapper. */
bool witness_of_kill(const struct evidence *evidence);

/* The limit that this reporter claims, in bytes: its old space, else its heap size limit; SIZE_UNKNOWN. */
uint64_t witness_limit(const struct reporter *reporter);

/* Whether the kernel ever counted, in the worker's whole group, anything like the heap and the limit that this reporter
 * claims. Half of it: what was swapped out is not in the peak. True where the kernel has told no peak. */
bool witness_had_the_memory(const struct evidence *evidence, const struct reporter *reporter);

#endif
