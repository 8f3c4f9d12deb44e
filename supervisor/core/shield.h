/* SPDX-License-Identifier: Apache-2.0 */
/* shield: what a worker with the supervisor's own uid may not do to it, as rules of the worker's filter. The kernel lets processes of one
 * user signal, starve and limit each other. */
#ifndef SUPERVISOR_CORE_SHIELD_H
#define SUPERVISOR_CORE_SHIELD_H

#include "supervisor/core/syscall_list.h"

/* Adds the rules that keep this process and this process group; `pid` and `group` as the worker would name them. A call that
 * the library does not know is passed over. `noticed`: also what a correct program can notice, which a run without a policy must not
 * do. -1: no room. */
int shield_add(struct syscall_list *list, const struct syscall_names *names, int32_t pid, int32_t group, bool noticed);

#endif
