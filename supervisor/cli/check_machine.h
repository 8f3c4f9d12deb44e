/* SPDX-License-Identifier: Apache-2.0 */
/* check_machine: see check_machine.c. */
#ifndef SUPERVISOR_CLI_CHECK_MACHINE_H
#define SUPERVISOR_CLI_CHECK_MACHINE_H

#include "supervisor/core/policy_error.h"

/* Adds a warning for the user, the paths and the command of the policy that this machine does not have. ret_stops: for which
 * keys `run` would not start here: "sandbox.user, sandbox.read_write"; "" where for none. */
void check_machine(const struct policy *policy, struct policy_errors *errors, char *ret_stops, size_t size);

#endif
