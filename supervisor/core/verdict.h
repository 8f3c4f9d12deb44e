/* SPDX-License-Identifier: Apache-2.0 */
/* verdict: the pure function from evidence to the one verdict of a death. */
#ifndef SUPERVISOR_CORE_VERDICT_H
#define SUPERVISOR_CORE_VERDICT_H

#include "supervisor/types/verdict.h"

/* Judges. Never fails: where the evidence cannot decide, ret->certain is false and the evidence lines say why. */
void verdict_judge(const struct evidence *evidence, struct verdict *ret);

/* The status that `run` exits with when this death ends the service: the worker's own exit code, 128 + signal, 126 or
 * 127 for exec, 0 for stopped. */
int verdict_exit_status(const struct verdict *verdict);

/* True where restart.when: failure restarts after it (everything but exit 0, stopped and replaced). */
bool verdict_is_failure(const struct verdict *verdict);

#endif
