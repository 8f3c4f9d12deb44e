/* SPDX-License-Identifier: Apache-2.0 */
/* status: struct status as the JSON object of one service, with the names that scripts rely on. */
#ifndef SUPERVISOR_CORE_STATUS_H
#define SUPERVISOR_CORE_STATUS_H

#include "supervisor/types/status.h"

/* malloc'ed, NUL-terminated, one line; NULL only where memory is out. */
char *status_json(const struct status *status);

#endif
