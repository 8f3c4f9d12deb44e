/* SPDX-License-Identifier: Apache-2.0 */
/* run: what `run` and `learn` supervise: from options to what a worker is launched from. */
#ifndef SUPERVISOR_CLI_RUN_H
#define SUPERVISOR_CLI_RUN_H

#include "supervisor/cli/cli.h"
#include "supervisor/service/service.h"

/* `options` must live as long as the setup, which service_run takes over. NULL with *ret_status to leave with; what
 * is wrong has then been printed. */
struct service_setup *run_make(const struct run_options *options, int *ret_status);

#endif
